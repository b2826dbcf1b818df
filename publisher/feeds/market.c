/*
 * The model
 *
 * When: each symbol trades at random moments (a Poisson process), busy names more often. All of
 * them together are one Poisson process of the total rate whose events are dealt out by weight, so
 * the next tick costs one exponential and one draw from an alias table, however many symbols there
 * are.
 *
 * Price: a geometric Brownian motion with the symbol's volatility of a year. The part `loading` of
 * it is the whole market's, the rest its own, so two symbols correlate by the product of theirs.
 * Time counts as on an exchange: a year has 252 days of 6.5 hours. So a second moves a price by
 * what a second of real trading does: a few cents for a big name. Between days it jumps.
 *
 * Size: lognormal around what brings the symbol to its usual volume of a day, more at the open and
 * the close (the U shape).
 *
 * Start: some way into a day, so that percents, ranges and volumes are there at once; and with a
 * look at every symbol, however rarely it trades.
 */
#include "publisher/feeds/market.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "publisher/feeds/wellknown.h"

#include "common/banned.h"

#define START_OF_DAY 0.3 /* how much of the first day has passed at the beginning */
#define NIGHT 0.4        /* a night's volatility in those of a day */
#define SIZE_SPREAD 1.0  /* of the logarithm of trade sizes */

struct stock {
    char symbol[SYMBOL_MAX + 1];
    double volatility;   /* of a year */
    double loading, own; /* the market's part and the symbol's: loading^2 + own^2 = 1 */
    double mean_size;    /* shares a trade */
    double daily_volume;

    double log_price; /* not yet on the grid of prices */
    double at;        /* moment of the last tick, and how far the market had moved then */
    double market_then;

    long day;
    int64_t price_e4, prev_close_e4, open_e4, high_e4, low_e4;
    int64_t volume;
};

struct deal { /* one column of the alias table */
    double keep;
    uint32_t other;
};

struct market {
    struct rng rng;
    double rate;
    double at;    /* seconds since the beginning */
    double moved; /* the market's Brownian motion: variance 1 a second */
    long day;
    double night;    /* the market's shock before `day`, variance 1 */
    size_t n, shown; /* stocks; those that have been shown at moment 0 */
    struct stock *stocks;
    struct deal *deals;
};

/*
 * Numbers
 */

/* On the grid that exchanges use: cents, and hundredths of a cent below one. */
static int64_t on_grid_e4(double price)
{
    if (price >= 1)
        return llround(price * 100) * 100;
    return llround(fmax(price * 10000, 1));
}

static struct decimal decimal_from_e4(int64_t e4)
{
    struct decimal d = {.coef = e4, .scale = 4};

    while (d.scale > 0 && d.coef % 10 == 0) {
        d.coef /= 10;
        d.scale--;
    }
    return d;
}

/* How busy the market is at this part of the day (0..1): 2 at its ends, 0.5 at noon, 1 on average.
 * And its integral from the morning on. */
static double busyness(double part)
{
    double from_noon = 2 * part - 1;

    return 0.5 + 1.5 * from_noon * from_noon;
}

static double busyness_so_far(double part)
{
    double from_noon = 2 * part - 1;

    return 0.5 * part + 0.25 * (from_noon * from_noon * from_noon + 1);
}

static uint64_t hash(const char *text, uint64_t seed) /* FNV-1a */
{
    uint64_t h = UINT64_C(14695981039346656037) ^ seed;

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

/*
 * Making a market
 */

/* What kind of stock it is: as known, or as its name and the seed have it. Returns about what it
 * costs. */
static double characterize(struct stock *s, const char *symbol, uint64_t seed)
{
    const struct wellknown *known = wellknown_find(symbol);
    struct rng rng;
    double price;

    rng_seed(&rng, hash(symbol, seed));
    memcpy(s->symbol, symbol, strlen(symbol) + 1);
    s->loading = 0.45 + 0.3 * rng_unit(&rng);
    s->own = sqrt(1 - s->loading * s->loading);
    if (known != NULL) {
        s->volatility = known->volatility;
        s->daily_volume = known->daily_volume_m * 1e6;
        return known->price;
    }
    s->volatility = 0.15 + 0.45 * rng_unit(&rng);
    s->daily_volume = 1.2e6 * exp(1.3 * rng_normal(&rng));
    price = 45 * exp(0.9 * rng_normal(&rng));
    return fmin(fmax(price, 0.2), 5000);
}

static double daily(const struct stock *s)
{
    return s->volatility / sqrt(252);
}

/* A move of the market's shock and one of its own. */
static double shock(struct market *m, const struct stock *s, double market_shock)
{
    return s->loading * market_shock + s->own * rng_normal(&m->rng);
}

/* The first day up to now, told by its corners. */
static void live_the_morning(struct market *m, struct stock *s, double price, double market_shock)
{
    double open = price * exp(daily(s) * NIGHT * shock(m, s, m->night));
    double now = open * exp(daily(s) * sqrt(START_OF_DAY) * shock(m, s, market_shock));
    double range = daily(s) * 0.2;

    s->prev_close_e4 = on_grid_e4(price);
    s->open_e4 = on_grid_e4(open);
    s->price_e4 = on_grid_e4(now);
    s->high_e4 = on_grid_e4(fmax(open, now) * exp(range * fabs(rng_normal(&m->rng))));
    s->low_e4 = on_grid_e4(fmin(open, now) * exp(-range * fabs(rng_normal(&m->rng))));
    s->log_price = log(now);
    s->volume =
        llround(s->daily_volume * busyness_so_far(START_OF_DAY) * exp(0.2 * rng_normal(&m->rng)));
}

static double weight(const struct stock *s)
{
    return sqrt(s->daily_volume);
}

/* Vose's method: columns of equal width, each split between two stocks. */
static int deal_out(struct market *m, double total_weight)
{
    uint32_t *todo;
    size_t n_small = 0, n_large = 0; /* the small grow from the front, the large from the back */

    assert(m->n > 0);
    todo = calloc(m->n, sizeof(*todo));
    if (todo == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < m->n; i++) {
        m->deals[i].keep = weight(&m->stocks[i]) * (double)m->n / total_weight;
        m->deals[i].other = (uint32_t)i;
        if (m->deals[i].keep < 1)
            todo[n_small++] = (uint32_t)i;
        else
            todo[m->n - ++n_large] = (uint32_t)i;
    }
    while (n_small > 0 && n_large > 0) {
        struct deal *small = &m->deals[todo[--n_small]];
        uint32_t large = todo[m->n - n_large];

        small->other = large;
        m->deals[large].keep -= 1 - small->keep;
        if (m->deals[large].keep < 1) {
            n_large--;
            todo[n_small++] = large;
        }
    }
    free(todo); /* what is left has its whole column, but for rounding */
    return 0;
}

static int populate(struct market *m, const char *const *symbols, uint64_t seed)
{
    double market_shock, total_weight = 0;

    m->night = rng_normal(&m->rng);
    market_shock = rng_normal(&m->rng);
    for (size_t i = 0; i < m->n; i++) {
        struct stock *s = &m->stocks[i];
        double price = characterize(s, symbols[i], seed);

        live_the_morning(m, s, price, market_shock);
        total_weight += weight(s);
    }
    for (size_t i = 0; i < m->n; i++) {
        struct stock *s = &m->stocks[i];
        double trades_a_day = m->rate * MARKET_DAY_S * weight(s) / total_weight;

        s->mean_size = s->daily_volume / trades_a_day;
    }
    return deal_out(m, total_weight);
}

int market_new(const char *const *symbols, size_t n, uint64_t seed, double rate,
               struct market **ret)
{
    struct market *m = calloc(1, sizeof(*m));
    int r = -ENOMEM;
    if (m == NULL)
        return -ENOMEM;
    rng_seed(&m->rng, seed);
    m->rate = rate;
    m->n = n;
    m->stocks = calloc(n, sizeof(*m->stocks));
    m->deals = calloc(n, sizeof(*m->deals));
    if (m->stocks != NULL && m->deals != NULL)
        r = populate(m, symbols, seed);
    if (r < 0)
        market_free(m);
    else
        *ret = m;
    return r;
}

void market_free(struct market *m)
{
    if (m == NULL)
        return;
    free(m->stocks);
    free(m->deals);
    free(m);
}

double market_volatility(const struct market *m, size_t number)
{
    return m->stocks[number].volatility;
}

/*
 * Its ticks
 */

static struct stock *draw_stock(struct market *m)
{
    double column = rng_unit(&m->rng) * (double)m->n;
    size_t i = (size_t)column;

    return &m->stocks[column - (double)i < m->deals[i].keep ? i : m->deals[i].other];
}

/* Time goes by for the whole market. */
static void pass(struct market *m)
{
    double wait = rng_exponential(&m->rng, 1 / m->rate);
    long day;

    m->at += wait;
    m->moved += sqrt(wait) * rng_normal(&m->rng);
    day = (long)(m->at / MARKET_DAY_S + START_OF_DAY);
    if (day != m->day)
        m->night = rng_normal(&m->rng);
    m->day = day;
}

static void begin_day(struct market *m, struct stock *s)
{
    s->day = m->day;
    s->prev_close_e4 = s->price_e4;
    s->log_price += daily(s) * NIGHT * shock(m, s, m->night);
    s->volume = 0;
    s->open_e4 = 0; /* the tick that follows opens */
}

static void move(struct market *m, struct stock *s)
{
    double from_market = s->loading * (m->moved - s->market_then);
    double from_itself = s->own * sqrt(m->at - s->at) * rng_normal(&m->rng);

    s->log_price += s->volatility * (from_market + from_itself) / sqrt(MARKET_YEAR_S);
    s->at = m->at;
    s->market_then = m->moved;
    s->price_e4 = on_grid_e4(exp(s->log_price));
    if (s->open_e4 == 0)
        s->open_e4 = s->high_e4 = s->low_e4 = s->price_e4;
    if (s->price_e4 > s->high_e4)
        s->high_e4 = s->price_e4;
    if (s->price_e4 < s->low_e4)
        s->low_e4 = s->price_e4;
}

static void trade(struct market *m, struct stock *s)
{
    double part_of_day = m->at / MARKET_DAY_S + START_OF_DAY - (double)m->day;
    double spread = SIZE_SPREAD * rng_normal(&m->rng) - SIZE_SPREAD * SIZE_SPREAD / 2;

    s->volume += llround(fmax(s->mean_size * busyness(part_of_day) * exp(spread), 1));
}

static void report(const struct stock *s, struct quote *ret)
{
    *ret = (struct quote){
        .known = QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE | QUOTE_VOLUME,
        .price = decimal_from_e4(s->price_e4),
        .open = decimal_from_e4(s->open_e4),
        .high = decimal_from_e4(s->high_e4),
        .low = decimal_from_e4(s->low_e4),
        .prev_close = decimal_from_e4(s->prev_close_e4),
        .volume = decimal_from_int(s->volume),
    };
    memcpy(ret->symbol, s->symbol, sizeof(s->symbol));
}

void market_quote(const struct market *m, size_t number, struct quote *ret)
{
    report(&m->stocks[number], ret);
}

static int64_t e4_of(struct decimal d)
{
    return llround(fmin(fmax(decimal_to_double(d), 0.0001), 1e9) * 1e4);
}

void market_resume(struct market *m, size_t number, const struct quote *q)
{
    const uint8_t day = QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE | QUOTE_VOLUME;
    struct stock *s = &m->stocks[number];

    if ((q->known & day) != day)
        return;
    s->price_e4 = e4_of(q->price);
    s->open_e4 = e4_of(q->open);
    s->high_e4 = e4_of(q->high);
    s->low_e4 = e4_of(q->low);
    s->prev_close_e4 = e4_of(q->prev_close);
    s->volume = llround(fmin(decimal_to_double(q->volume), 1e15));
    s->log_price = log((double)s->price_e4 / 1e4);
}

double market_next(struct market *m, struct quote *ret)
{
    struct stock *s;

    if (m->shown < m->n) {
        report(&m->stocks[m->shown++], ret);
        return 0;
    }
    pass(m);
    s = draw_stock(m);
    if (s->day != m->day)
        begin_day(m, s);
    move(m, s);
    trade(m, s);
    report(s, ret);
    return m->at;
}
