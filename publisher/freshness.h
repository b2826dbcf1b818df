/*
 * freshness -- is what a live feed says of a symbol still news, or has it fallen silent?
 *
 * The usual gap between a symbol's prices is learned for each session of the day by itself, and so
 * is that of the whole feed: a feed is missed by all its symbols together long before a quiet name
 * is. Outside its market's hours nothing is missed.
 *
 * A symbol that is silent while the others go on may be halted: when it turns out that it was
 * called stale for nothing, it is given ten times that silence, an hour at least, for the rest of
 * the session; before and after regular hours, when few trade, so is a whole feed, ten minutes at
 * least. What a symbol, or the feed, could not have said (an outage, a sleep of the machine, a
 * clock that was set) is not learned.
 *
 * Pure: no clock of its own; one thread.
 */
#ifndef TAPECAST_PUBLISHER_FRESHNESS_H
#define TAPECAST_PUBLISHER_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/quote.h"
#include "publisher/feeds/pulse.h"

enum fresh_state {
    FRESH_UNKNOWN, /* no price yet */
    FRESH_GOOD,    /* as new as it usually is */
    FRESH_STALE,   /* silent for longer than usual while its market is open, or the feed is down */
    FRESH_CLOSED,  /* its market is closed */
    N_FRESH_STATES
};

const char *fresh_state_name(enum fresh_state state); /* "unknown", "fresh", "stale", "closed" */

#define FRESH_PACES 4 /* pre, regular and post hours; round the clock */

struct beat { /* what comes again and again: a symbol's prices, or all of a feed's */
    struct pulse paces[FRESH_PACES];
    struct mono heard;  /* the last, in whatever session */
    double patience_ms; /* at least, for the rest of `day` in session `pace` */
    int32_t day;
    int pace;
};

struct freshness {      /* of one feed; all zero at first */
    struct beat all[2]; /* of its symbols with hours, and of those without */
    struct mono since;  /* nothing was to be expected before */
    struct mono session_since;
    enum quote_session session; /* now */
    int32_t day;                /* now, in New York */
    bool down;
    int64_t wall_ahead_ms; /* wall clock minus monotonic one, when last looked */
};

struct fresh { /* of one symbol of a feed; all zero at first */
    struct beat beat;
    bool has_hours;
};

/* What time it is: `session` that of US exchanges, `day` the date in New York. To be called a few
 * times a second. Returns by how many ms the wall clock was set, or the machine slept, since the
 * last call; 0 when it was not. */
int64_t freshness_look(struct freshness *f, struct mono now, struct wall wall,
                       enum quote_session session, int32_t day);

/* The feed is up, or it is not; after an outage everything is awaited anew. */
void freshness_set_down(struct freshness *f, bool down, struct mono now);

/* A price of `s`, of that session (SESSION_UNKNOWN: its market never closes). */
void freshness_heard(struct freshness *f, struct fresh *s, enum quote_session session,
                     struct mono now);

/* The whole feed has fallen silent while a market of it is open. */
bool freshness_is_silent(const struct freshness *f, struct mono now);

enum fresh_state freshness_state(const struct freshness *f, const struct fresh *s, struct mono now);

/* The usual gap between its prices at this time of day, in ms; 0 while it is not known. */
double freshness_usual_ms(const struct freshness *f, const struct fresh *s);

#endif
