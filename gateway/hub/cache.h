/*
 * cache -- the last message of every topic that has come from upstream.
 *
 * Each change gets the next version, a counter over all messages, so "what is newer than version v"
 * is a comparison. The cache is bounded in topics; a topic past the bound is passed on live but has
 * no last value. One worker thread.
 */
#ifndef TAPECAST_GATEWAY_HUB_CACHE_H
#define TAPECAST_GATEWAY_HUB_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"
#include "common/list.h"
#include "common/macros.h"
#include "gateway/hub/encoding.h"

struct topic {
    struct hash_node node;
    struct list matches; /* struct match: the channels that carry this topic */
    uint64_t version;    /* of its last message */
    uint8_t *payload;    /* the last message, owned */
    uint32_t len, cap;
    uint32_t epoch;                        /* the upstream connection that last confirmed it */
    bool retained;                         /* the last message is what a newcomer is given */
    struct message_properties *properties; /* of the last message, owned; NULL for none */
    uint8_t *covered; /* the retained message, when a later one was not: owned; else NULL */
    struct message_properties *covered_properties;
    uint32_t covered_len;
    uint16_t name_len;
    char name[];
};

struct cache {
    struct hash_table topics;
    uint64_t version; /* of the newest message */
    size_t max_topics;
};

void cache_init(struct cache *c, size_t max_topics);
void cache_release(struct cache *c); /* no matches may be left */

struct topic *cache_find(const struct cache *c, const char *name, size_t len);

/* Make a topic without a message, `name` not being there yet. Returns 0 and *ret, owned by the
 * cache; -ENOSPC the bound is reached; -ENOMEM. */
MUST_CHECK int cache_add(struct cache *c, const char *name, size_t len, struct topic **ret);

/* Keep a message, whose topic is `t`: the next version. With the retain flag it is what newcomers
 * are given from now on, or when it is empty, nothing; else that stays as it is. Returns 0;
 * -ENOMEM, nothing changed. */
MUST_CHECK int cache_set(struct cache *c, struct topic *t, const struct message *m);

/* What a newcomer is given; false when nothing, an expired message included. */
bool topic_retained(const struct topic *t, struct message *ret);

/* First and next of all topics, in no order; NULL behind the last. */
struct topic *cache_next(const struct cache *c, const struct topic *t);

#endif
