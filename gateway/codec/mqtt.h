/*
 * mqtt -- the words of MQTT 3.1.1 and 5 that decoder, encoder and their callers share.
 *
 * Reasons are MQTT 5's reason codes throughout; where version 3.1.1 has a code of its own the
 * encoder translates.
 */
#ifndef TAPECAST_GATEWAY_CODEC_MQTT_H
#define TAPECAST_GATEWAY_CODEC_MQTT_H

#include <stdint.h>

enum mqtt_version {
    MQTT_UNKNOWN = 0, /* no CONNECT read yet */
    MQTT_3_1_1 = 4,   /* the protocol level on the wire */
    MQTT_5 = 5,
};

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

enum mqtt_reason {
    MQTT_SUCCESS = 0x00, /* also: normal disconnection, granted QoS 0 */
    MQTT_DISCONNECT_WITH_WILL = 0x04,
    MQTT_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT_CONTINUE_AUTHENTICATION = 0x18,
    MQTT_REAUTHENTICATE = 0x19,
    MQTT_UNSPECIFIED_ERROR = 0x80,
    MQTT_MALFORMED_PACKET = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_IMPLEMENTATION_ERROR = 0x83,
    MQTT_UNSUPPORTED_VERSION = 0x84,
    MQTT_CLIENT_ID_INVALID = 0x85,
    MQTT_BAD_CREDENTIALS = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_SERVER_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_BANNED = 0x8A,
    MQTT_SERVER_SHUTTING_DOWN = 0x8B,
    MQTT_BAD_AUTH_METHOD = 0x8C,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8D,
    MQTT_SESSION_TAKEN_OVER = 0x8E,
    MQTT_FILTER_INVALID = 0x8F,
    MQTT_TOPIC_INVALID = 0x90,
    MQTT_PACKET_ID_IN_USE = 0x91,
    MQTT_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAX_EXCEEDED = 0x93,
    MQTT_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_RATE_TOO_HIGH = 0x96,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_ADMINISTRATIVE_ACTION = 0x98,
    MQTT_PAYLOAD_FORMAT_INVALID = 0x99,
    MQTT_RETAIN_NOT_SUPPORTED = 0x9A,
    MQTT_QOS_NOT_SUPPORTED = 0x9B,
    MQTT_USE_ANOTHER_SERVER = 0x9C,
    MQTT_SERVER_MOVED = 0x9D,
    MQTT_SHARED_NOT_SUPPORTED = 0x9E,
    MQTT_CONNECTION_RATE_EXCEEDED = 0x9F,
    MQTT_MAXIMUM_CONNECT_TIME = 0xA0,
    MQTT_SUBSCRIPTION_ID_NOT_SUPPORTED = 0xA1,
    MQTT_WILDCARD_NOT_SUPPORTED = 0xA2,
};

/* The longest packet and the longest field of the format. */
#define MQTT_PACKET_MAX (5 + 268435455u)
#define MQTT_STRING_MAX 65535

#define MQTT_LENGTH_MAX 4 /* bytes of a variable byte integer */

/* A name such as "malformed_packet" for logs and counters; "unknown" for what is not above. */
const char *mqtt_reason_name(uint8_t reason);

#endif
