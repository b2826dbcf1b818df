/*
 * MQTT over WebSocket: one reader's session on the shared fan-out.
 *
 * The gateway is a read-only MQTT server (3.1.1 and 5). It grants QoS 0, keeps no sessions, takes
 * no messages and no wills. What a client sends is a handful of small packets; what it is sent
 * comes from the hub, except for the answers to those.
 *
 *     bytes -> WebSocket frames -> MQTT packets -> on_connect, on_subscribe, …
 *
 * A packet is decoded where it lies in the read buffer; only one that is cut by the end of a read
 * or of a frame is copied to `partial`. Any violation is answered in the client's own version, then
 * the WebSocket is closed.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/topic.h"
#include "gateway/codec/mqtt_decode.h"
#include "gateway/codec/mqtt_encode.h"
#include "gateway/codec/websocket.h"
#include "gateway/codec/ws_handshake.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/mqtt.h"
#include "gateway/doors/http.h"
#include "gateway/doors/mqtt_encoding.h"
#include "gateway/hub/hub.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define ANSWER_MAX 4096 /* CONNACK, SUBACK, …: bounds the filters of one SUBSCRIBE too */
#define FILTERS_PER_PACKET 2048
#define CLIENT_ID_MAX 256
#define TURN_MAX_NS 4000000

struct session {
    struct reader reader;
    struct conn *conn;
    struct hash_node by_id; /* in worker.mqtt_clients while client_id is not NULL */
    char *client_id;
    struct ws_decoder ws;
    struct mono last_heard; /* a whole packet; without keep-alive also a pong */
    uint8_t *partial;       /* a packet that is not complete yet */
    uint32_t partial_len, partial_cap;
    uint32_t max_packet_size; /* what the client takes */
    uint32_t interval_ms;     /* of /mqtt?max-rate=: for filters that say nothing themselves */
    uint16_t keep_alive_s;    /* 0: none asked for */
    uint16_t client_id_len;
    uint8_t version;      /* enum mqtt_version, MQTT_UNKNOWN before CONNECT */
    bool expiry_was_zero; /* CONNECT asked for no session to be kept */
    bool probed;          /* a WebSocket ping is under way */
    bool yields;          /* packets wait for a later turn */
    bool resumed;         /* … and this is it */
};

static const struct protocol mqtt_protocol;

static struct session *session_of(struct conn *c)
{
    return c->state;
}

static struct worker *worker_of_session(const struct session *s)
{
    return worker_of(s->conn);
}

/* ---- client ids ---- */

static bool has_client_id(const struct hash_node *node, const void *key)
{
    const struct session *s = CONTAINER_OF(node, struct session, by_id);
    const struct slice *id = key;

    return s->client_id_len == id->len && memcmp(s->client_id, id->at, id->len) == 0;
}

static struct session *find_client(const struct worker *w, struct slice id)
{
    uint32_t hash = hash_more(HASH_SEED, id.at, id.len);
    struct hash_node *node = hash_table_find(&w->mqtt_clients, hash, has_client_id, &id);

    return node != NULL ? CONTAINER_OF(node, struct session, by_id) : NULL;
}

/* Be known by `id`, which nobody else is. Returns 0; -ENOMEM. */
static int remember_client(struct session *s, struct slice id)
{
    char *copy = malloc(id.len);
    int r;

    if (copy == NULL)
        return -ENOMEM;
    r = hash_table_add(&worker_of_session(s)->mqtt_clients, &s->by_id,
                       hash_more(HASH_SEED, id.at, id.len));
    if (r < 0) {
        free(copy);
        return r;
    }
    memcpy(copy, id.at, id.len);
    s->client_id = copy;
    s->client_id_len = (uint16_t)id.len;
    return 0;
}

static void forget_client(struct session *s)
{
    if (s->client_id == NULL)
        return;
    hash_table_remove(&worker_of_session(s)->mqtt_clients, &s->by_id);
    free(s->client_id);
    s->client_id = NULL;
}

/* ---- answers ---- */

static void send_packet(struct session *s, const uint8_t *packet, size_t len)
{
    uint8_t frame[WS_HEADER_MAX + ANSWER_MAX];
    uint8_t *end;

    if (len == 0) /* this version has no such packet */
        return;
    end = ws_write_header(frame, WS_OP_BINARY, len);
    memcpy(end, packet, len);
    conn_send(s->conn, frame, (size_t)(end - frame) + len);
}

static size_t answer_cap(const struct session *s)
{
    return s->max_packet_size < ANSWER_MAX ? s->max_packet_size : ANSWER_MAX;
}

static void end_websocket(struct session *s, uint16_t code, const char *why)
{
    uint8_t frame[WS_CONTROL_MAX];

    hub_leave(worker_of_session(s)->hub, &s->reader);
    forget_client(s);
    conn_send(s->conn, frame, ws_write_close(frame, code, why));
    conn_finish(s->conn);
}

static uint16_t close_code(uint8_t reason)
{
    switch (reason) {
    case MQTT_MALFORMED_PACKET:
    case MQTT_PROTOCOL_ERROR:
        return WS_PROTOCOL_ERROR;
    case MQTT_PACKET_TOO_LARGE:
        return WS_TOO_BIG;
    case MQTT_SERVER_SHUTTING_DOWN:
        return WS_GOING_AWAY;
    case MQTT_KEEP_ALIVE_TIMEOUT:
        return WS_NORMAL;
    default:
        return WS_POLICY;
    }
}

/* Say why in the client's words and close. Before CONNECT was accepted that is a CONNACK, after it
 * a DISCONNECT. */
static void refuse(struct session *s, enum mqtt_version version, uint8_t reason, const char *why)
{
    uint8_t packet[ANSWER_MAX];
    size_t len;

    if (s->version == MQTT_UNKNOWN)
        len = mqtt_encode_refusal(packet, answer_cap(s), version, reason, why);
    else
        len = mqtt_encode_disconnect(packet, answer_cap(s), version, reason, why);
    worker_of_session(s)->stats.refused[reason]++;
    send_packet(s, packet, len);
    end_websocket(s, close_code(reason), why);
}

static void disconnect(struct session *s, uint8_t reason, const char *why)
{
    refuse(s, s->version, reason, why);
}

/* Send the answer to a request. One that is longer than what the client takes may not be sent, and
 * a client that waits for it in vain is no use. */
static void send_answer(struct session *s, const uint8_t *packet, size_t len)
{
    if (len > 0)
        send_packet(s, packet, len);
    else
        disconnect(s, MQTT_PACKET_TOO_LARGE, "the answer is over your maximum packet size");
}

/* ---- packets ---- */

/* When to look at the session next: what it promised (keep-alive, times one and a half), else when
 * to probe it. */
static void arm(struct session *s)
{
    int64_t ms = s->keep_alive_s > 0 ? s->keep_alive_s * INT64_C(1500)
                                     : worker_of_session(s)->limits.idle_ms;

    conn_expire_at(s->conn, mono_add_ms(s->last_heard, ms));
}

static struct slice assign_client_id(struct session *s, char buf[32])
{
    int n = snprintf(buf, 32, "tapecast-%016llx",
                     (unsigned long long)rng_next(&worker_of_session(s)->rng));

    return (struct slice){buf, (size_t)n};
}

/* Why this CONNECT cannot be accepted, or MQTT_SUCCESS. */
static uint8_t judge_connect(const struct mqtt_connect *p, const char **ret_why)
{
    if (p->auth_method.at != NULL) {
        *ret_why = "no authentication method is offered here";
        return MQTT_BAD_AUTH_METHOD;
    }
    if (p->client_id.len > CLIENT_ID_MAX) {
        *ret_why = "a client id has at most 256 bytes";
        return MQTT_CLIENT_ID_INVALID;
    }
    if (p->has_will) {
        *ret_why = "this door is read-only: it takes no will";
        return MQTT_NOT_AUTHORIZED;
    }
    return MQTT_SUCCESS;
}

/* The session gets its id; one that had it before ends [MQTT-3.1.4-3]. Returns 0; -ENOMEM. */
static int take_client_id(struct session *s, struct slice id)
{
    struct session *before = find_client(worker_of_session(s), id);

    if (before != NULL)
        disconnect(before, MQTT_SESSION_TAKEN_OVER, "another connection came with this client id");
    return remember_client(s, id);
}

static void on_connect(struct session *s, const struct mqtt_connect *p)
{
    uint8_t packet[ANSWER_MAX], reason;
    char assigned[32];
    const char *why = NULL;
    struct slice id = p->client_id;
    struct mqtt_connack ack = {
        .max_packet_size = worker_of_session(s)->limits.max_packet_size,
        .session_expires_at_once = p->session_expiry_s > 0,
    };
    size_t len;

    s->max_packet_size = p->max_packet_size;
    reason = judge_connect(p, &why);
    if (reason != MQTT_SUCCESS) {
        refuse(s, p->version, reason, why);
        return;
    }
    if (id.len == 0)
        id = ack.assigned_client_id = assign_client_id(s, assigned);
    len = mqtt_encode_connack(packet, answer_cap(s), p->version, &ack);
    if (len == 0) {
        refuse(s, p->version, MQTT_PACKET_TOO_LARGE, NULL);
        return;
    }
    if (take_client_id(s, id) < 0) {
        refuse(s, p->version, MQTT_SERVER_BUSY, "out of memory; try again later");
        return;
    }
    s->version = (uint8_t)p->version;
    s->keep_alive_s = p->keep_alive_s;
    s->expiry_was_zero = p->session_expiry_s == 0;
    arm(s);
    send_packet(s, packet, len);
}

/* The interval for a rate such as "2" or "0.5" a second. Returns 0 on success; -EINVAL. */
static int parse_rate(struct slice text, uint32_t *ret_interval_ms)
{
    char buf[16], *end;
    double rate;

    if (text.len == 0 || text.len >= sizeof(buf))
        return -EINVAL;
    memcpy(buf, text.at, text.len);
    buf[text.len] = '\0';
    if (buf[strspn(buf, "0123456789.")] != '\0')
        return -EINVAL;
    rate = strtod(buf, &end);
    if (*end != '\0' || rate < 0.01 || rate > 1000)
        return -EINVAL;
    *ret_interval_ms = (uint32_t)lround(1000 / rate);
    return 0;
}

/* The pace that a SUBSCRIBE asks for by the user property `max-rate`. Returns 0; -EINVAL. */
static int requested_pace(const struct session *s, struct mqtt_properties properties,
                          uint32_t *ret_interval_ms)
{
    struct slice name, value;

    *ret_interval_ms = s->interval_ms;
    while (mqtt_user_property_next(&properties, &name, &value))
        if (slice_is(name, "max-rate"))
            return parse_rate(value, ret_interval_ms);
    return 0;
}

static size_t levels_of(struct slice filter)
{
    size_t n = 1;

    for (size_t i = 0; i < filter.len; i++)
        n += filter.at[i] == '/';
    return n;
}

/* The reason code for one filter, which is added to `want` (and `snapshot`) when it is granted. */
static uint8_t grant(const struct session *s, const struct mqtt_filter *f, uint32_t interval_ms,
                     struct filterset *want, struct filterset *snapshot)
{
    const struct gateway_limits *limits = &worker_of_session(s)->limits;
    int was_there;

    if (f->reason != MQTT_SUCCESS)
        return f->reason;
    if (f->shared)
        return MQTT_SHARED_NOT_SUPPORTED;
    if (f->filter.len > limits->max_filter_length ||
        levels_of(f->filter) > limits->max_filter_levels)
        return MQTT_QUOTA_EXCEEDED;
    was_there =
        filterset_put(want, f->filter.at, f->filter.len, f->retain_as_published, interval_ms);
    if (was_there < 0)
        return MQTT_UNSPECIFIED_ERROR;
    if (want->n > limits->max_subscriptions) {
        (void)filterset_remove(want, f->filter.at, f->filter.len);
        return MQTT_QUOTA_EXCEEDED;
    }
    if (f->retain_handling == 2 || (f->retain_handling == 1 && was_there))
        return MQTT_SUCCESS;
    return filterset_put(snapshot, f->filter.at, f->filter.len, false, 0) < 0
               ? MQTT_UNSPECIFIED_ERROR
               : MQTT_SUCCESS;
}

/* Ask the hub for `want`; when it cannot, every filter that was granted is refused after all. */
static void apply(struct session *s, struct filterset *want, struct filterset *snapshot,
                  uint8_t *reasons, size_t n)
{
    size_t max_packet = s->max_packet_size < UINT32_MAX ? s->max_packet_size : SIZE_MAX;
    int r = hub_subscribe(worker_of_session(s)->hub, &s->reader, mqtt_encoding(s->version),
                          max_packet, want, snapshot);

    for (size_t i = 0; r < 0 && i < n; i++)
        if (reasons[i] == MQTT_SUCCESS)
            reasons[i] = r == -ENOSPC ? MQTT_QUOTA_EXCEEDED : MQTT_UNSPECIFIED_ERROR;
}

static void on_subscribe(struct session *s, const struct mqtt_subscribe *p)
{
    struct filterset want = {0}, snapshot = {0};
    struct mqtt_filters rest = p->filters;
    struct mqtt_filter f;
    uint8_t packet[ANSWER_MAX], reasons[FILTERS_PER_PACKET];
    uint32_t interval_ms;
    size_t n = 0;

    if (p->subscription_id > 0) {
        disconnect(s, MQTT_SUBSCRIPTION_ID_NOT_SUPPORTED,
                   "subscription identifiers are not available");
        return;
    }
    if (p->n_filters > FILTERS_PER_PACKET) {
        disconnect(s, MQTT_QUOTA_EXCEEDED, "too many filters in one packet");
        return;
    }
    if (filterset_copy(hub_filters(&s->reader), &want) < 0 ||
        requested_pace(s, p->properties, &interval_ms) < 0) {
        filterset_release(&want);
        disconnect(s, MQTT_IMPLEMENTATION_ERROR, "max-rate is a number from 0.01 to 1000 a second");
        return;
    }
    while (mqtt_filter_next(&rest, &f))
        reasons[n++] = grant(s, &f, interval_ms, &want, &snapshot);
    apply(s, &want, &snapshot, reasons, n);
    send_answer(s, packet,
                mqtt_encode_suback(packet, answer_cap(s), s->version, p->packet_id, reasons, n));
    hub_serve(worker_of_session(s)->hub, &s->reader);
}

static void on_unsubscribe(struct session *s, const struct mqtt_subscribe *p)
{
    struct filterset want = {0}, snapshot = {0};
    struct mqtt_filters rest = p->filters;
    struct mqtt_filter f;
    uint8_t packet[ANSWER_MAX], reasons[FILTERS_PER_PACKET];
    size_t n = 0;

    if (p->n_filters > FILTERS_PER_PACKET || filterset_copy(hub_filters(&s->reader), &want) < 0) {
        disconnect(s, MQTT_QUOTA_EXCEEDED, "too many filters in one packet");
        return;
    }
    while (mqtt_filter_next(&rest, &f)) {
        if (f.reason == MQTT_SUCCESS && !filterset_remove(&want, f.filter.at, f.filter.len))
            f.reason = MQTT_NO_SUBSCRIPTION_EXISTED;
        reasons[n++] = f.reason;
    }
    apply(s, &want, &snapshot, reasons, n);
    send_answer(s, packet,
                mqtt_encode_unsuback(packet, answer_cap(s), s->version, p->packet_id, reasons, n));
    hub_serve(worker_of_session(s)->hub, &s->reader);
}

static void on_publish(struct session *s, const struct mqtt_publish *p)
{
    if (p->qos > 0)
        disconnect(s, MQTT_QOS_NOT_SUPPORTED, "this door is read-only; the maximum QoS is 0");
    else
        disconnect(s, MQTT_NOT_AUTHORIZED, "this door is read-only: publish to the broker");
}

static void on_disconnect(struct session *s, const struct mqtt_disconnect *p)
{
    if (p->session_expiry_s > 0 && s->expiry_was_zero) {
        disconnect(s, MQTT_PROTOCOL_ERROR, "the session expiry was zero at CONNECT");
        return;
    }
    end_websocket(s, WS_NORMAL, NULL);
}

static void heard(struct session *s)
{
    s->last_heard = worker_of_session(s)->now;
    s->probed = false;
}

static void on_packet(struct session *s, const struct mqtt_packet *p)
{
    uint8_t packet[ANSWER_MAX];

    heard(s);
    switch (p->type) {
    case MQTT_CONNECT:
        on_connect(s, &p->connect);
        break;
    case MQTT_SUBSCRIBE:
        on_subscribe(s, &p->subscribe);
        break;
    case MQTT_UNSUBSCRIBE:
        on_unsubscribe(s, &p->subscribe);
        break;
    case MQTT_PINGREQ:
        send_answer(s, packet, mqtt_encode_pingresp(packet, answer_cap(s)));
        break;
    case MQTT_PUBLISH:
        on_publish(s, &p->publish);
        break;
    case MQTT_DISCONNECT:
        on_disconnect(s, &p->disconnect);
        break;
    default: /* acknowledgements of what is never sent, AUTH without a method */
        disconnect(s, MQTT_PROTOCOL_ERROR, "nothing here asked for this packet");
    }
}

/* ---- bytes ---- */

static size_t max_packet_size(const struct session *s)
{
    return worker_of_session(s)->limits.max_packet_size;
}

/* Subscriptions are what costs: each looks at every topic. A turn that has lasted long takes no
 * more of them, so that nobody waits for a client that sends thousands; one a turn it always gets.
 */
static bool must_yield(struct session *s, enum mqtt_type type)
{
    bool resumed = s->resumed;

    if (type != MQTT_SUBSCRIBE && type != MQTT_UNSUBSCRIBE)
        return false;
    s->resumed = false;
    return !resumed && mono_now().ns - worker_of_session(s)->now.ns > TURN_MAX_NS;
}

/* Decode what is complete in `bytes`. Returns how many bytes were used; less than `len` when the
 * rest is an incomplete packet. */
static size_t run_packets(struct session *s, const uint8_t *bytes, size_t len)
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
            refuse(s, fault.version, fault.reason, fault.why);
            return len;
        }
        if (must_yield(s, packet.type)) {
            s->yields = true;
            conn_yield(s->conn);
            break;
        }
        on_packet(s, &packet);
        used += (size_t)n;
    }
    return s->conn->finishing ? len : used;
}

/* Returns whether there was memory. */
static bool keep_partial(struct session *s, const uint8_t *bytes, size_t len)
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

static void drop_partial(struct session *s, size_t used)
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
static void on_mqtt_bytes(struct session *s, const uint8_t *bytes, size_t len)
{
    if (s->partial_len == 0) {
        size_t used = run_packets(s, bytes, len);
        if (used < len && !s->conn->closed)
            (void)keep_partial(s, bytes + used, len - used);
    } else if (keep_partial(s, bytes, len)) {
        drop_partial(s, run_packets(s, s->partial, s->partial_len));
    }
}

static void on_frame(struct session *s, const struct ws_event *e)
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
        end_websocket(s, e->code, NULL);
        break;
    case WS_ERROR:
        worker_of_session(s)->stats.websocket_errors++;
        end_websocket(s, e->code, e->why);
        break;
    case WS_PONG:
        if (s->keep_alive_s == 0)
            heard(s);
        break;
    case WS_MORE:
        break;
    }
}

static size_t on_bytes(struct conn *c, uint8_t *bytes, size_t len)
{
    struct session *s = session_of(c);
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
    struct session *s = session_of(c);

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
    struct session *s = session_of(c);
    int64_t silent_ms = (now.ns - s->last_heard.ns) / 1000000;

    if (s->version == MQTT_UNKNOWN) {
        worker_of(c)->stats.handshake_timeouts++;
        end_websocket(s, WS_POLICY, "no CONNECT came in time");
    } else if (s->keep_alive_s > 0 && silent_ms >= s->keep_alive_s * INT64_C(1500)) {
        disconnect(s, MQTT_KEEP_ALIVE_TIMEOUT,
                   "nothing was heard for one and a half keep-alive intervals");
    } else if (s->keep_alive_s > 0 || silent_ms < worker_of(c)->limits.idle_ms) {
        arm(s);
    } else if (!s->probed) {
        s->probed = true;
        conn_send(c, ping, sizeof(ping));
        conn_expire_at(c, mono_add_ms(now, worker_of(c)->limits.idle_ms));
    } else {
        disconnect(s, MQTT_KEEP_ALIVE_TIMEOUT, "no answer to a WebSocket ping");
    }
}

static void on_end(struct conn *c)
{
    struct session *s = session_of(c);

    hub_leave(worker_of(c)->hub, &s->reader);
    worker_of(c)->stats.sessions--;
    forget_client(s);
    free(s->partial);
    free(s);
}

static const struct protocol mqtt_protocol = {
    .name = "mqtt",
    .keep_max = READ_BUFFER, /* while it yields, else WS_KEEP_MAX */
    .bytes = on_bytes,
    .drained = on_drained,
    .expired = on_expired,
    .end = on_end,
};

/* ---- the reader's side of the hub ---- */

static size_t reader_write(struct reader *r, const uint8_t *bytes, size_t len)
{
    return conn_write(CONTAINER_OF(r, struct session, reader)->conn, bytes, len);
}

static void reader_stash(struct reader *r, const uint8_t *bytes, size_t len)
{
    conn_send(CONTAINER_OF(r, struct session, reader)->conn, bytes, len);
}

static const struct reader_ops reader_ops = {reader_write, reader_stash};

/* ---- the door ---- */

static int session_new(struct conn *c, uint32_t interval_ms, struct session **ret)
{
    struct worker *w = worker_of(c);
    struct session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return -ENOMEM;
    s->conn = c;
    s->interval_ms = interval_ms;
    s->max_packet_size = UINT32_MAX;
    s->last_heard = w->now;
    s->reader.ops = &reader_ops;
    hub_enter(&s->reader);
    ws_decoder_init(&s->ws, WS_ACCEPT_BINARY, UINT32_MAX); /* a message may hold many packets */
    w->stats.sessions++;
    *ret = s;
    return 0;
}

/* The rate that `/mqtt?max-rate=2` asks for. Returns 0; -EINVAL. */
static int pace_of_request(const struct http_head *h, uint32_t *ret_interval_ms)
{
    char text[16];
    int n = http_query_get(h->query, "max-rate", text, sizeof(text));

    *ret_interval_ms = 0;
    if (n == -ENOENT)
        return 0;
    return n < 0 ? -EINVAL : parse_rate((struct slice){text, (size_t)n}, ret_interval_ms);
}

void door_mqtt(const struct http_request *r)
{
    struct ws_handshake hs;
    struct session *s;
    char answer[WS_ANSWER_MAX];
    const char *why;
    uint32_t interval_ms;
    size_t len;
    int err = ws_handshake_check(r->head, "mqtt", &hs, &why);

    if (err < 0) {
        http_problem(r, -err, ws_refusal_fields(-err), why);
        return;
    }
    if (!origin_allowed(worker_of(r->conn)->shared, r->head, hs.origin)) {
        http_problem(r, 403, "",
                     "Pages of another site may not read here; allow it with --origins.");
        return;
    }
    if (pace_of_request(r->head, &interval_ms) < 0) {
        http_problem(r, 400, "", "max-rate is a number from 0.01 to 1000 a second.");
        return;
    }
    len = ws_handshake_answer(&hs, answer);
    if (len == 0 || session_new(r->conn, interval_ms, &s) < 0) {
        http_problem(r, 503, "", "The gateway is out of memory; try again later.");
        return;
    }
    conn_send(r->conn, answer, len);
    conn_become(r->conn, &mqtt_protocol, s);
    conn_expire_at(r->conn,
                   mono_add_ms(s->last_heard, worker_of(r->conn)->limits.net.handshake_ms));
}

/* ---- for the worker and other doors ---- */

size_t mqtt_say_goodbye(struct net *n, size_t most)
{
    size_t told = 0;

    for (struct list *l = n->conns.next, *next; l != &n->conns && told < most; l = next) {
        struct conn *c = CONTAINER_OF(l, struct conn, link);
        next = l->next;
        if (c->finishing)
            continue;
        if (c->protocol == &mqtt_protocol)
            disconnect(session_of(c), MQTT_SERVER_SHUTTING_DOWN, "the gateway is being restarted");
        else
            conn_finish(c);
        told++;
    }
    return told;
}

const struct reader *mqtt_reader_of(const struct conn *c)
{
    return c->protocol == &mqtt_protocol ? &((const struct session *)c->state)->reader : NULL;
}
