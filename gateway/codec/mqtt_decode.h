/*
 * mqtt_decode -- the packets that an MQTT client sends (3.1.1 and 5), from bytes to structs.
 *
 * All that the specification demands of a packet by itself is checked here: formats, reserved bits,
 * UTF-8, properties (known, in place, once, in range), direction. What depends on the connection's
 * history (packet ids in use, keep-alive, rights) is the caller's matter. Topic aliases are
 * refused, since servers here announce a maximum of 0. Slices point into the caller's bytes. No
 * allocation.
 */
#ifndef TAPECAST_GATEWAY_CODEC_MQTT_DECODE_H
#define TAPECAST_GATEWAY_CODEC_MQTT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "gateway/codec/mqtt.h"
#include "gateway/codec/slice.h"

/* The properties of one packet, checked. Read user properties with mqtt_user_property_next(). */
struct mqtt_properties {
    const uint8_t *at;
    size_t len; /* 0 with MQTT 3.1.1 */
};

struct mqtt_will {
    struct slice topic, payload;
    uint8_t qos;
    bool retain;
    uint32_t delay_s;
    struct mqtt_properties properties;
};

struct mqtt_connect {
    enum mqtt_version version;
    bool clean_start;
    uint16_t keep_alive_s;  /* 0: none */
    struct slice client_id; /* len 0: the server is to choose */
    struct slice username;  /* SLICE_NONE when not given */
    struct slice password;  /* bytes; SLICE_NONE when not given */
    bool has_will;
    struct mqtt_will will;

    /* MQTT 5; what the specification says for an absent property, and with 3.1.1 */
    uint32_t session_expiry_s; /* UINT32_MAX: for ever. With 3.1.1: 0 */
    uint16_t receive_max;      /* 65535 */
    uint32_t max_packet_size;  /* what the client takes; UINT32_MAX: no limit */
    uint16_t topic_alias_max;  /* what the client takes; 0 */
    bool request_response;     /* false */
    bool request_problem;      /* true; false: reason strings only in CONNACK and DISCONNECT */
    struct slice auth_method;  /* SLICE_NONE */
    struct slice auth_data;    /* SLICE_NONE */
    struct mqtt_properties properties;
};

/* SUBSCRIBE and UNSUBSCRIBE */
struct mqtt_filters {
    const uint8_t *at;
    size_t len;
    enum mqtt_version version;
    bool with_options; /* SUBSCRIBE */
};

struct mqtt_subscribe {
    uint16_t packet_id;          /* never 0 */
    uint32_t subscription_id;    /* 0: none */
    size_t n_filters;            /* at least 1 */
    bool shared;                 /* a shared subscription, of good form, is among them */
    struct mqtt_filters filters; /* for mqtt_filter_next() */
    struct mqtt_properties properties;
};

struct mqtt_filter {
    struct slice filter; /* UTF-8, at least one byte; with `$share/…/` when it has it */
    uint8_t reason;      /* MQTT_SUCCESS; or what SUBACK and UNSUBACK are to say of this filter:
                            MQTT_FILTER_INVALID misplaced `+` or `#`, bad share name */
    bool shared;         /* begins with `$share/` */
    uint8_t qos;         /* SUBSCRIBE: what is asked for, 0..2 */
    bool no_local;       /* MQTT 5, else false */
    bool retain_as_published; /* MQTT 5, else false */
    uint8_t retain_handling;  /* MQTT 5, else 0: 0 send retained, 1 only if new, 2 never */
};

struct mqtt_publish {
    struct slice topic; /* a valid topic name */
    struct slice payload;
    uint16_t packet_id; /* 0 with QoS 0, else never 0 */
    uint8_t qos;
    bool dup, retain;
    struct mqtt_properties properties;
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP */
struct mqtt_ack {
    uint16_t packet_id; /* never 0 */
    uint8_t reason;
    struct mqtt_properties properties;
};

struct mqtt_disconnect {
    uint8_t reason; /* one that a client may send */
    bool has_session_expiry;
    uint32_t session_expiry_s; /* not 0 after a CONNECT with 0: for the caller to refuse */
    struct mqtt_properties properties;
};

struct mqtt_auth {
    uint8_t reason;      /* MQTT_CONTINUE_AUTHENTICATION or MQTT_REAUTHENTICATE */
    struct slice method; /* never SLICE_NONE */
    struct slice data;   /* SLICE_NONE when not given */
    struct mqtt_properties properties;
};

struct mqtt_packet {
    enum mqtt_type type;
    union {
        struct mqtt_connect connect;
        struct mqtt_publish publish;
        struct mqtt_ack ack;
        struct mqtt_subscribe subscribe; /* UNSUBSCRIBE too */
        struct mqtt_disconnect disconnect;
        struct mqtt_auth auth;
    }; /* PINGREQ has none */
};

struct mqtt_fault {
    uint8_t reason;            /* for CONNACK or DISCONNECT: enum mqtt_reason, never success */
    enum mqtt_version version; /* in which to answer; MQTT_UNKNOWN: close without a word */
    const char *why;           /* a literal, for people */
};

/* Decode the packet at the start of `bytes`. `version` is MQTT_UNKNOWN until a CONNECT was read
 * (and then only a CONNECT is right), after that the CONNECT's (and no second one is right).
 *
 * Returns its size and fills *ret; 0 when more bytes are needed; -EBADMSG when the client broke the
 * rules, as early as it shows (a packet longer than `max_size` from its announced length), and
 * fills *ret_fault: send mqtt_encode_refusal() before, mqtt_encode_disconnect() after CONNACK,
 * which know when to write nothing, and close. */
MUST_CHECK long mqtt_decode(const uint8_t *bytes, size_t len, enum mqtt_version version,
                            size_t max_size, struct mqtt_packet *ret, struct mqtt_fault *ret_fault);

/* The next filter off the front of *rest. False at the end. */
bool mqtt_filter_next(struct mqtt_filters *rest, struct mqtt_filter *ret);

/* The next user property off the front of *rest. False at the end. */
bool mqtt_user_property_next(struct mqtt_properties *rest, struct slice *ret_name,
                             struct slice *ret_value);

#endif
