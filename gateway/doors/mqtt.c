/*
 * MQTT over WebSocket: from a connection's bytes to a session's packets, and from the hub to the
 * connection.
 *
 *     bytes -> WebSocket frames -> MQTT packets -> mqtt_session
 *
 * A packet is decoded where it lies in the read buffer; only one that is cut by the end of a read
 * or of a frame is copied to `partial`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/codec/mqtt_decode.h"
#include "gateway/codec/websocket.h"
#include "gateway/doors/door.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/http.h"
#include "gateway/doors/mqtt_client_id.h"
#include "gateway/doors/mqtt_session.h"
#include "gateway/doors/upgrade.h"
#include "gateway/hub/hub.h"

#include "common/banned.h"

#define TURN_MAX_NS 4000000

static const struct protocol mqtt_protocol;

static struct mqtt_session *session_of(struct conn *c)
{
    return c->state;
}

/* ---- bytes ---- */

static size_t max_packet_size(const struct mqtt_session *s)
{
    return session_worker(s)->limits.max_packet_size;
}

/* Subscriptions are what costs: each looks at every topic. A turn that has lasted long takes no
 * more of them, so that nobody waits for a client that sends thousands; one a turn it always gets.
 */
static bool must_yield(struct mqtt_session *s, enum mqtt_type type)
{
    bool resumed = s->resumed;

    if (type != MQTT_SUBSCRIBE && type != MQTT_UNSUBSCRIBE)
        return false;
    s->resumed = false;
    return !resumed && mono_now().ns - session_worker(s)->now.ns > TURN_MAX_NS;
}

/* Decode what is complete in `bytes`. Returns how many bytes were used; less than `len` when the
 * rest is an incomplete packet. */
static size_t run_packets(struct mqtt_session *s, const uint8_t *bytes, size_t len)
{
    size_t used = 0;

    while (used < len && !s->conn->closed && !s->conn->finishing) {
        struct mqtt_packet packet;
        struct mqtt_fault fault;
        long n =
            mqtt_decode(bytes + used, len - used, s->version, max_packet_size(s), &packet, &fault);
        if (n == 0)
            break;
        if (n < 0) {
            mqtt_session_refuse(s, fault.version, fault.reason, fault.why);
            return len;
        }
        if (must_yield(s, packet.type)) {
            s->yields = true;
            conn_yield(s->conn);
            break;
        }
        mqtt_session_packet(s, &packet);
        used += (size_t)n;
    }
    return s->conn->finishing ? len : used;
}

/* Returns whether there was memory. */
static bool keep_partial(struct mqtt_session *s, const uint8_t *bytes, size_t len)
{
    size_t need = s->partial_len + len;

    if (need > s->partial_cap) {
        size_t cap = need > 2 * (size_t)s->partial_cap ? need : 2 * (size_t)s->partial_cap;
        uint8_t *bigger = realloc(s->partial, cap);
        if (bigger == NULL) {
            conn_close(s->conn);
            return false;
        }
        s->partial = bigger;
        s->partial_cap = (uint32_t)cap;
    }
    memcpy(s->partial + s->partial_len, bytes, len);
    s->partial_len = (uint32_t)need;
    return true;
}

static void drop_partial(struct mqtt_session *s, size_t used)
{
    s->partial_len -= (uint32_t)used;
    if (s->partial_len > 0) {
        memmove(s->partial, s->partial + used, s->partial_len);
        return;
    }
    free(s->partial);
    s->partial = NULL;
    s->partial_cap = 0;
}

/* A piece of the MQTT stream has come. `partial` never grows past twice a packet and a read: a
 * packet's length is judged by its first bytes. */
static void on_mqtt_bytes(struct mqtt_session *s, const uint8_t *bytes, size_t len)
{
    if (s->partial_len == 0) {
        size_t used = run_packets(s, bytes, len);
        if (used < len && !s->conn->closed)
            (void)keep_partial(s, bytes + used, len - used);
    } else if (keep_partial(s, bytes, len)) {
        drop_partial(s, run_packets(s, s->partial, s->partial_len));
    }
}

static void on_frame(struct mqtt_session *s, const struct ws_event *e)
{
    uint8_t frame[WS_CONTROL_MAX];

    switch (e->kind) {
    case WS_DATA:
        if (e->len > 0)
            on_mqtt_bytes(s, e->bytes, e->len);
        break;
    case WS_PING:
        conn_send(s->conn, frame, ws_write_pong(frame, e->bytes, e->len));
        break;
    case WS_CLOSE:
        mqtt_session_end(s, e->code, NULL);
        break;
    case WS_ERROR:
        session_worker(s)->stats.websocket_errors++;
        mqtt_session_end(s, e->code, e->why);
        break;
    case WS_PONG:
        if (s->keep_alive_s == 0)
            mqtt_session_heard(s);
        break;
    case WS_MORE:
        break;
    }
}

static size_t on_bytes(struct conn *c, uint8_t *bytes, size_t len)
{
    struct mqtt_session *s = session_of(c);
    size_t used = 0;

    while (used < len && !s->yields && !c->closed && !c->finishing) {
        struct ws_event e;
        used += ws_decode(&s->ws, bytes + used, len - used, &e);
        if (e.kind == WS_MORE)
            break;
        on_frame(s, &e);
    }
    return used;
}

static void on_drained(struct conn *c)
{
    struct mqtt_session *s = session_of(c);

    hub_writable(worker_of(c)->hub, &s->reader);
    if (!s->yields)
        return;
    s->yields = false;
    s->resumed = true;
    if (s->partial_len > 0)
        drop_partial(s, run_packets(s, s->partial, s->partial_len));
    if (!s->yields)
        conn_retry_input(c);
}

/* Silence: one that promised to speak is disconnected, one that did not is asked once whether it is
 * there. */
static void on_expired(struct conn *c, struct mono now)
{
    static const uint8_t ping[] = {0x80 | WS_OP_PING, 0};
    struct mqtt_session *s = session_of(c);
    int64_t silent_ms = (now.ns - s->last_heard.ns) / 1000000;

    if (s->version == MQTT_UNKNOWN) {
        worker_of(c)->stats.handshake_timeouts++;
        mqtt_session_end(s, WS_POLICY, "no CONNECT came in time");
    } else if (s->keep_alive_s > 0 && silent_ms >= s->keep_alive_s * INT64_C(1500)) {
        mqtt_session_disconnect(s, MQTT_KEEP_ALIVE_TIMEOUT,
                                "nothing was heard for one and a half keep-alive intervals");
    } else if (s->keep_alive_s > 0 || silent_ms < worker_of(c)->limits.idle_ms) {
        mqtt_session_arm(s);
    } else if (!s->probed) {
        s->probed = true;
        conn_send(c, ping, sizeof(ping));
        conn_expire_at(c, mono_add_ms(now, worker_of(c)->limits.idle_ms));
    } else {
        mqtt_session_disconnect(s, MQTT_KEEP_ALIVE_TIMEOUT, "no answer to a WebSocket ping");
    }
}

static void on_end(struct conn *c)
{
    struct mqtt_session *s = session_of(c);

    hub_leave(worker_of(c)->hub, &s->reader);
    worker_of(c)->stats.readers[DOOR_MQTT]--;
    mqtt_client_id_release(s);
    free(s->partial);
    free(s);
}

static const struct protocol mqtt_protocol = {
    .name = "mqtt",
    .keep_max = READ_MAX, /* while it yields, else WS_KEEP_MAX */
    .bytes = on_bytes,
    .drained = on_drained,
    .expired = on_expired,
    .end = on_end,
};

/* ---- the reader's side of the hub ---- */

static size_t reader_write(struct reader *r, const uint8_t *bytes, size_t len)
{
    return conn_write(CONTAINER_OF(r, struct mqtt_session, reader)->conn, bytes, len);
}

static void reader_stash(struct reader *r, const uint8_t *bytes, size_t len)
{
    conn_send_rest(CONTAINER_OF(r, struct mqtt_session, reader)->conn, bytes, len);
}

static void reader_prepare(const struct reader *r)
{
    conn_prepare(CONTAINER_OF(r, const struct mqtt_session, reader)->conn);
}

static const struct reader_ops reader_ops = {reader_write, reader_stash, reader_prepare};

/* ---- the door ---- */

static int session_new(struct conn *c, uint32_t interval_ms, struct mqtt_session **ret)
{
    struct worker *w = worker_of(c);
    struct mqtt_session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return -ENOMEM;
    s->conn = c;
    s->interval_ms = interval_ms;
    s->max_packet_size = UINT32_MAX;
    s->last_heard = w->now;
    s->reader.ops = &reader_ops;
    hub_enter(&s->reader);
    ws_decoder_init(&s->ws, WS_ACCEPT_BINARY, UINT32_MAX); /* a message may hold many packets */
    w->stats.readers[DOOR_MQTT]++;
    *ret = s;
    return 0;
}

void door_mqtt(const struct http_request *r)
{
    struct upgrade up;
    struct mqtt_session *s;

    if (!upgrade_check(r, "mqtt", &up))
        return;
    if (session_new(r->conn, up.interval_ms, &s) < 0) {
        http_problem(r, 503, "", HTTP_OUT_OF_MEMORY);
        return;
    }
    r->conn->grant = grant_ref(r->grant);
    conn_send(r->conn, up.answer, up.len);
    conn_become(r->conn, &mqtt_protocol, s);
    conn_expire_at(r->conn,
                   mono_add_ms(s->last_heard, worker_of(r->conn)->limits.net.handshake_ms));
}

/* ---- for the worker and the operator ---- */

static void say_goodbye(struct conn *c)
{
    mqtt_session_disconnect(session_of(c), MQTT_SERVER_SHUTTING_DOWN,
                            "the gateway is being restarted");
}

static const struct reader *reader_of(const struct conn *c)
{
    return &((const struct mqtt_session *)c->state)->reader;
}

static void say_expired(struct conn *c)
{
    mqtt_session_disconnect(session_of(c), MQTT_MAXIMUM_CONNECT_TIME, "the token has expired");
}

const struct door mqtt_door = {"mqtt", &mqtt_protocol, reader_of, say_goodbye, say_expired};
