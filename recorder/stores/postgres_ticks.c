#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/stores/postgres_internal.h"

#include "common/banned.h"

/* A column that may be NULL. */
static int known_at(const PGresult *rows, int row, int column, enum quote_field field,
                    struct quote *q, struct decimal *ret)
{
    if (PQgetisnull(rows, row, column))
        return 0;
    q->known |= (uint8_t)field;
    return postgres_decimal(rows, row, column, ret);
}

static int read_tick(const PGresult *rows, int row, struct store_tick *ret)
{
    struct quote *q = &ret->quote;
    int r = postgres_decimal(rows, row, 5, &q->price);

    ret->run = (uint32_t)postgres_integer(rows, row, 0);
    q->seq = (uint64_t)postgres_integer(rows, row, 1);
    q->timestamp.ms = postgres_integer(rows, row, 2);
    q->mode = (uint8_t)postgres_integer(rows, row, 3);
    q->session = (uint8_t)postgres_integer(rows, row, 4);
    q->known = 0;
    if (r == 0)
        r = known_at(rows, row, 6, QUOTE_OPEN, q, &q->open);
    if (r == 0)
        r = known_at(rows, row, 7, QUOTE_HIGH, q, &q->high);
    if (r == 0)
        r = known_at(rows, row, 8, QUOTE_LOW, q, &q->low);
    if (r == 0)
        r = known_at(rows, row, 9, QUOTE_PREV_CLOSE, q, &q->prev_close);
    if (r == 0)
        r = known_at(rows, row, 10, QUOTE_VOLUME, q, &q->volume);
    if (r < 0 || q->mode > MODE_LIVE || q->session > SESSION_CLOSED)
        return -EBADMSG;
    return 0;
}

/* -ENOENT when there are none; `run` "0" is any. */
static int has_ticks(struct postgres_store *s, const char *symbol, const char *run_text)
{
    const char *const values[] = {symbol, run_text};
    PGresult *rows = NULL;
    int r =
        postgres_query(s,
                       "SELECT 1 FROM ticks WHERE symbol = (SELECT id FROM symbols WHERE name = $1)"
                       " AND ($2::int = 0 OR run = $2::int) LIMIT 1",
                       2, values, &rows);

    if (r == 0 && PQntuples(rows) == 0)
        r = -ENOENT;
    PQclear(rows);
    return r;
}

static int query_ticks(struct postgres_store *s, const struct store_tick_range *range,
                       const char *run_text, PGresult **ret)
{
#define TICK_COLUMNS                                                                               \
    "SELECT k.run, k.seq, ms, mode, session, price, open, high, low, prev_close, k.volume"         \
    " FROM ticks k JOIN symbols s ON s.id = k.symbol WHERE s.name = $1"
    char from[24], to[24];
    const char *const values[] = {range->symbol, from, to, run_text};
    uint64_t to_seq = range->to_seq > INT64_MAX ? INT64_MAX : range->to_seq;

    if (range->by_seq) {
        snprintf(from, sizeof(from), "%llu", (unsigned long long)range->from_seq);
        snprintf(to, sizeof(to), "%llu", (unsigned long long)to_seq);
        return postgres_query(s,
                              TICK_COLUMNS
                              " AND k.seq >= $2 AND k.seq <= $3 AND k.run = CASE $4::int WHEN 0"
                              " THEN (SELECT max(m.run) FROM ticks m WHERE m.symbol = s.id)"
                              " ELSE $4::int END",
                              4, values, ret);
    }
    snprintf(from, sizeof(from), "%lld", (long long)range->from_ms);
    snprintf(to, sizeof(to), "%lld", (long long)range->to_ms);
    return postgres_query(s, TICK_COLUMNS " AND ms >= $2 AND ms < $3 ORDER BY ms, k.run, k.seq", 3,
                          values, ret);
}

int postgres_ticks(struct store *store, const struct store_tick_range *range, store_tick_fn *fn,
                   void *ctx)
{
    struct postgres_store *s = (struct postgres_store *)store;
    struct store_tick tick = {0};
    char run_text[16];
    PGresult *rows = NULL;
    int r = postgres_ensure_connected(s);

    snprintf(run_text, sizeof(run_text), "%u", range->by_seq ? range->run & INT32_MAX : 0);
    memcpy(tick.quote.symbol, range->symbol, strlen(range->symbol) + 1);
    if (r == 0)
        r = has_ticks(s, range->symbol, run_text);
    if (r == 0)
        r = query_ticks(s, range, run_text, &rows);
    for (int i = 0; r == 0 && i < PQntuples(rows); i++) {
        r = read_tick(rows, i, &tick);
        if (r == 0)
            r = fn(ctx, &tick);
    }
    PQclear(rows);
    return r;
}

int postgres_prune_ticks(struct store *store, int64_t keep_s)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char keep_ms[24];
    const char *const values[] = {keep_ms};
    PGresult *rows = NULL;
    int r = postgres_ensure_connected(s);

    snprintf(keep_ms, sizeof(keep_ms), "%lld", (long long)keep_s * 1000);
    if (r == 0)
        r = postgres_query(s,
                           "DELETE FROM ticks k USING (SELECT id, (SELECT max(ms) FROM ticks WHERE"
                           " symbol = id) AS newest FROM symbols) n"
                           " WHERE k.symbol = n.id AND k.ms < n.newest - $1::bigint",
                           1, values, &rows);
    PQclear(rows);
    return r;
}

int postgres_fix_ticks(struct store *store, const char *symbol, const struct quote_correction *c)
{
#define WRONG_TICKS                                                                                \
    " WHERE symbol = (SELECT id FROM symbols WHERE name = $1) AND ms = $2 AND price = $3"
    struct postgres_store *s = (struct postgres_store *)store;
    char ms[24], wrong[DECIMAL_TEXT_MAX], right[DECIMAL_TEXT_MAX];
    const char *const values[] = {symbol, ms, wrong, right};
    PGresult *rows = NULL;
    int r = postgres_ensure_connected(s), n = 0;

    snprintf(ms, sizeof(ms), "%lld", (long long)c->at.ms);
    decimal_format(c->wrong, wrong);
    decimal_format(c->right, right);
    if (r == 0 && c->has_right)
        r = postgres_query(s, "UPDATE ticks SET price = $4" WRONG_TICKS, 4, values, &rows);
    else if (r == 0)
        r = postgres_query(s, "DELETE FROM ticks" WRONG_TICKS, 3, values, &rows);
    if (r == 0)
        n = (int)strtol(PQcmdTuples(rows), NULL, 10);
    PQclear(rows);
    return r < 0 ? r : n;
}
