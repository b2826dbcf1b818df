#include "gateway/codec/mqtt_decode.h"

#include <errno.h>

#include "common/topic.h"
#include "gateway/codec/mqtt_body.h"
#include "gateway/codec/mqtt_property.h"

#include "common/banned.h"

/*
 * A packet is judged in two steps: its fixed header (type, flags, announced length) as soon as that
 * is there, so that nobody waits for a body that would be refused; then its body, read straight
 * through by one function a type. Both note the first fault in the reader.
 */

/* ---- bodies; those of CONNECT and SUBSCRIBE have files of their own ---- */

void mqtt_check_topic(struct mqtt_reader *r, struct slice topic)
{
    if (!mqtt_reader_ok(r) || topic_valid(topic.at, topic.len))
        return;
    if (topic.len == 0)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "an empty topic name");
    else
        mqtt_reader_fail(r, MQTT_TOPIC_INVALID, "a topic name with a wildcard");
}

static void read_publish(struct mqtt_reader *r, enum mqtt_version version, uint8_t flags,
                         struct mqtt_publish *p)
{
    *p = (struct mqtt_publish){
        .qos = flags >> 1 & 0x03,
        .dup = flags & 0x08,
        .retain = flags & 0x01,
        .topic = mqtt_read_string(r),
    };
    if (p->qos > 0)
        p->packet_id = mqtt_read_packet_id(r);
    if (version == MQTT_5)
        p->properties = mqtt_read_properties(r, MQTT_PUBLISH);
    mqtt_check_topic(r, p->topic);
    p->payload = mqtt_read_bytes(r, mqtt_reader_left(r));
}

static bool one_of(uint8_t reason, const uint8_t *set, size_t n)
{
    return memchr(set, reason, n) != NULL;
}

static void check_ack_reason(struct mqtt_reader *r, enum mqtt_type type, uint8_t reason)
{
    static const uint8_t received[] = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
    static const uint8_t released[] = {0x00, 0x92};
    bool first = type == MQTT_PUBACK || type == MQTT_PUBREC;

    if (first ? !one_of(reason, received, sizeof(received))
              : !one_of(reason, released, sizeof(released)))
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a reason that this packet cannot have");
}

static void read_ack(struct mqtt_reader *r, enum mqtt_version version, enum mqtt_type type,
                     struct mqtt_ack *a)
{
    *a = (struct mqtt_ack){.packet_id = mqtt_read_packet_id(r)};
    if (version != MQTT_5 || mqtt_reader_left(r) == 0)
        return;
    a->reason = mqtt_read_u8(r);
    check_ack_reason(r, type, a->reason);
    if (mqtt_reader_left(r) > 0)
        a->properties = mqtt_read_properties(r, type);
}

static void read_disconnect_properties(struct mqtt_reader *r, struct mqtt_disconnect *d)
{
    struct mqtt_properties rest;
    struct mqtt_property p;

    d->properties = mqtt_read_properties(r, MQTT_DISCONNECT);
    if (!mqtt_reader_ok(r))
        return;
    rest = d->properties;
    while (mqtt_property_next(&rest, &p)) {
        if (p.id == PROPERTY_SESSION_EXPIRY) {
            d->has_session_expiry = true;
            d->session_expiry_s = p.number;
        }
    }
}

static void read_disconnect(struct mqtt_reader *r, enum mqtt_version version,
                            struct mqtt_disconnect *d)
{
    static const uint8_t from_client[] = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90,
                                          0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};

    *d = (struct mqtt_disconnect){0};
    if (version != MQTT_5 || mqtt_reader_left(r) == 0)
        return;
    d->reason = mqtt_read_u8(r);
    if (!one_of(d->reason, from_client, sizeof(from_client)))
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a reason that no client may disconnect with");
    if (mqtt_reader_left(r) > 0)
        read_disconnect_properties(r, d);
}

static void read_auth(struct mqtt_reader *r, struct mqtt_auth *a)
{
    struct mqtt_properties rest;
    struct mqtt_property p;

    *a = (struct mqtt_auth){0};
    if (mqtt_reader_left(r) > 0) {
        a->reason = mqtt_read_u8(r);
        a->properties = mqtt_read_properties(r, MQTT_AUTH);
    }
    if (!mqtt_reader_ok(r))
        return;
    if (a->reason != MQTT_CONTINUE_AUTHENTICATION && a->reason != MQTT_REAUTHENTICATE)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a reason that no client may authenticate with");
    rest = a->properties;
    while (mqtt_property_next(&rest, &p)) {
        if (p.id == PROPERTY_AUTH_METHOD)
            a->method = p.text;
        else if (p.id == PROPERTY_AUTH_DATA)
            a->data = p.text;
    }
    if (a->method.at == NULL)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "authentication without a method");
}

/* ---- the fixed header ---- */

struct fixed_header {
    enum mqtt_type type;
    uint8_t flags;
    size_t remaining;
    size_t size;   /* of this header; 0 until it is read */
    bool overlong; /* its length is in more bytes than it needs */
};

/* The length that packets of this type always have after the fixed header, or -1. */
static int exact_remaining(enum mqtt_type type, enum mqtt_version version)
{
    switch (type) {
    case MQTT_PINGREQ:
        return 0;
    case MQTT_DISCONNECT:
        return version == MQTT_3_1_1 ? 0 : -1;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return version == MQTT_3_1_1 ? 2 : -1;
    default:
        return -1;
    }
}

static void check_publish_flags(struct mqtt_reader *r, uint8_t flags)
{
    unsigned qos = flags >> 1 & 0x03;

    if (qos == 3)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a PUBLISH with QoS 3");
    else if (qos == 0 && flags & 0x08)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a PUBLISH with DUP but QoS 0");
}

static void check_flags(struct mqtt_reader *r, enum mqtt_type type, uint8_t flags)
{
    bool two = type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE;

    if (type == MQTT_PUBLISH)
        check_publish_flags(r, flags);
    else if (flags != (two ? 0x02 : 0x00))
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "reserved flags of a packet are wrong");
}

static void check_type(struct mqtt_reader *r, enum mqtt_version version, unsigned type)
{
    switch (type) {
    case MQTT_CONNECT:
        if (version != MQTT_UNKNOWN)
            mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a second CONNECT");
        return;
    case 0:
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a packet of type 0");
        return;
    case MQTT_CONNACK:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
    case MQTT_PINGRESP:
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a packet that only servers send");
        return;
    case MQTT_AUTH:
        if (version == MQTT_3_1_1)
            mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a packet of type 15");
        break;
    default:
        break;
    }
    if (version == MQTT_UNKNOWN)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "the first packet is not CONNECT");
}

/* Returns false when there is not enough of it yet, or on a fault. */
static bool read_remaining(struct mqtt_reader *r, struct fixed_header *h)
{
    h->remaining = 0;
    for (unsigned i = 0; i < MQTT_LENGTH_MAX; i++) {
        uint8_t byte;

        if (mqtt_reader_left(r) == 0)
            return false;
        byte = *r->at++;
        h->remaining |= (size_t)(byte & 0x7F) << (7 * i);
        h->size = 2 + i;
        h->overlong = byte == 0 && i > 0;
        if (!(byte & 0x80))
            return true;
    }
    mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a length of more than four bytes");
    return false;
}

/* MQTT 3.1.1 does not say that the length must be as short as can be. */
static void check_overlong(struct mqtt_reader *r, const struct fixed_header *h,
                           enum mqtt_version version)
{
    if (h->overlong && version == MQTT_5)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a length in more bytes than it needs");
}

/* Read and judge all that shows before the body. Returns false when there is not enough of it yet,
 * or on a fault. */
static bool read_fixed_header(struct mqtt_reader *r, enum mqtt_version version, size_t max_size,
                              struct fixed_header *h)
{
    uint8_t first;
    int exact;

    if (mqtt_reader_left(r) == 0)
        return false;
    first = mqtt_read_u8(r);
    h->type = (enum mqtt_type)(first >> 4);
    h->flags = first & 0x0F;
    check_type(r, version, h->type);
    check_flags(r, h->type, h->flags);
    if (!mqtt_reader_ok(r) || !read_remaining(r, h))
        return false;

    check_overlong(r, h, version);
    exact = exact_remaining(h->type, version);
    if (exact >= 0 && h->remaining != (size_t)exact)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a packet of the wrong length");
    if (h->size + h->remaining > max_size)
        mqtt_reader_fail(r, MQTT_PACKET_TOO_LARGE, "a packet over the limit");
    return mqtt_reader_ok(r);
}

/* ---- the whole packet ---- */

static void read_body(struct mqtt_reader *r, const struct fixed_header *h,
                      enum mqtt_version version, struct mqtt_packet *p)
{
    switch (h->type) {
    case MQTT_CONNECT:
        mqtt_read_connect(r, &p->connect);
        check_overlong(r, h, p->connect.version);
        break;
    case MQTT_PUBLISH:
        read_publish(r, version, h->flags, &p->publish);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        read_ack(r, version, h->type, &p->ack);
        break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        mqtt_read_subscribe(r, version, h->type, &p->subscribe);
        break;
    case MQTT_DISCONNECT:
        read_disconnect(r, version, &p->disconnect);
        break;
    case MQTT_AUTH:
        read_auth(r, &p->auth);
        break;
    default: /* PINGREQ; check_type() let nothing else pass */
        break;
    }
    if (mqtt_reader_left(r) > 0)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a packet with bytes left over");
}

/* The version that a CONNECT asks for, as far as it shows. */
static enum mqtt_version peek_version(const uint8_t *body, size_t len)
{
    enum mqtt_version version = MQTT_UNKNOWN;
    struct mqtt_reader r;

    mqtt_reader_init(&r, body, len);
    mqtt_read_protocol(&r, &version);
    return version;
}

static long fault(const struct mqtt_reader *r, enum mqtt_version version, struct mqtt_fault *ret)
{
    *ret = (struct mqtt_fault){.reason = r->reason, .version = version, .why = r->why};
    return -EBADMSG;
}

long mqtt_decode(const uint8_t *bytes, size_t len, enum mqtt_version version, size_t max_size,
                 struct mqtt_packet *ret, struct mqtt_fault *ret_fault)
{
    struct mqtt_packet p = {0};
    struct fixed_header h = {0};
    struct mqtt_reader r;

    mqtt_reader_init(&r, bytes, len);
    if (read_fixed_header(&r, version, max_size, &h)) {
        if (len - h.size < h.remaining)
            return 0;
        mqtt_reader_init(&r, bytes + h.size, h.remaining);
        p.type = h.type;
        read_body(&r, &h, version, &p);
    } else if (mqtt_reader_ok(&r)) {
        return 0;
    }
    if (!mqtt_reader_ok(&r)) {
        if (h.type == MQTT_CONNECT && version == MQTT_UNKNOWN && h.size > 0)
            version = peek_version(bytes + h.size, len - h.size);
        return fault(&r, version, ret_fault);
    }
    *ret = p;
    return (long)(h.size + h.remaining);
}
