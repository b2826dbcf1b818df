#include "gateway/doors/mqtt_encoding.h"

#include "gateway/codec/mqtt_encode.h"
#include "gateway/codec/websocket.h"

#include "common/banned.h"

static size_t size_3(const struct message *m)
{
    return mqtt_publish_size(MQTT_3_1_1, m->topic_len, m->len);
}

static uint8_t *write_3(uint8_t *p, const struct message *m)
{
    return mqtt_write_publish(p, MQTT_3_1_1, m->topic, m->topic_len, m->payload, m->len, m->retain);
}

static size_t size_5(const struct message *m)
{
    return mqtt_publish_size(MQTT_5, m->topic_len, m->len);
}

static uint8_t *write_5(uint8_t *p, const struct message *m)
{
    return mqtt_write_publish(p, MQTT_5, m->topic, m->topic_len, m->payload, m->len, m->retain);
}

static size_t frame(uint8_t header[ENCODING_HEADER_MAX], size_t len)
{
    return (size_t)(ws_write_header(header, WS_OP_BINARY, len) - header);
}

static const struct encoding encoding_3 = {"mqtt3", size_3, write_3, frame};
static const struct encoding encoding_5 = {"mqtt5", size_5, write_5, frame};

const struct encoding *mqtt_encoding(enum mqtt_version version)
{
    return version == MQTT_5 ? &encoding_5 : &encoding_3;
}
