#include "gateway/doors/origin.h"

#include <stdio.h>
#include <string.h>

#include "gateway/worker.h"

#include "common/banned.h"

#define ORIGIN_MAX 256 /* bytes of an origin that is answered to */

/* The host of "https://host:port", without the port. */
static struct slice host_of(struct slice s)
{
    const char *scheme = memmem(s.at, s.len, "://", 3);
    size_t len;

    if (scheme != NULL)
        s = (struct slice){scheme + 3, s.len - (size_t)(scheme + 3 - s.at)};
    if (s.len > 0 && s.at[0] == '[') { /* an IPv6 address has colons of its own */
        const char *end = memchr(s.at, ']', s.len);
        return (struct slice){s.at, end != NULL ? (size_t)(end + 1 - s.at) : s.len};
    }
    for (len = 0; len < s.len && s.at[len] != ':' && s.at[len] != '/'; len++)
        ;
    return (struct slice){s.at, len};
}

static bool same_host(struct slice a, struct slice b)
{
    return a.len > 0 && a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

bool host_is_address(struct slice host)
{
    struct slice name = host_of(host);
    size_t n = 0;

    while (n < name.len && memchr("0123456789.", name.at[n], 11) != NULL)
        n++;
    return name.len > 0 &&
           (n == name.len || name.at[0] == '[' || slice_is_nocase(name, "localhost"));
}

bool origin_listed(const char *list, struct slice origin)
{
    struct slice rest, allowed;

    if (list == NULL)
        return false;
    for (rest = slice_of(list); http_list_next(&rest, &allowed);)
        if (slice_is(allowed, "*") ||
            (allowed.len == origin.len && strncasecmp(allowed.at, origin.at, origin.len) == 0))
            return true;
    return false;
}

bool origin_allowed(const struct shared *s, const struct http_head *h, struct slice origin)
{
    return origin.at == NULL || same_host(host_of(origin), host_of(h->host)) ||
           origin_listed(s->origins, origin);
}

/* May it read what this path answers? */
static bool may_read(const struct http_request *r, struct slice origin)
{
    const struct shared *shared = worker_of(r->conn)->shared;
    bool api = r->head->path.len >= 5 && memcmp(r->head->path.at, "/api/", 5) == 0;

    return origin.at != NULL && origin.len <= ORIGIN_MAX &&
           (origin_allowed(shared, r->head, origin) ||
            (api && origin_listed(shared->cors_origins, origin)));
}

void origin_fields(const struct http_request *r, char buf[ORIGIN_FIELDS_MAX])
{
    struct slice origin = http_head_field(r->head, "Origin");
    int n = snprintf(buf, ORIGIN_FIELDS_MAX, "Vary: Origin\r\n");

    if (may_read(r, origin))
        snprintf(buf + n, ORIGIN_FIELDS_MAX - (size_t)n, "Access-Control-Allow-Origin: %.*s\r\n",
                 (int)origin.len, origin.at);
}

bool origin_preflight(const struct http_request *r)
{
    char cors[ORIGIN_FIELDS_MAX], fields[ORIGIN_FIELDS_MAX + 256];
    struct http_answer a = {.status = 204, .fields = fields};

    if (!slice_is(r->head->method, "OPTIONS") || r->head->path.len == 0 ||
        http_head_count(r->head, "Access-Control-Request-Method") == 0 ||
        http_head_count(r->head, "Origin") == 0)
        return false;
    if (!may_read(r, http_head_field(r->head, "Origin"))) {
        http_problem(r, 403, "", ORIGIN_REFUSED);
        return true;
    }
    origin_fields(r, cors);
    snprintf(fields, sizeof(fields),
             "%sAccess-Control-Allow-Methods: GET, HEAD\r\n"
             "Access-Control-Allow-Headers: Authorization, Last-Event-ID\r\n"
             "Access-Control-Max-Age: 600\r\n",
             cors);
    http_answer(r, &a);
    return true;
}
