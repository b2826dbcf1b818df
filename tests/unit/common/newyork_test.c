#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/civil.h"
#include "common/newyork.h"

#define H 3600

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    return (int64_t)civil_to_days((struct civil){year, month, day}) * 86400 + INT64_C(3600) * hour +
           INT64_C(60) * minute;
}

/* The second before `change` has `before`, the second itself `after`. */
static void assert_change(int64_t change, int before, int after)
{
    assert_int_equal(newyork_offset_s(change - 1), before);
    assert_int_equal(newyork_offset_s(change), after);
}

static void summer_time_from_2007_on_is_march_to_november(void **state)
{
    (void)state;
    assert_change(utc(2007, 3, 11, 7, 0), -5 * H, -4 * H);
    assert_change(utc(2007, 11, 4, 6, 0), -4 * H, -5 * H);
    assert_change(utc(2015, 3, 8, 7, 0), -5 * H, -4 * H); /* the 8th is a Sunday */
    assert_change(utc(2015, 11, 1, 6, 0), -4 * H, -5 * H);
    assert_change(utc(2026, 3, 8, 7, 0), -5 * H, -4 * H);
    assert_change(utc(2026, 11, 1, 6, 0), -4 * H, -5 * H);
    assert_change(utc(2020, 3, 8, 7, 0), -5 * H, -4 * H);
    assert_change(utc(2019, 3, 10, 7, 0), -5 * H, -4 * H);
}

static void summer_time_up_to_2006_is_april_to_october(void **state)
{
    (void)state;
    assert_change(utc(2006, 4, 2, 7, 0), -5 * H, -4 * H);
    assert_change(utc(2006, 10, 29, 6, 0), -4 * H, -5 * H);
    assert_change(utc(1987, 4, 5, 7, 0), -5 * H, -4 * H);
    assert_change(utc(1987, 10, 25, 6, 0), -4 * H, -5 * H);
    assert_change(utc(2001, 4, 1, 7, 0), -5 * H, -4 * H); /* the 1st is a Sunday */
    assert_change(utc(1999, 10, 31, 6, 0), -4 * H, -5 * H);
}

static void the_trading_day_ends_at_midnight_in_new_york(void **state)
{
    int32_t april15 = civil_to_days((struct civil){2016, 4, 15});
    int32_t january3 = civil_to_days((struct civil){2011, 1, 3});

    (void)state;
    assert_int_equal(newyork_day(utc(2016, 4, 15, 13, 30)), april15);
    assert_int_equal(newyork_day(utc(2016, 4, 16, 3, 59)), april15);
    assert_int_equal(newyork_day(utc(2016, 4, 16, 4, 0)), april15 + 1);
    assert_int_equal(newyork_day(utc(2011, 1, 4, 4, 59)), january3);
    assert_int_equal(newyork_day(utc(2011, 1, 4, 5, 0)), january3 + 1);
    assert_int_equal(newyork_day(utc(1970, 1, 1, 0, 0)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summer_time_from_2007_on_is_march_to_november),
        cmocka_unit_test(summer_time_up_to_2006_is_april_to_october),
        cmocka_unit_test(the_trading_day_ends_at_midnight_in_new_york),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
