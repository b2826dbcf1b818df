#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/civil.h"
#include "recorder/resolution.h"

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    return (int64_t)civil_to_days((struct civil){year, month, day}) * 86400 + INT64_C(3600) * hour +
           INT64_C(60) * minute;
}

static void assert_span(struct span s, int64_t t, int64_t from, int64_t until)
{
    assert_int_equal(s.t, t);
    assert_int_equal(s.from, from);
    assert_int_equal(s.until, until);
}

static void a_resolution_is_found_by_our_name_and_by_tradingviews(void **state)
{
    static const struct {
        const char *text;
        enum resolution resolution;
    } cases[] = {{"1s", RESOLUTION_1S}, {"1S", RESOLUTION_1S}, {"1m", RESOLUTION_1M},
                 {"1", RESOLUTION_1M},  {"5", RESOLUTION_5M},  {"15m", RESOLUTION_15M},
                 {"60", RESOLUTION_1H}, {"1h", RESOLUTION_1H}, {"D", RESOLUTION_1D},
                 {"1D", RESOLUTION_1D}, {"1d", RESOLUTION_1D}};
    enum resolution r;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(resolution_find(cases[i].text, &r), 0);
        assert_int_equal(r, cases[i].resolution);
    }
    assert_int_equal(resolution_find("", &r), -EINVAL);
    assert_int_equal(resolution_find("2m", &r), -EINVAL);
    assert_int_equal(resolution_of_seconds(900, &r), 0);
    assert_int_equal(r, RESOLUTION_15M);
    assert_int_equal(resolution_of_seconds(90, &r), -EINVAL);
}

static void short_bars_begin_at_whole_multiples(void **state)
{
    int64_t t = utc(2024, 4, 5, 14, 38) + 21;

    (void)state;
    assert_span(resolution_span(RESOLUTION_1S, t, false), t, t, t + 1);
    assert_span(resolution_span(RESOLUTION_1M, t, false), t - 21, t - 21, t + 39);
    assert_int_equal(resolution_span(RESOLUTION_5M, t, false).from, utc(2024, 4, 5, 14, 35));
    assert_int_equal(resolution_span(RESOLUTION_15M, t, false).from, utc(2024, 4, 5, 14, 30));
}

static void hours_of_the_regular_session_begin_at_half_past(void **state)
{
    int64_t open = utc(2024, 4, 5, 13, 30); /* 9:30 in summer */

    (void)state;
    assert_span(resolution_span(RESOLUTION_1H, open, false), open, open, open + 3600);
    assert_span(resolution_span(RESOLUTION_1H, open + 3599, false), open, open, open + 3600);
    assert_int_equal(resolution_span(RESOLUTION_1H, open + 3600, false).from, open + 3600);
}

static void no_hour_spans_two_sessions(void **state)
{
    int64_t open = utc(2024, 1, 5, 14, 30), close = utc(2024, 1, 5, 21, 0); /* in winter */

    (void)state;
    assert_span(resolution_span(RESOLUTION_1H, open - 1, false), open - 1800, open - 1800, open);
    assert_span(resolution_span(RESOLUTION_1H, close - 1, false), close - 1800, close - 1800,
                close);
    assert_span(resolution_span(RESOLUTION_1H, close, false), close, close, close + 3600);
}

static void a_day_is_new_yorks_date_known_by_its_midnight_utc(void **state)
{
    int64_t label = utc(2024, 4, 5, 0, 0);

    (void)state;
    assert_span(resolution_span(RESOLUTION_1D, utc(2024, 4, 5, 4, 0), false), label,
                utc(2024, 4, 5, 4, 0), utc(2024, 4, 6, 4, 0));
    assert_int_equal(resolution_span(RESOLUTION_1D, utc(2024, 4, 6, 3, 59), false).t, label);
    assert_int_equal(resolution_span(RESOLUTION_1D, utc(2024, 4, 5, 3, 59), false).t,
                     utc(2024, 4, 4, 0, 0));
}

static void days_have_23_or_25_hours_when_the_clocks_change(void **state)
{
    (void)state;
    assert_span(resolution_span(RESOLUTION_1D, utc(2024, 3, 10, 12, 0), false),
                utc(2024, 3, 10, 0, 0), utc(2024, 3, 10, 5, 0), utc(2024, 3, 11, 4, 0));
    assert_span(resolution_span(RESOLUTION_1D, utc(2024, 11, 3, 12, 0), false),
                utc(2024, 11, 3, 0, 0), utc(2024, 11, 3, 4, 0), utc(2024, 11, 4, 5, 0));
}

/* Every moment lies in its own span, and spans follow one another without gap or overlap. */
static void spans_cover_all_time_without_overlap(void **state)
{
    (void)state;
    for (int r = RESOLUTION_1M; r < N_RESOLUTIONS; r++) {
        for (int clock = 0; clock < 2; clock++) {
            int64_t at = utc(2024, 3, 8, 0, 0), end = utc(2024, 3, 13, 0, 0);
            struct span s = resolution_span((enum resolution)r, at, clock != 0);
            while (at < end) {
                struct span next = resolution_span((enum resolution)r, s.until, clock != 0);
                assert_true(s.from <= at && at < s.until);
                assert_int_equal(resolution_span((enum resolution)r, s.until - 1, clock).t, s.t);
                assert_int_equal(next.from, s.until);
                at = s.until;
                s = next;
            }
        }
    }
}

static void what_trades_around_the_clock_has_utc_hours_and_days(void **state)
{
    int64_t t = utc(2024, 4, 5, 2, 45);

    (void)state;
    assert_true(trades_around_the_clock("BTC/USD"));
    assert_true(trades_around_the_clock("BINANCE:BTCUSDT"));
    assert_false(trades_around_the_clock("BRK.B"));
    assert_int_equal(resolution_span(RESOLUTION_1H, t, true).from, utc(2024, 4, 5, 2, 0));
    assert_span(resolution_span(RESOLUTION_1D, t, true), utc(2024, 4, 5, 0, 0),
                utc(2024, 4, 5, 0, 0), utc(2024, 4, 6, 0, 0));
}

static void sessions_follow_new_yorks_clock(void **state)
{
    (void)state;
    assert_int_equal(session_at(utc(2024, 4, 5, 7, 59)), SESSION_CLOSED);
    assert_int_equal(session_at(utc(2024, 4, 5, 8, 0)), SESSION_PRE);
    assert_int_equal(session_at(utc(2024, 4, 5, 13, 30)), SESSION_REGULAR);
    assert_int_equal(session_at(utc(2024, 4, 5, 20, 0)), SESSION_POST);
    assert_int_equal(session_at(utc(2024, 4, 6, 0, 0)), SESSION_CLOSED);
}

static void times_before_1970_have_bars_too(void **state)
{
    (void)state;
    assert_span(resolution_span(RESOLUTION_1M, -1, false), -60, -60, 0);
    assert_int_equal(resolution_span(RESOLUTION_1D, -1, true).t, -86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resolution_is_found_by_our_name_and_by_tradingviews),
        cmocka_unit_test(short_bars_begin_at_whole_multiples),
        cmocka_unit_test(hours_of_the_regular_session_begin_at_half_past),
        cmocka_unit_test(no_hour_spans_two_sessions),
        cmocka_unit_test(a_day_is_new_yorks_date_known_by_its_midnight_utc),
        cmocka_unit_test(days_have_23_or_25_hours_when_the_clocks_change),
        cmocka_unit_test(spans_cover_all_time_without_overlap),
        cmocka_unit_test(what_trades_around_the_clock_has_utc_hours_and_days),
        cmocka_unit_test(sessions_follow_new_yorks_clock),
        cmocka_unit_test(times_before_1970_have_bars_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
