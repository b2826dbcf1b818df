/*
 * bars -- the bars of one symbol that may still change, made from its quotes by the exchange's
 * time.
 *
 * A quote changes the one bar of each resolution that its time falls into, whenever it comes, as
 * long as it is no older than the lateness allowance before the newest quote; older bars are
 * final. So all resolutions say the same, and no order of arrival matters: the open is the earliest
 * price, the close the latest, of one millisecond by their `seq`. Volume comes from the day's
 * volume that quotes carry: a bar keeps where that stood at its beginning and its end, so a
 * repeated quote adds nothing and a late one moves the border between two bars.
 *
 * Rules for the day's volume:
 *   - A new day begins at zero. What was traded while nobody listened counts in the bar of the
 * first quote after.
 *   - The first volume ever heard of a symbol counts for nothing, since it is of unknown age; but
 * in a replay that begins, it is the first row's own.
 *   - A newer quote with less volume has begun to count anew: it counts for nothing itself.
 *
 * Quotes are counted by their publisher, for each symbol from 1: a gap tells what was lost. Where
 * several publish one symbol, a quote belongs to the one whose count is the nearest before it; one
 * that counts from 1, or lower than all with a newer time, is a new one.
 *
 * Pure: no I/O, no clock. One thread.
 */
#ifndef TAPECAST_RECORDER_BARS_H
#define TAPECAST_RECORDER_BARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/decimal.h"
#include "common/macros.h"
#include "common/quote.h"
#include "recorder/resolution.h"

struct bar {
    int64_t t;                 /* what it is known by, in s */
    int64_t first_ms, last_ms; /* of the quotes that gave open and close */
    struct decimal open, high, low, close, volume;
};

enum bars_verdict {
    BARS_TAKEN,
    BARS_REPEATED, /* taken too, and has changed nothing that it should not */
    BARS_LATE,     /* taken, though a newer one came before */
    BARS_TOO_LATE, /* not taken: beyond the allowance */
    N_BARS_VERDICTS
};

/* What a symbol's next quote is judged by. */
struct bars_state {
    bool heard;        /* the rest is known */
    int64_t newest_ms; /* of all quotes */
    uint32_t run;      /* publishers that have begun to count, so far */
    uint64_t seq;      /* of the newest of them: its last */
    bool has_volume;
    int32_t volume_day; /* the day, in days since 1970, of `volume` */
    struct decimal volume;
};

struct live_bar {
    struct bar bar;
    int64_t from_ms, until_ms;
    uint64_t first_seq, last_seq; /* of the quotes that gave open and close; 0: unknown */
    struct decimal volume_from, volume_until; /* the day's volume at its beginning and end */
    bool changed;                             /* since bars_collect() */
};

/* What one publisher counts. */
struct sequence {
    uint32_t run; /* 0: none */
    uint64_t seq;
};

#define BARS_PUBLISHERS 4 /* of one symbol that are told apart */

struct bars {
    int64_t lateness_ms;
    bool around_the_clock;
    struct bars_state state;
    bool fresh;    /* nothing heard since bars_init() or bars_resume() */
    uint64_t lost; /* quotes that gaps in `seq` tell of */
    uint64_t gaps;
    struct sequence sequences[BARS_PUBLISHERS]; /* the one heard last first */
    size_t n_changed;                           /* bars with `changed` */
    struct live_bars {
        struct live_bar *list; /* ascending in time, the newest last */
        uint32_t n, cap;
    } live[N_RESOLUTIONS];
};

void bars_init(struct bars *b, const char *symbol, int64_t lateness_ms);
void bars_release(struct bars *b);

/* Go on where an earlier run stopped, before the first quote: its state, then its bars of each
 * resolution in ascending order, those that may still change. bars_add() returns 0; -ENOMEM. */
void bars_resume(struct bars *b, const struct bars_state *state);
MUST_CHECK int bars_add(struct bars *b, enum resolution r, const struct bar *bar);
void bars_resumed(struct bars *b); /* after the last */

/* Since when bars may still change, in s. */
int64_t bars_open_since(const struct bars_state *state, int64_t lateness_ms);

/* The run of the publisher heard last; 0: no quote had a seq. */
uint32_t bars_run(const struct bars *b);

/* Does this quote begin a replay: another publisher's, older than lateness explains, and not live?
 * Then what has changed is to be collected before it is taken, since its bars replace those that
 * are here. */
bool bars_goes_back(const struct bars *b, const struct quote *q);

/* Forget all but who publishes, or the bars alone, to be added anew. What has changed has been
 * collected. */
void bars_begin_anew(struct bars *b);
void bars_forget_bars(struct bars *b);

/* Take a quote of this symbol. Returns its verdict; -ENOMEM. */
MUST_CHECK int bars_take(struct bars *b, const struct quote *q);

/* Give every bar that changed since the last call, and forget those that are final. */
typedef void bars_sink(void *ctx, enum resolution r, const struct bar *bar);
void bars_collect(struct bars *b, bars_sink *sink, void *ctx);

/* The newest bar of a resolution; NULL when there is none. */
const struct bar *bars_newest(const struct bars *b, enum resolution r);

#endif
