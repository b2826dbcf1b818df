#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/backoff.h"

/* Each wait lies between half of `full` and `full`. */
static void assert_next(struct backoff *b, uint32_t full)
{
    uint32_t ms = backoff_next_ms(b);

    assert_in_range(ms, full / 2, full);
}

static void waits_double_up_to_the_longest(void **state)
{
    struct backoff b;

    (void)state;
    backoff_init(&b, 250, 2000);
    assert_next(&b, 250);
    assert_next(&b, 500);
    assert_next(&b, 1000);
    for (int i = 0; i < 100; i++)
        assert_next(&b, 2000);
}

static void a_reset_begins_anew(void **state)
{
    struct backoff b;

    (void)state;
    backoff_init(&b, 100, 100000);
    for (int i = 0; i < 8; i++)
        (void)backoff_next_ms(&b);
    backoff_reset(&b);
    assert_next(&b, 100);
}

static void many_who_failed_together_return_apart(void **state)
{
    uint32_t lowest = UINT32_MAX, highest = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct backoff b;
        uint32_t ms;

        backoff_init(&b, 1000, 1000);
        ms = backoff_next_ms(&b);
        lowest = ms < lowest ? ms : lowest;
        highest = ms > highest ? ms : highest;
    }
    assert_true(lowest < 600 && highest > 900);
}

static void the_largest_waits_do_not_overflow(void **state)
{
    struct backoff b;

    (void)state;
    backoff_init(&b, UINT32_MAX, UINT32_MAX);
    for (int i = 0; i < 100; i++)
        assert_next(&b, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_longest),
        cmocka_unit_test(a_reset_begins_anew),
        cmocka_unit_test(many_who_failed_together_return_apart),
        cmocka_unit_test(the_largest_waits_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
