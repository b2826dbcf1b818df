/*
 * quote_encoding -- a quote as the doors give it whose readers know symbols rather than topics.
 *
 * They carry what is a JSON quote on `stocks/{SYMBOL}`, and that a symbol was removed (an empty
 * retained message); all else has no form here and is left out.
 */
#ifndef TAPECAST_GATEWAY_DOORS_QUOTE_ENCODING_H
#define TAPECAST_GATEWAY_DOORS_QUOTE_ENCODING_H

#include <stddef.h>

#include "common/macros.h"
#include "gateway/hub/encoding.h"

/* One WebSocket text message each: the quote with "ticker" behind "symbol". */
extern const struct encoding ws_encoding;

/* Server-Sent Events `quote` and `removed`, with their place as id. */
extern const struct encoding event_encoding;

/* Data alone: {"stock_symbol","price","change"}. */
extern const struct encoding stock_update_encoding;

/* A place as an event's id, NUL-terminated: returns its length. And back: 0; -EINVAL for what no
 * event had. */
#define EVENT_ID_MAX 32
size_t event_id_write(struct position at, char buf[EVENT_ID_MAX]);
MUST_CHECK int event_id_parse(const char *text, struct position *ret);

#endif
