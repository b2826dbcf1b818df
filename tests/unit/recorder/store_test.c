/*
 * What every store has to do. TAPECAST_TEST_STORE names another than an SQLite file of its own, an
 * empty one; the integration tests run this program on a PostgreSQL server.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/batch.h"
#include "recorder/store.h"

#include "common/banned.h"

static char dir[64], path[128];
static const char *url;
static struct store *store;
static int serial; /* a symbol of its own for each test, for stores that outlive one */
static char symbol[SYMBOL_MAX + 1];

static int set_up(void **state)
{
    (void)state;
    url = getenv("TAPECAST_TEST_STORE");
    snprintf(dir, sizeof(dir), "/tmp/tapecast-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/history.db", dir);
    if (url == NULL)
        url = path;
    assert_int_equal(store_open(url, STORE_WRITE, &store), 0);
    snprintf(symbol, sizeof(symbol), "T%d_%d", (int)getpid(), ++serial);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[160];

    (void)state;
    store_close(store);
    store = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return rmdir(dir);
}

static struct decimal number(const char *text)
{
    struct decimal d;

    assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
    return d;
}

static struct bar bar_of(int64_t t, const char *open, const char *high, const char *low,
                         const char *close, const char *volume)
{
    return (struct bar){.t = t,
                        .first_ms = t * 1000 + 17,
                        .last_ms = t * 1000 + 999,
                        .open = number(open),
                        .high = number(high),
                        .low = number(low),
                        .close = number(close),
                        .volume = number(volume)};
}

static void write_bar(enum resolution r, const struct bar *bar)
{
    const struct store_bar row = {symbol, r, *bar};
    const struct store_batch batch = {.bars = &row, .n_bars = 1};

    assert_int_equal(store_write(store, &batch), 0);
}

static void write_at(enum resolution r, int64_t t)
{
    struct bar bar = bar_of(t, "1", "1", "1", "1", "1");

    write_bar(r, &bar);
}

#define READ_MAX 64

struct reading {
    struct bar bars[READ_MAX];
    size_t n;
};

static int keep_bar(void *ctx, const struct bar *bar)
{
    struct reading *c = ctx;

    assert_true(c->n < READ_MAX);
    c->bars[c->n++] = *bar;
    return 0;
}

static struct reading read_bars(enum resolution r, int64_t from, int64_t to, size_t max)
{
    const struct store_range range = {symbol, r, from, to, max};
    struct reading c = {.n = 0};

    assert_int_equal(store_bars(store, &range, keep_bar, &c), 0);
    return c;
}

static void assert_decimal(struct decimal d, const char *text)
{
    char buf[DECIMAL_TEXT_MAX];

    decimal_format(d, buf);
    assert_string_equal(buf, text);
}

static void a_bar_comes_back_exactly(void **state)
{
    struct bar bar = bar_of(1712332800, "189.45", "190.0203", "188", "189.4", "51234.12345678");
    struct reading c;

    (void)state;
    write_bar(RESOLUTION_1M, &bar);
    c = read_bars(RESOLUTION_1M, 0, INT64_MAX, 10);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.bars[0].t, 1712332800);
    assert_int_equal(c.bars[0].first_ms, bar.first_ms);
    assert_int_equal(c.bars[0].last_ms, bar.last_ms);
    assert_decimal(c.bars[0].open, "189.45");
    assert_decimal(c.bars[0].high, "190.0203");
    assert_decimal(c.bars[0].low, "188");
    assert_decimal(c.bars[0].close, "189.4");
    assert_decimal(c.bars[0].volume, "51234.12345678");
}

static void prices_of_very_different_sizes_keep_their_first_eighteen_digits(void **state)
{
    struct bar bar = bar_of(60, "0.000000000123456789", "1234567890.5", "0.000000000123456789",
                            "1234567890.5", "0");

    (void)state;
    write_bar(RESOLUTION_1M, &bar);
    assert_decimal(read_bars(RESOLUTION_1M, 0, 100, 1).bars[0].high, "1234567890.5");
}

static void a_bar_written_again_is_replaced(void **state)
{
    struct bar first = bar_of(60, "1", "2", "1", "2", "10"), again = first;
    struct reading c;

    (void)state;
    again.close = number("1.5");
    again.volume = number("25");
    write_bar(RESOLUTION_1M, &first);
    write_bar(RESOLUTION_1M, &again);
    c = read_bars(RESOLUTION_1M, 0, 1000, 10);
    assert_int_equal(c.n, 1);
    assert_decimal(c.bars[0].close, "1.5");
    assert_decimal(c.bars[0].volume, "25");
}

static void of_one_bar_twice_in_a_batch_the_last_counts(void **state)
{
    const struct store_bar rows[] = {
        {symbol, RESOLUTION_1M, bar_of(60, "1", "1", "1", "1", "1")},
        {symbol, RESOLUTION_1M, bar_of(60, "1", "9", "1", "9", "2")},
    };
    const struct store_batch batch = {.bars = rows, .n_bars = 2};

    (void)state;
    assert_int_equal(store_write(store, &batch), 0);
    assert_decimal(read_bars(RESOLUTION_1M, 0, 100, 10).bars[0].close, "9");
}

static void bars_are_read_in_order_within_a_range_and_a_limit(void **state)
{
    struct reading c;

    (void)state;
    for (int64_t t = 300; t > 0; t -= 60)
        write_at(RESOLUTION_1M, t);
    write_at(RESOLUTION_5M, 300);
    c = read_bars(RESOLUTION_1M, 120, 300, 10);
    assert_int_equal(c.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(c.bars[i].t, 120 + 60 * (int64_t)i);
    assert_int_equal(read_bars(RESOLUTION_1M, 0, 1000, 2).n, 2);
    assert_int_equal(read_bars(RESOLUTION_1H, 0, 1000, 2).n, 0);
}

static void an_unknown_symbol_has_no_bars(void **state)
{
    int64_t t;

    (void)state;
    assert_int_equal(read_bars(RESOLUTION_1M, 0, INT64_MAX, 10).n, 0);
    assert_int_equal(store_before(store, symbol, RESOLUTION_1M, 1000, 1, &t), -ENOENT);
}

static void the_nth_bar_before_a_moment_is_found(void **state)
{
    int64_t t;

    (void)state;
    for (int64_t i = 1; i <= 5; i++)
        write_at(RESOLUTION_1M, i * 60);
    assert_int_equal(store_before(store, symbol, RESOLUTION_1M, 300, 1, &t), 0);
    assert_int_equal(t, 240);
    assert_int_equal(store_before(store, symbol, RESOLUTION_1M, 301, 3, &t), 0);
    assert_int_equal(t, 180);
    assert_int_equal(store_before(store, symbol, RESOLUTION_1M, 301, 99, &t), 0);
    assert_int_equal(t, 60);
    assert_int_equal(store_before(store, symbol, RESOLUTION_1M, 60, 1, &t), -ENOENT);
}

static int keep_state(void *ctx, const struct store_state *s)
{
    struct bars_state *kept = ctx;

    if (strcmp(s->symbol, symbol) == 0)
        *kept = s->state;
    return 0;
}

static void a_symbols_state_comes_back(void **state)
{
    const struct store_state row = {symbol,
                                    {true, 1712332800123, 4711, true, 19818, number("51234.5")}};
    const struct store_batch batch = {.states = &row, .n_states = 1};
    struct bars_state s = {0};

    (void)state;
    assert_int_equal(store_write(store, &batch), 0);
    assert_int_equal(store_symbols(store, symbol, 10, keep_state, &s), 0);
    assert_true(s.heard && s.has_volume);
    assert_int_equal(s.newest_ms, 1712332800123);
    assert_int_equal(s.seq, 4711);
    assert_int_equal(s.volume_day, 19818);
    assert_decimal(s.volume, "51234.5");
}

static void a_symbol_without_volume_stays_so(void **state)
{
    const struct store_state row = {symbol, {.heard = true, .newest_ms = 5, .seq = 1}};
    const struct store_batch batch = {.states = &row, .n_states = 1};
    struct bars_state s = {.has_volume = true};

    (void)state;
    assert_int_equal(store_write(store, &batch), 0);
    assert_int_equal(store_symbols(store, symbol, 10, keep_state, &s), 0);
    assert_true(s.heard);
    assert_false(s.has_volume);
}

static void an_imported_symbol_has_never_been_heard(void **state)
{
    struct bars_state s = {.heard = true};

    (void)state;
    write_at(RESOLUTION_1D, 0);
    assert_int_equal(store_symbols(store, symbol, 10, keep_state, &s), 0);
    assert_false(s.heard);
}

static int count_symbol(void *ctx, const struct store_state *s)
{
    (void)s;
    ++*(int *)ctx;
    return 0;
}

static void symbols_are_found_by_what_they_begin_with(void **state)
{
    static const char *const names[] = {"XAAPL", "XAAP", "XBRK.B", "X_%"};
    struct store_state rows[ARRAY_SIZE(names)];
    const struct store_batch batch = {.states = rows, .n_states = ARRAY_SIZE(names)};
    static const struct {
        const char *prefix;
        int n;
    } cases[] = {{"XAAP", 2}, {"xaap", 2}, {"XAAPL", 1}, {"XBRK.", 1},
                 {"X_", 1},   {"X%", 0},   {"XAAPLX", 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        rows[i] = (struct store_state){names[i], {.heard = true, .newest_ms = 1}};
    assert_int_equal(store_write(store, &batch), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int n = 0;
        assert_int_equal(store_symbols(store, cases[i].prefix, 10, count_symbol, &n), 0);
        assert_int_equal(n, cases[i].n);
    }
}

static void a_reader_sees_what_was_written_and_ends_when_it_wants(void **state)
{
    struct store *reader;
    struct reading c = {.n = 0};

    (void)state;
    write_at(RESOLUTION_1M, 60);
    assert_int_equal(store_open(url, STORE_READ, &reader), 0);
    assert_int_equal(
        store_bars(reader, &(struct store_range){symbol, RESOLUTION_1M, 0, 100, 10}, keep_bar, &c),
        0);
    assert_int_equal(c.n, 1);
    write_at(RESOLUTION_1M, 120);
    assert_int_equal(
        store_bars(reader, &(struct store_range){symbol, RESOLUTION_1M, 61, 200, 10}, keep_bar, &c),
        0);
    assert_int_equal(c.n, 2);
    store_close(reader);
}

static int refuse(void *ctx, const struct bar *bar)
{
    (void)bar;
    ++*(int *)ctx;
    return -ECANCELED;
}

static void a_reading_ends_when_its_callback_fails(void **state)
{
    const struct store_range range = {symbol, RESOLUTION_1M, 0, 200, 10};
    int n = 0;

    (void)state;
    write_at(RESOLUTION_1M, 60);
    write_at(RESOLUTION_1M, 120);
    assert_int_equal(store_bars(store, &range, refuse, &n), -ECANCELED);
    assert_int_equal(n, 1);
    assert_int_equal(read_bars(RESOLUTION_1M, 0, 200, 10).n, 2);
}

static void old_bars_are_deleted_counting_from_the_newest(void **state)
{
    const struct store_state recorded = {symbol, {.heard = true, .newest_ms = 10000}};
    const struct store_batch batch = {.states = &recorded, .n_states = 1};

    (void)state;
    assert_int_equal(store_write(store, &batch), 0);
    for (int64_t t = 0; t < 10; t++)
        write_at(RESOLUTION_1S, t);
    write_at(RESOLUTION_1M, 0);
    assert_int_equal(store_prune(store, RESOLUTION_1S, 4), 0);
    assert_int_equal(read_bars(RESOLUTION_1S, 0, 100, 20).n, 5);
    assert_int_equal(read_bars(RESOLUTION_1S, 0, 100, 20).bars[0].t, 5);
    assert_int_equal(read_bars(RESOLUTION_1M, 0, 100, 20).n, 1);
}

static void opened_again_everything_is_there(void **state)
{
    (void)state;
    write_at(RESOLUTION_1M, 60);
    store_close(store);
    assert_int_equal(store_open(url, STORE_WRITE, &store), 0);
    assert_int_equal(read_bars(RESOLUTION_1M, 0, 100, 10).n, 1);
}

static void a_store_that_is_not_there_cannot_be_read(void **state)
{
    struct store *reader;
    char missing[160];

    (void)state;
    snprintf(missing, sizeof(missing), "%s/missing.db", dir);
    assert_int_equal(store_open(missing, STORE_READ, &reader), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bar_comes_back_exactly),
        TEST(prices_of_very_different_sizes_keep_their_first_eighteen_digits),
        TEST(a_bar_written_again_is_replaced),
        TEST(of_one_bar_twice_in_a_batch_the_last_counts),
        TEST(bars_are_read_in_order_within_a_range_and_a_limit),
        TEST(an_unknown_symbol_has_no_bars),
        TEST(the_nth_bar_before_a_moment_is_found),
        TEST(a_symbols_state_comes_back),
        TEST(a_symbol_without_volume_stays_so),
        TEST(an_imported_symbol_has_never_been_heard),
        TEST(symbols_are_found_by_what_they_begin_with),
        TEST(a_reader_sees_what_was_written_and_ends_when_it_wants),
        TEST(a_reading_ends_when_its_callback_fails),
        TEST(old_bars_are_deleted_counting_from_the_newest),
        TEST(opened_again_everything_is_there),
        TEST(a_store_that_is_not_there_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
