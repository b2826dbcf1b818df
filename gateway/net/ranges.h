/*
 * ranges -- a list of addresses such as "127.0.0.0/8,::1,2001:db8::/32": who is meant by it?
 *
 * Read once; then any thread.
 */
#ifndef TAPECAST_GATEWAY_NET_RANGES_H
#define TAPECAST_GATEWAY_NET_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/macros.h"

struct range;

struct ranges {
    struct range *at;
    size_t n; /* 0: nobody */
};

/* Read a comma-separated list of addresses and networks, or "none". Returns 0 and *ret, for
 * ranges_release(); -EINVAL it is none; -ENOMEM. */
MUST_CHECK int ranges_parse(const char *text, struct ranges *ret);
void ranges_release(struct ranges *r); /* one of zeroes is allowed */

/* An IPv4 address is the same when it came in as ::ffff:a.b.c.d. */
bool ranges_hold(const struct ranges *r, const struct sockaddr_storage *peer);

#endif
