/*
 * channel -- what all readers that ask for the same thing share: the matching topics in order of
 * their last change, and one log.
 *
 * Part of the hub; only hub/ includes this. A channel lives as long as it has readers.
 *
 * Paces. A filter may carry an interval: its topics are not appended as they change but when their
 * pace is due, newest value only. A channel has one pace for each distinct interval among its
 * filters.
 */
#ifndef TAPECAST_GATEWAY_HUB_CHANNEL_H
#define TAPECAST_GATEWAY_HUB_CHANNEL_H

#include "common/clock.h"
#include "common/hash.h"
#include "common/list.h"
#include "gateway/hub/cache.h"
#include "gateway/hub/chunklog.h"
#include "gateway/hub/cohort.h"
#include "gateway/hub/filterset.h"
#include "gateway/hub/hub.h"

#define CHANNEL_PACES 4
#define CACHE_LINE 64

/* One topic carried by one channel. */
struct match {
    struct list in_topic;
    struct channel *channel;
    bool retain_as_published;
    int8_t pace;            /* index, or -1: at once */
    struct list in_channel; /* in order of their last change, unless channel.unsorted */
    struct topic *topic;
};

struct pace {
    uint32_t interval_ms;
    bool pending;          /* something of this pace changed after `sent_version` */
    uint64_t sent_version; /* its changes up to here are in the log */
    struct mono due;       /* the earliest time of the next round */
};

/* Of a thousand private channels each is cold when its message comes: what that touches is the
 * first three cache lines. */
struct channel {
    struct chunklog log __attribute__((aligned(CACHE_LINE)));
    size_t max_packet;
    uint64_t appended;    /* messages, since the beginning */
    struct cohort *front; /* whose readers have the whole log; NULL when nobody has */
    uint32_t n_cohorts;
    uint8_t n_paces;
    bool few;      /* matches: they are put in order when somebody asks for it */
    bool unsorted; /* … which is to be done */
    struct cohort own __attribute__((aligned(CACHE_LINE))); /* one of them, most often the only */

    struct list lagging, waiting; /* reader.link; READY ones are in the hub's list */
    size_t n_readers;
    struct list matches; /* match.in_channel */
    size_t n_matches;
    struct match *newest_match; /* the last one made; for the matcher */
    struct hash_node node;      /* in the hub's table, by key */
    struct filterset filters;
    struct pace paces[CHANNEL_PACES];
    struct list paced; /* in hub.paced while a pace is pending */
};

struct channel_key {
    const struct encoding *encoding;
    size_t max_packet;
    const struct filterset *filters;
};

uint32_t channel_hash(const struct channel_key *k);
bool channel_has_key(const struct hash_node *node, const void *key);

/* Takes over *filters. Returns 0; -EINVAL more than CHANNEL_PACES different intervals; -ENOMEM:
 * *filters untouched. */
MUST_CHECK int channel_new(const struct encoding *e, size_t max_packet, struct filterset *filters,
                           struct chunk_pool *pool, struct channel **ret);
void channel_free(struct channel *c); /* no readers, no matches; in no list but its own */

/* `m` has been made, about to be put in order by the next change of its topic or by
 * channel_sort(). */
void channel_add_match(struct channel *c, struct match *m);
void channel_sort(struct channel *c);

/* The index of the pace for `interval_ms`, -1 for 0. */
int8_t channel_pace(const struct channel *c, uint32_t interval_ms);

/* The topic of `m` has changed: append its message, or remember it for its pace. */
void channel_note(struct hub *h, struct match *m, const struct message *msg);

/* Append what is due of the paces. */
void channel_run_paces(struct hub *h, struct channel *c, struct mono now);
struct mono channel_due(const struct channel *c);

/* channel_flush() of `k` comes next: have what it looks at fetched into the cache. */
void channel_prepare(const struct cohort *k);

/* Seal the log and give it to readers of `k`, which is behind: to all, or to the first *writes if
 * there are more; *writes is lowered by as many. Then drop what is over the limit. `k` may be gone.
 */
void channel_flush(struct hub *h, struct cohort *k, unsigned *writes);

/* Send `r`, which is LIVE, what it lacks, out of its turn. */
void channel_settle(struct hub *h, struct reader *r);

/* Send `r` what the log holds from its place on. */
void channel_resume(struct hub *h, struct reader *r);

/* Send `r`, which is READY, the newest values that it lacks, at most a batch of them. */
void channel_catch_up(struct hub *h, struct reader *r);

/* The version that `r` has reached, wherever it is. */
uint64_t channel_reader_version(const struct hub *h, const struct reader *r);

/* Take `r` out of its list and give up its place in the log. */
void channel_detach(struct reader *r);

#endif
