#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "common/clock.h"

static struct mono at(int64_t ns)
{
    return (struct mono){ns};
}

static void a_timeout_is_rounded_up_so_that_no_poll_ends_early(void **state)
{
    (void)state;
    assert_int_equal(mono_timeout_ms(at(5), at(5)), 0);
    assert_int_equal(mono_timeout_ms(at(4), at(5)), 0);
    assert_int_equal(mono_timeout_ms(at(INT64_MIN), at(INT64_MAX)), 0);
    assert_int_equal(mono_timeout_ms(at(1), at(0)), 1);
    assert_int_equal(mono_timeout_ms(at(1000000), at(0)), 1);
    assert_int_equal(mono_timeout_ms(at(1000001), at(0)), 2);
    assert_int_equal(mono_timeout_ms(at(INT64_MAX - 1), at(0)), INT_MAX);
    assert_int_equal(mono_timeout_ms(at(1), at(INT64_MIN)), INT_MAX);
    assert_int_equal(mono_timeout_ms(MONO_NEVER, at(0)), -1);
}

static void adding_saturates(void **state)
{
    (void)state;
    assert_int_equal(mono_add_ms(at(5), 2).ns, 2000005);
    assert_int_equal(mono_add_ms(at(5), -1).ns, -999995);
    assert_int_equal(mono_add_ms(at(5), INT64_MAX).ns, INT64_MAX);
    assert_int_equal(mono_add_ms(MONO_NEVER, 1).ns, INT64_MAX);
    assert_int_equal(mono_add_ms(at(0), INT64_MIN).ns, INT64_MIN);
}

static void time_goes_forward(void **state)
{
    struct mono before = mono_now();

    (void)state;
    assert_false(mono_before(mono_now(), before));
    assert_int_equal(mono_earlier(at(1), at(2)).ns, 1);
    assert_int_equal(mono_earlier(at(2), at(1)).ns, 1);
    assert_true(wall_now().ms > INT64_C(1700000000000));
}

static void a_time_reads_as_iso_8601(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1712331900123, "2024-04-05T15:45:00.123Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    char text[WALL_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wall_format((struct wall){cases[i].ms}, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timeout_is_rounded_up_so_that_no_poll_ends_early),
        cmocka_unit_test(adding_saturates),
        cmocka_unit_test(time_goes_forward),
        cmocka_unit_test(a_time_reads_as_iso_8601),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
