/*
 * A PostgreSQL database: connection, schema and symbols. A connection that was lost is made again
 * by the next call. The password comes from PGPASSWORD or ~/.pgpass, as everywhere with PostgreSQL,
 * never from the URL.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "recorder/stores/postgres_internal.h"

#include "common/banned.h"

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

/* ---- results ---- */

void postgres_note_error(struct postgres_store *s)
{
    const char *text = PQerrorMessage(s->conn);

    snprintf(s->error, sizeof(s->error), "%.*s", (int)strcspn(text, "\n"), text);
}

static const char *postgres_error(const struct store *s)
{
    return ((const struct postgres_store *)s)->error;
}

int postgres_result(struct postgres_store *s, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    const char *code;

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN)
        return 0;
    postgres_note_error(s);
    if (PQstatus(s->conn) != CONNECTION_OK)
        return -ENOTCONN;
    code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return code != NULL && strcmp(code, "53100") == 0 ? -ENOSPC : -EIO;
}

int postgres_run(struct postgres_store *s, const char *sql)
{
    PGresult *result = PQexec(s->conn, sql);
    int r = postgres_result(s, result);

    PQclear(result);
    return r;
}

int postgres_query(struct postgres_store *s, const char *sql, int n, const char *const *values,
                   PGresult **ret)
{
    PGresult *result = PQexecParams(s->conn, sql, n, NULL, values, NULL, NULL, 0);
    int r = postgres_result(s, result);

    if (r < 0)
        PQclear(result);
    else
        *ret = result;
    return r;
}

int postgres_ensure_connected(struct postgres_store *s)
{
    if (PQstatus(s->conn) != CONNECTION_OK)
        PQreset(s->conn);
    if (PQstatus(s->conn) != CONNECTION_OK) {
        postgres_note_error(s);
        return -ENOTCONN;
    }
    return PQtransactionStatus(s->conn) == PQTRANS_IDLE ? 0 : postgres_run(s, "ROLLBACK");
}

int64_t postgres_integer(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

int postgres_decimal(const PGresult *rows, int row, int column, struct decimal *ret)
{
    return decimal_parse(PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column),
                         ret);
}

/* ---- symbols ---- */

static int read_symbol(const PGresult *rows, int row, store_symbol_fn *fn, void *ctx)
{
    struct store_state p = {.symbol = PQgetvalue(rows, row, 0)};
    struct bars_state *b = &p.state;

    b->heard = !PQgetisnull(rows, row, 1);
    b->newest_ms = postgres_integer(rows, row, 1);
    b->seq = (uint64_t)postgres_integer(rows, row, 2);
    b->volume_day = (int32_t)postgres_integer(rows, row, 3);
    b->has_volume = !PQgetisnull(rows, row, 4);
    if (b->has_volume && postgres_decimal(rows, row, 4, &b->volume) < 0)
        return -EBADMSG;
    b->run = (uint32_t)postgres_integer(rows, row, 5);
    return fn(ctx, &p);
}

static int postgres_symbols(struct store *store, const char *prefix, size_t max,
                            store_symbol_fn *fn, void *ctx)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char limit[24];
    const char *const values[] = {prefix, limit};
    PGresult *rows = NULL;
    int r = postgres_ensure_connected(s);

    snprintf(limit, sizeof(limit), "%zu", max);
    if (r == 0)
        r = postgres_query(
            s,
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
    int r = postgres_query(s, "SELECT to_regclass('tapecast_version')", 0, NULL, &rows);
    bool exists = r == 0 && !PQgetisnull(rows, 0, 0);

    PQclear(rows);
    *ret = 0;
    if (r < 0 || !exists)
        return r;
    r = postgres_query(s, "SELECT version FROM tapecast_version", 0, NULL, &rows);
    if (r == 0) {
        *ret = PQntuples(rows) == 1 ? (int)postgres_integer(rows, 0, 0) : 0;
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
    int r = postgres_run(s, "SAVEPOINT plain");

    if (r == 0 && postgres_run(s, hypertable_sql) < 0) {
        log_warn("TimescaleDB is there but cannot be used, the tables stay plain ones: %s",
                 s->error);
        r = postgres_run(s, "ROLLBACK TO plain");
    }
    return r;
}

/* Under a lock: two that start at once do not both do it. */
static int migrate(struct postgres_store *s)
{
    char set_version[64];
    int version = 0, r = postgres_run(s, "BEGIN; SELECT pg_advisory_xact_lock(1413567571)");

    if (r == 0)
        r = query_version(s, &version);
    if (r == 0 && version > SCHEMA_VERSION)
        r = refuse_newer(s, version);
    for (int i = version; r == 0 && i < SCHEMA_VERSION; i++)
        r = postgres_run(s, migrations[i]);
    if (r == 0)
        r = make_hypertable(s);
    snprintf(set_version, sizeof(set_version), "UPDATE tapecast_version SET version = %d",
             SCHEMA_VERSION);
    if (r == 0)
        r = postgres_run(s, set_version);
    return r == 0 ? postgres_run(s, "COMMIT") : r;
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
    postgres_note_error(s);
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
