/*
 * finnhub -- what the parts of the feed `finnhub` share: finnhub.c (the feed and its state),
 * finnhub_poll.c (quotes by request; their answers: finnhub_health.c) and finnhub_stream.c (trades
 * by WebSocket).
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_FINNHUB_H
#define TAPECAST_PUBLISHER_FEEDS_FINNHUB_H

#include "common/backoff.h"
#include "publisher/feeds/budget.h"
#include "publisher/feeds/live.h"
#include "publisher/feeds/stream.h"
#include "publisher/net/http.h"

struct turn { /* when a row of the board is asked for */
    struct row *row;
    bool under_way;
    bool asked; /* has been answered at least once */
    struct mono asked_at;
    uint32_t denials;       /* in a row: not in the plan */
    struct mono not_before; /* while denied */
};

/* What the last answer to a request said; each sets it anew. */
enum health { STARTING, GOOD, EMPTY, FAULTY, LIMITED, LOCKED, UNCOVERED };

/* Requests under way at once, of the largest plan: about what it allows in a second. */
#define ASKS_MAX 8

struct ask { /* a request */
    struct http *http;
    struct turn *turn; /* NULL between two of them */
};

struct poll {
    struct ask asks[ASKS_MAX];
    size_t n_asks;
    struct turn *turns; /* one a row */
    size_t next;        /* whose turn it is */
    size_t n_denied;    /* rows that the plan does not cover */
    size_t barren;      /* answers without a price in a row */
    bool has_price;     /* of any symbol, ever */
    struct budget budget;
    struct backoff faults, limits, refusals;
    struct mono hold_until; /* nothing is asked before */
    enum health health;
    char detail[FEED_DETAIL_MAX];
};

struct trades {
    bool wanted;
    struct stream stream;
    char *url;                  /* holds the key */
    size_t most;                /* rows of which trades are asked for: the first ones */
    size_t subscribed, refused; /* of them on this connection: named, and too many */
    struct mono subscribe_at;   /* the next one */
    struct mono message_at;     /* the last message came */
    int64_t hold_ms;            /* after this connection's end, at least */
    struct backoff refusals;
    bool told;                   /* an error has been logged, on this connection */
    char fault[FEED_DETAIL_MAX]; /* why it is down; "" while it is up */
};

struct feed {
    struct live live;
    struct poll poll;
    struct trades trades;
};

/* By request: what the stream tells of is asked for rarely, everything else as often as the plan
 * allows. */
MUST_CHECK int poll_open(struct feed *f);
void poll_close(struct feed *f);
MUST_CHECK int poll_run(struct feed *f, struct mono now); /* -ENOMEM (logged) */
struct mono poll_deadline(struct feed *f, struct mono now);

/* What an answer to a request makes of poll.health, and for how long nothing is asked. */
void health_init(struct poll *p);
void health_well(struct poll *p, size_t n_symbols); /* as it should be, about this symbol or that */
void health_faulty(struct poll *p, const char *what);
void health_limited(struct poll *p, int64_t told_s); /* told_s: http_answer.retry_after_s */
void health_locked(struct poll *p, long http_status);

/* By stream. */
MUST_CHECK int trades_open(struct feed *f);
void trades_close(struct feed *f);
void trades_run(struct feed *f, struct mono now);
struct mono trades_deadline(const struct feed *f);

/* The stream has been asked for trades of `r`. */
bool trades_ask(const struct feed *f, const struct row *r);

/* The stream tells of `r` as it should. */
bool trades_cover(const struct feed *f, const struct row *r, struct mono now);

/* How trades come; FLOW_NONE while it is down. */
enum flow trades_flow(const struct feed *f, struct mono now);

#endif
