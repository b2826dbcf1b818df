/*
 * backfill -- a thread that asks Alpaca for the minutes that were missed. Its bars of all US
 * exchanges are free once they are 15 minutes old.
 *
 * Wishes are queued, those that are not old enough yet until they are; one request goes after the
 * other, at most 150 a minute of the plan's 200. 429 and faults are waited for and tried again;
 * what the service refuses (a key, a symbol) is given up with one line.
 *
 * backfill_want(), backfill_take() and backfill_state() are the recorder's thread's.
 */
#ifndef TAPECAST_RECORDER_BACKFILL_H
#define TAPECAST_RECORDER_BACKFILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/topic.h"
#include "recorder/bars.h"

#define BACKFILL_WISHES_MAX 20000 /* that wait; further ones are passed over, which is logged */

struct backfill_config {
    const char *url;          /* https://data.alpaca.markets */
    const char *key, *secret; /* NULL: there is no backfill */
    const char *ca_file;      /* or NULL */
    int64_t days;             /* before the first quote; 0: no backfill */
};

struct backfill;

/* Returns 0 and *ret, freed with backfill_free(); -EINVAL after logging; a negative errno. */
MUST_CHECK int backfill_start(const struct backfill_config *config, struct backfill **ret);
void backfill_free(struct backfill *b); /* waits for the thread; NULL is allowed */

struct backfill_wish {
    char symbol[SYMBOL_MAX + 1];
    int64_t from_s, until_s; /* minutes with from_s <= t < until_s */
    int64_t counted_s;       /* as fill() wants it */
};
void backfill_want(struct backfill *b, const struct backfill_wish *wish);

struct backfill_answer {
    struct backfill_wish wish;
    struct bar *bars; /* malloc'd: minutes in ascending order */
    size_t n;
    size_t n_new; /* the taker's */
};

/* The oldest answer, which is the caller's then. False: there is none. */
bool backfill_take(struct backfill *b, struct backfill_answer *ret);

/* How many wishes are open. */
size_t backfill_open(struct backfill *b);

#endif
