#include "publisher/replay/series.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publisher/symbols.h"

#include "common/banned.h"

static_assert(sizeof(struct row) == 64, "a row is as long as a cache line");

int series_init(struct series *s)
{
    *s = (struct series){.symbols = calloc(SYMBOLS_MAX, sizeof(*s->symbols))};
    if (s->symbols == NULL || index_init(&s->index, SYMBOLS_MAX) < 0) {
        series_release(s);
        return -ENOMEM;
    }
    return 0;
}

void series_release(struct series *s)
{
    free(s->rows);
    free(s->order);
    free(s->symbols);
    index_release(&s->index);
    *s = (struct series){0};
}

uint32_t series_symbol(struct series *s, const char *name)
{
    uint32_t i = index_find(&s->index, name);
    struct series_symbol *symbol;

    if (i != INDEX_NONE || s->index.n == SYMBOLS_MAX)
        return i;
    symbol = &s->symbols[s->index.n];
    snprintf(symbol->name, sizeof(symbol->name), "%s", name);
    return index_add(&s->index, symbol->name);
}

int series_append(struct series *s, const struct row *r)
{
    if (s->n_rows == SERIES_MAX_ROWS)
        return -EFBIG;
    if (s->n_rows == s->cap_rows) {
        size_t cap = s->cap_rows == 0 ? 1024 : 2 * s->cap_rows;
        struct row *rows = realloc(s->rows, cap * sizeof(*rows));

        if (rows == NULL)
            return -ENOMEM;
        s->rows = rows;
        s->cap_rows = cap;
    }
    s->rows[s->n_rows++] = *r;
    return 0;
}

static int by_time_then_file(const void *a, const void *b, void *rows)
{
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    int64_t ti = ((const struct row *)rows)[i].time_ns, tk = ((const struct row *)rows)[k].time_ns;

    if (ti != tk)
        return ti < tk ? -1 : 1;
    return i < k ? -1 : 1;
}

static bool in_order(const struct series *s)
{
    for (size_t i = 1; i < s->n_rows; i++)
        if (s->rows[i].time_ns < s->rows[i - 1].time_ns)
            return false;
    return true;
}

/* --- duplicates --- */

static uint64_t hash_row(const struct row *row) /* FNV-1a */
{
    const unsigned char *p = (const unsigned char *)row;
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < sizeof(*row); i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

/* A set of rows of one time, by content: index + 1, 0 is free. */
struct row_set {
    uint32_t *slots;
    size_t cap, used; /* of cap, slots 0..used-1 are in use, a power of two */
};

static int row_set_reset(struct row_set *set, size_t n_rows)
{
    size_t need = 4;

    while (need < 2 * n_rows)
        need *= 2;
    if (need > set->cap) {
        uint32_t *slots = realloc(set->slots, need * sizeof(*slots));

        if (slots == NULL)
            return -ENOMEM;
        set->slots = slots;
        set->cap = need;
    }
    memset(set->slots, 0, need * sizeof(*set->slots));
    set->used = need;
    return 0;
}

/* Add row `index`; false when an equal one is there. */
static bool row_set_add(struct row_set *set, const struct row *rows, uint32_t index)
{
    size_t i = hash_row(&rows[index]) & (set->used - 1);

    while (set->slots[i] != 0) {
        if (memcmp(&rows[set->slots[i] - 1], &rows[index], sizeof(*rows)) == 0)
            return false;
        i = (i + 1) & (set->used - 1);
    }
    set->slots[i] = index + 1;
    return true;
}

static int drop_equal_rows(struct series *s)
{
    struct row_set set = {0};
    size_t kept = 0, end;
    int r = 0;

    for (size_t begin = 0; begin < s->n_order; begin = end) {
        int64_t time_ns = series_at(s, begin)->time_ns;

        for (end = begin + 1; end < s->n_order && series_at(s, end)->time_ns == time_ns; end++)
            ;
        r = row_set_reset(&set, end - begin);
        if (r < 0)
            goto out;
        for (size_t i = begin; i < end; i++)
            if (row_set_add(&set, s->rows, s->order[i]))
                s->order[kept++] = s->order[i];
    }
    s->n_order = kept;
out:
    free(set.slots);
    return r;
}

int series_sort(struct series *s, bool drop_duplicates, size_t *ret_dropped)
{
    int r;

    s->order = malloc((s->n_rows + 1) * sizeof(*s->order));
    if (s->order == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_rows; i++)
        s->order[i] = (uint32_t)i;
    s->n_order = s->n_rows;
    if (!in_order(s))
        qsort_r(s->order, s->n_order, sizeof(*s->order), by_time_then_file, s->rows);
    if (drop_duplicates) {
        r = drop_equal_rows(s);
        if (r < 0)
            return r;
    }
    *ret_dropped = s->n_rows - s->n_order;
    return 0;
}
