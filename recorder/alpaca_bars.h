/*
 * alpaca_bars -- what Alpaca's history of minute bars is asked, and answers:
 * https://docs.alpaca.markets/reference/stockbars
 *
 *     {"bars":{"AAPL":[{"t":"2024-04-05T16:00:00Z","o":…,"h":…,"l":…,"c":…,"v":…},…]},
 *      "next_page_token":"…"}
 *
 * Pure.
 */
#ifndef TAPECAST_RECORDER_ALPACA_BARS_H
#define TAPECAST_RECORDER_ALPACA_BARS_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "recorder/bars.h"

#define ALPACA_URL_MAX 1400
#define ALPACA_TOKEN_MAX 256

/* The URL of a page: minutes of `symbol` with from_s <= t <= last_s. `token` is "" for the first.
 */
void alpaca_bars_url(const char *base, const char *symbol, int64_t from_s, int64_t last_s,
                     const char *token, char buf[ALPACA_URL_MAX]);

/* Called for each bar that makes sense. A negative result ends the reading and is returned. */
typedef int alpaca_bars_fn(void *ctx, const struct bar *bar);

/* Read a page. Returns 0, `token` that of the next one or ""; -EBADMSG it is none; what `fn` says.
 */
MUST_CHECK int alpaca_bars_read(const char *json, const char *symbol, alpaca_bars_fn *fn, void *ctx,
                                char token[ALPACA_TOKEN_MAX]);

#endif
