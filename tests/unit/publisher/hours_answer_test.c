#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/civil.h"
#include "publisher/feeds/hours_answer.h"

#include "common/banned.h"

static struct calendar *c;
static int n_believed;

static void on_day(void *ctx, int32_t day, struct hours hours)
{
    (void)ctx;
    n_believed += calendar_tell(c, day, hours);
}

static int begin(void **state)
{
    (void)state;
    n_believed = 0;
    return calendar_new(NULL, &c);
}

static int end(void **state)
{
    (void)state;
    calendar_free(c);
    return 0;
}

static int32_t date(int year, int month, int day)
{
    return civil_to_days((struct civil){year, month, day});
}

static void holidays_close_and_shorten_days(void **state)
{
    (void)state;
    assert_true(hours_read_holidays(
        "{\"exchange\":\"US\",\"timezone\":\"America/New_York\",\"data\":["
        "{\"eventName\":\"Mourning\",\"atDate\":\"2027-01-07\",\"tradingHour\":\"\"},"
        "{\"eventName\":\"Storm\",\"atDate\":\"2027-01-08\",\"tradingHour\":\"09:30-12:00\"},"
        "{\"eventName\":\"Christmas\",\"atDate\":\"2026-12-25\",\"tradingHour\":\"\"},"
        "{\"eventName\":\"odd\",\"atDate\":\"2026-13-25\",\"tradingHour\":\"\"},"
        "{\"atDate\":\"2027-01-11\",\"tradingHour\":\"soon\"},7,null]}",
        on_day, NULL));
    assert_int_equal(n_believed, 2);
    assert_int_equal(calendar_hours(c, date(2027, 1, 7)).close, 0);
    assert_int_equal(calendar_hours(c, date(2027, 1, 8)).close, 720);
    assert_int_equal(calendar_hours(c, date(2027, 1, 8)).post, 1020);
    assert_int_equal(calendar_hours(c, date(2027, 1, 11)).close, 960);
}

static void nonsense_is_not_believed(void **state)
{
    static const char *const bodies[] = {
        "", "[]", "{\"data\":{}}", "{\"error\":\"Please use an API key.\"}", "<html>",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
        assert_false(hours_read_holidays(bodies[i], on_day, NULL));
    assert_true(hours_read_holidays(
        "{\"data\":[{\"atDate\":\"2026-12-05\",\"tradingHour\":\"09:30-16:00\"}," /* Saturday */
        "{\"atDate\":\"2026-12-07\",\"tradingHour\":\"02:00-03:00\"},"
        "{\"atDate\":\"2026-12-08\",\"tradingHour\":\"09:30-09:31\"},"
        "{\"atDate\":\"2026-12-09\",\"tradingHour\":\"16:00-09:30\"}]}",
        on_day, NULL));
    assert_int_equal(n_believed, 0);
}

static void a_service_that_closes_everything_is_not_believed_for_long(void **state)
{
    char body[8192];
    int len = snprintf(body, sizeof(body), "{\"data\":[");

    (void)state;
    for (int i = 0; i < 100; i++)
        len += snprintf(body + len, sizeof(body) - (size_t)len,
                        "%s{\"atDate\":\"2027-%02d-%02d\",\"tradingHour\":\"\"}", i > 0 ? "," : "",
                        1 + i / 25, 1 + i % 25);
    snprintf(body + len, sizeof(body) - (size_t)len, "]}");
    assert_false(hours_read_holidays(body, on_day, NULL));
    assert_in_range(n_believed, 0, 30);
}

static void a_weekday_that_a_calendar_leaves_out_is_closed(void **state)
{
    const int32_t monday = date(2027, 1, 4);

    (void)state;
    assert_true(
        hours_read_calendar("[{\"date\":\"2027-01-04\",\"open\":\"09:30\",\"close\":\"16:00\"},"
                            "{\"date\":\"2027-01-05\",\"open\":\"09:30\",\"close\":\"16:00\","
                            "\"session_open\":\"0400\"},"
                            "{\"date\":\"2027-01-06\",\"open\":\"09:30\",\"close\":\"13:00\"},"
                            "{\"date\":\"2027-01-08\",\"open\":\"09:30\",\"close\":\"16:00\"}]",
                            monday, monday + 6, on_day, NULL));
    assert_int_equal(n_believed, 2);
    assert_int_equal(calendar_hours(c, monday + 2).close, 780);
    assert_int_equal(calendar_hours(c, monday + 3).close, 0);
    assert_false(hours_read_calendar("[]", monday, monday + 6, on_day, NULL));
    assert_false(hours_read_calendar("{\"code\":40110000}", monday, monday + 6, on_day, NULL));
    assert_int_equal(n_believed, 2);
}

static void both_say_whether_the_market_is_open(void **state)
{
    bool open = false;

    (void)state;
    assert_true(
        hours_read_status("{\"exchange\":\"US\",\"isOpen\":true,\"session\":\"regular\"}", &open));
    assert_true(open);
    assert_true(hours_read_status("{\"timestamp\":\"2022\",\"is_open\":false}", &open));
    assert_false(open);
    assert_false(hours_read_status("{\"isOpen\":null}", &open));
    assert_false(hours_read_status("nginx", &open));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(holidays_close_and_shorten_days, begin, end),
        cmocka_unit_test_setup_teardown(nonsense_is_not_believed, begin, end),
        cmocka_unit_test_setup_teardown(a_service_that_closes_everything_is_not_believed_for_long,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_weekday_that_a_calendar_leaves_out_is_closed, begin, end),
        cmocka_unit_test_setup_teardown(both_say_whether_the_market_is_open, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
