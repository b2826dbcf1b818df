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
    listing_release(&l);
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

/* But for the tests of the first trade, the first one is trusted. */
static enum lastgood_verdict offer(const struct trade *t)
{
    enum lastgood_verdict verdict = listing_trade(&l, t, NULL, now);

    return verdict == LASTGOOD_ALONE ? listing_trust(&l, NULL, now) : verdict;
}

static enum lastgood_verdict trade_with(struct wall t, const char *price, unsigned moves)
{
    struct trade trade = {.price = number(price), .size = number("10"), .time = t, .moves = moves};

    is_now(t);
    return offer(&trade);
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
    unsigned closing = MOVES_ALL | MOVES_CLOSING;
    struct wall late = {at(24, 16, 0).ms + 5000};

    (void)state;
    snapshot(at(24, 15, 59), "100");
    assert_int_equal(trade_with(late, "112", closing), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.session, SESSION_REGULAR);
    assert_int_equal(l.good.quote.high.coef, 112);
    late.ms += 1000;
    assert_int_equal(trade_with(late, "111", MOVES_ALL | MOVES_EXTENDED), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.session, SESSION_POST);
    assert_int_equal(trade_with(at(24, 16, 11), "111", closing), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.session, SESSION_POST);
}

static void the_clock_decides_the_session_to_the_millisecond(void **state)
{
    static const struct {
        int day, hour, minute, ms;
        enum quote_session session;
    } table[] = {
        /* a Tuesday, and the Friday after Thanksgiving, which ends at 13:00 */
        {24, 4, 0, -1, SESSION_CLOSED},   {24, 4, 0, 0, SESSION_PRE},
        {24, 9, 30, -1, SESSION_PRE},     {24, 9, 30, 0, SESSION_REGULAR},
        {24, 16, 0, -1, SESSION_REGULAR}, {24, 16, 0, 0, SESSION_REGULAR}, /* the close itself */
        {24, 16, 0, 1, SESSION_POST},     {24, 20, 0, -1, SESSION_POST},
        {24, 20, 0, 1, SESSION_CLOSED},   {27, 12, 59, 0, SESSION_REGULAR},
        {27, 13, 0, 1, SESSION_POST},     {27, 17, 0, 1, SESSION_CLOSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct wall t = {at(table[i].day, table[i].hour, table[i].minute).ms + table[i].ms};

        assert_int_equal(trade(t, "100"), LASTGOOD_NEWS);
        assert_int_equal(l.good.quote.session, table[i].session);
    }
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

/*
 * Trades with a number
 */

static enum lastgood_verdict print_at(struct wall t, uint64_t id, const char *price)
{
    struct trade trade = {.price = number(price),
                          .size = number("10"),
                          .time = t,
                          .moves = MOVES_ALL,
                          .has_id = true,
                          .id = id,
                          .exchange = 'V'};

    is_now(t);
    return offer(&trade);
}

static enum lastgood_verdict revoke(uint64_t id, const char *price)
{
    struct revocation x = {.id = id, .exchange = 'V', .price = number(price)};

    return listing_revoke(&l, &x, NULL, now);
}

static void know_the_day(struct wall t)
{
    struct quote q = {
        .known = QUOTE_HIGH | QUOTE_LOW | QUOTE_VOLUME,
        .price = number("100"),
        .high = number("110"),
        .low = number("90"),
        .volume = number("1000"),
        .timestamp = t,
    };

    is_now(t);
    assert_int_equal(listing_snapshot(&l, &q, NULL, now), LASTGOOD_NEWS);
}

static void assert_price(const char *price)
{
    assert_true(l.good.known);
    assert_int_equal(decimal_cmp(l.good.quote.price, number(price)), 0);
}

static void assert_volume(const char *volume)
{
    assert_true(l.good.quote.known & QUOTE_VOLUME);
    assert_int_equal(decimal_cmp(l.good.quote.volume, number(volume)), 0);
}

static void a_trade_that_comes_twice_counts_once(void **state)
{
    (void)state;
    know_the_day(at(24, 10, 0));
    assert_int_equal(print_at(at(24, 10, 1), 1, "101"), LASTGOOD_NEWS);
    assert_int_equal(print_at(at(24, 10, 1), 1, "101"), LASTGOOD_REPEATED);
    assert_volume("1010");
    assert_int_equal(print_at(at(24, 10, 1), 2, "101"), LASTGOOD_NEWS);
    assert_volume("1020");
}

static void a_bad_trade_that_comes_twice_does_not_confirm_itself(void **state)
{
    (void)state;
    print_at(at(24, 10, 0), 1, "100");
    assert_int_equal(print_at(at(24, 10, 1), 2, "10"), LASTGOOD_JUMP);
    assert_int_equal(print_at(at(24, 10, 1), 2, "10"), LASTGOOD_REPEATED);
    assert_int_equal(trade(at(24, 10, 2), "10"), LASTGOOD_NEWS); /* another one does */
}

static void without_a_number_the_very_same_trade_confirms_nothing_either(void **state)
{
    (void)state;
    trade(at(24, 10, 0), "100");
    assert_int_equal(trade(at(24, 10, 1), "10"), LASTGOOD_JUMP);
    assert_int_equal(trade(at(24, 10, 1), "10"), LASTGOOD_JUMP);
    assert_int_equal(trade(at(24, 10, 1), "10.1"), LASTGOOD_NEWS);
}

static void after_a_jump_the_day_is_asked_for_anew(void **state)
{
    (void)state;
    snapshot(at(24, 9, 0), "100");
    trade(at(24, 9, 31), "10");
    assert_false(l.wants_day);
    assert_int_equal(trade(at(24, 9, 32), "10.1"), LASTGOOD_NEWS);
    assert_true(l.wants_day);
    assert_int_equal(l.good.quote.known, 0); /* a split: no percent against the old price */
}

static void the_last_trade_taken_back_gives_way_to_the_one_before(void **state)
{
    (void)state;
    know_the_day(at(24, 10, 0));
    print_at(at(24, 10, 1), 1, "101");
    print_at(at(24, 10, 2), 2, "112");
    assert_int_equal(revoke(2, "112"), LASTGOOD_NEWS);
    assert_price("101");
    assert_int_equal(l.good.quote.timestamp.ms, at(24, 10, 1).ms);
    assert_volume("1010");
    assert_int_equal(l.good.quote.known & (QUOTE_HIGH | QUOTE_LOW), QUOTE_LOW);
    assert_true(l.wants_day);
    assert_int_equal(print_at(at(24, 10, 3), 3, "102"), LASTGOOD_NEWS);
}

static void a_snapshot_does_not_bring_back_what_was_taken_back(void **state)
{
    struct quote q;

    (void)state;
    know_the_day(at(24, 10, 0));
    print_at(at(24, 10, 1), 1, "101");
    print_at(at(24, 10, 2), 2, "112");
    q = l.good.quote;
    revoke(2, "112");
    listing_snapshot(&l, &q, NULL, now);
    assert_price("101");
}

static void another_trade_taken_back_leaves_the_price(void **state)
{
    (void)state;
    know_the_day(at(24, 10, 0));
    print_at(at(24, 10, 1), 1, "101");
    print_at(at(24, 10, 2), 2, "102");
    assert_int_equal(revoke(1, "101"), LASTGOOD_NEWS); /* for readers that kept it */
    assert_int_equal(l.good.quote.correction.at.ms != 0, 1);
    assert_price("102");
    assert_volume("1010");
    assert_int_equal(revoke(1, "101"), LASTGOOD_OLD); /* twice */
    assert_price("102");
    assert_int_equal(revoke(7, "102"), LASTGOOD_OLD); /* one that we do not know */
    assert_price("102");
}

static void all_taken_back_leaves_nothing_to_show(void **state)
{
    (void)state;
    print_at(at(24, 10, 1), 1, "101");
    assert_int_equal(revoke(1, "101"), LASTGOOD_OLD);
    assert_false(l.good.known);
    assert_true(l.wants_day);
    assert_int_equal(print_at(at(24, 10, 0), 2, "55"), LASTGOOD_NEWS);
}

static void a_price_without_a_number_is_found_by_itself(void **state)
{
    (void)state;
    snapshot(at(24, 10, 0), "100");
    assert_int_equal(revoke(9, "100"), LASTGOOD_OLD);
    assert_false(l.good.known);
}

static void a_corrected_trade_takes_the_place_of_the_old_one(void **state)
{
    struct revocation x = {.id = 2, .exchange = 'V', .price = number("112"), .has_other = true};

    (void)state;
    x.other = (struct trade){.price = number("102"),
                             .size = number("7"),
                             .time = at(24, 11, 0),
                             .moves = MOVES_ALL,
                             .has_id = true,
                             .id = 3,
                             .exchange = 'V'};
    know_the_day(at(24, 10, 0));
    print_at(at(24, 10, 1), 1, "101");
    print_at(at(24, 10, 2), 2, "112");
    is_now(at(24, 11, 0));
    assert_int_equal(listing_revoke(&l, &x, NULL, now), LASTGOOD_NEWS);
    assert_price("102");
    assert_int_equal(l.good.quote.timestamp.ms, at(24, 10, 2).ms);
    assert_volume("1017");
    assert_int_equal(revoke(3, "102"), LASTGOOD_NEWS);
    assert_price("101");
}

static void within_a_millisecond_nanoseconds_order(void **state)
{
    struct trade t = {.price = number("100"),
                      .size = number("1"),
                      .time = at(24, 10, 0),
                      .time_ns = 500,
                      .moves = MOVES_ALL};

    (void)state;
    is_now(t.time);
    assert_int_equal(offer(&t), LASTGOOD_NEWS);
    t.price = number("101");
    t.time_ns = 499;
    assert_int_equal(offer(&t), LASTGOOD_OLD);
    t.time_ns = 500; /* of equal ones the last that comes */
    assert_int_equal(offer(&t), LASTGOOD_NEWS);
}

/*
 * The first trade
 */

static enum lastgood_verdict untrusted(struct wall t, const char *price, uint64_t id)
{
    struct trade trade = {.price = number(price),
                          .size = number("10"),
                          .time = t,
                          .moves = MOVES_ALL,
                          .has_id = id != 0,
                          .id = id};

    is_now(t);
    return listing_trade(&l, &trade, NULL, now);
}

static void a_first_trade_waits_for_a_second_one_like_it(void **state)
{
    (void)state;
    assert_int_equal(untrusted(at(24, 10, 0), "1000", 0), LASTGOOD_ALONE);
    assert_false(l.good.known);
    assert_int_equal(untrusted(at(24, 10, 0), "1000", 0), LASTGOOD_ALONE); /* the very same */
    assert_int_equal(untrusted(at(24, 10, 1), "100", 0), LASTGOOD_ALONE);
    assert_int_equal(untrusted(at(24, 10, 2), "101", 0), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.price.coef, 101);
    assert_int_equal(untrusted(at(24, 10, 3), "1001", 0), LASTGOOD_JUMP);
    assert_int_equal(listing_trust(&l, NULL, now), LASTGOOD_OLD);
    assert_int_equal(l.good.quote.price.coef, 101);
}

static void of_two_first_trades_that_are_alike_the_newer_one_is_shown(void **state)
{
    (void)state;
    assert_int_equal(untrusted(at(24, 10, 5), "100", 0), LASTGOOD_ALONE);
    assert_int_equal(untrusted(at(24, 10, 4), "101", 0), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.price.coef, 100);
    assert_true(l.good.quote.timestamp.ms == at(24, 10, 5).ms);
}

static void of_two_first_trades_of_one_moment_the_later_message_is_shown(void **state)
{
    (void)state;
    assert_int_equal(untrusted(at(24, 10, 5), "100", 0), LASTGOOD_ALONE);
    assert_int_equal(untrusted(at(24, 10, 5), "101", 0), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.price.coef, 101);
}

static void a_wild_first_trade_is_measured_by_the_snapshot(void **state)
{
    (void)state;
    assert_int_equal(untrusted(at(24, 10, 5), "1000", 0), LASTGOOD_ALONE);
    assert_int_equal(snapshot(at(24, 10, 0), "100"), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.price.coef, 100);
    assert_int_equal(untrusted(at(24, 10, 6), "102", 0), LASTGOOD_NEWS);
}

static void a_good_first_trade_replaces_the_older_snapshot(void **state)
{
    (void)state;
    assert_int_equal(untrusted(at(24, 10, 5), "105", 0), LASTGOOD_ALONE);
    assert_int_equal(snapshot(at(24, 10, 0), "100"), LASTGOOD_NEWS);
    assert_shows("\"price\":105,\"change\":10,\"percent\":10.53,\"open\":100,\"high\":110,"
                 "\"low\":90,\"prev_close\":95,\"timestamp\":1795532700000,\"seq\":0,"
                 "\"mode\":\"demo\",\"session\":\"regular\"}");
}

static void a_first_trade_that_is_taken_back_is_not_shown(void **state)
{
    const struct revocation x = {.id = 7, .price = number("1000")};

    (void)state;
    assert_int_equal(untrusted(at(24, 10, 5), "1000", 7), LASTGOOD_ALONE);
    assert_int_equal(listing_revoke(&l, &x, NULL, now), LASTGOOD_OLD);
    assert_int_equal(listing_trust(&l, NULL, now), LASTGOOD_OLD);
    assert_false(l.good.known);
}

static void a_wild_first_trade_does_not_return_when_a_later_one_is_taken_back(void **state)
{
    const struct revocation x = {.id = 8, .price = number("101")};

    (void)state;
    untrusted(at(24, 10, 1), "1000", 6);
    untrusted(at(24, 10, 2), "100", 7);
    untrusted(at(24, 10, 3), "101", 8);
    assert_int_equal(listing_revoke(&l, &x, NULL, now), LASTGOOD_NEWS);
    assert_int_equal(l.good.quote.price.coef, 100);
}

static void a_first_trade_from_the_future_is_none(void **state)
{
    struct trade trade = {.price = number("100"), .time = at(24, 10, 5), .moves = MOVES_ALL};

    (void)state;
    now = at(24, 10, 0);
    assert_int_equal(listing_trade(&l, &trade, NULL, now), LASTGOOD_FUTURE);
    assert_int_equal(listing_trust(&l, NULL, at(24, 10, 6)), LASTGOOD_OLD);
}

static void a_price_that_nothing_has_is_none(void **state)
{
    (void)state;
    assert_int_equal(trade(at(24, 10, 0), "1e12"), LASTGOOD_JUMP);
    assert_int_equal(trade(at(24, 10, 1), "1e12"), LASTGOOD_JUMP);
    assert_false(l.good.known);
}

static int release(void **state)
{
    (void)state;
    listing_release(&l);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_trade_alone_tells_its_price_and_nothing_else),
        TEST(a_first_trade_waits_for_a_second_one_like_it),
        TEST(of_two_first_trades_that_are_alike_the_newer_one_is_shown),
        TEST(of_two_first_trades_of_one_moment_the_later_message_is_shown),
        TEST(a_wild_first_trade_is_measured_by_the_snapshot),
        TEST(a_good_first_trade_replaces_the_older_snapshot),
        TEST(a_first_trade_that_is_taken_back_is_not_shown),
        TEST(a_wild_first_trade_does_not_return_when_a_later_one_is_taken_back),
        TEST(a_first_trade_from_the_future_is_none),
        TEST(a_trade_keeps_and_stretches_the_day_of_the_snapshot),
        TEST(an_older_snapshot_tells_of_the_day_and_not_of_the_price),
        TEST(a_newer_snapshot_does_not_take_back_the_range),
        TEST(yesterdays_members_never_stand_beside_todays_price),
        TEST(the_price_at_the_close_is_the_next_days_previous_close),
        TEST(a_close_that_comes_after_the_trade_is_taken_too),
        TEST(a_close_of_days_ago_is_no_previous_close),
        TEST(form_t_moves_the_price_outside_regular_hours_alone),
        TEST(the_closing_auction_belongs_to_the_day),
        TEST(the_clock_decides_the_session_to_the_millisecond),
        TEST(extended_hours_do_not_stretch_the_range),
        TEST(a_late_trade_stretches_the_range_and_leaves_the_price),
        TEST(a_trade_of_the_day_before_yesterday_is_none),
        TEST(crypto_has_no_session),
        TEST(us_symbols_are_told_from_others),
        TEST(a_trade_that_comes_twice_counts_once),
        TEST(a_bad_trade_that_comes_twice_does_not_confirm_itself),
        TEST(without_a_number_the_very_same_trade_confirms_nothing_either),
        TEST(after_a_jump_the_day_is_asked_for_anew),
        TEST(the_last_trade_taken_back_gives_way_to_the_one_before),
        TEST(a_snapshot_does_not_bring_back_what_was_taken_back),
        TEST(another_trade_taken_back_leaves_the_price),
        TEST(all_taken_back_leaves_nothing_to_show),
        TEST(a_price_without_a_number_is_found_by_itself),
        TEST(a_corrected_trade_takes_the_place_of_the_old_one),
        TEST(within_a_millisecond_nanoseconds_order),
        TEST(a_price_that_nothing_has_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
