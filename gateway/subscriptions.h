/*
 * subscriptions -- what is asked of the broker for --topics, and which of its messages are doubles.
 *
 * A broker may send a message once for each subscription that matches it [MQTT-3.3.4-2]. So a
 * filter that another one holds is not asked for. Those that overlap in part are asked for with an
 * identifier each: of a message that several match, the copy for the first of them is the one to
 * take. One thread.
 */
#ifndef TAPECAST_GATEWAY_SUBSCRIPTIONS_H
#define TAPECAST_GATEWAY_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

struct subscription {
    const char *filter;
    size_t len;
    bool overlaps; /* another one in part */
    bool granted;  /* on the present connection */
    int request;   /* ... where it was asked for by this id */
};

struct subscriptions {
    struct subscription *list;
    size_t n;
    char *text; /* holds the filters */
};

/* Read the comma-separated filters. Returns 0 and *ret, for subscriptions_release(); -EINVAL when
 * that is no list of valid filters, or an empty one; -ENOMEM. */
MUST_CHECK int subscriptions_init(const char *topics, struct subscriptions *ret);
void subscriptions_release(struct subscriptions *s); /* one of zeroes is allowed */

/* Do any overlap in part? */
bool subscriptions_overlap(const struct subscriptions *s);

/* Under which identifier to ask for the `i`th; 0 for none, since it overlaps no other. */
uint32_t subscriptions_identifier(const struct subscriptions *s, size_t i);

/* The broker has granted what was asked for by `request`. */
void subscriptions_grant(struct subscriptions *s, int request);

/* Does another copy of the message come, and is that the one to take? `identifier` is the lowest of
 * those it bears, 0 for none. Filters that are not granted (yet) bring nothing. */
bool subscriptions_is_double(const struct subscriptions *s, uint32_t identifier, const char *topic,
                             size_t len);

#endif
