/*
 * /events and /stock-update: Server-Sent Events. Over HTTP/1.1 the body ends with the connection,
 * which HTTP/1.0 clients understand too, so events need no framing of their own; over HTTP/2 with
 * the stream, of which a connection has many.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/doors/door.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/h2.h"
#include "gateway/doors/http.h"
#include "gateway/doors/origin.h"
#include "gateway/doors/sse.h"
#include "gateway/doors/visitor.h"
#include "gateway/hub/hub.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define FIELDS_MAX (ORIGIN_FIELDS_MAX + sizeof(SSE_FIELDS))
#define EXPIRED ": the token has expired\n\n"

struct stream {
    struct conn *conn; /* beside what else a write looks at */
    struct reader reader;
    bool wrote; /* since the last look whether it is silent */
};

static struct stream *stream_of(const struct conn *c)
{
    return c->state;
}

/* ---- the connection ---- */

/* Nothing more is expected of the client: what it sends is let pass. */
static size_t on_bytes(struct conn *c, uint8_t *bytes, size_t len)
{
    (void)c;
    (void)bytes;
    return len;
}

static void on_drained(struct conn *c)
{
    hub_writable(worker_of(c)->hub, &stream_of(c)->reader);
}

/* Proxies and clients give up a stream that is silent; a quarter of the idle time is well before.
 */
static struct mono next_look(struct conn *c, struct mono now)
{
    return mono_add_ms(now, worker_of(c)->limits.idle_ms / 4);
}

static void on_expired(struct conn *c, struct mono now)
{
    struct stream *s = stream_of(c);

    if (!s->wrote && !conn_has_output(c))
        conn_send(c, SSE_HEARTBEAT, sizeof(SSE_HEARTBEAT) - 1);
    s->wrote = false;
    conn_expire_at(c, next_look(c, now));
}

static void on_end(struct conn *c)
{
    struct stream *s = stream_of(c);

    hub_leave(worker_of(c)->hub, &s->reader);
    worker_of(c)->stats.readers[DOOR_SSE]--;
    free(s);
}

static const struct protocol sse_protocol = {
    .name = "sse",
    .bytes = on_bytes,
    .drained = on_drained,
    .expired = on_expired,
    .end = on_end,
};

/* ---- the reader's side of the hub ---- */

static size_t reader_write(struct reader *r, const uint8_t *bytes, size_t len)
{
    struct stream *s = CONTAINER_OF(r, struct stream, reader);

    s->wrote = true;
    return conn_write(s->conn, bytes, len);
}

static void reader_stash(struct reader *r, const uint8_t *bytes, size_t len)
{
    conn_send_rest(CONTAINER_OF(r, struct stream, reader)->conn, bytes, len);
}

static void reader_prepare(const struct reader *r)
{
    conn_prepare(CONTAINER_OF(r, const struct stream, reader)->conn);
}

static const struct reader_ops reader_ops = {reader_write, reader_stash, reader_prepare};

/* ---- a stream of HTTP/1.1 ---- */

/* The header fields: those of a stream, and what a page of another site needs to read it. Returns
 * false when it may not. */
static bool fields_for(const struct http_request *r, char buf[FIELDS_MAX])
{
    struct slice origin = http_head_field(r->head, "Origin");
    int n;

    if (!origin_allowed(worker_of(r->conn)->shared, r->head, origin))
        return false;
    n = snprintf(buf, FIELDS_MAX, SSE_FIELDS);
    origin_fields(r, buf + n);
    return true;
}

/* Make the stream and subscribe it. Returns 0; or minus a status. */
static int stream_new(struct conn *c, struct sse_wish *w, struct stream **ret, const char **ret_why)
{
    struct stream *s = calloc(1, sizeof(*s));
    int r;

    if (s == NULL) {
        *ret_why = HTTP_OUT_OF_MEMORY;
        return -503;
    }
    s->conn = c;
    s->reader.ops = &reader_ops;
    hub_enter(&s->reader);
    r = sse_subscribe(worker_of(c)->hub, &s->reader, w, ret_why);
    if (r < 0) {
        free(s);
        return r;
    }
    worker_of(c)->stats.readers[DOOR_SSE]++;
    *ret = s;
    return 0;
}

static void begin(const struct http_request *r, struct stream *s, const struct sse_wish *w)
{
    struct conn *c = s->conn;
    char greeting[SSE_TEXT_MAX];

    c->grant = grant_ref(r->grant);
    conn_become(c, &sse_protocol, s);
    conn_send(c, greeting, sse_greeting(w, greeting));
    hub_serve(worker_of(c)->hub, &s->reader);
    conn_expire_at(c, next_look(c, worker_of(c)->now));
}

/* ---- over HTTP/2 ---- */

static void on_h2_expired(struct h2_stream *s, struct mono now)
{
    if (!s->wrote && s->kept_len == 0)
        h2_send(s, SSE_HEARTBEAT, sizeof(SSE_HEARTBEAT) - 1);
    s->wrote = false;
    h2_expire_at(s, next_look(s->conn, now));
}

static void say_h2_goodbye(struct h2_stream *s)
{
    char farewell[SSE_TEXT_MAX];

    h2_send(s, farewell, sse_farewell(&worker_of(s->conn)->rng, farewell));
    h2_end(s, NULL);
}

static void say_h2_expired(struct h2_stream *s)
{
    h2_send(s, EXPIRED, sizeof(EXPIRED) - 1);
    h2_end(s, NULL);
}

static void on_h2_end(struct h2_stream *s)
{
    worker_of(s->conn)->stats.readers[DOOR_SSE]--;
}

static const struct h2_door h2_door = {
    .name = "sse",
    .expired = on_h2_expired,
    .say_goodbye = say_h2_goodbye,
    .say_expired = say_h2_expired,
    .end = on_h2_end,
};

static void begin_h2(const struct http_request *r, const struct sse_wish *w)
{
    struct h2_stream *s = r->stream;
    char greeting[SSE_TEXT_MAX];

    worker_of(s->conn)->stats.readers[DOOR_SSE]++;
    s->grant = grant_ref(r->grant);
    h2_take_over(s, &h2_door, NULL);
    h2_send(s, greeting, sse_greeting(w, greeting));
    hub_serve(worker_of(s->conn)->hub, &s->reader);
    h2_expire_at(s, next_look(s->conn, worker_of(s->conn)->now));
}

/* ---- the doors ---- */

static void answer(const struct http_request *r, enum sse_form form)
{
    struct worker *w = worker_of(r->conn);
    struct sse_wish wish = {0};
    struct stream *s = NULL;
    char fields[FIELDS_MAX];
    const char *why = ORIGIN_REFUSED;
    int err;

    if (!visitor_stays(r))
        return;
    err = fields_for(r, fields) ? 0 : -403;

    if (err == 0)
        err = sse_wish_read(r->head, r->grant, form, w->limits.max_subscriptions, w->hub, &wish,
                            &why);
    if (err == 0 && !slice_is(r->head->method, "HEAD"))
        err = r->stream != NULL ? sse_subscribe(w->hub, &r->stream->reader, &wish, &why)
                                : stream_new(r->conn, &wish, &s, &why);
    if (err < 0)
        http_problem(r, -err,
                     err == -503   ? "Retry-After: 10\r\n"
                     : err == -401 ? GATE_CHALLENGE
                                   : "",
                     why);
    else if (http_answer_stream(r, SSE_TYPE, fields) && r->stream != NULL)
        begin_h2(r, &wish);
    else if (s != NULL)
        begin(r, s, &wish);
    sse_wish_release(&wish);
}

void door_events(const struct http_request *r)
{
    answer(r, SSE_EVENTS);
}

void door_stock_update(const struct http_request *r)
{
    answer(r, SSE_STOCK_UPDATE);
}

static void say_goodbye(struct conn *c)
{
    char farewell[SSE_TEXT_MAX];

    hub_leave(worker_of(c)->hub, &stream_of(c)->reader);
    conn_send(c, farewell, sse_farewell(&worker_of(c)->rng, farewell));
    conn_finish(c);
}

static const struct reader *reader_of(const struct conn *c)
{
    return &stream_of(c)->reader;
}

/* Who comes back with the same token is told why: 401. */
static void say_expired(struct conn *c)
{
    hub_leave(worker_of(c)->hub, &stream_of(c)->reader);
    conn_send(c, EXPIRED, sizeof(EXPIRED) - 1);
    conn_finish(c);
}

const struct door sse_door = {"sse", &sse_protocol, reader_of, say_goodbye, say_expired};
