/*
 * pack -- a run of bars, or of quotes, as bytes, for stores that keep many in one row: about 13
 * bytes each.
 *
 * A bar is nine numbers, a quote up to ten, told as differences to the one before or to a price of
 * its own. They are zigzag-coded into groups of seven bits, the lowest first, the top bit set in
 * all but the last:
 *
 *     bar     t   scales   open   high   low   close   volume   first_ms   last_ms
 *     quote   known | mode << 8 | session << 16   scales   seq   timestamp   price
 *             and what is known of: open   high   low   prev_close   volume
 *
 * where scales is the prices' + 19 * the volume's.
 *
 * Pure; damaged bytes are told from whole ones as far as they cannot be read.
 */
#ifndef TAPECAST_RECORDER_STORES_PACK_H
#define TAPECAST_RECORDER_STORES_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "recorder/bars.h"

#define PACK_BAR_MAX 90    /* bytes that one bar takes at most */
#define PACK_QUOTE_MAX 100 /* a quote */
#define PACK_PRICES 5      /* of a quote: its price, open, high, low and previous close */

/* What the next one is told by: all zero before the first. */
struct pack {
    int64_t t, seq, volume;
    int64_t prices[PACK_PRICES]; /* of a bar, the first: its close */
    uint8_t scale;               /* of them */
};

/* Write a bar behind those before. Prices are given one scale; digits that 18 do not hold beside a
 * far larger price are rounded away. Returns how many bytes it took. */
size_t pack_put(struct pack *p, const struct bar *b, uint8_t buf[PACK_BAR_MAX]);

/* Read the next bar from `len` bytes. Returns how many it took; -EBADMSG. */
MUST_CHECK long pack_get(struct pack *p, const uint8_t *bytes, size_t len, struct bar *ret);

/* The same for quotes of one symbol, which is not packed: pack_get_quote() leaves it as it is. */
size_t pack_put_quote(struct pack *p, const struct quote *q, uint8_t buf[PACK_QUOTE_MAX]);
MUST_CHECK long pack_get_quote(struct pack *p, const uint8_t *bytes, size_t len, struct quote *q);

#endif
