/*
 * JSON over WebSocket: from a connection's bytes to a session's messages, and from the hub to the
 * connection.
 *
 * A message is read where it lies; only one in several pieces is copied together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/topic.h"
#include "gateway/doors/door.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/http.h"
#include "gateway/doors/upgrade.h"
#include "gateway/doors/ws_session.h"
#include "gateway/hub/hub.h"

#include "common/banned.h"

#define TURN_MAX_NS 4000000
#define ANSWERS_MAX (CONN_OUT_MAX / 4)

static const struct protocol ws_protocol;

static struct ws_session *session_of(const struct conn *c)
{
    return c->state;
}

/* ---- bytes ---- */

static void on_message(struct ws_session *s, const uint8_t *bytes, size_t len)
{
    if (utf8_valid((const char *)bytes, len) || memchr(bytes, 0, len) != NULL)
        ws_session_message(s, (const char *)bytes, len);
    else
        ws_session_end(s, WS_BAD_TEXT, "the text is not UTF-8");
}

/* Returns whether there was memory. The decoder bounds a message. */
static bool keep_piece(struct ws_session *s, const uint8_t *bytes, size_t len)
{
    uint8_t *bigger = realloc(s->message, s->message_len + len + 1);

    if (bigger == NULL) {
        conn_close(s->conn);
        return false;
    }
    memcpy(bigger + s->message_len, bytes, len);
    s->message = bigger;
    s->message_len += (uint32_t)len;
    return true;
}

static void on_piece(struct ws_session *s, const struct ws_event *e)
{
    if (s->message == NULL && e->last) {
        on_message(s, e->bytes, e->len);
        return;
    }
    if (!keep_piece(s, e->bytes, e->len) || !e->last)
        return;
    on_message(s, s->message, s->message_len);
    free(s->message);
    s->message = NULL;
    s->message_len = 0;
}

static void heard(struct ws_session *s)
{
    s->last_heard = worker_of(s->conn)->now;
    s->probed = false;
}

static void on_frame(struct ws_session *s, const struct ws_event *e)
{
    uint8_t frame[WS_CONTROL_MAX];

    heard(s);
    switch (e->kind) {
    case WS_DATA:
        on_piece(s, e);
        break;
    case WS_PING:
        conn_send(s->conn, frame, ws_write_pong(frame, e->bytes, e->len));
        break;
    case WS_CLOSE:
        ws_session_end(s, e->code, NULL);
        break;
    case WS_ERROR:
        worker_of(s->conn)->stats.websocket_errors++;
        ws_session_end(s, e->code, e->why);
        break;
    case WS_PONG:
    case WS_MORE:
        break;
    }
}

/* Subscribing is what costs: a turn that has lasted long takes no more messages, so that nobody
 * waits for a client that sends thousands; one a turn it always gets. Nor are more taken while many
 * answers wait: a list of symbols is long, and who asks faster than he reads is answered as he
 * reads. */
static bool must_yield(const struct ws_session *s)
{
    return s->conn->out_len > ANSWERS_MAX ||
           mono_now().ns - worker_of(s->conn)->now.ns > TURN_MAX_NS;
}

static size_t on_bytes(struct conn *c, uint8_t *bytes, size_t len)
{
    struct ws_session *s = session_of(c);
    size_t used = 0;

    while (used < len && !s->yields && !c->closed && !c->finishing) {
        struct ws_event e;
        used += ws_decode(&s->decoder, bytes + used, len - used, &e);
        if (e.kind == WS_MORE)
            break;
        on_frame(s, &e);
        if (used < len && !c->closed && must_yield(s)) {
            s->yields = true;
            conn_yield(c);
        }
    }
    return used;
}

static void on_drained(struct conn *c)
{
    struct ws_session *s = session_of(c);

    hub_writable(worker_of(c)->hub, &s->reader);
    if (s->yields) {
        s->yields = false;
        conn_retry_input(c);
    }
}

/* Who is silent is asked once whether he is there. */
static void on_expired(struct conn *c, struct mono now)
{
    static const uint8_t ping[] = {0x80 | WS_OP_PING, 0};
    struct ws_session *s = session_of(c);
    struct worker *w = worker_of(c);
    struct mono silent = mono_add_ms(s->last_heard, w->limits.idle_ms);

    if (mono_before(now, silent)) {
        conn_expire_at(c, silent);
    } else if (!s->probed) {
        s->probed = true;
        conn_send(c, ping, sizeof(ping));
        conn_expire_at(c, mono_add_ms(now, w->limits.idle_ms));
    } else {
        w->stats.idle_timeouts++;
        ws_session_end(s, WS_POLICY, "no answer to a ping");
    }
}

static void on_end(struct conn *c)
{
    struct ws_session *s = session_of(c);

    hub_leave(worker_of(c)->hub, &s->reader);
    worker_of(c)->stats.readers[DOOR_WS]--;
    free(s->message);
    free(s);
}

static const struct protocol ws_protocol = {
    .name = "ws",
    .keep_max = READ_MAX, /* while it yields, else WS_KEEP_MAX */
    .bytes = on_bytes,
    .drained = on_drained,
    .expired = on_expired,
    .end = on_end,
};

/* ---- the reader's side of the hub ---- */

static size_t reader_write(struct reader *r, const uint8_t *bytes, size_t len)
{
    return conn_write(CONTAINER_OF(r, struct ws_session, reader)->conn, bytes, len);
}

static void reader_stash(struct reader *r, const uint8_t *bytes, size_t len)
{
    conn_send_rest(CONTAINER_OF(r, struct ws_session, reader)->conn, bytes, len);
}

static void reader_prepare(const struct reader *r)
{
    conn_prepare(CONTAINER_OF(r, const struct ws_session, reader)->conn);
}

static const struct reader_ops reader_ops = {reader_write, reader_stash, reader_prepare};

/* ---- the door ---- */

static struct ws_session *session_new(struct conn *c, uint32_t interval_ms)
{
    struct worker *w = worker_of(c);
    struct ws_session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->conn = c;
    s->interval_ms = interval_ms;
    s->last_heard = w->now;
    s->reader.ops = &reader_ops;
    hub_enter(&s->reader);
    ws_decoder_init(&s->decoder, WS_ACCEPT_TEXT, w->limits.max_packet_size);
    w->stats.readers[DOOR_WS]++;
    return s;
}

void door_ws(const struct http_request *r)
{
    struct conn *c = r->conn;
    struct worker *w = worker_of(c);
    struct filterset wish = {0};
    struct ws_session *s = NULL;
    struct upgrade up;
    const char *why = HTTP_OUT_OF_MEMORY;
    int err;

    if (!upgrade_check(r, NULL, &up))
        return;
    err = ws_session_wish(&w->limits, r->grant, r->head->query, up.interval_ms, &wish, &why);
    if (err == 0)
        s = session_new(c, up.interval_ms);
    if (s == NULL) {
        http_problem(r, err < 0 ? -err : 503, "", why);
        filterset_release(&wish);
        return;
    }
    c->grant = grant_ref(r->grant);
    conn_send(c, up.answer, up.len);
    conn_become(c, &ws_protocol, s);
    conn_expire_at(c, mono_add_ms(s->last_heard, w->limits.idle_ms));
    ws_session_begin(s, &wish);
}

static void say_goodbye(struct conn *c)
{
    ws_session_end(session_of(c), WS_GOING_AWAY, "the gateway is being restarted");
}

static const struct reader *reader_of(const struct conn *c)
{
    return &session_of(c)->reader;
}

static void say_expired(struct conn *c)
{
    ws_session_expired(session_of(c));
}

const struct door ws_door = {"ws", &ws_protocol, reader_of, say_goodbye, say_expired};
