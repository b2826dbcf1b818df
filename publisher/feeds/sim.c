/*
 * The feed `sim`: plays a market in real time. When it falls behind (the queue was full, the
 * process was stopped) it does not race to catch up: its clock is set back, and the market goes on
 * from where it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/rng.h"
#include "publisher/feed.h"
#include "publisher/feeds/market.h"
#include "publisher/feeds/wellknown.h"

#include "common/banned.h"

#define LAG_MAX_NS 1000000000 /* lateness that is made up for by hurrying */
#define TICKS_A_SYMBOL 2      /* a second, when no rate is given: 40 a second for 20 symbols */
#define DEFAULT_RATE_MAX 1000

struct feed {
    struct feed_config config;
    struct market *market;
    struct feed_state state;
    struct mono began; /* the market's beginning */
    bool holding;
    struct quote held; /* the next tick, and its moment */
    double held_at_s;
};

static int make_market(struct feed *f, const char *const *symbols, size_t n)
{
    const struct feed_options *o = f->config.options;
    uint64_t seed = o->seed, rate = o->rate;
    struct rng rng;

    if (seed == 0) {
        rng_seed_random(&rng);
        seed = 1 + rng_below(&rng, 999999999); /* short enough to type */
    }
    if (rate == 0)
        rate = n * TICKS_A_SYMBOL < DEFAULT_RATE_MAX ? n * TICKS_A_SYMBOL : DEFAULT_RATE_MAX;
    f->state.condition = FEED_LIVE;
    snprintf(f->state.detail, sizeof(f->state.detail), "%zu symbols, %llu ticks/s, seed %llu", n,
             (unsigned long long)rate, (unsigned long long)seed);
    return market_new(symbols, n, seed, (double)rate, &f->market);
}

static void sim_close(struct feed *f)
{
    if (f == NULL)
        return;
    market_free(f->market);
    free(f);
}

static int sim_open(const struct feed_config *config, struct feed **ret)
{
    const char *defaults[N_DEFAULT_SYMBOLS];
    struct feed *f = calloc(1, sizeof(*f));
    int r;

    if (f == NULL)
        return -ENOMEM;
    f->config = *config;
    f->began = mono_now();
    for (size_t i = 0; i < N_DEFAULT_SYMBOLS; i++)
        defaults[i] = wellknown[i].symbol;
    if (config->n_symbols > 0)
        r = make_market(f, config->symbols, config->n_symbols);
    else
        r = make_market(f, defaults, N_DEFAULT_SYMBOLS);
    if (r < 0)
        sim_close(f);
    else
        *ret = f;
    return r;
}

static struct mono moment(const struct feed *f)
{
    return (struct mono){f->began.ns + (int64_t)(f->held_at_s * 1e9)};
}

static int sim_next(struct feed *f, struct mono deadline, struct quote *ret)
{
    struct mono due, now = mono_now();
    int r = 0;

    if (!f->holding)
        f->held_at_s = market_next(f->market, &f->held);
    f->holding = true;
    due = moment(f);
    if (now.ns - due.ns > LAG_MAX_NS)
        f->began.ns += now.ns - due.ns;
    if (mono_before(now, due))
        r = feed_wait(&f->config, mono_earlier(due, deadline));
    if (r < 0)
        return r;
    if (mono_before(deadline, due))
        return -ETIMEDOUT;
    *ret = f->held;
    ret->timestamp = wall_now();
    f->holding = false;
    return 0;
}

static void sim_state(struct feed *f, struct feed_state *ret)
{
    *ret = f->state; /* never changes */
}

const struct feed_ops feed_sim = {
    .name = "sim",
    .mode = MODE_DEMO,
    .open = sim_open,
    .next = sim_next,
    .state = sim_state,
    .close = sim_close,
};
