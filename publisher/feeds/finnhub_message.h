/*
 * finnhub_message -- what a message of Finnhub's WebSocket says.
 * https://finnhub.io/docs/api/websocket-trades
 *
 *     {"type":"trade","data":[{"c":["1","12"],"p":146.76,"s":"AAPL","t":1628238530221,"v":43}]}
 *     {"type":"ping"}   {"type":"error","msg":"Subscribing to too many symbols"}
 *
 * Pure: bytes in, calls out.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_FINNHUB_MESSAGE_H
#define TAPECAST_PUBLISHER_FEEDS_FINNHUB_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "publisher/feeds/listing.h"

enum finnhub_kind {
    FINNHUB_TRADES,
    FINNHUB_PING,
    FINNHUB_TOO_MANY_SYMBOLS,
    FINNHUB_ERROR,   /* another one */
    FINNHUB_UNKNOWN, /* news, and what may come in future */
    FINNHUB_GARBAGE, /* not a message of the service */
};

/* Takes each trade that is whole, in the order they stand in. */
typedef void finnhub_on_trade(void *ctx, const char *symbol, const struct trade *t);

/* `msg` receives the text of an error. */
#define FINNHUB_MSG_MAX 80
enum finnhub_kind finnhub_read_message(const char *text, size_t len, bool odd_lots,
                                       finnhub_on_trade *on_trade, void *ctx,
                                       char msg[FINNHUB_MSG_MAX]);

#endif
