/*
 * columns -- which column of a market data file is what.
 *
 * By header name, whatever its case, quotes, blanks and punctuation: `Adj. Close` is `adjclose`.
 * Each role has a list of names, the best first; the raw price is preferred to an adjusted one, and
 * where there are only quotes the bid is the price. Without a header by shape: a time and 1 or 2
 * numbers are ticks (price, size), a time and 4 or 5 are bars (open, high, low, close, volume); the
 * time may be two columns, a date and a time of day.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_COLUMNS_H
#define TAPECAST_PUBLISHER_REPLAY_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"
#include "publisher/replay/csv.h"

enum column {
    COLUMN_TIME,
    COLUMN_CLOCK, /* the time of day, where the date has a column of its own */
    COLUMN_PRICE,
    COLUMN_OPEN,
    COLUMN_HIGH,
    COLUMN_LOW,
    COLUMN_VOLUME,
    COLUMN_SYMBOL,
    N_COLUMNS
};

struct columns {
    int at[N_COLUMNS]; /* index into a row's fields, -1 for none */
};

/* Read a header. Returns 0; -ENOENT when no name in it is a price, or none a time. */
MUST_CHECK int columns_by_name(const struct csv_row *header, struct columns *ret);

/* Judge by the first row of a file without header. Returns 0; -ENOENT when it does not begin with
 * a time or has another number of fields. */
MUST_CHECK int columns_by_shape(const struct csv_row *first, struct columns *ret);

/* Does the file have open, high or low: are its rows bars, not ticks? */
bool columns_are_bars(const struct columns *c);

/* Say for people which column is what: `time=date price=close …`, with the names of `header`, or
 * the columns' numbers when it is NULL. */
void columns_describe(const struct columns *c, const struct csv_row *header, char *buf, size_t cap);

#endif
