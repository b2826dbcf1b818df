/*
 * visitor -- whom a request is for, proxies seen through, and how often he may come.
 *
 * Only proxies that are named (--proxies) are believed when they say whom a request is for. Any
 * trace of a proxy, named or not, is believed as far as it takes something away: such a request is
 * not from this machine, even if the proxy is.
 */
#ifndef TAPECAST_GATEWAY_DOORS_VISITOR_H
#define TAPECAST_GATEWAY_DOORS_VISITOR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "common/macros.h"
#include "gateway/doors/http.h"
#include "gateway/net/quota.h"

struct worker;

struct visitor {
    struct sockaddr_storage address;
    bool local; /* this machine's own, no proxy between */
};

/* See who asks. */
void visitor_see(const struct conn *c, const struct http_head *h, struct visitor *ret);

/* Is he the operator: local, and not by a page under a name that a foreign name server may have
 * made to point here? */
bool visitor_is_operator(const struct http_request *r);

/* May he ask once more? Returns 0; or how many seconds to wait. And the same, but if not it has
 * been answered: 429; first by his address, then by his token, in r->grant. */
MUST_CHECK unsigned visitor_ask(const struct http_request *r);
MUST_CHECK bool visitor_may_ask(const struct http_request *r);
MUST_CHECK bool visitor_may_ask_by_token(const struct http_request *r);

/* Is he one of `who`? Only he whose address is known for certain. */
struct ranges;
bool visitor_is_among(const struct http_request *r, const struct ranges *who);

/* The connection, if it is one of HTTP/1.1, becomes his alone, and he a reader. If he may not, it
 * has been answered: 429. */
MUST_CHECK bool visitor_stays(const struct http_request *r);

/* May whom the connection is for, with what he has been granted, do this once more? Returns 0; or
 * how many seconds to wait. */
MUST_CHECK unsigned visitor_take(struct conn *c, const struct grant *g, enum quota_kind kind);

/* The same for the name in his token alone. */
MUST_CHECK unsigned visitor_take_token(struct worker *w, const struct grant *g,
                                       enum quota_kind kind);

#define VISITOR_RULE "Too much at once; try again in a moment."

#endif
