#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publisher/freshness.h"

static struct freshness feed;
static struct fresh symbol;
static struct mono now;

static int begin(void **state)
{
    (void)state;
    feed = (struct freshness){0};
    symbol = (struct fresh){0};
    now = (struct mono){INT64_C(1000000000000)};
    return 0;
}

static bool is_stale(void)
{
    return freshness_state(&feed, &symbol, now) == FRESH_STALE;
}

/* Let so many seconds pass without a price. Returns whether the symbol came to be stale. */
static bool silence(int seconds, enum quote_session session)
{
    bool was_stale = is_stale();

    for (int i = 0; i < 5 * seconds; i++) {
        now = mono_add_ms(now, 200);
        freshness_look(&feed, now, (struct wall){now.ns / 1000000}, session, 1);
    }
    return is_stale() && !was_stale;
}

/* Ten prices a second, for half a minute. */
static void prices(enum quote_session session)
{
    freshness_look(&feed, now, (struct wall){now.ns / 1000000}, session, 1);
    for (int i = 0; i < 300; i++) {
        now = mono_add_ms(now, 100);
        freshness_heard(&feed, &symbol, session, now);
    }
}

static void a_silence_that_was_nothing_alarms_once_before_hours(void **state)
{
    (void)state;
    prices(SESSION_PRE);
    assert_true(silence(60, SESSION_PRE));
    prices(SESSION_PRE);
    assert_false(silence(120, SESSION_PRE));
    prices(SESSION_PRE);
    assert_false(silence(300, SESSION_PRE));
    assert_true(silence(3600, SESSION_PRE)); /* that is none */
}

static void it_says_nothing_about_regular_hours(void **state)
{
    (void)state;
    prices(SESSION_PRE);
    silence(60, SESSION_PRE);
    prices(SESSION_PRE);
    for (int cuts = 0; cuts < 3; cuts++) {
        prices(SESSION_REGULAR);
        silence(3, SESSION_REGULAR);
        assert_false(is_stale());
        silence(2, SESSION_REGULAR);
        assert_true(is_stale());
        silence(60, SESSION_REGULAR);
    }
}

static void a_closed_market_is_silent_without_a_word(void **state)
{
    (void)state;
    prices(SESSION_POST);
    assert_false(silence(60, SESSION_CLOSED));
    assert_int_equal(freshness_state(&feed, &symbol, now), FRESH_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_silence_that_was_nothing_alarms_once_before_hours, begin),
        cmocka_unit_test_setup(it_says_nothing_about_regular_hours, begin),
        cmocka_unit_test_setup(a_closed_market_is_silent_without_a_word, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
