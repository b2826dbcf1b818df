#include "common/histogram.h"

#include "common/banned.h"

const double histogram_bounds[HISTOGRAM_BUCKETS] = {
    0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1};

void histogram_add(struct histogram *h, double seconds)
{
    int i = 0;

    while (i < HISTOGRAM_BUCKETS && seconds > histogram_bounds[i])
        i++;
    h->counts[i]++;
    h->sum += seconds;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++)
        to->counts[i] += from->counts[i];
    to->sum += from->sum;
}
