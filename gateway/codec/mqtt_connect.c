#include "gateway/codec/mqtt_body.h"
#include "gateway/codec/mqtt_property.h"

#include "common/banned.h"

enum connect_flag {
    CONNECT_RESERVED = 0x01,
    CONNECT_CLEAN_START = 0x02,
    CONNECT_WILL = 0x04,
    CONNECT_WILL_QOS = 0x18,
    CONNECT_WILL_RETAIN = 0x20,
    CONNECT_PASSWORD = 0x40,
    CONNECT_USERNAME = 0x80,
};

void mqtt_read_protocol(struct mqtt_reader *r, enum mqtt_version *ret)
{
    struct slice name = mqtt_read_string(r);
    uint8_t level = mqtt_read_u8(r);

    if (!mqtt_reader_ok(r))
        return;
    if (slice_is(name, "MQTT") && (level == MQTT_3_1_1 || level == MQTT_5)) {
        *ret = (enum mqtt_version)level;
        return;
    }
    if (slice_is(name, "MQTT") || slice_is(name, "MQIsdp"))
        *ret = MQTT_3_1_1;
    mqtt_reader_fail(r, MQTT_UNSUPPORTED_VERSION, "neither MQTT 3.1.1 nor MQTT 5");
}

static void check_connect_flags(struct mqtt_reader *r, enum mqtt_version version, uint8_t flags)
{
    unsigned will_qos = (flags & CONNECT_WILL_QOS) >> 3;

    if (flags & CONNECT_RESERVED)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "the reserved flag of CONNECT is set");
    else if (will_qos == 3)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a will with QoS 3");
    else if (!(flags & CONNECT_WILL) && flags & (CONNECT_WILL_QOS | CONNECT_WILL_RETAIN))
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "flags of a will that is not there");
    else if (version == MQTT_3_1_1 && flags & CONNECT_PASSWORD && !(flags & CONNECT_USERNAME))
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a password without a user name");
}

static void apply_connect_property(const struct mqtt_property *p, struct mqtt_connect *c)
{
    switch (p->id) {
    case PROPERTY_SESSION_EXPIRY:
        c->session_expiry_s = p->number;
        break;
    case PROPERTY_RECEIVE_MAX:
        c->receive_max = (uint16_t)p->number;
        break;
    case PROPERTY_MAX_PACKET_SIZE:
        c->max_packet_size = p->number;
        break;
    case PROPERTY_TOPIC_ALIAS_MAX:
        c->topic_alias_max = (uint16_t)p->number;
        break;
    case PROPERTY_REQUEST_RESPONSE:
        c->request_response = p->number == 1;
        break;
    case PROPERTY_REQUEST_PROBLEM:
        c->request_problem = p->number == 1;
        break;
    case PROPERTY_AUTH_METHOD:
        c->auth_method = p->text;
        break;
    case PROPERTY_AUTH_DATA:
        c->auth_data = p->text;
        break;
    default:
        break;
    }
}

static void read_connect_properties(struct mqtt_reader *r, struct mqtt_connect *c)
{
    struct mqtt_properties rest;
    struct mqtt_property p;

    c->properties = mqtt_read_properties(r, MQTT_CONNECT);
    if (!mqtt_reader_ok(r))
        return;
    rest = c->properties;
    while (mqtt_property_next(&rest, &p))
        apply_connect_property(&p, c);
    if (c->auth_data.at != NULL && c->auth_method.at == NULL)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "authentication data without a method");
}

static void read_will_properties(struct mqtt_reader *r, struct mqtt_will *w)
{
    struct mqtt_properties rest;
    struct mqtt_property p;

    w->properties = mqtt_read_properties(r, MQTT_WILL);
    if (!mqtt_reader_ok(r))
        return;
    rest = w->properties;
    while (mqtt_property_next(&rest, &p)) {
        if (p.id == PROPERTY_WILL_DELAY)
            w->delay_s = p.number;
    }
}

static void read_will(struct mqtt_reader *r, enum mqtt_version version, uint8_t flags,
                      struct mqtt_will *w)
{
    w->qos = (uint8_t)((flags & CONNECT_WILL_QOS) >> 3);
    w->retain = flags & CONNECT_WILL_RETAIN;
    if (version == MQTT_5)
        read_will_properties(r, w);
    w->topic = mqtt_read_string(r);
    mqtt_check_topic(r, w->topic);
    w->payload = mqtt_read_binary(r);
}

static void read_connect_payload(struct mqtt_reader *r, uint8_t flags, struct mqtt_connect *c)
{
    c->client_id = mqtt_read_string(r);
    if (mqtt_reader_ok(r) && c->version == MQTT_3_1_1 && c->client_id.len == 0 && !c->clean_start)
        mqtt_reader_fail(r, MQTT_CLIENT_ID_INVALID, "a session to keep, but no client identifier");
    c->has_will = flags & CONNECT_WILL;
    if (c->has_will)
        read_will(r, c->version, flags, &c->will);
    if (flags & CONNECT_USERNAME)
        c->username = mqtt_read_string(r);
    if (flags & CONNECT_PASSWORD)
        c->password = mqtt_read_binary(r);
}

void mqtt_read_connect(struct mqtt_reader *r, struct mqtt_connect *c)
{
    uint8_t flags;

    *c = (struct mqtt_connect){
        .receive_max = UINT16_MAX,
        .max_packet_size = UINT32_MAX,
        .request_problem = true,
    };
    mqtt_read_protocol(r, &c->version);
    flags = mqtt_read_u8(r);
    if (mqtt_reader_ok(r))
        check_connect_flags(r, c->version, flags);
    c->clean_start = flags & CONNECT_CLEAN_START;
    c->keep_alive_s = mqtt_read_u16(r);
    if (c->version == MQTT_5)
        read_connect_properties(r, c);
    read_connect_payload(r, flags, c);
}
