/*
 * Bars in an SQLite file: 64 of one symbol and resolution are a row, packed, so that a year of
 * minutes is 2,000 rows and not 100,000. A row's key is symbol, resolution and the number of the
 * chunk, all in one integer, so rows lie in the order in which they are read:
 *
 *     23 bits symbol | 4 bits resolution | 36 bits t / (64 * seconds of the resolution) + 2^35
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/stores/pack.h"
#include "recorder/stores/sqlite_internal.h"

#include "common/banned.h"

#define BARS_PER_CHUNK 64   /* but for hours that a session cuts off: more of them */
#define MAX_PER_CHUNK 65536 /* beyond that the row is damaged */
#define NUMBER_BITS 36
#define NUMBER_ZERO (INT64_C(1) << (NUMBER_BITS - 1))
#define RESOLUTION_BITS 4

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Times beyond what a key holds, which nobody records, fall into the first or last chunk. */
static int64_t key_of(int64_t symbol, enum resolution r, int64_t t)
{
    int64_t number = floor_div(t, (int64_t)BARS_PER_CHUNK * resolution_seconds(r));

    if (number < -NUMBER_ZERO)
        number = -NUMBER_ZERO;
    if (number >= NUMBER_ZERO)
        number = NUMBER_ZERO - 1;
    return (symbol << RESOLUTION_BITS | (int64_t)r) << NUMBER_BITS | (number + NUMBER_ZERO);
}

/* ---- chunks ---- */

static int make_room(struct chunk *c)
{
    size_t cap = c->cap == 0 ? BARS_PER_CHUNK : c->cap * 2;
    struct bar *bigger;

    if (c->n < c->cap)
        return 0;
    bigger = c->n < MAX_PER_CHUNK ? realloc(c->bars, cap * sizeof(*bigger)) : NULL;
    if (bigger == NULL)
        return -ENOMEM;
    c->bars = bigger;
    c->cap = cap;
    return 0;
}

/* Add what is packed in `len` bytes. */
static int unpack(struct sqlite_store *s, struct chunk *c, const uint8_t *bytes, size_t len)
{
    struct pack pack = {0};
    long n;

    for (; len > 0; bytes += n, len -= (size_t)n, c->n++) {
        if (make_room(c) < 0)
            return -ENOMEM;
        n = pack_get(&pack, bytes, len, &c->bars[c->n]);
        if (n < 0)
            return sqlite_damaged(s);
    }
    return 0;
}

static int load(struct sqlite_store *s, struct chunk *c, int64_t key)
{
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, GET_CHUNK, &st), rc;

    if (r < 0)
        return r;
    c->n = 0;
    c->key = key;
    c->changed = false;
    sqlite3_bind_int64(st, 1, key);
    rc = sqlite3_step(st);
    r = rc == SQLITE_ROW
            ? unpack(s, c, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0))
            : sqlite_result(rc);
    sqlite3_reset(st);
    return r;
}

static int flush(struct sqlite_store *s, struct chunk *c)
{
    struct pack pack = {0};
    sqlite3_stmt *st;
    size_t len = 0;
    int r;

    if (!c->changed)
        return 0;
    r = sqlite_reserve(s, c->n * PACK_BAR_MAX);
    if (r == 0)
        r = sqlite_prepare(s, PUT_CHUNK, &st);
    if (r < 0)
        return r;
    for (size_t i = 0; i < c->n; i++)
        len += pack_put(&pack, &c->bars[i], s->bytes + len);
    sqlite3_bind_int64(st, 1, c->key);
    sqlite3_bind_blob64(st, 2, s->bytes, len, SQLITE_STATIC);
    c->changed = false;
    return sqlite_run(st);
}

int sqlite_flush_chunks(struct sqlite_store *s)
{
    int result = 0;

    for (int r = 0; result == 0 && r < N_RESOLUTIONS; r++)
        result = flush(s, &s->chunks[r]);
    return result;
}

void sqlite_forget_chunks(struct sqlite_store *s)
{
    for (int r = 0; r < N_RESOLUTIONS; r++)
        s->chunks[r].key = 0;
}

int sqlite_put_bar(struct sqlite_store *s, const struct store_bar *b)
{
    struct chunk *c = &s->chunks[b->resolution];
    int64_t symbol, key;
    size_t i;
    int r = sqlite_symbol(s, b->symbol, true, &symbol);

    if (r < 0)
        return r;
    key = key_of(symbol, b->resolution, b->bar.t);
    if (c->key != key) {
        r = c->key != 0 ? flush(s, c) : 0;
        if (r == 0)
            r = load(s, c, key);
    }
    if (r == 0)
        r = make_room(c);
    if (r < 0)
        return r;
    for (i = c->n; i > 0 && c->bars[i - 1].t >= b->bar.t; i--)
        continue;
    if (i == c->n || c->bars[i].t != b->bar.t)
        memmove(&c->bars[i + 1], &c->bars[i], (c->n++ - i) * sizeof(*c->bars));
    c->bars[i] = b->bar;
    c->changed = true;
    return 0;
}

/* ---- reading ---- */

struct reading {
    const struct store_range *range;
    store_bar_fn *fn;
    void *ctx;
    size_t n;
};

static int give_chunk(struct sqlite_store *s, struct reading *c, const uint8_t *bytes, size_t len)
{
    const struct store_range *range = c->range;
    struct pack pack = {0};
    struct bar bar;
    int r = 0;

    while (r == 0 && len > 0 && c->n < range->max) {
        long n = pack_get(&pack, bytes, len, &bar);

        if (n < 0)
            return sqlite_damaged(s);
        bytes += n;
        len -= (size_t)n;
        if (bar.t < range->from || bar.t >= range->to)
            continue;
        c->n++;
        r = c->fn(c->ctx, &bar);
    }
    return r;
}

int sqlite_bars(struct store *store, const struct store_range *range, store_bar_fn *fn, void *ctx)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct reading reading = {range, fn, ctx, 0};
    sqlite3_stmt *st;
    int64_t symbol;
    int r = sqlite_symbol(s, range->symbol, false, &symbol), rc;

    if (r == 0)
        r = sqlite_prepare(s, GET_CHUNKS, &st);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    sqlite3_bind_int64(st, 1, key_of(symbol, range->resolution, range->from));
    sqlite3_bind_int64(st, 2, key_of(symbol, range->resolution, range->to));
    while (r == 0 && reading.n < range->max && (rc = sqlite3_step(st)) != SQLITE_DONE)
        r = rc == SQLITE_ROW ? give_chunk(s, &reading, sqlite3_column_blob(st, 0),
                                          (size_t)sqlite3_column_bytes(st, 0))
                             : sqlite_result(rc);
    sqlite3_reset(st);
    return r;
}

/* Go back in `c` over `*n` bars before `to`, or as many as there are. Says whether that were any.
 */
static bool go_back(const struct chunk *c, int64_t to, size_t *n, int64_t *ret_t)
{
    bool any = false;

    for (size_t i = c->n; i > 0 && *n > 0; i--) {
        if (c->bars[i - 1].t >= to)
            continue;
        *ret_t = c->bars[i - 1].t;
        --*n;
        any = true;
    }
    return any;
}

int sqlite_before(struct store *store, const char *symbol, enum resolution resolution, int64_t to,
                  size_t n, int64_t *ret_t)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct chunk chunk = {0};
    sqlite3_stmt *st;
    bool any = false;
    int64_t id;
    int r = sqlite_symbol(s, symbol, false, &id), rc;

    if (r == 0)
        r = sqlite_prepare(s, GET_CHUNKS_BACK, &st);
    if (r < 0)
        return r;
    sqlite3_bind_int64(st, 1, key_of(id, resolution, INT64_MIN));
    sqlite3_bind_int64(st, 2, key_of(id, resolution, to));
    while (r == 0 && n > 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        chunk.n = 0;
        r = rc == SQLITE_ROW
                ? unpack(s, &chunk, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0))
                : sqlite_result(rc);
        any |= r == 0 && go_back(&chunk, to, &n, ret_t);
    }
    sqlite3_reset(st);
    free(chunk.bars);
    return r < 0 ? r : any ? 0 : -ENOENT;
}

/* ---- pruning ---- */

/* Delete the bars with from <= t < to of one chunk. */
static int drop_range(struct sqlite_store *s, int64_t key, enum resolution resolution, int64_t from,
                      int64_t to)
{
    struct chunk *c = &s->chunks[resolution];
    int r = load(s, c, key);
    size_t n = 0;

    if (r < 0)
        return r;
    for (size_t i = 0; i < c->n; i++)
        if (c->bars[i].t < from || c->bars[i].t >= to)
            c->bars[n++] = c->bars[i];
    c->changed = n < c->n;
    c->n = n;
    return flush(s, c);
}

int sqlite_drop_bar(struct sqlite_store *s, int64_t symbol, enum resolution r, int64_t t)
{
    return drop_range(s, key_of(symbol, r, t), r, t, t + 1);
}

/* Whole chunks, then the beginning of one. */
int sqlite_drop_bars(struct sqlite_store *s, int64_t symbol, enum resolution resolution, int64_t t)
{
    int64_t key = key_of(symbol, resolution, t);
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, DROP_CHUNKS, &st);

    if (r < 0)
        return r;
    sqlite3_bind_int64(st, 1, key_of(symbol, resolution, INT64_MIN));
    sqlite3_bind_int64(st, 2, key);
    r = sqlite_run(st);
    return r < 0 ? r : drop_range(s, key, resolution, INT64_MIN, t);
}
