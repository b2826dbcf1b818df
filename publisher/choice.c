#include "publisher/choice.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/newyork.h"
#include "publisher/index.h"

#include "common/banned.h"

#define BEHIND_MS 15000
#define START_MS 5000 /* a preferred feed that starts is waited for */
#define BACK_MS 10000 /* well for so long, it comes back; the first time */
#define BACK_MAX_MS 600000

struct view { /* of a symbol, by a feed */
    bool known;
    struct quote latest;
    struct fresh fresh;
    struct mono well_since; /* MONO_NEVER while it is not */
};

#define NOBODY UINT8_MAX

struct pick { /* a symbol */
    char symbol[SYMBOL_MAX + 1];
    uint8_t carriers;       /* bits: the feeds that tell, or may tell, of it */
    uint8_t feed;           /* that counts; NOBODY at first */
    struct wall not_before; /* the price shown when the feed changed */
    struct wall shown;
    struct mono changed_at;
    int64_t back_ms;
    uint64_t changes;
    struct view *views; /* one a feed */
};

struct side { /* a feed */
    struct freshness freshness;
    enum feed_condition condition;
    bool asking;            /* for prices, having no stream */
    int64_t clock_ahead_ms; /* of ours */
    uint64_t given;
};

struct choice {
    struct choice_config config;
    size_t n_feeds;
    struct side sides[FEEDS_MAX];
    struct index index;
    struct pick *picks; /* by number in `index`; SYMBOLS_MAX, touched as they are needed */
    struct view *views; /* SYMBOLS_MAX * n_feeds of them */
    struct mono began;  /* the first look */
    uint64_t changes;
};

/*
 * Making one
 */

static struct pick *pick_of(struct choice *c, const char *symbol)
{
    uint32_t i = index_find(&c->index, symbol);
    struct pick *p;

    if (i != INDEX_NONE)
        return &c->picks[i];
    if (c->index.n == SYMBOLS_MAX)
        return NULL;
    assert(c->picks != NULL);
    p = &c->picks[c->index.n];
    p->feed = NOBODY;
    p->back_ms = BACK_MS;
    p->views = &c->views[c->index.n * c->n_feeds];
    memcpy(p->symbol, symbol, strlen(symbol) + 1);
    index_add(&c->index, p->symbol);
    return p;
}

static void expect_symbols(struct choice *c, size_t feed)
{
    const struct symbols *symbols = &c->config.lineup->feeds[feed].symbols;

    for (size_t i = 0; i < symbols->n; i++) {
        struct pick *p = pick_of(c, symbols->names[i]);

        if (p != NULL)
            p->carriers |= (uint8_t)(1 << feed);
    }
}

int choice_new(const struct choice_config *config, struct choice **ret)
{
    struct choice *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return -ENOMEM;
    c->config = *config;
    c->n_feeds = config->lineup->n;
    c->picks = calloc(SYMBOLS_MAX, sizeof(*c->picks));
    c->views = calloc(SYMBOLS_MAX * c->n_feeds, sizeof(*c->views));
    if (c->picks == NULL || c->views == NULL || index_init(&c->index, SYMBOLS_MAX) < 0) {
        choice_free(c);
        return -ENOMEM;
    }
    for (size_t i = 0; i < c->n_feeds; i++)
        expect_symbols(c, i);
    *ret = c;
    return 0;
}

void choice_free(struct choice *c)
{
    if (c == NULL)
        return;
    index_release(&c->index);
    free(c->picks);
    free(c->views);
    free(c);
}

/*
 * Who is well
 */

static bool is_live(const struct choice *c, size_t feed)
{
    return c->config.lineup->feeds[feed].ops->mode == MODE_LIVE;
}

static bool is_up(const struct side *s)
{
    return s->condition == FEED_LIVE || s->condition == FEED_WAITING;
}

static enum fresh_state state_of(const struct choice *c, const struct pick *p, size_t feed,
                                 struct mono now)
{
    if (!p->views[feed].known)
        return FRESH_UNKNOWN;
    if (!is_live(c, feed))
        return FRESH_GOOD;
    return freshness_state(&c->sides[feed].freshness, &p->views[feed].fresh, now);
}

/* Has another live feed told of a trade made much later, and this one nothing since? */
static bool is_behind(const struct choice *c, const struct pick *p, size_t feed, struct mono now)
{
    const struct view *v = &p->views[feed];

    if (mono_before(now, mono_add_ms(v->fresh.beat.heard, BEHIND_MS)))
        return false;
    for (size_t i = 0; i < c->n_feeds; i++) {
        const struct view *other = &p->views[i];

        if (i != feed && other->known && is_live(c, i) && is_up(&c->sides[i]) &&
            other->latest.timestamp.ms > v->latest.timestamp.ms + BEHIND_MS)
            return true;
    }
    return false;
}

static bool is_well(const struct choice *c, const struct pick *p, size_t feed, struct mono now)
{
    enum fresh_state state;

    if (!is_up(&c->sides[feed]))
        return false;
    state = state_of(c, p, feed, now);
    if (state == FRESH_UNKNOWN || state == FRESH_STALE)
        return false;
    return !is_live(c, feed) || !is_behind(c, p, feed, now);
}

/* The first that is well and streams, else the first that is well. */
static size_t best_of(const struct choice *c, const struct pick *p, struct mono now)
{
    size_t asking = NOBODY;

    for (size_t i = 0; i < c->n_feeds; i++) {
        if (!is_well(c, p, i, now))
            continue;
        if (!c->sides[i].asking)
            return i;
        if (asking == NOBODY)
            asking = i;
    }
    return asking;
}

static void keep_wellness(const struct choice *c, struct pick *p, struct mono now)
{
    for (size_t i = 0; i < c->n_feeds; i++) {
        struct view *v = &p->views[i];

        if (!is_well(c, p, i, now))
            v->well_since = MONO_NEVER;
        else if (v->well_since.ns == MONO_NEVER.ns || v->well_since.ns == 0)
            v->well_since = now;
    }
}

/*
 * Giving
 */

static void give(struct choice *c, struct pick *p, const struct quote *q)
{
    p->shown = q->timestamp;
    c->sides[p->feed].given++;
    c->config.give(c->config.ctx, q);
}

static void change_feed(struct choice *c, struct pick *p, size_t feed, struct mono now)
{
    bool first = p->feed == NOBODY, back = !first && feed < p->feed;
    const struct quote *q = &p->views[feed].latest;

    if (!first && !back) {
        bool again = mono_before(now, mono_add_ms(p->changed_at, BACK_MAX_MS)) && p->changes > 0;

        p->back_ms = again ? p->back_ms * 2 : BACK_MS;
        if (p->back_ms > BACK_MAX_MS)
            p->back_ms = BACK_MAX_MS;
    }
    if (!first) {
        p->changes++;
        c->changes++;
        p->not_before = p->shown;
    }
    p->feed = (uint8_t)feed;
    p->changed_at = now;
    if (first || q->timestamp.ms > p->not_before.ms)
        give(c, p, q);
}

/* May a less preferred feed speak for a symbol that nobody has spoken for yet? */
static bool may_begin(const struct choice *c, const struct pick *p, size_t feed, struct mono now)
{
    if (!mono_before(now, mono_add_ms(c->began, START_MS)))
        return true;
    for (size_t i = 0; i < feed; i++)
        if ((p->carriers & (1 << i)) && c->sides[i].condition < FEED_FAULT)
            return false;
    return true;
}

static void decide(struct choice *c, struct pick *p, struct mono now)
{
    size_t best;

    keep_wellness(c, p, now);
    best = best_of(c, p, now);
    if (best == NOBODY || best == p->feed)
        return;
    if (p->feed == NOBODY) {
        if (may_begin(c, p, best, now))
            change_feed(c, p, best, now);
        return;
    }
    if (is_well(c, p, p->feed, now) && c->sides[p->feed].asking <= c->sides[best].asking &&
        mono_before(now, mono_add_ms(p->views[best].well_since, p->back_ms)))
        return; /* the better one has to prove itself */
    change_feed(c, p, best, now);
}

void choice_offer(struct choice *c, size_t feed, const struct quote *q, struct mono now)
{
    struct pick *p = pick_of(c, q->symbol);
    struct view *v;

    if (p == NULL)
        return;
    v = &p->views[feed];
    p->carriers |= (uint8_t)(1 << feed);
    if (!v->known || q->timestamp.ms != v->latest.timestamp.ms) /* else it says the same anew */
        freshness_heard(&c->sides[feed].freshness, &v->fresh, q->session, now);
    v->known = true;
    v->latest = *q;
    v->latest.correction.at.ms = 0;     /* told once */
    v->latest.heard = (struct mono){0}; /* given again, it is no news */
    if (c->n_feeds == 1) {
        p->feed = 0;
        give(c, p, q);
        return;
    }
    if (p->feed != feed)
        decide(c, p, now);
    else if (q->timestamp.ms >= p->not_before.ms)
        give(c, p, q);
}

/*
 * Time
 */

void choice_feed_state(struct choice *c, size_t feed, const struct feed_state *state,
                       struct mono now)
{
    struct side *s = &c->sides[feed];

    s->condition = state->condition;
    s->asking = state->asking;
    s->clock_ahead_ms = state->clock_ahead_ms;
    freshness_set_down(&s->freshness, !is_up(s), now);
}

/* What time it is on the exchange: the first live feed knows. */
static struct wall market_time(const struct choice *c, struct wall wall)
{
    for (size_t i = 0; i < c->n_feeds; i++)
        if (is_live(c, i) && c->sides[i].clock_ahead_ms != 0)
            return (struct wall){wall.ms + c->sides[i].clock_ahead_ms};
    return wall;
}

int64_t choice_look(struct choice *c, struct mono now, struct wall wall)
{
    struct wall market = market_time(c, wall);
    enum quote_session session;
    int64_t set_ms = 0;

    if (c->began.ns == 0)
        c->began = now;
    session = calendar_session(c->config.calendar, market);
    for (size_t i = 0; i < c->n_feeds; i++)
        set_ms = freshness_look(&c->sides[i].freshness, now, wall, session,
                                newyork_day(market.ms / 1000));
    for (uint32_t i = 0; i < c->index.n && c->n_feeds > 1; i++)
        decide(c, &c->picks[i], now);
    return set_ms;
}

/*
 * Telling
 */

size_t choice_n_symbols(const struct choice *c)
{
    return c->index.n;
}

bool choice_symbol(const struct choice *c, size_t i, struct mono now, struct choice_symbol *ret)
{
    const struct pick *p = &c->picks[i];
    const struct view *v;

    *ret = (struct choice_symbol){.symbol = p->symbol, .changes = p->changes};
    if (p->feed == NOBODY)
        return false;
    v = &p->views[p->feed];
    ret->feed = p->feed;
    ret->state = state_of(c, p, p->feed, now);
    ret->age_ms = (double)(now.ns - v->fresh.beat.heard.ns) / 1e6;
    ret->usual_ms = freshness_usual_ms(&c->sides[p->feed].freshness, &v->fresh);
    ret->mode = v->latest.mode;
    return true;
}

struct choice_counts choice_count(const struct choice *c, struct mono now)
{
    struct choice_counts counts = {.changes = c->changes};
    struct choice_symbol s;

    for (uint32_t i = 0; i < c->index.n; i++) {
        if (!choice_symbol(c, i, now, &s))
            counts.states[FRESH_UNKNOWN]++;
        else
            counts.symbols[s.feed]++;
        if (s.symbol != NULL && c->picks[i].feed != NOBODY && is_live(c, s.feed))
            counts.states[s.state]++;
    }
    for (size_t i = 0; i < c->n_feeds; i++)
        counts.given[i] = c->sides[i].given;
    return counts;
}
