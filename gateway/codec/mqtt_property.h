/*
 * mqtt_property -- the property lists of MQTT 5 (section 2.2.2) as clients may send them.
 *
 * One table says which property may stand in which packet, of what type it is and which values are
 * right. A list is checked whole when its packet is read; after that mqtt_property_next() meets no
 * surprises.
 */
#ifndef TAPECAST_GATEWAY_CODEC_MQTT_PROPERTY_H
#define TAPECAST_GATEWAY_CODEC_MQTT_PROPERTY_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/codec/mqtt_decode.h"
#include "gateway/codec/mqtt_reader.h"

enum mqtt_property_id {
    PROPERTY_PAYLOAD_FORMAT = 0x01,
    PROPERTY_MESSAGE_EXPIRY = 0x02,
    PROPERTY_CONTENT_TYPE = 0x03,
    PROPERTY_RESPONSE_TOPIC = 0x08,
    PROPERTY_CORRELATION_DATA = 0x09,
    PROPERTY_SUBSCRIPTION_ID = 0x0B,
    PROPERTY_SESSION_EXPIRY = 0x11,
    PROPERTY_ASSIGNED_CLIENT_ID = 0x12,
    PROPERTY_SERVER_KEEP_ALIVE = 0x13,
    PROPERTY_AUTH_METHOD = 0x15,
    PROPERTY_AUTH_DATA = 0x16,
    PROPERTY_REQUEST_PROBLEM = 0x17,
    PROPERTY_WILL_DELAY = 0x18,
    PROPERTY_REQUEST_RESPONSE = 0x19,
    PROPERTY_REASON_STRING = 0x1F,
    PROPERTY_RECEIVE_MAX = 0x21,
    PROPERTY_TOPIC_ALIAS_MAX = 0x22,
    PROPERTY_TOPIC_ALIAS = 0x23,
    PROPERTY_MAX_QOS = 0x24,
    PROPERTY_USER = 0x26,
    PROPERTY_MAX_PACKET_SIZE = 0x27,
    PROPERTY_SUBSCRIPTION_IDS_AVAILABLE = 0x29,
    PROPERTY_SHARED_AVAILABLE = 0x2A,
};

#define MQTT_WILL 0 /* the place of a will's properties, beside enum mqtt_type */

struct mqtt_property {
    uint8_t id;
    uint32_t number;    /* numeric ones */
    struct slice text;  /* strings and binary data; the name of a user property */
    struct slice value; /* of a user property */
};

/* Read a property list with its length before it, in a packet of type `place` (or MQTT_WILL), and
 * check it whole. Faults are the reader's. */
struct mqtt_properties mqtt_read_properties(struct mqtt_reader *r, unsigned place);

/* The next property off the front of *rest, which was checked. False at the end. */
bool mqtt_property_next(struct mqtt_properties *rest, struct mqtt_property *ret);

#endif
