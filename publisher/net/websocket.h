/*
 * websocket -- a WebSocket client (RFC 6455) for text messages: a connection of libcurl's, which is
 * upgraded (upgrade.h) and then carries frames (frames.h).
 *
 * After 20 s in which nothing came we ping, and 10 s later the connection is lost. Messages come
 * whole, however they were cut; frames.h says what is not taken.
 *
 * The URL may carry a key in its query: it is sent to the server, given to nobody else (libcurl is
 * told the host alone) and wiped once sent.
 *
 * Belongs to the thread of its net; nothing blocks.
 */
#ifndef TAPECAST_PUBLISHER_NET_WEBSOCKET_H
#define TAPECAST_PUBLISHER_NET_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "publisher/net/net.h"

#define WEBSOCKET_WHY_MAX 80

struct websocket_end {
    long http_status;            /* of an answer that refused the upgrade; else 0 */
    int64_t retry_after_s;       /* that it wants us to wait, at least; 0 when it does not say */
    uint16_t code;               /* of the server's close frame; else 0 */
    char why[WEBSOCKET_WHY_MAX]; /* for people; no secret */
};

/* They come from websocket_run() and may send, but not free. */
struct websocket_events {
    void (*open)(void *ctx);
    void (*message)(void *ctx, const char *text, size_t len); /* not NUL-terminated */
    void (*end)(void *ctx, const struct websocket_end *end);  /* once; nothing comes behind it */
};

struct websocket_config {
    const char *url;            /* ws:// or wss:// */
    const char *const *headers; /* with the upgrade ("Name: value"; NULL ends them); or NULL */
    size_t max_message;         /* bytes */
    const struct websocket_events *events; /* members are all set */
    void *ctx;
};

struct websocket;

/* Begin to connect; within 10 s open() or end() follows. Copies what it needs but events and ctx.
 * Returns 0 and sets *ret, freed with websocket_free(); -EINVAL not such a URL; -ENOMEM. */
MUST_CHECK int websocket_new(struct net *n, const struct websocket_config *config,
                             struct websocket **ret);

/* Says goodbye with a close frame, as far as it goes at once. NULL is allowed. */
void websocket_free(struct websocket *w);

/* Do what net_wait() has seen to be possible. */
void websocket_run(struct websocket *w, struct mono now);

/* Send `text` when it is open. Returns 0; -ENOTCONN; -ENOMEM; -ENOBUFS too much waits already. */
MUST_CHECK int websocket_send(struct websocket *w, const char *text, size_t len);

#endif
