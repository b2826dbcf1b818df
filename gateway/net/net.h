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

#define READ_BUFFER 65536
#define READ_MAX                                                                                   \
    (READ_BUFFER + 16384) /* with a whole TLS record: what bytes() is given at most                \
                           */

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
};

struct net_stats {
    uint64_t accepted, closed;
    uint64_t refused_full, refused_address, refused_descriptors;
    uint64_t overrun; /* closed because a peer did not read its answers or sent too much at once */
    uint64_t handshakes, handshakes_failed; /* of TLS */
};

struct net {
    struct loop *loop;
    void *owner; /* the worker, for protocols */
    const struct protocol *first;
    struct net_limits limits;
    struct net_stats stats;
    struct ssl_ctx_st *tls; /* for new connections; NULL: in the clear */
    int64_t handshakes_ns;  /* spent on them in this turn */
    struct source listener;
    struct deadline listener_pause;
    struct addresses addresses;
    struct list conns; /* conn.link */
    struct list gone;  /* conn.link of closed ones, until the end of the turn */
    size_t n_conns;
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

/* New connections speak TLS with this certificate (see tls.h; the net takes a reference of its
 * own); those that are there keep theirs. */
void net_set_tls(struct net *n, struct ssl_ctx_st *ctx);

void net_stop_listening(struct net *n);
void net_close(struct net *n); /* closes every connection */

/* Where net listens, as host:port, for people; the port that the system chose when it was 0. */
void net_local_address(const struct net *n, char *buf, size_t cap);

/* Free what was closed in this turn. */
void net_reap(struct net *n);

#endif
