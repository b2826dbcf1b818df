/*
 * board -- the symbols of one live service: what is known of each, which of them have news, and how
 * well the service's stream tells what happens.
 *
 * A service tells twice: trades as they happen (board_trade), and the day so far by request
 * (board_snapshot). Both are offered to the same listing of each symbol, which takes what is newer.
 *
 * Intervals are measured by the monotonic clock alone. A trade's time is judged by the local clock
 * or by the service's, whichever makes it more likely, so that a wrong local clock hides no prices.
 *
 * A trade that is not newer than the last of its symbol is no sign of life: a stream that repeats
 * itself counts as silent.
 *
 * Belongs to its feed's thread; nothing blocks.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_BOARD_H
#define TAPECAST_PUBLISHER_FEEDS_BOARD_H

#include "common/list.h"
#include "publisher/feed.h"
#include "publisher/feeds/listing.h"
#include "publisher/feeds/pulse.h"
#include "publisher/feeds/sessions.h"
#include "publisher/index.h"

struct row { /* a symbol */
    struct listing listing;
    struct list news;         /* in board.news while listing.good waits to be published */
    bool told;                /* something odd about it has been logged */
    bool wants_day;           /* listing.wants_day was set: for whom it concerns to clear */
    bool heard;               /* a trade of it, on this connection of the stream */
    struct mono news_at;      /* the news were read */
    struct mono alone_at;     /* listing.first was */
    struct wall traded;       /* when the last trade heard was made */
    struct pulse pulse;       /* of its trades */
    enum quote_session shown; /* under which its price is */
    struct mono shown_at;
};

struct board {
    const char *service;             /* for the log */
    const struct calendar *calendar; /* or NULL; its owner's */
    struct row *rows;                /* `n` of them, in the order in which they were named */
    size_t n;
    struct index index;
    struct list news;         /* rows, in the order in which they had news */
    struct mono published_at; /* the last of them */
    struct pulse pulse;       /* of all trades together */
    int64_t patience;         /* times what the pulse says: more when few trade */
    size_t missed;            /* snapshots newer than what the stream told, in a row */
    unsigned mute;            /* connections in a row that were given up for it */
    bool wants_day;           /* some row does: see board_take_wish() */
    struct wall connected_at; /* the stream, last */

    /* What time it is: the local clock may be wrong, or jump, so `told` goes on from what the
     * service said last. */
    struct wall told;
    struct mono told_at;
};

/* The symbols of `config`, or the well-known ones; `has_hours` tells which of them trade at US
 * hours. Texts stay the owner's. Returns 0; -ENOMEM. Release in any case. */
MUST_CHECK int board_init(struct board *b, const char *service, const struct feed_config *config,
                          bool (*has_hours)(const char *symbol));
void board_release(struct board *b); /* also of one all zero */

struct row *board_find(const struct board *b, const char *symbol); /* or NULL */
static inline size_t board_number(const struct board *b, const struct row *r)
{
    return (size_t)(r - b->rows);
}

void board_trade(struct board *b, struct row *r, const struct trade *t, struct mono now);

void board_revoke(struct board *b, struct row *r, const struct revocation *x, struct mono now);

/* `streamed`: the stream ought to tell trades of `r`. */
void board_snapshot(struct board *b, struct row *r, const struct quote *q, bool streamed,
                    struct mono now);

/* The service's answer to a request knows nothing of `r`: a first trade need not wait for one. */
void board_no_snapshot(struct board *b, struct row *r, struct mono now);

/* First trades that have waited long enough for something to measure them by are shown. */
void board_trust_first(struct board *b, struct mono now);

/* Has a row come to want a snapshot, since this was asked last? */
bool board_take_wish(struct board *b);

/* The next quote to publish, under its session as `s` has it: returns false when there is none. */
bool board_take(struct board *b, const struct sessions *s, struct mono now, struct quote *ret);

/* Prices whose session is over are news again, under that of now. */
void board_rename_sessions(struct board *b, const struct sessions *s, struct mono now);

void board_tell_once(const struct board *b, struct row *r, const char *what);

/* The stream is connected anew. */
void board_reconnected(struct board *b, struct mono now);

/* Another session begins: other gaps between trades are usual. */
void board_forget_pace(struct board *b);

enum flow {
    FLOW_NONE,   /* little heard yet */
    FLOW_GOOD,   /* trades */
    FLOW_SILENT, /* none any more */
};
enum flow board_flow(const struct board *b, struct mono now);

/* Snapshots tell of trades again and again that the stream did not. */
bool board_misses_trades(const struct board *b);

/* The stream is given up for that. Returns for how many ms: the longer the more often it was in
 * vain, since a service may not stream a symbol at all that it knows. */
int64_t board_mute_ms(struct board *b);

/* The service says that it is `date` (to the second). */
void board_hear_date(struct board *b, struct wall date, struct mono now);
struct wall board_clock(const struct board *b, struct mono now);

#endif
