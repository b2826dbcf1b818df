/*
 * udf -- the store's answers in the JSON of TradingView's "universal data feed", which chart
 * libraries read.
 *
 * Called in the history thread: reading a store blocks.
 */
#ifndef TAPECAST_GATEWAY_UDF_H
#define TAPECAST_GATEWAY_UDF_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/topic.h"
#include "recorder/resolution.h"
#include "recorder/store.h"

#define UDF_MAX_BARS 100000 /* in one answer: a year of minutes */
#define UDF_MAX_SYMBOLS 100

struct udf_text {
    char *bytes; /* malloc'd */
    size_t len, cap;
    size_t rows; /* bars, symbols or ticks that it tells of */
};

/* Returns 0; -ENOMEM, the text as it was. */
MUST_CHECK int udf_append(struct udf_text *t, const void *bytes, size_t len);

/* Room that is used again for the next answer: all zero at first. */
#define UDF_LISTS 6
struct udf_room {
    struct udf_text lists[UDF_LISTS];
};
void udf_room_release(struct udf_room *room);

struct udf_range {
    char symbol[SYMBOL_MAX + 1];
    enum resolution resolution;
    int64_t from, to;   /* from <= t < to */
    uint32_t countback; /* > 0: so many bars before `to`, whatever `from` says */
};

/* {"s":"ok","t":[…],"o":[…],"h":[…],"l":[…],"c":[…],"v":[…]} or, without bars in the range,
 * {"s":"no_data","nextTime":…}: the newest one before it. Returns 0; -E2BIG more than UDF_MAX_BARS;
 * -ENOMEM; or a negative errno of the store. */
MUST_CHECK int udf_history(struct store *s, const struct udf_range *range, struct udf_room *room,
                           struct udf_text *ret);

/* [{"symbol":"AAPL",…},…]: the symbols whose name begins with `query`, at most `limit`. */
MUST_CHECK int udf_search(struct store *s, const char *query, uint32_t limit, struct udf_text *ret);

/* {"name":"AAPL",…}: what a chart has to know of one symbol. -ENOENT: it is not known. */
MUST_CHECK int udf_symbol(struct store *s, const char *symbol, struct udf_text *ret);

extern const char udf_config[];
extern const char udf_config_without_store[]; /* no resolution, no search */

#endif
