#include "gateway/codec/h2_head.h"

#include <stdio.h>
#include <string.h>

#include "common/banned.h"

/* Returns whether there was room. */
static bool put(char *buf, size_t cap, size_t *len, struct slice s)
{
    if (s.len >= cap - *len)
        return false;
    memcpy(buf + *len, s.at, s.len);
    *len += s.len;
    buf[*len] = '\0';
    return true;
}

static bool put_field(struct h2_head *h, struct slice name, struct slice value)
{
    const struct slice pieces[] = {name, slice_of(": "), value, slice_of("\r\n")};

    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
        if (!put(h->fields, sizeof(h->fields), &h->fields_len, pieces[i]))
            return false;
    return true;
}

/* Of `:authority` and `host`, which say the same, the first. */
static bool put_any(struct h2_head *h, struct slice name, struct slice value)
{
    bool is_host = slice_is(name, ":authority") || slice_is(name, "host");

    if (slice_is(name, ":method"))
        return put(h->method, sizeof(h->method), &h->method_len, value);
    if (slice_is(name, ":path"))
        return put(h->path, sizeof(h->path), &h->path_len, value);
    if (is_host && h->host_len == 0)
        return put(h->host, sizeof(h->host), &h->host_len, value);
    return is_host || name.len == 0 || name.at[0] == ':' || put_field(h, name, value);
}

void h2_head_add(struct h2_head *h, struct slice name, struct slice value)
{
    h->too_large |= !put_any(h, name, value);
}

int h2_head_parse(const struct h2_head *h, bool complete, char text[H2_HEAD_TEXT],
                  struct http_head *ret)
{
    int n;

    if (h->too_large)
        return -431;
    n = snprintf(text, H2_HEAD_TEXT, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", h->method, h->path,
                 h->host, h->fields);
    n = http_head_parse(text, (size_t)n, ret);
    if (n <= 0)
        return n < 0 ? n : -400;
    ret->chunked = !complete;
    return 0;
}
