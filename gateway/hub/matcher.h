/*
 * matcher -- which channels carry which topics, kept up to date as either comes or goes.
 *
 * The answer for a message is the list `topic.matches`, so that passing a message on never looks at
 * a filter. What costs is done once: for a new topic, one look-up among the exact filters and one
 * test for each distinct wildcard filter; for a new channel, one look-up for each exact filter and
 * one walk over all topics for each wildcard.
 */
#ifndef TAPECAST_GATEWAY_HUB_MATCHER_H
#define TAPECAST_GATEWAY_HUB_MATCHER_H

#include "common/hash.h"
#include "common/list.h"
#include "common/macros.h"

struct cache;
struct channel;
struct topic;

struct matcher {
    struct hash_table filters; /* distinct filters in use */
    struct list wildcards;     /* those with + or # */
    size_t n_matches, max_matches;
};

void matcher_init(struct matcher *m, size_t max_matches);
void matcher_release(struct matcher *m); /* no channels are left */

/* Link `c` with every topic that it matches, in order of their last change, and with those to come.
 * Returns 0; -ENOSPC too many matches; -ENOMEM: `c` is linked with nothing. */
MUST_CHECK int matcher_add_channel(struct matcher *m, const struct cache *cache, struct channel *c);
void matcher_remove_channel(struct matcher *m, struct channel *c);

/* Link a new topic with every channel that matches it. A match for which there is no room is left
 * out and counted by the return value. */
size_t matcher_add_topic(struct matcher *m, struct topic *t);

#endif
