#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "publisher/replay/series.h"
#include "publisher/replay/survey.h"
#include "publisher/symbols.h"

#define MINUTE_NS (60 * INT64_C(1000000000))

static struct series series;

static int set_up(void **state)
{
    (void)state;
    return series_init(&series);
}

static int tear_down(void **state)
{
    (void)state;
    series_release(&series);
    return 0;
}

static void append(const char *symbol, int64_t time_ns, int64_t price)
{
    struct row row = {.time_ns = time_ns, .symbol = series_symbol(&series, symbol)};

    row_set(&row, ROW_PRICE, (struct decimal){price, 0});
    assert_int_equal(series_append(&series, &row), 0);
}

static void append_on_day(const char *symbol, int32_t day, int64_t minute)
{
    struct row row = {.time_ns = (day * INT64_C(1440) + minute) * MINUTE_NS,
                      .day = day,
                      .symbol = series_symbol(&series, symbol)};

    row_set(&row, ROW_PRICE, (struct decimal){minute + 1, 0});
    assert_int_equal(series_append(&series, &row), 0);
}

static void assert_prices(const int64_t *prices, size_t n)
{
    assert_int_equal(series.n_order, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(row_get(series_at(&series, i), ROW_PRICE).coef, prices[i]);
}

static void a_row_is_64_bytes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct row), 64);
}

static void rows_of_one_time_stay_in_the_order_of_the_file(void **state)
{
    static const int64_t expected[] = {4, 6, 1, 2, 5, 3};
    size_t dropped;

    (void)state;
    append("A", 20, 1);
    append("B", 20, 2);
    append("A", 30, 3);
    append("A", -10, 4);
    append("C", 20, 5);
    append("B", -10, 6);
    assert_int_equal(series_sort(&series, false, &dropped), 0);
    assert_int_equal(dropped, 0);
    assert_prices(expected, ARRAY_SIZE(expected));
}

static void only_exact_duplicates_are_dropped_and_the_first_one_stays(void **state)
{
    static const int64_t expected[] = {1, 1, 2, 1};
    size_t dropped;

    (void)state;
    append("A", 10, 1);
    append("B", 10, 1); /* another symbol */
    append("A", 10, 2); /* another price */
    append("A", 20, 1); /* another time */
    append("A", 10, 1); /* the first one again, not next to it */
    append("A", 10, 1);
    assert_int_equal(series_sort(&series, true, &dropped), 0);
    assert_int_equal(dropped, 2);
    assert_prices(expected, ARRAY_SIZE(expected));
    assert_ptr_equal(series_at(&series, 0), &series.rows[0]);
}

static void equal_rows_of_ticks_are_distinct_trades(void **state)
{
    size_t dropped;

    (void)state;
    append("A", 10, 1);
    append("A", 10, 1);
    assert_int_equal(series_sort(&series, false, &dropped), 0);
    assert_int_equal(series.n_order, 2);
}

static void many_rows_of_one_time_are_told_apart(void **state)
{
    size_t dropped;

    (void)state;
    for (int i = 0; i < 10000; i++)
        append("A", 10, i % 5000);
    assert_int_equal(series_sort(&series, true, &dropped), 0);
    assert_int_equal(dropped, 5000);
}

static void an_empty_series_can_be_sorted(void **state)
{
    size_t dropped;

    (void)state;
    assert_int_equal(series_sort(&series, true, &dropped), 0);
    assert_int_equal(series.n_order, 0);
}

static void symbols_are_numbered_as_they_come_up_to_the_limit(void **state)
{
    char name[] = "S00000";

    (void)state;
    for (uint32_t i = 0; i <= SYMBOLS_MAX; i++) {
        for (uint32_t k = 5, rest = i; k >= 1; k--, rest /= 10)
            name[k] = (char)('0' + rest % 10);
        assert_int_equal(series_symbol(&series, name), i < SYMBOLS_MAX ? i : INDEX_NONE);
    }
    assert_int_equal(series_symbol(&series, "S00007"), 7);
}

static struct survey survey_of(bool bars)
{
    struct survey v;
    size_t dropped;

    assert_int_equal(series_sort(&series, false, &dropped), 0);
    assert_int_equal(survey_series(&series, bars, &v), 0);
    return v;
}

static void weekends_are_no_gaps_and_longer_silences_are(void **state)
{
    static const int32_t days[] = {1, 2, 5, 9, 14, 20, 40};
    struct survey v;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
        append_on_day("A", days[i], 0);
        append_on_day("B", (int32_t)i, 0);
    }
    v = survey_of(true);
    assert_int_equal(v.long_gaps, 2);
    assert_int_equal(v.longest_days, 20);
    assert_int_equal(v.longest_after, 20);
    assert_string_equal(series.symbols[v.longest_symbol].name, "A");
    assert_int_equal(v.missing_bars, 0);
}

static void missing_minutes_within_a_day_are_counted_for_bars(void **state)
{
    static const int64_t minutes[] = {0, 1, 2, 5, 6, 7, 8, 10, 11};
    struct survey v;

    (void)state;
    for (int32_t day = 1; day <= 2; day++)
        for (size_t i = 0; i < ARRAY_SIZE(minutes); i++)
            append_on_day("A", day, minutes[i]);
    v = survey_of(true);
    assert_int_equal(v.usual_step_ns, MINUTE_NS);
    assert_int_equal(v.missing_bars, 4);
    assert_int_equal(v.long_gaps, 0);
}

static void trades_may_come_when_they_like(void **state)
{
    struct survey v;

    (void)state;
    append_on_day("A", 1, 0);
    append_on_day("A", 1, 1);
    append_on_day("A", 1, 100);
    v = survey_of(false);
    assert_int_equal(v.missing_bars, 0);
    assert_int_equal(v.usual_step_ns, 0);
}

#define case_of(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_of(a_row_is_64_bytes),
        case_of(rows_of_one_time_stay_in_the_order_of_the_file),
        case_of(only_exact_duplicates_are_dropped_and_the_first_one_stays),
        case_of(equal_rows_of_ticks_are_distinct_trades),
        case_of(many_rows_of_one_time_are_told_apart),
        case_of(an_empty_series_can_be_sorted),
        case_of(symbols_are_numbered_as_they_come_up_to_the_limit),
        case_of(weekends_are_no_gaps_and_longer_silences_are),
        case_of(missing_minutes_within_a_day_are_counted_for_bars),
        case_of(trades_may_come_when_they_like),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
