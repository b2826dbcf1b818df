/*
 * report -- what the publisher tells of itself: its status on the broker, the metrics file, and one
 * line of log for each change of a feed's condition.
 */
#ifndef TAPECAST_PUBLISHER_REPORT_H
#define TAPECAST_PUBLISHER_REPORT_H

#include "publisher/metrics.h"
#include "publisher/outlet.h"
#include "publisher/status.h"

struct report {
    struct outlet *outlet;
    struct metrics metrics;
    char topic[STATUS_TOPIC_MAX];
    struct mono look_due, status_due;
    uint32_t n_stale; /* symbols, as last told */
    bool changed;
};

/* `outlet` and `metrics_file` (or NULL) stay the owner's. */
void report_init(struct report *r, struct outlet *outlet, const char *instance,
                 const char *metrics_file);

/* Something has happened that is worth a status soon. */
void report_changed(struct report *r, struct mono now);

/* Look at the feeds; and at time itself, `running`. */
void report_look(struct report *r, bool running, struct mono now);

/* Look when it is due; tell when that is, the broker being up. */
void report_run(struct report *r, bool running, bool tells, struct mono now);
struct mono report_deadline(const struct report *r);

/* Send a status now. Returns its id as broker_publish(); -ENOMEM. */
MUST_CHECK int report_send(struct report *r, bool online, struct mono now);

#endif
