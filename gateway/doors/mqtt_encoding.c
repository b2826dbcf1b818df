#include "gateway/doors/mqtt_encoding.h"

#include "gateway/codec/mqtt_encode.h"
#include "gateway/codec/websocket.h"
#include "gateway/doors/door.h"

#include "common/banned.h"

static size_t size_3(const struct message *m)
{
    return mqtt_publish_size(MQTT_3_1_1, m->topic_len, m->len);
}

static uint8_t *write_3(uint8_t *p, const struct message *m)
{
    return mqtt_write_publish(p, MQTT_3_1_1, m->topic, m->topic_len, m->payload, m->len, m->retain);
}

/* As they are to be sent now: the expiry is the time that is left, whole seconds, rounded up. */
static struct mqtt_publish_properties properties_now(const struct message_properties *p)
{
    struct mqtt_publish_properties out = {.block = p->block, .len = p->len};
    int64_t left_ns;

    if (p->expires.ns != MONO_NEVER.ns) {
        left_ns = p->expires.ns - mono_now().ns;
        out.expires = true;
        out.expiry_s = left_ns > 0 ? (uint32_t)((left_ns + 999999999) / 1000000000) : 0;
    }
    return out;
}

static size_t size_5(const struct message *m)
{
    if (m->properties != NULL) {
        struct mqtt_publish_properties p = properties_now(m->properties);
        return mqtt_publish_with_size(&p, m->topic_len, m->len);
    }
    return mqtt_publish_size(MQTT_5, m->topic_len, m->len);
}

static uint8_t *write_5(uint8_t *p, const struct message *m)
{
    if (m->properties != NULL) {
        struct mqtt_publish_properties with = properties_now(m->properties);
        return mqtt_write_publish_with(p, &with, m->topic, m->topic_len, m->payload, m->len,
                                       m->retain);
    }
    return mqtt_write_publish(p, MQTT_5, m->topic, m->topic_len, m->payload, m->len, m->retain);
}

static size_t frame(uint8_t header[ENCODING_HEADER_MAX], size_t len)
{
    return (size_t)(ws_write_header(header, WS_OP_BINARY, len) - header);
}

static const struct encoding encoding_3 = {"mqtt3", size_3, write_3, frame, DOOR_MQTT};
static const struct encoding encoding_5 = {"mqtt5", size_5, write_5, frame, DOOR_MQTT};

const struct encoding *mqtt_encoding(enum mqtt_version version)
{
    return version == MQTT_5 ? &encoding_5 : &encoding_3;
}
