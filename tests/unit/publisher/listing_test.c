#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/civil.h"
#include "publisher/feeds/listing.h"

#include "common/banned.h"

static struct listing l;
static struct wall now;

static int forget(void **state)
{
    (void)state;
    l = (struct listing){.symbol = "AAPL", .has_hours = true};
    now = (struct wall){0};
    return 0;
}

/* New York's time on a day of November 2026, when it is UTC - 5 h; the 24th is a Tuesday. */
static struct wall at(int day, int hour, int minute)
{
    int64_t days = civil_to_days((struct civil){2026, 11, day});

    return (struct wall){((days * 24 + hour + 5) * 60 + minute) * 60000};
}

static struct decimal number(const char *text)
{
    struct decimal d;

    assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
    return d;
}

static void is_now(struct wall t)
{
    if (t.ms > now.ms)
        now = t;
}

static enum lastgood_verdict trade_with(struct wall t, const char *price, unsigned moves)
{
    struct trade trade = {.price = number(price), .size = number("10"), .time = t, .moves = moves};

    is_now(t);
    return listing_trade(&l, &trade, NULL, now);
}

static enum lastgood_verdict trade(struct wall t, const char *price)
{
    return trade_with(t, price, MOVES_ALL);
}

/* The day's open is 100, its high 110, its low 90, its close before 95. */
static enum lastgood_verdict snapshot(struct wall t, const char *price)
{
    struct quote q = {
        .known = QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE,
        .price = number(price),
        .open = number("100"),
        .high = number("110"),
        .low = number("90"),
        .prev_close = number("95"),
        .timestamp = t,
    };

    is_now(t);
    return listing_snapshot(&l, &q, NULL, now);
}

static void assert_shows(const char *expected)
{
    char json[QUOTE_PACKET_MAX + 1];

    assert_true(l.good.known);
    json[quote_encode(&l.good.quote, json)] = '\0';
    assert_string_equal(strchr(json, ',') + 1, expected);
}

static void a_trade_alone_tells_its_price_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(trade(at(24, 10, 0), "101.5"), LASTGOOD_NEWS);
    assert_shows("\"price\":101.5,\"timestamp\":1795532400000,\"seq\":0,\"mode\":\"demo\","
                 "\"session\":\"regular\"}");
}

static void a_trade_keeps_and_stretches_the_day_of_the_snapshot(void **state)
{
    (void)state;
    snapshot(at(24, 10, 0), "100");
    assert_int_equal(trade(at(24, 10, 1), "111"), LASTGOOD_NEWS);
    assert_shows("\"price\":111,\"change\":16,\"percent\":16.84,\"open\":100,\"high\":111,"
                 "\"low\":90,\"prev_close\":95,\"timestamp\":1795532460000,\"seq\":0,"
                 "\"mode\":\"demo\",\"session\":\"regular\"}");
}

static void an_older_snapshot_tells_of_the_day_and_not_of_the_price(void **state)
{
    (void)state;
    trade(at(24, 10, 5), "112");
    assert_int_equal(snapshot(at(24, 10, 0), "100"), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.price.coef, 112);
    assert_int_equal(l.good.quote.prev_close.coef, 95);
    assert_int_equal(snapshot(at(24, 10, 0), "100"), LASTGOOD_REPEATED);
}

static void a_newer_snapshot_does_not_take_back_the_range(void **state)
{
    (void)state;
    snapshot(at(24, 10, 0), "100");
    trade(at(24, 10, 1), "115");
    assert_int_equal(snapshot(at(24, 10, 2), "101"), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.high.coef, 115);
}

static void yesterdays_members_never_stand_beside_todays_price(void **state)
{
    (void)state;
    snapshot(at(23, 15, 0), "100");
    assert_int_equal(trade(at(24, 4, 30), "101"), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.known, 0);
    assert_int_equal(l.good.quote.session, SESSION_PRE);
}

static void the_price_at_the_close_is_the_next_days_previous_close(void **state)
{
    (void)state;
    snapshot(at(20, 16, 0), "100"); /* a Friday */
    assert_int_equal(l.good.quote.session, SESSION_REGULAR);
    trade(at(23, 8, 0), "102");
    assert_int_equal(l.good.quote.known, QUOTE_PREV_CLOSE);
    assert_int_equal(l.good.quote.prev_close.coef, 100);
    assert_int_equal(snapshot(at(20, 16, 0), "100"), LASTGOOD_OLD);
}

static void a_close_that_comes_after_the_trade_is_taken_too(void **state)
{
    (void)state;
    trade(at(24, 8, 0), "102");
    assert_int_equal(snapshot(at(23, 16, 0), "100"), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.prev_close.coef, 100);
    assert_int_equal(l.good.quote.known, QUOTE_PREV_CLOSE);
}

static void a_close_of_days_ago_is_no_previous_close(void **state)
{
    (void)state;
    snapshot(at(20, 16, 0), "100");
    trade(at(24, 8, 0), "102"); /* Monday's close is missing */
    assert_int_equal(l.good.quote.known, 0);
}

static void form_t_moves_the_price_outside_regular_hours_alone(void **state)
{
    unsigned form_t = MOVES_ALL | MOVES_EXTENDED;

    (void)state;
    assert_int_equal(trade_with(at(24, 9, 0), "100", form_t), LASTGOOD_NEWS);
    assert_int_equal(trade_with(at(24, 9, 31), "101", form_t), LASTGOOD_OLD);
    assert_int_equal(trade(at(24, 9, 32), "102"), LASTGOOD_NEWS);
    assert_int_equal(trade_with(at(24, 16, 30), "103", form_t), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.session, SESSION_POST);
}

static void the_closing_auction_belongs_to_the_day(void **state)
{
    struct wall late = {at(24, 16, 0).ms + 5000};

    (void)state;
    snapshot(at(24, 15, 59), "100");
    assert_int_equal(trade(late, "112"), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.session, SESSION_REGULAR);
    assert_int_equal(l.good.quote.high.coef, 112);
    late.ms += 1000;
    assert_int_equal(trade_with(late, "111", MOVES_ALL | MOVES_EXTENDED), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.session, SESSION_POST);
}

static void extended_hours_do_not_stretch_the_range(void **state)
{
    (void)state;
    snapshot(at(24, 16, 0), "100");
    trade_with(at(24, 17, 0), "120", MOVES_ALL | MOVES_EXTENDED);
    assert_int_equal(l.good.quote.high.coef, 110);
}

static void a_late_trade_stretches_the_range_and_leaves_the_price(void **state)
{
    (void)state;
    snapshot(at(24, 10, 0), "100");
    trade(at(24, 10, 5), "101");
    assert_int_equal(trade(at(24, 10, 4), "113"), LASTGOOD_OLD);
    assert_int_equal(trade_with(at(24, 10, 6), "88", MOVES_RANGE), LASTGOOD_OLD);
    assert_int_equal(trade_with(at(24, 10, 6), "1", MOVES_RANGE), LASTGOOD_OLD);
    assert_int_equal(l.good.quote.price.coef, 101);
    assert_int_equal(l.good.quote.high.coef, 113);
    assert_int_equal(l.good.quote.low.coef, 88);
}

static void a_trade_of_the_day_before_yesterday_is_none(void **state)
{
    (void)state;
    is_now(at(24, 10, 0));
    assert_int_equal(trade(at(23, 9, 59), "100"), LASTGOOD_OLD);
    assert_int_equal(trade(at(23, 10, 1), "100"), LASTGOOD_NEWS);
}

static void crypto_has_no_session(void **state)
{
    (void)state;
    l = (struct listing){.symbol = "BINANCE:BTCUSDT",
                         .has_hours = listing_is_us("BINANCE:BTCUSDT")};
    assert_int_equal(trade(at(21, 3, 0), "60000"), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.session, SESSION_UNKNOWN);
}

static void us_symbols_are_told_from_others(void **state)
{
    (void)state;
    assert_true(listing_is_us("AAPL"));
    assert_true(listing_is_us("BRK.B"));
    assert_false(listing_is_us("VOW.DE"));
    assert_false(listing_is_us("BTC/USD"));
}

#define TEST(name) cmocka_unit_test_setup(name, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_trade_alone_tells_its_price_and_nothing_else),
        TEST(a_trade_keeps_and_stretches_the_day_of_the_snapshot),
        TEST(an_older_snapshot_tells_of_the_day_and_not_of_the_price),
        TEST(a_newer_snapshot_does_not_take_back_the_range),
        TEST(yesterdays_members_never_stand_beside_todays_price),
        TEST(the_price_at_the_close_is_the_next_days_previous_close),
        TEST(a_close_that_comes_after_the_trade_is_taken_too),
        TEST(a_close_of_days_ago_is_no_previous_close),
        TEST(form_t_moves_the_price_outside_regular_hours_alone),
        TEST(the_closing_auction_belongs_to_the_day),
        TEST(extended_hours_do_not_stretch_the_range),
        TEST(a_late_trade_stretches_the_range_and_leaves_the_price),
        TEST(a_trade_of_the_day_before_yesterday_is_none),
        TEST(crypto_has_no_session),
        TEST(us_symbols_are_told_from_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
