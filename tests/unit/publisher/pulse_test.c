#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"
#include "publisher/feeds/pulse.h"

#include "common/banned.h"

static struct mono now;

static struct pulse learned(int64_t gap_ms)
{
    struct pulse p = {0};

    now = (struct mono){1};
    for (int i = 0; i < 100; i++) {
        now = mono_add_ms(now, gap_ms);
        pulse_beat(&p, now);
    }
    return p;
}

static int64_t patience_ms(const struct pulse *p)
{
    return (pulse_overdue(p).ns - p->last.ns) / 1000000;
}

static void nothing_is_missed_before_the_first_beat(void **state)
{
    struct pulse p = {0};

    (void)state;
    assert_int_equal(pulse_overdue(&p).ns, MONO_NEVER.ns);
    pulse_beat(&p, (struct mono){1});
    assert_int_equal(patience_ms(&p), 60000);
}

static void a_busy_name_is_missed_within_five_seconds(void **state)
{
    struct pulse p = learned(100);

    (void)state;
    assert_int_equal(patience_ms(&p), 3000);
    p = learned(240);
    assert_in_range(patience_ms(&p), 4000, 5000);
}

static void a_quiet_name_is_given_time(void **state)
{
    struct pulse p = learned(60000);

    (void)state;
    assert_in_range(patience_ms(&p), 1100000, 1300000);
}

static void random_trades_of_a_whole_day_are_no_silence(void **state)
{
    static const double means_ms[] = {20, 300, 5000, 60000};
    struct rng rng;

    (void)state;
    rng_seed(&rng, 7);
    for (size_t i = 0; i < 4; i++) {
        struct pulse p = {0};
        int alarms = 0;

        now = (struct mono){1};
        for (double ms = 0; ms < 23400e3;) { /* the pace falls to a quarter by noon */
            double slow = 1 + 3 * (ms < 11700e3 ? ms : 23400e3 - ms) / 11700e3;
            double gap_ms = rng_exponential(&rng, means_ms[i] * slow);

            ms += gap_ms;
            now.ns += (int64_t)(gap_ms * 1e6);
            alarms += p.beats > 0 && mono_before(pulse_overdue(&p), now);
            pulse_beat(&p, now);
        }
        assert_in_range(alarms, 0, 1);
    }
}

static void bursts_are_no_silence_once_they_are_known(void **state)
{
    struct pulse p = {0};
    int alarms = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 7);
    now = (struct mono){1};
    for (int burst = 0; burst < 700; burst++) {
        now.ns += (int64_t)(rng_exponential(&rng, 30000) * 1e6);
        alarms += p.beats > 0 && pulse_is_learned(&p) && mono_before(pulse_overdue(&p), now);
        for (int i = 0; i < 20; i++) {
            now = mono_add_ms(now, 5);
            pulse_beat(&p, now);
        }
    }
    assert_in_range(alarms, 0, 1);
}

static void trades_of_one_moment_are_one_beat(void **state)
{
    struct pulse p = learned(1000);
    uint32_t beats = p.beats;

    (void)state;
    for (int i = 0; i < 100; i++)
        pulse_beat(&p, now);
    assert_int_equal(p.beats, beats);
    assert_int_equal(patience_ms(&p), 20000);
}

static void little_heard_is_not_learned(void **state)
{
    struct pulse p = {0};

    (void)state;
    for (int i = 1; i <= 63; i++)
        pulse_beat(&p, (struct mono){i});
    assert_false(pulse_is_learned(&p));
    pulse_beat(&p, (struct mono){64});
    assert_true(pulse_is_learned(&p));
}

static void a_pause_is_no_gap(void **state)
{
    struct pulse p = learned(100);

    (void)state;
    pulse_pause(&p);
    assert_int_equal(pulse_overdue(&p).ns, MONO_NEVER.ns);
    now = mono_add_ms(now, 3600000);
    pulse_beat(&p, now);
    assert_int_equal(patience_ms(&p), 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missed_before_the_first_beat),
        cmocka_unit_test(a_busy_name_is_missed_within_five_seconds),
        cmocka_unit_test(a_quiet_name_is_given_time),
        cmocka_unit_test(random_trades_of_a_whole_day_are_no_silence),
        cmocka_unit_test(bursts_are_no_silence_once_they_are_known),
        cmocka_unit_test(trades_of_one_moment_are_one_beat),
        cmocka_unit_test(little_heard_is_not_learned),
        cmocka_unit_test(a_pause_is_no_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
