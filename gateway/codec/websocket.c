#include "gateway/codec/websocket.h"

#include "common/topic.h"

#include "common/banned.h"

/*
 *  0               1               2 … 3 or 9      + 4
 *  FIN RSV opcode  MASK length     longer length   mask     payload
 */
struct frame {
    uint8_t opcode;
    bool fin;
    uint64_t len;
    size_t header; /* its size */
    uint8_t mask[4];
};

void ws_decoder_init(struct ws_decoder *d, uint8_t accepts, uint32_t max_message)
{
    *d = (struct ws_decoder){.accepts = accepts, .max_message = max_message};
}

static bool fail(struct ws_event *e, uint16_t code, const char *why)
{
    *e = (struct ws_event){.kind = WS_ERROR, .code = code, .why = why};
    return false;
}

static bool is_control(uint8_t opcode)
{
    return opcode & 0x8;
}

static bool check_data_opcode(const struct ws_decoder *d, uint8_t opcode, struct ws_event *e)
{
    if (opcode == WS_OP_CONTINUATION)
        return d->message ? true : fail(e, WS_PROTOCOL_ERROR, "a continuation of no message");
    if (d->message)
        return fail(e, WS_PROTOCOL_ERROR, "a new message within a fragmented one");
    if (opcode == WS_OP_TEXT && !(d->accepts & WS_ACCEPT_TEXT))
        return fail(e, WS_UNSUPPORTED, "text messages are not understood here, only binary ones");
    if (opcode == WS_OP_BINARY && !(d->accepts & WS_ACCEPT_BINARY))
        return fail(e, WS_UNSUPPORTED, "binary messages are not understood here, only text ones");
    return true;
}

static bool check_first_byte(const struct ws_decoder *d, uint8_t byte, struct ws_event *e)
{
    uint8_t opcode = byte & 0x0F;

    if (byte & 0x70)
        return fail(e, WS_PROTOCOL_ERROR, "a reserved bit is set and no extension was agreed");
    if ((opcode & 0x7) > WS_OP_BINARY)
        return fail(e, WS_PROTOCOL_ERROR, "an unknown opcode");
    if (!is_control(opcode))
        return check_data_opcode(d, opcode, e);
    if (!(byte & 0x80))
        return fail(e, WS_PROTOCOL_ERROR, "a fragmented control frame");
    return true;
}

static bool check_second_byte(uint8_t opcode, uint8_t byte, struct ws_event *e)
{
    if (!(byte & 0x80))
        return fail(e, WS_PROTOCOL_ERROR, "a frame that is not masked");
    if (is_control(opcode) && (byte & 0x7F) > 125)
        return fail(e, WS_PROTOCOL_ERROR, "a control frame of more than 125 bytes");
    return true;
}

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool check_length(const struct ws_decoder *d, const struct frame *f, size_t extended,
                         struct ws_event *e)
{
    uint32_t room = d->message ? d->room : d->max_message;

    if (f->len >> 63)
        return fail(e, WS_PROTOCOL_ERROR, "a length with its highest bit set");
    if ((extended == 2 && f->len < 126) || (extended == 8 && f->len <= UINT16_MAX))
        return fail(e, WS_PROTOCOL_ERROR, "a length in more bytes than it needs");
    if (!is_control(f->opcode) && d->max_message != UINT32_MAX && f->len > room)
        return fail(e, WS_TOO_BIG, "a message over the limit");
    return true;
}

/* Judge what is there of a header. True when it is whole and right; else *e is WS_MORE or WS_ERROR.
 */
static bool read_header(const struct ws_decoder *d, const uint8_t *bytes, size_t len,
                        struct frame *f, struct ws_event *e)
{
    size_t extended;

    if (len < 1 || !check_first_byte(d, bytes[0], e))
        return false;
    f->opcode = bytes[0] & 0x0F;
    f->fin = bytes[0] & 0x80;
    if (len < 2 || !check_second_byte(f->opcode, bytes[1], e))
        return false;

    f->len = bytes[1] & 0x7F;
    extended = f->len == 126 ? 2 : f->len == 127 ? 8 : 0;
    if (len < 2 + extended)
        return false;
    if (extended > 0)
        f->len = big_endian(bytes + 2, extended);
    if (!check_length(d, f, extended, e))
        return false;

    f->header = 2 + extended + sizeof(f->mask);
    if (len < f->header)
        return false;
    memcpy(f->mask, bytes + 2 + extended, sizeof(f->mask));
    return true;
}

/* Eight bytes at a time; `mask` is left rotated for the byte that follows. */
static void unmask(uint8_t *bytes, size_t n, uint8_t mask[4])
{
    uint8_t turned[4] = {mask[n & 3], mask[(n + 1) & 3], mask[(n + 2) & 3], mask[(n + 3) & 3]};
    uint64_t wide;
    size_t i = 0;

    memcpy(&wide, mask, 4);
    memcpy((uint8_t *)&wide + 4, mask, 4);
    for (; n - i >= sizeof(wide); i += sizeof(wide)) {
        uint64_t word;

        memcpy(&word, bytes + i, sizeof(word));
        word ^= wide;
        memcpy(bytes + i, &word, sizeof(word));
    }
    for (; i < n; i++)
        bytes[i] ^= mask[i & 3];
    memcpy(mask, turned, 4);
}

static size_t take_payload(struct ws_decoder *d, uint8_t *bytes, size_t len, struct ws_event *e)
{
    size_t n = d->left < len ? (size_t)d->left : len;

    if (n == 0 && d->left > 0)
        return 0;
    unmask(bytes, n, d->mask);
    d->left -= n;
    d->in_payload = d->left > 0;
    *e = (struct ws_event){
        .kind = WS_DATA,
        .bytes = bytes,
        .len = n,
        .text = d->message == WS_OP_TEXT,
        .last = d->fin && !d->in_payload,
    };
    if (e->last)
        d->message = 0;
    return n;
}

static void begin_payload(struct ws_decoder *d, const struct frame *f)
{
    if (f->opcode != WS_OP_CONTINUATION) {
        d->message = f->opcode;
        d->room = d->max_message;
    }
    if (d->max_message != UINT32_MAX)
        d->room -= (uint32_t)f->len;
    d->left = f->len;
    d->fin = f->fin;
    d->in_payload = true;
    memcpy(d->mask, f->mask, sizeof(d->mask));
}

/* Section 7.4: what may stand in a close frame. */
static bool close_code_valid(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* UTF-8 in which U+0000 is a character like any other. */
static bool text_valid(const char *text, size_t len)
{
    const char *nul;

    while (len > 0 && (nul = memchr(text, 0, len)) != NULL) {
        size_t n = (size_t)(nul - text);

        if (!utf8_valid(text, n))
            return false;
        text += n + 1;
        len -= n + 1;
    }
    return utf8_valid(text, len);
}

static void read_close(const uint8_t *payload, size_t len, struct ws_event *e)
{
    *e = (struct ws_event){.kind = WS_CLOSE, .code = WS_NO_CODE};
    if (len == 0)
        return;
    e->code = len >= 2 ? (uint16_t)big_endian(payload, 2) : 0;
    if (!close_code_valid(e->code)) {
        fail(e, WS_PROTOCOL_ERROR, "a close frame without a valid code");
        return;
    }
    e->bytes = payload + 2;
    e->len = len - 2;
    if (!text_valid((const char *)e->bytes, e->len))
        fail(e, WS_BAD_TEXT, "a close reason that is not UTF-8");
}

static size_t take_control(struct frame *f, uint8_t *bytes, size_t len, struct ws_event *e)
{
    uint8_t *payload = bytes + f->header;

    if (len - f->header < f->len)
        return 0;
    unmask(payload, (size_t)f->len, f->mask);
    if (f->opcode == WS_OP_CLOSE)
        read_close(payload, (size_t)f->len, e);
    else
        *e = (struct ws_event){
            .kind = f->opcode == WS_OP_PING ? WS_PING : WS_PONG,
            .bytes = payload,
            .len = (size_t)f->len,
        };
    return f->header + (size_t)f->len;
}

size_t ws_decode(struct ws_decoder *d, uint8_t *bytes, size_t len, struct ws_event *ret)
{
    struct frame f;

    *ret = (struct ws_event){.kind = WS_MORE};
    if (d->in_payload)
        return take_payload(d, bytes, len, ret);
    if (!read_header(d, bytes, len, &f, ret))
        return 0;
    if (is_control(f.opcode))
        return take_control(&f, bytes, len, ret);
    begin_payload(d, &f);
    return f.header + take_payload(d, bytes + f.header, len - f.header, ret);
}

static size_t write_control(uint8_t *buf, enum ws_opcode opcode, size_t len)
{
    return (size_t)(ws_write_header(buf, opcode, len) - buf) + len;
}

size_t ws_write_close(uint8_t buf[WS_CONTROL_MAX], uint16_t code, const char *reason)
{
    size_t n = reason == NULL ? 0 : strnlen(reason, 124);

    if (code == WS_NO_CODE)
        return write_control(buf, WS_OP_CLOSE, 0);
    if (n > 123) {
        n = 123;
        while (n > 0 && ((uint8_t)reason[n] & 0xC0) == 0x80)
            n--;
    }
    buf[2] = (uint8_t)(code >> 8);
    buf[3] = (uint8_t)code;
    if (n > 0)
        memcpy(buf + 4, reason, n);
    return write_control(buf, WS_OP_CLOSE, 2 + n);
}

size_t ws_write_pong(uint8_t buf[WS_CONTROL_MAX], const uint8_t *payload, size_t len)
{
    if (len > 0)
        memcpy(buf + 2, payload, len);
    return write_control(buf, WS_OP_PONG, len);
}
