#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/civil.h"

static void days_and_dates_are_inverse_over_all_years(void **state)
{
    int32_t first = civil_to_days((struct civil){1, 1, 1});
    int32_t last = civil_to_days((struct civil){9999, 12, 31});

    (void)state;
    for (int32_t days = first; days <= last; days++) {
        struct civil date = civil_from_days(days);

        if (!civil_valid(date) || civil_to_days(date) != days)
            fail_msg("day %d is %d-%d-%d", days, date.year, date.month, date.day);
    }
    assert_int_equal(last - first + 1, 3652059); /* the days of 9999 years */
}

static void known_days_have_their_dates_and_weekdays(void **state)
{
    char text[CIVIL_TEXT_MAX];

    (void)state;
    assert_int_equal(civil_to_days((struct civil){1970, 1, 1}), 0);
    assert_int_equal(civil_to_days((struct civil){2000, 2, 29}), 11016);
    assert_int_equal(civil_weekday(0), 4);  /* Thursday */
    assert_int_equal(civil_weekday(-5), 6); /* Saturday */
    assert_int_equal(civil_weekday(civil_to_days((struct civil){2026, 11, 21})), 6);
    civil_format(-1, text);
    assert_string_equal(text, "1969-12-31");
}

static void days_that_a_month_does_not_have_are_not_valid(void **state)
{
    (void)state;
    assert_true(civil_valid((struct civil){2000, 2, 29}));
    assert_false(civil_valid((struct civil){1900, 2, 29}));
    assert_false(civil_valid((struct civil){2016, 4, 31}));
    assert_false(civil_valid((struct civil){2016, 0, 1}));
    assert_false(civil_valid((struct civil){2016, 13, 1}));
    assert_false(civil_valid((struct civil){2016, 1, 0}));
    assert_false(civil_valid((struct civil){0, 1, 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_dates_are_inverse_over_all_years),
        cmocka_unit_test(known_days_have_their_dates_and_weekdays),
        cmocka_unit_test(days_that_a_month_does_not_have_are_not_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
