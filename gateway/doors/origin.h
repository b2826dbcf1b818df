/*
 * origin -- which pages may read here: the one place where the field Origin is judged and answered.
 *
 * A page may read when it is the gateway's own (same host) or its origin is one of --origins; those
 * of --cors-origins may read /api besides. A client without an origin is no page of another site
 * and may.
 */
#ifndef TAPECAST_GATEWAY_DOORS_ORIGIN_H
#define TAPECAST_GATEWAY_DOORS_ORIGIN_H

#include <stdbool.h>

#include "gateway/doors/http.h"

struct shared;

#define ORIGIN_REFUSED "Pages of another site may not read here; allow it with --origins."

bool origin_listed(const char *list, struct slice origin); /* NULL is an empty list */
bool origin_allowed(const struct shared *s, const struct http_head *h, struct slice origin);

/* Is "host:port" an address or localhost, which no foreign name server can answer for? */
bool host_is_address(struct slice host);

/* The header lines with which pages of other sites may read the answer. NUL-terminated; always one
 * that says it depends on the origin. */
#define ORIGIN_FIELDS_MAX 320
void origin_fields(const struct http_request *r, char buf[ORIGIN_FIELDS_MAX]);

/* A browser asks before it sends a page's request with a field such as Authorization (OPTIONS, the
 * Fetch standard's CORS preflight). Returns whether it was one, and is answered. */
MUST_CHECK bool origin_preflight(const struct http_request *r);

#endif
