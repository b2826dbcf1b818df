/*
 * ticks -- quotes that the recorder has kept, for a reader that missed some: those of one publisher
 * run by `seq`, or those of a time.
 *
 *     {"s":"ok","run":3,"missing":0,"ticks":[{"symbol":"AAPL","price":189.45,…,"seq":4712,…},…]}
 *
 * Called in the history thread: reading a store blocks.
 */
#ifndef TAPECAST_GATEWAY_TICKS_H
#define TAPECAST_GATEWAY_TICKS_H

#include "common/macros.h"
#include "gateway/udf.h"
#include "recorder/store.h"

#define TICKS_MAX 10000 /* in one answer */

/* Each quote once, as it was published, in the order of `seq`; by time in that of time. `run` is
 * that of the last one. `missing`, by seq alone: how many of those asked for are not kept. Returns
 * 0; -ENOENT no tick of this symbol or run is kept; -E2BIG more than TICKS_MAX; -ENOMEM; or a
 * negative errno of the store. */
MUST_CHECK int ticks_answer(struct store *s, const struct store_tick_range *range,
                            struct udf_text *ret);

#endif
