#include "gateway/codec/mqtt_encode.h"

#include "gateway/codec/mqtt_property.h"

#include "common/banned.h"

/* Puts bytes one after the other; with `to` NULL it only counts them. */
struct writer {
    uint8_t *to;
    size_t n;
};

static void put_u8(struct writer *w, uint8_t value)
{
    if (w->to != NULL)
        w->to[w->n] = value;
    w->n++;
}

static void put_u16(struct writer *w, uint16_t value)
{
    put_u8(w, (uint8_t)(value >> 8));
    put_u8(w, (uint8_t)value);
}

static void put_u32(struct writer *w, uint32_t value)
{
    put_u16(w, (uint16_t)(value >> 16));
    put_u16(w, (uint16_t)value);
}

static void put_length(struct writer *w, size_t value)
{
    if (w->to != NULL)
        mqtt_write_length(w->to + w->n, value);
    w->n += mqtt_length_size(value);
}

static void put_bytes(struct writer *w, const void *bytes, size_t len)
{
    if (w->to != NULL && len > 0)
        memcpy(w->to + w->n, bytes, len);
    w->n += len;
}

static void put_flag_property(struct writer *w, enum mqtt_property_id id, uint8_t value)
{
    put_u8(w, (uint8_t)id);
    put_u8(w, value);
}

/* Nothing when `s` is empty. */
static void put_string_property(struct writer *w, enum mqtt_property_id id, struct slice s)
{
    if (s.len == 0 || s.len > MQTT_STRING_MAX)
        return;
    put_u8(w, (uint8_t)id);
    put_u16(w, (uint16_t)s.len);
    put_bytes(w, s.at, s.len);
}

/* Begin a packet of `remaining` bytes after its fixed header; false when it does not fit. */
static bool begin(struct writer *w, uint8_t *buf, size_t cap, unsigned first, size_t remaining)
{
    if (remaining > MQTT_PACKET_MAX - 5 || 1 + mqtt_length_size(remaining) + remaining > cap)
        return false;
    *w = (struct writer){.to = buf};
    put_u8(w, (uint8_t)first);
    put_length(w, remaining);
    return true;
}

/* ---- CONNACK ---- */

static void put_connack_properties(struct writer *w, const struct mqtt_connack *c)
{
    if (c->session_expires_at_once) {
        put_u8(w, PROPERTY_SESSION_EXPIRY);
        put_u32(w, 0);
    }
    put_flag_property(w, PROPERTY_MAX_QOS, 0);
    if (c->max_packet_size > 0) {
        put_u8(w, PROPERTY_MAX_PACKET_SIZE);
        put_u32(w, c->max_packet_size);
    }
    put_string_property(w, PROPERTY_ASSIGNED_CLIENT_ID, c->assigned_client_id);
    put_flag_property(w, PROPERTY_SUBSCRIPTION_IDS_AVAILABLE, 0);
    put_flag_property(w, PROPERTY_SHARED_AVAILABLE, 0);
    if (c->server_keep_alive_s > 0) {
        put_u8(w, PROPERTY_SERVER_KEEP_ALIVE);
        put_u16(w, c->server_keep_alive_s);
    }
    put_string_property(w, PROPERTY_AUTH_METHOD, c->auth_method);
    put_string_property(w, PROPERTY_REASON_STRING, c->reason);
}

static size_t encode_connack_5(uint8_t *buf, size_t cap, const struct mqtt_connack *c)
{
    struct writer count = {0}, w;

    put_connack_properties(&count, c);
    if (!begin(&w, buf, cap, MQTT_CONNACK << 4, 2 + mqtt_length_size(count.n) + count.n))
        return 0;
    put_u8(&w, 0); /* no session present */
    put_u8(&w, MQTT_SUCCESS);
    put_length(&w, count.n);
    put_connack_properties(&w, c);
    return w.n;
}

static size_t encode_connack_3(uint8_t *buf, size_t cap, uint8_t code)
{
    struct writer w;

    if (!begin(&w, buf, cap, MQTT_CONNACK << 4, 2))
        return 0;
    put_u8(&w, 0);
    put_u8(&w, code);
    return w.n;
}

size_t mqtt_encode_connack(uint8_t *buf, size_t cap, enum mqtt_version version,
                           const struct mqtt_connack *c)
{
    struct mqtt_connack terse = *c;
    size_t n;

    if (version != MQTT_5)
        return encode_connack_3(buf, cap, 0);
    n = encode_connack_5(buf, cap, c);
    if (n > 0)
        return n;
    terse.reason = SLICE_NONE;
    return encode_connack_5(buf, cap, &terse);
}

/* The return code of MQTT 3.1.1 for a reason, or 0 where that version closes without an answer. */
static uint8_t return_code(uint8_t reason)
{
    switch (reason) {
    case MQTT_UNSUPPORTED_VERSION:
        return 1;
    case MQTT_CLIENT_ID_INVALID:
        return 2;
    case MQTT_SERVER_UNAVAILABLE:
    case MQTT_SERVER_BUSY:
    case MQTT_SERVER_SHUTTING_DOWN:
    case MQTT_QUOTA_EXCEEDED:
    case MQTT_CONNECTION_RATE_EXCEEDED:
        return 3;
    case MQTT_BAD_CREDENTIALS:
        return 4;
    case MQTT_NOT_AUTHORIZED:
    case MQTT_BANNED:
        return 5;
    default:
        return 0;
    }
}

/* `prefix`, the reason and a property list with at most a reason string. */
static size_t encode_reason(uint8_t *buf, size_t cap, enum mqtt_type type, struct slice prefix,
                            uint8_t reason, const char *why)
{
    struct slice text = why != NULL ? slice_of(why) : SLICE_NONE;
    struct writer count = {0}, w;
    size_t fixed;

    put_string_property(&count, PROPERTY_REASON_STRING, text);
    fixed = prefix.len + 1;
    if (!begin(&w, buf, cap, type << 4, fixed + mqtt_length_size(count.n) + count.n)) {
        text = SLICE_NONE;
        count.n = 0;
        if (!begin(&w, buf, cap, type << 4, fixed + 1))
            return 0;
    }
    put_bytes(&w, prefix.at, prefix.len);
    put_u8(&w, reason);
    put_length(&w, count.n);
    put_string_property(&w, PROPERTY_REASON_STRING, text);
    return w.n;
}

size_t mqtt_encode_refusal(uint8_t *buf, size_t cap, enum mqtt_version version, uint8_t reason,
                           const char *why)
{
    static const struct slice no_session_present = {"", 1};

    if (version == MQTT_5)
        return encode_reason(buf, cap, MQTT_CONNACK, no_session_present, reason, why);
    if (version == MQTT_3_1_1 && return_code(reason) != 0)
        return encode_connack_3(buf, cap, return_code(reason));
    return 0;
}

size_t mqtt_encode_auth(uint8_t *buf, size_t cap, const char *method)
{
    struct writer count = {0}, w;

    put_string_property(&count, PROPERTY_AUTH_METHOD, slice_of(method));
    if (!begin(&w, buf, cap, MQTT_AUTH << 4, 1 + mqtt_length_size(count.n) + count.n))
        return 0;
    put_u8(&w, MQTT_SUCCESS);
    put_length(&w, count.n);
    put_string_property(&w, PROPERTY_AUTH_METHOD, slice_of(method));
    return w.n;
}

size_t mqtt_encode_disconnect(uint8_t *buf, size_t cap, enum mqtt_version version, uint8_t reason,
                              const char *why)
{
    if (version != MQTT_5)
        return 0;
    return encode_reason(buf, cap, MQTT_DISCONNECT, SLICE_NONE, reason, why);
}

/* ---- the answers to single packets ---- */

size_t mqtt_encode_suback(uint8_t *buf, size_t cap, enum mqtt_version version, uint16_t packet_id,
                          const uint8_t *reasons, size_t n)
{
    struct writer w;

    if (!begin(&w, buf, cap, MQTT_SUBACK << 4, (version == MQTT_5 ? 3 : 2) + n))
        return 0;
    put_u16(&w, packet_id);
    if (version == MQTT_5)
        put_length(&w, 0);
    for (size_t i = 0; i < n; i++)
        put_u8(&w, version == MQTT_5 || reasons[i] < 0x80 ? reasons[i] : 0x80);
    return w.n;
}

size_t mqtt_encode_unsuback(uint8_t *buf, size_t cap, enum mqtt_version version, uint16_t packet_id,
                            const uint8_t *reasons, size_t n)
{
    struct writer w;

    if (!begin(&w, buf, cap, MQTT_UNSUBACK << 4, version == MQTT_5 ? 3 + n : 2))
        return 0;
    put_u16(&w, packet_id);
    if (version == MQTT_5) {
        put_length(&w, 0);
        put_bytes(&w, reasons, n);
    }
    return w.n;
}

size_t mqtt_encode_pingresp(uint8_t *buf, size_t cap)
{
    struct writer w;

    return begin(&w, buf, cap, MQTT_PINGRESP << 4, 0) ? w.n : 0;
}

/* ---- PUBLISH with properties ---- */

static void put_message_properties(struct writer *w, const struct mqtt_publish_properties *p)
{
    if (p->expires) {
        put_u8(w, PROPERTY_MESSAGE_EXPIRY);
        put_u32(w, p->expiry_s);
    }
    put_bytes(w, p->block, p->len);
}

/* What follows the fixed header; *ret_list is the length of the property list. */
static size_t remaining_with(const struct mqtt_publish_properties *p, size_t topic_len, size_t len,
                             size_t *ret_list)
{
    struct writer count = {0};

    put_message_properties(&count, p);
    *ret_list = count.n;
    return 2 + topic_len + mqtt_length_size(count.n) + count.n + len;
}

size_t mqtt_publish_with_size(const struct mqtt_publish_properties *properties, size_t topic_len,
                              size_t len)
{
    size_t list, remaining = remaining_with(properties, topic_len, len, &list);

    return 1 + mqtt_length_size(remaining) + remaining;
}

uint8_t *mqtt_write_publish_with(uint8_t *p, const struct mqtt_publish_properties *properties,
                                 const char *topic, size_t topic_len, const void *payload,
                                 size_t len, bool retain)
{
    struct writer w = {.to = p};
    size_t list, remaining = remaining_with(properties, topic_len, len, &list);

    put_u8(&w, (uint8_t)(MQTT_PUBLISH << 4 | retain));
    put_length(&w, remaining);
    put_u16(&w, (uint16_t)topic_len);
    put_bytes(&w, topic, topic_len);
    put_length(&w, list);
    put_message_properties(&w, properties);
    put_bytes(&w, payload, len);
    return p + w.n;
}
