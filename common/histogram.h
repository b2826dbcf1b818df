/*
 * histogram -- how often a duration fell into which range, as Prometheus wants it. One writer.
 */
#ifndef TAPECAST_COMMON_HISTOGRAM_H
#define TAPECAST_COMMON_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 13

extern const double histogram_bounds[HISTOGRAM_BUCKETS]; /* seconds */

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* the last: more than the last bound */
    double sum;
};

void histogram_add(struct histogram *h, double seconds);
void histogram_merge(struct histogram *to, const struct histogram *from);

#endif
