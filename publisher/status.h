/*
 * status -- what the publisher says about itself on `status/publisher/{instance}`: JSON, one line.
 *
 *     {"state":"online","feed":"finnhub+alpaca:crypto","condition":"live","detail":"",
 *      "symbols":20,"published":4711,"conflated":0,"rejected":0,"mode":"live",
 *      "timestamp":1712331900000,
 *      "feeds":[{"feed":"finnhub","mode":"live","condition":"live","detail":"","symbols":18},…],
 *      "freshness":{"unknown":0,"fresh":19,"stale":1,"closed":0},
 *      "stalest":[{"symbol":"F","feed":"finnhub","age_s":12.5,"usual_s":0.4}]}
 *
 * `feeds` and what follows are there when there are several feeds or a live one. `stalest` are
 * STALEST_MAX stale symbols at most, the longest silent ones first; all symbols are in the metrics.
 */
#ifndef TAPECAST_PUBLISHER_STATUS_H
#define TAPECAST_PUBLISHER_STATUS_H

#include "common/histogram.h"
#include "publisher/choice.h"
#include "publisher/publish.h"
#include "publisher/sources.h"

#define STALEST_MAX 5

struct status {
    bool online;
    const struct sources *sources;
    const struct choice *choice;
    struct publish_counts counts;
    const struct histogram *delays; /* see burst.h */
    struct mono now;
    struct wall timestamp;
};

/* Returns the JSON, to be freed with free(); NULL when memory is out. */
char *status_encode(const struct status *s);

/* What the broker says when the publisher vanishes: it cannot know more. Freed with free(). */
char *status_encode_will(const struct lineup *lineup);

#define INSTANCE_MAX 64
#define STATUS_TOPIC_MAX (17 + 3 * INSTANCE_MAX + 1)
/* "status/publisher/{INSTANCE}", NUL-terminated. `instance` has 1..INSTANCE_MAX bytes. */
void status_topic(const char *instance, char buf[STATUS_TOPIC_MAX]);

#endif
