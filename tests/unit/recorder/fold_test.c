#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/fold.h"

#include "common/banned.h"

#define OPEN_S 1712323800 /* 2024-04-05 9:30 in New York */
#define KEPT 32

static struct {
    enum resolution resolution;
    struct bar bar;
} given[KEPT];
static size_t n_given;
static struct fold fold;

static int keep(void *ctx, enum resolution r, const struct bar *bar)
{
    (void)ctx;
    assert_true(n_given < KEPT);
    given[n_given].resolution = r;
    given[n_given++].bar = *bar;
    return 0;
}

static int refuse(void *ctx, enum resolution r, const struct bar *bar)
{
    (void)ctx;
    (void)r;
    (void)bar;
    return -ENOSPC;
}

static int begin(void **state)
{
    (void)state;
    n_given = 0;
    fold_init(&fold, "AAPL", RESOLUTION_1M, keep, NULL);
    return 0;
}

/* A row of one price. */
static int take(int64_t s, int64_t price, int64_t volume)
{
    struct decimal p = decimal_from_int(price);
    const struct bar row = {.first_ms = s * 1000,
                            .last_ms = s * 1000,
                            .open = p,
                            .high = p,
                            .low = p,
                            .close = p,
                            .volume = decimal_from_int(volume)};

    return fold_take(&fold, &row, (int32_t)(resolution_span(RESOLUTION_1D, s, false).t / 86400));
}

static const struct bar *nth(enum resolution r, size_t n)
{
    for (size_t i = 0; i < n_given; i++)
        if (given[i].resolution == r && n-- == 0)
            return &given[i].bar;
    fail_msg("no such bar");
    return NULL;
}

static void rows_of_one_span_become_one_bar(void **state)
{
    const struct bar *b;

    (void)state;
    assert_int_equal(take(OPEN_S, 10, 100), 0);
    assert_int_equal(take(OPEN_S + 60, 12, 50), 0);
    assert_int_equal(take(OPEN_S + 240, 9, 25), 0);
    assert_int_equal(fold_finish(&fold), 0);
    b = nth(RESOLUTION_5M, 0);
    assert_int_equal(b->t, OPEN_S);
    assert_int_equal(b->open.coef, 10);
    assert_int_equal(b->high.coef, 12);
    assert_int_equal(b->low.coef, 9);
    assert_int_equal(b->close.coef, 9);
    assert_int_equal(b->volume.coef, 175);
    assert_int_equal(b->last_ms, (OPEN_S + 240) * INT64_C(1000));
    assert_int_equal(nth(RESOLUTION_1M, 2)->open.coef, 9);
}

static void a_bar_is_given_away_when_a_row_falls_past_its_end(void **state)
{
    (void)state;
    assert_int_equal(take(OPEN_S, 10, 1), 0);
    assert_int_equal(n_given, 0);
    assert_int_equal(take(OPEN_S + 60, 11, 1), 0);
    assert_int_equal(n_given, 1); /* the minute alone */
    assert_int_equal(take(OPEN_S + 3600, 12, 1), 0);
    assert_int_equal(n_given, 5); /* all but the day */
    assert_int_equal(nth(RESOLUTION_1H, 0)->close.coef, 11);
}

static void nothing_shorter_than_the_rows_is_made(void **state)
{
    (void)state;
    fold_init(&fold, "AAPL", RESOLUTION_1D, keep, NULL);
    assert_int_equal(take(OPEN_S, 10, 1), 0);
    assert_int_equal(fold_finish(&fold), 0);
    assert_int_equal(n_given, 1);
    assert_int_equal(given[0].resolution, RESOLUTION_1D);
}

static void what_the_sink_says_ends_the_folding(void **state)
{
    (void)state;
    fold_init(&fold, "AAPL", RESOLUTION_1M, refuse, NULL);
    assert_int_equal(take(OPEN_S, 10, 1), 0);
    assert_int_equal(take(OPEN_S + 60, 10, 1), -ENOSPC);
    assert_int_equal(fold_finish(&fold), -ENOSPC);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_one_span_become_one_bar),
        TEST(a_bar_is_given_away_when_a_row_falls_past_its_end),
        TEST(nothing_shorter_than_the_rows_is_made),
        TEST(what_the_sink_says_ends_the_folding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
