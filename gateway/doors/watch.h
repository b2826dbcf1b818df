/*
 * watch -- what readers ask for who know symbols rather than topics: "AAPL" is the filter
 * `stocks/AAPL`, "BTC/USD" is `stocks/BTC%2FUSD`, "*" is `stocks/+`.
 *
 * Letters are raised to upper case, as the ticker writes symbols.
 */
#ifndef TAPECAST_GATEWAY_DOORS_WATCH_H
#define TAPECAST_GATEWAY_DOORS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/quote.h"
#include "gateway/codec/slice.h"
#include "gateway/hub/filterset.h"

#define WATCH_ALL "stocks/+"
#define WATCH_TOO_MANY "These are more symbols than one connection may have; * is all of them."
#define WATCH_RULE "A symbol has 1 to 24 bytes, such as AAPL or BTC/USD; * is all of them."

/* The filter for one symbol, NUL-terminated. Returns its length; -EINVAL when it breaks WATCH_RULE.
 */
MUST_CHECK int watch_filter(struct slice symbol, char buf[QUOTE_TOPIC_MAX]);

/* Add the filters of a comma-separated list of symbols. Returns how many there were, -EINVAL,
 * -ENOMEM; then some are added. */
MUST_CHECK int watch_add(struct filterset *set, struct slice symbols, uint32_t interval_ms);

/* The same of `symbols=` and `symbol=` in a query, both optional. */
MUST_CHECK int watch_add_query(struct filterset *set, struct slice query, uint32_t interval_ms);

/* The symbol of a filter that watch_filter() made, NUL-terminated. */
void watch_symbol(const struct filter_entry *e, char buf[SYMBOL_MAX + 1]);

/* May quotes come for this valid filter? That of a price or of a status brings none. */
bool watch_brings_quotes(const char *filter, size_t len);

#endif
