/*
 * metrics -- the publisher's figures as a file of Prometheus text (exposition format 0.0.4), for
 * node_exporter's textfile collector or anything else that reads files. Written whole beside it and
 * renamed, so nobody reads half of it.
 */
#ifndef TAPECAST_PUBLISHER_METRICS_H
#define TAPECAST_PUBLISHER_METRICS_H

#include "publisher/status.h"

struct metrics {
    const char *path; /* NULL: there are none */
    bool failed;      /* the last time; told once */
};

/* Write what `s` tells, and the state of each symbol of a live feed. A failure is logged once. */
void metrics_write(struct metrics *m, const struct status *s);

#endif
