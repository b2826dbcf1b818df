/*
 * layout -- how the rows of one file are to be read, learned from its first lines: a header, the
 * shape of the first row, or the preamble of Google Finance's minute bars:
 *
 *     EXCHANGE%3DNASDAQ
 *     INTERVAL=60
 *     COLUMNS=DATE,CLOSE,HIGH,LOW,OPEN,VOLUME
 *     a1460727000,112.06,112.11,112,112.11,2316232     a and Unix seconds
 *     1,112.085,112.1,112,112.04,115476                intervals after that
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_LAYOUT_H
#define TAPECAST_PUBLISHER_REPLAY_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "publisher/replay/columns.h"
#include "publisher/replay/csv.h"
#include "publisher/replay/timestamp.h"

#define LAYOUT_PREAMBLE_MAX 32 /* lines */

enum layout_verdict {
    LAYOUT_DATA,    /* a row of data */
    LAYOUT_SKIP,    /* a header or a directive */
    LAYOUT_UNKNOWN, /* neither, and no layout is known: give up */
};

struct layout {
    bool known;
    struct columns columns;
    size_t n_needed; /* fields that a row must have */
    char description[320];

    bool google;
    int64_t interval_s, base_s; /* of Google's times; base 0 until the first is seen */
};

/* A layout starts all zero. Show it each row of the file in turn, before reading it. */
enum layout_verdict layout_take(struct layout *l, const struct csv_row *row);

/* Is `row` once more a header, as in files joined with `cat`? */
bool layout_is_header(const struct csv_row *row);

/* The field of a column, or an empty one where the layout has no such column. `row` has n_needed
 * fields. */
struct csv_field layout_field(const struct layout *l, const struct csv_row *row, enum column c);

/* The time of a row of data. Returns 0; -EINVAL; -ERANGE. */
MUST_CHECK int layout_time(struct layout *l, const struct csv_row *row, struct timestamp *ret);

#endif
