/* Deadlines: never early, and at most about a quarter of a second late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/loop.h"

#include "common/banned.h"

#define TICK_MS 250

static int passed;

static void on_passed(struct deadline *d, struct mono now)
{
    assert_false(mono_before(now, d->at));
    passed++;
}

/* A loop with one deadline in `ms`; returns now. */
static struct mono set_up(struct loop *l, struct deadline *d, int64_t ms)
{
    struct mono now;

    passed = 0;
    assert_int_equal(loop_init(l), 0);
    now = mono_now();
    loop_run_deadlines(l, now);
    deadline_init(d, on_passed);
    deadline_set(l, d, mono_add_ms(now, ms));
    return now;
}

static void a_deadline_is_never_early_and_hardly_late(void **state)
{
    static const int64_t waits_ms[] = {0, 1, 249, 250, 1500, 10000, 300000, 1000000};
    struct loop l;
    struct deadline d;

    (void)state;
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        struct mono now = set_up(&l, &d, waits_ms[i]);
        int64_t at = 0;
        while (at < waits_ms[i]) {
            loop_run_deadlines(&l, mono_add_ms(now, at));
            at += waits_ms[i] > 10000 ? 10007 : 83;
        }
        assert_int_equal(passed, 0);
        loop_run_deadlines(&l, mono_add_ms(now, waits_ms[i] + TICK_MS));
        assert_int_equal(passed, 1);
        loop_release(&l);
    }
}

static void the_loop_wakes_for_the_next_deadline_and_seldom_for_none(void **state)
{
    struct loop l;
    struct deadline d;
    struct mono now = set_up(&l, &d, 400);
    struct mono next = loop_next_deadline(&l);

    (void)state;
    assert_false(mono_before(next, d.at));
    assert_false(mono_before(mono_add_ms(d.at, TICK_MS), next));
    deadline_clear(&d);
    assert_false(mono_before(loop_next_deadline(&l), mono_add_ms(now, 750)));
    loop_release(&l);
}

static void a_process_that_slept_finds_what_passed_meanwhile(void **state)
{
    struct loop l;
    struct deadline d;
    struct mono now = set_up(&l, &d, 5000);

    (void)state;
    loop_run_deadlines(&l, mono_add_ms(now, 3600000));
    assert_int_equal(passed, 1);
    loop_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_never_early_and_hardly_late),
        cmocka_unit_test(the_loop_wakes_for_the_next_deadline_and_seldom_for_none),
        cmocka_unit_test(a_process_that_slept_finds_what_passed_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
