/*
 * publish -- from the quotes of a feed to the messages of the broker.
 *
 * A quote is checked, its symbol's turn awaited (pace), numbered and sent to `stocks/{SYMBOL}` and
 * `stocks/{SYMBOL}/price`. While the broker takes nothing, only the newest quote of each symbol is
 * kept: memory is one quote a symbol, and what follows an outage is the newest state, no backlog.
 *
 * A number (seq) is given at sending, so a gap in what a reader sees means that something was lost
 * on the way, never that the publisher left something out.
 *
 * Knows the broker as a sink only; no clock of its own, no threads.
 */
#ifndef TAPECAST_PUBLISHER_PUBLISH_H
#define TAPECAST_PUBLISHER_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macros.h"
#include "common/quote.h"

struct publish_sink {
    bool (*takes)(void *ctx); /* it takes a message now */
    /* Send retained. Returns >= 0; -ENOTCONN try again later; another negative errno: never. */
    int (*send)(void *ctx, const char *topic, const void *payload, size_t len);
    /* Both messages of a quote that a feed read at `heard` are sent for the first time; or NULL. */
    void (*sent)(void *ctx, struct mono heard);
    void *ctx;
};

struct publish_counts {
    uint64_t published; /* quotes sent */
    uint64_t conflated; /* replaced by a newer one before they were sent */
    uint64_t rejected;  /* not a price that may be shown, or over the limit of symbols */
    uint32_t symbols;
};

struct publish;

/* Returns 0 and sets *ret, freed with publish_free(); -ENOMEM. `sink` is copied. */
MUST_CHECK int publish_new(int64_t interval_ms, const struct publish_sink *sink,
                           struct publish **ret);
void publish_free(struct publish *p); /* NULL is allowed */

/* Take a quote in; `seq` of it is ignored. It is sent by publish_run(). The first
 * rejected one is logged. */
void publish_quote(struct publish *p, const struct quote *q);

/* Send what has its turn as far as the sink takes it. */
void publish_run(struct publish *p, struct mono now);

/* When publish_run() is to be called at the latest, the sink taking. */
struct mono publish_deadline(const struct publish *p);

/* Something has its turn and waits for the sink alone. */
bool publish_is_blocked(const struct publish *p);

/* The connection is new: send each symbol's newest quote, with the number it has, once more: the
 * last ones sent may have been lost, and the broker may have forgotten everything. */
void publish_again(struct publish *p);

/* No more quotes come: what waits for its turn has it now. */
void publish_finish(struct publish *p);
bool publish_is_idle(const struct publish *p); /* all is sent */

struct publish_counts publish_counts(const struct publish *p);

/* Make `q` fit to be shown: members that contradict the price or each other are left out. Returns
 * NULL, or why it must not be published at all. */
const char *publish_check(struct quote *q);

#endif
