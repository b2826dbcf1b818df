/*
 * lastgood -- the last good quote of a symbol, and what may follow it.
 *
 * For feeds that hear a price again and again, in whatever order answers and trades arrive: what is
 * older than the last, merely repeats it, comes from the future or jumps without being confirmed is
 * no news. Pure functions; one owner each.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_LASTGOOD_H
#define TAPECAST_PUBLISHER_FEEDS_LASTGOOD_H

#include <stdbool.h>

#include "common/quote.h"

#define LASTGOOD_FUTURE_MS 60000

struct lastgood { /* all zero at first */
    bool known, suspecting;
    struct quote quote;
    struct decimal suspect; /* the price that jumped and waits for a second one like it */
    struct wall suspect_time, suspected_at; /* made, and first seen */
};

enum lastgood_verdict {
    LASTGOOD_NEWS, /* it is the last good quote now */
    LASTGOOD_REPEATED,
    LASTGOOD_OLD,
    LASTGOOD_FUTURE, /* more than LASTGOOD_FUTURE_MS ahead of `now` */
    LASTGOOD_JUMP,   /* more than 30 % off the last; news when another one is like it, or when it
                      * still stands after a minute; or a price that nothing has */
    LASTGOOD_ALONE,  /* of a listing: a first trade, and nothing to measure it by */
};

enum lastgood_verdict lastgood_offer(struct lastgood *l, const struct quote *q, struct wall now);

#endif
