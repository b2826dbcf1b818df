#include "gateway/doors/h2_session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/hub/hub.h"

#include "common/banned.h"

#define NV_MAX 32 /* fields of an answer */

static void on_deadline(struct deadline *d, struct mono now);
static const struct reader_ops reader_ops;

struct h2_stream *h2_stream_new(struct h2_session *h, int32_t id)
{
    struct h2_stream *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->session = h;
    s->conn = h->conn;
    s->id = id;
    s->reader.ops = &reader_ops;
    hub_enter(&s->reader);
    list_init(&s->link);
    list_init(&s->blocked);
    deadline_init(&s->deadline, on_deadline);
    list_append(&h->streams, &s->link);
    h->n_streams++;
    return s;
}

static void release(struct h2_stream *s)
{
    s->session->held -= s->held;
    s->held = 0;
}

static void end_body(struct h2_stream *s)
{
    void (*done)(void *owner) = s->body_done;

    release(s);
    s->body = NULL;
    s->body_len = 0;
    s->body_done = NULL;
    if (done != NULL)
        done(s->body_owner);
}

void h2_stream_close(struct h2_stream *s)
{
    struct h2_session *h = s->session;

    if (h->block != NULL && h->block->stream == s) {
        free(h->block);
        h->block = NULL;
    }
    s->closed = true;
    deadline_clear(&s->deadline);
    list_remove(&s->blocked);
    list_move_to_end(&h->gone, &s->link);
    h->n_streams--;
    if (list_empty(&h->unflushed))
        list_append(&worker_of(h->conn)->unflushed, &h->unflushed);
}

static void drop_kept(struct h2_stream *s)
{
    struct h2_session *h = s->session;

    (void)net_keep_rests(h->conn->net, &h->kept, h->kept - s->kept_at - s->kept_len);
    free(s->kept);
    s->kept = NULL;
    s->kept_at = s->kept_len = 0;
}

static void stream_free(struct h2_stream *s)
{
    if (s->pending != NULL)
        http_forget(s->pending);
    hub_leave(worker_of(s->conn)->hub, &s->reader);
    if (s->door != NULL && s->door->end != NULL)
        s->door->end(s);
    end_body(s);
    list_remove(&s->link);
    drop_kept(s);
    grant_unref(s->grant);
    free(s->trailers);
    free(s);
}

void h2_bury(struct h2_session *h)
{
    while (!list_empty(&h->gone))
        stream_free(CONTAINER_OF(h->gone.next, struct h2_stream, link));
}

static void block(struct h2_stream *s)
{
    if (list_empty(&s->blocked))
        list_append(&s->session->blocked, &s->blocked);
}

/* There is something for this stream to send. */
static void pump_stream(struct h2_stream *s)
{
    if (s->closed)
        return;
    (void)nghttp2_session_resume_data(s->session->ng, s->id); /* it fails when it is not deferred */
    h2_pump(s->session);
}

static bool has_window(const struct h2_stream *s)
{
    nghttp2_session *ng = s->session->ng;

    return nghttp2_session_get_remote_window_size(ng) > 0 &&
           nghttp2_session_get_stream_remote_window_size(ng, s->id) > 0;
}

void h2_wake(struct h2_session *h)
{
    struct list turn;

    list_init(&turn);
    list_take_all(&turn, &h->blocked);
    while (!list_empty(&turn)) {
        struct h2_stream *s = CONTAINER_OF(turn.next, struct h2_stream, blocked);
        list_remove(&s->blocked);
        if (h->conn->closed || h2_is_full(h) || s->kept_len > 0 || !has_window(s))
            block(s);
        else
            hub_writable(worker_of(h->conn)->hub, &s->reader);
    }
}

/* ---- bodies, as nghttp2 asks for them ---- */

/* Turn field lines into pairs, in place. Returns how many. */
static size_t parse_fields(char *fields, nghttp2_nv nv[NV_MAX])
{
    size_t n = 0;

    for (char *line = fields, *end; n < NV_MAX && (end = strstr(line, "\r\n")) != NULL;
         line = end + 2) {
        size_t name_len = strcspn(line, ":");
        char *value = line + name_len + 1 + strspn(line + name_len + 1, " ");
        for (size_t i = 0; i < name_len; i++)
            line[i] = (char)tolower((unsigned char)line[i]);
        nv[n++] =
            (nghttp2_nv){(uint8_t *)line, (uint8_t *)value, name_len, (size_t)(end - value), 0};
    }
    return n;
}

/* The body has been read to its end. */
static ssize_t end_data(struct h2_stream *s, uint32_t *flags)
{
    nghttp2_nv nv[NV_MAX];

    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (s->trailers != NULL) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(s->session->ng, s->id, nv, parse_fields(s->trailers, nv)) < 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
}

static ssize_t read_body(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t cap, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;
    size_t n = s->kept_len > 0 ? s->kept_len : s->offer_len > 0 ? s->offer_len : s->body_len;

    (void)ng, (void)id, (void)buf;
    if (n == 0)
        return s->ending ? end_data(s, flags) : NGHTTP2_ERR_DEFERRED;
    if (h2_is_full(user))
        return NGHTTP2_ERR_PAUSE;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n > cap)
        return (ssize_t)cap;
    if (s->ending && s->trailers == NULL && n == s->kept_len + s->offer_len + s->body_len)
        *flags |= NGHTTP2_DATA_FLAG_EOF; /* no empty frame behind it */
    return (ssize_t)n;
}

static void send_kept(struct h2_stream *s, size_t len)
{
    h2_gather(s->session, s->kept + s->kept_at, len);
    s->kept_at += (uint32_t)len;
    s->kept_len -= (uint32_t)len;
    if (s->kept_len == 0)
        drop_kept(s);
}

int h2_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t len,
                 nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;
    struct h2_session *h = user;

    (void)ng, (void)frame;
    h2_gather(h, head, 9);
    h->news = true;
    if (s->kept_len > 0) {
        send_kept(s, len);
    } else if (s->offer_len > 0) {
        h2_gather(h, s->offer, len);
        s->offer += len;
        s->offer_len -= len;
    } else {
        h2_gather(h, s->body, len);
        s->body += len;
        s->body_len -= len;
    }
    return 0;
}

/* ---- what doors do with a stream ---- */

static void submit(struct h2_stream *s, int status, char *fields, bool has_body)
{
    nghttp2_data_provider provider = {.source.ptr = s, .read_callback = read_body};
    nghttp2_nv nv[NV_MAX + 1];
    char text[12];
    size_t n;

    snprintf(text, sizeof(text), "%d", status);
    nv[0] = (nghttp2_nv){(uint8_t *)":status", (uint8_t *)text, 7, strlen(text), 0};
    n = 1 + parse_fields(fields, nv + 1);
    if (nghttp2_submit_response(s->session->ng, s->id, nv, n, has_body ? &provider : NULL) < 0)
        h2_reset(s, NGHTTP2_INTERNAL_ERROR);
    s->head_sent = true;
}

void h2_answer(struct h2_stream *s, int status, char *fields, const struct http_answer *body)
{
    bool has_body = body != NULL && body->len > 0;

    if (s->closed || s->head_sent)
        has_body = false;
    if (has_body) {
        if (body->done != NULL) /* else it is nobody's, such as a file */
            (void)h2_hold(s, body->len);
        s->body = body->body;
        s->body_len = body->len;
        s->body_done = body->done;
        s->body_owner = body->owner;
    } else if (body != NULL && body->done != NULL) {
        body->done(body->owner);
    }
    if (s->closed || s->head_sent)
        return;
    s->ending = true;
    submit(s, status, fields, has_body);
    h2_pump(s->session);
}

bool h2_hold(struct h2_stream *s, size_t len)
{
    release(s);
    s->held = len;
    s->session->held += len;
    return s->session->held <= H2_HELD_MAX;
}

void h2_take_over(struct h2_stream *s, const struct h2_door *door, void *state)
{
    s->door = door;
    s->state = state;
}

void h2_open_answer(struct h2_stream *s, int status, char *fields)
{
    if (s->closed || s->head_sent)
        return;
    submit(s, status, fields, true);
    h2_pump(s->session);
}

/* Behind what is kept already. Resets the stream when that would be too much. */
static void keep(struct h2_stream *s, const uint8_t *bytes, size_t len)
{
    struct h2_session *h = s->session;
    uint8_t *all = malloc(s->kept_len + len);

    if (all == NULL) {
        conn_close(s->conn);
        return;
    }
    if (!net_keep_rests(h->conn->net, &h->kept, h->kept - s->kept_at + len)) {
        free(all);
        h2_reset(s, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    if (s->kept_len > 0)
        memcpy(all, s->kept + s->kept_at, s->kept_len);
    memcpy(all + s->kept_len, bytes, len);
    free(s->kept);
    s->kept = all;
    s->kept_at = 0;
    s->kept_len += (uint32_t)len;
}

void h2_send(struct h2_stream *s, const void *bytes, size_t len)
{
    if (s->closed || s->ending || len == 0)
        return;
    keep(s, bytes, len);
    pump_stream(s);
}

void h2_end(struct h2_stream *s, const char *trailers)
{
    if (s->closed || s->ending)
        return;
    hub_leave(worker_of(s->conn)->hub, &s->reader);
    list_remove(&s->blocked);
    s->trailers = trailers != NULL ? strdup(trailers) : NULL;
    s->ending = true;
    pump_stream(s);
}

void h2_reset(struct h2_stream *s, uint32_t code)
{
    if (s->closed)
        return;
    (void)nghttp2_submit_rst_stream(s->session->ng, 0, s->id, code);
    h2_pump(s->session);
}

void h2_expire_at(struct h2_stream *s, struct mono at)
{
    if (!s->closed)
        deadline_set(&worker_of(s->conn)->loop, &s->deadline, at);
}

static void on_deadline(struct deadline *d, struct mono now)
{
    struct h2_stream *s = CONTAINER_OF(d, struct h2_stream, deadline);

    if (s->conn->closed)
        return;
    if (s->pending != NULL)
        http_give_up(s->pending);
    else if (s->door != NULL && s->door->expired != NULL && !s->ending)
        s->door->expired(s, now);
    else
        h2_reset(s, NGHTTP2_CANCEL);
}

/* ---- the reader's side of the hub ---- */

static size_t reader_write(struct reader *r, const uint8_t *bytes, size_t len)
{
    struct h2_stream *s = CONTAINER_OF(r, struct h2_stream, reader);
    struct h2_session *h = s->session;
    size_t left;

    if (s->closed || s->ending || h->conn->closed || h->conn->finishing)
        return len;
    if (h->inside || s->kept_len > 0 || h2_is_full(h)) {
        block(s);
        return 0;
    }
    s->wrote = true;
    s->offer = bytes;
    s->offer_len = len;
    pump_stream(s);
    left = s->offer_len;
    s->offer = NULL;
    s->offer_len = 0;
    if (h->conn->closed)
        return len;
    if (left > 0)
        block(s);
    return len - left;
}

/* The rest of a frame that was taken in part. */
static void reader_stash(struct reader *r, const uint8_t *bytes, size_t len)
{
    keep(CONTAINER_OF(r, struct h2_stream, reader), bytes, len);
}

static const struct reader_ops reader_ops = {reader_write, reader_stash, NULL};
