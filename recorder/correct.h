/*
 * correct -- the right price into what the store has kept of a wrong one.
 *
 * Where ticks are kept, the bar of the second is made of them anew. Where not, a wrong price leaves
 * the places it is seen in (open, high, low, close) to the right one or to the nearest that is
 * known, so the error is within that second. All longer bars follow from the shorter ones. Volumes
 * stay.
 */
#ifndef TAPECAST_RECORDER_CORRECT_H
#define TAPECAST_RECORDER_CORRECT_H

#include "common/macros.h"
#include "recorder/store.h"

/* Blocks as the store does. Returns 1 when something was corrected; 0 when nothing of that time and
 * price is kept; a negative errno of the store, when it may be tried again. */
MUST_CHECK int correct(struct store *s, const char *symbol, const struct quote_correction *c);

#endif
