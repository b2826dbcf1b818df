/*
 * mqtt_encode -- the packets that a server sends (MQTT 3.1.1 and 5), into the caller's buffers.
 *
 * Each function writes one whole packet into `buf` of `cap` bytes and returns its size; 0 when it
 * does not fit, or when the version has no such packet, so that "write what came out" is always
 * right. Give the smaller of the buffer and the client's maximum packet size as `cap`. The fast
 * path of the fan-out, PUBLISH with QoS 0, is inline and unchecked. No allocation.
 */
#ifndef TAPECAST_GATEWAY_CODEC_MQTT_ENCODE_H
#define TAPECAST_GATEWAY_CODEC_MQTT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/macros.h"
#include "gateway/codec/mqtt.h"
#include "gateway/codec/slice.h"

/* What an accepting CONNACK says beyond what is always so here: no session present, maximum QoS 0,
 * no subscription identifiers, no shared subscriptions, no topic aliases. */
struct mqtt_connack {
    struct slice assigned_client_id; /* len 0: the client brought its own */
    uint16_t server_keep_alive_s;    /* 0: as the client asked */
    uint32_t max_packet_size;        /* what the server takes; 0: not said */
    bool session_expires_at_once;    /* the client asked for more and does not get it */
    struct slice auth_method;        /* len 0: none was asked for */
    struct slice reason;             /* for people; len 0: none; left out when it does not fit */
};

/* The acceptance. With 3.1.1 it is 20 02 00 00. */
size_t mqtt_encode_connack(uint8_t *buf, size_t cap, enum mqtt_version version,
                           const struct mqtt_connack *c);

/* A CONNACK that refuses, with a sentence for people (NULL for none; left out when it does not
 * fit). With 3.1.1 the return code that comes closest; where that version closes without an answer
 * (malformed packets), and for MQTT_UNKNOWN, nothing. */
size_t mqtt_encode_refusal(uint8_t *buf, size_t cap, enum mqtt_version version, uint8_t reason,
                           const char *why);

/* AUTH that accepts a re-authentication by `method`. MQTT 5 alone has it. */
size_t mqtt_encode_auth(uint8_t *buf, size_t cap, const char *method);

/* DISCONNECT from the server, after CONNACK. MQTT 5 alone has it. */
size_t mqtt_encode_disconnect(uint8_t *buf, size_t cap, enum mqtt_version version, uint8_t reason,
                              const char *why);

/* One reason for each filter, as mqtt_filter.reason and the caller's judgement; for SUBACK of 3.1.1
 * every error becomes 0x80, and UNSUBACK of 3.1.1 has none. */
size_t mqtt_encode_suback(uint8_t *buf, size_t cap, enum mqtt_version version, uint16_t packet_id,
                          const uint8_t *reasons, size_t n);
size_t mqtt_encode_unsuback(uint8_t *buf, size_t cap, enum mqtt_version version, uint16_t packet_id,
                            const uint8_t *reasons, size_t n);

size_t mqtt_encode_pingresp(uint8_t *buf, size_t cap);

/* `n` (at most 268,435,455) as a variable byte integer. Returns its end. */
static inline uint8_t *mqtt_write_length(uint8_t *p, size_t n)
{
    for (; n >= 0x80; n >>= 7)
        *p++ = (uint8_t)(n | 0x80);
    *p++ = (uint8_t)n;
    return p;
}

static inline size_t mqtt_length_size(size_t n)
{
    return n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x200000 ? 3 : 4;
}

/* What follows the fixed header of a PUBLISH: topic, with MQTT 5 an empty property list, payload.
 */
static inline size_t mqtt_publish_remaining(enum mqtt_version version, size_t topic_len, size_t len)
{
    return 2 + topic_len + (version == MQTT_5) + len;
}

/* The size of a PUBLISH with QoS 0. topic_len is 1..65535; the whole at most MQTT_PACKET_MAX. */
static inline size_t mqtt_publish_size(enum mqtt_version version, size_t topic_len, size_t len)
{
    size_t remaining = mqtt_publish_remaining(version, topic_len, len);

    return 1 + mqtt_length_size(remaining) + remaining;
}

/* Write it. Returns its end: `p` + mqtt_publish_size(). */
static inline uint8_t *mqtt_write_publish(uint8_t *p, enum mqtt_version version, const char *topic,
                                          size_t topic_len, const void *payload, size_t len,
                                          bool retain)
{
    *p++ = (uint8_t)(MQTT_PUBLISH << 4 | retain);
    p = mqtt_write_length(p, mqtt_publish_remaining(version, topic_len, len));
    *p++ = (uint8_t)(topic_len >> 8);
    *p++ = (uint8_t)topic_len;
    memcpy(p, topic, topic_len);
    p += topic_len;
    if (version == MQTT_5)
        *p++ = 0;
    if (len > 0)
        memcpy(p, payload, len);
    return p + len;
}

/* The properties of a PUBLISH with MQTT 5. */
struct mqtt_publish_properties {
    const uint8_t *block; /* encoded, without their length and the expiry */
    size_t len;
    bool expires;
    uint32_t expiry_s;
};

/* The same two for a PUBLISH with properties: MQTT 5, QoS 0. */
size_t mqtt_publish_with_size(const struct mqtt_publish_properties *properties, size_t topic_len,
                              size_t len);
uint8_t *mqtt_write_publish_with(uint8_t *p, const struct mqtt_publish_properties *properties,
                                 const char *topic, size_t topic_len, const void *payload,
                                 size_t len, bool retain);

#endif
