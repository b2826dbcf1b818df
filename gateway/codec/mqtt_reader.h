/*
 * mqtt_reader -- reads the data types of MQTT (section 1.5) one after the other from a packet's
 * body.
 *
 * The first fault sticks: from then on every read gives zero or nothing, so that a body is read
 * straight through and judged once at its end.
 */
#ifndef TAPECAST_GATEWAY_CODEC_MQTT_READER_H
#define TAPECAST_GATEWAY_CODEC_MQTT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/codec/slice.h"

struct mqtt_reader {
    const uint8_t *at, *end;
    uint8_t reason;  /* of the fault; MQTT_SUCCESS while all is well */
    const char *why; /* a literal */
};

void mqtt_reader_init(struct mqtt_reader *r, const uint8_t *bytes, size_t len);

/* Note a fault, unless there is one already, and skip what is left. */
void mqtt_reader_fail(struct mqtt_reader *r, uint8_t reason, const char *why);

static inline bool mqtt_reader_ok(const struct mqtt_reader *r)
{
    return r->reason == 0;
}

static inline size_t mqtt_reader_left(const struct mqtt_reader *r)
{
    return (size_t)(r->end - r->at);
}

uint8_t mqtt_read_u8(struct mqtt_reader *r);
uint16_t mqtt_read_u16(struct mqtt_reader *r);
uint32_t mqtt_read_u32(struct mqtt_reader *r);
uint32_t mqtt_read_varint(struct mqtt_reader *r);
struct slice mqtt_read_bytes(struct mqtt_reader *r, size_t len);
struct slice mqtt_read_binary(struct mqtt_reader *r); /* with a length of two bytes before it */
struct slice mqtt_read_string(struct mqtt_reader *r); /* the same, and UTF-8 without U+0000 */
uint16_t mqtt_read_packet_id(struct mqtt_reader *r);  /* 0 is a fault */

#endif
