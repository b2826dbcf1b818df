/*
 * live -- what the feeds of live services share: a board of symbols, a network, the market's hours,
 * the loop that turns them, and the state that the publisher looks at.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_LIVE_H
#define TAPECAST_PUBLISHER_FEEDS_LIVE_H

#include <pthread.h>

#include "publisher/feeds/almanac.h"
#include "publisher/feeds/board.h"
#include "publisher/net/net.h"

struct live {
    struct feed_config config;
    struct net *net;
    struct record *record;   /* NULL: nothing is recorded */
    struct almanac *almanac; /* NULL: the market's hours are not asked for */
    struct board board;
    struct sessions sessions; /* when last looked */
    struct mono look_due;

    pthread_mutex_t lock;
    struct feed_state state; /* under the lock */
};

struct live_ops { /* of one service; `now` is the only clock of a turn */
    /* All that can be done now. Returns 0, or a negative errno (logged) that ends the feed. */
    int (*run)(struct feed *f, struct mono now);
    struct mono (*deadline)(struct feed *f, struct mono now); /* run() again then at the latest */
    struct feed_state (*state)(const struct feed *f, struct mono now);
    void (*session)(struct feed *f); /* another one begins, and perhaps another day */
};

/* Returns 0; -ENOMEM; -EINVAL (logged). Release in any case. */
MUST_CHECK int live_init(struct live *l, const char *service, const struct feed_config *config,
                         bool (*has_hours)(const char *symbol));
void live_release(struct live *l); /* when its requests and WebSockets are freed */

/* Ask the service for the market's hours, too. Returns 0; -ENOMEM. */
MUST_CHECK int live_ask_hours(struct live *l, const struct almanac_config *config);

/* feed_ops.next, .has_more and .state by means of these. */
MUST_CHECK int live_next(struct live *l, const struct live_ops *ops, struct feed *f,
                         struct mono deadline, struct quote *ret);
bool live_has_more(const struct live *l);
void live_state(struct live *l, struct feed_state *ret);

/* No exchange of ours trades now. */
bool live_is_closed(const struct live *l);

/* Closed, and nothing has come for a while. */
bool live_is_still(const struct live *l, struct mono now);

/* Memory with a secret in it, cleared and freed; NULL is allowed. */
void live_wipe(char *secret);

#endif
