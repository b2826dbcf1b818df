/*
 * market -- a stock market that never was: seeded, repeatable, and moving like a real one.
 *
 * Only the market: no clock, no thread. market_next() gives tick after tick, each with the moment
 * at which it happens, as fast as it is asked. The same seed, symbols and rate give the same ticks.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_MARKET_H
#define TAPECAST_PUBLISHER_FEEDS_MARKET_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/quote.h"

#define MARKET_DAY_S 23400.0 /* 09:30 to 16:00; the next day follows at once */
#define MARKET_YEAR_S (252 * MARKET_DAY_S)

struct market;

/* `rate` ticks a second over all `n` symbols (both above zero). The texts of `symbols` are copied.
 * Returns 0 and sets *ret, freed with market_free(); -ENOMEM. */
MUST_CHECK int market_new(const char *const *symbols, size_t n, uint64_t seed, double rate,
                          struct market **ret);
void market_free(struct market *m); /* NULL is allowed */

/* The next tick: fills *ret but for seq, mode and timestamp. Returns its moment, in seconds. The
 * first n ticks, at moment 0, are one of each symbol. */
double market_next(struct market *m, struct quote *ret);

/* The last quote of the symbol of this number; and let it go on from such a one: its price, its
 * day. */
void market_quote(const struct market *m, size_t number, struct quote *ret);
void market_resume(struct market *m, size_t number, const struct quote *q);

/* The volatility of a year that the symbol of this number in the list is simulated with. */
double market_volatility(const struct market *m, size_t number);

#endif
