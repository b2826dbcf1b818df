#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"
#include "common/rng.h"

#define ROUNDS 50000

static const char example[] =
    "{\"symbol\":\"AAPL\",\"price\":189.45,\"change\":0.38,\"percent\":0.2,\"open\":189.1,"
    "\"high\":190.02,\"low\":188.4,\"prev_close\":189.07,\"volume\":51234,"
    "\"timestamp\":1712331900000,\"seq\":4711,\"mode\":\"demo\"}";

static struct decimal dec(const char *text)
{
    struct decimal d;

    assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
    return d;
}

static struct quote example_quote(void)
{
    return (struct quote){
        .symbol = "AAPL",
        .known = QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE | QUOTE_VOLUME,
        .mode = MODE_DEMO,
        .price = dec("189.45"),
        .open = dec("189.10"),
        .high = dec("190.02"),
        .low = dec("188.40"),
        .prev_close = dec("189.07"),
        .volume = dec("51234"),
        .timestamp = {1712331900000},
        .seq = 4711,
    };
}

static void assert_decimal(struct decimal a, struct decimal b)
{
    assert_int_equal(a.coef, b.coef);
    assert_int_equal(a.scale, b.scale);
}

/* Members that are not known may hold anything. */
static void assert_same(const struct quote *a, const struct quote *b)
{
    assert_string_equal(a->symbol, b->symbol);
    assert_int_equal(a->known, b->known);
    assert_int_equal(a->mode, b->mode);
    assert_decimal(a->price, b->price);
    if (a->known & QUOTE_OPEN)
        assert_decimal(a->open, b->open);
    if (a->known & QUOTE_HIGH)
        assert_decimal(a->high, b->high);
    if (a->known & QUOTE_LOW)
        assert_decimal(a->low, b->low);
    if (a->known & QUOTE_PREV_CLOSE)
        assert_decimal(a->prev_close, b->prev_close);
    if (a->known & QUOTE_VOLUME)
        assert_decimal(a->volume, b->volume);
    assert_int_equal(a->timestamp.ms, b->timestamp.ms);
    assert_int_equal(a->seq, b->seq);
}

static void assert_encodes(const struct quote *q, const char *expected)
{
    char buf[QUOTE_PACKET_MAX + 1];
    size_t len = quote_encode(q, buf);

    buf[len] = '\0';
    assert_string_equal(buf, expected);
}

static struct quote decode(const char *json)
{
    struct quote q;

    assert_int_equal(quote_decode(json, strlen(json), &q), 0);
    return q;
}

/*
 * Writing
 */

static void a_quote_is_written_as_the_contract_shows_it(void **state)
{
    struct quote q = example_quote();

    (void)state;
    assert_encodes(&q, example);
}

static void what_is_not_known_is_left_out(void **state)
{
    struct quote q = example_quote();

    (void)state;
    q.known = QUOTE_VOLUME;
    q.mode = MODE_LIVE;
    assert_encodes(&q, "{\"symbol\":\"AAPL\",\"price\":189.45,\"volume\":51234,"
                       "\"timestamp\":1712331900000,\"seq\":4711,\"mode\":\"live\"}");
    q.known = 0;
    q.mode = MODE_REPLAY;
    assert_encodes(&q, "{\"symbol\":\"AAPL\",\"price\":189.45,"
                       "\"timestamp\":1712331900000,\"seq\":4711,\"mode\":\"replay\"}");
}

static void the_session_comes_last_and_comes_back(void **state)
{
    struct quote q = example_quote();

    (void)state;
    q.known = 0;
    q.session = SESSION_POST;
    assert_encodes(&q, "{\"symbol\":\"AAPL\",\"price\":189.45,\"timestamp\":1712331900000,"
                       "\"seq\":4711,\"mode\":\"demo\",\"session\":\"post\"}");
    for (unsigned session = SESSION_PRE; session <= SESSION_CLOSED; session++) {
        char buf[QUOTE_PACKET_MAX];

        q.session = (uint8_t)session;
        assert_int_equal(quote_decode(buf, quote_encode(&q, buf), &q), 0);
        assert_int_equal(q.session, session);
    }
    q = decode("{\"symbol\":\"A\",\"price\":1,\"timestamp\":1,\"session\":\"overnight\"}");
    assert_int_equal(q.session, SESSION_UNKNOWN);
}

static void there_is_no_percent_of_zero(void **state)
{
    struct quote q = example_quote();

    (void)state;
    q.known = QUOTE_PREV_CLOSE;
    q.prev_close = dec("0");
    assert_encodes(&q, "{\"symbol\":\"AAPL\",\"price\":189.45,\"change\":189.45,\"prev_close\":0,"
                       "\"timestamp\":1712331900000,\"seq\":4711,\"mode\":\"demo\"}");
}

static void a_change_that_cannot_be_exact_is_left_out(void **state)
{
    struct quote q = example_quote();

    (void)state;
    q.known = QUOTE_PREV_CLOSE;
    q.price = dec("100000000000000000");
    q.prev_close = dec("0.01");
    assert_encodes(&q, "{\"symbol\":\"AAPL\",\"price\":100000000000000000,\"prev_close\":0.01,"
                       "\"timestamp\":1712331900000,\"seq\":4711,\"mode\":\"demo\"}");
}

static void a_symbol_is_escaped_for_json(void **state)
{
    struct quote q = {.symbol = "A\"\\\x1f€", .price = dec("1"), .seq = 1};
    struct quote back;

    (void)state;
    assert_encodes(&q, "{\"symbol\":\"A\\\"\\\\\\u001f€\",\"price\":1,"
                       "\"timestamp\":0,\"seq\":1,\"mode\":\"demo\"}");
    back = decode("{\"symbol\":\"A\\\"\\\\\\u001f\\u20ac\",\"price\":1,"
                  "\"timestamp\":0,\"seq\":1,\"mode\":\"demo\"}");
    assert_same(&q, &back);
}

static void a_topic_holds_the_escaped_symbol(void **state)
{
    char topic[QUOTE_TOPIC_MAX];

    (void)state;
    assert_int_equal(quote_topic("BTC/USD", "/price", topic), 22);
    assert_string_equal(topic, "stocks/BTC%2FUSD/price");
    assert_int_equal(quote_topic("AAPL", "", topic), 11);
    assert_string_equal(topic, "stocks/AAPL");
}

static void modes_have_names(void **state)
{
    (void)state;
    assert_string_equal(quote_mode_name(MODE_DEMO), "demo");
    assert_string_equal(quote_mode_name(MODE_REPLAY), "replay");
    assert_string_equal(quote_mode_name(MODE_LIVE), "live");
}

/* The quote whose every member is as long as it gets. */
static struct quote longest_quote(void)
{
    struct decimal longest = dec("-0.100000000000000001");

    return (struct quote){
        .symbol = "\x01\x01\x01\x01\x01\x01//////////", /* 48 bytes in the topic, 46 in JSON */
        .known = 0x1f,
        .mode = MODE_REPLAY,
        .price = dec("0.200000000000000001"),
        .open = longest,
        .high = longest,
        .low = longest,
        .prev_close = longest,
        .volume = longest,
        .timestamp = {INT64_MIN},
        .seq = UINT64_MAX,
    };
}

/* Bytes of the PUBLISH packet with QoS 0; MQTT 5 adds an empty list of properties. */
static size_t packet_size(const struct quote *q, size_t payload, bool mqtt5)
{
    char topic[QUOTE_TOPIC_MAX];
    size_t remaining = 2 + quote_topic(q->symbol, "", topic) + mqtt5 + payload;

    return 1 + (remaining < 128 ? 1u : 2u) + remaining;
}

/* The optional members in the JSON of `q`, by their first letters: o l h r(prev_close) p c v. */
static void assert_keeps(const struct quote *q, const char *expected)
{
    static const char *const keys[] = {"\"open\"",    "\"low\"",    "\"high\"",  "\"prev_close\"",
                                       "\"percent\"", "\"change\"", "\"volume\""};
    char json[QUOTE_PACKET_MAX + 1], kept[8] = "";
    size_t len = quote_encode(q, json), n = 0;

    assert_true(packet_size(q, len, true) <= QUOTE_PACKET_MAX);
    json[len] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strstr(json, keys[i]) != NULL)
            kept[n++] = "olhrpcv"[i];
    assert_string_equal(kept, expected);
}

static void members_leave_in_order_until_the_packet_fits(void **state)
{
    struct quote q = longest_quote();

    (void)state;
    assert_keeps(&q, "v");
    memcpy(q.symbol, "////////////////", 17);
    assert_keeps(&q, "cv");
    memcpy(q.symbol, "AAPL", 5);
    assert_keeps(&q, "rpcv");
    q.seq = 1;
    q.timestamp.ms = 1712331900000;
    assert_keeps(&q, "hrpcv");
    q.high = q.low = dec("1");
    assert_keeps(&q, "lhrpcv");
    q.open = dec("1");
    assert_keeps(&q, "olhrpcv");
}

static void prev_close_follows_from_change(void **state)
{
    struct quote q =
        decode("{\"symbol\":\"AAPL\",\"price\":189.45,\"change\":0.38,\"timestamp\":1}");

    (void)state;
    assert_int_equal(q.known, QUOTE_PREV_CLOSE);
    assert_decimal(q.prev_close, dec("189.07"));
    q = decode(
        "{\"symbol\":\"AAPL\",\"price\":189.45,\"change\":5,\"prev_close\":1,\"timestamp\":1}");
    assert_decimal(q.prev_close, dec("1")); /* said outright, it counts */
}

/* A symbol that symbol_normalize() accepts. */
static void any_symbol(struct rng *r, char ret[SYMBOL_MAX + 1])
{
    static const char bytes[] = "ABCXYZ019.-/+#%\"\\\x01\x1f\x7f\xc3\xa9\xe2\x82\xac";
    char s[SYMBOL_MAX];
    size_t len;

    do {
        len = rng_below(r, SYMBOL_MAX) + 1;
        for (size_t i = 0; i < len; i++)
            s[i] = bytes[rng_below(r, sizeof(bytes) - 1)];
    } while (symbol_normalize(s, len, ret) < 0);
}

static struct decimal any_decimal(struct rng *r)
{
    char text[48];
    struct decimal d;
    int64_t limit = 1;

    for (uint64_t digits = rng_below(r, rng_below(r, 18) + 2); digits > 0; digits--)
        limit *= 10;
    d = decimal_from_int((int64_t)rng_below(r, (uint64_t)limit) * (rng_below(r, 4) ? 1 : -1));
    decimal_format(d, text);
    memcpy(text + strlen(text), "e-00", 5);
    text[strlen(text) - 1] = (char)('0' + rng_below(r, 10));
    return dec(text);
}

static struct quote any_quote(struct rng *r)
{
    struct quote q = {
        .known = (uint8_t)rng_below(r, 0x20),
        .mode = (uint8_t)rng_below(r, 3),
        .session = (uint8_t)rng_below(r, SESSION_CLOSED + 1),
        .price = any_decimal(r),
        .open = any_decimal(r),
        .high = any_decimal(r),
        .low = any_decimal(r),
        .prev_close = any_decimal(r),
        .volume = any_decimal(r),
        .timestamp = {(int64_t)(rng_next(r) >> rng_below(r, 64))},
        .seq = rng_next(r) >> rng_below(r, 64),
    };

    any_symbol(r, q.symbol);
    return q;
}

static void every_quote_fits_a_packet_and_comes_back(void **state)
{
    struct rng r;
    int whole = 0, cut = 0;

    (void)state;
    rng_seed(&r, 1);
    for (int i = 0; i < ROUNDS; i++) {
        struct quote q = any_quote(&r), back;
        char once[QUOTE_PACKET_MAX], twice[QUOTE_PACKET_MAX];
        size_t len = quote_encode(&q, once);

        assert_true(packet_size(&q, len, true) <= QUOTE_PACKET_MAX);
        assert_int_equal(quote_decode(once, len, &back), 0);
        assert_int_equal(back.known & ~q.known, 0);
        assert_int_equal(quote_encode(&back, twice), len);
        assert_memory_equal(once, twice, len);

        if (back.known == q.known)
            whole++;
        else
            cut++;
        q.known = back.known; /* what is left is as it was */
        if (back.session != SESSION_UNKNOWN)
            assert_int_equal(back.session, q.session);
        assert_same(&q, &back);
    }
    assert_true(whole > ROUNDS / 100 && cut > ROUNDS / 100);
}

static void an_ordinary_quote_loses_nothing(void **state)
{
    struct quote q = example_quote(), back;
    char buf[QUOTE_PACKET_MAX];

    (void)state;
    memcpy(q.symbol, "BTC/USD", 8);
    q.price = dec("98765.43");
    q.prev_close = dec("97654.32");
    q.open = dec("97650.01");
    q.high = dec("99999.99");
    q.low = dec("97000.5");
    q.volume = dec("23456.78901234");
    q.seq = 12345678;
    assert_int_equal(quote_decode(buf, quote_encode(&q, buf), &back), 0);
    assert_same(&q, &back);
    memcpy(q.symbol, "GOOGL", 6); /* a stock has whole shares, and a session */
    q.volume = dec("234567890");
    q.session = SESSION_REGULAR;
    assert_int_equal(quote_decode(buf, quote_encode(&q, buf), &back), 0);
    assert_same(&q, &back);
    assert_int_equal(back.session, SESSION_REGULAR);
}

/*
 * Reading
 */

static void members_come_in_any_order_with_any_space(void **state)
{
    struct quote a =
        decode(" {\n\t\"mode\" : \"demo\" ,\r\n\"seq\":4711,\"timestamp\":1712331900000,"
               "\"volume\":5.1234e4,\"prev_close\":189.070,\"low\":188.4,"
               "\"high\":190.02,\"open\":1891E-1,\"price\":189.45,"
               "\"symbol\":\"aapl\" } \n");
    struct quote b = example_quote();

    (void)state;
    assert_same(&a, &b);
}

static void numbers_stay_exact(void **state)
{
    struct quote q = decode("{\"symbol\":\"A\",\"price\":0.123456789012345678,"
                            "\"volume\":999999999999999999,\"timestamp\":9007199254740993}");

    (void)state;
    assert_decimal(q.price, dec("0.123456789012345678"));
    assert_decimal(q.volume, dec("999999999999999999"));
    assert_int_equal(q.timestamp.ms, 9007199254740993);
}

static void what_is_missing_is_not_known(void **state)
{
    struct quote q = decode("{\"symbol\":\"A\",\"price\":1,\"timestamp\":-5}");

    (void)state;
    assert_int_equal(q.known, 0);
    assert_int_equal(q.seq, 0);
    assert_int_equal(q.mode, MODE_DEMO);
    assert_int_equal(q.timestamp.ms, -5);
}

static void unknown_members_are_skipped(void **state)
{
    struct quote q = decode(
        "{\"x\":{\"price\":[7,{\"a\":[]},{}],\"s\":\"}\\\"]\"},\"n\":null,\"t\":true,\"f\":false,"
        "\"e\":-0.5E+10,\"\":[ ],\"a_name_much_longer_than_any_symbol\":\"\\ud83d\\ude00\","
        "\"symbol\":\"A\",\"price\":1,\"timestamp\":2,\"session\":\"pre\"}");

    (void)state;
    assert_decimal(q.price, dec("1"));
    assert_int_equal(q.known, 0);
}

static void of_equal_members_the_last_counts(void **state)
{
    struct quote q = decode("{\"symbol\":\"A\",\"price\":1,\"timestamp\":2,\"price\":3,"
                            "\"symbol\":\"B\",\"timestamp\":4,\"pr\\u0069ce\":5}");

    (void)state;
    assert_string_equal(q.symbol, "B");
    assert_decimal(q.price, dec("5"));
    assert_int_equal(q.timestamp.ms, 4);
}

#define AROUND(members) "{\"symbol\":\"A\",\"price\":1,\"timestamp\":2" members "}"

static void what_is_no_quote_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "null",
        "[]",
        "{}",
        "\"symbol\"",
        "{\"price\":1,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":1}",
        "{\"symbol\":\"\",\"price\":1,\"timestamp\":2}",
        "{\"symbol\":\"ABCDEFGHIJKLMNOPQRSTUVWXY\",\"price\":1,\"timestamp\":2}",
        "{\"symbol\":\"A\\u0000\",\"price\":1,\"timestamp\":2}",
        "{\"symbol\":\"A\xff\",\"price\":1,\"timestamp\":2}",
        "{\"symbol\":\"A\n\",\"price\":1,\"timestamp\":2}",
        "{\"symbol\":A,\"price\":1,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":\"1\",\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":null,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":01,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":+1,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":.5,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":5.,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":1e,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":-,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":NaN,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":1e30,\"timestamp\":2}",
        "{\"symbol\":\"A\",\"price\":1,\"timestamp\":2.5}",
        "{\"symbol\":\"A\",\"price\":1,\"timestamp\":\"2\"}",
        "{\"symbol\":\"A\",\"price\":1,\"timestamp\":9223372036854775808}",
        "{\"symbol\":\"A\",\"price\":1,\"timestamp\":99999999999999999999}",
        AROUND(",\"seq\":-1"),
        AROUND(",\"seq\":18446744073709551616"),
        AROUND(",\"seq\":007"),
        AROUND(",\"mode\":\"DEMO\""),
        AROUND(",\"mode\":1"),
        AROUND(",\"open\":[1]"),
        AROUND(","),
        AROUND(",\"x\""),
        AROUND(",\"x\":"),
        AROUND(",\"x\":nul"),
        AROUND(",\"x\":tru"),
        AROUND(",\"x\":[1,]"),
        AROUND(",\"x\":[1 2]"),
        AROUND(",\"x\":[1}"),
        AROUND(",\"x\":{\"a\"}"),
        AROUND(",\"x\":{1:2}"),
        AROUND(",\"x\":\"\\x\""),
        AROUND(",\"x\":\"\\u12g4\""),
        AROUND(",\"x\":\"\\ud800\""),
        AROUND(",\"x\":\"\\ud800\\u0041\""),
        AROUND(",\"x\":\"\\udc00\""),
        AROUND(",x:1"),
        AROUND("") "x",
        AROUND("") "{}",
        "\xef\xbb\xbf" AROUND(""),
    };
    struct quote q = {.symbol = "untouched"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (quote_decode(cases[i], strlen(cases[i]), &q) != -EBADMSG)
            fail_msg("accepted: %s", cases[i]);
    assert_string_equal(q.symbol, "untouched");
}

static void nesting_is_bounded(void **state)
{
    static char json[200000];
    struct quote q;
    size_t n;

    (void)state;
    assert_int_equal(quote_decode(AROUND(",\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"),
                                  strlen(AROUND(",\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]")), &q),
                     0);
    n = strlen("{\"x\":");
    memcpy(json, "{\"x\":", n);
    memset(json + n, '[', sizeof(json) - n);
    assert_int_equal(quote_decode(json, sizeof(json), &q), -EBADMSG);
}

/* From a buffer of its exact size, so that a sanitizer sees each byte read beyond. */
static int decode_copy(const char *json, size_t len, struct quote *ret)
{
    char *copy = malloc(len > 0 ? len : 1);
    int r;

    memcpy(copy, json, len);
    r = quote_decode(copy, len, ret);
    free(copy);
    return r;
}

static void a_quote_cut_anywhere_is_refused(void **state)
{
    struct quote q;

    (void)state;
    for (size_t len = 0; len < strlen(example); len++)
        assert_int_equal(decode_copy(example, len, &q), -EBADMSG);
    assert_int_equal(decode_copy(example, strlen(example), &q), 0);
}

static void damaged_bytes_do_no_harm(void **state)
{
    static const char liked[] = "{}[]\",:\\u0e-+.9 tfn\x00\xff\xc3\xd8";
    struct rng r;

    (void)state;
    rng_seed(&r, 3);
    for (int i = 0; i < ROUNDS; i++) {
        char json[sizeof(example)];
        size_t len = rng_below(&r, 4) ? sizeof(example) - 1 : rng_below(&r, sizeof(example));
        struct quote q;
        int result;

        memcpy(json, example, sizeof(example));
        for (uint64_t k = rng_below(&r, 6); k > 0; k--)
            json[rng_below(&r, sizeof(example) - 1)] = liked[rng_below(&r, sizeof(liked) - 1)];
        result = decode_copy(json, len, &q);
        assert_true(result == 0 || result == -EBADMSG);
        if (result == 0)
            assert_true(quote_encode(&q, (char[QUOTE_PACKET_MAX]){0}) <= QUOTE_PACKET_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_is_written_as_the_contract_shows_it),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(the_session_comes_last_and_comes_back),
        cmocka_unit_test(there_is_no_percent_of_zero),
        cmocka_unit_test(a_change_that_cannot_be_exact_is_left_out),
        cmocka_unit_test(a_symbol_is_escaped_for_json),
        cmocka_unit_test(a_topic_holds_the_escaped_symbol),
        cmocka_unit_test(modes_have_names),
        cmocka_unit_test(members_leave_in_order_until_the_packet_fits),
        cmocka_unit_test(prev_close_follows_from_change),
        cmocka_unit_test(every_quote_fits_a_packet_and_comes_back),
        cmocka_unit_test(an_ordinary_quote_loses_nothing),
        cmocka_unit_test(members_come_in_any_order_with_any_space),
        cmocka_unit_test(numbers_stay_exact),
        cmocka_unit_test(what_is_missing_is_not_known),
        cmocka_unit_test(unknown_members_are_skipped),
        cmocka_unit_test(of_equal_members_the_last_counts),
        cmocka_unit_test(what_is_no_quote_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(a_quote_cut_anywhere_is_refused),
        cmocka_unit_test(damaged_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
