/*
 * websocket -- WebSocket frames (RFC 6455): a client's decoded as the bytes come, a server's
 * written.
 *
 * The decoder keeps no payload: the bytes are unmasked where they lie and handed out in pieces, so
 * a frame of any length needs no buffer. Only control frames (at most 125 bytes) and headers are
 * asked for whole. No allocation, no I/O; one owner each.
 *
 *     while (len > 0) {
 *         size_t used = ws_decode(&d, bytes, len, &event);
 *         bytes += used, len -= used;
 *         if (event.kind == WS_MORE)
 *             break;                     // keep these len (<= WS_KEEP_MAX) bytes for the next time
 *         ...
 *     }
 */
#ifndef TAPECAST_GATEWAY_CODEC_WEBSOCKET_H
#define TAPECAST_GATEWAY_CODEC_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/macros.h"

enum ws_opcode {
    WS_OP_CONTINUATION = 0x0,
    WS_OP_TEXT = 0x1,
    WS_OP_BINARY = 0x2,
    WS_OP_CLOSE = 0x8,
    WS_OP_PING = 0x9,
    WS_OP_PONG = 0xA,
};

enum ws_code { /* close codes, section 7.4.1 */
               WS_NORMAL = 1000,
               WS_GOING_AWAY = 1001,
               WS_PROTOCOL_ERROR = 1002,
               WS_UNSUPPORTED = 1003,
               WS_NO_CODE = 1005, /* never on the wire: a close frame without a code */
               WS_BAD_TEXT = 1007,
               WS_POLICY = 1008,
               WS_TOO_BIG = 1009,
               WS_INTERNAL_ERROR = 1011,
               WS_TRY_LATER = 1013,
};

/* What the door behind takes: bits of ws_decoder.accepts. */
#define WS_ACCEPT_TEXT 1
#define WS_ACCEPT_BINARY 2

struct ws_decoder { /* members are the decoder's own; 24 bytes */
    uint64_t left;  /* payload of the present frame that is still to come */
    uint32_t room;  /* what the present message may still bring */
    uint32_t max_message;
    uint8_t mask[4]; /* rotated: mask[0] is for the next byte */
    uint8_t accepts;
    uint8_t message; /* opcode of the present message, 0 between messages */
    bool in_payload;
    bool fin;
};

enum ws_kind {
    WS_MORE,  /* no event in these bytes: come back with more */
    WS_DATA,  /* a piece of a message's payload, possibly of no bytes */
    WS_PING,  /* answer with a pong of the same payload */
    WS_PONG,  /* unasked for: nothing to do */
    WS_CLOSE, /* the peer closes: answer with a close of the same code; feed nothing more */
    WS_ERROR, /* the peer broke the rules: send a close with `code`; feed nothing more */
};

struct ws_event {
    enum ws_kind kind;
    const uint8_t *bytes; /* DATA, PING, PONG: payload, unmasked; CLOSE: the reason, UTF-8 */
    size_t len;
    uint16_t code;   /* CLOSE: WS_NO_CODE when it has none; ERROR: what to close with */
    bool text;       /* DATA: of a text message; that it is UTF-8 is for the door to check (1007) */
    bool last;       /* DATA: the message ends with this piece */
    const char *why; /* ERROR: for people */
};

#define WS_KEEP_MAX 130 /* an incomplete control frame: what WS_MORE may leave at most */

/* Start anew. A message (all its frames) longer than `max_message` (1..UINT32_MAX; UINT32_MAX is no
 * limit) is an error 1009, from the announced length; a kind that is not in `accepts` is 1003. */
void ws_decoder_init(struct ws_decoder *d, uint8_t accepts, uint32_t max_message);

/* Take the next event off the front of `bytes`, which are unmasked in place. Returns how many were
 * used, with WS_MORE too; the rest is to be given again. `event->bytes` lies within those used. */
MUST_CHECK size_t ws_decode(struct ws_decoder *d, uint8_t *bytes, size_t len, struct ws_event *ret);

#define WS_HEADER_MAX 10

static inline size_t ws_header_size(size_t len)
{
    return len < 126 ? 2 : len <= UINT16_MAX ? 4 : 10;
}

/* Write the header of a server's unfragmented frame with `len` bytes of payload. Returns its end:
 * `p` + ws_header_size(len). */
static inline uint8_t *ws_write_header(uint8_t *p, enum ws_opcode opcode, size_t len)
{
    *p++ = (uint8_t)(0x80 | opcode);
    if (len < 126) {
        *p++ = (uint8_t)len;
    } else if (len <= UINT16_MAX) {
        *p++ = 126;
        *p++ = (uint8_t)(len >> 8);
        *p++ = (uint8_t)len;
    } else {
        *p++ = 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            *p++ = (uint8_t)((uint64_t)len >> shift);
    }
    return p;
}

#define WS_CONTROL_MAX 127 /* a server's control frame, whole */

/* Write a close frame; `reason` (NULL for none) is cut at 123 bytes, never within a character. With
 * WS_NO_CODE the frame is empty. Returns its length. */
size_t ws_write_close(uint8_t buf[WS_CONTROL_MAX], uint16_t code, const char *reason);

/* Write a pong with the payload (0..125 bytes) of a ping. Returns its length. */
size_t ws_write_pong(uint8_t buf[WS_CONTROL_MAX], const uint8_t *payload, size_t len);

#endif
