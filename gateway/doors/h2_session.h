/*
 * h2_session -- what the parts of HTTP/2 share: the session of a connection (h2.c), its streams
 * (h2_stream.c), and requests as they come in (h2_request.c). For them alone. Only they include
 * nghttp2.
 *
 * nghttp2 parses what comes in and decides whose frame goes out next and how large it may be; the
 * bytes themselves pass it by: a DATA frame's nine bytes and its payload go straight from the
 * answer, or from the hub's log, to `out`, where the frames of one turn gather.
 *
 *     hub ---offer--> read_body()     how much may go?       nghttp2's windows, out's room
 *                     h2_send_data()  that much, to out      h2_flush(): conn_write(out)
 *
 * The hub wants to know at once how much was taken, so a stream's reader runs nghttp2 for one
 * offer. That must not happen inside a callback of nghttp2; there nothing is taken, and the stream
 * waits in `blocked` until the callbacks are over. Nor may a reader leave the hub while the hub
 * goes through its readers: a stream that nghttp2 closes waits in `gone` for h2_bury().
 */
#ifndef TAPECAST_GATEWAY_DOORS_H2_SESSION_H
#define TAPECAST_GATEWAY_DOORS_H2_SESSION_H

#include <nghttp2/nghttp2.h>

#include "gateway/codec/h2_head.h"
#include "gateway/doors/h2.h"
#include "gateway/worker.h"

#define H2_IDLE_MS 60000 /* without a stream */
#define H2_PURSE 400     /* what a connection may cost at once without bringing anything */

/* The head of a request while it comes in: heads do not interleave, so one for each connection. */
struct h2_block {
    struct h2_stream *stream;
    unsigned continuations;
    struct h2_head head;
};

struct h2_session {
    struct conn *conn;
    nghttp2_session *ng;
    struct list unflushed; /* worker.unflushed while `out` holds something or `gone` somebody */
    struct list streams, gone, blocked;
    size_t n_streams;
    size_t held;   /* see h2_hold() */
    uint32_t kept; /* memory of its streams' `kept`, see net_keep_rests() */
    struct h2_block *block;
    uint8_t *out;
    size_t out_at, out_len, out_cap;
    bool inside;  /* nghttp2 */
    bool waiting; /* the socket is full */
    bool news;    /* since the peer's last ping */
    bool leaving; /* has said that no new streams are taken */
    bool had_settings;
    int64_t purse;
    struct mono purse_at;
};

/* ---- h2.c: bytes out ---- */

/* No room: the connection's socket is full. */
bool h2_is_full(struct h2_session *h);

/* Into `out`, for the end of the turn. */
void h2_gather(struct h2_session *h, const void *bytes, size_t len);

/* Let nghttp2 send what it may. */
void h2_pump(struct h2_session *h);

/* ---- h2_stream.c ---- */

/* NULL: memory is out. */
struct h2_stream *h2_stream_new(struct h2_session *h, int32_t id);

/* nghttp2 knows the stream no more; h2_bury() ends it. */
void h2_stream_close(struct h2_stream *s);
void h2_bury(struct h2_session *h);

/* The streams that could not write may try again, the longest waiting first. */
void h2_wake(struct h2_session *h);

/* nghttp2's callback: a DATA frame, its head and what read_body() has promised. */
int h2_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t len,
                 nghttp2_data_source *source, void *user);

/* ---- h2_request.c ---- */

/* Pay for something that costs work and brings nothing. Returns 0, or what ends the session. */
int h2_pay(struct h2_session *h);

/* nghttp2's callbacks for what comes in. */
int h2_on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user);
int h2_on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user);
int h2_on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                 size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                 void *user);
int h2_on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *user);
int h2_on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
               void *user);

#endif
