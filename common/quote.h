/*
 * quote -- one symbol's price at one moment, and its JSON on `stocks/{SYMBOL}`.
 *
 *     {"symbol":"AAPL","price":189.45,"change":0.38,"percent":0.2,"open":189.1,"high":190.02,"low":188.4,
 *      "prev_close":189.07,"volume":51234,"timestamp":1712331900000,"seq":4711,"mode":"live",
 *      "session":"regular"}
 *
 * A feed that takes back what it told adds to its next quote which one that was, and, unless there
 * was none at all, what it should have said:
 *
 *     …,"corrects":1712331900000,"wrong":189.45,"right":189.4}
 *
 * What is not known is left out, never zero. `change` and `percent` (two digits) follow from price
 * and prev_close. A struct quote is a plain value; nothing here allocates. Pure functions, any
 * thread.
 */
#ifndef TAPECAST_COMMON_QUOTE_H
#define TAPECAST_COMMON_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/decimal.h"
#include "common/macros.h"
#include "common/topic.h"

/* The whole PUBLISH packet of a quote (QoS 0) fits the default buffer of PubSubClient, which small
 * displays use. */
#define QUOTE_PACKET_MAX 256

enum quote_mode { MODE_DEMO, MODE_REPLAY, MODE_LIVE };

/* When on its exchange's day a price was made; live feeds of stocks alone know it. */
enum quote_session { SESSION_UNKNOWN, SESSION_PRE, SESSION_REGULAR, SESSION_POST, SESSION_CLOSED };

enum quote_field { /* bits of quote.known */
                   QUOTE_OPEN = 1 << 0,
                   QUOTE_HIGH = 1 << 1,
                   QUOTE_LOW = 1 << 2,
                   QUOTE_PREV_CLOSE = 1 << 3,
                   QUOTE_VOLUME = 1 << 4,
};

/* Of the quote with this time and price. */
struct quote_correction {
    struct wall at; /* 0: there is nothing to correct */
    struct decimal wrong, right;
    bool has_right; /* else there was no such trade */
};

struct quote {
    char symbol[SYMBOL_MAX + 1]; /* as symbol_normalize() gives it */
    uint8_t known;               /* which of the optional members are set */
    uint8_t mode;                /* enum quote_mode */
    uint8_t session;             /* enum quote_session */
    struct decimal price;
    struct decimal open, high, low, prev_close;
    struct decimal volume; /* today's, in shares (fractions for crypto) */
    struct wall timestamp; /* the exchange's time for live data */
    struct mono heard;     /* when a feed read it, 0 for unknown; for measuring, never published */
    uint64_t seq;          /* counts the symbol's quotes from 1 in one publisher run */
    struct quote_correction correction;
};

const char *quote_mode_name(enum quote_mode mode);          /* "demo", "replay", "live" */
const char *quote_session_name(enum quote_session session); /* "", "pre", "regular", … */

/* Write the JSON of `q`, one line, not NUL-terminated, so that the packet on `stocks/{SYMBOL}`
 * stays within QUOTE_PACKET_MAX (MQTT 3.1.1 and 5): where it would not, these leave in this order
 * until it does: open, low, high, prev_close, percent, change, volume, session, what
 * is corrected. Returns the length. */
size_t quote_encode(const struct quote *q, char buf[QUOTE_PACKET_MAX]);

/* Read such JSON; members in any order, unknown ones skipped (nested ones too), the last of equal
 * ones counts; prev_close follows from change where it was left out. Returns 0; -EBADMSG when it is
 * not one JSON object, a member has the wrong type, or symbol, price or timestamp is missing. */
MUST_CHECK int quote_decode(const char *json, size_t len, struct quote *ret);

/* "stocks/{SYMBOL}" followed by `suffix` ("" or "/price"), NUL-terminated. Returns the length. */
#define QUOTE_TOPIC_MAX (7 + SYMBOL_ESCAPED_MAX + 16)
size_t quote_topic(const char *symbol, const char *suffix, char buf[QUOTE_TOPIC_MAX]);

#endif
