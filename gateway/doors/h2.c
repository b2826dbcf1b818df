/*
 * Design notes
 *
 * nghttp2 parses what comes in and decides whose frame goes out next and how large it may be; the
 * bytes themselves pass it by: a DATA frame's nine bytes and its payload go straight from the
 * answer, or from the hub's log, to `out`, where the frames of one turn gather.
 *
 *     hub ---offer--> read_body()  how much may go?          nghttp2's windows, out's room
 *                     send_frame() that much, to out         h2_flush(): conn_write(out)
 *
 * The hub wants to know at once how much was taken, so reader_write() runs nghttp2 for one offer.
 * That must not happen inside a callback of nghttp2; there nothing is taken, and the stream waits
 * in `blocked` until the callbacks are over. Nor may a reader leave the hub while the hub goes
 * through its readers: a stream that nghttp2 closes waits in `gone` for bury().
 */
#include "gateway/doors/h2.h"

#include <ctype.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/codec/h2_head.h"
#include "gateway/hub/hub.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define OUT_MAX 65536 /* what gathers; past that it is written at once, or nothing more taken */
#define IDLE_MS 60000 /* without a stream */
#define NV_MAX 32     /* fields of an answer */
#define CONTINUATIONS_MAX 8
#define PURSE 400 /* what a connection may cost at once without bringing anything */
#define PURSE_PER_S 50

/* The head of a request while it comes in: heads do not interleave, so one for each connection. */
struct block {
    struct h2_stream *stream;
    unsigned continuations;
    struct h2_head head;
};

struct h2_session {
    struct conn *conn;
    nghttp2_session *ng;
    struct list unflushed; /* worker.unflushed while `out` holds something or `gone` somebody */
    struct list streams, gone, blocked;
    size_t n_streams;
    size_t held; /* see h2_hold() */
    struct block *block;
    uint8_t *out;
    size_t out_at, out_len, out_cap;
    bool inside;  /* nghttp2 */
    bool waiting; /* the socket is full */
    bool news;    /* since the peer's last ping */
    bool leaving; /* has said that no new streams are taken */
    bool had_settings;
    int64_t purse;
    struct mono purse_at;
};

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

/* No room: the connection's socket is full. */
static bool is_full(struct h2_session *h)
{
    if (h->out_len >= OUT_MAX)
        flush(h);
    return h->waiting || h->out_len >= OUT_MAX || conn_has_output(h->conn);
}

static void gather(struct h2_session *h, const void *bytes, size_t len)
{
    struct worker *w = worker_of(h->conn);

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

/* ---- streams ---- */

static void on_deadline(struct deadline *d, struct mono now);
static const struct reader_ops reader_ops;

static struct h2_stream *stream_new(struct h2_session *h, int32_t id)
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

/* nghttp2 knows the stream no more. */
static void stream_close(struct h2_stream *s)
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

static void stream_free(struct h2_stream *s)
{
    if (s->pending != NULL)
        http_forget(s->pending);
    hub_leave(worker_of(s->conn)->hub, &s->reader);
    if (s->door != NULL && s->door->end != NULL)
        s->door->end(s);
    end_body(s);
    list_remove(&s->link);
    grant_unref(s->grant);
    free(s->kept);
    free(s->trailers);
    free(s);
}

static void bury(struct h2_session *h)
{
    while (!list_empty(&h->gone))
        stream_free(CONTAINER_OF(h->gone.next, struct h2_stream, link));
}

static void block(struct h2_stream *s)
{
    if (list_empty(&s->blocked))
        list_append(&s->session->blocked, &s->blocked);
}

/* Let nghttp2 send what it may. */
static void pump(struct h2_session *h)
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

/* There is something for this stream to send. */
static void pump_stream(struct h2_stream *s)
{
    if (s->closed)
        return;
    (void)nghttp2_session_resume_data(s->session->ng, s->id); /* it fails when it is not deferred */
    pump(s->session);
}

static bool has_window(const struct h2_stream *s)
{
    nghttp2_session *ng = s->session->ng;

    return nghttp2_session_get_remote_window_size(ng) > 0 &&
           nghttp2_session_get_stream_remote_window_size(ng, s->id) > 0;
}

/* The streams that could not write may try again, the longest waiting first. */
static void wake(struct h2_session *h)
{
    struct list turn;

    list_init(&turn);
    list_take_all(&turn, &h->blocked);
    while (!list_empty(&turn)) {
        struct h2_stream *s = CONTAINER_OF(turn.next, struct h2_stream, blocked);
        list_remove(&s->blocked);
        if (h->conn->closed || is_full(h) || s->kept_len > 0 || !has_window(s))
            block(s);
        else
            hub_writable(worker_of(h->conn)->hub, &s->reader);
    }
}

/* ---- nghttp2's callbacks: out ---- */

static ssize_t send_bytes(nghttp2_session *ng, const uint8_t *bytes, size_t len, int flags,
                          void *user)
{
    struct h2_session *h = user;

    (void)ng, (void)flags;
    if (is_full(h))
        return NGHTTP2_ERR_WOULDBLOCK;
    gather(h, bytes, len);
    return (ssize_t)len;
}

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
    if (is_full(user))
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
    gather(s->session, s->kept + s->kept_at, len);
    s->kept_at += (uint32_t)len;
    s->kept_len -= (uint32_t)len;
    if (s->kept_len == 0) {
        free(s->kept);
        s->kept = NULL;
        s->kept_at = 0;
    }
}

static int send_frame(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t len,
                      nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;
    struct h2_session *h = user;

    (void)ng, (void)frame;
    gather(h, head, 9);
    h->news = true;
    if (s->kept_len > 0) {
        send_kept(s, len);
    } else if (s->offer_len > 0) {
        gather(h, s->offer, len);
        s->offer += len;
        s->offer_len -= len;
    } else {
        gather(h, s->body, len);
        s->body += len;
        s->body_len -= len;
    }
    return 0;
}

/* ---- nghttp2's callbacks: in ---- */

/* Pay for something that costs work and brings nothing. Returns 0, or what ends the session. */
static int pay(struct h2_session *h)
{
    struct mono now = worker_of(h->conn)->now;
    int64_t due = (now.ns - h->purse_at.ns) * PURSE_PER_S / 1000000000;

    if (due > 0) {
        h->purse = h->purse + due > PURSE ? PURSE : h->purse + due;
        h->purse_at = now;
    }
    return h->purse-- > 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user)
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
        return hd->length > 0 || (hd->flags & NGHTTP2_FLAG_END_STREAM) ? 0 : pay(h);
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
    return free_of_charge ? 0 : pay(h);
}

/* A head is to be whole before long, however slowly its bytes drip. */
static void expect_head(struct h2_session *h)
{
    struct conn *c = h->conn;
    struct mono by = mono_add_ms(mono_now(), c->net->limits.handshake_ms);

    conn_expire_at(c, mono_earlier(by, c->deadline.at));
}

static int begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct h2_session *h = user;
    struct h2_stream *s;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    s = stream_new(h, frame->hd.stream_id);
    free(h->block);
    h->block = malloc(sizeof(*h->block));
    if (s == NULL || h->block == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    *h->block = (struct block){.stream = s};
    expect_head(h);
    return nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, s);
}

/* NOLINTNEXTLINE(readability-function-size): nghttp2's parameters */
static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct h2_session *h = user;
    struct block *b = h->block;

    (void)ng, (void)flags;
    if (b == NULL || b->stream->id != frame->hd.stream_id) /* trailers of a request */
        return 0;
    h2_head_add(&b->head, (struct slice){(const char *)name, name_len},
                (struct slice){(const char *)value, value_len});
    return 0;
}

/* The head is whole. */
static void on_request(struct h2_session *h, struct block *b, bool complete)
{
    struct http_request r = {.conn = h->conn, .stream = b->stream};
    char text[H2_HEAD_TEXT];
    struct http_head head;
    int err = h2_head_parse(&b->head, complete, text, &head);

    conn_expire_at(h->conn, mono_add_ms(mono_now(), IDLE_MS));
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
    struct block *b = h->block;

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

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
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

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
                   void *user)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);

    (void)flags, (void)user;
    if (s != NULL && !s->closed && s->door != NULL && s->door->bytes != NULL)
        s->door->bytes(s, bytes, len);
    return 0;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);

    (void)error, (void)user;
    if (s != NULL)
        stream_close(s);
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
               ? pay(user)
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
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_frame);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    if (nghttp2_option_new(&options) == 0)
        nghttp2_option_set_no_closed_streams(options, 1);
}

static void session_free(struct h2_session *h)
{
    while (!list_empty(&h->streams))
        stream_close(CONTAINER_OF(h->streams.next, struct h2_stream, link));
    bury(h);
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
    h->purse = PURSE;
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
    pump(h);
    bury(h);
    wake(h);
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
    pump(h);
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
        conn_expire_at(c, mono_add_ms(now, IDLE_MS));
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
        bury(h);
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
    pump(s->session);
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
    pump(s->session);
}

/* Behind what is kept already. */
static void keep(struct h2_stream *s, const uint8_t *bytes, size_t len)
{
    uint8_t *all = malloc(s->kept_len + len);

    if (all == NULL) {
        conn_close(s->conn);
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
    pump(s->session);
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
    if (h->inside || s->kept_len > 0 || is_full(h)) {
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
