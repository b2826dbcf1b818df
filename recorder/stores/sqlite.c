/*
 * One file in WAL mode: readers never wait for the writer, a batch is one transaction, and a crash
 * leaves what was committed. With synchronous=NORMAL a power cut may take the last batches with it
 * but never harms the file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "recorder/stores/sqlite_internal.h"

#include "common/banned.h"

#define BUSY_MS 2000

static const char *const sql[N_STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD_SYMBOL] = "INSERT INTO symbols(name) VALUES(?1)",
    [FIND_SYMBOL] = "SELECT id FROM symbols WHERE name = ?1",
    [PUT_STATE] = "UPDATE symbols SET newest_ms = ?2, seq = ?3, volume_day = ?4, volume = ?5,"
                  " volume_scale = ?6, run = ?7 WHERE id = ?1",
    [GET_SYMBOLS] = "SELECT name, newest_ms, seq, volume_day, volume, volume_scale, run"
                    " FROM symbols WHERE substr(name, 1, length(?1)) = upper(?1)"
                    " ORDER BY name LIMIT ?2",
    [PUT_CHUNK] = "REPLACE INTO chunks VALUES(?1, ?2)",
    [GET_CHUNK] = "SELECT bars FROM chunks WHERE key = ?1",
    [GET_CHUNKS] = "SELECT bars FROM chunks WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [GET_CHUNKS_BACK] = "SELECT bars FROM chunks WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC",
    [DROP_CHUNKS] = "DELETE FROM chunks WHERE key >= ?1 AND key < ?2",
    [PUT_TICKS] = "REPLACE INTO ticks(symbol, run, first_seq, last_seq, from_ms, to_ms, quotes)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [GET_TICKS_BY_SEQ] = "SELECT run, quotes FROM ticks WHERE symbol = ?1 AND run ="
                         " CASE ?2 WHEN 0 THEN (SELECT max(run) FROM ticks WHERE symbol = ?1)"
                         " ELSE ?2 END AND first_seq <= ?4 AND last_seq >= ?3",
    [GET_TICKS_BY_TIME] = "SELECT run, quotes, id FROM ticks"
                          " WHERE symbol = ?1 AND to_ms >= ?2 AND from_ms < ?3"
                          " ORDER BY to_ms",
    [HAS_TICKS] = "SELECT 1 FROM ticks WHERE symbol = ?1 AND (?2 = 0 OR run = ?2) LIMIT 1",
    [FIX_TICKS] = "UPDATE ticks SET quotes = ?2 WHERE id = ?1",
    [DROP_TICKS] = "DELETE FROM ticks WHERE symbol = ?1 AND to_ms <"
                   " (SELECT max(to_ms) FROM ticks WHERE symbol = ?1) - ?2",
};

struct known_symbol {
    struct hash_node node;
    int64_t id;
    char name[SYMBOL_MAX + 1];
};

/* ---- results ---- */

int sqlite_result(int rc)
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

static const char damaged[] =
    "the file is damaged: restore a backup, or begin a new one under another name";

static bool is_damaged(sqlite3 *db)
{
    int rc = sqlite3_errcode(db) & 0xff;

    return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

static const char *sqlite_error(const struct store *s)
{
    const struct sqlite_store *sqlite = (const struct sqlite_store *)s;

    if (sqlite->error != NULL)
        return sqlite->error;
    return is_damaged(sqlite->db) ? damaged : sqlite3_errmsg(sqlite->db);
}

/* ---- statements ---- */

int sqlite_prepare(struct sqlite_store *s, enum statement n, sqlite3_stmt **ret)
{
    int rc = SQLITE_OK;

    s->error = NULL;
    if (s->statements[n] == NULL)
        rc = sqlite3_prepare_v3(s->db, sql[n], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[n],
                                NULL);
    *ret = s->statements[n];
    return sqlite_result(rc);
}

int sqlite_run(sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    sqlite3_reset(st);
    return sqlite_result(rc);
}

static int run(struct sqlite_store *s, enum statement n)
{
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, n, &st);

    return r < 0 ? r : sqlite_run(st);
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
    int r = sqlite_prepare(s, FIND_SYMBOL, &st), rc;

    if (r < 0)
        return r;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? -ENOENT : sqlite_result(rc);
}

static int add_symbol(struct sqlite_store *s, const char *name, int64_t *ret)
{
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, ADD_SYMBOL, &st);

    if (r < 0)
        return r;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    r = sqlite_run(st);
    if (r == 0)
        *ret = sqlite3_last_insert_rowid(s->db);
    return r;
}

int sqlite_symbol(struct sqlite_store *s, const char *name, bool add, int64_t *ret)
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

int sqlite_reserve(struct sqlite_store *s, size_t n)
{
    uint8_t *bigger;

    if (n <= s->cap_bytes)
        return 0;
    bigger = realloc(s->bytes, n);
    if (bigger == NULL)
        return -ENOMEM;
    s->bytes = bigger;
    s->cap_bytes = n;
    return 0;
}

int sqlite_damaged(struct sqlite_store *s)
{
    s->error = damaged;
    return -EBADMSG;
}

static int put_state(struct sqlite_store *s, sqlite3_stmt *st, const struct store_state *p)
{
    const struct bars_state *b = &p->state;
    int64_t id;
    int r = sqlite_symbol(s, p->symbol, true, &id);

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
    sqlite3_bind_int64(st, 7, b->run);
    return sqlite_run(st);
}

static int put_all(struct sqlite_store *s, const struct store_batch *batch)
{
    sqlite3_stmt *state = NULL;
    int r = sqlite_prepare(s, PUT_STATE, &state);

    for (size_t i = 0; r == 0 && i < batch->n_bars; i++)
        r = sqlite_put_bar(s, &batch->bars[i]);
    if (r == 0)
        r = sqlite_flush_chunks(s);
    if (r == 0)
        r = sqlite_put_ticks(s, batch->ticks, batch->n_ticks);
    for (size_t i = 0; r == 0 && i < batch->n_states; i++)
        r = put_state(s, state, &batch->states[i]);
    return r;
}

/* Commit when `r` is 0, else leave everything as it was. */
static int end_transaction(struct sqlite_store *s, int r)
{
    sqlite_forget_chunks(s); /* another writer may come between two batches */
    if (r == 0)
        r = run(s, COMMIT);
    if (r < 0) {
        const char *error = s->error;

        forget_symbols(s); /* some may not have been added after all */
        if (!sqlite3_get_autocommit(s->db))
            (void)run(s, ROLLBACK);
        s->error = error;
    }
    return r;
}

static int sqlite_write(struct store *store, const struct store_batch *batch)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int r = run(s, BEGIN);

    return r < 0 ? r : end_transaction(s, put_all(s, batch));
}

static int drop_bar(struct store *store, const char *symbol, enum resolution r, int64_t t)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int64_t id;
    int result = sqlite_symbol(s, symbol, false, &id);

    if (result == 0)
        result = run(s, BEGIN);
    if (result == 0)
        result = end_transaction(s, sqlite_drop_bar(s, id, r, t));
    return result == -ENOENT ? 0 : result;
}

static int prune_symbol(struct sqlite_store *s, const struct known_symbol *k, enum resolution r,
                        int64_t keep_s)
{
    int64_t newest;
    int result = sqlite_before(&s->store, k->name, r, INT64_MAX, 1, &newest);

    if (result == 0)
        result = run(s, BEGIN);
    if (result == 0)
        result = end_transaction(s, sqlite_drop_bars(s, k->id, r, newest - keep_s));
    return result == -ENOENT ? 0 : result;
}

/* A transaction for each symbol, so that the next batch never waits long. */
static int sqlite_prune(struct store *store, enum resolution r, int64_t keep_s)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    const struct hash_node *n = NULL;
    int result = 0;

    while (result == 0 && (n = hash_table_next(&s->symbols, n)) != NULL)
        result = prune_symbol(s, CONTAINER_OF(n, const struct known_symbol, node), r, keep_s);
    return result;
}

static int sqlite_prune_ticks(struct store *store, int64_t keep_s)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    const struct hash_node *n = NULL;
    int result = 0;

    while (result == 0 && (n = hash_table_next(&s->symbols, n)) != NULL)
        result = sqlite_drop_ticks(s, CONTAINER_OF(n, const struct known_symbol, node)->id, keep_s);
    return result;
}

/* ---- reading ---- */

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
    b->run = (uint32_t)sqlite3_column_int64(st, 6);
    return fn(ctx, &p);
}

static int sqlite_symbols(struct store *store, const char *prefix, size_t max, store_symbol_fn *fn,
                          void *ctx)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *st;
    int r = sqlite_prepare(s, GET_SYMBOLS, &st), rc;

    if (r < 0)
        return r;
    sqlite3_bind_text(st, 1, prefix, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, (int64_t)max);
    while (r == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE)
        r = rc == SQLITE_ROW ? read_symbol(st, fn, ctx) : sqlite_result(rc);
    sqlite3_reset(st);
    return r;
}

/* ---- opening ---- */

static int set_up(struct sqlite_store *s, enum store_mode mode, const char *path)
{
    static const char writer[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                                 "PRAGMA cache_size=-32768; PRAGMA journal_size_limit=67108864;";
    sqlite3 *db = s->db;
    int r;

    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_MS);
    if (mode == STORE_READ)
        return sqlite_check_schema(s, path);
    r = sqlite_result(sqlite3_exec(db, writer, NULL, NULL, NULL));
    return r < 0 ? r : sqlite_migrate(s, path);
}

static void sqlite_close(struct store *store)
{
    struct sqlite_store *s = (struct sqlite_store *)store;

    forget_symbols(s);
    for (int r = 0; r < N_RESOLUTIONS; r++)
        free(s->chunks[r].bars);
    free(s->bytes);
    for (int i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    free(s);
}

/* What to do about it. */
static const char *advice(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CANTOPEN:
        return ": its folder must be there, and writable for us";
    case SQLITE_READONLY:
        return ": the file and its folder must be writable for us";
    case SQLITE_BUSY:
        return ": another program holds it; end that, or wait for it";
    default:
        return "";
    }
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
    r = sqlite_result(sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL));
    if (r == 0)
        r = set_up(s, mode, path);
    if (r == -EIO && mode == STORE_READ && sqlite3_errcode(s->db) == SQLITE_CANTOPEN)
        r = -ENOENT;
    if (r == 0) {
        *ret = &s->store;
        return 0;
    }
    if (r != -EPROTONOSUPPORT && r != -ENOENT)
        log_error("cannot open the store %s: %s%s", path, sqlite_error(&s->store),
                  advice(sqlite3_errcode(s->db)));
    sqlite_close(&s->store);
    return r;
}

const struct store_ops store_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .error = sqlite_error,
    .write = sqlite_write,
    .drop_bar = drop_bar,
    .prune = sqlite_prune,
    .prune_ticks = sqlite_prune_ticks,
    .ticks = sqlite_ticks,
    .fix_ticks = sqlite_fix_ticks,
    .bars = sqlite_bars,
    .before = sqlite_before,
    .symbols = sqlite_symbols,
};
