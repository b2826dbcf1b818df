/*
 * A PostgreSQL database: a batch is copied into temporary tables and merged from there, in one
 * transaction. A connection that was lost is made again by the next call. The password comes from
 * PGPASSWORD or ~/.pgpass, as everywhere with PostgreSQL, never from the URL. The only file that
 * includes <libpq-fe.h>.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "recorder/store.h"

#include "common/banned.h"

#define ERROR_MAX 160
#define LINE_MAX_BYTES 512 /* of COPY: a symbol, five decimals, six integers */

/* Step n brings a schema of version n to n + 1. Add steps, never change one. */
static const char *const migrations[] = {
    "CREATE TABLE tapecast_version(version int NOT NULL);"
    "INSERT INTO tapecast_version VALUES(0);"
    "CREATE TABLE symbols(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " name text NOT NULL UNIQUE, newest_ms bigint, seq bigint, volume_day int, volume numeric);"
    "CREATE TABLE bars(symbol int NOT NULL REFERENCES symbols, resolution int NOT NULL,"
    " t bigint NOT NULL, open numeric NOT NULL, high numeric NOT NULL, low numeric NOT NULL,"
    " close numeric NOT NULL, volume numeric NOT NULL, first_ms bigint NOT NULL,"
    " last_ms bigint NOT NULL, PRIMARY KEY(symbol, resolution, t));",
    "ALTER TABLE symbols ADD COLUMN run int;"
    "CREATE TABLE ticks(symbol int NOT NULL REFERENCES symbols, run int NOT NULL,"
    " seq bigint NOT NULL, ms bigint NOT NULL, mode int NOT NULL, session int NOT NULL,"
    " price numeric NOT NULL, open numeric, high numeric, low numeric, prev_close numeric,"
    " volume numeric, PRIMARY KEY(symbol, run, seq));"
    "CREATE INDEX ticks_by_time ON ticks(symbol, ms);",
};
#define SCHEMA_VERSION ((int)ARRAY_SIZE(migrations))

static const char stage_sql[] =
    "BEGIN;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_bars(n int, name text, resolution int, t bigint,"
    " open numeric, high numeric, low numeric, close numeric, volume numeric, first_ms bigint,"
    " last_ms bigint) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_states(n int, name text, newest_ms bigint, seq bigint,"
    " volume_day int, volume numeric, run int) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_ticks(n int, name text, run int, seq bigint, ms bigint,"
    " mode int, session int, price numeric, open numeric, high numeric, low numeric,"
    " prev_close numeric, volume numeric) ON COMMIT DELETE ROWS";

/* Of one bar or state twice in a batch the last counts. */
static const char merge_sql[] =
    "INSERT INTO symbols(name) SELECT name FROM staged_bars UNION SELECT name FROM staged_states"
    " UNION SELECT name FROM staged_ticks EXCEPT SELECT name FROM symbols ON CONFLICT DO NOTHING;"
    "INSERT INTO bars SELECT DISTINCT ON (id, resolution, t) id, resolution, t, open, high, low,"
    " close, b.volume, first_ms, last_ms FROM staged_bars b JOIN symbols USING(name)"
    " ORDER BY id, resolution, t, n DESC"
    " ON CONFLICT(symbol, resolution, t) DO UPDATE SET open = excluded.open, high = excluded.high,"
    " low = excluded.low, close = excluded.close, volume = excluded.volume,"
    " first_ms = excluded.first_ms, last_ms = excluded.last_ms;"
    "UPDATE symbols s SET newest_ms = u.newest_ms, seq = u.seq, volume_day = u.volume_day,"
    " volume = u.volume, run = u.run FROM (SELECT DISTINCT ON (name) * FROM staged_states"
    " ORDER BY name, n DESC) u WHERE s.name = u.name;"
    "INSERT INTO ticks SELECT DISTINCT ON (id, k.run, k.seq) id, k.run, k.seq, ms, mode, session,"
    " price, open, high, low, prev_close, k.volume FROM staged_ticks k JOIN symbols USING(name)"
    " ORDER BY id, k.run, k.seq, n DESC"
    " ON CONFLICT(symbol, run, seq) DO UPDATE SET ms = excluded.ms, mode = excluded.mode,"
    " session = excluded.session, price = excluded.price, open = excluded.open,"
    " high = excluded.high, low = excluded.low, prev_close = excluded.prev_close,"
    " volume = excluded.volume;"
    "COMMIT";

struct postgres_store {
    struct store store;
    PGconn *conn;
    char error[ERROR_MAX];
};

/* ---- results ---- */

/* The first line of what the server or the library said. */
static void note_error(struct postgres_store *s)
{
    const char *text = PQerrorMessage(s->conn);

    snprintf(s->error, sizeof(s->error), "%.*s", (int)strcspn(text, "\n"), text);
}

static const char *postgres_error(const struct store *s)
{
    return ((const struct postgres_store *)s)->error;
}

/* 0 when the result is as good as it should be. Notes the error else. */
static int result_of(struct postgres_store *s, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    const char *code;

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN)
        return 0;
    note_error(s);
    if (PQstatus(s->conn) != CONNECTION_OK)
        return -ENOTCONN;
    code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return code != NULL && strcmp(code, "53100") == 0 ? -ENOSPC : -EIO;
}

static int run(struct postgres_store *s, const char *sql)
{
    PGresult *result = PQexec(s->conn, sql);
    int r = result_of(s, result);

    PQclear(result);
    return r;
}

static int query(struct postgres_store *s, const char *sql, int n, const char *const *values,
                 PGresult **ret)
{
    PGresult *result = PQexecParams(s->conn, sql, n, NULL, values, NULL, NULL, 0);
    int r = result_of(s, result);

    if (r < 0)
        PQclear(result);
    else
        *ret = result;
    return r;
}

/* Connected, again if need be, and in no transaction. */
static int ensure_connected(struct postgres_store *s)
{
    if (PQstatus(s->conn) != CONNECTION_OK)
        PQreset(s->conn);
    if (PQstatus(s->conn) != CONNECTION_OK) {
        note_error(s);
        return -ENOTCONN;
    }
    return PQtransactionStatus(s->conn) == PQTRANS_IDLE ? 0 : run(s, "ROLLBACK");
}

/* ---- writing ---- */

/* A symbol as COPY takes it. */
static void escape(const char *symbol, char buf[2 * SYMBOL_MAX + 1])
{
    for (; *symbol != '\0'; symbol++) {
        bool special = *symbol == '\\' || *symbol == '\t' || *symbol == '\n' || *symbol == '\r';

        if (special)
            *buf++ = '\\';
        *buf++ = *symbol == '\t' ? 't' : *symbol == '\n' ? 'n' : *symbol == '\r' ? 'r' : *symbol;
    }
    *buf = '\0';
}

static int put_line(struct postgres_store *s, const char *line, int len)
{
    if (PQputCopyData(s->conn, line, len) == 1)
        return 0;
    note_error(s);
    return -ENOTCONN;
}

static int put_bar(struct postgres_store *s, size_t n, const struct store_bar *b)
{
    const struct bar *bar = &b->bar;
    const struct decimal values[] = {bar->open, bar->high, bar->low, bar->close, bar->volume};
    char name[2 * SYMBOL_MAX + 1], texts[ARRAY_SIZE(values)][DECIMAL_TEXT_MAX];
    char line[LINE_MAX_BYTES];
    int len;

    escape(b->symbol, name);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        decimal_format(values[i], texts[i]);
    len = snprintf(line, sizeof(line), "%zu\t%s\t%d\t%lld\t%s\t%s\t%s\t%s\t%s\t%lld\t%lld\n", n,
                   name, resolution_seconds(b->resolution), (long long)bar->t, texts[0], texts[1],
                   texts[2], texts[3], texts[4], (long long)(bar->first_ms - bar->t * 1000),
                   (long long)(bar->last_ms - bar->t * 1000));
    return put_line(s, line, len);
}

static int put_state(struct postgres_store *s, size_t n, const struct store_state *p)
{
    const struct bars_state *b = &p->state;
    char name[2 * SYMBOL_MAX + 1], volume[DECIMAL_TEXT_MAX] = "\\N", line[LINE_MAX_BYTES];
    int len;

    escape(p->symbol, name);
    if (b->has_volume)
        decimal_format(b->volume, volume);
    len = snprintf(line, sizeof(line), "%zu\t%s\t%lld\t%lld\t%d\t%s\t%u\n", n, name,
                   (long long)b->newest_ms, (long long)b->seq, b->volume_day, volume, b->run);
    return put_line(s, line, len);
}

/* A value as COPY takes it. */
static void format_known(const struct quote *q, enum quote_field field, struct decimal value,
                         char buf[DECIMAL_TEXT_MAX])
{
    if (q->known & field)
        decimal_format(value, buf);
    else
        memcpy(buf, "\\N", sizeof("\\N"));
}

static int put_tick(struct postgres_store *s, size_t n, const struct store_tick *t)
{
    const struct quote *q = &t->quote;
    char name[2 * SYMBOL_MAX + 1], texts[6][DECIMAL_TEXT_MAX], line[LINE_MAX_BYTES];
    int len;

    escape(q->symbol, name);
    decimal_format(q->price, texts[0]);
    format_known(q, QUOTE_OPEN, q->open, texts[1]);
    format_known(q, QUOTE_HIGH, q->high, texts[2]);
    format_known(q, QUOTE_LOW, q->low, texts[3]);
    format_known(q, QUOTE_PREV_CLOSE, q->prev_close, texts[4]);
    format_known(q, QUOTE_VOLUME, q->volume, texts[5]);
    len = snprintf(line, sizeof(line), "%zu\t%s\t%u\t%lld\t%lld\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n",
                   n, name, t->run, (long long)q->seq, (long long)q->timestamp.ms, q->mode,
                   q->session, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5]);
    return put_line(s, line, len);
}

/* End a COPY and take its result. */
static int end_copy(struct postgres_store *s)
{
    PGresult *result;
    int r = 0;

    if (PQputCopyEnd(s->conn, NULL) != 1) {
        note_error(s);
        return -ENOTCONN;
    }
    while ((result = PQgetResult(s->conn)) != NULL) {
        if (r == 0)
            r = result_of(s, result);
        PQclear(result);
    }
    return r;
}

static int stage_bars(struct postgres_store *s, const struct store_batch *batch)
{
    int r = batch->n_bars > 0 ? run(s, "COPY staged_bars FROM STDIN") : 0;

    for (size_t i = 0; r == 0 && i < batch->n_bars; i++)
        r = put_bar(s, i, &batch->bars[i]);
    return r == 0 && batch->n_bars > 0 ? end_copy(s) : r;
}

static int stage_states(struct postgres_store *s, const struct store_batch *batch)
{
    int r = batch->n_states > 0 ? run(s, "COPY staged_states FROM STDIN") : 0;

    for (size_t i = 0; r == 0 && i < batch->n_states; i++)
        r = put_state(s, i, &batch->states[i]);
    return r == 0 && batch->n_states > 0 ? end_copy(s) : r;
}

static int stage_ticks(struct postgres_store *s, const struct store_batch *batch)
{
    int r = batch->n_ticks > 0 ? run(s, "COPY staged_ticks FROM STDIN") : 0;

    for (size_t i = 0; r == 0 && i < batch->n_ticks; i++)
        r = put_tick(s, i, &batch->ticks[i]);
    return r == 0 && batch->n_ticks > 0 ? end_copy(s) : r;
}

static int stage(struct postgres_store *s, const struct store_batch *batch)
{
    int r = run(s, stage_sql);

    if (r == 0)
        r = stage_bars(s, batch);
    if (r == 0)
        r = stage_states(s, batch);
    return r == 0 ? stage_ticks(s, batch) : r;
}

static int postgres_write(struct store *store, const struct store_batch *batch)
{
    struct postgres_store *s = (struct postgres_store *)store;
    int r = ensure_connected(s);

    if (r == 0)
        r = stage(s, batch);
    return r == 0 ? run(s, merge_sql) : r;
}

static int postgres_drop_bar(struct store *store, const char *symbol, enum resolution r, int64_t t)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], at[24];
    const char *const values[] = {symbol, resolution, at};
    PGresult *rows = NULL;
    int result = ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(r));
    snprintf(at, sizeof(at), "%lld", (long long)t);
    if (result == 0)
        result = query(s,
                       "DELETE FROM bars WHERE symbol = (SELECT id FROM symbols WHERE name = $1)"
                       " AND resolution = $2 AND t = $3",
                       3, values, &rows);
    PQclear(rows);
    return result;
}

static int postgres_prune(struct store *store, enum resolution r, int64_t keep_s)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], keep[24];
    const char *const values[] = {resolution, keep};
    PGresult *rows = NULL;
    int result = ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(r));
    snprintf(keep, sizeof(keep), "%lld", (long long)keep_s);
    if (result == 0)
        result = query(s,
                       "DELETE FROM bars b USING (SELECT id, (SELECT max(t) FROM bars WHERE"
                       " symbol = id AND resolution = $1) AS newest FROM symbols"
                       " WHERE newest_ms IS NOT NULL) n WHERE b.symbol = n.id"
                       " AND b.resolution = $1 AND b.t < n.newest - $2::bigint",
                       2, values, &rows);
    PQclear(rows);
    return result;
}

/* ---- reading ---- */

static int64_t integer_at(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static int decimal_at(const PGresult *rows, int row, int column, struct decimal *ret)
{
    return decimal_parse(PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column),
                         ret);
}

static int read_bar(const PGresult *rows, int row, struct bar *ret)
{
    struct bar b = {.t = integer_at(rows, row, 0)};
    struct decimal *const values[] = {&b.open, &b.high, &b.low, &b.close, &b.volume};

    b.first_ms = b.t * 1000 + integer_at(rows, row, 6);
    b.last_ms = b.t * 1000 + integer_at(rows, row, 7);
    for (int i = 0; i < (int)ARRAY_SIZE(values); i++)
        if (decimal_at(rows, row, 1 + i, values[i]) < 0)
            return -EBADMSG;
    *ret = b;
    return 0;
}

static int postgres_bars(struct store *store, const struct store_range *range, store_bar_fn *fn,
                         void *ctx)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], from[24], to[24], max[24];
    const char *const values[] = {range->symbol, resolution, from, to, max};
    PGresult *rows = NULL;
    struct bar bar;
    int r = ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(range->resolution));
    snprintf(from, sizeof(from), "%lld", (long long)range->from);
    snprintf(to, sizeof(to), "%lld", (long long)range->to);
    snprintf(max, sizeof(max), "%zu", range->max);
    if (r == 0)
        r = query(s,
                  "SELECT t, open, high, low, close, volume, first_ms, last_ms FROM bars"
                  " WHERE symbol = (SELECT id FROM symbols WHERE name = $1) AND resolution = $2"
                  " AND t >= $3 AND t < $4 ORDER BY t LIMIT $5",
                  5, values, &rows);
    for (int i = 0; r == 0 && i < PQntuples(rows); i++) {
        r = read_bar(rows, i, &bar);
        if (r == 0)
            r = fn(ctx, &bar);
    }
    PQclear(rows);
    return r;
}

static int postgres_before(struct store *store, const char *symbol, enum resolution r, int64_t to,
                           size_t n, int64_t *ret_t)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], until[24], count[24];
    const char *const values[] = {symbol, resolution, until, count};
    PGresult *rows = NULL;
    int result = ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(r));
    snprintf(until, sizeof(until), "%lld", (long long)to);
    snprintf(count, sizeof(count), "%zu", n);
    if (result == 0)
        result = query(s,
                       "SELECT min(t) FROM (SELECT t FROM bars"
                       " WHERE symbol = (SELECT id FROM symbols WHERE name = $1)"
                       " AND resolution = $2 AND t < $3 ORDER BY t DESC LIMIT $4) b",
                       4, values, &rows);
    if (result == 0 && PQgetisnull(rows, 0, 0))
        result = -ENOENT;
    if (result == 0)
        *ret_t = integer_at(rows, 0, 0);
    PQclear(rows);
    return result;
}

/* ---- ticks ---- */

/* A column that may be NULL. */
static int known_at(const PGresult *rows, int row, int column, enum quote_field field,
                    struct quote *q, struct decimal *ret)
{
    if (PQgetisnull(rows, row, column))
        return 0;
    q->known |= (uint8_t)field;
    return decimal_at(rows, row, column, ret);
}

static int read_tick(const PGresult *rows, int row, struct store_tick *ret)
{
    struct quote *q = &ret->quote;
    int r = decimal_at(rows, row, 5, &q->price);

    ret->run = (uint32_t)integer_at(rows, row, 0);
    q->seq = (uint64_t)integer_at(rows, row, 1);
    q->timestamp.ms = integer_at(rows, row, 2);
    q->mode = (uint8_t)integer_at(rows, row, 3);
    q->session = (uint8_t)integer_at(rows, row, 4);
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
    int r = query(s,
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
        return query(s,
                     TICK_COLUMNS " AND k.seq >= $2 AND k.seq <= $3 AND k.run = CASE $4::int WHEN 0"
                                  " THEN (SELECT max(m.run) FROM ticks m WHERE m.symbol = s.id)"
                                  " ELSE $4::int END",
                     4, values, ret);
    }
    snprintf(from, sizeof(from), "%lld", (long long)range->from_ms);
    snprintf(to, sizeof(to), "%lld", (long long)range->to_ms);
    return query(s, TICK_COLUMNS " AND ms >= $2 AND ms < $3 ORDER BY ms, k.run, k.seq", 3, values,
                 ret);
}

static int postgres_ticks(struct store *store, const struct store_tick_range *range,
                          store_tick_fn *fn, void *ctx)
{
    struct postgres_store *s = (struct postgres_store *)store;
    struct store_tick tick = {0};
    char run_text[16];
    PGresult *rows = NULL;
    int r = ensure_connected(s);

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

static int postgres_prune_ticks(struct store *store, int64_t keep_s)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char keep_ms[24];
    const char *const values[] = {keep_ms};
    PGresult *rows = NULL;
    int r = ensure_connected(s);

    snprintf(keep_ms, sizeof(keep_ms), "%lld", (long long)keep_s * 1000);
    if (r == 0)
        r = query(s,
                  "DELETE FROM ticks k USING (SELECT id, (SELECT max(ms) FROM ticks WHERE"
                  " symbol = id) AS newest FROM symbols) n"
                  " WHERE k.symbol = n.id AND k.ms < n.newest - $1::bigint",
                  1, values, &rows);
    PQclear(rows);
    return r;
}

static int postgres_fix_ticks(struct store *store, const char *symbol,
                              const struct quote_correction *c)
{
#define WRONG_TICKS                                                                                \
    " WHERE symbol = (SELECT id FROM symbols WHERE name = $1) AND ms = $2 AND price = $3"
    struct postgres_store *s = (struct postgres_store *)store;
    char ms[24], wrong[DECIMAL_TEXT_MAX], right[DECIMAL_TEXT_MAX];
    const char *const values[] = {symbol, ms, wrong, right};
    PGresult *rows = NULL;
    int r = ensure_connected(s), n = 0;

    snprintf(ms, sizeof(ms), "%lld", (long long)c->at.ms);
    decimal_format(c->wrong, wrong);
    decimal_format(c->right, right);
    if (r == 0 && c->has_right)
        r = query(s, "UPDATE ticks SET price = $4" WRONG_TICKS, 4, values, &rows);
    else if (r == 0)
        r = query(s, "DELETE FROM ticks" WRONG_TICKS, 3, values, &rows);
    if (r == 0)
        n = (int)strtol(PQcmdTuples(rows), NULL, 10);
    PQclear(rows);
    return r < 0 ? r : n;
}

/* ---- symbols ---- */

static int read_symbol(const PGresult *rows, int row, store_symbol_fn *fn, void *ctx)
{
    struct store_state p = {.symbol = PQgetvalue(rows, row, 0)};
    struct bars_state *b = &p.state;

    b->heard = !PQgetisnull(rows, row, 1);
    b->newest_ms = integer_at(rows, row, 1);
    b->seq = (uint64_t)integer_at(rows, row, 2);
    b->volume_day = (int32_t)integer_at(rows, row, 3);
    b->has_volume = !PQgetisnull(rows, row, 4);
    if (b->has_volume && decimal_at(rows, row, 4, &b->volume) < 0)
        return -EBADMSG;
    b->run = (uint32_t)integer_at(rows, row, 5);
    return fn(ctx, &p);
}

static int postgres_symbols(struct store *store, const char *prefix, size_t max,
                            store_symbol_fn *fn, void *ctx)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char limit[24];
    const char *const values[] = {prefix, limit};
    PGresult *rows = NULL;
    int r = ensure_connected(s);

    snprintf(limit, sizeof(limit), "%zu", max);
    if (r == 0)
        r = query(s,
                  "SELECT name, newest_ms, seq, volume_day, volume, run FROM symbols"
                  " WHERE left(name, length($1)) = upper($1) ORDER BY name COLLATE \"C\" LIMIT $2",
                  2, values, &rows);
    for (int i = 0; r == 0 && i < PQntuples(rows); i++)
        r = read_symbol(rows, i, fn, ctx);
    PQclear(rows);
    return r;
}

/* ---- opening ---- */

/* 0 for a database that has no schema of ours. */
static int query_version(struct postgres_store *s, int *ret)
{
    PGresult *rows = NULL;
    int r = query(s, "SELECT to_regclass('tapecast_version')", 0, NULL, &rows);
    bool exists = r == 0 && !PQgetisnull(rows, 0, 0);

    PQclear(rows);
    *ret = 0;
    if (r < 0 || !exists)
        return r;
    r = query(s, "SELECT version FROM tapecast_version", 0, NULL, &rows);
    if (r == 0) {
        *ret = PQntuples(rows) == 1 ? (int)integer_at(rows, 0, 0) : 0;
        PQclear(rows);
    }
    return r;
}

static int refuse_newer(struct postgres_store *s, int version)
{
    snprintf(s->error, sizeof(s->error),
             "it was written by a newer version of this program: its schema is %d, this one knows "
             "%d",
             version, SCHEMA_VERSION);
    return -EPROTONOSUPPORT;
}

/* With TimescaleDB the bars are cut by time into chunks of four weeks. What is a hypertable
 * already stays as it is. Where the server has the extension but this user may not
 * use it, the tables stay plain ones, which is told. A server that has not loaded it has no setting
 * of it, and would end the connection at the attempt. */
static const char hypertable_sql[] =
    "DO $$ BEGIN"
    " IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')"
    "  AND current_setting('timescaledb.disable_load', true) IS NOT NULL THEN"
    "  CREATE EXTENSION IF NOT EXISTS timescaledb;"
    " END IF;"
    " IF EXISTS (SELECT FROM pg_proc WHERE proname = 'create_hypertable') THEN"
    "  PERFORM create_hypertable('bars', 't', chunk_time_interval => 2419200::bigint,"
    "   if_not_exists => true, migrate_data => true);"
    " END IF;"
    "END $$";

static int make_hypertable(struct postgres_store *s)
{
    int r = run(s, "SAVEPOINT plain");

    if (r == 0 && run(s, hypertable_sql) < 0) {
        log_warn("TimescaleDB is there but cannot be used, the tables stay plain ones: %s",
                 s->error);
        r = run(s, "ROLLBACK TO plain");
    }
    return r;
}

/* Under a lock: two that start at once do not both do it. */
static int migrate(struct postgres_store *s)
{
    char set_version[64];
    int version = 0, r = run(s, "BEGIN; SELECT pg_advisory_xact_lock(1413567571)");

    if (r == 0)
        r = query_version(s, &version);
    if (r == 0 && version > SCHEMA_VERSION)
        r = refuse_newer(s, version);
    for (int i = version; r == 0 && i < SCHEMA_VERSION; i++)
        r = run(s, migrations[i]);
    if (r == 0)
        r = make_hypertable(s);
    snprintf(set_version, sizeof(set_version), "UPDATE tapecast_version SET version = %d",
             SCHEMA_VERSION);
    if (r == 0)
        r = run(s, set_version);
    return r == 0 ? run(s, "COMMIT") : r;
}

static int refuse_password(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool found = false;

    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        found |= strcmp(o->keyword, "password") == 0 && o->val != NULL;
    PQconninfoFree(options);
    if (!found)
        return 0;
    log_error("the store's URL holds a password, which others can see: put it into PGPASSWORD or "
              "~/.pgpass");
    return -EINVAL;
}

static int connect_to(struct postgres_store *s, const char *url)
{
    static const char *const keys[] = {"dbname",  "connect_timeout",           "tcp_user_timeout",
                                       "options", "fallback_application_name", NULL};
    const char *const values[] = {url,        "5", "10000", "-c client_min_messages=warning",
                                  "tapecast", NULL};

    s->conn = PQconnectdbParams(keys, values, 1);
    if (s->conn == NULL)
        return -ENOMEM;
    if (PQstatus(s->conn) == CONNECTION_OK)
        return 0;
    note_error(s);
    return -ENOTCONN;
}

static void postgres_close(struct store *store)
{
    struct postgres_store *s = (struct postgres_store *)store;

    PQfinish(s->conn);
    free(s);
}

static int postgres_open(const char *url, enum store_mode mode, struct store **ret)
{
    struct postgres_store *s;
    int version = 0, r = refuse_password(url);

    if (r < 0)
        return r;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->store.ops = &store_postgres;
    r = connect_to(s, url);
    if (r == 0)
        r = mode == STORE_WRITE ? migrate(s) : query_version(s, &version);
    if (r == 0 && mode == STORE_READ && version > SCHEMA_VERSION)
        r = refuse_newer(s, version);
    if (r == 0 && mode == STORE_READ && version < SCHEMA_VERSION)
        r = -ENOENT;
    if (r == 0) {
        *ret = &s->store;
        return 0;
    }
    if (r != -ENOENT)
        log_error("cannot open the store %s: %s", url, s->error);
    postgres_close(&s->store);
    return r;
}

const struct store_ops store_postgres = {
    .open = postgres_open,
    .close = postgres_close,
    .error = postgres_error,
    .write = postgres_write,
    .drop_bar = postgres_drop_bar,
    .prune = postgres_prune,
    .prune_ticks = postgres_prune_ticks,
    .ticks = postgres_ticks,
    .fix_ticks = postgres_fix_ticks,
    .bars = postgres_bars,
    .before = postgres_before,
    .symbols = postgres_symbols,
};
