#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"
#include "recorder/bars.h"

#include "common/banned.h"

#define NOON INT64_C(1712332800000) /* 2024-04-05 16:00 UTC, noon in New York */
#define LATENESS 10000

static struct bars bars;

static int set_up(void **state)
{
    (void)state;
    bars_init(&bars, "AAPL", LATENESS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bars_release(&bars);
    return 0;
}

static struct decimal number(const char *text)
{
    struct decimal d;

    assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
    return d;
}

static struct quote quote_at(int64_t ms, const char *price, int64_t volume, uint64_t seq)
{
    struct quote q = {.symbol = "AAPL",
                      .mode = MODE_LIVE,
                      .price = number(price),
                      .timestamp = {NOON + ms},
                      .seq = seq};

    if (volume >= 0) {
        q.known = QUOTE_VOLUME;
        q.volume = decimal_from_int(volume);
    }
    return q;
}

static int take(int64_t ms, const char *price, int64_t volume, uint64_t seq)
{
    struct quote q = quote_at(ms, price, volume, seq);

    return bars_take(&bars, &q);
}

/* The live bar that begins at NOON + s. */
static const struct bar *bar_at(enum resolution r, int64_t s)
{
    const struct live_bars *lb = &bars.live[r];

    for (uint32_t i = 0; i < lb->n; i++)
        if (lb->list[i].bar.t == NOON / 1000 + s)
            return &lb->list[i].bar;
    fail_msg("no bar at %lld", (long long)s);
    return NULL;
}

static void assert_decimal(struct decimal d, const char *text)
{
    char buf[DECIMAL_TEXT_MAX];

    decimal_format(d, buf);
    assert_string_equal(buf, text);
}

static void assert_bar(const struct bar *b, const char *open, const char *high, const char *low,
                       const char *close, const char *volume)
{
    assert_decimal(b->open, open);
    assert_decimal(b->high, high);
    assert_decimal(b->low, low);
    assert_decimal(b->close, close);
    assert_decimal(b->volume, volume);
}

static void assert_same_bar(const struct bar *a, const struct bar *b)
{
    assert_int_equal(a->t, b->t);
    assert_int_equal(a->first_ms, b->first_ms);
    assert_int_equal(a->last_ms, b->last_ms);
    assert_int_equal(decimal_cmp(a->open, b->open), 0);
    assert_int_equal(decimal_cmp(a->high, b->high), 0);
    assert_int_equal(decimal_cmp(a->low, b->low), 0);
    assert_int_equal(decimal_cmp(a->close, b->close), 0);
    assert_int_equal(decimal_cmp(a->volume, b->volume), 0);
}

static void of_one_millisecond_the_first_seq_is_open_and_the_last_is_close(void **state)
{
    (void)state;
    (void)take(0, "12", -1, 2);
    (void)take(0, "14", -1, 4);
    (void)take(0, "13", -1, 3); /* late */
    (void)take(0, "11", -1, 1);
    (void)take(0, "12", -1, 2); /* repeated */
    assert_bar(bar_at(RESOLUTION_1M, 0), "11", "14", "11", "14", "0");
    (void)take(1, "15", -1, 5);
    (void)take(0, "14", -1, 4);
    assert_bar(bar_at(RESOLUTION_1M, 0), "11", "15", "11", "15", "0");
}

static void the_first_quote_is_open_high_low_and_close_of_all_resolutions(void **state)
{
    (void)state;
    assert_int_equal(take(0, "189.45", 51234, 7), BARS_TAKEN);
    for (int r = 0; r < N_RESOLUTIONS; r++)
        assert_bar(bars_newest(&bars, (enum resolution)r), "189.45", "189.45", "189.45", "189.45",
                   "0");
}

static void quotes_extend_the_bars_they_fall_into(void **state)
{
    (void)state;
    take(0, "10", 100, 1);
    take(500, "12", 150, 2);
    take(1000, "9.5", 175, 3);
    take(60000, "11", 200, 4);
    assert_bar(bar_at(RESOLUTION_1S, 0), "10", "12", "10", "12", "50");
    assert_bar(bar_at(RESOLUTION_1M, 60), "11", "11", "11", "11", "25");
    assert_bar(bars_newest(&bars, RESOLUTION_5M), "10", "12", "9.5", "11", "100");
}

static void a_repeated_quote_changes_nothing(void **state)
{
    struct bar before;

    (void)state;
    take(0, "10", 100, 1);
    take(500, "12", 150, 2);
    before = *bar_at(RESOLUTION_1M, 0);
    assert_int_equal(take(500, "12", 150, 2), BARS_REPEATED);
    assert_same_bar(&before, bar_at(RESOLUTION_1M, 0));
    assert_int_equal(bars.lost, 0);
}

static void a_late_quote_changes_the_bar_of_its_time(void **state)
{
    (void)state;
    take(0, "10", 100, 1);
    take(2500, "11", 150, 2);
    assert_int_equal(take(900, "14", 120, 3), BARS_LATE);
    assert_bar(bar_at(RESOLUTION_1S, 0), "10", "14", "10", "14", "20");
    assert_bar(bar_at(RESOLUTION_1S, 2), "11", "11", "11", "11", "30");
    assert_bar(bar_at(RESOLUTION_1M, 0), "10", "14", "10", "11", "50");
}

static void a_late_quote_makes_the_bar_that_was_missing(void **state)
{
    (void)state;
    take(0, "10", 100, 1);
    take(2500, "11", 150, 2);
    assert_int_equal(take(1500, "14", 120, 3), BARS_LATE);
    assert_bar(bar_at(RESOLUTION_1S, 1), "14", "14", "14", "14", "20");
    assert_bar(bar_at(RESOLUTION_1S, 2), "11", "11", "11", "11", "30");
}

static void an_earlier_quote_becomes_the_open(void **state)
{
    (void)state;
    take(800, "10", 100, 1);
    take(200, "9", 90, 2);
    assert_decimal(bar_at(RESOLUTION_1S, 0)->open, "9");
    assert_decimal(bar_at(RESOLUTION_1S, 0)->close, "10");
}

static void of_two_quotes_of_one_moment_the_second_is_the_close(void **state)
{
    (void)state;
    take(0, "10", 100, 1);
    take(0, "11", 110, 2);
    assert_bar(bar_at(RESOLUTION_1S, 0), "10", "11", "10", "11", "10");
}

static void beyond_the_allowance_a_quote_is_not_taken(void **state)
{
    (void)state;
    take(LATENESS, "10", 100, 1);
    assert_int_equal(take(0, "11", 90, 2), BARS_LATE); /* the very limit */
    assert_int_equal(take(LATENESS + 1, "10", 100, 3), BARS_TAKEN);
    assert_int_equal(take(0, "99", 95, 4), BARS_TOO_LATE);
    assert_decimal(bar_at(RESOLUTION_1M, 0)->high, "11");
}

static void gaps_in_the_sequence_are_counted(void **state)
{
    (void)state;
    take(0, "10", 100, 5);
    take(1, "10", 100, 6);
    take(2, "10", 100, 9);
    take(3, "10", 100, 10);
    take(4, "10", 100, 12);
    assert_int_equal(bars.gaps, 2);
    assert_int_equal(bars.lost, 3);
}

static void a_new_publisher_leaves_no_gap(void **state)
{
    (void)state;
    take(0, "10", 100, 500);
    take(1000, "10", 100, 1);
    take(2000, "10", 100, 2);
    assert_int_equal(bars.gaps, 0);
}

static void two_publishers_of_one_symbol_are_told_apart(void **state)
{
    (void)state;
    take(0, "10", 100, 5000);
    take(1, "10", 100, 17);
    assert_int_equal(bars_run(&bars), 2);
    take(2, "10", 100, 5001);
    assert_int_equal(bars_run(&bars), 1);
    take(2, "10", 100, 18); /* at the same time */
    assert_int_equal(bars_run(&bars), 2);
    take(3, "10", 100, 5004);
    take(4, "10", 100, 19);
    assert_int_equal(bars.gaps, 1);
    assert_int_equal(bars.lost, 2);
}

static void a_publisher_that_begins_anew_has_a_run_of_its_own(void **state)
{
    (void)state;
    take(0, "10", 100, 1);
    take(1, "10", 100, 2);
    take(2, "10", 100, 1);
    assert_int_equal(bars_run(&bars), 2);
    take(3, "10", 100, 2);
    assert_int_equal(bars_run(&bars), 2);
    assert_int_equal(bars.state.seq, 2);
    assert_int_equal(bars.lost, 0);
}

static void the_first_quote_again_is_no_new_publisher(void **state)
{
    (void)state;
    take(0, "10", 100, 1);
    take(0, "10", 100, 1);
    assert_int_equal(bars_run(&bars), 1);
}

static void a_live_quote_never_begins_a_replay(void **state)
{
    struct quote q = quote_at(-3600000, "99", 1, 1);

    (void)state;
    take(0, "10", 100, 500);
    assert_false(bars_goes_back(&bars, &q));
    assert_int_equal(bars_take(&bars, &q), BARS_TOO_LATE);
    assert_decimal(bar_at(RESOLUTION_1M, 0)->high, "10");
}

static void an_older_quote_does_not_take_the_sequence_back(void **state)
{
    (void)state;
    take(0, "10", 100, 5);
    take(1000, "10", 100, 6);
    take(0, "10", 100, 5);
    take(2000, "10", 100, 7);
    assert_int_equal(bars.gaps, 0);
}

static void without_volume_bars_have_none(void **state)
{
    (void)state;
    take(0, "10", -1, 1);
    take(1000, "11", -1, 2);
    assert_bar(bar_at(RESOLUTION_1M, 0), "10", "11", "10", "11", "0");
}

static void a_quote_without_volume_between_others_loses_none(void **state)
{
    (void)state;
    take(0, "10", 100, 1);
    take(1000, "11", -1, 2);
    take(2000, "11", 130, 3);
    assert_decimal(bar_at(RESOLUTION_1S, 1)->volume, "0");
    assert_decimal(bar_at(RESOLUTION_1M, 0)->volume, "30");
}

static void the_volume_of_a_new_day_begins_at_zero(void **state)
{
    (void)state;
    take(0, "10", 5000, 1);
    take(86400000, "11", 300, 2);
    assert_decimal(bars_newest(&bars, RESOLUTION_1D)->volume, "300");
}

static void volume_that_falls_counts_anew(void **state)
{
    (void)state;
    take(0, "10", 5000, 1);
    take(100, "10", 5100, 2);
    take(200, "10", 40, 1); /* another publisher */
    take(300, "10", 60, 2);
    assert_decimal(bar_at(RESOLUTION_1M, 0)->volume, "120");
    take(1000, "10", 70, 3);
    assert_decimal(bar_at(RESOLUTION_1M, 0)->volume, "130");
    assert_decimal(bar_at(RESOLUTION_1S, 1)->volume, "10");
}

static void the_first_row_of_a_replay_has_its_own_volume(void **state)
{
    struct quote q = quote_at(0, "10", 2316232, 1);

    (void)state;
    q.mode = MODE_REPLAY;
    assert_int_equal(bars_take(&bars, &q), BARS_TAKEN);
    assert_decimal(bars_newest(&bars, RESOLUTION_1M)->volume, "2316232");
}

static void a_replay_that_begins_earlier_starts_a_timeline_of_its_own(void **state)
{
    struct quote q = quote_at(-86400000, "5", 10, 1);

    (void)state;
    q.mode = MODE_REPLAY;
    take(0, "10", 100, 1);
    take(1000, "11", 120, 2);
    assert_true(bars_goes_back(&bars, &q));
    assert_int_equal(bars_take(&bars, &q), BARS_TAKEN);
    for (int r = 0; r < N_RESOLUTIONS; r++)
        assert_int_equal(bars.live[r].n, 1);
    assert_decimal(bars_newest(&bars, RESOLUTION_1D)->close, "5");
}

static void count_bar(void *ctx, enum resolution r, const struct bar *bar)
{
    (void)bar;
    ((int *)ctx)[r]++;
}

static void only_changed_bars_are_collected(void **state)
{
    int n[N_RESOLUTIONS] = {0};

    (void)state;
    take(0, "10", 100, 1);
    take(1000, "11", 120, 2);
    assert_int_equal(bars.n_changed, 7);
    bars_collect(&bars, count_bar, n);
    assert_int_equal(n[RESOLUTION_1S], 2);
    assert_int_equal(n[RESOLUTION_1M], 1);
    memset(n, 0, sizeof(n));
    bars_collect(&bars, count_bar, n);
    assert_int_equal(n[RESOLUTION_1S] + n[RESOLUTION_1D], 0);
    take(1500, "11", 120, 3);
    bars_collect(&bars, count_bar, n);
    assert_int_equal(n[RESOLUTION_1S], 1);
}

static void final_bars_are_forgotten(void **state)
{
    int n[N_RESOLUTIONS] = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        take(i * 1000, "10", 100 + i, (uint64_t)i + 1);
        bars_collect(&bars, count_bar, n);
    }
    assert_in_range(bars.live[RESOLUTION_1S].n, 1, LATENESS / 1000 + 2);
    assert_int_equal(n[RESOLUTION_1S], 100);
}

/* ---- resuming ---- */

static void restart(struct bars *to)
{
    bars_init(to, "AAPL", LATENESS);
    bars_resume(to, &bars.state);
    for (int r = 0; r < N_RESOLUTIONS; r++)
        for (uint32_t i = 0; i < bars.live[r].n; i++)
            assert_int_equal(bars_add(to, (enum resolution)r, &bars.live[r].list[i].bar), 0);
    bars_resumed(to);
}

static void a_restart_goes_on_in_the_same_bar(void **state)
{
    struct bars after;
    struct quote q = quote_at(3200, "13", 190, 4);

    (void)state;
    take(0, "10", 100, 1);
    take(1000, "12", 150, 2);
    take(3000, "11", 170, 3);
    restart(&after);
    assert_int_equal(bars_take(&after, &q), BARS_TAKEN);
    assert_bar(bars_newest(&after, RESOLUTION_1M), "10", "13", "10", "13", "90");
    assert_bar(bars_newest(&after, RESOLUTION_1S), "11", "13", "11", "13", "40");
    bars_release(&after);
}

static void the_retained_quote_after_a_restart_changes_nothing(void **state)
{
    struct bars after;
    struct quote q = quote_at(1000, "12", 150, 2);

    (void)state;
    take(0, "10", 100, 1);
    take(1000, "12", 150, 2);
    restart(&after);
    assert_int_equal(bars_take(&after, &q), BARS_REPEATED);
    assert_bar(bars_newest(&after, RESOLUTION_1M), "10", "12", "10", "12", "50");
    bars_release(&after);
}

static void a_late_quote_after_a_restart_still_finds_its_bar(void **state)
{
    struct bars after;
    struct quote q = quote_at(1500, "20", 160, 4);

    (void)state;
    take(0, "10", 100, 1);
    take(1000, "12", 150, 2);
    take(3000, "11", 170, 3);
    restart(&after);
    assert_int_equal(bars_take(&after, &q), BARS_LATE);
    assert_decimal(after.live[RESOLUTION_1S].list[1].bar.volume, "60");
    assert_decimal(after.live[RESOLUTION_1S].list[2].bar.volume, "10");
    assert_decimal(bars_newest(&after, RESOLUTION_1M)->high, "20");
    bars_release(&after);
}

/* ---- in any order ---- */

#define N_QUOTES 400

/* Move some quotes a few places back, as networks do; never by more than the allowance. */
static void shuffle(struct quote *q, struct rng *rng)
{
    for (int i = 1; i < N_QUOTES; i++) {
        int j = i - (int)rng_below(rng, 4);
        if (j >= 1) {
            struct quote swapped = q[i];
            q[i] = q[j];
            q[j] = swapped;
        }
    }
}

static void assert_same_bars(const struct live_bars *a, const struct live_bars *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++)
        assert_same_bar(&a->list[i].bar, &b->list[i].bar);
}

static void late_and_repeated_quotes_give_the_same_bars_as_quotes_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct quote quotes[N_QUOTES];
        struct bars in_order, mixed;
        struct rng rng;
        int64_t ms = 0, volume = 1000;

        rng_seed(&rng, seed);
        for (int i = 0; i < N_QUOTES; i++) {
            quotes[i] = quote_at(ms, "100", volume, (uint64_t)i + 1);
            quotes[i].price = decimal_from_int(90 + (int64_t)rng_below(&rng, 20));
            ms += 1 + (int64_t)rng_below(&rng, 900);
            volume += (int64_t)rng_below(&rng, 50);
        }
        bars_init(&in_order, "AAPL", 1000000);
        bars_init(&mixed, "AAPL", 1000000);
        for (int i = 0; i < N_QUOTES; i++)
            assert_true(bars_take(&in_order, &quotes[i]) >= 0);
        shuffle(quotes, &rng);
        for (int i = 0; i < N_QUOTES; i++) {
            assert_true(bars_take(&mixed, &quotes[i]) >= 0);
            if (rng_below(&rng, 3) == 0)
                assert_true(bars_take(&mixed, &quotes[i]) >= 0);
        }
        for (int r = 0; r < N_RESOLUTIONS; r++)
            assert_same_bars(&in_order.live[r], &mixed.live[r]);
        bars_release(&in_order);
        bars_release(&mixed);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_one_millisecond_the_first_seq_is_open_and_the_last_is_close),
        TEST(the_first_quote_is_open_high_low_and_close_of_all_resolutions),
        TEST(quotes_extend_the_bars_they_fall_into),
        TEST(a_repeated_quote_changes_nothing),
        TEST(a_late_quote_changes_the_bar_of_its_time),
        TEST(a_late_quote_makes_the_bar_that_was_missing),
        TEST(an_earlier_quote_becomes_the_open),
        TEST(of_two_quotes_of_one_moment_the_second_is_the_close),
        TEST(beyond_the_allowance_a_quote_is_not_taken),
        TEST(gaps_in_the_sequence_are_counted),
        TEST(a_new_publisher_leaves_no_gap),
        TEST(two_publishers_of_one_symbol_are_told_apart),
        TEST(a_publisher_that_begins_anew_has_a_run_of_its_own),
        TEST(the_first_quote_again_is_no_new_publisher),
        TEST(a_live_quote_never_begins_a_replay),
        TEST(an_older_quote_does_not_take_the_sequence_back),
        TEST(without_volume_bars_have_none),
        TEST(a_quote_without_volume_between_others_loses_none),
        TEST(the_volume_of_a_new_day_begins_at_zero),
        TEST(volume_that_falls_counts_anew),
        TEST(the_first_row_of_a_replay_has_its_own_volume),
        TEST(a_replay_that_begins_earlier_starts_a_timeline_of_its_own),
        TEST(only_changed_bars_are_collected),
        TEST(final_bars_are_forgotten),
        TEST(a_restart_goes_on_in_the_same_bar),
        TEST(the_retained_quote_after_a_restart_changes_nothing),
        TEST(a_late_quote_after_a_restart_still_finds_its_bar),
        TEST(late_and_repeated_quotes_give_the_same_bars_as_quotes_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
