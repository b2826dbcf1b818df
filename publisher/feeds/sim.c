/*
 * The feed `sim`: plays a market in real time. When it falls behind (the queue was full, the
 * process was stopped) it does not race to catch up: its clock is set back, and the market goes on
 * from where it was.
 *
 * With --state its last quotes are kept in a file, one a line, as they are published; a market
 * whose seed is drawn goes on from them, so that a chart goes on without a jump after a restart.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/rng.h"
#include "publisher/feed.h"
#include "publisher/feeds/market.h"
#include "publisher/feeds/wellknown.h"

#include "common/banned.h"

#define LAG_MAX_NS 1000000000 /* lateness that is made up for by hurrying */
#define TICKS_A_SYMBOL 2      /* a second, when no rate is given: 40 a second for 20 symbols */
#define DEFAULT_RATE_MAX 1000
#define SAVE_MS 10000

struct feed {
    struct feed_config config;
    struct market *market;
    struct feed_state state;
    struct mono began; /* the market's beginning */
    bool holding;
    struct quote held; /* the next tick, and its moment */
    double held_at_s;
    size_t n; /* symbols */
    struct mono save_at;
    bool unsaved; /* told once */
};

/*
 * The file
 */

/* Returns 0 or a negative errno. */
static int write_state(const struct feed *f, const char *path)
{
    char json[QUOTE_PACKET_MAX], *beside;
    struct quote q;
    FILE *out;
    int r = 0;

    if (asprintf(&beside, "%s.new", path) < 0)
        return -ENOMEM;
    out = fopen(beside, "we");
    if (out == NULL) {
        r = -errno;
        goto out;
    }
    for (size_t i = 0; i < f->n; i++) {
        market_quote(f->market, i, &q);
        q.timestamp = wall_now();
        fwrite(json, 1, quote_encode(&q, json), out);
        fputc('\n', out);
    }
    if (ferror(out) | fclose(out))
        r = -EIO;
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
out:
    free(beside);
    return r;
}

static void save(struct feed *f)
{
    const char *path = f->config.options->state;
    int r = path != NULL ? write_state(f, path) : 0;

    f->save_at = mono_add_ms(mono_now(), SAVE_MS);
    if (r < 0 && !f->unsaved)
        log_warn("--state: cannot write %s: %s", path, strerror(-r));
    f->unsaved = r < 0;
}

/* Go on from what was saved, if anything was. */
static void resume(struct feed *f, const char *const *symbols)
{
    const char *path = f->config.options->state;
    FILE *in = path != NULL && f->config.options->seed == 0 ? fopen(path, "re") : NULL;
    char *line = NULL;
    size_t cap = 0, next = 0;
    struct quote q;
    ssize_t len;

    if (in == NULL)
        return;
    while ((len = getline(&line, &cap, in)) > 0) {
        if (quote_decode(line, (size_t)len, &q) < 0)
            continue;
        for (size_t i = 0; i < f->n; i++, next = (next + 1) % f->n) /* most often in this order */
            if (strcmp(symbols[next], q.symbol) == 0) {
                market_resume(f->market, next, &q);
                next = (next + 1) % f->n;
                break;
            }
    }
    free(line);
    fclose(in);
}

static int make_market(struct feed *f, const char *const *symbols, size_t n)
{
    const struct feed_options *o = f->config.options;
    uint64_t seed = o->seed, rate = o->rate;
    struct rng rng;
    int r;

    if (seed == 0) {
        rng_seed_random(&rng);
        seed = 1 + rng_below(&rng, 999999999); /* short enough to type */
    }
    if (rate == 0)
        rate = n * TICKS_A_SYMBOL < DEFAULT_RATE_MAX ? n * TICKS_A_SYMBOL : DEFAULT_RATE_MAX;
    f->state.condition = FEED_LIVE;
    snprintf(f->state.detail, sizeof(f->state.detail), "%zu symbols, %llu ticks/s, seed %llu", n,
             (unsigned long long)rate, (unsigned long long)seed);
    r = market_new(symbols, n, seed, (double)rate, &f->market);
    if (r < 0)
        return r;
    f->n = n;
    resume(f, symbols);
    save(f);
    return 0;
}

static void sim_close(struct feed *f)
{
    if (f == NULL)
        return;
    if (f->market != NULL)
        save(f);
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
    if (!mono_before(now, f->save_at))
        save(f);
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
