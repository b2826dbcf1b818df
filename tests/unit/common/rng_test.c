#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "common/rng.h"

#define DRAWS 200000

static void the_generator_is_xoshiro256ss(void **state)
{
    /* The first outputs for the state 1, 2, 3, 4, as published test vectors have them. */
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    struct rng r = {{1, 2, 3, 4}};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_true(rng_next(&r) == expected[i]);
}

static void a_seed_repeats_and_another_differs(void **state)
{
    struct rng a, b, c;
    int same = 0;

    (void)state;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 43);
    for (int i = 0; i < 100; i++) {
        uint64_t v = rng_next(&a);

        assert_true(v == rng_next(&b));
        same += v == rng_next(&c);
    }
    assert_int_equal(same, 0);
    rng_seed_random(&a);
    rng_seed_random(&b);
    assert_true(rng_next(&a) != rng_next(&b));
}

static void below_reaches_each_number_equally(void **state)
{
    struct rng r;
    int counts[6] = {0};

    (void)state;
    rng_seed(&r, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t v = rng_below(&r, 6);

        assert_true(v < 6);
        counts[v]++;
    }
    for (int i = 0; i < 6; i++)
        assert_true(abs(counts[i] - DRAWS / 6) < DRAWS / 100);
    assert_int_equal(rng_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
}

static void the_distributions_have_their_moments(void **state)
{
    double unit = 0, normal = 0, normal2 = 0, exponential = 0;
    struct rng r;

    (void)state;
    rng_seed(&r, 2);
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_unit(&r), n = rng_normal(&r), e = rng_exponential(&r, 5);

        assert_true(u >= 0 && u < 1);
        assert_true(isfinite(n));
        assert_true(e >= 0 && isfinite(e));
        unit += u;
        normal += n;
        normal2 += n * n;
        exponential += e;
    }
    assert_true(fabs(unit / DRAWS - 0.5) < 0.01);
    assert_true(fabs(normal / DRAWS) < 0.02);
    assert_true(fabs(normal2 / DRAWS - 1) < 0.02);
    assert_true(fabs(exponential / DRAWS - 5) < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256ss),
        cmocka_unit_test(a_seed_repeats_and_another_differs),
        cmocka_unit_test(below_reaches_each_number_equally),
        cmocka_unit_test(the_distributions_have_their_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
