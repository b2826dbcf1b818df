#include "gateway/doors/visitor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/doors/origin.h"
#include "gateway/net/forwarded.h"
#include "gateway/worker.h"

#include "common/banned.h"

void visitor_see(const struct conn *c, const struct http_head *h, struct visitor *ret)
{
    struct sockaddr_storage peer;

    conn_peer(c, &peer);
    if (c->proxy)
        forwarded_client(h, &c->net->proxies->ranges, &peer, &ret->address);
    else
        ret->address = peer;
    ret->local = c->loopback && !forwarded_shows(h);
}

/* No foreign name server answers for an address, nor for a name without a dot. */
static bool is_ours(struct slice host)
{
    return host.len == 0 || memchr(host.at, '.', host.len) == NULL || host_is_address(host);
}

bool visitor_is_operator(const struct http_request *r)
{
    return r->visitor->local && is_ours(r->head->host);
}

unsigned visitor_take_token(struct worker *w, const struct grant *g, enum quota_kind kind)
{
    unsigned wait_s;

    if (g == NULL || g->subject == NULL)
        return 0;
    wait_s = quota_take(&w->net.quotas, kind, w->net.limits.per_s[kind], g->subject,
                        strlen(g->subject), mono_now());
    w->net.stats.refused_rate[kind] += wait_s > 0;
    return wait_s;
}

unsigned visitor_take(struct conn *c, const struct grant *g, enum quota_kind kind)
{
    struct sockaddr_storage peer;
    unsigned wait_s = 0;

    if (!c->loopback) {
        conn_peer(c, &peer);
        wait_s = net_take(c->net, kind, &peer);
    }
    return wait_s > 0 ? wait_s : visitor_take_token(worker_of(c), g, kind);
}

/* Returns whether there is nothing to wait for; else that is answered. */
static bool tell(const struct http_request *r, unsigned wait_s)
{
    char fields[40];

    if (wait_s == 0)
        return true;
    snprintf(fields, sizeof(fields), "Retry-After: %u\r\n", wait_s);
    http_problem(r, 429, fields, VISITOR_RULE);
    return false;
}

unsigned visitor_ask(const struct http_request *r)
{
    return r->conn->loopback ? 0 : net_take(r->conn->net, QUOTA_REQUEST, &r->visitor->address);
}

bool visitor_may_ask(const struct http_request *r)
{
    return tell(r, visitor_ask(r));
}

bool visitor_may_ask_by_token(const struct http_request *r)
{
    return tell(r, visitor_take_token(worker_of(r->conn), r->grant, QUOTA_REQUEST));
}

bool visitor_is_among(const struct http_request *r, const struct ranges *who)
{
    const struct sockaddr_storage *address = &r->visitor->address;
    const struct net_proxies *proxies = r->conn->net->proxies;

    if (address_is_loopback(address) && !r->visitor->local)
        return false;
    if (r->conn->proxy ? ranges_hold(&proxies->ranges, address) : forwarded_shows(r->head))
        return false;
    return ranges_hold(who, address);
}

bool visitor_stays(const struct http_request *r)
{
    struct conn *c = r->conn;
    unsigned wait_s = visitor_take_token(worker_of(c), r->grant, QUOTA_CONNECT);

    if (wait_s == 0 && c->proxy && r->stream == NULL &&
        conn_hand_to(c, &r->visitor->address) == -EDQUOT)
        wait_s = 10;
    return tell(r, wait_s);
}
