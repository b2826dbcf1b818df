/*
 * libcurl connects (CURLOPT_CONNECT_ONLY: proxy, TLS, certificate) and then moves bytes. The
 * upgrade (upgrade.h) is ours, since this libcurl has no WebSocket of its own; then it is frames
 * (frames.h).
 *
 *     CONNECTING   libcurl's transfer is under way
 *     UPGRADING    our request goes out, the head of the answer comes in
 *     OPEN         frames
 *     ENDED        end() has been told
 */
#include "publisher/net/websocket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publisher/net/frames.h"
#include "publisher/net/internal.h"
#include "publisher/net/playback.h"
#include "publisher/net/record.h"
#include "publisher/net/upgrade.h"

#include "common/banned.h"

#define OPEN_MAX_MS 10000
#define SILENCE_MS 20000 /* then we ask */
#define PONG_MAX_MS 10000
#define READS_PER_RUN 64 /* then others have their turn */

enum stage { CONNECTING, UPGRADING, OPEN, ENDED };

struct websocket {
    struct net *net;
    struct transfer transfer;
    struct watch watch;
    enum stage stage;
    const struct websocket_events *events;
    void *ctx;
    struct mono now, heard;
    bool pinged; /* since something came last */
    int reads;   /* in this run */
    struct upgrade upgrade;
    struct frames *frames;
    struct websocket_end end;
};

/*
 * Opening and ending
 */

/* Tell the end, which w->end says. */
static void finish(struct websocket *w)
{
    if (w->stage == ENDED)
        return;
    w->stage = ENDED;
    list_remove(&w->watch.node);
    record_end(net_recorder(w->net), &w->end);
    w->events->end(w->ctx, &w->end);
}

static void fail(struct websocket *w, const char *why)
{
    snprintf(w->end.why, sizeof(w->end.why), "%s", why);
    finish(w);
}

static void look_at_connect(struct websocket *w)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (!w->transfer.done)
        return;
    w->transfer.done = false;
    if (w->transfer.result != CURLE_OK) {
        fail(w, transfer_describe(w->transfer.result));
        return;
    }
    curl_easy_getinfo(w->transfer.easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD) {
        fail(w, "the connection ended at once");
        return;
    }
    w->watch.fd = fd;
    net_watch(w->net, &w->watch);
    w->stage = UPGRADING;
}

/* Returns 0 when all of it is sent; -EAGAIN; -EPIPE. */
static int send_request(struct websocket *w)
{
    const char *bytes;
    size_t left;

    while ((left = upgrade_to_send(&w->upgrade, &bytes)) > 0) {
        size_t n = 0;
        CURLcode r = curl_easy_send(w->transfer.easy, bytes, left, &n);

        w->watch.wants_out = r == CURLE_AGAIN;
        if (r != CURLE_OK)
            return r == CURLE_AGAIN ? -EAGAIN : -EPIPE;
        upgrade_sent(&w->upgrade, n);
    }
    return 0;
}

/* Returns 0 when the server has agreed; -EAGAIN; -EPIPE; -EPROTO, and w->end is set. */
static int read_answer(struct websocket *w)
{
    int r;

    do {
        size_t room, n = 0;
        char *space = upgrade_space(&w->upgrade, &room);
        CURLcode got = curl_easy_recv(w->transfer.easy, space, room, &n);

        if (got == CURLE_AGAIN)
            return -EAGAIN;
        if (got != CURLE_OK || n == 0)
            return -EPIPE;
        r = upgrade_received(&w->upgrade, n, &w->end);
    } while (r == -EAGAIN);
    return r;
}

static void upgrade(struct websocket *w)
{
    int r = send_request(w);

    if (r == 0)
        r = read_answer(w);
    if (r == -EPIPE)
        fail(w, "the connection ended during the upgrade");
    if (r == -EPROTO)
        finish(w);
    if (r < 0)
        return;
    w->stage = OPEN;
    w->heard = w->now;
    record_open(net_recorder(w->net));
    w->events->open(w->ctx);
}

/*
 * The frames' side
 */

static ssize_t on_receive(void *ctx, uint8_t *buf, size_t len)
{
    struct websocket *w = ctx;
    size_t n = upgrade_rest(&w->upgrade, buf, len);
    CURLcode r;

    if (n > 0)
        return (ssize_t)n;
    w->watch.wants_run = w->reads++ >= READS_PER_RUN;
    if (w->watch.wants_run)
        return -EAGAIN;
    r = curl_easy_recv(w->transfer.easy, buf, len, &n);
    if (r == CURLE_AGAIN)
        return -EAGAIN;
    if (r != CURLE_OK || n == 0)
        return -EPIPE;
    w->heard = w->now;
    w->pinged = false;
    return (ssize_t)n;
}

static ssize_t on_send(void *ctx, const uint8_t *bytes, size_t len)
{
    struct websocket *w = ctx;
    size_t n = 0;
    CURLcode r = curl_easy_send(w->transfer.easy, bytes, len, &n);

    if (r == CURLE_OK)
        return (ssize_t)n;
    w->watch.wants_out = r == CURLE_AGAIN;
    return r == CURLE_AGAIN ? -EAGAIN : -EPIPE;
}

static void on_message(void *ctx, const char *text, size_t len)
{
    struct websocket *w = ctx;

    record_message(net_recorder(w->net), text, len);
    w->events->message(w->ctx, text, len);
}

static const struct frames_owner frames_owner = {
    .receive = on_receive,
    .send = on_send,
    .message = on_message,
};

static void move_frames(struct websocket *w)
{
    w->reads = 0;
    w->watch.wants_out = false;
    if (frames_move(w->frames, &w->end) < 0)
        finish(w);
}

static void keep_alive(struct websocket *w)
{
    w->watch.deadline = mono_add_ms(w->heard, w->pinged ? SILENCE_MS + PONG_MAX_MS : SILENCE_MS);
    if (mono_before(w->now, w->watch.deadline))
        return;
    if (w->pinged) {
        fail(w, "the server has fallen silent");
        return;
    }
    w->pinged = true;
    w->watch.deadline = mono_add_ms(w->heard, SILENCE_MS + PONG_MAX_MS);
    if (frames_queue_ping(w->frames) == 0)
        move_frames(w);
}

/*
 * Running
 */

/* What a record says in the server's place. */
static void play(struct websocket *w)
{
    struct playback *p = net_player(w->net);
    const char *text;

    while (w->stage != ENDED)
        switch (playback_take(p, w->stage == OPEN, &text, &w->end)) {
        case PLAYED_OPEN:
            w->stage = OPEN;
            w->events->open(w->ctx);
            break;
        case PLAYED_MESSAGE:
            w->events->message(w->ctx, text, strlen(text));
            break;
        case PLAYED_END:
            if (w->end.why[0] == '\0')
                fail(w, "lost");
            else
                finish(w);
            break;
        case PLAYED_NOTHING:
            return;
        }
}

void websocket_run(struct websocket *w, struct mono now)
{
    w->now = now;
    if (net_player(w->net) != NULL) {
        play(w);
        return;
    }
    if (w->stage == CONNECTING)
        look_at_connect(w);
    if (w->stage == UPGRADING)
        upgrade(w);
    if (w->stage == UPGRADING && !mono_before(now, w->watch.deadline))
        fail(w, "no answer within 10 s");
    if (w->stage == OPEN)
        move_frames(w);
    if (w->stage == OPEN)
        keep_alive(w);
}

int websocket_send(struct websocket *w, const char *text, size_t len)
{
    int r;

    if (w->stage != OPEN)
        return -ENOTCONN;
    if (net_player(w->net) != NULL)
        return 0;
    r = frames_queue(w->frames, text, len);
    if (r == 0)
        w->watch.wants_run = true; /* so that it leaves without waiting for the server */
    return r;
}

/*
 * Making and freeing
 */

static int connect_to(struct websocket *w, const char *origin)
{
    CURL *easy = w->transfer.easy;

    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1); /* else h2 is agreed on */
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);                 /* for ws: too */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)OPEN_MAX_MS);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (curl_easy_setopt(easy, CURLOPT_URL, origin) != CURLE_OK)
        return -ENOMEM;
    return transfer_start(&w->transfer, w->net);
}

int websocket_new(struct net *n, const struct websocket_config *config, struct websocket **ret)
{
    struct websocket *w = calloc(1, sizeof(*w));
    char *origin = NULL;
    int r;

    if (w == NULL)
        return -ENOMEM;
    w->net = n;
    w->events = config->events;
    w->ctx = config->ctx;
    w->watch.deadline = mono_add_ms(mono_now(), OPEN_MAX_MS);
    list_init(&w->watch.node);
    r = transfer_init(&w->transfer, n);
    if (r == 0)
        r = frames_new(&frames_owner, w, config->max_message, &w->frames);
    if (r == 0)
        r = upgrade_init(&w->upgrade, config->url, config->headers, &origin);
    if (r == 0 && net_player(n) == NULL)
        r = connect_to(w, origin);
    if (r < 0)
        goto out;
    *ret = w;
    w = NULL; /* handed over */
out:
    curl_free(origin);
    websocket_free(w);
    return r;
}

void websocket_free(struct websocket *w)
{
    if (w == NULL)
        return;
    if (w->stage == OPEN)
        frames_say_goodbye(w->frames);
    list_remove(&w->watch.node);
    transfer_release(&w->transfer, w->net);
    frames_free(w->frames);
    upgrade_release(&w->upgrade);
    free(w);
}
