#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"
#include "common/rng.h"

#define ROUNDS 20000
#define LIMIT INT64_C(1000000000000000000)

static struct decimal parse(const char *text)
{
    struct decimal d = {-1, 99};

    assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
    return d;
}

static void assert_text(struct decimal d, const char *expected)
{
    char text[DECIMAL_TEXT_MAX];

    assert_int_equal(decimal_format(d, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void assert_same(struct decimal a, struct decimal b)
{
    assert_int_equal(a.coef, b.coef);
    assert_int_equal(a.scale, b.scale);
}

static int64_t power(unsigned n)
{
    int64_t p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

/* Any decimal, each number of digits and each scale as likely as the others. */
static struct decimal any(struct rng *r, unsigned max_digits)
{
    int64_t coef = (int64_t)rng_below(r, (uint64_t)power((unsigned)rng_below(r, max_digits) + 1));
    int scale = (int)rng_below(r, DECIMAL_MAX_SCALE + 1);

    while (scale > 0 && coef % 10 == 0) {
        coef /= 10;
        scale--;
    }
    return (struct decimal){rng_below(r, 2) ? -coef : coef, (uint8_t)scale};
}

static void a_number_is_read_and_written_exactly(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"189.45", "189.45"},
        {"0", "0"},
        {"-0", "0"},
        {"+1.50", "1.5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"-.25", "-0.25"},
        {"007", "7"},
        {"1e3", "1000"},
        {"1.5E-3", "0.0015"},
        {"1e+2", "100"},
        {"100", "100"},
        {"100.00", "100"},
        {"0.000000000000000001", "0.000000000000000001"},
        {"-0.123456789012345678", "-0.123456789012345678"},
        {"999999999999999999", "999999999999999999"},
        {"-999999999999999999", "-999999999999999999"},
        {"1.00000000000000000000000000000000000000000000", "1"},
        {"0000000000000000000000000000000000000000000001", "1"},
        {"1000000000000000000000000e-20", "10000"},
        {"0.0000000000000000000000001e25", "1"},
        {"0e999999999999999999999", "0"},
        {"0.000e-99999", "0"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_text(parse(cases[i].text), cases[i].expected);
}

static void what_is_no_number_is_invalid(void **state)
{
    static const char *const cases[] = {"",      "-",
                                        "+",     ".",
                                        "-.",    "e5",
                                        "1e",    "1e+",
                                        "1e-",   "1.2.3",
                                        "--1",   "1 ",
                                        " 1",    "1,5",
                                        "0x10",  "nan",
                                        "inf",   "1e5x",
                                        "1e1.5", "１",
                                        "1-",    "99999999999999999999x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct decimal d = {7, 7};

        assert_int_equal(decimal_parse(cases[i], strlen(cases[i]), &d), -EINVAL);
        assert_int_equal(d.coef, 7); /* untouched */
    }
}

static void what_18_digits_do_not_hold_is_out_of_range(void **state)
{
    static const char *const cases[] = {"1000000000000000000",
                                        "-1000000000000000000",
                                        "1234567890123456789",
                                        "1e18",
                                        "1e-19",
                                        "0.0000000000000000001",
                                        "1.000000000000000001",
                                        "1e99999999999999999999",
                                        "1e-99999999999999999999",
                                        "12345678901234567.89",
                                        "1e9223372036854775807"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct decimal d;

        assert_int_equal(decimal_parse(cases[i], strlen(cases[i]), &d), -ERANGE);
    }
}

static void only_len_bytes_are_read(void **state)
{
    struct decimal d;

    (void)state;
    assert_int_equal(decimal_parse("12345", 3, &d), 0);
    assert_text(d, "123");
    assert_int_equal(decimal_parse("1", 0, &d), -EINVAL);
}

static void every_value_survives_text(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 1);
    for (int i = 0; i < ROUNDS; i++) {
        struct decimal d = any(&r, 18);
        char text[DECIMAL_TEXT_MAX];
        size_t len = decimal_format(d, text);

        assert_true(len < DECIMAL_TEXT_MAX);
        assert_int_equal(strlen(text), len);
        assert_same(parse(text), d);
    }
}

static void a_double_says_what_json_said(void **state)
{
    static const struct {
        double value;
        const char *expected;
    } cases[] = {
        {189.45, "189.45"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"}, /* it is what that double says */
        {-1e-9, "-0.000000001"},
        {1e17, "100000000000000000"},
        {9007199254740993.0, "9007199254740992"},
        {-0.0, "0"},
        {1712331900000.0, "1712331900000"},
    };
    struct decimal d;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(decimal_from_double(cases[i].value, &d), 0);
        assert_text(d, cases[i].expected);
    }
    assert_int_equal(decimal_from_double(NAN, &d), -EINVAL);
    assert_int_equal(decimal_from_double(INFINITY, &d), -EINVAL);
    assert_int_equal(decimal_from_double(-INFINITY, &d), -EINVAL);
    assert_int_equal(decimal_from_double(1e18, &d), -ERANGE);
    assert_int_equal(decimal_from_double(1e300, &d), -ERANGE);
    assert_int_equal(decimal_from_double(5e-324, &d), -ERANGE);
}

static void fifteen_digits_survive_a_double(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 2);
    for (int i = 0; i < ROUNDS; i++) {
        struct decimal d = any(&r, 15), back;

        assert_int_equal(decimal_from_double(decimal_to_double(d), &back), 0);
        assert_same(back, d);
    }
}

static void the_double_is_the_nearest(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 3);
    for (int i = 0; i < ROUNDS; i++) {
        struct decimal d = any(&r, 18);
        char text[DECIMAL_TEXT_MAX];

        decimal_format(d, text);
        assert_true(decimal_to_double(d) == strtod(text, NULL));
    }
}

static void a_tenth_and_two_tenths_are_three_tenths(void **state)
{
    struct decimal sum;

    (void)state;
    assert_int_equal(decimal_add(parse("0.1"), parse("0.2"), &sum), 0);
    assert_text(sum, "0.3");
    assert_int_equal(decimal_cmp(sum, parse("0.3")), 0);
    assert_int_equal(decimal_sub(parse("189.45"), parse("189.07"), &sum), 0);
    assert_text(sum, "0.38");
    assert_int_equal(decimal_sub(parse("0.3"), parse("0.3"), &sum), 0);
    assert_same(sum, decimal_from_int(0));
}

static void a_sum_beyond_18_digits_is_out_of_range(void **state)
{
    struct decimal d = {7, 7};

    (void)state;
    assert_int_equal(decimal_add(parse("999999999999999999"), parse("1"), &d), -ERANGE);
    assert_int_equal(decimal_sub(parse("-999999999999999999"), parse("1"), &d), -ERANGE);
    assert_int_equal(decimal_add(parse("1"), parse("0.000000000000000001"), &d), -ERANGE);
    assert_int_equal(d.coef, 7);
    assert_int_equal(decimal_add(parse("999999999999999998"), parse("1"), &d), 0);
    assert_text(d, "999999999999999999");
}

static void what_is_added_can_be_taken_away(void **state)
{
    struct rng r;
    int exact = 0;

    (void)state;
    rng_seed(&r, 4);
    for (int i = 0; i < ROUNDS; i++) {
        struct decimal a = any(&r, 18), b = any(&r, 18), sum, turned, back;

        if (decimal_add(a, b, &sum) < 0) {
            assert_int_equal(decimal_add(b, a, &turned), -ERANGE);
            continue;
        }
        exact++;
        assert_int_equal(decimal_add(b, a, &turned), 0);
        assert_same(turned, sum);
        assert_int_equal(decimal_sub(sum, b, &back), 0);
        assert_same(back, a);
        /* Ordered as the difference says. */
        if (decimal_sub(a, b, &back) == 0)
            assert_int_equal(decimal_cmp(a, b), (back.coef > 0) - (back.coef < 0));
    }
    assert_true(exact > ROUNDS / 10);
}

static void comparing_looks_at_the_value(void **state)
{
    static const char *const ascending[] = {
        "-999999999999999999",  "-1.5", "-1.25", "-0.000000000000000001", "0",
        "0.000000000000000001", "0.9",  "1",     "1.000000001",           "10",
        "999999999999999999"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ascending); i++)
        for (size_t k = 0; k < ARRAY_SIZE(ascending); k++)
            assert_int_equal(decimal_cmp(parse(ascending[i]), parse(ascending[k])),
                             (i > k) - (i < k));
}

static void rounding_goes_half_away_from_zero(void **state)
{
    static const struct {
        const char *text;
        uint8_t scale;
        const char *expected;
    } cases[] = {
        {"1.25", 1, "1.3"},
        {"-1.25", 1, "-1.3"},
        {"1.24999", 1, "1.2"},
        {"0.5", 0, "1"},
        {"-0.5", 0, "-1"},
        {"0.49", 0, "0"},
        {"1.995", 2, "2"},
        {"189.45", 2, "189.45"},
        {"189.45", 18, "189.45"},
        {"0.999999999999999999", 17, "1"},
        {"99999999999999999.9", 0, "100000000000000000"},
        {"-0.000000000000000001", 0, "0"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_text(decimal_round(parse(cases[i].text), cases[i].scale), cases[i].expected);
}

static void percent_is_exact_before_it_is_rounded(void **state)
{
    static const struct {
        const char *part, *whole;
        uint8_t scale;
        const char *expected;
    } cases[] = {
        {"0.38", "189.07", 2, "0.2"},
        {"-0.38", "189.07", 2, "-0.2"},
        {"0.38", "-189.07", 3, "-0.201"},
        {"1", "3", 6, "33.333333"},
        {"2", "3", 2, "66.67"},
        {"1", "800", 2, "0.13"}, /* 0.125 */
        {"-1", "800", 2, "-0.13"},
        {"0", "5", 2, "0"},
        {"5", "5", 0, "100"},
        {"0.000000000000000001", "999999999999999999", 6, "0"},
        {"999999999999999999", "999999999999999999", 6, "100"},
        {"999999999999999", "1", 2, "99999999999999900"},
    };
    struct decimal d = {7, 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(
            decimal_percent(parse(cases[i].part), parse(cases[i].whole), cases[i].scale, &d), 0);
        assert_text(d, cases[i].expected);
    }
    d = (struct decimal){7, 7};
    assert_int_equal(decimal_percent(parse("1"), parse("0"), 2, &d), -EINVAL);
    assert_int_equal(decimal_percent(parse("999999999999999999"), parse("1"), 2, &d), -ERANGE);
    assert_int_equal(
        decimal_percent(parse("999999999999999999"), parse("0.000000000000000001"), 6, &d),
        -ERANGE);
    assert_int_equal(d.coef, 7);
}

/* |whole * result - 100 * part| is at most half a unit of the last digit, in integers. */
static void percent_is_never_more_than_half_a_digit_off(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 5);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t part = (int64_t)rng_below(&r, 1000000) - 500000;
        int64_t whole = (int64_t)rng_below(&r, 1000000) + 1;
        struct decimal d;
        int64_t error;

        assert_int_equal(decimal_percent(decimal_from_int(part), decimal_from_int(whole), 2, &d),
                         0);
        assert_true(d.scale <= 2);
        error = d.coef * power(2u - d.scale) * whole - part * 10000;
        assert_true(llabs(error) * 2 <= whole);
    }
}

static void an_integer_has_no_scale(void **state)
{
    (void)state;
    assert_same(decimal_from_int(-1500), (struct decimal){-1500, 0});
    assert_text(decimal_from_int(LIMIT - 1), "999999999999999999");
    assert_text(decimal_from_int(1 - LIMIT), "-999999999999999999");
}

static void a_scaled_number_comes_back_canonical(void **state)
{
    struct decimal d;
    int64_t coef;

    (void)state;
    assert_int_equal(decimal_from_scaled(18940, 2, &d), 0);
    assert_int_equal(d.coef, 1894);
    assert_int_equal(d.scale, 1);
    assert_int_equal(decimal_to_scaled(d, 4, &coef), 0);
    assert_int_equal(coef, 1894000);
    assert_int_equal(decimal_from_scaled(0, 7, &d), 0);
    assert_int_equal(d.scale, 0);
}

static void what_a_scale_does_not_hold_is_refused(void **state)
{
    const struct decimal fine = {123, 2}, large = {INT64_C(100000000000000000), 0};
    struct decimal d = {1, 0};
    int64_t coef;

    (void)state;
    assert_int_equal(decimal_to_scaled(fine, 1, &coef), -ERANGE);
    assert_int_equal(decimal_to_scaled(large, 1, &coef), -ERANGE);
    assert_int_equal(decimal_from_scaled(INT64_MAX, 2, &d), -ERANGE);
    assert_int_equal(d.coef, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_read_and_written_exactly),
        cmocka_unit_test(what_is_no_number_is_invalid),
        cmocka_unit_test(what_18_digits_do_not_hold_is_out_of_range),
        cmocka_unit_test(only_len_bytes_are_read),
        cmocka_unit_test(every_value_survives_text),
        cmocka_unit_test(a_double_says_what_json_said),
        cmocka_unit_test(fifteen_digits_survive_a_double),
        cmocka_unit_test(the_double_is_the_nearest),
        cmocka_unit_test(a_tenth_and_two_tenths_are_three_tenths),
        cmocka_unit_test(a_sum_beyond_18_digits_is_out_of_range),
        cmocka_unit_test(what_is_added_can_be_taken_away),
        cmocka_unit_test(comparing_looks_at_the_value),
        cmocka_unit_test(rounding_goes_half_away_from_zero),
        cmocka_unit_test(percent_is_exact_before_it_is_rounded),
        cmocka_unit_test(percent_is_never_more_than_half_a_digit_off),
        cmocka_unit_test(an_integer_has_no_scale),
        cmocka_unit_test(a_scaled_number_comes_back_canonical),
        cmocka_unit_test(what_a_scale_does_not_hold_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
