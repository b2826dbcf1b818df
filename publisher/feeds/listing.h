/*
 * listing -- what is known of one symbol from a service that tells it twice: trades as they happen,
 * and now and then a snapshot of the day.
 *
 * A trade moves the price when its conditions and the session let it, and when it is not older than
 * what moved it last. The day's members come from snapshots and are stretched by trades; they end
 * with the day, so that yesterday's never stand beside today's price. What jumps waits until it is
 * confirmed (lastgood); once it is, the day's members are asked for anew, since a split may have
 * been. The first trade waits until a second one is like it, or a snapshot tells what to measure it
 * by, or listing_trust(). A trade with a number counts once however often it comes, and can be
 * taken back (prints).
 *
 * Pure; one owner each.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_LISTING_H
#define TAPECAST_PUBLISHER_FEEDS_LISTING_H

#include <stdbool.h>

#include "publisher/feeds/calendar.h"
#include "publisher/feeds/conditions.h"
#include "publisher/feeds/lastgood.h"
#include "publisher/feeds/prints.h"

struct listing { /* all zero at first, but these two; listing_release() */
    const char *symbol;
    bool has_hours; /* trades at US hours; else around the clock, its day is UTC's */

    struct lastgood good; /* good.quote is what to show once good.known */
    uint32_t time_ns;     /* of its trade, behind the millisecond */
    bool waits;           /* `first` does: the first trade, with nothing to measure it by */
    struct trade first;
    struct prints *prints; /* or NULL: none has come that has a number */
    bool wants_day;        /* set when a snapshot is needed: the day that is known does not hold */
    bool has_close;        /* `close` is the closing price of `close_day` */
    int32_t close_day;
    struct decimal close;
};

/* Each returns LASTGOOD_NEWS when l->good.quote is to be published; `c` may be NULL. */
enum lastgood_verdict listing_trade(struct listing *l, const struct trade *t,
                                    const struct calendar *c, struct wall now);

/* Nothing will come to measure the first trade by: show it. */
enum lastgood_verdict listing_trust(struct listing *l, const struct calendar *c, struct wall now);

/* A trade that was none, or was another. */
struct revocation {
    uint64_t id;
    char exchange;
    struct decimal price;
    bool has_other;     /* `other` stands in its place */
    struct trade other; /* takes the time of the one it replaces */
};

/* What was before it returns, the day's members lose what it brought. */
enum lastgood_verdict listing_revoke(struct listing *l, const struct revocation *x,
                                     const struct calendar *c, struct wall now);

/* `q` holds price, time and what the service tells of the day of that time. */
enum lastgood_verdict listing_snapshot(struct listing *l, const struct quote *q,
                                       const struct calendar *c, struct wall now);

void listing_release(struct listing *l);

/* Does a US exchange's calendar hold for `symbol`? Not for what names another market: the
 * `BINANCE:BTCUSDT`, `BTC/USD` or `VOW.DE` of the services. */
bool listing_is_us(const char *symbol);

#endif
