/*
 * finnhub -- what the parts of the feed `finnhub` share: finnhub.c (the feed, its loop and state),
 * finnhub_poll.c (quotes by request) and finnhub_stream.c (trades by WebSocket).
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_FINNHUB_H
#define TAPECAST_PUBLISHER_FEEDS_FINNHUB_H

#include <pthread.h>

#include "common/backoff.h"
#include "common/list.h"
#include "publisher/feed.h"
#include "publisher/feeds/budget.h"
#include "publisher/feeds/listing.h"
#include "publisher/feeds/pulse.h"
#include "publisher/feeds/stream.h"
#include "publisher/index.h"
#include "publisher/net/http.h"

struct slot { /* a symbol */
    struct listing listing;
    struct list news; /* in feed.news while listing.good waits to be published */
    bool told;        /* something odd about it has been logged */

    /* by request */
    bool asked; /* has been answered at least once */
    struct mono asked_at;
    uint32_t denials;       /* in a row: not in the plan */
    struct mono not_before; /* while denied */

    /* by stream */
    bool heard;         /* a trade of it, on this connection */
    struct wall traded; /* when the last trade heard was made */
    struct pulse pulse; /* of its trades */
};

/* What the last answer to a request said; each sets it anew. */
enum health { STARTING, GOOD, EMPTY, FAULTY, LIMITED, LOCKED, UNCOVERED };

struct poll {
    struct http *http;
    size_t turn;     /* the next slot to ask */
    size_t n_denied; /* slots that the plan does not cover */
    size_t barren;   /* answers without a price in a row */
    bool has_price;  /* of any symbol, ever */
    struct budget budget;
    struct backoff faults, refusals;
    struct rng rng;
    struct mono hold_until; /* nothing is asked before */
    struct slot *asking;    /* whose answer is under way; NULL between requests */
    enum health health;
    char detail[FEED_DETAIL_MAX];
};

struct trades {
    bool wanted, locked; /* locked: the key is not accepted */
    struct stream stream;
    char *url;                   /* holds the key */
    size_t most;                 /* slots of which trades are asked for: the first ones */
    size_t subscribed;           /* of them on this connection */
    struct mono subscribe_at;    /* the next one */
    struct mono message_at;      /* the last message came */
    struct pulse pulse;          /* of all trades together */
    bool told;                   /* an error has been logged, on this connection */
    size_t missed;               /* answers newer than what the stream gave, in a row */
    char fault[FEED_DETAIL_MAX]; /* why it is down; "" while it is up */
};

struct feed {
    struct feed_config config;
    struct calendar *calendar;
    struct net *net;
    struct slot *slots;
    size_t n_slots;
    struct index index;
    struct list news;           /* slots, in the order in which they had news */
    struct mono published_at;   /* the last of them */
    enum quote_session session; /* of US exchanges, when last looked */
    struct poll poll;
    struct trades trades;

    pthread_mutex_t lock;
    struct feed_state state; /* under the lock */
};

/* `verdict` on an offer to s->listing: keeps news for publishing, tells oddities once. */
void finnhub_judge(struct feed *f, struct slot *s, enum lastgood_verdict verdict);
void finnhub_tell_once(struct slot *s, const char *what);

/* By request: what the stream tells of is asked for rarely, everything else as often as the plan
 * allows. */
MUST_CHECK int poll_open(struct feed *f);
void poll_close(struct feed *f);
MUST_CHECK int poll_run(struct feed *f, struct mono now); /* -ENOMEM (logged) */
struct mono poll_deadline(struct feed *f, struct mono now);

/* By stream. */
MUST_CHECK int trades_open(struct feed *f);
void trades_close(struct feed *f);
void trades_run(struct feed *f, struct mono now);
struct mono trades_deadline(const struct feed *f);
void trades_forget_pace(struct feed *f); /* another session begins: other gaps are usual */

/* The stream tells of `s` as it should. */
bool trades_cover(const struct feed *f, const struct slot *s, struct mono now);

enum flow {
    FLOW_NONE,
    FLOW_GOOD,
    FLOW_SILENT
}; /* down or little heard yet; trades; none any more */
enum flow trades_flow(const struct feed *f, struct mono now);

/* An answer says that `s` was traded at `t`: has the stream told? */
void trades_compare(struct feed *f, const struct slot *s, struct wall t);

#endif
