/*
 * One file in WAL mode: readers never wait for the writer, a batch is one transaction, and a crash
 * leaves what was committed. With synchronous=NORMAL a power cut may take the last batches with it
 * but never harms the file.
 *
 * Prices of a bar are integers of one scale, so that the file is exact and small: a bar takes about
 * 35 bytes. The only file that includes <sqlite3.h>.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/log.h"
#include "recorder/store.h"

#include "common/banned.h"

#define APPLICATION_ID "1413567571" /* "TAPS" */
#define BUSY_MS 5000

/* Step n brings a schema of version n to n + 1; PRAGMA user_version tells how far a file is. Add
 * steps, never change one. */
static const char *const migrations[] = {
    "CREATE TABLE symbols("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, newest_ms INTEGER, seq INTEGER,"
    " volume_day INTEGER, volume INTEGER, volume_scale INTEGER);"
    "CREATE TABLE bars("
    " symbol INTEGER NOT NULL, resolution INTEGER NOT NULL, t INTEGER NOT NULL,"
    " open INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL, close INTEGER NOT NULL,"
    " scale INTEGER NOT NULL, volume INTEGER NOT NULL, volume_scale INTEGER NOT NULL,"
    " first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL," /* from t on */
    " PRIMARY KEY(symbol, resolution, t)) WITHOUT ROWID;"
    "PRAGMA application_id=" APPLICATION_ID ";",
};
#define SCHEMA_VERSION ((int)ARRAY_SIZE(migrations))

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    ADD_SYMBOL,
    FIND_SYMBOL,
    PUT_STATE,
    PUT_BAR,
    GET_BARS,
    GET_BEFORE,
    GET_FIRST,
    GET_SYMBOLS,
    PRUNE,
    N_STATEMENTS
};

static const char *const sql[N_STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD_SYMBOL] = "INSERT INTO symbols(name) VALUES(?1)",
    [FIND_SYMBOL] = "SELECT id FROM symbols WHERE name = ?1",
    [PUT_STATE] = "UPDATE symbols SET newest_ms = ?2, seq = ?3, volume_day = ?4, volume = ?5,"
                  " volume_scale = ?6 WHERE id = ?1",
    [PUT_BAR] = "REPLACE INTO bars VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [GET_BARS] = "SELECT t, open, high, low, close, scale, volume, volume_scale, first_ms, last_ms"
                 " FROM bars WHERE symbol = ?1 AND resolution = ?2 AND t >= ?3 AND t < ?4"
                 " ORDER BY t LIMIT ?5",
    [GET_BEFORE] = "SELECT t FROM bars WHERE symbol = ?1 AND resolution = ?2 AND t < ?3"
                   " ORDER BY t DESC LIMIT 1 OFFSET ?4",
    [GET_FIRST] = "SELECT t FROM bars WHERE symbol = ?1 AND resolution = ?2 AND t < ?3"
                  " ORDER BY t LIMIT 1",
    [GET_SYMBOLS] = "SELECT name, newest_ms, seq, volume_day, volume, volume_scale FROM symbols"
                    " WHERE substr(name, 1, length(?1)) = upper(?1) ORDER BY name LIMIT ?2",
    [PRUNE] = "DELETE FROM bars WHERE symbol = ?1 AND resolution = ?2 AND t <"
              " (SELECT max(t) FROM bars WHERE symbol = ?1 AND resolution = ?2) - ?3",
};

struct known_symbol {
    struct hash_node node;
    int64_t id;
    char name[SYMBOL_MAX + 1];
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS];
    struct hash_table symbols; /* struct known_symbol: those asked for so far */
};

/* ---- results ---- */

static int result_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_IOERR: /* what a full disk looks like where SQLite maps a file */
    case SQLITE_CANTOPEN:
        return -EIO;
    default:
        return -EBADMSG;
    }
}

static const char *sqlite_error(const struct store *s)
{
    return sqlite3_errmsg(((const struct sqlite_store *)s)->db);
}

/* ---- statements ---- */

static int prepare(struct sqlite_store *s, enum statement n, sqlite3_stmt **ret)
{
    int rc = SQLITE_OK;

    if (s->statements[n] == NULL)
        rc = sqlite3_prepare_v3(s->db, sql[n], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[n],
                                NULL);
    *ret = s->statements[n];
    return result_of(rc);
}

/* Run a prepared statement that gives nothing. */
static int run_to_end(sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    sqlite3_reset(st);
    return result_of(rc);
}

static int run(struct sqlite_store *s, enum statement n)
{
    sqlite3_stmt *st;
    int r = prepare(s, n, &st);

    return r < 0 ? r : run_to_end(st);
}

/* ---- symbols ---- */

static bool has_name(const struct hash_node *node, const void *key)
{
    return strcmp(CONTAINER_OF(node, const struct known_symbol, node)->name, key) == 0;
}

static void forget_symbols(struct sqlite_store *s)
{
    for (size_t i = 0; i < s->symbols.n_buckets; i++) {
        struct hash_node *next;
        for (struct hash_node *n = s->symbols.buckets[i]; n != NULL; n = next) {
            next = n->next;
            free(CONTAINER_OF(n, struct known_symbol, node));
        }
    }
    hash_table_release(&s->symbols);
    s->symbols = (struct hash_table){0};
}

static int remember_symbol(struct sqlite_store *s, const char *name, uint32_t hash, int64_t id)
{
    struct known_symbol *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return -ENOMEM;
    k->id = id;
    snprintf(k->name, sizeof(k->name), "%s", name);
    if (hash_table_add(&s->symbols, &k->node, hash) < 0) {
        free(k);
        return -ENOMEM;
    }
    return 0;
}

/* Look the name up in the file. -ENOENT: it is not there. */
static int query_symbol(struct sqlite_store *s, const char *name, int64_t *ret)
{
    sqlite3_stmt *st;
    int r = prepare(s, FIND_SYMBOL, &st), rc;

    if (r < 0)
        return r;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? -ENOENT : result_of(rc);
}

static int add_symbol(struct sqlite_store *s, const char *name, int64_t *ret)
{
    sqlite3_stmt *st;
    int r = prepare(s, ADD_SYMBOL, &st);

    if (r < 0)
        return r;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    r = run_to_end(st);
    if (r == 0)
        *ret = sqlite3_last_insert_rowid(s->db);
    return r;
}

static int symbol_id(struct sqlite_store *s, const char *name, bool add, int64_t *ret)
{
    uint32_t hash = hash_more(HASH_SEED, name, strlen(name));
    struct hash_node *node = hash_table_find(&s->symbols, hash, has_name, name);
    int64_t id = 0;
    int r;

    if (node != NULL) {
        *ret = CONTAINER_OF(node, struct known_symbol, node)->id;
        return 0;
    }
    r = query_symbol(s, name, &id);
    if (r == -ENOENT && add)
        r = add_symbol(s, name, &id);
    if (r == 0)
        r = remember_symbol(s, name, hash, id);
    if (r == 0)
        *ret = id;
    return r;
}

/* ---- writing ---- */

#define N_PRICES 4

/* The prices of a bar as integers of the smallest scale that holds all of them. Digits that 18 do
 * not hold beside a far larger price are rounded away. */
static uint8_t align_prices(const struct bar *b, int64_t ret[N_PRICES])
{
    const struct decimal prices[N_PRICES] = {b->open, b->high, b->low, b->close};
    uint8_t scale = 0;
    int i = 0;

    for (int k = 0; k < N_PRICES; k++)
        scale = prices[k].scale > scale ? prices[k].scale : scale;
    while (i < N_PRICES) {
        if (decimal_to_scaled(decimal_round(prices[i], scale), scale, &ret[i]) == 0) {
            i++;
        } else {
            scale--; /* ends at 0, which every decimal has room for */
            i = 0;
        }
    }
    return scale;
}

static int put_bar(struct sqlite_store *s, sqlite3_stmt *st, const struct store_bar *b)
{
    int64_t id, prices[N_PRICES];
    int r = symbol_id(s, b->symbol, true, &id);
    uint8_t scale;

    if (r < 0)
        return r;
    scale = align_prices(&b->bar, prices);
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int(st, 2, resolution_seconds(b->resolution));
    sqlite3_bind_int64(st, 3, b->bar.t);
    for (int i = 0; i < N_PRICES; i++)
        sqlite3_bind_int64(st, 4 + i, prices[i]);
    sqlite3_bind_int(st, 8, scale);
    sqlite3_bind_int64(st, 9, b->bar.volume.coef);
    sqlite3_bind_int(st, 10, b->bar.volume.scale);
    sqlite3_bind_int64(st, 11, b->bar.first_ms - b->bar.t * 1000);
    sqlite3_bind_int64(st, 12, b->bar.last_ms - b->bar.t * 1000);
    return run_to_end(st);
}

static int put_state(struct sqlite_store *s, sqlite3_stmt *st, const struct store_state *p)
{
    const struct bars_state *b = &p->state;
    int64_t id;
    int r = symbol_id(s, p->symbol, true, &id);

    if (r < 0)
        return r;
    sqlite3_clear_bindings(st);
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int64(st, 2, b->newest_ms);
    sqlite3_bind_int64(st, 3, (int64_t)b->seq);
    if (b->has_volume) {
        sqlite3_bind_int(st, 4, b->volume_day);
        sqlite3_bind_int64(st, 5, b->volume.coef);
        sqlite3_bind_int(st, 6, b->volume.scale);
    }
    return run_to_end(st);
}

static int put_all(struct sqlite_store *s, const struct store_batch *batch)
{
    sqlite3_stmt *bar = NULL, *state = NULL;
    int r = prepare(s, PUT_BAR, &bar);

    if (r == 0)
        r = prepare(s, PUT_STATE, &state);
    for (size_t i = 0; r == 0 && i < batch->n_bars; i++)
        r = put_bar(s, bar, &batch->bars[i]);
    for (size_t i = 0; r == 0 && i < batch->n_states; i++)
        r = put_state(s, state, &batch->states[i]);
    return r;
}

static int sqlite_write(struct store *store, const struct store_batch *batch)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int r = run(s, BEGIN);

    if (r < 0)
        return r;
    r = put_all(s, batch);
    if (r == 0)
        r = run(s, COMMIT);
    if (r < 0) {
        forget_symbols(s); /* some may not have been added after all */
        if (!sqlite3_get_autocommit(s->db))
            (void)run(s, ROLLBACK);
    }
    return r;
}

static int prune_symbol(struct sqlite_store *s, int64_t id, enum resolution r, int64_t keep_s)
{
    sqlite3_stmt *st;
    int result = prepare(s, PRUNE, &st);

    if (result < 0)
        return result;
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int(st, 2, resolution_seconds(r));
    sqlite3_bind_int64(st, 3, keep_s);
    return run_to_end(st);
}

/* A transaction for each symbol, so that the next batch never waits long. */
static int sqlite_prune(struct store *store, enum resolution r, int64_t keep_s)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    const struct hash_node *n = NULL;
    int result = 0;

    while (result == 0 && (n = hash_table_next(&s->symbols, n)) != NULL)
        result = prune_symbol(s, CONTAINER_OF(n, const struct known_symbol, node)->id, r, keep_s);
    return result;
}

/* ---- reading ---- */

static int read_bar(sqlite3_stmt *st, struct bar *ret)
{
    struct bar b = {.t = sqlite3_column_int64(st, 0)};
    struct decimal *prices[N_PRICES] = {&b.open, &b.high, &b.low, &b.close};
    uint8_t scale = (uint8_t)sqlite3_column_int(st, 5);
    int r;

    b.first_ms = b.t * 1000 + sqlite3_column_int64(st, 8);
    b.last_ms = b.t * 1000 + sqlite3_column_int64(st, 9);
    for (int i = 0; i < N_PRICES; i++) {
        r = decimal_from_scaled(sqlite3_column_int64(st, 1 + i), scale, prices[i]);
        if (r < 0)
            return r;
    }
    r = decimal_from_scaled(sqlite3_column_int64(st, 6), (uint8_t)sqlite3_column_int(st, 7),
                            &b.volume);
    if (r == 0)
        *ret = b;
    return r;
}

static int sqlite_bars(struct store *store, const struct store_range *range, store_bar_fn *fn,
                       void *ctx)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *st;
    struct bar bar;
    int64_t id;
    int result = symbol_id(s, range->symbol, false, &id), rc;

    if (result < 0)
        return result == -ENOENT ? 0 : result;
    result = prepare(s, GET_BARS, &st);
    if (result < 0)
        return result;
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int(st, 2, resolution_seconds(range->resolution));
    sqlite3_bind_int64(st, 3, range->from);
    sqlite3_bind_int64(st, 4, range->to);
    sqlite3_bind_int64(st, 5, (int64_t)range->max);
    while (result == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        result = rc == SQLITE_ROW ? read_bar(st, &bar) : result_of(rc);
        if (result == 0)
            result = fn(ctx, &bar);
    }
    sqlite3_reset(st);
    return result;
}

/* The first row of a statement that asks for a `t` before ?3. */
static int query_t(struct sqlite_store *s, sqlite3_stmt *st, int64_t id, enum resolution r,
                   int64_t to, int64_t *ret)
{
    int rc;

    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int(st, 2, resolution_seconds(r));
    sqlite3_bind_int64(st, 3, to);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    (void)s;
    return rc == SQLITE_DONE ? -ENOENT : result_of(rc);
}

static int sqlite_before(struct store *store, const char *symbol, enum resolution r, int64_t to,
                         size_t n, int64_t *ret_t)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *before = NULL, *first = NULL;
    int64_t id;
    int result = symbol_id(s, symbol, false, &id);

    if (result == 0)
        result = prepare(s, GET_BEFORE, &before);
    if (result == 0)
        result = prepare(s, GET_FIRST, &first);
    if (result < 0)
        return result;
    sqlite3_bind_int64(before, 4, (int64_t)n - 1);
    result = query_t(s, before, id, r, to, ret_t);
    return result == -ENOENT ? query_t(s, first, id, r, to, ret_t) : result;
}

static int read_symbol(sqlite3_stmt *st, store_symbol_fn *fn, void *ctx)
{
    struct store_state p = {.symbol = (const char *)sqlite3_column_text(st, 0)};
    struct bars_state *b = &p.state;

    if (p.symbol == NULL)
        return -ENOMEM;
    b->heard = sqlite3_column_type(st, 1) != SQLITE_NULL;
    b->newest_ms = sqlite3_column_int64(st, 1);
    b->seq = (uint64_t)sqlite3_column_int64(st, 2);
    b->has_volume = sqlite3_column_type(st, 4) != SQLITE_NULL;
    b->volume_day = sqlite3_column_int(st, 3);
    if (decimal_from_scaled(sqlite3_column_int64(st, 4), (uint8_t)sqlite3_column_int(st, 5),
                            &b->volume) < 0)
        return -EBADMSG;
    return fn(ctx, &p);
}

static int sqlite_symbols(struct store *store, const char *prefix, size_t max, store_symbol_fn *fn,
                          void *ctx)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *st;
    int r = prepare(s, GET_SYMBOLS, &st), rc;

    if (r < 0)
        return r;
    sqlite3_bind_text(st, 1, prefix, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, (int64_t)max);
    while (r == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE)
        r = rc == SQLITE_ROW ? read_symbol(st, fn, ctx) : result_of(rc);
    sqlite3_reset(st);
    return r;
}

/* ---- opening ---- */

static int query_version(sqlite3 *db, int *ret)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);

    if (rc != SQLITE_OK)
        return result_of(rc);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return result_of(rc);
}

static int migrate_from(sqlite3 *db, int version)
{
    char set_version[48];
    int rc = SQLITE_OK;

    for (int i = version; rc == SQLITE_OK && i < SCHEMA_VERSION; i++)
        rc = sqlite3_exec(db, migrations[i], NULL, NULL, NULL);
    snprintf(set_version, sizeof(set_version), "PRAGMA user_version=%d", SCHEMA_VERSION);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, set_version, NULL, NULL, NULL);
    return result_of(rc);
}

/* In one transaction: two that start at once do not both do it, and a crash leaves the old one. */
static int migrate(sqlite3 *db, const char *path)
{
    int version = 0, r = result_of(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));

    if (r == 0)
        r = query_version(db, &version);
    if (r == 0 && version > SCHEMA_VERSION) {
        log_error("%s was written by a newer version of this program: its schema is %d, this one "
                  "knows %d",
                  path, version, SCHEMA_VERSION);
        return -EPROTONOSUPPORT;
    }
    if (r == 0)
        r = migrate_from(db, version);
    if (r == 0)
        r = result_of(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    return r;
}

static int set_up(sqlite3 *db, enum store_mode mode, const char *path)
{
    static const char writer[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                                 "PRAGMA cache_size=-32768; PRAGMA journal_size_limit=67108864;";
    int version = 0, r;

    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_MS);
    if (mode == STORE_WRITE) {
        r = result_of(sqlite3_exec(db, writer, NULL, NULL, NULL));
        return r < 0 ? r : migrate(db, path);
    }
    r = query_version(db, &version);
    return r == 0 && version == 0 ? -ENOENT : r; /* its first moments */
}

static void sqlite_close(struct store *store)
{
    struct sqlite_store *s = (struct sqlite_store *)store;

    forget_symbols(s);
    for (int i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    free(s);
}

static int sqlite_open(const char *path, enum store_mode mode, struct store **ret)
{
    int flags =
        mode == STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    struct sqlite_store *s = calloc(1, sizeof(*s));
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->store.ops = &store_sqlite;
    r = result_of(sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL));
    if (r == 0)
        r = set_up(s->db, mode, path);
    if (r == -EIO && mode == STORE_READ && sqlite3_errcode(s->db) == SQLITE_CANTOPEN)
        r = -ENOENT;
    if (r == 0) {
        *ret = &s->store;
        return 0;
    }
    if (r != -EPROTONOSUPPORT && r != -ENOENT)
        log_error("cannot open the store %s: %s", path, sqlite3_errmsg(s->db));
    sqlite_close(&s->store);
    return r;
}

const struct store_ops store_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .error = sqlite_error,
    .write = sqlite_write,
    .prune = sqlite_prune,
    .bars = sqlite_bars,
    .before = sqlite_before,
    .symbols = sqlite_symbols,
};
