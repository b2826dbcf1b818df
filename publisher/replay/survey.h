/*
 * survey -- where a sorted series is silent: gaps, reported and played as they are.
 *
 * Two kinds, each between two rows of one symbol: more than five days without a row (a long weekend
 * is four), and, in a file of intraday bars, a step within one trading day that is longer than the
 * usual one.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_SURVEY_H
#define TAPECAST_PUBLISHER_REPLAY_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "publisher/replay/series.h"

#define SURVEY_LONG_GAP_DAYS 5

struct survey {
    uint64_t long_gaps;
    int32_t longest_days, longest_after; /* its length, and the day it follows */
    uint32_t longest_symbol;
    int64_t usual_step_ns; /* of bars within a day; 0 for ticks and daily bars */
    uint64_t missing_bars; /* steps within a day that are longer */
};

/* Returns 0; -ENOMEM. */
MUST_CHECK int survey_series(const struct series *s, bool bars, struct survey *ret);

#endif
