/*
 * fill -- minutes from elsewhere into what is kept, where nothing is.
 *
 * A minute that is there stays, whatever its source. A longer bar is made anew when it is new or
 * made of minutes that are kept; one that stands alone (a daily bar that was imported) stays too.
 *
 * What was traded in a gap is in the feed's own count of the day as well, which told it all at once
 * with the first quote after. So the volume of the minutes that come is taken from the second of
 * that quote: what a day's bars add up to stays what the feed counted.
 */
#ifndef TAPECAST_RECORDER_FILL_H
#define TAPECAST_RECORDER_FILL_H

#include "common/macros.h"
#include "recorder/store.h"

struct filling {
    const char *symbol;
    const struct bar *bars; /* minutes in ascending order */
    size_t n;
    int64_t counted_s; /* the minute of the first quote after the gap; 0: there was none before */
    size_t n_new;      /* how many were missing; 0 before the first try */
};

/* Blocks as the store does. Returns 0; a negative errno of the store, when it may be tried again
 * with the same struct; -ENOMEM. */
MUST_CHECK int fill(struct store *s, struct filling *f);

#endif
