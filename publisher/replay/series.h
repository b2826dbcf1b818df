/*
 * series -- the rows of a market data file in memory, in the order of time.
 *
 * A row is 64 bytes, as long as a cache line, so the limit of 20 million rows is 1.3 GB. Filled
 * once, sorted once, then only read: any thread may read a sorted series.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_SERIES_H
#define TAPECAST_PUBLISHER_REPLAY_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/decimal.h"
#include "common/macros.h"
#include "common/topic.h"
#include "publisher/index.h"

#define SERIES_MAX_ROWS 20000000

enum row_value { ROW_PRICE, ROW_OPEN, ROW_HIGH, ROW_LOW, ROW_VOLUME, N_ROW_VALUES };

struct row {
    int64_t time_ns; /* since 1970-01-01T00:00:00Z */
    int64_t coef[N_ROW_VALUES];
    uint32_t symbol; /* index into the series' symbols */
    int32_t day;     /* the trading day, in days since 1970-01-01 */
    uint8_t scale[N_ROW_VALUES];
    uint8_t known; /* bits 1 << enum row_value */
    uint8_t unused[2];
};

struct series_symbol {
    char name[SYMBOL_MAX + 1];
    bool seen;       /* it has had a row */
    int64_t last_ns; /* of the one appended last */
};

struct series {
    struct row *rows; /* in the order of the file */
    size_t n_rows, cap_rows;
    uint32_t *order; /* series_sort(): indexes of the rows to play */
    size_t n_order;
    struct series_symbol *symbols; /* SYMBOLS_MAX of them, index.n in use */
    struct index index;
};

static inline bool row_knows(const struct row *r, enum row_value v)
{
    return (r->known & 1u << v) != 0;
}
static inline struct decimal row_get(const struct row *r, enum row_value v)
{
    return (struct decimal){r->coef[v], r->scale[v]};
}
static inline void row_set(struct row *r, enum row_value v, struct decimal d)
{
    r->coef[v] = d.coef;
    r->scale[v] = d.scale;
    r->known = (uint8_t)(r->known | 1u << v);
}

MUST_CHECK int series_init(struct series *s); /* 0 or -ENOMEM */
void series_release(struct series *s);        /* also of one all zero */

/* The index of the symbol `name` (normalized), which is added when it is new. INDEX_NONE: there are
 * SYMBOLS_MAX others. */
uint32_t series_symbol(struct series *s, const char *name);

/* Append a row as read; `unused` is zero. Returns 0; -EFBIG at SERIES_MAX_ROWS; -ENOMEM. */
MUST_CHECK int series_append(struct series *s, const struct row *r);

/* Put the rows into the order of time; those of one time stay in the order of the file. With
 * `drop_duplicates` a row that equals an earlier one in everything is not played. Returns 0 and
 * *ret_dropped; -ENOMEM. Once, after the last append. */
MUST_CHECK int series_sort(struct series *s, bool drop_duplicates, size_t *ret_dropped);

/* The row played at position `i` < n_order. */
static inline const struct row *series_at(const struct series *s, size_t i)
{
    return &s->rows[s->order[i]];
}

#endif
