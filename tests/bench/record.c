/*
 * record -- feeds the recorder's ledger as its broker's seam does, and says what that costs:
 *
 *     record STORE SYMBOLS TICKS_PER_S SECONDS TICK_DAYS        (0 a second: as fast as it goes)
 *
 * The quotes are made beforehand, a millisecond's at a time, so that their making is not counted.
 * Prints one JSON line: quotes taken and dropped, seconds that they took here, all CPU seconds of
 * the process, and how far behind the pace it was at worst.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/log.h"
#include "recorder/ledger.h"

#define AHEAD 4096 /* quotes made at once at most */
#define STEP_NS 1000000

static struct ledger ledger;
static char payloads[AHEAD][QUOTE_PACKET_MAX];
static size_t lengths[AHEAD];
static uint64_t *seqs, n_made;
static unsigned n_symbols;

static void make(size_t n)
{
    int64_t now_ms = wall_now().ms;

    for (size_t i = 0; i < n; i++, n_made++) {
        unsigned symbol = (unsigned)(n_made % n_symbols), cents;
        uint64_t seq = ++seqs[symbol];

        cents = 10000 + (unsigned)(seq * 2654435761u % 900);
        lengths[i] = (size_t)snprintf(
            payloads[i], QUOTE_PACKET_MAX,
            "{\"symbol\":\"S%u\",\"price\":%u.%02u,\"change\":0.38,\"percent\":0.2,\"open\":100,"
            "\"high\":109,\"low\":100,\"prev_close\":100.5,\"volume\":%llu,\"timestamp\":%lld,"
            "\"seq\":%llu,\"mode\":\"live\"}",
            symbol, cents / 100, cents % 100, (unsigned long long)seq * 100, (long long)now_ms,
            (unsigned long long)seq);
    }
}

static void take(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct quote q;
        struct symbol *s = ledger_read(&ledger, (const uint8_t *)payloads[i], lengths[i], &q);

        if (s != NULL)
            (void)ledger_take(&ledger, s, &q);
    }
}

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void sleep_until(int64_t ns)
{
    struct timespec t = {ns / 1000000000, ns % 1000000000};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv)
{
    double rate, seconds, inside = 0;
    int64_t begin, now, store_at, behind = 0;
    struct ledger_config config = {.lateness_ms = 10000};

    if (argc != 6)
        return 2;
    log_init("record", LOG_WARN);
    config.store = argv[1];
    n_symbols = (unsigned)strtoul(argv[2], NULL, 10);
    rate = strtod(argv[3], NULL);
    seconds = strtod(argv[4], NULL);
    config.keep_ticks_s = strtol(argv[5], NULL, 10) * 86400;
    seqs = calloc(n_symbols, sizeof(*seqs));
    if (seqs == NULL || ledger_open(&ledger, &config) < 0)
        return 1;
    begin = store_at = mono_now().ns;
    while ((now = mono_now().ns) - begin < (int64_t)(seconds * 1e9)) {
        double due = rate > 0 ? (double)(now - begin) / 1e9 * rate - (double)n_made : AHEAD;
        size_t n = due > AHEAD ? AHEAD : due > 0 ? (size_t)due : 0;
        int64_t before, late = rate > 0 ? (int64_t)(due / rate * 1e9) : 0;

        behind = late > behind ? late : behind;
        make(n);
        before = mono_now().ns;
        take(n);
        if (before - store_at >= 1000000000) {
            store_at = before;
            ledger_store(&ledger);
        }
        inside += (double)(mono_now().ns - before) / 1e9;
        if (rate > 0 && n < AHEAD)
            sleep_until(now + STEP_NS);
    }
    while (!ledger_is_stored(&ledger)) {
        ledger_store(&ledger);
        sleep_until(mono_now().ns + STEP_NS);
    }
    printf("{\"made\":%llu,\"taken\":%llu,\"dropped\":%llu,\"seconds\":%.3f,\"inside_s\":%.3f,"
           "\"cpu_s\":%.3f,\"behind_ms\":%.1f}\n",
           (unsigned long long)n_made, (unsigned long long)ledger.counts.quotes,
           (unsigned long long)ledger.counts.dropped, (double)(mono_now().ns - begin) / 1e9, inside,
           cpu_s(), (double)behind / 1e6);
    ledger_close(&ledger);
    free(seqs);
    return 0;
}
