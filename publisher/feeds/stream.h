/*
 * stream -- a WebSocket that comes back by itself: the first try again at once, then after 1 s, 2
 * s, 4 s … up to a minute, with jitter. Only a connection that has lived for a minute counts as
 * proved and starts that anew, so a server that takes us and drops us is never stormed. Too many
 * requests (429), and three connections in a row that lived for a moment, are waited for in steps
 * of at least half a minute: the service may still hold an older connection of ours, or another's.
 *
 * Belongs to the thread of its net; nothing blocks.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_STREAM_H
#define TAPECAST_PUBLISHER_FEEDS_STREAM_H

#include <stdbool.h>

#include "common/backoff.h"
#include "publisher/net/websocket.h"

struct stream_events {
    void (*up)(void *ctx);
    void (*message)(void *ctx, const char *text, size_t len);
    /* Not up, or not any more. Returns for how many ms at least it is not to be tried again. */
    int64_t (*down)(void *ctx, const struct websocket_end *end);
};

struct stream { /* members are the stream's own */
    struct net *net;
    struct websocket_config config;
    const struct stream_events *events;
    void *ctx;
    struct websocket *socket; /* NULL between two tries */
    bool up, ended;
    unsigned garbage, brief; /* messages, and connections that lived for a moment, in a row */
    struct backoff backoff;
    struct mono now, up_since, retry_at;
};

/* `url`, `headers`, and `events` stay the owner's. Connects at the first stream_run(). */
void stream_init(struct stream *s, struct net *n, const char *url, const char *const *headers,
                 const struct stream_events *events, void *ctx);
void stream_release(struct stream *s); /* says goodbye; also of one all zero */

/* All that can be done now; runs the callbacks, which may send and stream_restart(). */
void stream_run(struct stream *s, struct mono now);
struct mono stream_deadline(const struct stream *s);

MUST_CHECK int stream_send(struct stream *s, const char *text, size_t len);

/* A message that is none of the service's, or one that is: a third of the first kind in a row ends
 * this connection. */
void stream_garbage(struct stream *s);
void stream_sense(struct stream *s);

/* The upgrade was refused for a reason that trying again does not change: an HTTP status of 4xx,
 * but for those that speak of time. */
bool stream_is_denied(const struct websocket_end *end);

/* Give this connection up, for `why`; down() follows in the next stream_run(). */
void stream_restart(struct stream *s, const char *why);

#endif
