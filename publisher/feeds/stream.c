#include "publisher/feeds/stream.h"

#include <stdio.h>

#include "common/banned.h"

#define FIRST_MS 1000
#define LONGEST_MS 60000
#define PROVED_MS 60000
#define GARBAGE_MAX 3
#define BRIEF_MS 3000
#define BRIEF_MAX 3
#define REST_MS 30000
#define REST_MAX_MS 300000 /* however long the service wants us to wait */
#define MESSAGE_MAX ((size_t)4 << 20)

static void on_open(void *ctx)
{
    struct stream *s = ctx;

    s->up = true;
    s->up_since = s->now;
    s->garbage = 0;
    s->events->up(s->ctx);
}

static void on_message(void *ctx, const char *text, size_t len)
{
    struct stream *s = ctx;

    if (!s->ended)
        s->events->message(s->ctx, text, len);
}

static bool lived_ms(const struct stream *s, int64_t ms)
{
    return s->up && !mono_before(s->now, mono_add_ms(s->up_since, ms));
}

/* For how many ms at least it is not to be tried again, whoever our owner is. */
static int64_t rest_ms(const struct stream *s, const struct websocket_end *end)
{
    int64_t told_ms = end->retry_after_s * 1000, ms = 0;

    if (end->http_status == 429 || s->brief >= BRIEF_MAX)
        ms = REST_MS;
    if (told_ms > REST_MAX_MS)
        told_ms = REST_MAX_MS;
    return told_ms > ms ? told_ms : ms;
}

static void on_end(void *ctx, const struct websocket_end *end)
{
    struct stream *s = ctx;
    int64_t at_least_ms, owner_ms, wait_ms;

    if (s->ended) /* given up already, in this very run */
        return;
    if (lived_ms(s, PROVED_MS))
        backoff_reset(&s->backoff);
    if (s->up)
        s->brief = lived_ms(s, BRIEF_MS) ? 0 : s->brief + 1;
    at_least_ms = rest_ms(s, end);
    owner_ms = s->events->down(s->ctx, end);
    if (owner_ms > at_least_ms)
        at_least_ms = owner_ms;
    wait_ms = backoff_next_ms(&s->backoff);
    if (wait_ms < at_least_ms)
        wait_ms = at_least_ms + (int64_t)rng_below(&s->backoff.rng, (uint64_t)at_least_ms / 4 + 1);
    s->retry_at = mono_add_ms(s->now, wait_ms);
    s->up = false;
    s->ended = true;
}

static const struct websocket_events socket_events = {
    .open = on_open,
    .message = on_message,
    .end = on_end,
};

void stream_init(struct stream *s, struct net *n, const char *url, const char *const *headers,
                 const struct stream_events *events, void *ctx)
{
    *s = (struct stream){.net = n, .events = events, .ctx = ctx};
    s->config = (struct websocket_config){.url = url,
                                          .headers = headers,
                                          .max_message = MESSAGE_MAX,
                                          .events = &socket_events,
                                          .ctx = s};
    backoff_init(&s->backoff, FIRST_MS, LONGEST_MS);
}

void stream_release(struct stream *s)
{
    websocket_free(s->socket);
    s->socket = NULL;
}

static void connect_again(struct stream *s)
{
    static const struct websocket_end nothing = {.why = "no connection can be made"};

    s->ended = false;
    if (websocket_new(s->net, &s->config, &s->socket) < 0)
        on_end(s, &nothing);
}

void stream_run(struct stream *s, struct mono now)
{
    s->now = now;
    if (s->socket == NULL && !mono_before(now, s->retry_at))
        connect_again(s);
    if (s->socket != NULL && !s->ended)
        websocket_run(s->socket, now);
    if (s->ended) {
        websocket_free(s->socket);
        s->socket = NULL;
    }
}

struct mono stream_deadline(const struct stream *s)
{
    return s->socket == NULL || s->ended ? s->retry_at : MONO_NEVER;
}

int stream_send(struct stream *s, const char *text, size_t len)
{
    return websocket_send(s->socket, text, len);
}

void stream_restart(struct stream *s, const char *why)
{
    struct websocket_end end = {0};

    if (s->ended || s->socket == NULL)
        return;
    snprintf(end.why, sizeof(end.why), "%s", why);
    on_end(s, &end);
}

void stream_garbage(struct stream *s)
{
    if (++s->garbage >= GARBAGE_MAX)
        stream_restart(s, "messages that are none of the service's");
}

void stream_sense(struct stream *s)
{
    s->garbage = 0;
}

bool stream_is_denied(const struct websocket_end *end)
{
    long status = end->http_status;

    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}
