/*
 * h2 -- a connection that speaks HTTP/2 (RFC 9113): many requests at a time, each on a stream.
 *
 * nghttp2 knows the protocol; only the files of h2_session.h include it. A request goes to the
 * same doors as one of HTTP/1.1 and is answered by http_answer(). A door may also take its stream
 * over: it then gets the request's body, and feeds the answer's from the hub. A stream whose window
 * or whose connection is full is a slow reader like any other.
 *
 * What the streams of a connection write in one turn goes out together at its end, by h2_flush().
 *
 * Limits: H2_STREAMS streams at a time; H2_HELD_MAX bytes of requests and answers kept for one
 * connection, past which a request is answered 503; rests of messages that streams have a part of
 * as net_keep_rests() has it, past which the stream is reset (ENHANCE_YOUR_CALM); heads as in
 * HTTP/1.1 (HTTP_HEAD_MAX bytes, answered 431) in at most nine frames; what costs work and brings
 * none (resets, pings without news between them, settings, priorities, empty frames) is paid from a
 * purse, and who has emptied it is told ENHANCE_YOUR_CALM and closed.
 */
#ifndef TAPECAST_GATEWAY_DOORS_H2_H
#define TAPECAST_GATEWAY_DOORS_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/macros.h"
#include "gateway/doors/http.h"
#include "gateway/hub/reader.h"
#include "gateway/net/conn.h"

#define H2_STREAMS 256
#define H2_HELD_MAX (4 << 20)

extern const struct protocol h2_protocol;

/* Are these the first bytes of HTTP/2? 1 yes, -1 no, 0 more bytes are needed to tell. */
int h2_preface(const uint8_t *bytes, size_t len);

/* The connection becomes HTTP/2, the preface being the first that it will read. Returns 0; -ENOMEM.
 */
MUST_CHECK int h2_begin(struct conn *c);

struct worker;

/* Send what the streams of all connections have written in this turn. */
void h2_flush(struct worker *w);

/* ---- streams ---- */

struct h2_session;
struct h2_stream;

/* What a door does with a stream that it has taken over; members may be NULL. */
struct h2_door {
    const char *name; /* in /api/clients */
    void (*bytes)(struct h2_stream *s, const uint8_t *bytes,
                  size_t len);                             /* of the request's body */
    void (*complete)(struct h2_stream *s);                 /* the request has come to its end */
    void (*expired)(struct h2_stream *s, struct mono now); /* h2_expire_at() */
    void (*say_goodbye)(struct h2_stream *s);              /* the gateway stops */
    void (*say_expired)(struct h2_stream *s);              /* its token has expired: tell and end */
    void (*end)(struct h2_stream *s); /* the stream goes: release s->state. Called once */
};

struct h2_stream {
    struct list link; /* session.streams, or session.gone */
    struct h2_session *session;
    struct conn *conn;
    const struct h2_door *door; /* NULL: a request and its answer */
    void *state;                /* the door's */
    struct reader reader;       /* for doors: entered when taken over, left with the stream */
    struct http_pending *pending;
    struct grant *grant; /* what the peer may do, a reference of doors; NULL: everything */

    struct list blocked; /* session.blocked: wants to write, and could not */
    struct deadline deadline;
    int32_t id;
    bool head_sent, ending, closed;
    bool wrote;          /* something that the hub offered; the door may clear it */
    const uint8_t *body; /* of an answer, somebody else's */
    size_t body_len;
    void (*body_done)(void *owner);
    void *body_owner;
    const uint8_t *offer; /* what the hub offers right now */
    size_t offer_len;
    uint8_t *kept; /* what goes out before anything else of this stream */
    uint32_t kept_at, kept_len;
    char *trailers; /* field lines, behind the body; NULL for none */
    size_t held;
};

/* Answer: `fields` are whole header lines and may be changed. With a body the end follows it. */
void h2_answer(struct h2_stream *s, int status, char *fields, const struct http_answer *body);

/* Take the stream over; then, at once or later, send the head of an answer that is still open. */
void h2_take_over(struct h2_stream *s, const struct h2_door *door, void *state);
void h2_open_answer(struct h2_stream *s, int status, char *fields);

/* Send some bytes of the door's own, copied, before what the hub offers next. */
void h2_send(struct h2_stream *s, const void *bytes, size_t len);

/* The end of the answer, behind all that was sent; with `trailers` (field lines, copied) or NULL.
 * The reader leaves the hub. An answer that has not begun consists of its trailers alone. */
void h2_end(struct h2_stream *s, const char *trailers);

/* Give the stream up, with an error code of HTTP/2. */
void h2_reset(struct h2_stream *s, uint32_t code);

/* Count `len` bytes of memory that the stream keeps, until it is closed or counts anew. Returns
 * false when its connection keeps more than it may. */
bool h2_hold(struct h2_stream *s, size_t len);

/* As conn_expire_at(). */
void h2_expire_at(struct h2_stream *s, struct mono at);

/* The first stream of a connection that a door has, or the next behind `after`; NULL for none. */
const struct h2_stream *h2_next_stream(const struct conn *c, const struct h2_stream *after);

/* Tell the streams whose token has expired by `now`. */
void h2_end_expired(struct conn *c, struct wall now);

/* The gateway stops: no new streams; those that doors have are told. Returns false when that was
 * done before. */
bool h2_say_goodbye(struct conn *c);

#endif
