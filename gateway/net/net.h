/*
 * net -- a listening socket and its connections, or those that we make: bytes in, bytes out,
 * limits. Knows nothing of topics.
 *
 * One worker thread; nothing blocks.
 */
#ifndef TAPECAST_GATEWAY_NET_NET_H
#define TAPECAST_GATEWAY_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/macros.h"
#include "gateway/loop.h"
#include "gateway/net/address.h"
#include "gateway/net/quota.h"
#include "gateway/net/ranges.h"

#define READ_BUFFER 65536
#define READ_MAX                                                                                   \
    (READ_BUFFER + 16384) /* with a whole TLS record: what bytes() is given at most                \
                           */

#define NET_RESTS_MAX (256 * 1024 * 1024) /* see net_keep_rests() */

struct conn;
struct ssl_ctx_st;

/* What the bytes of a connection mean. A connection begins as what net.first says and may become
 * something else. */
struct protocol {
    const char *name;
    size_t
        keep_max; /* bytes that bytes() may leave unused; a connection that sends more is closed */
    bool takes_turns; /* nothing is read while answers are under way */

    /* A connection of ours stands: TLS, if any, is up. NULL for accepted ones. */
    void (*ready)(struct conn *c);
    /* Bytes have come. Returns how many were used; the rest is given again, together with what
     * comes next. */
    size_t (*bytes)(struct conn *c, uint8_t *bytes, size_t len);
    /* All that was to be sent has been, and the socket takes more. NULL when it does not matter. */
    void (*drained)(struct conn *c);
    /* The deadline that conn_expire_at() set has passed. */
    void (*expired)(struct conn *c, struct mono now);
    /* The connection goes: release c->state. Called once, at the end of the turn. */
    void (*end)(struct conn *c);
};

struct net_limits {
    size_t max_connections;
    size_t max_per_address; /* loopback is not counted */
    uint32_t handshake_ms;  /* from accept to a complete request; for MQTT to a complete CONNECT */
    uint32_t per_s[QUOTA_KINDS]; /* of one address, loopback again not counted; 0: no limit */
};

/* Who connects for others; see conn.proxy. */
struct net_proxies {
    struct ranges ranges;
    bool announce; /* each of their connections begins with the PROXY protocol */
};

struct net_stats {
    uint64_t accepted, closed;
    uint64_t refused_full, refused_address, refused_descriptors, refused_proxy;
    uint64_t refused_rate[QUOTA_KINDS];
    uint64_t overrun; /* closed because a peer did not read its answers or sent too much at once */
    uint64_t handshakes, handshakes_failed; /* of TLS */
};

struct net {
    struct loop *loop;
    void *owner; /* the worker, for protocols */
    const struct protocol *first;
    struct net_limits limits;
    const struct net_proxies
        *proxies; /* NULL: none; the caller's, and may be set after net_open() */
    struct net_stats stats;
    struct ssl_ctx_st *tls; /* for new connections; NULL: in the clear */
    int64_t handshakes_ns;  /* spent on them in this turn */
    struct source listener;
    struct deadline listener_pause;
    struct addresses addresses;
    struct quotas quotas; /* of addresses, and of the names in tokens */
    struct list conns;    /* conn.link */
    struct list gone;     /* conn.link of closed ones, until the end of the turn */
    size_t n_conns;
    size_t rests;         /* bytes that are counted, see net_keep_rests() */
    uint8_t *read_buffer; /* READ_BUFFER bytes and a TLS record, shared: a connection keeps only
                             what it could not use */
};

/* Listen on `address` ("127.0.0.1:8080", "[::1]:8080", "0.0.0.0:0"). Returns 0; or a negative errno
 * after logging what to do. */
MUST_CHECK int net_open(struct net *n, struct loop *l, const char *address,
                        const struct net_limits *limits, const struct protocol *first, void *owner,
                        bool shared_port);

/* A net without a listener: of connections that are made by us (see conn_open_to()). Returns 0; or
 * -ENOMEM. */
MUST_CHECK int net_init(struct net *n, struct loop *l, const struct net_limits *limits,
                        void *owner);

/* May one more connection be made for `peer`, and now? Returns 0 and *ret, for addresses_leave();
 * or -EDQUOT, counted; -ENOMEM. */
MUST_CHECK int net_admit(struct net *n, const struct sockaddr_storage *peer, struct address **ret);

/* May `peer` do this once more? Returns 0; or how many seconds to wait first, counted. */
MUST_CHECK unsigned net_take(struct net *n, enum quota_kind kind,
                             const struct sockaddr_storage *peer);

/* New connections speak TLS with this certificate (see tls.h; the net takes a reference of its
 * own); those that are there keep theirs. */
void net_set_tls(struct net *n, struct ssl_ctx_st *ctx);

/* A connection keeps `now` bytes of rests, of messages that its readers have a part of; *rests is
 * what it kept before, and is set. Up to CONN_OUT_MAX they are its own affair; past that all of
 * them are counted, and the connections of a net may keep NET_RESTS_MAX together. Returns false,
 * *rests untouched and an overrun counted, when more would be kept than that; who asks then ends
 * the reader. To keep less is never refused. */
bool net_keep_rests(struct net *n, uint32_t *rests, size_t now);

void net_stop_listening(struct net *n);
void net_close(struct net *n); /* closes every connection */

/* Where net listens, as host:port, for people; the port that the system chose when it was 0. */
void net_local_address(const struct net *n, char *buf, size_t cap);

/* Free what was closed in this turn. */
void net_reap(struct net *n);

#endif
