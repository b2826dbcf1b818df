#include "gateway/doors/h2_session.h"

#include <stdlib.h>

#include "common/banned.h"

#define CONTINUATIONS_MAX 8
#define PURSE_PER_S 50

int h2_pay(struct h2_session *h)
{
    struct mono now = worker_of(h->conn)->now;
    int64_t due = (now.ns - h->purse_at.ns) * PURSE_PER_S / 1000000000;

    if (due > 0) {
        h->purse = h->purse + due > H2_PURSE ? H2_PURSE : h->purse + due;
        h->purse_at = now;
    }
    return h->purse-- > 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int h2_on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user)
{
    struct h2_session *h = user;
    bool acknowledges = hd->flags & NGHTTP2_FLAG_ACK;
    bool free_of_charge = false;

    (void)ng;
    switch (hd->type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_GOAWAY:
        return 0;
    case NGHTTP2_CONTINUATION:
        if (h->block != NULL && ++h->block->continuations > CONTINUATIONS_MAX)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        return 0;
    case NGHTTP2_DATA:
        return hd->length > 0 || (hd->flags & NGHTTP2_FLAG_END_STREAM) ? 0 : h2_pay(h);
    case NGHTTP2_SETTINGS:
        free_of_charge = acknowledges || !h->had_settings;
        h->had_settings = true;
        break;
    case NGHTTP2_PING: /* clients measure with them as long as data comes */
        free_of_charge = acknowledges || h->news;
        h->news = false;
        break;
    default:
        break;
    }
    return free_of_charge ? 0 : h2_pay(h);
}

/* A head is to be whole before long, however slowly its bytes drip. */
static void expect_head(struct h2_session *h)
{
    struct conn *c = h->conn;
    struct mono by = mono_add_ms(mono_now(), c->net->limits.handshake_ms);

    conn_expire_at(c, mono_earlier(by, c->deadline.at));
}

int h2_on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct h2_session *h = user;
    struct h2_stream *s;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    s = h2_stream_new(h, frame->hd.stream_id);
    free(h->block);
    h->block = malloc(sizeof(*h->block));
    if (s == NULL || h->block == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    *h->block = (struct h2_block){.stream = s};
    expect_head(h);
    return nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, s);
}

/* NOLINTNEXTLINE(readability-function-size): nghttp2's parameters */
int h2_on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                 size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct h2_session *h = user;
    struct h2_block *b = h->block;

    (void)ng, (void)flags;
    if (b == NULL || b->stream->id != frame->hd.stream_id) /* trailers of a request */
        return 0;
    h2_head_add(&b->head, (struct slice){(const char *)name, name_len},
                (struct slice){(const char *)value, value_len});
    return 0;
}

/* The head is whole. */
static void on_request(struct h2_session *h, struct h2_block *b, bool complete)
{
    struct http_request r = {.conn = h->conn, .stream = b->stream};
    char text[H2_HEAD_TEXT];
    struct http_head head;
    int err = h2_head_parse(&b->head, complete, text, &head);

    conn_expire_at(h->conn, mono_add_ms(mono_now(), H2_IDLE_MS));
    if (err < 0) {
        http_problem(&r, -err, "", "The request is not well-formed or is too large.");
        return;
    }
    if (h->held >= H2_HELD_MAX) {
        http_problem(&r, 503, "", "Take the answers before first: they fill the memory there is.");
        return;
    }
    r.head = &head;
    http_dispatch(&r);
}

static void on_headers(struct h2_session *h, const nghttp2_frame *frame)
{
    struct h2_block *b = h->block;

    if (b == NULL || b->stream->id != frame->hd.stream_id)
        return;
    h->block = NULL;
    if (!b->stream->closed)
        on_request(h, b, frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    free(b);
}

static void on_end_of_request(nghttp2_session *ng, int32_t id)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);

    if (s != NULL && !s->closed && s->door != NULL && s->door->complete != NULL)
        s->door->complete(s);
}

int h2_on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct h2_session *h = user;
    uint8_t type = frame->hd.type;

    if (type == NGHTTP2_HEADERS)
        on_headers(h, frame);
    if ((type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        on_end_of_request(ng, frame->hd.stream_id);
    return 0;
}

int h2_on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
               void *user)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);

    (void)flags, (void)user;
    if (s != NULL && !s->closed && s->door != NULL && s->door->bytes != NULL)
        s->door->bytes(s, bytes, len);
    return 0;
}
