#include "gateway/codec/mqtt_property.h"

#include "common/macros.h"
#include "common/topic.h"

#include "common/banned.h"

enum type { NONE, U8, U16, U32, VARINT, STRING, BINARY, PAIR };

#define IN(place) (1u << (place))
#define IN_MESSAGE (IN(MQTT_PUBLISH) | IN(MQTT_WILL))
#define IN_ACK (IN(MQTT_PUBACK) | IN(MQTT_PUBREC) | IN(MQTT_PUBREL) | IN(MQTT_PUBCOMP))

struct rule {
    enum type type; /* NONE: no property that a client may send */
    uint32_t places;
    uint32_t min, max; /* of a number; max 0 is no limit */
};

static const struct rule rules[] = {
    [PROPERTY_PAYLOAD_FORMAT] = {U8, IN_MESSAGE, 0, 1},
    [PROPERTY_MESSAGE_EXPIRY] = {U32, IN_MESSAGE, 0, 0},
    [PROPERTY_CONTENT_TYPE] = {STRING, IN_MESSAGE, 0, 0},
    [PROPERTY_RESPONSE_TOPIC] = {STRING, IN_MESSAGE, 0, 0},
    [PROPERTY_CORRELATION_DATA] = {BINARY, IN_MESSAGE, 0, 0},
    [PROPERTY_SUBSCRIPTION_ID] = {VARINT, IN(MQTT_SUBSCRIBE), 1, 0},
    [PROPERTY_SESSION_EXPIRY] = {U32, IN(MQTT_CONNECT) | IN(MQTT_DISCONNECT), 0, 0},
    [PROPERTY_AUTH_METHOD] = {STRING, IN(MQTT_CONNECT) | IN(MQTT_AUTH), 0, 0},
    [PROPERTY_AUTH_DATA] = {BINARY, IN(MQTT_CONNECT) | IN(MQTT_AUTH), 0, 0},
    [PROPERTY_REQUEST_PROBLEM] = {U8, IN(MQTT_CONNECT), 0, 1},
    [PROPERTY_WILL_DELAY] = {U32, IN(MQTT_WILL), 0, 0},
    [PROPERTY_REQUEST_RESPONSE] = {U8, IN(MQTT_CONNECT), 0, 1},
    [PROPERTY_REASON_STRING] = {STRING, IN_ACK | IN(MQTT_DISCONNECT) | IN(MQTT_AUTH), 0, 0},
    [PROPERTY_RECEIVE_MAX] = {U16, IN(MQTT_CONNECT), 1, 0},
    [PROPERTY_TOPIC_ALIAS_MAX] = {U16, IN(MQTT_CONNECT), 0, 0},
    [PROPERTY_TOPIC_ALIAS] = {U16, IN(MQTT_PUBLISH), 0, 0},
    [PROPERTY_USER] = {PAIR, ~0u, 0, 0},
    [PROPERTY_MAX_PACKET_SIZE] = {U32, IN(MQTT_CONNECT), 1, 0},
};

static void read_value(struct mqtt_reader *r, enum type type, struct mqtt_property *p)
{
    switch (type) {
    case U8:
        p->number = mqtt_read_u8(r);
        break;
    case U16:
        p->number = mqtt_read_u16(r);
        break;
    case U32:
        p->number = mqtt_read_u32(r);
        break;
    case VARINT:
        p->number = mqtt_read_varint(r);
        break;
    case STRING:
        p->text = mqtt_read_string(r);
        break;
    case BINARY:
        p->text = mqtt_read_binary(r);
        break;
    case PAIR:
        p->text = mqtt_read_string(r);
        p->value = mqtt_read_string(r);
        break;
    case NONE:
        break;
    }
}

static void check_place(struct mqtt_reader *r, uint8_t id, unsigned place)
{
    if (id == PROPERTY_SUBSCRIPTION_ID && place == MQTT_PUBLISH)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a subscription identifier from a client");
    else if (id >= ARRAY_SIZE(rules) || rules[id].type == NONE)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a property that no client may send");
    else if (!(rules[id].places & IN(place)))
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a property in the wrong packet");
}

static void check_value(struct mqtt_reader *r, const struct mqtt_property *p)
{
    const struct rule *rule = &rules[p->id];

    if (p->number < rule->min || (rule->max > 0 && p->number > rule->max))
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a property with a value that is not allowed");
    else if (p->id == PROPERTY_TOPIC_ALIAS)
        mqtt_reader_fail(r, MQTT_TOPIC_ALIAS_INVALID, "a topic alias, of which none are taken");
    else if (p->id == PROPERTY_RESPONSE_TOPIC && !topic_valid(p->text.at, p->text.len))
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a response topic that is no topic name");
}

static void check_list(struct mqtt_reader *r, unsigned place)
{
    uint64_t seen = 0;

    while (mqtt_reader_left(r) > 0) {
        struct mqtt_property p = {.id = mqtt_read_u8(r)};

        check_place(r, p.id, place);
        if (!mqtt_reader_ok(r))
            return;
        if (p.id != PROPERTY_USER && seen >> p.id & 1)
            mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a property given twice");
        seen |= UINT64_C(1) << p.id;
        read_value(r, rules[p.id].type, &p);
        if (mqtt_reader_ok(r))
            check_value(r, &p);
    }
}

struct mqtt_properties mqtt_read_properties(struct mqtt_reader *r, unsigned place)
{
    uint32_t len = mqtt_read_varint(r);
    struct slice list = mqtt_read_bytes(r, len);
    struct mqtt_reader inner;

    if (!mqtt_reader_ok(r))
        return (struct mqtt_properties){0};
    mqtt_reader_init(&inner, (const uint8_t *)list.at, list.len);
    check_list(&inner, place);
    if (!mqtt_reader_ok(&inner))
        mqtt_reader_fail(r, inner.reason, inner.why);
    return (struct mqtt_properties){(const uint8_t *)list.at, list.len};
}

bool mqtt_property_next(struct mqtt_properties *rest, struct mqtt_property *ret)
{
    struct mqtt_property p = {0};
    struct mqtt_reader r;

    if (rest->len == 0)
        return false;
    mqtt_reader_init(&r, rest->at, rest->len);
    p.id = mqtt_read_u8(&r);
    read_value(&r, p.id < ARRAY_SIZE(rules) ? rules[p.id].type : NONE, &p);
    rest->at = r.at;
    rest->len = mqtt_reader_left(&r);
    *ret = p;
    return true;
}

bool mqtt_user_property_next(struct mqtt_properties *rest, struct slice *ret_name,
                             struct slice *ret_value)
{
    struct mqtt_property p;

    while (mqtt_property_next(rest, &p)) {
        if (p.id == PROPERTY_USER) {
            *ret_name = p.text;
            *ret_value = p.value;
            return true;
        }
    }
    return false;
}
