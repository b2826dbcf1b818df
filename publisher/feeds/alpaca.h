/*
 * alpaca -- what the parts of the feed `alpaca` share: alpaca.c (the feed and its state),
 * alpaca_session.c (the stream's connection: greeting, key, errors), alpaca_set.c (which symbols it
 * streams) and alpaca_snapshots.c (prices by request).
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_ALPACA_H
#define TAPECAST_PUBLISHER_FEEDS_ALPACA_H

#include "common/backoff.h"
#include "publisher/feeds/alpaca_message.h"
#include "publisher/feeds/budget.h"
#include "publisher/feeds/live.h"
#include "publisher/feeds/stream.h"
#include "publisher/net/http.h"

struct session {
    struct stream stream;
    char *url;
    bool authenticated;
    unsigned keys_sent;  /* on this connection */
    struct mono step_by; /* the answer to what we said last is due */
    int64_t hold_ms;     /* after this connection's end, at least */
    struct backoff denials;
    bool denied;                 /* not without a change of configuration */
    char fault[FEED_DETAIL_MAX]; /* why there is no stream; "" once it has told its set */
};

struct want {     /* of a row of the board */
    bool refused; /* the service does not like the symbol */
    bool active;  /* its trades come, by the last set that the service told */
};

struct set {
    struct want *wants;   /* one a row */
    size_t first, last;   /* rows of the frame under way */
    size_t named;         /* symbols in it; 0: none is under way */
    size_t next;          /* from this row on none was named yet */
    size_t step;          /* so many symbols in the next frame, at most */
    size_t active;        /* rows whose trades come */
    size_t most;          /* the plan's limit, as far as it is known */
    bool complete;        /* all that the service gives us has been named on this connection */
    bool told;            /* a set has come in this message */
    bool limit_told;      /* the plan's limit has been logged */
    struct backoff again; /* for symbols that the set lacks */
    struct mono again_at;
};

struct snapshots {
    struct http *http;
    char *key_header, *secret_header;
    bool asking, answered;   /* a request is under way; the last one was answered well */
    bool again;              /* there may have been a gap meanwhile */
    size_t first, last, end; /* rows of the request under way, or of the next */
    size_t named, batch;     /* symbols in it; of one request, at most */
    struct mono asked_at;    /* all of them */
    struct mono ask_at;      /* not before after a fault, at the latest else */
    struct budget budget;
    struct backoff faults, limits, refusals;
    char fault[FEED_DETAIL_MAX]; /* "" after a good answer */
};

struct feed {
    struct live live;
    struct alpaca_rules rules;
    const char *source; /* "iex" … "crypto"; what the user chose, or iex in its place */
    struct mono now;
    struct session session;
    struct set set;
    struct snapshots snapshots;
};

MUST_CHECK int session_open(struct feed *f);
void session_close(struct feed *f);
void session_run(struct feed *f);
struct mono session_deadline(const struct feed *f);
void session_send(struct feed *f, const char *text);
void session_await(struct feed *f); /* an answer to what was sent is due soon */

/* The service refuses a better feed than the plan has: take iex in its place. Returns false when
 * there is nothing to fall back to. */
bool session_fall_back(struct feed *f);

MUST_CHECK int set_open(struct feed *f);
void set_close(struct feed *f);
void set_begin(struct feed *f); /* name all symbols: we are authenticated */
void set_run(struct feed *f);
struct mono set_deadline(const struct feed *f);
void set_told(struct feed *f, const char *symbol); /* the set that comes: NULL, then each symbol */
void set_reconcile(struct feed *f);                /* it has come */
void set_symbol_refused(struct feed *f);           /* the frame under way names a bad symbol */
void set_full(struct feed *f);                     /* the frame under way exceeds the plan */
void set_refuse(struct feed *f, struct row *r);    /* `r` is no symbol of this service */
bool set_has(const struct feed *f, const struct row *r); /* its trades ought to come */
bool set_has_refused(const struct feed *f, const struct row *r);
size_t set_wanted(const struct feed *f); /* symbols that are not refused */

MUST_CHECK int snapshots_open(struct feed *f);
void snapshots_close(struct feed *f);
MUST_CHECK int snapshots_run(struct feed *f);
struct mono snapshots_deadline(const struct feed *f);
void snapshots_soon(struct feed *f); /* there may be a gap; a fault's pause is kept */

#endif
