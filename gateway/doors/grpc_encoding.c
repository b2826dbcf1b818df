#include "gateway/doors/grpc_encoding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"
#include "common/topic.h"
#include "gateway/codec/quote_json.h"
#include "gateway/doors/door.h"
#include "gateway/doors/grpc.h"

#include "stock.pb-c.h"
#include "tapecast/v1/stock.pb-c.h"

#include "common/banned.h"

#define MODE_MAX 16
#define NUMBER_MAX 64

/* What a message says, in numbers. */
struct reading {
    char symbol[SYMBOL_MAX + 1];
    bool removed;
    char price[NUMBER_MAX], change[NUMBER_MAX]; /* as they were published; "" for none */
    bool is_quote; /* `quote` is set: the text follows the ticker's own rules */
    struct quote quote;
};

/* The symbol in `stocks/{SYMBOL}`; false for other topics. */
static bool read_symbol(const struct message *m, char ret[SYMBOL_MAX + 1])
{
    static const char first[] = "stocks/";
    size_t n = sizeof(first) - 1;
    long len;

    if (m->topic_len <= n || memcmp(m->topic, first, n) != 0 ||
        memchr(m->topic + n, '/', m->topic_len - n) != NULL)
        return false;
    len = topic_level_unescape(m->topic + n, m->topic_len - n, ret, SYMBOL_MAX);
    if (len <= 0 || !utf8_valid(ret, (size_t)len))
        return false;
    ret[len] = '\0';
    return true;
}

static void copy_span(const struct message *m, struct span s, char ret[NUMBER_MAX])
{
    size_t n = s.len < NUMBER_MAX ? s.len : 0;

    memcpy(ret, m->payload + s.at, n);
    ret[n] = '\0';
}

/* Returns whether the message has a form at this door. */
static bool read_message(const struct message *m, struct reading *r)
{
    struct quote_json spans;

    if (!read_symbol(m, r->symbol))
        return false;
    r->removed = m->len == 0;
    if (r->removed)
        return true;
    if (quote_json_look(m->payload, m->len, &spans) < 0 || spans.price.len == 0)
        return false;
    copy_span(m, spans.price, r->price);
    copy_span(m, spans.change, r->change);
    r->is_quote = quote_decode((const char *)m->payload, m->len, &r->quote) == 0;
    return r->price[0] != '\0';
}

/* ---- tapecast.v1.Quote ---- */

#define SET(q, member, value) ((q)->has_##member = 1, (q)->member = (value))

static void put_decimals(const struct quote *q, Tapecast__V1__Quote *ret)
{
    struct decimal change, percent;

    if (q->known & QUOTE_OPEN)
        SET(ret, open, decimal_to_double(q->open));
    if (q->known & QUOTE_HIGH)
        SET(ret, high, decimal_to_double(q->high));
    if (q->known & QUOTE_LOW)
        SET(ret, low, decimal_to_double(q->low));
    if (q->known & QUOTE_VOLUME)
        SET(ret, volume, decimal_to_double(q->volume));
    if (!(q->known & QUOTE_PREV_CLOSE))
        return;
    SET(ret, prev_close, decimal_to_double(q->prev_close));
    if (decimal_sub(q->price, q->prev_close, &change) < 0)
        return;
    SET(ret, change, decimal_to_double(change));
    if (decimal_percent(change, q->prev_close, 2, &percent) == 0)
        SET(ret, percent, decimal_to_double(percent));
}

/* `text` must stay as long as *ret is used. */
static void put_quote(const struct quote *q, char text[2][MODE_MAX], Tapecast__V1__Quote *ret)
{
    put_decimals(q, ret);
    SET(ret, timestamp, q->timestamp.ms);
    SET(ret, seq, q->seq);
    snprintf(text[0], MODE_MAX, "%s", quote_mode_name((enum quote_mode)q->mode));
    ret->mode = text[0];
    if (q->session == SESSION_UNKNOWN)
        return;
    snprintf(text[1], MODE_MAX, "%s", quote_session_name((enum quote_session)q->session));
    ret->session = text[1];
}

static void make_quote(struct reading *r, char text[2][MODE_MAX], Tapecast__V1__Quote *ret)
{
    tapecast__v1__quote__init(ret);
    ret->symbol = r->symbol;
    if (r->removed) {
        SET(ret, removed, 1);
        return;
    }
    if (r->is_quote)
        put_quote(&r->quote, text, ret);
    SET(ret, price, strtod(r->price, NULL));
    ret->exact_price = r->price;
    if (r->change[0] != '\0')
        SET(ret, change, strtod(r->change, NULL));
}

static size_t quote_size(const struct message *m)
{
    struct reading r;
    char text[2][MODE_MAX];
    Tapecast__V1__Quote q;

    if (!read_message(m, &r))
        return 0;
    make_quote(&r, text, &q);
    return GRPC_PREFIX + tapecast__v1__quote__get_packed_size(&q);
}

static uint8_t *quote_write(uint8_t *p, const struct message *m)
{
    struct reading r;
    char text[2][MODE_MAX];
    Tapecast__V1__Quote q;

    if (!read_message(m, &r))
        return p; /* its size is 0: nobody asks */
    make_quote(&r, text, &q);
    p = grpc_write_prefix(p, tapecast__v1__quote__get_packed_size(&q));
    return p + tapecast__v1__quote__pack(&q, p);
}

/* ---- StockResponse ---- */

/* The older form has no word for a symbol that is gone. */
static bool make_response(const struct message *m, struct reading *r, StockResponse *ret)
{
    if (!read_message(m, r) || r->removed)
        return false;
    stock_response__init(ret);
    ret->stock_symbol = r->symbol;
    ret->price = strtod(r->price, NULL);
    ret->change = r->change[0] != '\0' ? strtod(r->change, NULL) : 0;
    return true;
}

static size_t response_size(const struct message *m)
{
    struct reading r;
    StockResponse response;

    return make_response(m, &r, &response)
               ? GRPC_PREFIX + stock_response__get_packed_size(&response)
               : 0;
}

static uint8_t *response_write(uint8_t *p, const struct message *m)
{
    struct reading r;
    StockResponse response;

    if (!make_response(m, &r, &response))
        return p;
    p = grpc_write_prefix(p, stock_response__get_packed_size(&response));
    return p + stock_response__pack(&response, p);
}

/* ---- encodings ---- */

/* A message brings its own prefix. */
static size_t no_frame(uint8_t header[ENCODING_HEADER_MAX], size_t len)
{
    (void)header, (void)len;
    return 0;
}

const struct encoding grpc_quote_encoding = {"grpc", quote_size, quote_write, no_frame, DOOR_GRPC};
const struct encoding grpc_stock_response_encoding = {"grpc-stock", response_size, response_write,
                                                      no_frame, DOOR_GRPC};
