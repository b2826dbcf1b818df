/*
 * ws_session -- what one reader of the JSON WebSocket says and is answered.
 *
 * Everything is one JSON object in one text message. What the gateway says has a "type", quotes
 * have none:
 *
 *     {"type":"ack","action":"subscribe","symbols":["AAPL","MSFT"]}   the full list, after each
 * change
 *     {"type":"error","code":"unknown_symbol","message":"…","symbols":["XYZ"]}
 *     {"type":"removed","symbol":"AAPL","ticker":"AAPL"}              from quote_encoding
 *     {"type":"pong"}
 *
 * An error changes nothing and the connection stays. doors/ws.c owns the memory, and brings the
 * messages.
 */
#ifndef TAPECAST_GATEWAY_DOORS_WS_SESSION_H
#define TAPECAST_GATEWAY_DOORS_WS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "gateway/codec/websocket.h"
#include "gateway/hub/filterset.h"
#include "gateway/hub/reader.h"
#include "gateway/worker.h"

struct ws_session {
    struct conn *conn; /* beside what else a write looks at */
    struct reader reader;
    struct ws_decoder decoder;
    struct mono last_heard;
    uint8_t *message; /* pieces of one that is not whole yet */
    uint32_t message_len;
    uint32_t interval_ms; /* of ?max-rate= */
    bool probed;          /* a ping is under way */
    bool yields;          /* what has come waits for a later turn */
};

/* Act on a message. */
void ws_session_message(struct ws_session *s, const char *text, size_t len);

/* What `/ws?symbols=` asks for, judged before the WebSocket begins. Returns 0 and fills *ret, empty
 * when nothing is asked for; or minus the status to answer, *ret_why a sentence: -400, -401, -403,
 * -503. */
MUST_CHECK int ws_session_wish(const struct gateway_limits *limits, const struct grant *grant,
                               struct slice query, uint32_t interval_ms, struct filterset *ret,
                               const char **ret_why);

/* Begin with that wish, which is taken over. */
void ws_session_begin(struct ws_session *s, struct filterset *wish);

/* The token has expired: say so, and close. */
void ws_session_expired(struct ws_session *s);

/* Close the WebSocket, with a reason for people or NULL; nothing more is read. */
void ws_session_end(struct ws_session *s, uint16_t code, const char *why);

#endif
