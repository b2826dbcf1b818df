/*
 * What udf makes of a store's bars: the store here is a stand-in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/udf.h"

#include "common/banned.h"

#define FIRST_T 1712332800

static size_t n_bars;
static int trouble;
static struct udf_room room;
static struct udf_text text;

static int give_bars(struct store *s, const struct store_range *range, store_bar_fn *fn, void *ctx)
{
    int r = trouble;

    (void)s;
    for (size_t i = 0; r == 0 && i < n_bars && i < range->max; i++) {
        const struct bar b = {.t = FIRST_T + 60 * (int64_t)i,
                              .open = {18945 + (int64_t)i, 2},
                              .high = {190, 0},
                              .low = {1885, 1},
                              .close = {18912345, 5},
                              .volume = {125, 2}};

        if (b.t >= range->from && b.t < range->to)
            r = fn(ctx, &b);
    }
    return r;
}

static int find_before(struct store *s, const char *symbol, enum resolution r, int64_t to, size_t n,
                       int64_t *ret_t)
{
    (void)s;
    (void)symbol;
    (void)r;
    if (n_bars == 0 || to <= FIRST_T)
        return -ENOENT;
    *ret_t = n < n_bars ? FIRST_T + 60 * (int64_t)(n_bars - n) : FIRST_T;
    return 0;
}

static int give_symbols(struct store *s, const char *prefix, size_t max, store_symbol_fn *fn,
                        void *ctx)
{
    const struct store_state odd = {.symbol = "A\"B"}, plain = {.symbol = "AAPL"};

    (void)s;
    (void)max;
    if (strcmp(prefix, "AAPL") == 0)
        return fn(ctx, &plain);
    return fn(ctx, &odd) < 0 ? -ENOMEM : fn(ctx, &plain);
}

static const struct store_ops ops = {
    .bars = give_bars, .before = find_before, .symbols = give_symbols};
static struct store store = {&ops};

static int begin(void **state)
{
    (void)state;
    n_bars = 2;
    trouble = 0;
    text = (struct udf_text){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(text.bytes);
    udf_room_release(&room);
    return 0;
}

static int ask(int64_t from, int64_t to, uint32_t countback)
{
    const struct udf_range range = {"AAPL", RESOLUTION_1M, from, to, countback};

    return udf_history(&store, &range, &room, &text);
}

static void assert_text(const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.len);
}

static void bars_become_lists_of_exact_decimals(void **state)
{
    (void)state;
    assert_int_equal(ask(0, INT64_MAX, 0), 0);
    assert_text("{\"s\":\"ok\",\"t\":[1712332800,1712332860],\"o\":[189.45,189.46],\"h\":[190,190],"
                "\"l\":[188.5,188.5],\"c\":[189.12345,189.12345],\"v\":[1.25,1.25]}\n");
    assert_int_equal(text.rows, 2);
}

static void room_is_used_again_without_a_trace(void **state)
{
    (void)state;
    assert_int_equal(ask(0, INT64_MAX, 0), 0);
    free(text.bytes);
    n_bars = 1;
    assert_int_equal(ask(0, INT64_MAX, 0), 0);
    assert_text("{\"s\":\"ok\",\"t\":[1712332800],\"o\":[189.45],\"h\":[190],\"l\":[188.5],"
                "\"c\":[189.12345],\"v\":[1.25]}\n");
}

static void countback_takes_the_place_of_from(void **state)
{
    (void)state;
    n_bars = 5;
    assert_int_equal(ask(INT64_MAX, INT64_MAX, 2), 0);
    assert_int_equal(text.rows, 2);
}

static void an_empty_range_tells_of_the_bar_before(void **state)
{
    (void)state;
    assert_int_equal(ask(FIRST_T + 600, FIRST_T + 700, 0), 0);
    assert_text("{\"s\":\"no_data\",\"nextTime\":1712332860}\n");
    free(text.bytes);
    n_bars = 0;
    assert_int_equal(ask(0, 1, 0), 0);
    assert_text("{\"s\":\"no_data\"}\n");
}

static void too_many_bars_and_a_stores_trouble_are_told(void **state)
{
    (void)state;
    n_bars = UDF_MAX_BARS + 1;
    assert_int_equal(ask(0, INT64_MAX, 0), -E2BIG);
    trouble = -EIO;
    assert_int_equal(ask(0, INT64_MAX, 0), -EIO);
    assert_null(text.bytes);
}

static void symbols_are_quoted_and_prices_scaled_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(udf_search(&store, "", 10, &text), 0);
    assert_int_equal(text.rows, 2);
    assert_non_null(memmem(text.bytes, text.len, "\"symbol\":\"A\\\"B\"", 15));
    free(text.bytes);
    assert_int_equal(udf_symbol(&store, "AAPL", &text), 0);
    assert_non_null(memmem(text.bytes, text.len, "\"pricescale\":100000,", 20));
    assert_int_equal(udf_symbol(&store, "MSFT", &text), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bars_become_lists_of_exact_decimals),
        TEST(room_is_used_again_without_a_trace),
        TEST(countback_takes_the_place_of_from),
        TEST(an_empty_range_tells_of_the_bar_before),
        TEST(too_many_bars_and_a_stores_trouble_are_told),
        TEST(symbols_are_quoted_and_prices_scaled_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
