/*
 * Ticks in an SQLite file: what a batch has of one symbol and run becomes a row, packed, so that a
 * hundred thousand a second are a few dozen rows. `first_seq` to `last_seq` rise within a row; one
 * that came out of order begins another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/stores/pack.h"
#include "recorder/stores/sqlite_internal.h"

#include "common/banned.h"

#define TICKS_PER_ROW 4096

/* ---- writing ---- */

/* How many from the first on belong into its row. */
static size_t row_length(const struct store_tick *ticks, size_t n)
{
    size_t i = 1;

    while (i < n && i < TICKS_PER_ROW && ticks[i].run == ticks[0].run &&
           ticks[i].quote.seq > ticks[i - 1].quote.seq &&
           strcmp(ticks[i].quote.symbol, ticks[0].quote.symbol) == 0)
        i++;
    return i;
}

/* Pack them into s->bytes. */
static int pack_row(struct sqlite_store *s, const struct store_tick *ticks, size_t n,
                    size_t *ret_len)
{
    struct pack pack = {0};
    size_t len = 0;

    if (sqlite_reserve(s, n * PACK_QUOTE_MAX) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        len += pack_put_quote(&pack, &ticks[i].quote, s->bytes + len);
    *ret_len = len;
    return 0;
}

static int put_row(struct sqlite_store *s, sqlite3_stmt *st, const struct store_tick *ticks,
                   size_t n)
{
    int64_t symbol, from = ticks[0].quote.timestamp.ms, to = from;
    size_t len = 0;
    int r = sqlite_symbol(s, ticks[0].quote.symbol, true, &symbol);

    if (r == 0)
        r = pack_row(s, ticks, n, &len);
    if (r < 0)
        return r;
    for (size_t i = 1; i < n; i++) {
        from = ticks[i].quote.timestamp.ms < from ? ticks[i].quote.timestamp.ms : from;
        to = ticks[i].quote.timestamp.ms > to ? ticks[i].quote.timestamp.ms : to;
    }
    sqlite3_bind_int64(st, 1, symbol);
    sqlite3_bind_int64(st, 2, ticks[0].run);
    sqlite3_bind_int64(st, 3, (int64_t)ticks[0].quote.seq);
    sqlite3_bind_int64(st, 4, (int64_t)ticks[n - 1].quote.seq);
    sqlite3_bind_int64(st, 5, from);
    sqlite3_bind_int64(st, 6, to);
    sqlite3_bind_blob64(st, 7, s->bytes, len, SQLITE_STATIC);
    return sqlite_run(st);
}

int sqlite_put_ticks(struct sqlite_store *s, const struct store_tick *ticks, size_t n)
{
    sqlite3_stmt *st;
    int r = n > 0 ? sqlite_prepare(s, PUT_TICKS, &st) : 0;

    for (size_t i = 0, more; r == 0 && i < n; i += more) {
        more = row_length(ticks + i, n - i);
        r = put_row(s, st, ticks + i, more);
    }
    return r;
}

int sqlite_drop_ticks(struct sqlite_store *s, int64_t symbol, int64_t keep_s)
{
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, DROP_TICKS, &st);

    if (r < 0)
        return r;
    sqlite3_bind_int64(st, 1, symbol);
    sqlite3_bind_int64(st, 2, keep_s * 1000);
    return sqlite_run(st);
}

/* ---- reading ---- */

static bool in_range(const struct store_tick_range *range, const struct quote *q)
{
    if (range->by_seq)
        return q->seq >= range->from_seq && q->seq <= range->to_seq;
    return q->timestamp.ms >= range->from_ms && q->timestamp.ms < range->to_ms;
}

static int give_row(struct sqlite_store *s, sqlite3_stmt *st, const struct store_tick_range *range,
                    store_tick_fn *fn, void *ctx)
{
    struct store_tick tick = {.run = (uint32_t)sqlite3_column_int64(st, 0)};
    const uint8_t *bytes = sqlite3_column_blob(st, 1);
    size_t len = (size_t)sqlite3_column_bytes(st, 1);
    struct pack pack = {0};
    int r = 0;

    memcpy(tick.quote.symbol, range->symbol, strlen(range->symbol) + 1);
    while (r == 0 && len > 0) {
        long n = pack_get_quote(&pack, bytes, len, &tick.quote);

        if (n < 0)
            return sqlite_damaged(s);
        bytes += n;
        len -= (size_t)n;
        if (in_range(range, &tick.quote))
            r = fn(ctx, &tick);
    }
    return r;
}

static int has_ticks(struct sqlite_store *s, int64_t symbol, uint32_t run)
{
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, HAS_TICKS, &st), rc;

    if (r < 0)
        return r;
    sqlite3_bind_int64(st, 1, symbol);
    sqlite3_bind_int64(st, 2, run);
    rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? -ENOENT : sqlite_result(rc);
}

/* `seq` is kept signed: beyond that there is none. */
static int64_t seq_of(uint64_t seq)
{
    return seq > INT64_MAX ? INT64_MAX : (int64_t)seq;
}

int sqlite_ticks(struct store *store, const struct store_tick_range *range, store_tick_fn *fn,
                 void *ctx)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *st;
    int64_t symbol;
    int r = sqlite_symbol(s, range->symbol, false, &symbol), rc;

    if (r == 0)
        r = has_ticks(s, symbol, range->by_seq ? range->run : 0);
    if (r == 0)
        r = sqlite_prepare(s, range->by_seq ? GET_TICKS_BY_SEQ : GET_TICKS_BY_TIME, &st);
    if (r < 0)
        return r;
    sqlite3_bind_int64(st, 1, symbol);
    sqlite3_bind_int64(st, 2, range->by_seq ? (int64_t)range->run : range->from_ms);
    sqlite3_bind_int64(st, 3, range->by_seq ? seq_of(range->from_seq) : range->to_ms);
    if (range->by_seq)
        sqlite3_bind_int64(st, 4, seq_of(range->to_seq));
    while (r == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE)
        r = rc == SQLITE_ROW ? give_row(s, st, range, fn, ctx) : sqlite_result(rc);
    sqlite3_reset(st);
    return r;
}

/* ---- correcting ---- */

/* The ticks of one row. */
struct row {
    int64_t id;
    struct store_tick *ticks;
    size_t n, cap;
};

static int add_tick(struct row *row, const struct quote *q)
{
    if (row->n == row->cap) {
        size_t cap = row->cap == 0 ? 64 : row->cap * 2;
        struct store_tick *bigger = realloc(row->ticks, cap * sizeof(*bigger));

        if (bigger == NULL)
            return -ENOMEM;
        row->ticks = bigger;
        row->cap = cap;
    }
    row->ticks[row->n++].quote = *q;
    return 0;
}

/* Unpack the row that `st` is at into `row`, corrected. Returns how many ticks were wrong. */
static int correct_row(struct sqlite_store *s, sqlite3_stmt *st, const struct quote_correction *c,
                       struct row *row)
{
    const uint8_t *bytes = sqlite3_column_blob(st, 1);
    size_t len = (size_t)sqlite3_column_bytes(st, 1);
    struct pack pack = {0};
    struct quote q = {0};
    int wrong = 0;
    long n;

    row->id = sqlite3_column_int64(st, 2);
    for (row->n = 0; len > 0; bytes += n, len -= (size_t)n) {
        bool is_wrong;

        n = pack_get_quote(&pack, bytes, len, &q);
        if (n < 0)
            return sqlite_damaged(s);
        is_wrong = q.timestamp.ms == c->at.ms && decimal_cmp(q.price, c->wrong) == 0;
        wrong += is_wrong;
        if (is_wrong && !c->has_right)
            continue;
        if (is_wrong)
            q.price = c->right;
        if (add_tick(row, &q) < 0)
            return -ENOMEM;
    }
    return wrong;
}

static int put_back(struct sqlite_store *s, const struct row *row)
{
    sqlite3_stmt *st;
    size_t len = 0;
    int r = pack_row(s, row->ticks, row->n, &len);

    if (r == 0)
        r = sqlite_prepare(s, FIX_TICKS, &st);
    if (r < 0)
        return r;
    sqlite3_bind_int64(st, 1, row->id);
    sqlite3_bind_blob64(st, 2, len > 0 ? s->bytes : (const uint8_t *)"", len, SQLITE_STATIC);
    return sqlite_run(st);
}

/* A tick is in one row, all but always: one row is corrected at a time, until none is wrong. */
static int correct_one(struct sqlite_store *s, int64_t symbol, const struct quote_correction *c)
{
    struct row row = {0};
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, GET_TICKS_BY_TIME, &st), wrong = 0;

    if (r < 0)
        return r;
    sqlite3_bind_int64(st, 1, symbol);
    sqlite3_bind_int64(st, 2, c->at.ms);
    sqlite3_bind_int64(st, 3, c->at.ms + 1);
    while (wrong == 0 && sqlite3_step(st) == SQLITE_ROW)
        wrong = correct_row(s, st, c, &row);
    sqlite3_reset(st);
    r = wrong > 0 ? put_back(s, &row) : wrong;
    free(row.ticks);
    return r < 0 ? r : wrong;
}

int sqlite_fix_ticks(struct store *store, const char *symbol, const struct quote_correction *c)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int64_t id;
    int r = sqlite_symbol(s, symbol, false, &id), sum = 0;

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (c->has_right && decimal_cmp(c->right, c->wrong) == 0)
        return 0;
    while ((r = correct_one(s, id, c)) > 0)
        sum += r;
    return r < 0 ? r : sum;
}
