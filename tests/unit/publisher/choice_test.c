#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/civil.h"
#include "publisher/choice.h"

#include "common/banned.h"

static struct lineup lineup;
static struct choice *c;
static struct mono now;
static int64_t wall_ms; /* of `now` 0 */
static int n_given;
static struct quote given; /* the last one */
static int64_t newest_ms;  /* of all that were given */

static void take(void *ctx, const struct quote *q)
{
    (void)ctx;
    n_given++;
    given = *q;
    assert_true(q->timestamp.ms >= newest_ms);
    newest_ms = q->timestamp.ms;
}

static struct wall wall(void)
{
    return (struct wall){wall_ms + now.ns / 1000000};
}

static void state(size_t feed, enum feed_condition condition)
{
    choice_feed_state(c, feed, &(struct feed_state){.condition = condition}, now);
    choice_look(c, now, wall());
}

/* Wednesday 2026-11-25, New York. */
static int64_t at(int hour, int minute)
{
    int32_t day = civil_to_days((struct civil){2026, 11, 25});

    return ((int64_t)day * 86400 + (hour + 5) * 3600 + minute * 60) * 1000;
}

static void begin_with(const char *feeds, int64_t ms)
{
    static const struct feed_options options;
    const struct symbols none = {0};

    assert_int_equal(lineup_read(feeds, &none, &options, &lineup), 0);
    assert_int_equal(choice_new(&(struct choice_config){.lineup = &lineup, .give = take}, &c), 0);
    now = (struct mono){1};
    wall_ms = ms;
    n_given = 0;
    newest_ms = 0;
    choice_look(c, now, wall());
}

static int end(void **test)
{
    (void)test;
    choice_free(c);
    lineup_release(&lineup);
    return 0;
}

/* `feed` tells of a trade made `ago_ms` ago. */
static void offer(size_t feed, int64_t price, int64_t ago_ms, enum quote_session session)
{
    struct quote q = {.symbol = "AAPL",
                      .price = decimal_from_int(price),
                      .session = (uint8_t)session,
                      .mode = (uint8_t)lineup.feeds[feed].ops->mode,
                      .timestamp = {wall().ms - ago_ms}};

    choice_offer(c, feed, &q, now);
}

static void pass_ms(int64_t ms)
{
    for (; ms > 0; ms -= 200) {
        now = mono_add_ms(now, ms < 200 ? ms : 200);
        choice_look(c, now, wall());
    }
}

/* Each feed whose bit is set in `feeds` trades five times a second, at 100 + its number. */
static void trade_for_ms(int64_t ms, unsigned feeds)
{
    for (; ms > 0; ms -= 200) {
        pass_ms(200);
        for (size_t i = 0; i < lineup.n; i++)
            if (feeds & (1U << i))
                offer(i, 100 + (int64_t)i, 50, SESSION_REGULAR);
    }
}

static void assert_price(int64_t price)
{
    assert_int_equal(given.price.coef, price);
}

static void begin_two(void)
{
    begin_with("finnhub=AAPL alpaca=AAPL", at(11, 0));
    state(0, FEED_LIVE);
    state(1, FEED_LIVE);
}

static void the_first_feed_counts_while_it_is_well(void **test)
{
    (void)test;
    begin_two();
    offer(1, 101, 50, SESSION_REGULAR);
    assert_int_equal(n_given, 0); /* the preferred one is waited for */
    offer(0, 100, 50, SESSION_REGULAR);
    assert_price(100);
    trade_for_ms(60000, 3);
    assert_price(100);
    assert_int_equal(choice_count(c, now).changes, 0);
}

static void a_preferred_feed_that_does_not_come_is_waited_for_five_seconds(void **test)
{
    (void)test;
    begin_two();
    trade_for_ms(4800, 2);
    assert_int_equal(n_given, 0);
    trade_for_ms(400, 2);
    assert_price(101);
}

static void a_preferred_feed_that_has_failed_is_not_waited_for(void **test)
{
    (void)test;
    begin_two();
    state(0, FEED_FAILED);
    offer(1, 101, 50, SESSION_REGULAR);
    assert_price(101);
}

static void a_broken_feed_is_followed_by_the_next_and_comes_back_after_ten_seconds(void **test)
{
    (void)test;
    begin_two();
    trade_for_ms(20000, 3);
    state(0, FEED_FAULT);
    trade_for_ms(400, 2);
    assert_price(101);
    state(0, FEED_LIVE);
    trade_for_ms(9600, 3);
    assert_price(101);
    trade_for_ms(800, 3);
    assert_price(100);
    assert_int_equal(choice_count(c, now).changes, 2);
}

static void a_feed_that_falls_again_has_to_prove_itself_for_longer(void **test)
{
    (void)test;
    begin_two();
    trade_for_ms(20000, 3);
    for (int i = 0; i < 60; i++) { /* five seconds down, fifteen up */
        state(0, FEED_FAULT);
        trade_for_ms(5000, 2);
        state(0, FEED_LIVE);
        trade_for_ms(15000, 3);
    }
    assert_in_range(choice_count(c, now).changes, 1, 4);
}

static void a_mute_feed_is_left_within_five_seconds(void **test)
{
    (void)test;
    begin_two();
    trade_for_ms(30000, 3);
    assert_price(100);
    trade_for_ms(5000, 2);
    assert_price(101);
}

static void a_feed_that_is_far_behind_another_is_left(void **test)
{
    (void)test;
    begin_two();
    offer(0, 100, 50, SESSION_REGULAR); /* nothing is known yet of how often it trades */
    trade_for_ms(14000, 2);
    assert_price(100);
    trade_for_ms(3000, 2);
    assert_price(101);
}

static void a_feed_that_asks_for_prices_comes_after_one_that_streams(void **test)
{
    (void)test;
    begin_two();
    trade_for_ms(20000, 3);
    choice_feed_state(c, 0, &(struct feed_state){.condition = FEED_LIVE, .asking = true}, now);
    trade_for_ms(400, 3);
    assert_price(101);
    state(1, FEED_FAULT);
    trade_for_ms(400, 1);
    assert_price(100);
}

static void an_older_price_of_the_other_feed_is_held_back(void **test)
{
    int before;

    (void)test;
    begin_two();
    trade_for_ms(20000, 3);
    before = n_given;
    state(0, FEED_FAULT);
    offer(1, 99, 10000, SESSION_REGULAR); /* checked in take() too */
    assert_int_equal(n_given, before);
    offer(1, 101, 0, SESSION_REGULAR);
    assert_price(101);
}

static void the_mode_is_that_of_the_feed(void **test)
{
    (void)test;
    begin_with("finnhub=AAPL sim=AAPL", at(11, 0));
    state(0, FEED_LIVE);
    state(1, FEED_LIVE);
    trade_for_ms(20000, 3);
    assert_int_equal(given.mode, MODE_LIVE);
    state(0, FEED_FAULT);
    trade_for_ms(400, 2);
    assert_int_equal(given.mode, MODE_DEMO);
}

static void one_feed_passes_everything_on(void **test)
{
    (void)test;
    begin_with("replay", at(11, 0));
    state(0, FEED_LIVE);
    offer(0, 100, 0, SESSION_UNKNOWN);
    newest_ms = 0;
    offer(0, 99, 86400000, SESSION_UNKNOWN); /* a file that begins anew */
    assert_price(99);
}

static void a_clock_that_is_set_tells_of_it_and_makes_nobody_stale(void **test)
{
    (void)test;
    begin_two();
    trade_for_ms(60000, 3);
    for (int hour = -1; hour <= 1; hour += 2) {
        wall_ms += hour * INT64_C(3600000);
        newest_ms = 0;
        now = mono_add_ms(now, 200);
        assert_int_equal(choice_look(c, now, wall()), hour * INT64_C(3600000));
        assert_int_equal(choice_count(c, now).states[FRESH_STALE], 0);
        trade_for_ms(2000, 3);
        assert_int_equal(choice_count(c, now).states[FRESH_GOOD], 1);
    }
    assert_int_equal(choice_count(c, now).changes, 0);
    pass_ms(5000);
    assert_int_equal(choice_count(c, now).states[FRESH_STALE], 1);
}

static void after_a_sleep_of_the_machine_a_dead_feed_is_found_as_soon(void **test)
{
    (void)test;
    begin_two();
    trade_for_ms(60000, 3);
    wall_ms += 8 * 3600; /* a short night */
    pass_ms(5000);
    assert_int_equal(choice_count(c, now).states[FRESH_STALE], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_feed_counts_while_it_is_well, end),
        cmocka_unit_test_teardown(a_preferred_feed_that_does_not_come_is_waited_for_five_seconds,
                                  end),
        cmocka_unit_test_teardown(a_preferred_feed_that_has_failed_is_not_waited_for, end),
        cmocka_unit_test_teardown(
            a_broken_feed_is_followed_by_the_next_and_comes_back_after_ten_seconds, end),
        cmocka_unit_test_teardown(a_feed_that_falls_again_has_to_prove_itself_for_longer, end),
        cmocka_unit_test_teardown(a_mute_feed_is_left_within_five_seconds, end),
        cmocka_unit_test_teardown(a_feed_that_is_far_behind_another_is_left, end),
        cmocka_unit_test_teardown(a_feed_that_asks_for_prices_comes_after_one_that_streams, end),
        cmocka_unit_test_teardown(an_older_price_of_the_other_feed_is_held_back, end),
        cmocka_unit_test_teardown(the_mode_is_that_of_the_feed, end),
        cmocka_unit_test_teardown(one_feed_passes_everything_on, end),
        cmocka_unit_test_teardown(a_clock_that_is_set_tells_of_it_and_makes_nobody_stale, end),
        cmocka_unit_test_teardown(after_a_sleep_of_the_machine_a_dead_feed_is_found_as_soon, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
