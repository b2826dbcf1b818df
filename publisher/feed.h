/*
 * feed -- where quotes come from: the simulator, a file, Finnhub, Alpaca.
 *
 * open() runs in the publisher's main thread and does not wait for a network; next() runs in a
 * thread of the feed's own until it ends or the publisher stops; summary() and close() run in the
 * main thread again when that thread has ended. So only state() meets next(). A feed never
 * publishes, never sets `seq`, and gives only prices that it received; the publish path validates,
 * numbers and paces.
 */
#ifndef TAPECAST_PUBLISHER_FEED_H
#define TAPECAST_PUBLISHER_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/macros.h"
#include "common/quote.h"

struct calendar;
struct playback;
struct feed; /* each feed's own */

/* The options of all feeds, as read from the command line; strings live as long as the program. */
struct feed_options {
    uint64_t seed;      /* sim; 0 draws one and logs it */
    uint64_t rate;      /* sim: ticks a second over all symbols; 0 is the default for the symbols */
    const char *state;  /* sim: a file that its prices are kept in; or NULL */
    const char *file;   /* replay */
    const char *speed;  /* replay: "1", "10", "0.5", "max" */
    bool loop;          /* replay */
    const char *record; /* live: a file for what the service says; or NULL */
    uint64_t record_limit_mb;
    bool odd_lots;       /* live: trades of less than a round lot move the price too */
    const char *ca_file; /* live: certificates to trust; NULL for the system's */
    const char *finnhub_url;
    const char *finnhub_ws_url; /* NULL: no stream */
    uint64_t finnhub_stream_symbols;
    uint64_t finnhub_calls_per_minute;
    char *finnhub_key;       /* NULL when not set; never logged */
    const char *alpaca_feed; /* "iex", "sip", … "crypto" */
    const char *alpaca_url, *alpaca_ws_url;
    const char *alpaca_trading_url; /* where to ask for the market's hours; NULL: nowhere */
    uint64_t alpaca_calls_per_minute;
    char *alpaca_key, *alpaca_secret; /* as finnhub_key */
};

struct feed_config {
    const char *const *symbols; /* normalized, distinct; n_symbols 0 is "the feed's own choice" */
    size_t n_symbols;
    const struct feed_options *options;
    struct calendar *calendar; /* of US exchanges, shared by all feeds; NULL: the rules alone */
    struct playback *playback; /* live: a record in the network's place; or NULL */
    int stop_fd; /* becomes and stays readable when the publisher stops: poll it while waiting */
};

enum feed_condition {
    FEED_STARTING,
    FEED_LIVE,    /* quotes come as they should */
    FEED_WAITING, /* healthy, nothing to say: market closed, between polls */
    FEED_FAULT,   /* cannot deliver now, tries again by itself */
    FEED_FAILED,  /* will not deliver without a change of configuration */
    FEED_ENDED,   /* a file has been played */
};

#define FEED_DETAIL_MAX 96

/* Changes when something happened, not with each quote: every change is logged and published. */
struct feed_state {
    enum feed_condition condition;
    bool asking;                  /* LIVE, but slowly: the stream is down, prices are asked for */
    char detail[FEED_DETAIL_MAX]; /* a sentence for people, or ""; no secrets */
    int64_t clock_ahead_ms; /* the service's clock, minus ours; no change of state by itself */
};

struct feed_ops {
    const char *name; /* as --feed takes it */
    enum quote_mode mode;

    /* Must every quote reach the broker, so that the feed waits rather than being conflated while
     * the broker is away or slow? NULL is no. */
    bool (*lossless)(const struct feed_options *options);

    /* Returns 0 and sets *ret; or after logging one line that says what to do: -EINVAL the options
     * are wrong (the program exits with 2), or another negative errno. Keeps a copy of *config. */
    int (*open)(const struct feed_config *config, struct feed **ret);

    /* Wait for the next quote until `deadline` or stop_fd. Returns 0 and fills *ret but for seq;
     * -ETIMEDOUT; -ECANCELED stopped; -ENODATA the feed has ended; another negative errno when it
     * failed for good (logged). */
    int (*next)(struct feed *f, struct mono deadline, struct quote *ret);

    /* Would next() give another one without waiting? To be asked behind it. NULL: what it gives may
     * wait for the publisher's thread; else each is published in the feed's own. */
    bool (*has_more)(const struct feed *f);

    void (*state)(struct feed *f, struct feed_state *ret); /* any thread */

    /* One line after the other on `out` about what was read and left out; NULL when there is
     * nothing to tell. */
    void (*summary)(struct feed *f, uint64_t published, FILE *out);

    void (*close)(struct feed *f); /* NULL is allowed */
};

extern const struct feed_ops feed_sim, feed_replay, feed_finnhub, feed_alpaca;

/* `replay` of a record of what a service said. */
extern const struct feed_ops feed_recording;

/* The feed that `--feed` names, or NULL. */
const struct feed_ops *feed_find(const char *name);

const char *feed_condition_name(enum feed_condition condition); /* "starting", "live", … */

/* What --speed says: a factor, 0 for `max`. Returns 0; -EINVAL (logged). */
MUST_CHECK int feed_speed(const struct feed_options *options, double *ret);

/* Sleep until `t` or until the publisher stops. Returns 0 or -ECANCELED. For feeds that wait for a
 * moment, not for a socket. */
MUST_CHECK int feed_wait(const struct feed_config *config, struct mono t);

#endif
