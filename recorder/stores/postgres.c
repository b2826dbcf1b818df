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
};
#define SCHEMA_VERSION ((int)ARRAY_SIZE(migrations))

static const char stage_sql[] =
    "BEGIN;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_bars(n int, name text, resolution int, t bigint,"
    " open numeric, high numeric, low numeric, close numeric, volume numeric, first_ms bigint,"
    " last_ms bigint) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_states(n int, name text, newest_ms bigint, seq bigint,"
    " volume_day int, volume numeric) ON COMMIT DELETE ROWS";

/* Of one bar or state twice in a batch the last counts. */
static const char merge_sql[] =
    "INSERT INTO symbols(name) SELECT name FROM staged_bars UNION SELECT name FROM staged_states"
    " EXCEPT SELECT name FROM symbols ON CONFLICT DO NOTHING;"
    "INSERT INTO bars SELECT DISTINCT ON (id, resolution, t) id, resolution, t, open, high, low,"
    " close, b.volume, first_ms, last_ms FROM staged_bars b JOIN symbols USING(name)"
    " ORDER BY id, resolution, t, n DESC"
    " ON CONFLICT(symbol, resolution, t) DO UPDATE SET open = excluded.open, high = excluded.high,"
    " low = excluded.low, close = excluded.close, volume = excluded.volume,"
    " first_ms = excluded.first_ms, last_ms = excluded.last_ms;"
    "UPDATE symbols s SET newest_ms = u.newest_ms, seq = u.seq, volume_day = u.volume_day,"
    " volume = u.volume FROM (SELECT DISTINCT ON (name) * FROM staged_states"
    " ORDER BY name, n DESC) u WHERE s.name = u.name;"
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
    len = snprintf(line, sizeof(line), "%zu\t%s\t%lld\t%lld\t%d\t%s\n", n, name,
                   (long long)b->newest_ms, (long long)b->seq, b->volume_day, volume);
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

static int stage(struct postgres_store *s, const struct store_batch *batch)
{
    int r = run(s, stage_sql);

    if (r == 0)
        r = run(s, "COPY staged_bars FROM STDIN");
    for (size_t i = 0; r == 0 && i < batch->n_bars; i++)
        r = put_bar(s, i, &batch->bars[i]);
    if (r == 0)
        r = end_copy(s);
    if (r == 0)
        r = run(s, "COPY staged_states FROM STDIN");
    for (size_t i = 0; r == 0 && i < batch->n_states; i++)
        r = put_state(s, i, &batch->states[i]);
    if (r == 0)
        r = end_copy(s);
    return r;
}

static int postgres_write(struct store *store, const struct store_batch *batch)
{
    struct postgres_store *s = (struct postgres_store *)store;
    int r = ensure_connected(s);

    if (r == 0)
        r = stage(s, batch);
    return r == 0 ? run(s, merge_sql) : r;
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
                  "SELECT name, newest_ms, seq, volume_day, volume FROM symbols"
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

/* Under a lock: two that start at once do not both do it. */
static int migrate(struct postgres_store *s)
{
    char set_version[64];
    int version = 0, r = run(s, "BEGIN; SELECT pg_advisory_xact_lock(1413567571)");

    if (r == 0)
        r = query_version(s, &version);
    if (r == 0 && version > SCHEMA_VERSION) {
        snprintf(s->error, sizeof(s->error),
                 "it was written by a newer version of this program: its schema is %d, this one "
                 "knows %d",
                 version, SCHEMA_VERSION);
        r = -EPROTONOSUPPORT;
    }
    for (int i = version; r == 0 && i < SCHEMA_VERSION; i++)
        r = run(s, migrations[i]);
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
    if (r == 0 && mode == STORE_READ && version == 0)
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
    .prune = postgres_prune,
    .bars = postgres_bars,
    .before = postgres_before,
    .symbols = postgres_symbols,
};
