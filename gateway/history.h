/*
 * history -- asks the store in a thread of its own, so that a slow disk delays no tick.
 *
 * A worker asks a question; the thread answers one after the other, and hands each answer back to
 * the worker that asked, which is poked. Questions that wait have a limit. The store is opened when
 * first asked, and again when that failed: it may be made after the gateway has started.
 */
#ifndef TAPECAST_GATEWAY_HISTORY_H
#define TAPECAST_GATEWAY_HISTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "gateway/letter.h"
#include "common/histogram.h"
#include "gateway/udf.h"

#define HISTORY_MAX_WAITING 256

struct worker;

enum question { ASK_BARS, ASK_SEARCH, ASK_SYMBOL, ASK_TICKS };

/* The thread's from history_ask() until it is posted back; then the worker's again. */
struct inquiry {
    struct letter letter; /* opened when it is answered */
    struct worker *worker;
    const atomic_bool *gone; /* true: nobody waits for it any more */
    enum question question;
    struct udf_range range;        /* ASK_BARS; of the others its symbol */
    struct store_tick_range ticks; /* ASK_TICKS */
    char query[SYMBOL_MAX + 1];    /* ASK_SEARCH */
    uint32_t limit;
    bool gzip; /* the reader takes it; then: the answer is */

    struct mono asked_at;
    int result; /* 0; -ENOENT, -E2BIG as udf says; another negative errno: the store's trouble */
    struct udf_text answer;
};

struct history_stats {
    uint64_t open;             /* questions that wait or are being answered */
    uint64_t requests, errors; /* answered; of them those that the store had trouble with */
    uint64_t refused;          /* too many waited */
    uint64_t rows;             /* bars, ticks and symbols */
    struct histogram latency;  /* seconds from the question to the answer */
};

struct history;

/* Start the thread. Returns 0; or a negative errno. */
MUST_CHECK int history_start(const char *store_url, struct history **ret);

/* Any thread. Returns 0; -EAGAIN when too many wait, the inquiry still the caller's. */
MUST_CHECK int history_ask(struct history *h, struct inquiry *q);

/* End the thread; no worker is handed anything from then on. NULL is allowed. */
void history_stop(struct history *h);

/* Free it, with what nobody has answered; the workers' connections are gone. NULL is allowed. */
void history_free(struct history *h);

/* Any thread. */
void history_stats(struct history *h, struct history_stats *ret);

void inquiry_free(struct inquiry *q);

#endif
