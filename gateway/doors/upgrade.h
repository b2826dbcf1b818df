/*
 * upgrade -- from a request to a WebSocket: what is the same at every door that speaks it.
 */
#ifndef TAPECAST_GATEWAY_DOORS_UPGRADE_H
#define TAPECAST_GATEWAY_DOORS_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "gateway/codec/ws_handshake.h"
#include "gateway/doors/http.h"

struct upgrade {
    char answer[WS_ANSWER_MAX]; /* to be sent when the door has all it needs */
    size_t len;
    uint32_t interval_ms; /* of max-rate=; 0: none asked for */
};

/* Judge the request; `protocol` as for ws_handshake_check(). Returns whether it may become a
 * WebSocket; if not, it has been answered. */
MUST_CHECK bool upgrade_check(const struct http_request *r, const char *protocol,
                              struct upgrade *ret);

#endif
