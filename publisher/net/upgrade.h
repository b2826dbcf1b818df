/*
 * upgrade -- how a WebSocket begins (RFC 6455, section 4.1): the HTTP request for it, and what the
 * server's answer says. Bytes in, bytes out: no I/O, no thread, nothing blocks.
 *
 * The request may hold a key, in the query of its URL: it is wiped as soon as it is sent. The URL
 * to connect to has none of it.
 *
 *     upgrade_to_send(), upgrade_sent()       until all of the request is out
 *     upgrade_space(), upgrade_received()     until the head of the answer is whole
 *     upgrade_rest()                          what came behind it, frames already
 */
#ifndef TAPECAST_PUBLISHER_NET_UPGRADE_H
#define TAPECAST_PUBLISHER_NET_UPGRADE_H

#include <stddef.h>

#include "common/macros.h"
#include "publisher/net/websocket.h"

#define UPGRADE_HEAD_MAX 8192
#define UPGRADE_ACCEPT_MAX 29

/* Its members are for upgrade.c alone. */
struct upgrade {
    char *request; /* NULL once it is sent */
    size_t request_len, sent;
    char accept[UPGRADE_ACCEPT_MAX]; /* what the server has to answer */
    char head[UPGRADE_HEAD_MAX + 1];
    size_t received, taken; /* bytes of `head`, and what follows it; those that are read */
};

/* Make the request for `url`, with `headers` ("Name: value"; NULL ends them; or NULL). Returns 0
 * and sets *ret_origin, the http(s) URL that names the server alone, freed with curl_free();
 * -EINVAL no such URL; -ENOMEM; -EIO no randomness or no SHA-1 is to be had. Then there is nothing
 * to release. */
MUST_CHECK int upgrade_init(struct upgrade *u, const char *url, const char *const *headers,
                            char **ret_origin);
void upgrade_release(struct upgrade *u); /* also of one all zero */

/* What is left of the request: `*ret` is valid until upgrade_sent(). Returns its length; 0 when all
 * of it is sent. */
size_t upgrade_to_send(const struct upgrade *u, const char **ret);
void upgrade_sent(struct upgrade *u, size_t n); /* so many of them */

/* Where the bytes of the answer are to be put; *ret_room (at least 1) of them at most. */
char *upgrade_space(struct upgrade *u, size_t *ret_room);

/* So many have been put there. Returns 0 when the server has agreed; -EAGAIN while the head is not
 * whole; -EPROTO when there is no WebSocket, and sets what *ret_end is to say about it: why, and of
 * an HTTP server that refuses its status and for how long. */
MUST_CHECK int upgrade_received(struct upgrade *u, size_t n, struct websocket_end *ret_end);

/* Take up to `len` of the bytes behind the head of an answer that agreed. Returns how many; 0 when
 * there are no more. */
size_t upgrade_rest(struct upgrade *u, void *buf, size_t len);

#endif
