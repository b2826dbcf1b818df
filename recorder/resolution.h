/*
 * resolution -- how long a bar is, and where bars begin and end.
 *
 * Bars of US stocks keep to New York's trading hours: none spans two sessions, so the hour bars of
 * the regular session begin at 9:30, 10:30 …, the last one is 15:30 to 16:00; a day is New York's
 * date, extended hours included. What trades around the clock (a symbol with `/` or `:`, such as
 * BTC/USD) has plain UTC hours and days. Pure functions, any thread.
 */
#ifndef TAPECAST_RECORDER_RESOLUTION_H
#define TAPECAST_RECORDER_RESOLUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/quote.h"

enum resolution {
    RESOLUTION_1S,
    RESOLUTION_1M,
    RESOLUTION_5M,
    RESOLUTION_15M,
    RESOLUTION_1H,
    RESOLUTION_1D,
    N_RESOLUTIONS
};

/* The time that a bar covers, in seconds since 1970: from <= t < until. `t` is what the bar is
 * known by: `from`, but for a day 00:00 UTC of its date, as chart libraries want it. */
struct span {
    int64_t t, from, until;
};

const char *resolution_name(enum resolution r); /* "1s", "1m", … "1d" */
int32_t resolution_seconds(enum resolution r);  /* the longest that a bar of it is, but for DST */

/* By our name or TradingView's (1S, 1, 5, 15, 60, D, 1D). Returns 0; -EINVAL. */
MUST_CHECK int resolution_find(const char *text, enum resolution *ret);

/* The resolution of bars so many seconds apart. Returns 0; -EINVAL. */
MUST_CHECK int resolution_of_seconds(int64_t seconds, enum resolution *ret);

bool trades_around_the_clock(const char *symbol);

/* Of New York's clock alone: weekends and holidays count as any day. */
enum quote_session session_at(int64_t unix_s);

/* The bar that the moment `unix_s` belongs to. */
struct span resolution_span(enum resolution r, int64_t unix_s, bool around_the_clock);

#endif
