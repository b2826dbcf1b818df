/*
 * conn -- one TCP connection, accepted or made by us.
 *
 * Belongs to its worker's thread and to its net; freed by net_reap() in the turn
 * after it was closed, so a pointer to it stays valid until the end of the turn. Kept small:
 * buffers exist only while they hold something.
 *
 * What is to be sent goes out in this order: the out buffer (answers, the rest of a frame;
 * bounded), then the body (bytes of somebody else's, such as a file), then whatever the protocol
 * writes when it is told that all has drained.
 *
 * When the net has a certificate, all this goes through TLS, which the protocols do not see: the
 * out buffer then holds sealed bytes, at most a record more than what was said to be taken.
 */
#ifndef TAPECAST_GATEWAY_NET_CONN_H
#define TAPECAST_GATEWAY_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/list.h"
#include "gateway/auth/grant.h"
#include "gateway/loop.h"
#include "gateway/net/net.h"

#define CONN_OUT_MAX (256 * 1024) /* answers that a peer has not read; past that it is closed */

struct tls;

struct conn {
    /* What a write looks at comes first, together. */
    struct source source;
    struct tls *tls;     /* NULL: in the clear */
    const uint8_t *body; /* NULL: none */
    uint32_t out_len;
    bool finishing : 1; /* close when all is sent */
    bool peer_done : 1; /* nothing more comes in */
    bool closed : 1;
    bool paused : 1;      /* nothing is read */
    bool yielding : 1;    /* nor in this turn */
    bool loopback : 1;    /* the peer is on this machine, and speaks for itself */
    bool proxy : 1;       /* the peer is a proxy that says with each request whom it is for */
    bool announced : 1;   /* the PROXY protocol is still to come */
    bool handshaking : 1; /* TLS is not up yet: nothing has been read, nothing may be sent */
    bool ours : 1;        /* made by conn_open_to() */

    const struct protocol *protocol;
    void *state; /* the protocol's */
    struct net *net;
    struct list link; /* net.conns or net.gone */
    struct address *address;
    struct sockaddr_storage *client; /* for whom a proxy made it; NULL: who connected */
    struct grant *grant;             /* what the peer may do, a reference; NULL: everything */
    struct deadline deadline;
    uint8_t *in;  /* unused bytes */
    uint8_t *out; /* bytes that the socket did not take */
    uint32_t in_len, out_at, out_cap;
    uint32_t rest_len; /* what `out` may hold besides answers, see net_keep_rests() */
    size_t body_len;
    void (*body_done)(void *owner);
    void *body_owner;
};

/* Take over an accepted socket, perhaps of one of net.proxies. Returns 0; or a negative errno, the
 * socket closed. */
MUST_CHECK int conn_open(struct net *n, int fd, struct address *address, bool loopback, bool proxy);

/* Who the connection is for. */
void conn_peer(const struct conn *c, struct sockaddr_storage *ret);

/* From now on it is `client`'s alone, and counted as such. Returns 0; -EDQUOT he has too many or
 * comes too often; -ENOMEM. */
MUST_CHECK int conn_hand_to(struct conn *c, const struct sockaddr_storage *client);

/* Take over a socket that is connected to the server `host`. With a net that has TLS the handshake
 * begins, within the net's handshake_ms; protocol->ready() tells when something may be sent, and
 * comes before this returns when there is none. A handshake that fails closes it. Returns 0 and
 * *ret, a peer's to its end(); or a negative errno, the socket closed. */
MUST_CHECK int conn_open_to(struct net *n, int fd, const char *host, const struct protocol *p,
                            void *state, struct conn **ret);

/* Send, now or as soon as the socket takes it. Closes the connection when the out buffer would grow
 * past its bound. */
void conn_send(struct conn *c, const void *bytes, size_t len);

/* Send the rest of what conn_write() took a part of, which may be longer than the out buffer's
 * bound. Closes the connection when net_keep_rests() refuses it. */
void conn_send_rest(struct conn *c, const uint8_t *bytes, size_t len);

/* Send `bytes` without copying, after what was sent before; `done(owner)` (may be NULL) is called
 * when they are no longer needed. At most one body at a time. */
void conn_send_body(struct conn *c, const uint8_t *bytes, size_t len, void (*done)(void *owner),
                    void *owner);

/* Send at once what the socket takes, keeping nothing. Returns how much; when that is less than
 * `len`, drained() will be called. */
size_t conn_write(struct conn *c, const uint8_t *bytes, size_t len);

/* conn_write() comes next: fetch what it looks at into the cache. */
static inline void conn_prepare(const struct conn *c)
{
    __builtin_prefetch(c);
}

bool conn_has_output(const struct conn *c);

/* Become another protocol; bytes not used so far are its. */
void conn_become(struct conn *c, const struct protocol *p, void *state);

/* Read nothing until conn_resume(): the answer to what was read comes later. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* Let the others have their turn: nothing more is read until drained() is called in a later one. */
void conn_yield(struct conn *c);

/* Look again at bytes that bytes() left. */
void conn_retry_input(struct conn *c);

/* Close when everything sent is out, listening to nothing more; gives the peer 2 s to take it, or
 * the time to the deadline when there is a body. */
void conn_finish(struct conn *c);

/* Close now. Safe at any time; twice is once. */
void conn_close(struct conn *c);

/* Call protocol->expired() at about `at`; again: moves it. */
void conn_expire_at(struct conn *c, struct mono at);

#endif
