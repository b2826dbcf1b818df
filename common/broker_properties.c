#include "common/broker_properties.h"

#include <mqtt_protocol.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

/* Puts bytes one after the other as long as they fit; `full` once something did not. */
struct writer {
    uint8_t *to;
    size_t n;
    bool full;
};

static void put_bytes(struct writer *w, const void *bytes, size_t len)
{
    if (w->full || len > BROKER_PROPERTIES_MAX - w->n) {
        w->full = true;
        return;
    }
    if (len > 0)
        memcpy(w->to + w->n, bytes, len);
    w->n += len;
}

static void put_u8(struct writer *w, uint8_t value)
{
    put_bytes(w, &value, 1);
}

/* Two bytes of length and the bytes; takes `bytes` over, NULL when the library had no memory. */
static void put_field(struct writer *w, void *bytes, size_t len)
{
    put_u8(w, (uint8_t)(len >> 8));
    put_u8(w, (uint8_t)len);
    put_bytes(w, bytes, len);
    w->full |= bytes == NULL && len > 0;
    free(bytes);
}

static void put_text(struct writer *w, char *text)
{
    put_field(w, text, text != NULL ? strlen(text) : 0);
}

static void put_property(struct writer *w, const mosquitto_property *p, int id)
{
    char *text = NULL, *value = NULL;
    void *bytes = NULL;
    uint16_t len = 0;
    uint8_t byte = 0;

    put_u8(w, (uint8_t)id);
    switch (id) {
    case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
        mosquitto_property_read_byte(p, id, &byte, false);
        put_u8(w, byte);
        break;
    case MQTT_PROP_CONTENT_TYPE:
    case MQTT_PROP_RESPONSE_TOPIC:
        mosquitto_property_read_string(p, id, &text, false);
        put_text(w, text);
        break;
    case MQTT_PROP_CORRELATION_DATA:
        mosquitto_property_read_binary(p, id, &bytes, &len, false);
        put_field(w, bytes, len);
        break;
    default: /* MQTT_PROP_USER_PROPERTY */
        mosquitto_property_read_string_pair(p, id, &text, &value, false);
        put_text(w, text);
        put_text(w, value);
    }
}

void broker_properties_read(const mosquitto_property *list, uint8_t buf[BROKER_PROPERTIES_MAX],
                            struct broker_message *m)
{
    struct writer w = {.to = buf};
    uint32_t identifier = 0;

    for (; list != NULL; list = mosquitto_property_next(list)) {
        int id = mosquitto_property_identifier(list);

        switch (id) {
        case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL:
            m->expires = mosquitto_property_read_int32(list, id, &m->expiry_s, false) != NULL;
            break;
        case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
        case MQTT_PROP_CONTENT_TYPE:
        case MQTT_PROP_RESPONSE_TOPIC:
        case MQTT_PROP_CORRELATION_DATA:
        case MQTT_PROP_USER_PROPERTY:
            put_property(&w, list, id);
            break;
        case MQTT_PROP_SUBSCRIPTION_IDENTIFIER:
            mosquitto_property_read_varint(list, id, &identifier, false);
            if (m->identifier == 0 || identifier < m->identifier)
                m->identifier = identifier;
            break;
        default: /* topic alias */
            break;
        }
    }
    m->properties_lost = w.full;
    m->properties_len = w.full ? 0 : w.n;
    m->properties = m->properties_len > 0 || m->expires ? buf : NULL;
}
