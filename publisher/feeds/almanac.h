/*
 * almanac -- asks a service when the market is open, and tells the calendar what is believed of it.
 *
 * Days to come are asked for half a minute after the start and then every twelve hours; whether the
 * market is open now, every half hour of a weekday's regular hours and when prices stay away. The
 * calendar believes what is sensible alone (calendar_tell). That there is no trading today although
 * it should be is believed when it is said twice, five minutes apart, and no price has come
 * meanwhile; that there is trading although it should not be, at once, of a weekday.
 *
 * Belongs to its feed's thread; nothing blocks.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_ALMANAC_H
#define TAPECAST_PUBLISHER_FEEDS_ALMANAC_H

#include "publisher/feeds/calendar.h"
#include "publisher/net/http.h"

struct almanac_config {  /* texts stay the owner's */
    const char *service; /* for the log */
    const char *url;
    const char *days, *status; /* what to ask there; `days` is asked for a span if `has_span` */
    bool has_span;
    const char *const *headers;
    struct calendar *calendar;
    void (*asked)(void *ctx); /* a request is made, for a budget; or NULL */
    void *ctx;
};

struct almanac;

/* Returns 0 and sets *ret, freed with almanac_free(); -ENOMEM. */
MUST_CHECK int almanac_new(struct net *n, const struct almanac_config *config,
                           struct almanac **ret);
void almanac_free(struct almanac *a); /* NULL is allowed */

/* It is `now`, `wall` on the exchange; the last price came at `price_at`. NULL is allowed. */
void almanac_run(struct almanac *a, struct mono now, struct wall wall, struct mono price_at);

#endif
