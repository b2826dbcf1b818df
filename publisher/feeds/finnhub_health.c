/*
 * How it goes with the requests, by their answers; finnhub_poll.c has the table.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "publisher/feeds/finnhub.h"

#include "common/banned.h"

#define FAULT_FIRST_MS 1000
#define FAULT_MAX_MS 15000
#define LOCKED_FIRST_MS 10000
#define LOCKED_MAX_MS 60000

void health_init(struct poll *p)
{
    backoff_init(&p->faults, FAULT_FIRST_MS, FAULT_MAX_MS);
    backoff_init(&p->refusals, LOCKED_FIRST_MS, LOCKED_MAX_MS);
    backoff_init(&p->limits, HTTP_LIMIT_FIRST_MS, HTTP_LIMIT_MAX_MS);
}

/* Told once, when it changes: details within one health do not count as news. */
static void PRINTF_LIKE(3, 4)
    set_health(struct poll *p, enum health health, const char *format, ...)
{
    va_list args;

    if (health == p->health)
        return;
    p->health = health;
    va_start(args, format);
    vsnprintf(p->detail, sizeof(p->detail), format, args);
    va_end(args);
}

static void hold(struct poll *p, int64_t ms)
{
    p->hold_until = mono_add_ms(mono_now(), ms);
}

/* What comes of other requests that were under way with one that has failed makes the pause no
 * longer. */
static bool is_held(const struct poll *p, enum health health)
{
    return p->health == health && mono_before(mono_now(), p->hold_until);
}

void health_faulty(struct poll *p, const char *what)
{
    if (is_held(p, FAULTY))
        return;
    hold(p, backoff_next_ms(&p->faults));
    set_health(p, FAULTY, "%s; asking again", what);
}

void health_limited(struct poll *p, int64_t told_s)
{
    int64_t wait_ms;

    if (is_held(p, LIMITED))
        return;
    wait_ms = http_limit_ms(told_s, &p->limits);
    hold(p, wait_ms);
    set_health(p, LIMITED,
               "rate limit of the plan reached (--finnhub-calls-per-minute); pausing %" PRId64 " s",
               (wait_ms + 999) / 1000);
}

void health_locked(struct poll *p, long http_status)
{
    if (is_held(p, LOCKED))
        return;
    hold(p, backoff_next_ms(&p->refusals));
    set_health(p, LOCKED, "the key is not accepted (HTTP %ld): check FINNHUB_API_KEY", http_status);
}

void health_well(struct poll *p, size_t n_symbols)
{
    backoff_reset(&p->faults);
    backoff_reset(&p->limits);
    backoff_reset(&p->refusals);
    if (p->n_denied == n_symbols)
        set_health(p, UNCOVERED, "none of the symbols is in the plan of this key");
    else if (p->barren >= n_symbols - p->n_denied)
        set_health(p, EMPTY, "the service has no price of any symbol now");
    else if (p->has_price)
        set_health(p, GOOD, "%zu symbols, at most %" PRIu32 " calls a minute", n_symbols,
                   p->budget.per_minute);
    else if (p->health != STARTING)
        set_health(p, EMPTY, "the service has no price of any symbol yet");
}
