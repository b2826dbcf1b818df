/*
 * The tables of the file, and how those of older versions become the newest.
 */
#include <errno.h>
#include <stdio.h>

#include "common/log.h"
#include "recorder/stores/sqlite_internal.h"

#include "common/banned.h"

#define APPLICATION_ID "1413567571" /* "TAPS" */

static int pack_bars(struct sqlite_store *s);

/* Step n brings a schema of version n to n + 1; PRAGMA user_version tells how far a file is. Add
 * steps, never change one. */
static const struct migration {
    const char *sql;
    int (*then)(struct sqlite_store *s); /* or NULL */
} migrations[] = {
    {.sql = "CREATE TABLE symbols("
            " id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, newest_ms INTEGER, seq INTEGER,"
            " volume_day INTEGER, volume INTEGER, volume_scale INTEGER);"
            "CREATE TABLE bars("
            " symbol INTEGER NOT NULL, resolution INTEGER NOT NULL, t INTEGER NOT NULL,"
            " open INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,"
            " close INTEGER NOT NULL, scale INTEGER NOT NULL, volume INTEGER NOT NULL,"
            " volume_scale INTEGER NOT NULL,"
            " first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL," /* from t on */
            " PRIMARY KEY(symbol, resolution, t)) WITHOUT ROWID;"
            "PRAGMA application_id=" APPLICATION_ID ";"},
    {.sql = "CREATE TABLE chunks(key INTEGER PRIMARY KEY, bars BLOB NOT NULL);"
            "CREATE TABLE ticks(id INTEGER PRIMARY KEY, symbol INTEGER NOT NULL,"
            " run INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
            " from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, quotes BLOB NOT NULL);"
            "CREATE UNIQUE INDEX ticks_by_seq ON ticks(symbol, run, first_seq, last_seq);"
            "CREATE INDEX ticks_by_time ON ticks(symbol, to_ms, from_ms);"
            "ALTER TABLE symbols ADD COLUMN run INTEGER;",
     .then = pack_bars},
};
#define SCHEMA_VERSION ((int)ARRAY_SIZE(migrations))

static int query_version(sqlite3 *db, int *ret)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);

    if (rc != SQLITE_OK)
        return sqlite_result(rc);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return sqlite_result(rc);
}

/* The bars of version 1, one a row with prices as integers of one scale. */
static int read_old_bar(sqlite3_stmt *st, struct store_bar *ret)
{
    struct bar *b = &ret->bar;
    struct decimal *const prices[] = {&b->open, &b->high, &b->low, &b->close};
    uint8_t scale = (uint8_t)sqlite3_column_int(st, 7);
    int r = resolution_of_seconds(sqlite3_column_int64(st, 1), &ret->resolution);

    ret->symbol = (const char *)sqlite3_column_text(st, 0);
    b->t = sqlite3_column_int64(st, 2);
    b->first_ms = b->t * 1000 + sqlite3_column_int64(st, 10);
    b->last_ms = b->t * 1000 + sqlite3_column_int64(st, 11);
    for (int i = 0; r == 0 && i < (int)ARRAY_SIZE(prices); i++)
        r = decimal_from_scaled(sqlite3_column_int64(st, 3 + i), scale, prices[i]);
    if (r == 0)
        r = decimal_from_scaled(sqlite3_column_int64(st, 8), (uint8_t)sqlite3_column_int(st, 9),
                                &b->volume);
    return r < 0 || ret->symbol == NULL ? -EBADMSG : 0;
}

static int pack_bars(struct sqlite_store *s)
{
    static const char all[] =
        "SELECT name, resolution, t, open, high, low, close, scale, b.volume, b.volume_scale,"
        " first_ms, last_ms FROM bars b JOIN symbols ON id = symbol ORDER BY symbol, resolution, t";
    struct store_bar bar;
    sqlite3_stmt *st;
    int r = sqlite_result(sqlite3_prepare_v2(s->db, all, -1, &st, NULL)), rc;

    while (r == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        r = rc == SQLITE_ROW ? read_old_bar(st, &bar) : sqlite_result(rc);
        if (r == 0)
            r = sqlite_put_bar(s, &bar);
    }
    sqlite3_finalize(st);
    if (r == 0)
        r = sqlite_flush_chunks(s);
    sqlite_forget_chunks(s);
    return r < 0 ? r : sqlite_result(sqlite3_exec(s->db, "DROP TABLE bars", NULL, NULL, NULL));
}

static int migrate_from(struct sqlite_store *s, int version)
{
    char set_version[48];
    int r = 0;

    for (int i = version; r == 0 && i < SCHEMA_VERSION; i++) {
        r = sqlite_result(sqlite3_exec(s->db, migrations[i].sql, NULL, NULL, NULL));
        if (r == 0 && migrations[i].then != NULL)
            r = migrations[i].then(s);
    }
    snprintf(set_version, sizeof(set_version), "PRAGMA user_version=%d", SCHEMA_VERSION);
    return r < 0 ? r : sqlite_result(sqlite3_exec(s->db, set_version, NULL, NULL, NULL));
}

static int refuse_newer(const char *path, int version)
{
    log_error("%s was written by a newer version of this program: its schema is %d, this one knows "
              "%d",
              path, version, SCHEMA_VERSION);
    return -EPROTONOSUPPORT;
}

/* In one transaction: two that start at once do not both do it, and a crash leaves the old one. */
int sqlite_migrate(struct sqlite_store *s, const char *path)
{
    int version = 0, r = sqlite_result(sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));

    if (r == 0)
        r = query_version(s->db, &version);
    if (r == 0 && version > SCHEMA_VERSION)
        return refuse_newer(path, version);
    if (r == 0)
        r = migrate_from(s, version);
    if (r == 0)
        r = sqlite_result(sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL));
    return r;
}

int sqlite_check_schema(struct sqlite_store *s, const char *path)
{
    int version = 0, r = query_version(s->db, &version);

    if (r == 0 && version > SCHEMA_VERSION)
        return refuse_newer(path, version);
    return r == 0 && version < SCHEMA_VERSION ? -ENOENT : r; /* nobody has written to it yet */
}
