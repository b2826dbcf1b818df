#include "gateway/codec/mqtt_reader.h"

#include "common/topic.h"
#include "gateway/codec/mqtt.h"

#include "common/banned.h"

void mqtt_reader_init(struct mqtt_reader *r, const uint8_t *bytes, size_t len)
{
    *r = (struct mqtt_reader){.at = bytes, .end = bytes + len};
}

void mqtt_reader_fail(struct mqtt_reader *r, uint8_t reason, const char *why)
{
    if (mqtt_reader_ok(r)) {
        r->reason = reason;
        r->why = why;
    }
    r->at = r->end;
}

static uint32_t read_number(struct mqtt_reader *r, size_t n)
{
    uint32_t value = 0;

    if (mqtt_reader_left(r) < n) {
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a packet ends too early");
        return 0;
    }
    while (n-- > 0)
        value = value << 8 | *r->at++;
    return value;
}

uint8_t mqtt_read_u8(struct mqtt_reader *r)
{
    return (uint8_t)read_number(r, 1);
}

uint16_t mqtt_read_u16(struct mqtt_reader *r)
{
    return (uint16_t)read_number(r, 2);
}

uint32_t mqtt_read_u32(struct mqtt_reader *r)
{
    return read_number(r, 4);
}

uint32_t mqtt_read_varint(struct mqtt_reader *r)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = mqtt_read_u8(r);

        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte & 0x80)
            continue;
        if (byte == 0 && shift > 0)
            mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a length in more bytes than it needs");
        return mqtt_reader_ok(r) ? value : 0;
    }
    mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a length of more than four bytes");
    return 0;
}

struct slice mqtt_read_bytes(struct mqtt_reader *r, size_t len)
{
    struct slice s = {(const char *)r->at, len};

    if (mqtt_reader_left(r) < len) {
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a packet ends too early");
        return SLICE_NONE;
    }
    r->at += len;
    return s;
}

struct slice mqtt_read_binary(struct mqtt_reader *r)
{
    uint16_t len = mqtt_read_u16(r);

    return mqtt_read_bytes(r, len);
}

struct slice mqtt_read_string(struct mqtt_reader *r)
{
    struct slice s = mqtt_read_binary(r);

    if (!utf8_valid(s.at, s.len)) {
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a string that is not UTF-8 or has a U+0000");
        return SLICE_NONE;
    }
    return s;
}

uint16_t mqtt_read_packet_id(struct mqtt_reader *r)
{
    uint16_t id = mqtt_read_u16(r);

    if (id == 0)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a packet identifier of zero");
    return id;
}
