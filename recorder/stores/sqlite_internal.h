/*
 * sqlite_internal -- what the files of the SQLite store share: sqlite.c opens the file and knows
 * its symbols, sqlite_schema.c has its tables, sqlite_bars.c and sqlite_ticks.c read and write.
 * <sqlite3.h> is included here alone.
 */
#ifndef TAPECAST_RECORDER_STORES_SQLITE_INTERNAL_H
#define TAPECAST_RECORDER_STORES_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "common/hash.h"
#include "recorder/store.h"

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    ADD_SYMBOL,
    FIND_SYMBOL,
    PUT_STATE,
    GET_SYMBOLS,
    PUT_CHUNK,
    GET_CHUNK,
    GET_CHUNKS,
    GET_CHUNKS_BACK,
    DROP_CHUNKS,
    PUT_TICKS,
    GET_TICKS_BY_SEQ,
    GET_TICKS_BY_TIME,
    HAS_TICKS,
    FIX_TICKS,
    DROP_TICKS,
    N_STATEMENTS
};

/* The bars of one chunk while a batch is written. */
struct chunk {
    int64_t key; /* 0: none */
    struct bar *bars;
    size_t n, cap;
    bool changed;
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS];
    struct hash_table symbols; /* those asked for so far */
    struct chunk chunks[N_RESOLUTIONS];
    uint8_t *bytes; /* room to pack in */
    size_t cap_bytes;
    const char *error; /* what SQLite does not say itself; NULL: it does */
};

/* A negative errno of SQLite's result code; 0 also for rows. */
int sqlite_result(int rc);

/* The statement, ready to be bound. */
MUST_CHECK int sqlite_prepare(struct sqlite_store *s, enum statement n, sqlite3_stmt **ret);

/* Run a statement that gives nothing. */
MUST_CHECK int sqlite_run(sqlite3_stmt *st);

/* Room for `n` bytes in s->bytes. Returns 0; -ENOMEM. */
MUST_CHECK int sqlite_reserve(struct sqlite_store *s, size_t n);

/* The bytes of what the store wrote cannot be read. Returns -EBADMSG. */
int sqlite_damaged(struct sqlite_store *s);

/* -ENOENT: it is not there, and not to be added. */
MUST_CHECK int sqlite_symbol(struct sqlite_store *s, const char *name, bool add, int64_t *ret);

/* Make the tables of a new file, or bring those of an older one to this version's; all or nothing.
 * Returns 0; -EPROTONOSUPPORT after logging that the file at `path` is of a newer version; what
 * SQLite says. */
MUST_CHECK int sqlite_migrate(struct sqlite_store *s, const char *path);

/* Are the tables this version's? As sqlite_migrate(), and -ENOENT: they are older, or not there. */
MUST_CHECK int sqlite_check_schema(struct sqlite_store *s, const char *path);

/* Put a bar into its chunk, which is written when another one is needed, or by the flush. */
MUST_CHECK int sqlite_put_bar(struct sqlite_store *s, const struct store_bar *b);
MUST_CHECK int sqlite_flush_chunks(struct sqlite_store *s);
void sqlite_forget_chunks(struct sqlite_store *s);

int sqlite_bars(struct store *store, const struct store_range *range, store_bar_fn *fn, void *ctx);
int sqlite_before(struct store *store, const char *symbol, enum resolution r, int64_t to, size_t n,
                  int64_t *ret_t);
/* Delete one bar, or all before `t`, in a transaction of the caller's. */
MUST_CHECK int sqlite_drop_bar(struct sqlite_store *s, int64_t symbol, enum resolution r,
                               int64_t t);
MUST_CHECK int sqlite_drop_bars(struct sqlite_store *s, int64_t symbol, enum resolution r,
                                int64_t t);

/* Ticks of one symbol and run that stand together with rising `seq` become one row. */
MUST_CHECK int sqlite_put_ticks(struct sqlite_store *s, const struct store_tick *ticks, size_t n);
int sqlite_ticks(struct store *store, const struct store_tick_range *range, store_tick_fn *fn,
                 void *ctx);
MUST_CHECK int sqlite_drop_ticks(struct sqlite_store *s, int64_t symbol, int64_t keep_s);
int sqlite_fix_ticks(struct store *store, const char *symbol, const struct quote_correction *c);

#endif
