/*
 * source -- a feed running in its own thread, and the bounded queue through which its quotes reach
 * the publisher's thread.
 *
 * A full queue makes the feed wait, so what the publisher does not take is never lost here and
 * never grows. All calls are for the publisher's thread; none blocks but source_free(). But a feed
 * whose quotes are to be published in its own thread (feed_ops.has_more) calls the owner's `ready`
 * there: source_take() may be called from it too, the owner letting one thread take at a time.
 * Waking the publisher's thread costs more than all the rest of a quote's way.
 */
#ifndef TAPECAST_PUBLISHER_SOURCE_H
#define TAPECAST_PUBLISHER_SOURCE_H

#include "publisher/feed.h"

#define SOURCE_QUEUE_MAX 4096 /* quotes; 40 ms at 100,000 a second */

struct source;

struct source_owner {
    void (*ready)(void *ctx); /* take what is there, or leave it to source_fd() */
    void *ctx;
};

/* Open the feed and start its thread; `config->stop_fd` is set here, `owner` is copied. Returns 0
 * and sets *ret, freed with source_free(); or the negative errno of the feed's open() (logged), or
 * of starting. */
MUST_CHECK int source_start(const struct feed_ops *ops, const struct feed_config *config,
                            const struct source_owner *owner, struct source **ret);

/* Stops the thread, waits for it and closes the feed. NULL is allowed. */
void source_free(struct source *s);

/* The same without closing: no more quotes come, source_summary() may follow. */
void source_stop(struct source *s);

/* Readable while there is something to take that `ready` has left. */
int source_fd(const struct source *s);

/* The next quote. Returns 0 and sets *ret; -EAGAIN none now; -ENODATA the feed has ended and all is
 * taken; another negative errno when it failed for good (logged). */
MUST_CHECK int source_take(struct source *s, struct quote *ret);

void source_state(struct source *s, struct feed_state *ret);

/* What the feed tells about itself at its end; after source_stop() or source_take()'s -ENODATA. */
void source_summary(struct source *s, uint64_t published, FILE *out);

#endif
