/*
 * forwarded -- whom a request is for that proxies have passed on: what X-Forwarded-For and
 * Forwarded (RFC 7239) say, as far as it can be believed.
 *
 * Each hop adds who came to it, at the right. So the list is believed from the right, as long as
 * those who wrote it are proxies that we know: the client is the right-most address that is not one
 * of them. What stands left of it anybody may have written. Pure.
 */
#ifndef TAPECAST_GATEWAY_NET_FORWARDED_H
#define TAPECAST_GATEWAY_NET_FORWARDED_H

#include <stdbool.h>
#include <sys/socket.h>

#include "gateway/codec/http_head.h"
#include "gateway/net/ranges.h"

/* Has a proxy, known or not, left a trace? */
bool forwarded_shows(const struct http_head *h);

/* The client of a request that came from `peer`, one of `proxies`. Where a proxy we know has
 * written what is no address, it is that proxy itself; and it is `peer` when there are both kinds
 * of field and they contradict each other, since the one that the proxy does not write is the
 * stranger's. */
void forwarded_client(const struct http_head *h, const struct ranges *proxies,
                      const struct sockaddr_storage *peer, struct sockaddr_storage *ret);

#endif
