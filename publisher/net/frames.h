/*
 * frames -- an open WebSocket's bytes as text messages, and back (RFC 6455, the client's side); by
 * wslay, included in frames.c alone. The bytes are moved by functions of the owner's.
 *
 * Messages come whole, however they were cut; pings are answered. One longer than `max_message`,
 * ill-formed UTF-8 or a broken frame end it all with the close code that says so. There are no
 * extensions, so nothing is compressed.
 *
 * Messages that wait for the connection, answers to pings among them, are at most 1024: then no
 * more are taken, and a server that makes us answer beyond that is left.
 *
 * For one thread; blocks as little as the owner's functions.
 */
#ifndef TAPECAST_PUBLISHER_NET_FRAMES_H
#define TAPECAST_PUBLISHER_NET_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/macros.h"
#include "publisher/net/websocket.h"

struct frames;

/* They come from frames_move(), the second from frames_say_goodbye() too. They may queue, but not
 * free. */
struct frames_owner {
    /* Move up to `len` bytes: return how many, at least 1; -EAGAIN none now; -EPIPE none any more.
     */
    ssize_t (*receive)(void *ctx, uint8_t *buf, size_t len);
    ssize_t (*send)(void *ctx, const uint8_t *bytes, size_t len);
    void (*message)(void *ctx, const char *text, size_t len); /* not NUL-terminated */
};

/* Returns 0 and sets *ret, freed with frames_free(); -ENOMEM. `owner`, its members all set, and
 * `ctx` outlive it. */
MUST_CHECK int frames_new(const struct frames_owner *owner, void *ctx, size_t max_message,
                          struct frames **ret);
void frames_free(struct frames *f); /* NULL is allowed */

/* Let a text, or a ping, wait for the next frames_move(). Returns 0; -ENOBUFS too much waits
 * already (no ping is refused for that); -ENOMEM. */
MUST_CHECK int frames_queue(struct frames *f, const char *text, size_t len);
MUST_CHECK int frames_queue_ping(struct frames *f);

/* Take what has come, then send what waits, until neither goes on. Returns 0; -EPIPE when it has
 * ended, and sets what *ret_end is to say about it: why, and the code of the server's close frame.
 */
MUST_CHECK int frames_move(struct frames *f, struct websocket_end *ret_end);

/* Send a close frame as far as it goes at once, unless the connection is gone. */
void frames_say_goodbye(struct frames *f);

#endif
