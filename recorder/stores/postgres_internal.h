/*
 * postgres_internal -- what the files of the PostgreSQL store share: postgres.c connects and knows
 * schema and symbols, postgres_write.c writes batches, postgres_bars.c and postgres_ticks.c read
 * and delete. <libpq-fe.h> is included here alone.
 */
#ifndef TAPECAST_RECORDER_STORES_POSTGRES_INTERNAL_H
#define TAPECAST_RECORDER_STORES_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "recorder/store.h"

#define POSTGRES_ERROR_MAX 160

struct postgres_store {
    struct store store;
    PGconn *conn;
    char error[POSTGRES_ERROR_MAX];
};

/* Keep the first line of what the server or the library said. */
void postgres_note_error(struct postgres_store *s);

/* 0 when the result is as good as it should be; else a negative errno, the error noted. */
MUST_CHECK int postgres_result(struct postgres_store *s, const PGresult *result);

/* Run statements that give nothing. */
MUST_CHECK int postgres_run(struct postgres_store *s, const char *sql);

/* Ask with `n` values for $1 and so on. Returns 0 and *ret, freed with PQclear(). */
MUST_CHECK int postgres_query(struct postgres_store *s, const char *sql, int n,
                              const char *const *values, PGresult **ret);

/* Connected, again if need be, and in no transaction. */
MUST_CHECK int postgres_ensure_connected(struct postgres_store *s);

/* A column of an answer; of NULL 0. */
int64_t postgres_integer(const PGresult *rows, int row, int column);
MUST_CHECK int postgres_decimal(const PGresult *rows, int row, int column, struct decimal *ret);

/* Members of store_postgres. */
int postgres_write(struct store *store, const struct store_batch *batch);
int postgres_bars(struct store *store, const struct store_range *range, store_bar_fn *fn,
                  void *ctx);
int postgres_before(struct store *store, const char *symbol, enum resolution r, int64_t to,
                    size_t n, int64_t *ret_t);
int postgres_drop_bar(struct store *store, const char *symbol, enum resolution r, int64_t t);
int postgres_prune(struct store *store, enum resolution r, int64_t keep_s);
int postgres_ticks(struct store *store, const struct store_tick_range *range, store_tick_fn *fn,
                   void *ctx);
int postgres_fix_ticks(struct store *store, const char *symbol, const struct quote_correction *c);
int postgres_prune_ticks(struct store *store, int64_t keep_s);

#endif
