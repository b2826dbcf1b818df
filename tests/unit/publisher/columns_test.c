#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "publisher/replay/columns.h"

/* A row of what stands between the commas of `line`. */
static const struct csv_row *row_of(const char *line)
{
    static struct csv_row row;

    row.n = 0;
    for (const char *p = line;; p++) {
        size_t len = strcspn(p, ",");

        row.fields[row.n++] = (struct csv_field){p, len};
        p += len;
        if (*p == '\0')
            return &row;
    }
}

static void assert_header(const char *header, const char *expected)
{
    struct columns c;
    char text[200];

    if (columns_by_name(row_of(header), &c) < 0)
        fail_msg("not understood: %s", header);
    columns_describe(&c, row_of(header), text, sizeof(text));
    assert_string_equal(text, expected);
}

static void assert_no_header(const char *header)
{
    struct columns c;

    if (columns_by_name(row_of(header), &c) != -ENOENT)
        fail_msg("taken for a header: %s", header);
}

static void headers_of_well_known_sources_are_understood(void **state)
{
    (void)state;
    assert_header("date,open,high,low,close,volume,Name",
                  "time=date price=close open=open high=high low=low volume=volume symbol=Name");
    assert_header("Epoch,Bid,Ask", "time=Epoch price=Bid");
    assert_header("recv_time_s,exchange,symbol,price,size,side,exchange_time,trade_id",
                  "time=recv_time_s price=price volume=size symbol=symbol");
    assert_header("t,o,h,l,c,v", "time=t price=c open=o high=h low=l volume=v");
    assert_header("<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
                  "time=<DATE> time of day=<TIME> price=<CLOSE> open=<OPEN> high=<HIGH> low=<LOW> "
                  "volume=<VOL> symbol=<TICKER>");
    assert_header("Date,Close/Last,Volume,Open,High,Low",
                  "time=Date price=Close/Last open=Open high=High low=Low volume=Volume");
    assert_header("timestamp,price,qty", "time=timestamp price=price volume=qty");
    assert_header("s,p,t,v", "time=t price=p volume=v symbol=s");
    assert_header("t,p,s", "time=t price=p volume=s");
    assert_header("day,close", "time=day price=close");
}

static void the_raw_price_is_preferred_to_the_adjusted_one(void **state)
{
    (void)state;
    assert_header("Date,Adj. Close,Close", "time=Date price=Close");
    assert_header("Date,AdjClose,Volume", "time=Date price=AdjClose volume=Volume");
}

static void a_date_and_a_time_of_day_are_one_time(void **state)
{
    (void)state;
    assert_header("Date,Time,Price", "time=Date time of day=Time price=Price");
    assert_header("time,price", "time=time price=price");
}

static void without_a_price_or_a_time_it_is_no_header(void **state)
{
    (void)state;
    assert_no_header("date,volume");
    assert_no_header("open,close");
    assert_no_header("2016-04-15,1,2,3,4,5");
    assert_no_header("");
    assert_no_header("datetimedatetimedatetimedatetime,close");
}

static void assert_shape(const char *line, const char *expected)
{
    struct columns c;
    char text[200];

    if (columns_by_shape(row_of(line), &c) < 0)
        fail_msg("not understood: %s", line);
    columns_describe(&c, NULL, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void a_row_without_header_tells_its_columns_by_their_number(void **state)
{
    struct columns c;

    (void)state;
    assert_shape("1315922016,5.8,1.0", "time=column 1 price=column 2 volume=column 3");
    assert_shape("1315922016,5.8", "time=column 1 price=column 2");
    assert_shape("20110103 090100,1,2,3,4,5",
                 "time=column 1 price=column 5 open=column 2 high=column 3 low=column 4 "
                 "volume=column 6");
    assert_shape("2011.01.03,09:01,1,2,3,4,5",
                 "time=column 1 time of day=column 2 price=column 6 open=column 3 high=column 4 "
                 "low=column 5 volume=column 7");
    assert_int_equal(columns_by_shape(row_of("AAPL,Apple Inc"), &c), -ENOENT);
    assert_int_equal(columns_by_shape(row_of("2016-04-15"), &c), -ENOENT);
    assert_int_equal(columns_by_shape(row_of("2016-04-15,1,2,3"), &c), -ENOENT);
    assert_int_equal(columns_by_shape(row_of("2016-04-15,1,2,3,4,5,6"), &c), -ENOENT);
}

static void a_description_ends_where_its_buffer_does(void **state)
{
    struct columns c;
    char text[10];

    (void)state;
    assert_int_equal(columns_by_name(row_of("date,open,close"), &c), 0);
    columns_describe(&c, row_of("date,open,close"), text, sizeof(text));
    assert_string_equal(text, "time=date");
}

static void bars_have_more_than_a_price(void **state)
{
    struct columns c;

    (void)state;
    assert_int_equal(columns_by_name(row_of("date,high,close"), &c), 0);
    assert_true(columns_are_bars(&c));
    assert_int_equal(columns_by_name(row_of("date,close,volume"), &c), 0);
    assert_false(columns_are_bars(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_well_known_sources_are_understood),
        cmocka_unit_test(the_raw_price_is_preferred_to_the_adjusted_one),
        cmocka_unit_test(a_date_and_a_time_of_day_are_one_time),
        cmocka_unit_test(without_a_price_or_a_time_it_is_no_header),
        cmocka_unit_test(a_row_without_header_tells_its_columns_by_their_number),
        cmocka_unit_test(a_description_ends_where_its_buffer_does),
        cmocka_unit_test(bars_have_more_than_a_price),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
