/*
 * choice -- which feed a symbol's price is taken from when several tell it, and how fresh it is.
 *
 * The first feed in the user's order counts that is well with the symbol: it is up, the symbol is
 * not stale there (freshness), and it is not BEHIND_MS behind what another one has told. When it is
 * not well any more, the next one that is takes over at once. The preferred one comes back when it
 * has been well for ten seconds; each time that it falls again, it has to be well for twice as
 * long, up to ten minutes. A feed that only asks for prices, its stream being down, comes after
 * those that stream. A preferred feed that has just been started is waited for, five seconds at
 * most.
 *
 * After a change of feeds no price is let through that was made before the one that is shown.
 *
 * Pure: no clock of its own; one thread.
 */
#ifndef TAPECAST_PUBLISHER_CHOICE_H
#define TAPECAST_PUBLISHER_CHOICE_H

#include "publisher/feeds/calendar.h"
#include "publisher/freshness.h"
#include "publisher/lineup.h"

struct choice;

typedef void choice_give(void *ctx, const struct quote *q);

struct choice_config {
    const struct lineup *lineup;
    const struct calendar *calendar; /* NULL: the rules alone */
    choice_give *give;               /* a quote is to be published */
    void *ctx;
};

/* Returns 0 and sets *ret, freed with choice_free(); -ENOMEM. What `config` points at stays the
 * owner's. */
MUST_CHECK int choice_new(const struct choice_config *config, struct choice **ret);
void choice_free(struct choice *c); /* NULL is allowed */

/* Feed number `feed` is in `state`. */
void choice_feed_state(struct choice *c, size_t feed, const struct feed_state *state,
                       struct mono now);

/* Feed number `feed` gives `q`; it is given on if it counts. */
void choice_offer(struct choice *c, size_t feed, const struct quote *q, struct mono now);

/* Look at what time has changed; a few times a second. Returns by how many ms the wall clock has
 * been set or the machine has slept meanwhile; 0 when it has not. */
int64_t choice_look(struct choice *c, struct mono now, struct wall wall);

/*
 * What there is to tell
 */

struct choice_symbol {
    const char *symbol;
    size_t feed; /* that counts */
    enum fresh_state state;
    double age_ms, usual_ms; /* since it was last heard of; its usual gap, 0 for not known */
    uint64_t changes;        /* of feeds */
    enum quote_mode mode;
};

struct choice_counts {
    uint32_t states[N_FRESH_STATES]; /* symbols of live feeds */
    uint32_t symbols[FEEDS_MAX];     /* that this feed counts for */
    uint64_t given[FEEDS_MAX];       /* quotes of this feed that were given on */
    uint64_t changes;                /* of feeds, over all symbols */
};

size_t choice_n_symbols(const struct choice *c);
bool choice_symbol(const struct choice *c, size_t i, struct mono now, struct choice_symbol *ret);
struct choice_counts choice_count(const struct choice *c, struct mono now);

#endif
