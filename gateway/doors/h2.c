#include "gateway/doors/h2.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/doors/h2_session.h"

#include "common/banned.h"

#define OUT_MAX 65536 /* what gathers; past that it is written at once, or nothing more taken */

/* ---- bytes out ---- */

/* Hand to the connection what it takes. */
static void flush(struct h2_session *h)
{
    size_t n;

    if (h->out_len > 0 && !h->waiting) {
        n = conn_write(h->conn, h->out + h->out_at, h->out_len);
        h->out_at += n;
        h->out_len -= n;
        h->waiting = h->out_len > 0;
    }
    if (h->out_len == 0) {
        free(h->out);
        h->out = NULL;
        h->out_at = h->out_cap = 0;
    }
}

bool h2_is_full(struct h2_session *h)
{
    if (h->out_len >= OUT_MAX)
        flush(h);
    return h->waiting || h->out_len >= OUT_MAX || conn_has_output(h->conn);
}

void h2_gather(struct h2_session *h, const void *bytes, size_t len)
{
    struct worker *w = worker_of(h->conn);

    if (len == 0)
        return;
    if (h->out_at > 0 && h->out_len > 0)
        memmove(h->out, h->out + h->out_at, h->out_len);
    h->out_at = 0;
    if (h->out_len + len > h->out_cap) {
        size_t cap = h->out_len + len > 2 * h->out_cap ? h->out_len + len : 2 * h->out_cap;
        uint8_t *bigger = realloc(h->out, cap);
        if (bigger == NULL) {
            conn_close(h->conn);
            return;
        }
        h->out = bigger;
        h->out_cap = cap;
    }
    memcpy(h->out + h->out_len, bytes, len);
    h->out_len += len;
    if (list_empty(&h->unflushed))
        list_append(&w->unflushed, &h->unflushed);
}

void h2_pump(struct h2_session *h)
{
    int r;

    if (h->inside || h->conn->closed || h->conn->finishing)
        return;
    h->inside = true;
    r = nghttp2_session_send(h->ng);
    h->inside = false;
    if (r < 0)
        conn_close(h->conn);
}

/* ---- nghttp2's callbacks ---- */

static ssize_t send_bytes(nghttp2_session *ng, const uint8_t *bytes, size_t len, int flags,
                          void *user)
{
    struct h2_session *h = user;

    (void)ng, (void)flags;
    if (h2_is_full(h))
        return NGHTTP2_ERR_WOULDBLOCK;
    h2_gather(h, bytes, len);
    return (ssize_t)len;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);

    (void)error, (void)user;
    if (s != NULL)
        h2_stream_close(s);
    return 0;
}

/* A request whose answer is out but which goes on is cut; a reset that the peer has brought about
 * is paid for, as its own. */
static int on_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    uint8_t type = frame->hd.type;
    int32_t id = frame->hd.stream_id;

    if ((type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
        nghttp2_session_get_stream_remote_close(ng, id) == 0)
        (void)nghttp2_submit_rst_stream(ng, 0, id, NGHTTP2_NO_ERROR);
    return type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR
               ? h2_pay(user)
               : 0;
}

/* ---- the session ---- */

static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;

static void make_tables(void)
{
    if (nghttp2_session_callbacks_new(&callbacks) < 0)
        return;
    nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_send_data);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, h2_on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, h2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    if (nghttp2_option_new(&options) == 0)
        nghttp2_option_set_no_closed_streams(options, 1);
}

static void session_free(struct h2_session *h)
{
    while (!list_empty(&h->streams))
        h2_stream_close(CONTAINER_OF(h->streams.next, struct h2_stream, link));
    h2_bury(h);
    list_remove(&h->unflushed);
    nghttp2_session_del(h->ng);
    free(h->block);
    free(h->out);
    free(h);
}

int h2_preface(const uint8_t *bytes, size_t len)
{
    size_t n = len < NGHTTP2_CLIENT_MAGIC_LEN ? len : NGHTTP2_CLIENT_MAGIC_LEN;

    if (memcmp(bytes, NGHTTP2_CLIENT_MAGIC, n) != 0)
        return -1;
    return n == NGHTTP2_CLIENT_MAGIC_LEN;
}

static int start(struct h2_session *h)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_tables);
    if (callbacks == NULL || options == NULL ||
        nghttp2_session_server_new2(&h->ng, callbacks, h, options) < 0 ||
        nghttp2_submit_settings(h->ng, 0, settings, ARRAY_SIZE(settings)) < 0)
        return -ENOMEM;
    return 0;
}

int h2_begin(struct conn *c)
{
    struct h2_session *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return -ENOMEM;
    h->conn = c;
    h->purse = H2_PURSE;
    h->purse_at = worker_of(c)->now;
    list_init(&h->unflushed);
    list_init(&h->streams);
    list_init(&h->gone);
    list_init(&h->blocked);
    if (start(h) < 0) {
        session_free(h);
        return -ENOMEM;
    }
    conn_become(c, &h2_protocol, h);
    return 0;
}

/* All that is left to say is in `out`. */
static void say_nothing_more(struct h2_session *h)
{
    struct conn *c = h->conn;

    flush(h);
    if (h->out_len > 0)
        conn_send(c, h->out + h->out_at, h->out_len);
    h->out_len = 0;
    conn_finish(c);
}

/* After anything that may have changed what can go out. */
static void go_on(struct h2_session *h)
{
    h2_pump(h);
    h2_bury(h);
    h2_wake(h);
    if (h->conn->closed || h->conn->finishing)
        return;
    if ((!nghttp2_session_want_read(h->ng) && !nghttp2_session_want_write(h->ng)) ||
        (h->leaving && h->n_streams == 0 && !nghttp2_session_want_write(h->ng)))
        say_nothing_more(h);
}

/* The peer has overdone it. */
static void calm_down(struct h2_session *h)
{
    worker_of(h->conn)->stats.h2_floods++;
    (void)nghttp2_session_terminate_session(h->ng, NGHTTP2_ENHANCE_YOUR_CALM);
    h2_pump(h);
    say_nothing_more(h);
}

static size_t on_bytes(struct conn *c, uint8_t *bytes, size_t len)
{
    struct h2_session *h = c->state;
    ssize_t n;

    h->inside = true;
    n = nghttp2_session_mem_recv(h->ng, bytes, len);
    h->inside = false;
    if (n == NGHTTP2_ERR_CALLBACK_FAILURE || n == NGHTTP2_ERR_FLOODED) {
        calm_down(h);
    } else if (n < 0) {
        conn_close(c);
    } else {
        go_on(h);
    }
    return len;
}

static void on_drained(struct conn *c)
{
    struct h2_session *h = c->state;

    h->waiting = false;
    flush(h);
    if (!h->waiting)
        go_on(h);
}

static void on_expired(struct conn *c, struct mono now)
{
    struct h2_session *h = c->state;

    if (h->block != NULL || !h->had_settings) {
        conn_close(c);
    } else if (h->n_streams > 0) {
        conn_expire_at(c, mono_add_ms(now, H2_IDLE_MS));
    } else {
        (void)h2_say_goodbye(c);
    }
}

static void on_end(struct conn *c)
{
    session_free(c->state);
}

const struct protocol h2_protocol = {
    .name = "h2",
    .bytes = on_bytes,
    .drained = on_drained,
    .expired = on_expired,
    .end = on_end,
};

void h2_flush(struct worker *w)
{
    while (!list_empty(&w->unflushed)) {
        struct h2_session *h = CONTAINER_OF(w->unflushed.next, struct h2_session, unflushed);
        list_remove(&h->unflushed);
        if (!h->conn->closed && !h->conn->finishing)
            flush(h);
        h2_bury(h);
    }
}

const struct h2_stream *h2_next_stream(const struct conn *c, const struct h2_stream *after)
{
    const struct h2_session *h = c->state;
    const struct list *l = after != NULL ? after->link.next : h->streams.next;

    for (; l != &h->streams; l = l->next) {
        const struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);
        if (s->door != NULL)
            return s;
    }
    return NULL;
}

void h2_end_expired(struct conn *c, struct wall now)
{
    struct h2_session *h = c->state;

    h->inside = true; /* what is said waits: nobody closes while we go through them */
    for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
        struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);
        if (s->door != NULL && s->door->say_expired != NULL && !s->ending &&
            grant_has_ended(s->grant, now))
            s->door->say_expired(s);
    }
    h->inside = false;
    go_on(h);
}

bool h2_say_goodbye(struct conn *c)
{
    struct h2_session *h = c->state;

    if (h->leaving)
        return false;
    h->leaving = true;
    (void)nghttp2_submit_goaway(h->ng, 0, nghttp2_session_get_last_proc_stream_id(h->ng),
                                NGHTTP2_NO_ERROR, NULL, 0);
    h->inside = true; /* as above */
    for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
        struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);
        if (s->door != NULL && s->door->say_goodbye != NULL && !s->ending)
            s->door->say_goodbye(s);
    }
    h->inside = false;
    go_on(h);
    return true;
}
