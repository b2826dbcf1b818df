/*
 * ledger -- what the recorder holds in memory: the bars and ticks of all symbols that are not
 * stored yet, and the writer that they go to once a second. A quote costs a microsecond or two here
 * and never waits for a disk.
 *
 * While the writer is busy nothing is handed over: bars change where they are, ticks queue, and the
 * next batch has all of it. What may wait like this has a limit: past that of ticks they are left
 * out while bars go on, past that of bars quotes are not taken.
 *
 * One thread; ledger_open() and corrections alone block, as long as the store does.
 */
#ifndef TAPECAST_RECORDER_LEDGER_H
#define TAPECAST_RECORDER_LEDGER_H

#include "common/clock.h"
#include "common/hash.h"
#include "common/list.h"
#include "recorder/backfill.h"
#include "recorder/bars.h"
#include "recorder/batch.h"
#include "recorder/store.h"
#include "recorder/writer.h"

#define LEDGER_BARS_MAX 500000   /* changed ones that wait, about 100 MB */
#define LEDGER_TICKS_MAX 1500000 /* a minute of 20,000 a second and some, 310 MB */

struct ledger_config {
    const char *store;
    int64_t lateness_ms;
    int64_t keep_s[N_RESOLUTIONS]; /* 0 is for ever */
    int64_t keep_ticks_s;          /* 0: no ticks are kept */
    struct backfill_config backfill;
};

struct ledger_counts {
    uint64_t symbols, quotes, lost, gaps, repeated, late, too_late, rejected, dropped;
    uint64_t corrected, uncorrected; /* uncorrected: what was wrong is not kept any more */
    uint64_t ticks_dropped;
    uint64_t backfilled; /* minutes */
};

struct symbol {
    struct hash_node node;
    struct list changed;     /* in ledger.changed when something is to be stored */
    struct list unpublished; /* its owner's: to publish the minute bar */
    struct mono next_publish;
    bool away; /* nobody listened before the next quote */
    struct bars bars;
    char name[SYMBOL_MAX + 1];
};

struct ledger {
    const struct ledger_config *config;
    struct store *store; /* the writer's */
    struct writer *writer;
    struct hash_table symbols; /* struct symbol */
    struct list changed;
    struct batch batch;      /* to be handed over: ticks, and bars once collected */
    size_t n_changed;        /* bars that are not in `batch` yet */
    struct list corrections; /* what is to be corrected, oldest first */
    size_t n_corrections;
    struct backfill *backfill;     /* NULL: there is none */
    struct backfill_answer answer; /* to be filled in; without bars: none */
    struct mono progress_due;      /* not to be told earlier */
    bool out_of_memory, dropping, dropping_ticks;
    struct ledger_counts counts;
};

/* Open the store, go on where the last run stopped, start the writer. Returns 0, *l released with
 * ledger_close(); or a negative errno after logging, *l to be released too. */
MUST_CHECK int ledger_open(struct ledger *l, const struct ledger_config *config);
void ledger_close(struct ledger *l); /* writes nothing */

/* Read a quote. Returns its symbol; NULL when it is none, is from the future, or there is no room,
 * which has been counted. */
struct symbol *ledger_read(struct ledger *l, const uint8_t *json, size_t len, struct quote *ret);

/* Take it. Returns whether bars have changed. */
bool ledger_take(struct ledger *l, struct symbol *s, const struct quote *q);

/* The broker was away: what comes next may leave a gap. */
void ledger_was_away(struct ledger *l);

/* Hand over what has changed, and correct and fill in what is to be, unless the writer is busy. */
void ledger_store(struct ledger *l);

/* Is all of it with the store? */
bool ledger_is_stored(struct ledger *l);

/* What waits: bars and ticks. */
size_t ledger_waiting(const struct ledger *l);

#endif
