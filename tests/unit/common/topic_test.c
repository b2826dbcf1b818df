#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "common/topic.h"

#define ROUNDS 20000

/*
 * Escaping
 */

static void assert_escape(const char *s, const char *expected)
{
    char escaped[128], back[128];
    size_t len = topic_level_escape(s, strlen(s), escaped, sizeof(escaped));

    assert_int_equal(len, strlen(expected));
    assert_memory_equal(escaped, expected, len);
    assert_int_equal(topic_level_unescape(escaped, len, back, sizeof(back)), (long)strlen(s));
    assert_memory_equal(back, s, strlen(s));
}

static void what_a_level_must_not_hold_is_escaped(void **state)
{
    (void)state;
    assert_escape("AAPL", "AAPL");
    assert_escape("BTC/USD", "BTC%2FUSD");
    assert_escape("A+B#C%D", "A%2BB%23C%25D");
    assert_escape("BRK.B", "BRK.B");
    assert_escape("^GSPC", "^GSPC");
    assert_escape("$X", "$X");
    assert_escape("\x01\x1f\x7f", "%01%1F%7F");
    assert_escape("ÄÖ", "ÄÖ");
    assert_escape("\xc2\x80\xc2\x9f\xc2\xa0", "%C2%80%C2%9F\xc2\xa0");
    assert_escape("\xef\xbf\xbe", "%EF%BF%BE"); /* U+FFFE */
    assert_escape("\xef\xb7\x90", "%EF%B7%90"); /* U+FDD0 */
    assert_escape("\xff\xc0\xaf", "%FF%C0%AF"); /* not UTF-8 */
    assert_escape("\xed\xa0\x80", "%ED%A0%80"); /* a surrogate */
    assert_escape("\xf0\x9f\x92\xb0", "\xf0\x9f\x92\xb0");
}

/* Any bytes; now and then such as make sequences and special ones likelier. */
static size_t any_bytes(struct rng *r, char *buf, size_t max)
{
    static const char liked[] =
        "AZ/+#%\0\x7f\xc2\x80\x9f\xe2\x82\xac\xf0\x9f\x92\xb0\xed\xa0\xef\xbf\xbe";
    size_t len = rng_below(r, max + 1);

    for (size_t i = 0; i < len; i++)
        buf[i] = rng_below(r, 2) ? (char)rng_below(r, 256) : liked[rng_below(r, sizeof(liked) - 1)];
    return len;
}

static void any_bytes_make_a_level_and_come_back(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 1);
    for (int i = 0; i < ROUNDS; i++) {
        char s[40], level[120], back[120];
        size_t len = any_bytes(&r, s, sizeof(s)), n;

        n = topic_level_escape(s, len, level, sizeof(level));
        assert_true(n >= len && n <= 3 * len);
        if (len > 0)
            assert_true(topic_valid(level, n));
        assert_null(memchr(level, '/', n));
        assert_int_equal(topic_level_unescape(level, n, back, sizeof(back)), (long)len);
        assert_memory_equal(back, s, len);
    }
}

static void a_level_that_does_not_fit_is_not_cut(void **state)
{
    char buf[8];

    (void)state;
    assert_int_equal(topic_level_escape("A/B", 3, buf, 4), 0);
    assert_int_equal(topic_level_escape("A/B", 3, buf, 5), 5);
    assert_int_equal(topic_level_unescape("A%2FB", 5, buf, 2), -ENOBUFS);
    assert_int_equal(topic_level_unescape("A%2FB", 5, buf, 3), 3);
}

static void unescaping_reads_any_escape(void **state)
{
    static const char *const broken[] = {"%", "%2", "A%", "A%2", "%2G", "%G2", "%%41", "% 1"};
    char buf[8];

    (void)state;
    assert_int_equal(topic_level_unescape("%41%2f%2F", 9, buf, sizeof(buf)), 3);
    assert_memory_equal(buf, "A//", 3);
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
        assert_int_equal(topic_level_unescape(broken[i], strlen(broken[i]), buf, sizeof(buf)),
                         -EINVAL);
}

/*
 * Symbols
 */

static void a_symbol_is_upper_case(void **state)
{
    char symbol[SYMBOL_MAX + 1];

    (void)state;
    assert_int_equal(symbol_normalize("brk.b", 5, symbol), 0);
    assert_string_equal(symbol, "BRK.B");
    assert_int_equal(symbol_normalize("btc/usdt", 7, symbol), 0);
    assert_string_equal(symbol, "BTC/USD");
    assert_int_equal(symbol_normalize("é", 2, symbol), 0);
    assert_string_equal(symbol, "é");
}

static void a_symbol_that_cannot_be_one_is_refused(void **state)
{
    static const struct {
        const char *s;
        size_t len;
    } cases[] = {
        {"", 0},
        {"ABCDEFGHIJKLMNOPQRSTUVWXY", 25},
        {"A\0B", 3},
        {"\xff", 1},
        {"A\xc3", 2},
        {"/////////////////", 17},                   /* 51 bytes as a level */
        {"\x01\x01\x01\x01\x01\x01\x01\x01\x01", 9}, /* 54 bytes in JSON */
    };
    char symbol[SYMBOL_MAX + 1] = "untouched";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(symbol_normalize(cases[i].s, cases[i].len, symbol), -EINVAL);
    assert_string_equal(symbol, "untouched");
    assert_int_equal(symbol_normalize("ABCDEFGHIJKLMNOPQRSTUVWX", 24, symbol), 0);
    assert_int_equal(symbol_normalize("////////////////", 16, symbol), 0);
    assert_int_equal(
        symbol_normalize("\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", 24, symbol), 0);
}

/*
 * UTF-8
 */

static void utf8_is_well_formed_and_has_no_nul(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "a€b"};
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe2\x82",
        "\xe2\x82\x41",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xf0\x9f\x92",
        "a\x80",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(utf8_valid(bad[i], strlen(bad[i])));
    assert_false(utf8_valid("a\0b", 3));
}

/*
 * Topics and filters
 */

static void topics_and_filters_are_told_from_what_is_none(void **state)
{
    static const struct {
        const char *s;
        bool topic, filter;
    } cases[] = {
        {"", false, false},      {"/", true, true},           {"a", true, true},
        {"a//b", true, true},    {"stocks/AAPL", true, true}, {"$SYS/x", true, true},
        {"#", false, true},      {"+", false, true},          {"a/#", false, true},
        {"+/b/#", false, true},  {"/+", false, true},         {"+/", false, true},
        {"a/b#", false, false},  {"#/a", false, false},       {"a/#/", false, false},
        {"a+", false, false},    {"+a", false, false},        {"a/+b/c", false, false},
        {"++", false, false},    {"+#", false, false},        {"##", false, false},
        {"a\xff", false, false},
    };
    static char longest[TOPIC_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(topic_valid(cases[i].s, strlen(cases[i].s)), cases[i].topic);
        assert_int_equal(filter_valid(cases[i].s, strlen(cases[i].s)), cases[i].filter);
    }
    assert_false(topic_valid("a\0b", 3));
    assert_false(filter_valid("a\0b", 3));
    memset(longest, 'a', sizeof(longest));
    assert_true(topic_valid(longest, TOPIC_MAX));
    assert_false(topic_valid(longest, TOPIC_MAX + 1));
    assert_true(filter_valid(longest, TOPIC_MAX));
    assert_false(filter_valid(longest, TOPIC_MAX + 1));
}

static bool matches(const char *filter, const char *topic)
{
    return filter_matches(filter, strlen(filter), topic, strlen(topic));
}

static void the_examples_of_the_standard_match(void **state)
{
    (void)state;
    assert_true(matches("sport/tennis/player1/#", "sport/tennis/player1"));
    assert_true(matches("sport/tennis/player1/#", "sport/tennis/player1/ranking"));
    assert_true(matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
    assert_true(matches("sport/#", "sport"));
    assert_true(matches("#", "sport/tennis"));
    assert_true(matches("sport/tennis/+", "sport/tennis/player1"));
    assert_false(matches("sport/tennis/+", "sport/tennis/player1/ranking"));
    assert_false(matches("sport/+", "sport"));
    assert_true(matches("sport/+", "sport/"));
    assert_true(matches("+/+", "/finance"));
    assert_true(matches("/+", "/finance"));
    assert_false(matches("+", "/finance"));
    assert_false(matches("#", "$SYS/uptime"));
    assert_false(matches("+/monitor/Clients", "$SYS/monitor/Clients"));
    assert_true(matches("$SYS/#", "$SYS/monitor/Clients"));
    assert_true(matches("$SYS/monitor/+", "$SYS/monitor/Clients"));
    assert_true(matches("stocks/+/price", "stocks/BTC%2FUSD/price"));
    assert_false(matches("stocks/+", "stocks/AAPL/price"));
    assert_false(matches("ACCOUNTS", "Accounts"));
    assert_true(filter_matches("a/bX", 3, "a/bY", 3)); /* only the bytes that are theirs */
}

/* The standard's rules, level by level over split strings. */
struct levels {
    char level[8][4];
    int n;
};

static void split(const char *s, struct levels *ret)
{
    char *p = ret->level[0];

    ret->n = 1;
    for (; *s != '\0'; s++)
        if (*s == '/') {
            *p = '\0';
            p = ret->level[ret->n++];
        } else {
            *p++ = *s;
        }
    *p = '\0';
}

static bool reference(const struct levels *f, int fi, const struct levels *t, int ti)
{
    if (fi == f->n)
        return ti == t->n;
    if (strcmp(f->level[fi], "#") == 0)
        return true; /* the parent's level and all below */
    if (ti == t->n)
        return false;
    if (strcmp(f->level[fi], "+") != 0 && strcmp(f->level[fi], t->level[ti]) != 0)
        return false;
    return reference(f, fi + 1, t, ti + 1);
}

/* One to four of `choices`, joined by slashes. */
static void join_any(struct rng *r, const char *const *choices, size_t n, char ret[32])
{
    size_t levels = rng_below(r, 4) + 1;
    char *p = ret;

    for (size_t i = 0; i < levels; i++)
        p = stpcpy(stpcpy(p, i > 0 ? "/" : ""), choices[rng_below(r, n)]);
}

static void matching_agrees_with_the_rules_spelled_out(void **state)
{
    static const char *const names[] = {"a", "b", "", "$a", "ab"};
    static const char *const wild[] = {"a", "b", "", "$a", "ab", "+", "+", "#"};
    struct rng r;
    int tried = 0, matched = 0;

    (void)state;
    rng_seed(&r, 2);
    while (tried < ROUNDS) {
        char filter[32], topic[32];
        struct levels f, t;
        bool expected;

        join_any(&r, wild, ARRAY_SIZE(wild), filter);
        join_any(&r, names, ARRAY_SIZE(names), topic);
        if (!filter_valid(filter, strlen(filter)) || !topic_valid(topic, strlen(topic)))
            continue;
        split(filter, &f);
        split(topic, &t);
        expected =
            reference(&f, 0, &t, 0) && !(topic[0] == '$' && (filter[0] == '+' || filter[0] == '#'));
        assert_int_equal(matches(filter, topic), expected);
        tried++;
        matched += expected;
    }
    assert_true(matched > ROUNDS / 20);
}

/*
 * Covering and overlapping: every filter of up to three levels against every other, by all topics
 * of up to four
 */

#define COVER_FILTERS 300
#define COVER_TOPICS 1000

struct texts {
    char text[COVER_TOPICS][16];
    size_t n;
};

/* All joinings of up to `depth` of the words to what is there. */
static void join_all(struct texts *ret, const char *prefix, const char *const *words, size_t n,
                     int depth, bool (*valid)(const char *, size_t))
{
    for (size_t i = 0; i < n; i++) {
        char text[16];
        size_t len = (size_t)snprintf(text, sizeof(text), "%s%s", prefix, words[i]);

        assert_true(len < sizeof(text) - 1);
        if (valid(text, len)) {
            assert_true(ret->n < COVER_TOPICS);
            memcpy(ret->text[ret->n++], text, len + 1);
        }
        memcpy(text + len, "/", 2);
        if (depth > 1)
            join_all(ret, text, words, n, depth - 1, valid);
    }
}

static bool covers(const char *filter, const char *asked)
{
    return filter_covers(filter, strlen(filter), asked, strlen(asked));
}

static bool overlaps(const char *filter, const char *other)
{
    return filter_overlaps(filter, strlen(filter), other, strlen(other));
}

static struct texts filters, topics;
static bool match[COVER_FILTERS][COVER_TOPICS];

static int match_all(void **state)
{
    static const char *const wild[] = {"a", "b", "", "$s", "+", "#"};
    static const char *const names[] = {"a", "b", "", "$s", "x"};

    (void)state;
    join_all(&filters, "", wild, ARRAY_SIZE(wild), 3, filter_valid);
    join_all(&topics, "", names, ARRAY_SIZE(names), 4, topic_valid);
    assert_true(filters.n > 150 && filters.n <= COVER_FILTERS && topics.n > 700);
    for (size_t f = 0; f < filters.n; f++)
        for (size_t t = 0; t < topics.n; t++)
            match[f][t] = matches(filters.text[f], topics.text[t]);
    return 0;
}

static void a_filter_covers_another_exactly_when_it_matches_all_its_topics(void **state)
{
    size_t covered = 0;

    (void)state;
    for (size_t f = 0; f < filters.n; f++)
        for (size_t a = 0; a < filters.n; a++) {
            bool expected = true;
            for (size_t t = 0; t < topics.n && expected; t++)
                expected = match[f][t] || !match[a][t];
            if (covers(filters.text[f], filters.text[a]) != expected)
                fail_msg("%s covers %s: %d", filters.text[f], filters.text[a], !expected);
            covered += expected;
        }
    assert_true(covered > filters.n);
}

static void two_filters_overlap_exactly_when_a_topic_matches_both(void **state)
{
    size_t overlapping = 0;

    (void)state;
    for (size_t f = 0; f < filters.n; f++)
        for (size_t o = 0; o < filters.n; o++) {
            bool expected = false;
            for (size_t t = 0; t < topics.n && !expected; t++)
                expected = match[f][t] && match[o][t];
            if (overlaps(filters.text[f], filters.text[o]) != expected)
                fail_msg("%s overlaps %s: %d", filters.text[f], filters.text[o], !expected);
            overlapping += expected;
        }
    assert_true(overlapping > filters.n);
    assert_true(overlaps("stocks/+", "+/AAPL"));
    assert_true(overlaps("a/#", "a"));
    assert_false(overlaps("a/+", "a"));
    assert_false(overlaps("#", "$SYS/#"));
    assert_false(filter_overlaps("a/bX", 3, "a/c", 3)); /* only the bytes that are theirs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_level_must_not_hold_is_escaped),
        cmocka_unit_test(any_bytes_make_a_level_and_come_back),
        cmocka_unit_test(a_level_that_does_not_fit_is_not_cut),
        cmocka_unit_test(unescaping_reads_any_escape),
        cmocka_unit_test(a_symbol_is_upper_case),
        cmocka_unit_test(a_symbol_that_cannot_be_one_is_refused),
        cmocka_unit_test(utf8_is_well_formed_and_has_no_nul),
        cmocka_unit_test(topics_and_filters_are_told_from_what_is_none),
        cmocka_unit_test(the_examples_of_the_standard_match),
        cmocka_unit_test(matching_agrees_with_the_rules_spelled_out),
        cmocka_unit_test(a_filter_covers_another_exactly_when_it_matches_all_its_topics),
        cmocka_unit_test(two_filters_overlap_exactly_when_a_topic_matches_both),
    };

    return cmocka_run_group_tests(tests, match_all, NULL);
}
