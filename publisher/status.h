/*
 * status -- what the publisher says about itself on `status/publisher/{instance}`: JSON, one line.
 *
 *     {"state":"online","feed":"sim","condition":"live","detail":"","symbols":20,"published":4711,
 *      "conflated":0,"rejected":0,"mode":"demo","timestamp":1712331900000}
 */
#ifndef TAPECAST_PUBLISHER_STATUS_H
#define TAPECAST_PUBLISHER_STATUS_H

#include "publisher/feed.h"
#include "publisher/publish.h"

struct status {
    bool online;
    const struct feed_ops *feed;
    struct feed_state feed_state;
    struct publish_counts counts;
    struct wall timestamp;
};

/* Returns the JSON, to be freed with free(); NULL when memory is out. */
char *status_encode(const struct status *s);

/* What the broker says when the publisher vanishes: it cannot know more. Freed with free(). */
char *status_encode_will(const struct feed_ops *feed);

#define INSTANCE_MAX 64
#define STATUS_TOPIC_MAX (17 + 3 * INSTANCE_MAX + 1)
/* "status/publisher/{INSTANCE}", NUL-terminated. `instance` has 1..INSTANCE_MAX bytes. */
void status_topic(const char *instance, char buf[STATUS_TOPIC_MAX]);

#endif
