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
    const struct store_range range = {symbol, r, from, to, max, false};
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
                                    {.heard = true,
                                     .newest_ms = 1712332800123,
                                     .seq = 4711,
                                     .run = 3,
                                     .has_volume = true,
                                     .volume_day = 19818,
                                     .volume = number("51234.5")}};
    const struct store_batch batch = {.states = &row, .n_states = 1};
    struct bars_state s = {0};

    (void)state;
    assert_int_equal(store_write(store, &batch), 0);
    assert_int_equal(store_symbols(store, symbol, 10, keep_state, &s), 0);
    assert_true(s.heard && s.has_volume);
    assert_int_equal(s.newest_ms, 1712332800123);
    assert_int_equal(s.seq, 4711);
    assert_int_equal(s.run, 3);
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
    assert_int_equal(store_bars(reader,
                                &(struct store_range){symbol, RESOLUTION_1M, 0, 100, 10, false},
                                keep_bar, &c),
                     0);
    assert_int_equal(c.n, 1);
    write_at(RESOLUTION_1M, 120);
    assert_int_equal(store_bars(reader,
                                &(struct store_range){symbol, RESOLUTION_1M, 61, 200, 10, true},
                                keep_bar, &c),
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
    const struct store_range range = {symbol, RESOLUTION_1M, 0, 200, 10, false};
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

/* ---- ticks ---- */

static struct store_tick tick_of(uint32_t run, uint64_t seq, int64_t ms, const char *price)
{
    struct store_tick t = {.run = run,
                           .quote = {.price = number(price),
                                     .high = number("9.75"),
                                     .volume = number("1000.5"),
                                     .known = QUOTE_HIGH | QUOTE_VOLUME,
                                     .mode = MODE_LIVE,
                                     .session = SESSION_PRE,
                                     .timestamp = {ms},
                                     .seq = seq}};

    memcpy(t.quote.symbol, symbol, sizeof(symbol));
    return t;
}

static void write_ticks(const struct store_tick *ticks, size_t n)
{
    const struct store_batch batch = {.ticks = ticks, .n_ticks = n};

    assert_int_equal(store_write(store, &batch), 0);
}

struct tick_reading {
    struct store_tick ticks[READ_MAX];
    size_t n;
};

static int keep_tick(void *ctx, const struct store_tick *tick)
{
    struct tick_reading *c = ctx;

    assert_true(c->n < READ_MAX);
    c->ticks[c->n++] = *tick;
    return 0;
}

static struct tick_reading ticks_by_seq(uint32_t run, uint64_t from, uint64_t to)
{
    const struct store_tick_range range = {
        .symbol = symbol, .by_seq = true, .run = run, .from_seq = from, .to_seq = to};
    struct tick_reading c = {.n = 0};

    assert_int_equal(store_ticks(store, &range, keep_tick, &c), 0);
    return c;
}

static struct tick_reading ticks_by_time(int64_t from_ms, int64_t to_ms)
{
    const struct store_tick_range range = {.symbol = symbol, .from_ms = from_ms, .to_ms = to_ms};
    struct tick_reading c = {.n = 0};

    assert_int_equal(store_ticks(store, &range, keep_tick, &c), 0);
    return c;
}

static void a_tick_comes_back_exactly(void **state)
{
    struct store_tick tick = tick_of(2, 4711, 1712332800123, "189.4567");
    struct tick_reading c;

    (void)state;
    write_ticks(&tick, 1);
    c = ticks_by_seq(2, 4711, 4711);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.ticks[0].run, 2);
    assert_string_equal(c.ticks[0].quote.symbol, symbol);
    assert_int_equal(c.ticks[0].quote.known, tick.quote.known);
    assert_int_equal(c.ticks[0].quote.mode, MODE_LIVE);
    assert_int_equal(c.ticks[0].quote.session, SESSION_PRE);
    assert_int_equal(c.ticks[0].quote.timestamp.ms, 1712332800123);
    assert_decimal(c.ticks[0].quote.price, "189.4567");
    assert_decimal(c.ticks[0].quote.high, "9.75");
    assert_decimal(c.ticks[0].quote.volume, "1000.5");
}

static void ticks_are_found_by_run_and_seq_and_by_time(void **state)
{
    struct store_tick ticks[8];

    (void)state;
    for (int i = 0; i < 5; i++)
        ticks[i] = tick_of(1, (uint64_t)i + 10, 1000 * i, "1.5");
    for (int i = 5; i < 8; i++)
        ticks[i] = tick_of(2, (uint64_t)i - 4, 1000 * i, "2.5");
    write_ticks(ticks, 4);
    write_ticks(ticks + 4, 4);
    assert_int_equal(ticks_by_seq(1, 11, 13).n, 3);
    assert_int_equal(ticks_by_seq(1, 14, UINT64_MAX).n, 1);
    assert_int_equal(ticks_by_seq(0, 0, 2).n, 2); /* the newest run */
    assert_int_equal(ticks_by_seq(2, 4, 9).n, 0);
    assert_int_equal(ticks_by_time(3000, 6000).n, 3);
    assert_int_equal(ticks_by_time(7001, 9000).n, 0);
}

static void ticks_written_twice_are_there_once(void **state)
{
    const struct store_tick ticks[] = {tick_of(1, 1, 1000, "1"), tick_of(1, 2, 2000, "2")};

    (void)state;
    write_ticks(ticks, 2);
    write_ticks(ticks, 2);
    assert_int_equal(ticks_by_time(0, 9000).n, 2);
}

static void where_no_tick_is_kept_the_answer_is_so(void **state)
{
    const struct store_tick_range run_9 = {.symbol = symbol, .by_seq = true, .run = 9, .to_seq = 9};
    const struct store_tick tick = tick_of(1, 1, 1000, "1");
    struct tick_reading c = {.n = 0};

    (void)state;
    assert_int_equal(store_ticks(store, &run_9, keep_tick, &c), -ENOENT);
    write_ticks(&tick, 1);
    assert_int_equal(store_ticks(store, &run_9, keep_tick, &c), -ENOENT);
    assert_int_equal(ticks_by_seq(1, 5, 9).n, 0);
}

static void a_correction_changes_the_ticks_of_its_time_and_price_alone(void **state)
{
    const struct store_tick ticks[] = {tick_of(1, 1, 1000, "5"), tick_of(1, 2, 1000, "6"),
                                       tick_of(1, 3, 2000, "5"), tick_of(1, 4, 3000, "7")};
    const struct quote_correction wrong = {{1000}, number("5"), number("5.5"), true};
    const struct quote_correction none = {.at = {3000}, .wrong = number("7")};
    struct tick_reading c;

    (void)state;
    write_ticks(ticks, 4);
    assert_int_equal(store_fix_ticks(store, symbol, &wrong), 1);
    assert_int_equal(store_fix_ticks(store, symbol, &none), 1);
    assert_int_equal(store_fix_ticks(store, symbol, &wrong), 0);
    c = ticks_by_seq(1, 1, 4);
    assert_int_equal(c.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_decimal(c.ticks[i].quote.price,
                       (const char *[]){"5.5", "6", "5"}[c.ticks[i].quote.seq - 1]);
}

static void old_ticks_are_deleted_counting_from_the_newest(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        const struct store_tick tick = tick_of(1, (uint64_t)i + 1, 1000 * i, "1");
        write_ticks(&tick, 1);
    }
    assert_int_equal(store_prune_ticks(store, 4), 0);
    assert_int_equal(ticks_by_time(0, 99999).n, 5);
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
        TEST(a_tick_comes_back_exactly),
        TEST(ticks_are_found_by_run_and_seq_and_by_time),
        TEST(ticks_written_twice_are_there_once),
        TEST(where_no_tick_is_kept_the_answer_is_so),
        TEST(a_correction_changes_the_ticks_of_its_time_and_price_alone),
        TEST(old_ticks_are_deleted_counting_from_the_newest),
        TEST(opened_again_everything_is_there),
        TEST(a_store_that_is_not_there_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
