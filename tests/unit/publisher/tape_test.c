#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/replay/tape.h"

static struct tape tape;
static const char *const no_symbols[] = {NULL};

static int tear_down(void **state)
{
    (void)state;
    tape_release(&tape);
    return 0;
}

static int take_text(const char *text)
{
    static struct csv_row row;
    struct csv csv;
    size_t cap;
    int r = 0;

    assert_int_equal(csv_init(&csv), 0);
    memcpy(csv_space(&csv, &cap), text, strlen(text));
    csv_added(&csv, strlen(text));
    while (r == 0 && csv_next(&csv, true, &row))
        r = tape_take(&tape, &row);
    csv_release(&csv);
    return r;
}

/* Read `text` as the file `path`, only `symbol` asked for unless it is NULL. */
static int read_named(const char *path, const char *symbol, const char *text)
{
    static const char *asked[1];
    struct tape_request request = {path, symbol != NULL ? asked : no_symbols, symbol != NULL,
                                   false};
    int r;

    asked[0] = symbol;
    tape_release(&tape);
    assert_int_equal(tape_init(&tape, &request), 0);
    r = take_text(text);
    return r < 0 ? r : tape_finish(&tape);
}

static void read_text(const char *text)
{
    assert_int_equal(read_named("x.csv", NULL, text), 0);
}

static uint64_t count(enum tally_fact fact)
{
    return tape.tally.facts[fact].n;
}

/* Shown as `SYMBOL ms price` one a row. */
static void assert_played(const char *expected)
{
    char shown[1000] = "", price[DECIMAL_TEXT_MAX];

    for (size_t i = 0; i < tape.series.n_order; i++) {
        const struct row *row = series_at(&tape.series, i);
        size_t n = strlen(shown);

        decimal_format(row_get(row, ROW_PRICE), price);
        snprintf(shown + n, sizeof(shown) - n, "%s %lld %s\n",
                 tape.series.symbols[row->symbol].name, (long long)(row->time_ns / 1000000), price);
    }
    assert_string_equal(shown, expected);
    assert_int_equal(count(ROW_KEPT), tape.series.n_order);
}

static void daily_bars_of_several_symbols(void **state)
{
    (void)state;
    read_text("date,open,high,low,close,volume,Name\n"
              "1970-01-02,1,2,1,2,10,aal\n"
              "1970-01-03,1,2,1,1.5,10,AAL\n"
              "1970-01-02,1,2,1,7,10,BRK.B\n");
    assert_played("AAL 86400000 2\nBRK.B 86400000 7\nAAL 172800000 1.5\n");
    assert_false(tape.ticks);
    assert_int_equal(series_at(&tape.series, 0)->day, 1);
    assert_int_equal(tally_left_out(&tape.tally), 0);
    assert_int_equal(count(SEEN_OUT_OF_ORDER), 0); /* of its own symbol */
}

static void each_row_that_is_not_played_is_counted_under_its_reason(void **state)
{
    static const enum tally_fact expected[] = {
        LEFT_TOO_FEW_FIELDS, LEFT_BAD_TIME,        LEFT_BAD_TIME,        LEFT_NO_PRICE,
        LEFT_NO_PRICE,       LEFT_BAD_NUMBER,      LEFT_BAD_NUMBER,      LEFT_BAD_NUMBER,
        LEFT_NOT_POSITIVE,   LEFT_NOT_POSITIVE,    LEFT_TOO_MANY_DIGITS, LEFT_BAD_SYMBOL,
        LEFT_BAD_SYMBOL,     LEFT_REPEATED_HEADER, LEFT_UNCLOSED_QUOTE,  LEFT_DUPLICATE,
    };
    uint64_t counts[N_FACTS] = {0};

    (void)state;
    read_text("date,symbol,close,volume\n"
              "2016-04-15,A,1,1\n"
              "2016-04-15,A\n"
              ",A,1,1\n"
              "15.4.2016,A,1,1\n"
              "2016-04-15,A,,1\n"
              "2016-04-15,A,null,1\n"
              "2016-04-15,A,$1,1\n"
              "2016-04-15,A,\"1,000\",1\n"
              "2016-04-15,A,1,-5\n"
              "2016-04-15,A,0.00,1\n"
              "2016-04-15,A,-37.63,1\n"
              "2016-04-15,A,0.1234567890123456789,1\n"
              "2016-04-15,,1,1\n"
              "2016-04-15,ABCDEFGHIJKLMNOPQRSTUVWXYZ,1,1\n"
              "date,symbol,close,volume\n"
              "\"2016-04-15,A,1,1\n"
              "2016-04-15,A,1.0,1\n");
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        counts[expected[i]]++;
    for (size_t i = LEFT_TOO_LONG; i < N_LEFT; i++)
        if (count((enum tally_fact)i) != counts[i])
            fail_msg("%s: %llu", tally_words((enum tally_fact)i),
                     (unsigned long long)count((enum tally_fact)i));
    assert_int_equal(tally_read(&tape.tally), 17);
    assert_int_equal(tape.series.n_order, 1);
    assert_int_equal(tape.tally.facts[LEFT_BAD_TIME].line, 4);
    assert_int_equal(tape.tally.facts[LEFT_UNCLOSED_QUOTE].line, 17);
}

static void rows_with_oddities_are_played_and_reported(void **state)
{
    (void)state;
    read_text("date,open,high,low,close,volume\n"
              "2016-04-15,,,,5,0\n"    /* empty, volume 0 */
              "2016-04-14,0,6,4,5,1\n" /* out of order, zero open */
              "2016-04-18,7,6,4,5,1\n" /* open above high */
              "2016-04-19,5,6,4,3,1\n" /* close below low */
              "2016-04-20,5,6,4,5,nan\n");
    assert_int_equal(tape.series.n_order, 5);
    assert_int_equal(count(SEEN_EMPTY_FIELD), 3);
    assert_int_equal(count(SEEN_OUT_OF_ORDER), 1);
    assert_int_equal(count(SEEN_OUTSIDE_RANGE), 2);
    assert_int_equal(count(SEEN_ZERO_VOLUME), 1);
    assert_false(row_knows(series_at(&tape.series, 0), ROW_OPEN));
    assert_false(row_knows(series_at(&tape.series, 4), ROW_VOLUME));
}

static void equal_ticks_are_played_and_equal_bars_only_once(void **state)
{
    (void)state;
    read_text("1315922016,5.800,1.0\n1315922016,5.8,1\n");
    assert_true(tape.ticks);
    assert_played("X 1315922016000 5.8\nX 1315922016000 5.8\n");
    read_text("20110103 090100;1;2;1;2;5\n20110103 090100;1;2;1;2;5\n20110103 090100;1;2;1;2;6\n");
    assert_false(tape.ticks);
    assert_played("X 1294045260000 2\nX 1294045260000 2\n");
    assert_int_equal(count(LEFT_DUPLICATE), 1);
}

static void daily_closes_alone_are_no_ticks(void **state)
{
    (void)state;
    read_text("date,close\n2016-04-15,5\n");
    assert_false(tape.ticks);
    assert_false(row_knows(series_at(&tape.series, 0), ROW_OPEN));
}

static void googles_minutes_count_from_the_last_full_time(void **state)
{
    (void)state;
    assert_int_equal(read_named("us_AAPL.csv", NULL,
                                "https://www.google.com/finance/getprices?i=60&f=d,o,h,l,c,v&q=X\n"
                                "EXCHANGE%3DNASDAQ\n"
                                "MARKET_OPEN_MINUTE=570\n"
                                "INTERVAL=60\n"
                                "COLUMNS=DATE,CLOSE,HIGH,LOW,OPEN,VOLUME\n"
                                "DATA=\n"
                                "TIMEZONE_OFFSET=-240\n"
                                "a1460727000,112.06,112.11,112,112.11,2316232\n"
                                "1,112.085,112.1,112,112.04,115476\n"
                                "390,112.25,112.3,112.07,112.1,148082\n"
                                "TIMEZONE_OFFSET=-300\n"
                                "a1460986200,113,113,113,113,1\n"
                                "x,113,113,113,113,1\n"),
                     0);
    assert_played("AAPL 1460727000000 112.06\nAAPL 1460727060000 112.085\n"
                  "AAPL 1460750400000 112.25\nAAPL 1460986200000 113\n");
    assert_int_equal(row_get(series_at(&tape.series, 1), ROW_OPEN).coef, 11204);
    assert_int_equal(count(LEFT_BAD_TIME), 1);
    assert_int_equal(tally_read(&tape.tally), 5);
}

static void a_minute_before_any_full_time_is_bad(void **state)
{
    (void)state;
    assert_int_equal(
        read_named("AAPL.csv", NULL, "INTERVAL=60\nCOLUMNS=DATE,CLOSE\n1,5\na1460727000,5\n"), 0);
    assert_int_equal(count(LEFT_BAD_TIME), 1);
    assert_int_equal(tape.series.n_order, 1);
}

static void a_date_and_a_time_of_day_in_two_columns_are_joined(void **state)
{
    (void)state;
    read_text("<DATE>,<TIME>,<CLOSE>\n20160415,133000,5\n2016-04-15,13:31,6\n");
    assert_played("X 1460727000000 5\nX 1460727060000 6\n");
    read_text("date,time,price\n2016-04-15T13:30:00Z,ignored,5\n2016-04-15,bad,5\n");
    assert_played("X 1460727000000 5\n");
}

static void intraday_rows_belong_to_the_day_in_new_york(void **state)
{
    (void)state;
    read_text("time,price\n2016-04-16T03:59:00Z,5\n2016-04-16T04:00:00Z,5\n2016-04-16,5\n");
    assert_int_equal(series_at(&tape.series, 0)->day, 16907); /* the date alone: the 16th */
    assert_int_equal(series_at(&tape.series, 1)->day, 16906);
    assert_int_equal(series_at(&tape.series, 2)->day, 16907);
}

static void symbols_not_asked_for_are_left_out(void **state)
{
    (void)state;
    assert_int_equal(read_named("x.csv", "B", "date,sym,price\n1970-01-02,A,1\n1970-01-02,b,2\n"),
                     0);
    assert_played("B 86400000 2\n");
    assert_int_equal(count(LEFT_NOT_ASKED_FOR), 1);
}

static void a_file_without_symbols_holds_the_one_asked_for_or_its_names(void **state)
{
    static const char *const two[] = {"MSFT", "AAPL"};
    struct tape_request request = {"us_AAPL_1.csv", two, 2, false};

    (void)state;
    assert_int_equal(read_named("us_AAPL_1.csv", "BRK/A", "date,close\n1970-01-02,1\n"), 0);
    assert_played("BRK/A 86400000 1\n");
    tape_release(&tape);
    assert_int_equal(tape_init(&tape, &request), 0);
    assert_int_equal(take_text("date,close\n1970-01-02,1\n"), 0);
    assert_string_equal(tape.symbol, "AAPL");
    tape_release(&tape);
    request.path = "us_IBM_1.csv";
    assert_int_equal(tape_init(&tape, &request), 0);
    assert_int_equal(take_text("date,close\n1970-01-02,1\n"), -EINVAL);
}

static void a_file_that_is_no_table_of_prices_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_named("x.csv", NULL, "AAPL\tApple Inc\n"), -EBADMSG);
    assert_int_equal(read_named("x.csv", NULL, "[\n{\"date\": 1}\n]\n"), -EBADMSG);
    assert_int_equal(read_named("x.csv", NULL, "date,volume\n2016-04-15,5\n"), -EBADMSG);
    assert_int_equal(read_named("x.csv", NULL, "a=b\nc=d\n2016-04-15,5\n"), -EBADMSG);
}

static void long_numbers_stay_exact(void **state)
{
    (void)state;
    read_text("date,open,close\n1986-03-13,0.06896105357142858,0.066014\n"
              "1986-03-14,174500.000000000001,0.068372\n");
    assert_int_equal(series_at(&tape.series, 0)->coef[ROW_OPEN], 6896105357142858);
    assert_int_equal(series_at(&tape.series, 0)->scale[ROW_OPEN], 17);
    assert_int_equal(series_at(&tape.series, 1)->coef[ROW_OPEN], 174500000000000001);
}

#define case_of(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_of(daily_bars_of_several_symbols),
        case_of(each_row_that_is_not_played_is_counted_under_its_reason),
        case_of(rows_with_oddities_are_played_and_reported),
        case_of(equal_ticks_are_played_and_equal_bars_only_once),
        case_of(daily_closes_alone_are_no_ticks),
        case_of(googles_minutes_count_from_the_last_full_time),
        case_of(a_minute_before_any_full_time_is_bad),
        case_of(a_date_and_a_time_of_day_in_two_columns_are_joined),
        case_of(intraday_rows_belong_to_the_day_in_new_york),
        case_of(symbols_not_asked_for_are_left_out),
        case_of(a_file_without_symbols_holds_the_one_asked_for_or_its_names),
        case_of(a_file_that_is_no_table_of_prices_is_refused),
        case_of(long_numbers_stay_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
