/*
 * hub -- from one message upstream to the bytes of ten thousand readers.
 *
 * A message is kept in the cache and appended, encoded, to the log of each channel that carries its
 * topic. A channel is an encoding, a set of filters and a limit on packet size; readers that ask
 * for the same share it. A round of hub_flush() gives every live reader, in one write, what its
 * channel got since its last. A reader whose socket is full keeps its place in the log; when that
 * is dropped, and for every newcomer, the reader is sent the latest value of each topic that
 * changed since the version it has reached, as its socket takes them, and then goes on live.
 *
 * So every reader that keeps up gets every message once and in order; every other costs a version
 * number, misses no last value, and delays nobody.
 *
 * One worker thread. Knows readers and bytes, never sockets; does no I/O but through reader_ops.
 */
#ifndef TAPECAST_GATEWAY_HUB_HUB_H
#define TAPECAST_GATEWAY_HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macros.h"
#include "gateway/hub/encoding.h"
#include "gateway/hub/filterset.h"
#include "gateway/hub/reader.h"

struct hub_limits {
    size_t max_topics;  /* in the cache */
    size_t max_matches; /* pairs of topic and channel; what private subscriptions cost */
    size_t
        max_channel_log; /* bytes of one channel's log before its slowest readers must catch up */
    size_t max_logs;     /* of all logs together: past it each channel has an equal share */
};

struct hub_stats { /* counters since the start */
    uint64_t messages_in;
    uint64_t topics_refused;  /* messages whose topic found no place in the cache */
    uint64_t matches_refused; /* new topics that a channel did not get for want of room */
    uint64_t delivered[ENCODING_COUNTERS], delivered_bytes[ENCODING_COUNTERS]; /* by encoding */
    uint64_t catch_ups; /* readers that fell out of a log */
    uint64_t caught_up; /* values sent to readers that were catching up, newcomers included */
    uint64_t conflated; /* messages that catching-up readers were spared */
    uint64_t rounds;    /* flushes that wrote */
    uint64_t writes;    /* to sockets, of messages */
    uint64_t lost;      /* messages that found no memory */
};

static inline uint64_t hub_stats_delivered(const struct hub_stats *s) /* to all */
{
    uint64_t n = 0;

    for (unsigned i = 0; i < ENCODING_COUNTERS; i++)
        n += s->delivered[i];
    return n;
}

struct hub;

MUST_CHECK int hub_new(const struct hub_limits *limits, struct hub **ret); /* 0; -ENOMEM */
void hub_set_limits(struct hub *h,
                    const struct hub_limits *limits); /* for what comes from now on */
void hub_free(struct hub *h);                         /* NULL is allowed; all readers have left */

/* Pass on a message from upstream, payload NULL when empty. `m->retain`: a newcomer is to be given
 * it; with an empty payload: no more. */
void hub_publish(struct hub *h, const struct message *m);

/* An upstream connection has begun: until hub_sync_end(), a message equal to what the cache holds
 * only confirms it. */
void hub_sync_begin(struct hub *h);
/* All retained messages have come: those that were not confirmed are gone, and readers are told so.
 */
void hub_sync_end(struct hub *h);

/* Enter a reader that is all zero but for ops. */
void hub_enter(struct reader *r);
/* Forget the reader; what it was sent stays sent. */
void hub_leave(struct hub *h, struct reader *r);

/* From now on `r` gets what `want` matches (which the hub takes over, leaving it empty), in packets
 * of at most `max_packet` bytes, encoded by `e`, after the retained messages that `snapshot`
 * matches (taken over as well). Nothing that it already had a right to is lost. Returns 0; -ENOSPC
 * a limit is reached; -ENOMEM: the reader then keeps what it has, and the sets are released. */
MUST_CHECK int hub_subscribe(struct hub *h, struct reader *r, const struct encoding *e,
                             size_t max_packet, struct filterset *want, struct filterset *snapshot);

/* The same for a reader that has just entered and has reached `version` of this hub before: it gets
 * the last message, retained or not, of each topic that changed since, and nothing else. */
MUST_CHECK int hub_resume(struct hub *h, struct reader *r, const struct encoding *e,
                          size_t max_packet, struct filterset *want, uint64_t version);

/* To be called after hub_subscribe() or hub_resume(), once its answer is on the way and before
 * anything else is published: sends what the reader lacks, as far as its socket takes it. So one
 * that keeps up misses nothing between what it had, what it asked for, and what comes. */
void hub_serve(struct hub *h, struct reader *r);

/* What the reader has asked for; an empty set when nothing. Valid until the next call about `r`. */
const struct filterset *hub_filters(const struct reader *r);

/* How many versions `r` is behind the newest message; 0 for one that keeps up. */
uint64_t hub_lag(const struct hub *h, const struct reader *r);

/* The reader's socket takes more again. */
void hub_writable(struct hub *h, struct reader *r);

/* Give readers that are catching up their turn. */
void hub_catch_up(struct hub *h);

/* Go on with a round of writes, or begin one: every live reader is given, in one write, what its
 * channel has got since its last; what is paced, when it is due. At most `writes` of them now, so
 * that what comes between two calls is for all whose turn is still to come. Returns whether the
 * round is over. */
bool hub_flush(struct hub *h, struct mono now, unsigned writes);

bool hub_has_work(const struct hub *h);        /* for hub_catch_up(): do not sleep */
bool hub_is_dirty(const struct hub *h);        /* for hub_flush() */
bool hub_in_round(const struct hub *h);        /* … which has not come to its end */
struct mono hub_deadline(const struct hub *h); /* when a paced channel is due */

/* The last retained message of each topic that `filter` matches. */
void hub_each_retained(const struct hub *h, const char *filter,
                       void (*each)(void *ctx, const struct message *m), void *ctx);

/* Is there a last retained message on `topic`? */
bool hub_retains(const struct hub *h, const char *topic, size_t len);

/* The place of the newest message. */
struct position hub_position(const struct hub *h);

const struct hub_stats *hub_stats(const struct hub *h);
size_t hub_n_topics(const struct hub *h);
size_t hub_n_channels(const struct hub *h);
size_t hub_log_bytes(const struct hub *h);

#endif
