#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recorder/keep.h"

#define DAY 86400

static void days_are_kept_as_named_and_the_rest_for_ever(void **state)
{
    int64_t keep[N_RESOLUTIONS];

    (void)state;
    assert_int_equal(keep_parse("1s=7,1m=730", keep), 0);
    assert_int_equal(keep[RESOLUTION_1S], 7 * DAY);
    assert_int_equal(keep[RESOLUTION_1M], 730 * DAY);
    assert_int_equal(keep[RESOLUTION_1D], 0);
}

static void nothing_named_is_everything_kept(void **state)
{
    int64_t keep[N_RESOLUTIONS];

    (void)state;
    assert_int_equal(keep_parse("", keep), 0);
    for (int i = 0; i < N_RESOLUTIONS; i++)
        assert_int_equal(keep[i], 0);
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const lists[] = {"1s",    "1s=",   "=7",        "2m=7",
                                        "1s=-1", "1s=7x", "1s=7;1m=3", "1s=99999999999999999999"};
    int64_t keep[N_RESOLUTIONS] = {[RESOLUTION_1S] = 42};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        assert_int_equal(keep_parse(lists[i], keep), -EINVAL);
    assert_int_equal(keep[RESOLUTION_1S], 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_kept_as_named_and_the_rest_for_ever),
        cmocka_unit_test(nothing_named_is_everything_kept),
        cmocka_unit_test(what_is_no_list_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
