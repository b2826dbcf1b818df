/*
 * wellknown -- symbols that everybody knows: what a feed publishes when nobody named any, and what
 * the simulator knows about them.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_WELLKNOWN_H
#define TAPECAST_PUBLISHER_FEEDS_WELLKNOWN_H

#include <stddef.h>

struct wellknown {
    const char *symbol;
    double price;          /* plausible for 2026; where the simulator starts */
    double volatility;     /* of a year */
    double daily_volume_m; /* shares, in millions */
};

extern const struct wellknown wellknown[];
extern const size_t n_wellknown;

#define N_DEFAULT_SYMBOLS 20 /* the first of the table */

/* NULL when nobody knows it. */
const struct wellknown *wellknown_find(const char *symbol);

#endif
