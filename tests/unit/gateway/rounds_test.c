#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "gateway/rounds.h"

#define MAX_NS 5000000
#define ROUNDS 200

/* `rounds` rounds, one every `period_us`, each of which takes `took_us`. Returns the last hold, us.
 */
static int64_t hold_after(struct rounds *r, int rounds, int64_t period_us, int64_t took_us,
                          uint64_t writes, uint64_t delivered)
{
    struct mono end = r->begin;

    for (int i = 0; i < rounds; i++) {
        struct mono begin = {r->begin.ns + period_us * 1000};
        end = (struct mono){begin.ns + took_us * 1000};
        rounds_add(r, begin, end, writes, delivered);
        rounds_end(r, end, MAX_NS);
    }
    return (r->next.ns - end.ns) / 1000;
}

static void a_loop_that_keeps_up_one_by_one_does_not_hold(void **state)
{
    struct rounds r = {.begin = {1}};

    (void)state;
    assert_int_equal(hold_after(&r, ROUNDS, 10000, 3000, 1000, 1000), 0); /* 1,000 x 100/s */
    assert_int_equal(hold_after(&r, ROUNDS, 1000, 800, 100, 100), 0);     /* 100 x 1,000/s */
    assert_int_equal(hold_after(&r, ROUNDS, 1500, 1200, 100, 150), 0); /* and a little too much */
}

static void private_watchlists_do_not_hold_however_often_a_message_comes(void **state)
{
    struct rounds r = {.begin = {1}};

    (void)state;
    assert_int_equal(hold_after(&r, ROUNDS, 250, 100, 10, 10), 0);
}

static void a_loop_that_cannot_keep_up_one_by_one_holds_twice_its_round(void **state)
{
    struct rounds r = {.begin = {1}};

    (void)state;
    assert_int_equal(hold_after(&r, ROUNDS, 6000, 2000, 1000, 7000), 4000);
}

static void a_round_and_its_hold_stay_within_three_times_what_is_allowed(void **state)
{
    struct rounds r = {.begin = {1}};

    (void)state;
    assert_int_equal(hold_after(&r, ROUNDS, 15000, 5000, 1000, 15000), 8750);
    assert_int_equal(hold_after(&r, ROUNDS, 15000, 12000, 1000, 15000), 1750);
    assert_int_equal(hold_after(&r, ROUNDS, 20000, 16000, 1000, 20000), 0);
}

static void a_round_in_parts_took_what_they_took(void **state)
{
    struct rounds r = {.begin = {1}};
    struct mono at = r.begin;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        for (int part = 0; part < 4; part++) { /* half a millisecond of every one */
            rounds_add(&r, at, (struct mono){at.ns + 500000}, 250, 1500);
            at.ns += 1000000;
        }
        rounds_end(&r, at, MAX_NS);
    }
    assert_int_equal(r.next.ns - at.ns, 4000000);
}

static void the_hold_ends_with_the_load(void **state)
{
    struct rounds r = {.begin = {1}};

    (void)state;
    assert_true(hold_after(&r, ROUNDS, 7500, 3000, 1000, 7500) > 0);
    assert_int_equal(hold_after(&r, ROUNDS, 10000, 3000, 1000, 1000), 0);
}

static void some_rounds_that_waited_for_the_processor_make_no_hold(void **state)
{
    struct rounds r = {.begin = {1}};

    (void)state;
    assert_int_equal(hold_after(&r, ROUNDS, 1000, 500, 100, 100), 0);
    assert_int_equal(hold_after(&r, 10, 40000, 40000, 100, 100), 0);
}

static void a_round_that_wrote_nothing_is_no_load(void **state)
{
    struct rounds r = {.begin = {1}};

    (void)state;
    assert_int_equal(hold_after(&r, ROUNDS, 100, 90, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_keeps_up_one_by_one_does_not_hold),
        cmocka_unit_test(private_watchlists_do_not_hold_however_often_a_message_comes),
        cmocka_unit_test(a_loop_that_cannot_keep_up_one_by_one_holds_twice_its_round),
        cmocka_unit_test(a_round_and_its_hold_stay_within_three_times_what_is_allowed),
        cmocka_unit_test(a_round_in_parts_took_what_they_took),
        cmocka_unit_test(the_hold_ends_with_the_load),
        cmocka_unit_test(some_rounds_that_waited_for_the_processor_make_no_hold),
        cmocka_unit_test(a_round_that_wrote_nothing_is_no_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
