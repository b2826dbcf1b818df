#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/feeds/market.h"

#include "common/banned.h"

static const char *const names[] = {"AAPL", "MSFT", "ACME", "BTC/USD", "PENNY"};
#define N ARRAY_SIZE(names)

/* A market whose symbols have all been shown once. */
static struct market *make_of(const char *const *list, size_t n, uint64_t seed, double rate)
{
    struct market *m;
    struct quote q;

    assert_int_equal(market_new(list, n, seed, rate, &m), 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(market_next(m, &q) == 0);
        assert_string_equal(q.symbol, list[i]);
    }
    return m;
}

static struct market *make(uint64_t seed, double rate)
{
    return make_of(names, N, seed, rate);
}

static size_t number_of(const struct quote *q)
{
    for (size_t i = 0; i < N; i++)
        if (strcmp(names[i], q->symbol) == 0)
            return i;
    fail_msg("a symbol that nobody asked for: %s", q->symbol);
    return 0;
}

static void the_same_seed_gives_the_same_ticks(void **state)
{
    struct market *a = make(7, 100), *b = make(7, 100);

    (void)state;
    for (int i = 0; i < 10000; i++) {
        struct quote of_a, of_b;

        assert_true(market_next(a, &of_a) == market_next(b, &of_b));
        assert_string_equal(of_a.symbol, of_b.symbol);
        assert_int_equal(decimal_cmp(of_a.price, of_b.price), 0);
        assert_int_equal(decimal_cmp(of_a.volume, of_b.volume), 0);
    }
    market_free(a);
    market_free(b);
}

static void another_seed_gives_other_ticks(void **state)
{
    struct market *a = make(7, 100), *b = make(8, 100);
    struct quote of_a, of_b;
    int same = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        same += market_next(a, &of_a) == market_next(b, &of_b);
    assert_int_equal(same, 0);
    market_free(a);
    market_free(b);
}

static void ticks_come_at_the_rate(void **state)
{
    struct market *m = make(1, 50);
    struct quote q;
    double at = 0, before = 0;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        at = market_next(m, &q);
        assert_true(at > before);
        before = at;
    }
    assert_true(fabs(at - 1000) < 20); /* four standard deviations */
    market_free(m);
}

static void busy_names_tick_more_often(void **state)
{
    static const char *const two[] = {"NVDA", "BRK.B"};
    struct market *m = make_of(two, 2, 1, 10);
    struct quote q;
    int nvda = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        market_next(m, &q);
        nvda += strcmp(q.symbol, "NVDA") == 0;
    }
    /* weights are roots of volumes: sqrt(190) / (sqrt(190) + sqrt(4.2)) = 0.871 */
    assert_in_range(nvda, 8570, 8850);
    market_free(m);
}

static void every_quote_is_whole_and_consistent(void **state)
{
    struct market *m = make(3, 1); /* 100,000 s: four changes of day */
    int64_t volumes[N] = {0};
    int new_days = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct quote q;
        size_t n;

        market_next(m, &q);
        n = number_of(&q);
        assert_int_equal(q.known,
                         QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE | QUOTE_VOLUME);
        assert_true(q.price.coef > 0 && q.prev_close.coef > 0);
        assert_true(decimal_cmp(q.low, q.price) <= 0 && decimal_cmp(q.low, q.open) <= 0);
        assert_true(decimal_cmp(q.high, q.price) >= 0 && decimal_cmp(q.high, q.open) >= 0);
        assert_true(q.price.scale <= (decimal_to_double(q.price) >= 1 ? 2 : 4));
        assert_int_equal(q.volume.scale, 0);
        new_days += q.volume.coef <= volumes[n];
        volumes[n] = q.volume.coef;
    }
    assert_int_equal(new_days, 4 * N);
    market_free(m);
}

/* Returns over whole minutes, of the first two symbols. */
static size_t minute_returns(struct market *m, double returns[2][20000])
{
    double last[2] = {0}, at_minute[2] = {0};
    size_t minute = 0, n = 0;

    while (n < 20000) {
        struct quote q;
        double at = market_next(m, &q);
        size_t s = number_of(&q);

        if ((size_t)(at / 60) > minute) {
            minute = (size_t)(at / 60);
            if (at_minute[0] > 0 && at_minute[1] > 0) {
                returns[0][n] = log(last[0] / at_minute[0]);
                returns[1][n++] = log(last[1] / at_minute[1]);
            }
            memcpy(at_minute, last, sizeof(last));
        }
        if (s < 2)
            last[s] = decimal_to_double(q.price);
    }
    return n;
}

static double covariance(const double *a, const double *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) /* but for the nights, of which there are few */
        if (fabs(a[i]) < 0.004 && fabs(b[i]) < 0.004)
            sum += a[i] * b[i];
    return sum / (double)n;
}

static void prices_have_their_volatility_and_correlate(void **state)
{
    static double returns[2][20000];
    struct market *m = make(11, 3);
    size_t n = minute_returns(m, returns);
    double var[2], correlation;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        double a_year, meant = market_volatility(m, i);

        var[i] = covariance(returns[i], returns[i], n);
        a_year = sqrt(var[i] * MARKET_YEAR_S / 60);
        if (fabs(a_year / meant - 1) > 0.05)
            fail_msg("%s: %.3f a year, meant are %.3f", names[i], a_year, meant);
    }
    correlation = covariance(returns[0], returns[1], n) / sqrt(var[0] * var[1]);
    if (correlation < 0.2 || correlation > 0.6)
        fail_msg("they correlate by %.3f", correlation);
    market_free(m);
}

static void a_day_brings_about_the_usual_volume(void **state)
{
    static const char *const one[] = {"AAPL"};
    struct market *m = make_of(one, 1, 5, 2);
    struct quote q;
    double day_volume = 0;

    (void)state;
    while (market_next(m, &q) < 1.6 * MARKET_DAY_S) /* to the second day's nine tenths */
        day_volume = decimal_to_double(q.volume);
    assert_true(day_volume > 0.7 * 52e6 && day_volume < 1.1 * 52e6);
    market_free(m);
}

static void ten_thousand_symbols_are_all_different_and_all_tick(void **state)
{
    static char texts[10000][8];
    static const char *list[10000];
    static bool ticked[10000];
    struct market *m;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 10000; i++) {
        snprintf(texts[i], sizeof(texts[i]), "S%zu", i);
        list[i] = texts[i];
    }
    m = make_of(list, 10000, 9, 1000);
    for (int i = 0; i < 5000000 && n < 10000; i++) {
        struct quote q;
        size_t s;

        market_next(m, &q);
        s = strtoul(q.symbol + 1, NULL, 10);
        n += !ticked[s];
        ticked[s] = true;
    }
    assert_int_equal(n, 10000);
    market_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_ticks),
        cmocka_unit_test(another_seed_gives_other_ticks),
        cmocka_unit_test(ticks_come_at_the_rate),
        cmocka_unit_test(busy_names_tick_more_often),
        cmocka_unit_test(every_quote_is_whole_and_consistent),
        cmocka_unit_test(prices_have_their_volatility_and_correlate),
        cmocka_unit_test(a_day_brings_about_the_usual_volume),
        cmocka_unit_test(ten_thousand_symbols_are_all_different_and_all_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
