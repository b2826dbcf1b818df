/*
 * store -- where bars and ticks are kept: an SQLite file, or a PostgreSQL database.
 *
 * The recorder writes batches, each one transaction: all of it is there or nothing. Writing a bar
 * again replaces it, so a batch may be written twice. Readers see whole batches, and neither side
 * waits for the other. One thread each; calls block as long as the disk or the server does.
 *
 * All functions return 0 or a negative errno; store_error() says in words what was wrong with the
 * last one. -ENOSPC, -EBUSY, -EIO and -ENOTCONN may pass: try again later, with the same store.
 */
#ifndef TAPECAST_RECORDER_STORE_H
#define TAPECAST_RECORDER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/topic.h"
#include "recorder/bars.h"
#include "recorder/resolution.h"

struct store;

enum store_mode {
    STORE_READ,  /* only what is there: -ENOENT when there is no store yet */
    STORE_WRITE, /* made when it is missing, its schema brought up to date */
};

struct store_bar {
    const char *symbol; /* normalized; stays where it is until the batch is written */
    enum resolution resolution;
    struct bar bar;
};

struct store_state {
    const char *symbol;
    struct bars_state state;
};

/* A quote as it came. Writing one of the same run and `seq` again replaces it. */
struct store_tick {
    uint32_t run; /* of the publisher, counted for each symbol */
    struct quote quote;
};

struct store_batch {
    const struct store_bar *bars;
    size_t n_bars;
    const struct store_state *states;
    size_t n_states;
    const struct store_tick *ticks; /* fastest with those of a symbol together */
    size_t n_ticks;
};

/* postgres://… or postgresql://… is a PostgreSQL database, anything else the name of an SQLite
 * file. On failure *ret is not set and the reason has been logged, but for -ENOENT. */
MUST_CHECK int store_open(const char *url, enum store_mode mode, struct store **ret);
void store_close(struct store *s); /* NULL is allowed */
const char *store_error(const struct store *s);

MUST_CHECK int store_write(struct store *s, const struct store_batch *batch);

/* Delete one bar; it need not be there. */
MUST_CHECK int store_drop_bar(struct store *s, const char *symbol, enum resolution r, int64_t t);

/* Delete a symbol's bars of a resolution, or ticks, that are more than `keep_s` older than its
 * newest one: those of symbols that this store has written to since it was opened. */
MUST_CHECK int store_prune(struct store *s, enum resolution r, int64_t keep_s);
MUST_CHECK int store_prune_ticks(struct store *s, int64_t keep_s);

/* What is given to the callbacks is valid during the call. A negative result ends the reading and
 * is returned. */
typedef int store_bar_fn(void *ctx, const struct bar *bar);
typedef int store_symbol_fn(void *ctx, const struct store_state *symbol);

/* Bars of one symbol with from <= t < to, at most `max`. */
struct store_range {
    const char *symbol;
    enum resolution resolution;
    int64_t from, to;
    size_t max;
    bool without_times; /* first_ms and last_ms are not wanted, and are t's */
};

/* In ascending order. */
MUST_CHECK int store_bars(struct store *s, const struct store_range *range, store_bar_fn *fn,
                          void *ctx);

/* The `t` of the n-th last bar (n >= 1) before `to`, or of the first where there are fewer.
 * -ENOENT: there is none. */
MUST_CHECK int store_before(struct store *s, const char *symbol, enum resolution r, int64_t to,
                            size_t n, int64_t *ret_t);

/* Ticks of one symbol: of one run by `seq`, or of all runs by their time. */
struct store_tick_range {
    const char *symbol;
    bool by_seq;
    uint32_t run;              /* by_seq: 0 is the newest */
    uint64_t from_seq, to_seq; /* both included */
    int64_t from_ms, to_ms;    /* from_ms <= timestamp < to_ms */
};

typedef int store_tick_fn(void *ctx, const struct store_tick *tick);

/* In no order by seq; by time as they were recorded, about. -ENOENT: there is no tick of this
 * symbol, or none of this run, at all. */
MUST_CHECK int store_ticks(struct store *s, const struct store_tick_range *range, store_tick_fn *fn,
                           void *ctx);

/* Give ticks of that time and price the right one, or delete them. Returns how many there were. */
MUST_CHECK int store_fix_ticks(struct store *s, const char *symbol,
                               const struct quote_correction *c);

/* Symbols whose name begins with `prefix` (any case), in the order of names, at most `max`. */
MUST_CHECK int store_symbols(struct store *s, const char *prefix, size_t max, store_symbol_fn *fn,
                             void *ctx);

/*
 * For the implementations
 */

struct store_ops {
    int (*open)(const char *url, enum store_mode mode, struct store **ret);
    void (*close)(struct store *s);
    const char *(*error)(const struct store *s);
    int (*write)(struct store *s, const struct store_batch *batch);
    int (*drop_bar)(struct store *s, const char *symbol, enum resolution r, int64_t t);
    int (*prune)(struct store *s, enum resolution r, int64_t keep_s);
    int (*prune_ticks)(struct store *s, int64_t keep_s);
    int (*ticks)(struct store *s, const struct store_tick_range *range, store_tick_fn *fn,
                 void *ctx);
    int (*fix_ticks)(struct store *s, const char *symbol, const struct quote_correction *c);
    int (*bars)(struct store *s, const struct store_range *range, store_bar_fn *fn, void *ctx);
    int (*before)(struct store *s, const char *symbol, enum resolution r, int64_t to, size_t n,
                  int64_t *ret_t);
    int (*symbols)(struct store *s, const char *prefix, size_t max, store_symbol_fn *fn, void *ctx);
};

struct store {
    const struct store_ops *ops;
};

extern const struct store_ops store_sqlite, store_postgres;

#endif
