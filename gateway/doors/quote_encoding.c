#include "gateway/doors/quote_encoding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/topic.h"
#include "gateway/codec/quote_json.h"
#include "gateway/codec/slice.h"
#include "gateway/codec/websocket.h"
#include "gateway/doors/door.h"

#include "common/banned.h"

#define PIECES_MAX 8
#define SYMBOL_JSON_MAX (6 * SYMBOL_MAX + 2)

/* A text put together from pieces that lie elsewhere, or in one of the two buffers. */
struct composed {
    struct piece {
        const void *bytes;
        size_t len;
        bool on_one_line;
    } pieces[PIECES_MAX];
    size_t n, len;
    char symbol[SYMBOL_JSON_MAX]; /* of what was removed, as JSON */
    char id[EVENT_ID_MAX];
};

static void add(struct composed *c, const void *bytes, size_t len)
{
    c->pieces[c->n++] = (struct piece){bytes, len, false};
    c->len += len;
}

/* JSON of somebody else's: a line break in it is white space, but would end an event's line, and a
 * message of those who read by lines. */
static void add_on_one_line(struct composed *c, const void *bytes, size_t len)
{
    add(c, bytes, len);
    c->pieces[c->n - 1].on_one_line = true;
}
#define ADD_LITERAL(c, text) add(c, text, sizeof(text) - 1)

static void add_span(struct composed *c, const struct message *m, struct span s)
{
    add(c, m->payload + s.at, s.len);
}

/* ---- what a message is ---- */

/*
 * The same message is looked at several times in a row: for its size, for its bytes, for each
 * channel that carries it. So the last answer is remembered with the text that it is about.
 */
#define REMEMBERED_MAX 512

static int look(const struct message *m, struct quote_json *ret)
{
    static _Thread_local struct {
        size_t len; /* 0: nothing */
        int answer;
        struct quote_json q;
        uint8_t text[REMEMBERED_MAX];
    } last;

    if (m->len > REMEMBERED_MAX)
        return quote_json_look(m->payload, m->len, ret);
    if (m->len != last.len || memcmp(m->payload, last.text, m->len) != 0) {
        last.answer = quote_json_look(m->payload, m->len, &last.q);
        memcpy(last.text, m->payload, m->len);
        last.len = m->len;
    }
    *ret = last.q;
    return last.answer;
}

/* The symbol in `stocks/{SYMBOL}`, as a topic has it; SLICE_NONE for other topics. */
static struct slice level_of(const struct message *m)
{
    static const char first[] = "stocks/";
    size_t n = sizeof(first) - 1;

    if (m->topic_len <= n || memcmp(m->topic, first, n) != 0 ||
        memchr(m->topic + n, '/', m->topic_len - n) != NULL)
        return SLICE_NONE;
    return (struct slice){m->topic + n, m->topic_len - n};
}

/* The symbol of `level` as a JSON string in `buf`. Returns its length; 0 when it is no symbol. */
static size_t symbol_json(struct slice level, char buf[SYMBOL_JSON_MAX])
{
    char symbol[SYMBOL_MAX];
    long n = topic_level_unescape(level.at, level.len, symbol, sizeof(symbol));

    if (n <= 0 || !utf8_valid(symbol, (size_t)n))
        return 0;
    return (size_t)(json_put_string(buf, symbol, (size_t)n) - buf);
}

enum kind { NOTHING, QUOTE, REMOVED };

/* What `m` is at these doors. For REMOVED c->symbol is filled and *ret_symbol_len set. */
static enum kind kind_of(const struct message *m, struct composed *c, struct quote_json *ret,
                         size_t *ret_symbol_len)
{
    struct slice level = level_of(m);

    if (level.at == NULL)
        return NOTHING;
    if (m->len > 0)
        return look(m, ret) == 0 ? QUOTE : NOTHING;
    *ret_symbol_len = symbol_json(level, c->symbol);
    return *ret_symbol_len > 0 ? REMOVED : NOTHING;
}

/* ---- the forms ---- */

static void compose_ws(const struct message *m, struct composed *c)
{
    struct quote_json q;
    size_t symbol_len, cut;

    switch (kind_of(m, c, &q, &symbol_len)) {
    case QUOTE:
        cut = q.has_ticker ? m->len : q.symbol.at + q.symbol.len;
        add_on_one_line(c, m->payload, cut);
        if (q.has_ticker)
            break;
        ADD_LITERAL(c, ",\"ticker\":");
        add_span(c, m, q.symbol);
        add_on_one_line(c, m->payload + cut, m->len - cut);
        break;
    case REMOVED:
        ADD_LITERAL(c, "{\"type\":\"removed\",\"symbol\":");
        add(c, c->symbol, symbol_len);
        ADD_LITERAL(c, ",\"ticker\":");
        add(c, c->symbol, symbol_len);
        ADD_LITERAL(c, "}");
        break;
    case NOTHING:
        break;
    }
}

static void compose_event(const struct message *m, struct composed *c)
{
    struct quote_json q;
    size_t symbol_len;
    enum kind kind = kind_of(m, c, &q, &symbol_len);

    if (kind == NOTHING)
        return;
    ADD_LITERAL(c, "id: ");
    add(c, c->id, event_id_write(m->at, c->id));
    if (kind == QUOTE) {
        ADD_LITERAL(c, "\nevent: quote\ndata: ");
        add_on_one_line(c, m->payload, m->len);
        ADD_LITERAL(c, "\n\n");
    } else {
        ADD_LITERAL(c, "\nevent: removed\ndata: {\"symbol\":");
        add(c, c->symbol, symbol_len);
        ADD_LITERAL(c, "}\n\n");
    }
}

static void compose_stock_update(const struct message *m, struct composed *c)
{
    struct quote_json q;
    size_t symbol_len;

    if (kind_of(m, c, &q, &symbol_len) != QUOTE || q.price.len == 0)
        return;
    ADD_LITERAL(c, "data: {\"stock_symbol\":");
    add_span(c, m, q.symbol);
    ADD_LITERAL(c, ",\"price\":");
    add_span(c, m, q.price);
    if (q.change.len > 0) {
        ADD_LITERAL(c, ",\"change\":");
        add_span(c, m, q.change);
    }
    ADD_LITERAL(c, "}\n\n");
}

/* ---- encodings ---- */

typedef void composer(const struct message *m, struct composed *c);

static size_t composed_size(composer *compose, const struct message *m)
{
    struct composed c;

    c.n = c.len = 0;
    compose(m, &c);
    return c.len;
}

static void join_lines(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] == '\n' || p[i] == '\r')
            p[i] = ' ';
}

static uint8_t *write_composed(composer *compose, const struct message *m, uint8_t *p)
{
    struct composed c;

    c.n = c.len = 0;
    compose(m, &c);
    for (size_t i = 0; i < c.n; i++) {
        memcpy(p, c.pieces[i].bytes, c.pieces[i].len);
        if (c.pieces[i].on_one_line)
            join_lines(p, c.pieces[i].len);
        p += c.pieces[i].len;
    }
    return p;
}

static size_t ws_size(const struct message *m)
{
    size_t len = composed_size(compose_ws, m);

    return len > 0 ? ws_header_size(len) + len : 0;
}

static uint8_t *ws_write(uint8_t *p, const struct message *m)
{
    p = ws_write_header(p, WS_OP_TEXT, composed_size(compose_ws, m));
    return write_composed(compose_ws, m, p);
}

static size_t event_size(const struct message *m)
{
    return composed_size(compose_event, m);
}

static uint8_t *event_write(uint8_t *p, const struct message *m)
{
    return write_composed(compose_event, m, p);
}

static size_t stock_update_size(const struct message *m)
{
    return composed_size(compose_stock_update, m);
}

static uint8_t *stock_update_write(uint8_t *p, const struct message *m)
{
    return write_composed(compose_stock_update, m, p);
}

/* Each message is a frame of the transport, or needs none. */
static size_t no_frame(uint8_t header[ENCODING_HEADER_MAX], size_t len)
{
    (void)header;
    (void)len;
    return 0;
}

const struct encoding ws_encoding = {"ws", ws_size, ws_write, no_frame, DOOR_WS};
const struct encoding event_encoding = {"event", event_size, event_write, no_frame, DOOR_SSE};
const struct encoding stock_update_encoding = {"stock-update", stock_update_size,
                                               stock_update_write, no_frame, DOOR_SSE};

/* ---- ids ---- */

size_t event_id_write(struct position at, char buf[EVENT_ID_MAX])
{
    return (size_t)snprintf(buf, EVENT_ID_MAX, "%08x-%llu", at.run, (unsigned long long)at.version);
}

int event_id_parse(const char *text, struct position *ret)
{
    static const char digits[] = "0123456789abcdef";
    char again[EVENT_ID_MAX];
    struct position at;

    if (strspn(text, digits) != 8 || text[8] != '-')
        return -EINVAL;
    at.run = (uint32_t)strtoul(text, NULL, 16);
    at.version = strtoull(text + 9, NULL, 10);
    (void)event_id_write(at, again);
    if (strcmp(text, again) != 0) /* it was not one of ours */
        return -EINVAL;
    *ret = at;
    return 0;
}
