#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/feeds/budget.h"

#include "common/banned.h"

static struct budget budget;

static int64_t next_ms(bool hasty)
{
    return budget_next(&budget, hasty).ns / 1000000;
}

/* Make a call as soon as it is allowed, but not before `from_ms`. Returns when. */
static int64_t call(int64_t from_ms, bool hasty)
{
    int64_t ms = next_ms(hasty) > from_ms ? next_ms(hasty) : from_ms;

    budget_spend(&budget, (struct mono){ms * 1000000});
    return ms;
}

static void the_first_call_is_allowed_at_once(void **state)
{
    (void)state;
    budget_init(&budget, 55);
    assert_true(next_ms(false) <= 1);
}

static void calls_are_evenly_spread(void **state)
{
    (void)state;
    budget_init(&budget, 60);
    assert_int_equal(call(5000, false), 5000);
    assert_int_equal(call(5000, false), 6000);
    assert_int_equal(call(5000, false), 7000);
}

static void hasty_calls_follow_soon(void **state)
{
    (void)state;
    budget_init(&budget, 60);
    call(5000, true);
    assert_int_equal(call(5000, true), 5100);
    assert_int_equal(call(5000, true), 5200);
}

static void no_minute_has_more_calls_than_allowed(void **state)
{
    static int64_t at[1000];
    const uint32_t n = 1000, per_minute = 55;

    (void)state;
    budget_init(&budget, per_minute);
    for (uint32_t i = 0; i < n; i++)
        at[i] = call(10000, i % 100 < 30 || i % 7 == 0); /* now hasty, now not */
    for (uint32_t i = per_minute; i < n; i++)
        assert_true(at[i] - at[i - per_minute] >= 60000);
    assert_true(at[n - 1] < 10000 + 20 * 60000); /* and nearly as many as allowed are made */
}

static void the_fastest_plan_stays_below_thirty_a_second(void **state)
{
    (void)state;
    budget_init(&budget, 1800);
    assert_int_equal(call(1000, true), 1000);
    assert_int_equal(call(1000, true), 1034);
    assert_int_equal(call(1000, false), 1068);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_call_is_allowed_at_once),
        cmocka_unit_test(calls_are_evenly_spread),
        cmocka_unit_test(hasty_calls_follow_soon),
        cmocka_unit_test(no_minute_has_more_calls_than_allowed),
        cmocka_unit_test(the_fastest_plan_stays_below_thirty_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
