/*
 * day -- a symbol's trading day as far as the rows played so far tell it: what a quote says beside
 * the price.
 *
 * open is the first row's open, high and low are the extremes so far, volume the sum, prev_close
 * the last price of the symbol's day before. For ticks each price is open, high and low at once. So
 * a daily bar gives its own values, a minute bar the day so far. What a row does not have stays
 * unknown; an open that the first row of a day lacks stays unknown all day.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_DAY_H
#define TAPECAST_PUBLISHER_REPLAY_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/quote.h"
#include "publisher/replay/series.h"

struct day {
    bool begun;    /* a row has been played */
    int32_t day;   /* of that row */
    uint8_t known; /* bits of enum quote_field */
    struct decimal open, high, low, volume;
    struct decimal last, prev_close;
};

/* Play `row`, the symbol's next in time. `ticks`: its price is all it has. */
void day_play(struct day *d, const struct row *row, bool ticks);

/* Fill the optional members of `q`. */
void day_fill(const struct day *d, struct quote *q);

#endif
