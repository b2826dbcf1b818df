/*
 * http -- one GET after the other to a service, over a connection that is kept.
 *
 * Redirects are not followed, answers have a largest size and must come within 10 s. Belongs to the
 * thread of its net; nothing blocks.
 */
#ifndef TAPECAST_PUBLISHER_NET_HTTP_H
#define TAPECAST_PUBLISHER_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/backoff.h"
#include "publisher/net/net.h"

struct http;

struct http_answer {
    const char *fault; /* NULL, or why there is no answer; for people, without the URL */
    long status;
    const char *body; /* NUL-terminated, valid until the next http_get() */
    size_t len;
    int64_t retry_after_s; /* 0 when the service does not say */
    struct wall date;      /* its clock, to the second; 0 when it does not say */
};

/* `headers` go with each request ("Name: value"; NULL ends them) and are copied. Returns 0 and sets
 * *ret, freed with http_free(); -ENOMEM. */
MUST_CHECK int http_new(struct net *n, const char *const *headers, size_t max_body,
                        struct http **ret);
void http_free(struct http *h); /* NULL is allowed; gives up what is under way */

/* Ask, when nothing is under way. Returns 0; -ENOMEM. */
MUST_CHECK int http_get(struct http *h, const char *url);

/* Returns 0 and sets *ret; -EAGAIN while nothing has come. */
MUST_CHECK int http_take(struct http *h, struct http_answer *ret);

/* For how many ms nothing is to be asked after an answer of `too many requests`: what the service
 * told (at most five minutes), else what `limits` says; with jitter. */
#define HTTP_LIMIT_FIRST_MS 60000
#define HTTP_LIMIT_MAX_MS 300000
int64_t http_limit_ms(int64_t told_s, struct backoff *limits);

/* Does `url` begin with http:// or https:// (ws:// or wss://), and is it short enough? */
#define HTTP_BASE_MAX 512
bool http_is_base(const char *url);
bool websocket_is_base(const char *url);

#endif
