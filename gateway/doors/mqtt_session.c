#include "gateway/doors/mqtt_session.h"

#include <errno.h>
#include <string.h>

#include "gateway/codec/mqtt_encode.h"
#include "gateway/doors/mqtt_access.h"
#include "gateway/doors/mqtt_client_id.h"
#include "gateway/doors/mqtt_encoding.h"
#include "gateway/doors/pace.h"
#include "gateway/doors/visitor.h"

#include "common/banned.h"

#define ANSWER_MAX 4096 /* CONNACK, SUBACK, …: bounds the filters of one SUBSCRIBE too */
#define FILTERS_PER_PACKET 2048
/* ---- answers ---- */

static void send_packet(struct mqtt_session *s, const uint8_t *packet, size_t len)
{
    uint8_t frame[WS_HEADER_MAX + ANSWER_MAX];
    uint8_t *end;

    if (len == 0) /* this version has no such packet */
        return;
    end = ws_write_header(frame, WS_OP_BINARY, len);
    memcpy(end, packet, len);
    conn_send(s->conn, frame, (size_t)(end - frame) + len);
}

static size_t answer_cap(const struct mqtt_session *s)
{
    return s->max_packet_size < ANSWER_MAX ? s->max_packet_size : ANSWER_MAX;
}

void mqtt_session_end(struct mqtt_session *s, uint16_t code, const char *why)
{
    uint8_t frame[WS_CONTROL_MAX];

    hub_leave(session_worker(s)->hub, &s->reader);
    mqtt_client_id_release(s);
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

void mqtt_session_refuse(struct mqtt_session *s, enum mqtt_version version, uint8_t reason,
                         const char *why)
{
    uint8_t packet[ANSWER_MAX];
    size_t len;

    if (s->version == MQTT_UNKNOWN)
        len = mqtt_encode_refusal(packet, answer_cap(s), version, reason, why);
    else
        len = mqtt_encode_disconnect(packet, answer_cap(s), version, reason, why);
    session_worker(s)->stats.refused[reason]++;
    send_packet(s, packet, len);
    mqtt_session_end(s, close_code(reason), why);
}

void mqtt_session_disconnect(struct mqtt_session *s, uint8_t reason, const char *why)
{
    mqtt_session_refuse(s, s->version, reason, why);
}

void mqtt_session_answer(struct mqtt_session *s, const uint8_t *packet, size_t len)
{
    if (len > 0)
        send_packet(s, packet, len);
    else
        mqtt_session_disconnect(s, MQTT_PACKET_TOO_LARGE,
                                "the answer is over your maximum packet size");
}

/* ---- packets ---- */

void mqtt_session_arm(struct mqtt_session *s)
{
    int64_t ms =
        s->keep_alive_s > 0 ? s->keep_alive_s * INT64_C(1500) : session_worker(s)->limits.idle_ms;

    conn_expire_at(s->conn, mono_add_ms(s->last_heard, ms));
}

/* A token that came with the request has been counted then. */
static bool came_with_token(const struct mqtt_session *s, const struct mqtt_connect *p)
{
    return session_worker(s)->shared->auth != NULL &&
           (p->password.at != NULL || p->auth_method.at != NULL);
}

/* Why this CONNECT cannot be accepted, or MQTT_SUCCESS. */
static uint8_t judge_connect(struct mqtt_session *s, const struct mqtt_connect *p,
                             const char **ret_why)
{
    uint8_t reason;

    if (p->client_id.len > MQTT_CLIENT_ID_MAX) {
        *ret_why = "a client id has at most 256 bytes";
        return MQTT_CLIENT_ID_INVALID;
    }
    if (p->has_will && p->version == MQTT_5 && p->will.qos > 0) {
        *ret_why = "this door is read-only: it takes no will, and the maximum QoS is 0";
        return MQTT_QOS_NOT_SUPPORTED;
    }
    if (p->has_will) {
        *ret_why = "this door is read-only: it takes no will";
        return MQTT_NOT_AUTHORIZED;
    }
    reason = mqtt_access_connect(s, p, ret_why);
    if (reason == MQTT_SUCCESS && came_with_token(s, p) &&
        visitor_take_token(session_worker(s), s->conn->grant, QUOTA_CONNECT) > 0) {
        *ret_why = VISITOR_RULE;
        return MQTT_CONNECTION_RATE_EXCEEDED;
    }
    return reason;
}

/* MQTT 5 lets a server say how often it wants to hear of a client. */
static uint16_t longest_keep_alive_s(const struct worker *w)
{
    uint32_t s = w->limits.idle_ms / 1000;

    return s < UINT16_MAX ? (uint16_t)s : UINT16_MAX;
}

static void on_connect(struct mqtt_session *s, const struct mqtt_connect *p)
{
    uint8_t packet[ANSWER_MAX], reason;
    char assigned[MQTT_CLIENT_ID_MADE];
    const char *why = NULL;
    struct slice id = p->client_id;
    struct mqtt_connack ack = {
        .max_packet_size = session_worker(s)->limits.max_packet_size,
        .session_expires_at_once = p->session_expiry_s > 0,
        .auth_method = p->auth_method,
    };
    uint16_t longest_s = longest_keep_alive_s(session_worker(s));
    size_t len;

    s->max_packet_size = p->max_packet_size;
    s->keep_alive_s = p->keep_alive_s;
    if (p->version == MQTT_5 && p->keep_alive_s > longest_s)
        s->keep_alive_s = ack.server_keep_alive_s = longest_s;
    reason = judge_connect(s, p, &why);
    if (reason != MQTT_SUCCESS) {
        mqtt_session_refuse(s, p->version, reason, why);
        return;
    }
    if (id.len == 0)
        id = ack.assigned_client_id = mqtt_client_id_make(session_worker(s), assigned);
    len = mqtt_encode_connack(packet, answer_cap(s), p->version, &ack);
    if (len == 0) {
        mqtt_session_refuse(s, p->version, MQTT_PACKET_TOO_LARGE, NULL);
        return;
    }
    if (mqtt_client_id_take(s, id, p->client_id.len == 0) < 0) {
        mqtt_session_refuse(s, p->version, MQTT_SERVER_BUSY, "too much at once; try again later");
        return;
    }
    s->version = (uint8_t)p->version;
    s->expiry_was_zero = p->session_expiry_s == 0;
    mqtt_session_arm(s);
    send_packet(s, packet, len);
}

/* The pace that a SUBSCRIBE asks for by the user property `max-rate`. Returns 0; -EINVAL. */
static int requested_pace(const struct mqtt_session *s, struct mqtt_properties properties,
                          uint32_t *ret_interval_ms)
{
    struct slice name, value;

    *ret_interval_ms = s->interval_ms;
    while (mqtt_user_property_next(&properties, &name, &value))
        if (slice_is(name, "max-rate"))
            return pace_parse(value, ret_interval_ms);
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
static uint8_t judge_filter(const struct mqtt_session *s, const struct mqtt_filter *f,
                            uint32_t interval_ms, struct filterset *want,
                            struct filterset *snapshot)
{
    const struct gateway_limits *limits = &session_worker(s)->limits;
    int was_there;

    if (f->reason != MQTT_SUCCESS)
        return f->reason;
    if (f->shared)
        return MQTT_SHARED_NOT_SUPPORTED;
    if (f->filter.len > limits->max_filter_length ||
        levels_of(f->filter) > limits->max_filter_levels)
        return MQTT_QUOTA_EXCEEDED;
    if (!grant_may_read(s->conn->grant, f->filter.at, f->filter.len))
        return MQTT_NOT_AUTHORIZED;
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

int mqtt_session_subscribe(struct mqtt_session *s, struct filterset *want,
                           struct filterset *snapshot)
{
    size_t max_packet = s->max_packet_size < UINT32_MAX ? s->max_packet_size : SIZE_MAX;

    return hub_subscribe(session_worker(s)->hub, &s->reader, mqtt_encoding(s->version), max_packet,
                         want, snapshot);
}

/* Ask the hub for `want`; when it cannot, every filter that was granted is refused after all. */
static void apply(struct mqtt_session *s, struct filterset *want, struct filterset *snapshot,
                  uint8_t *reasons, size_t n)
{
    int r = mqtt_session_subscribe(s, want, snapshot);

    for (size_t i = 0; r < 0 && i < n; i++)
        if (reasons[i] == MQTT_SUCCESS)
            reasons[i] = r == -ENOSPC ? MQTT_QUOTA_EXCEEDED : MQTT_UNSPECIFIED_ERROR;
}

/* SUBSCRIBE comes too often: every filter is refused for it. */
static void put_off(struct mqtt_session *s, const struct mqtt_subscribe *p)
{
    uint8_t packet[ANSWER_MAX], reasons[FILTERS_PER_PACKET];

    memset(reasons, MQTT_QUOTA_EXCEEDED, p->n_filters);
    mqtt_session_answer(
        s, packet,
        mqtt_encode_suback(packet, answer_cap(s), s->version, p->packet_id, reasons, p->n_filters));
}

static void on_subscribe(struct mqtt_session *s, const struct mqtt_subscribe *p)
{
    struct filterset want = {0}, snapshot = {0};
    struct mqtt_filters rest = p->filters;
    struct mqtt_filter f;
    uint8_t packet[ANSWER_MAX], reasons[FILTERS_PER_PACKET];
    uint32_t interval_ms;
    size_t n = 0;

    if (p->subscription_id > 0) {
        mqtt_session_disconnect(s, MQTT_SUBSCRIPTION_ID_NOT_SUPPORTED,
                                "subscription identifiers are not available");
        return;
    }
    if (p->shared && s->version == MQTT_5) {
        mqtt_session_disconnect(s, MQTT_SHARED_NOT_SUPPORTED,
                                "shared subscriptions are not available");
        return;
    }
    if (p->n_filters > FILTERS_PER_PACKET) {
        mqtt_session_disconnect(s, MQTT_QUOTA_EXCEEDED, "too many filters in one packet");
        return;
    }
    if (visitor_take(s->conn, s->conn->grant, QUOTA_SUBSCRIBE) > 0) {
        put_off(s, p);
        return;
    }
    if (filterset_copy(hub_filters(&s->reader), &want) < 0 ||
        requested_pace(s, p->properties, &interval_ms) < 0) {
        filterset_release(&want);
        mqtt_session_disconnect(s, MQTT_IMPLEMENTATION_ERROR, PACE_RULE);
        return;
    }
    interval_ms = grant_interval(s->conn->grant, interval_ms);
    while (mqtt_filter_next(&rest, &f))
        reasons[n++] = judge_filter(s, &f, interval_ms, &want, &snapshot);
    apply(s, &want, &snapshot, reasons, n);
    mqtt_session_answer(
        s, packet, mqtt_encode_suback(packet, answer_cap(s), s->version, p->packet_id, reasons, n));
    hub_serve(session_worker(s)->hub, &s->reader);
}

static void on_unsubscribe(struct mqtt_session *s, const struct mqtt_subscribe *p)
{
    struct filterset want = {0}, snapshot = {0};
    struct mqtt_filters rest = p->filters;
    struct mqtt_filter f;
    uint8_t packet[ANSWER_MAX], reasons[FILTERS_PER_PACKET];
    size_t n = 0;

    if (p->n_filters > FILTERS_PER_PACKET || filterset_copy(hub_filters(&s->reader), &want) < 0) {
        mqtt_session_disconnect(s, MQTT_QUOTA_EXCEEDED, "too many filters in one packet");
        return;
    }
    while (mqtt_filter_next(&rest, &f)) {
        if (f.reason == MQTT_SUCCESS && !filterset_remove(&want, f.filter.at, f.filter.len))
            f.reason = MQTT_NO_SUBSCRIPTION_EXISTED;
        reasons[n++] = f.reason;
    }
    apply(s, &want, &snapshot, reasons, n);
    mqtt_session_answer(
        s, packet,
        mqtt_encode_unsuback(packet, answer_cap(s), s->version, p->packet_id, reasons, n));
    hub_serve(session_worker(s)->hub, &s->reader);
}

static void on_publish(struct mqtt_session *s, const struct mqtt_publish *p)
{
    if (p->qos > 0)
        mqtt_session_disconnect(s, MQTT_QOS_NOT_SUPPORTED,
                                "this door is read-only; the maximum QoS is 0");
    else
        mqtt_session_disconnect(s, MQTT_NOT_AUTHORIZED,
                                "this door is read-only: publish to the broker");
}

static void on_disconnect(struct mqtt_session *s, const struct mqtt_disconnect *p)
{
    if (p->session_expiry_s > 0 && s->expiry_was_zero) {
        mqtt_session_disconnect(s, MQTT_PROTOCOL_ERROR, "the session expiry was zero at CONNECT");
        return;
    }
    mqtt_session_end(s, WS_NORMAL, NULL);
}

void mqtt_session_heard(struct mqtt_session *s)
{
    s->last_heard = session_worker(s)->now;
    s->probed = false;
}

void mqtt_session_packet(struct mqtt_session *s, const struct mqtt_packet *p)
{
    uint8_t packet[ANSWER_MAX];

    mqtt_session_heard(s);
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
        mqtt_session_answer(s, packet, mqtt_encode_pingresp(packet, answer_cap(s)));
        break;
    case MQTT_PUBLISH:
        on_publish(s, &p->publish);
        break;
    case MQTT_DISCONNECT:
        on_disconnect(s, &p->disconnect);
        break;
    case MQTT_AUTH:
        mqtt_access_renew(s, &p->auth);
        break;
    default: /* acknowledgements of what is never sent */
        mqtt_session_disconnect(s, MQTT_PROTOCOL_ERROR, "nothing here asked for this packet");
    }
}
