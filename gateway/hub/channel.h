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

/* ---- for who writes what it holds (delivery) ---- */

/* Drop of the log what nobody is to be given. */
void channel_trim(struct channel *c);
/* … and what is over the limit: who lags there is to catch up. */
void channel_shorten(struct hub *h, struct channel *c);

/* Move the place of `r` in the log; NULL for none. It references its chunk. */
void channel_place(struct reader *r, struct chunk *chunk, uint32_t offset);

/* `r`, in no cohort, goes to `list` as what it is from now on. */
void channel_enlist(struct reader *r, enum reader_state state, struct list *list);

/* The version that a reader has reached who got all that is in the log by `version` of the hub:
 * what is pending of a pace is not. */
uint64_t channel_complete_version(const struct channel *c, uint64_t version);

/* The first match in order that changed after `version`; the head of c->matches when there is none.
 */
struct list *channel_first_after(struct channel *c, uint64_t version);

/* Is there something to send? What is over the readers' limit counts as sent, as MQTT 5 wants. */
bool channel_fits(const struct channel *c, const struct message *msg);

/* What the topic of `m` holds, as the channel's readers see it when it is news. */
struct message match_last_message(const struct match *m);

#endif
