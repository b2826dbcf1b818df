/*
 * ws_handshake -- from an HTTP head to a WebSocket (RFC 6455, section 4.2).
 *
 * Extensions are never agreed. The Origin is handed to the caller, whose policy it is. Pure
 * functions, no allocation; slices point into the head's buffer.
 */
#ifndef TAPECAST_GATEWAY_CODEC_WS_HANDSHAKE_H
#define TAPECAST_GATEWAY_CODEC_WS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"
#include "gateway/codec/http_head.h"

struct ws_handshake {
    struct slice key;
    struct slice origin;   /* SLICE_NONE when the client is no browser */
    struct slice protocol; /* the agreed subprotocol, or SLICE_NONE */
};

/* Does this request ask for a WebSocket? (Then a refusal is worded for WebSocket clients.) */
bool ws_is_upgrade(const struct http_head *h);

/* Judge the request. `protocol` is the subprotocol that the client must offer ("mqtt"), a literal,
 * or NULL when none is asked for: then the first that the client offers is agreed to, since a
 * browser whose offer is passed over gives up. Returns 0 and fills *ret; or minus the status to
 * answer, with *ret_why a sentence for people: -400; -405 not GET; -426 another version of the
 * protocol, or no upgrade. */
MUST_CHECK int ws_handshake_check(const struct http_head *h, const char *protocol,
                                  struct ws_handshake *ret, const char **ret_why);

/* The header lines ("Name: value\r\n"…) that the answer to a refusal must carry for this status
 * (405: Allow; 426: Upgrade, Sec-WebSocket-Version), without Connection; "" for others. */
const char *ws_refusal_fields(int status);

/* Is SHA-1 to be had, without which no WebSocket begins (a FIPS configuration may have none)? To be
 * asked once at the start: the library loads what it needs for it, 2 MB, and no reader waits for
 * that. */
bool ws_handshake_possible(void);

#define WS_ANSWER_MAX 256
/* Write the 101 answer, whole, not NUL-terminated. Returns its length; 0 when SHA-1 is not to be
 * had. */
MUST_CHECK size_t ws_handshake_answer(const struct ws_handshake *hs, char buf[WS_ANSWER_MAX]);

#endif
