/*
 * alpaca_message -- what Alpaca's stream and snapshots say.
 * https://docs.alpaca.markets/docs/streaming-market-data
 *
 *     [{"T":"success","msg":"connected"}]   [{"T":"error","code":406,"msg":"connection limit …"}]
 *     [{"T":"subscription","trades":["AAPL"],…}]
 *     [{"T":"t","S":"AAPL","i":628,"x":"K","p":162.92,"s":3,"c":["@","I"],"z":"C",
 *       "t":"2023-04-06T11:54:26.838232225Z"}]
 *
 * Pure: bytes in, calls out.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_ALPACA_MESSAGE_H
#define TAPECAST_PUBLISHER_FEEDS_ALPACA_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "publisher/feeds/listing.h"

struct alpaca_events { /* in the order in which things stand in the message */
    void (*connected)(void *ctx);
    void (*authenticated)(void *ctx);
    /* The full set of symbols whose trades come: NULL first, then each of them. */
    void (*subscribed)(void *ctx, const char *symbol);
    void (*error)(void *ctx, int code, const char *msg);
    void (*trade)(void *ctx, const char *symbol, const struct trade *t);
    void (*revoked)(void *ctx, const char *symbol, const struct revocation *x);
};

struct alpaca_rules {
    bool odd_lots;
    bool has_tapes; /* stocks; else there are no conditions */
    const struct calendar *calendar;
};

/* Returns false when it is no message of the service. */
bool alpaca_read_message(const char *text, size_t len, const struct alpaca_rules *rules,
                         const struct alpaca_events *events, void *ctx);

/* A snapshot of `symbol`; what may not move the price is left to the last minute's bar. */
typedef void alpaca_on_snapshot(void *ctx, const char *symbol, const struct quote *q);

/* The answer to a request for snapshots. A symbol without a price is passed over. Returns false
 * when it is none. */
bool alpaca_read_snapshots(const char *text, const struct alpaca_rules *rules,
                           alpaca_on_snapshot *on_snapshot, void *ctx);

#endif
