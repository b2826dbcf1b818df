#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/feeds/board.h"

#include "common/banned.h"

static struct board b;
static struct mono now;
static struct wall start; /* when the service's clock was heard */

static bool no_hours(const char *symbol)
{
    (void)symbol;
    return false;
}

static int open_board(void **state)
{
    static const char *const symbols[] = {"A", "B"};
    const struct feed_config config = {.symbols = symbols, .n_symbols = 2};

    (void)state;
    assert_int_equal(board_init(&b, "test", &config, no_hours), 0);
    now = mono_now();
    start = wall_now();
    board_hear_date(&b, start, now);
    return 0;
}

static int close_board(void **state)
{
    (void)state;
    board_release(&b);
    return 0;
}

static void pass(int64_t ms)
{
    now = mono_add_ms(now, ms);
}

static void first_trade_at(struct row *r, struct wall t, int64_t price)
{
    struct trade trade = {.price = {.coef = price}, .time = t, .moves = MOVES_ALL};

    board_trade(&b, r, &trade, now);
}

static void trade_at(struct row *r, struct wall t, int64_t price)
{
    first_trade_at(r, t, price);
    board_no_snapshot(&b, r, now); /* nothing to wait for */
}

static void trade(int64_t price)
{
    trade_at(&b.rows[0], board_clock(&b, now), price);
}

static void snapshot(struct row *r, struct wall t, int64_t price)
{
    struct quote q = {.price = {.coef = price}, .timestamp = t};

    board_snapshot(&b, r, &q, true, now);
}

static void learn_a_busy_stream(void)
{
    board_reconnected(&b, now);
    for (int i = 0; i < 100; i++) {
        pass(100);
        trade(100);
    }
}

static void rows_with_news_are_given_once_in_order(void **state)
{
    const struct sessions sessions = {0};
    struct quote q;

    (void)state;
    trade_at(&b.rows[1], start, 7);
    trade_at(&b.rows[0], start, 5);
    trade_at(&b.rows[1], (struct wall){start.ms + 1}, 8);
    assert_true(board_take(&b, &sessions, now, &q));
    assert_string_equal(q.symbol, "B");
    assert_int_equal(q.price.coef, 8);
    assert_int_equal(q.heard.ns, now.ns);
    assert_true(board_take(&b, &sessions, now, &q));
    assert_false(board_take(&b, &sessions, now, &q));
}

static void while_few_trade_a_stream_may_be_silent_for_longer(void **state)
{
    (void)state;
    b.patience = 3;
    learn_a_busy_stream();
    pass(6000);
    assert_int_equal(board_flow(&b, now), FLOW_GOOD);
    pass(4000);
    assert_int_equal(board_flow(&b, now), FLOW_SILENT);
}

static void a_first_trade_waits_for_something_to_measure_it_by_for_three_seconds(void **state)
{
    struct row *r = &b.rows[0];

    (void)state;
    first_trade_at(r, start, 5);
    assert_true(board_take_wish(&b)); /* a snapshot */
    pass(2900);
    board_trust_first(&b, now);
    assert_true(list_empty(&b.news));
    pass(100);
    board_trust_first(&b, now);
    assert_false(list_empty(&b.news));
    assert_int_equal(r->listing.good.quote.price.coef, 5);
}

static void a_wild_first_trade_gives_way_to_the_snapshot(void **state)
{
    struct row *r = &b.rows[0];

    (void)state;
    first_trade_at(r, start, 50);
    snapshot(r, (struct wall){start.ms - 1000}, 5);
    pass(5000);
    board_trust_first(&b, now);
    assert_int_equal(r->listing.good.quote.price.coef, 5);
    first_trade_at(r, (struct wall){start.ms + 1000}, 5);
    assert_int_equal(r->listing.good.quote.timestamp.ms, start.ms + 1000);
}

static void a_busy_stream_that_says_nothing_is_silent_within_seconds(void **state)
{
    (void)state;
    learn_a_busy_stream();
    assert_int_equal(board_flow(&b, now), FLOW_GOOD);
    pass(4000);
    assert_int_equal(board_flow(&b, now), FLOW_SILENT);
}

static void a_stream_that_repeats_its_last_trade_is_silent_too(void **state)
{
    struct wall frozen;

    (void)state;
    learn_a_busy_stream();
    frozen = board_clock(&b, now);
    for (int i = 0; i < 40; i++) {
        pass(100);
        trade_at(&b.rows[0], frozen, 100);
    }
    assert_int_equal(board_flow(&b, now), FLOW_SILENT);
}

static void a_trade_from_the_future_is_no_sign_of_life(void **state)
{
    (void)state;
    learn_a_busy_stream();
    trade_at(&b.rows[0], (struct wall){start.ms + 7200000}, 100);
    pass(100);
    trade(101);
    assert_int_equal(b.rows[0].listing.good.quote.price.coef, 101);
    assert_int_equal(board_flow(&b, now), FLOW_GOOD);
}

static void snapshots_that_are_newer_show_that_trades_are_missing(void **state)
{
    (void)state;
    learn_a_busy_stream();
    pass(60000);
    for (int i = 0; i < 3; i++) {
        assert_false(board_misses_trades(&b));
        snapshot(&b.rows[0], board_clock(&b, now), 100 + i);
        pass(5000);
    }
    assert_true(board_misses_trades(&b));
    trade(100);
    assert_false(board_misses_trades(&b));
}

static void also_when_the_stream_has_never_told_anything(void **state)
{
    (void)state;
    board_reconnected(&b, now);
    pass(10000);
    snapshot(&b.rows[1], board_clock(&b, now), 100); /* it may have come before the stream */
    assert_int_equal(b.missed, 0);
    pass(10000);
    for (int i = 0; i < 3; i++)
        snapshot(&b.rows[1], board_clock(&b, now), 100);
    assert_true(board_misses_trades(&b));
}

static void a_stream_given_up_in_vain_is_given_up_ever_more_rarely(void **state)
{
    int64_t last = 0;

    (void)state;
    assert_int_equal(board_mute_ms(&b), 0);
    for (int i = 0; i < 20; i++) {
        int64_t ms = board_mute_ms(&b);

        assert_true(ms >= 60000 && ms >= last && ms <= 900000);
        last = ms;
    }
    assert_int_equal(last, 900000);
    trade(100);
    assert_int_equal(board_mute_ms(&b), 0);
}

static void the_services_clock_counts_where_ours_is_wrong(void **state)
{
    struct wall theirs = {start.ms + 3 * INT64_C(86400000)};

    (void)state;
    board_hear_date(&b, theirs, now);
    pass(1000);
    assert_int_equal(board_clock(&b, now).ms, theirs.ms + 1000);
    trade_at(&b.rows[0], theirs, 100);
    assert_true(b.rows[0].listing.good.known);
    trade_at(&b.rows[1], (struct wall){theirs.ms + 70000}, 100); /* neither clock is there yet */
    assert_false(b.rows[1].listing.good.known);
    trade_at(&b.rows[1], start, 100); /* or else ours is right */
    assert_true(b.rows[1].listing.good.known);
}

static void a_date_of_whole_seconds_does_not_move_the_clock(void **state)
{
    (void)state;
    board_hear_date(&b, (struct wall){start.ms - 900}, now);
    assert_true(board_clock(&b, now).ms >= start.ms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_board, close_board)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_with_news_are_given_once_in_order),
        TEST(while_few_trade_a_stream_may_be_silent_for_longer),
        TEST(a_first_trade_waits_for_something_to_measure_it_by_for_three_seconds),
        TEST(a_wild_first_trade_gives_way_to_the_snapshot),
        TEST(a_busy_stream_that_says_nothing_is_silent_within_seconds),
        TEST(a_stream_that_repeats_its_last_trade_is_silent_too),
        TEST(a_trade_from_the_future_is_no_sign_of_life),
        TEST(snapshots_that_are_newer_show_that_trades_are_missing),
        TEST(also_when_the_stream_has_never_told_anything),
        TEST(a_stream_given_up_in_vain_is_given_up_ever_more_rarely),
        TEST(the_services_clock_counts_where_ours_is_wrong),
        TEST(a_date_of_whole_seconds_does_not_move_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
