#include "gateway/codec/http_head.h"

#include <errno.h>

#include "common/banned.h"

/*
 * The head is read line by line, always from its start: the part that is there is judged again with
 * each call, which at 8 KiB costs less than the recv() calls that bring it byte by byte.
 */

/* ---- characters ---- */

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The value of two hexadecimal digits, or negative. */
static int hex_pair(const char *p)
{
    int high = hex_value(p[0]), low = hex_value(p[1]);

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alpha(s.at[i]) && !is_digit(s.at[i]) && !is_one_of(s.at[i], "!#$%&'*+-.^_`|~"))
            return false;
    }
    return s.len > 0;
}

/* ---- slices ---- */

/* What stands before the first `c`, taken off the front of *rest with it. False without a `c`. */
static bool split(struct slice *rest, char c, struct slice *ret)
{
    const char *found = rest->len > 0 ? memchr(rest->at, c, rest->len) : NULL;

    if (found == NULL)
        return false;
    *ret = (struct slice){rest->at, (size_t)(found - rest->at)};
    rest->len -= ret->len + 1;
    rest->at = found + 1;
    return true;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

/* ---- lines ---- */

/* Take a line off the front of *rest, without its CRLF. Returns 1; 0 when its end is not there yet;
 * -400 for a control character in it, which a CR or LF alone is too. */
static int next_line(struct slice *rest, struct slice *ret)
{
    for (size_t i = 0; i < rest->len; i++) {
        if (!is_control(rest->at[i]) || rest->at[i] == '\t')
            continue;
        if (rest->at[i] != '\r')
            return -400;
        if (i + 1 == rest->len)
            return 0;
        if (rest->at[i + 1] != '\n')
            return -400;
        *ret = (struct slice){rest->at, i};
        rest->at += i + 2;
        rest->len -= i + 2;
        return 1;
    }
    return 0;
}

/* ---- the request line ---- */

static int parse_version(struct slice s, struct http_head *h)
{
    if (s.len != 8 || memcmp(s.at, "HTTP/", 5) != 0 || !is_digit(s.at[5]) || s.at[6] != '.' ||
        !is_digit(s.at[7]))
        return -400;
    if (s.at[5] != '1')
        return -505;
    h->minor = s.at[7] != '0'; /* a later 1.x is to be read as 1.1 */
    return 0;
}

static bool port_valid(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.at[i]))
            return false;
    }
    return s.len <= 5;
}

/* host [":" port] (RFC 3986), the host not empty; no user before an "@". */
static bool host_valid(struct slice s)
{
    bool literal = s.len > 0 && s.at[0] == '[';
    size_t i = literal ? 1 : 0;

    while (i < s.len && (literal ? is_one_of(s.at[i], ":.0123456789abcdefABCDEF")
                                 : is_alpha(s.at[i]) || is_digit(s.at[i]) ||
                                       is_one_of(s.at[i], "-._~%!$&'()*+,;=")))
        i++;
    if (i == 0 || (literal && (i == 1 || i == s.len || s.at[i++] != ']')))
        return false;
    if (i == s.len)
        return true;
    return s.at[i] == ':' && port_valid((struct slice){s.at + i + 1, s.len - i - 1});
}

static void split_query(struct slice s, struct http_head *h)
{
    if (split(&s, '?', &h->path))
        h->query = s;
    else
        h->path = s;
    if (h->path.len == 0)
        h->path = slice_of("/"); /* of http://host and http://host?query */
}

/* scheme "://" host [path] ["?" query] */
static int parse_absolute(struct slice s, struct http_head *h)
{
    struct slice scheme;
    size_t host = 0;

    if (!split(&s, ':', &scheme) || s.len < 2 || memcmp(s.at, "//", 2) != 0)
        return -400;
    if (!slice_is_nocase(scheme, "http") && !slice_is_nocase(scheme, "https") &&
        !slice_is_nocase(scheme, "ws") && !slice_is_nocase(scheme, "wss"))
        return -400;
    s.at += 2;
    s.len -= 2;
    while (host < s.len && s.at[host] != '/' && s.at[host] != '?')
        host++;
    h->host = (struct slice){s.at, host};
    split_query((struct slice){s.at + host, s.len - host}, h);
    return host_valid(h->host) ? 0 : -400;
}

static int parse_target(struct slice s, struct http_head *h)
{
    h->target = s;
    for (size_t i = 0; i < s.len; i++) {
        if (is_space(s.at[i]) || s.at[i] == '#' || (unsigned char)s.at[i] >= 0x80)
            return -400;
    }
    if (slice_is(h->method, "CONNECT")) {
        h->host = s;
        return host_valid(s) ? 0 : -400;
    }
    if (slice_is(s, "*")) {
        h->path = s;
        return slice_is(h->method, "OPTIONS") ? 0 : -400;
    }
    if (s.len > 0 && s.at[0] == '/') {
        split_query(s, h);
        return 0;
    }
    return parse_absolute(s, h);
}

static int parse_request_line(struct slice line, struct http_head *h)
{
    struct slice target;
    int r;

    if (!split(&line, ' ', &h->method) || !is_token(h->method) || !split(&line, ' ', &target))
        return -400;
    r = parse_version(line, h);
    return r < 0 ? r : parse_target(target, h);
}

/* ---- fields ---- */

static int parse_field(struct slice line, struct http_head *h)
{
    struct http_field f;

    if (!split(&line, ':', &f.name) || !is_token(f.name))
        return -400; /* a folded line and a space before the colon end here too */
    if (h->n_fields == HTTP_FIELDS_MAX)
        return -431;
    f.value = trim(line);
    h->fields[h->n_fields++] = f;
    return 0;
}

struct slice http_head_field(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        if (slice_is_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    }
    return SLICE_NONE;
}

size_t http_head_count(const struct http_head *h, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n_fields; i++)
        n += slice_is_nocase(h->fields[i].name, name);
    return n;
}

bool http_list_next(struct slice *rest, struct slice *ret_member)
{
    while (rest->len > 0) {
        struct slice member;

        if (!split(rest, ',', &member)) {
            member = *rest;
            rest->at += rest->len;
            rest->len = 0;
        }
        member = trim(member);
        if (member.len > 0) {
            *ret_member = member;
            return true;
        }
    }
    return false;
}

bool http_head_lists(const struct http_head *h, const char *name, const char *token)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        struct slice rest = h->fields[i].value, member;

        if (!slice_is_nocase(h->fields[i].name, name))
            continue;
        while (http_list_next(&rest, &member)) {
            if (slice_is_nocase(member, token))
                return true;
        }
    }
    return false;
}

/* ---- what the fields say about the message ---- */

static int check_host(struct http_head *h)
{
    size_t n = http_head_count(h, "Host");
    struct slice host = http_head_field(h, "Host");

    if (n > 1 || (n == 0 && h->minor > 0))
        return -400;
    if (n == 1 && !host_valid(host))
        return -400;
    if (h->host.at == NULL)
        h->host = host;
    return 0;
}

static int parse_length(struct slice s, uint64_t *ret)
{
    uint64_t value = 0;

    if (s.len == 0 || s.len > 18)
        return -400;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.at[i]))
            return -400;
        value = value * 10 + (uint64_t)(s.at[i] - '0');
    }
    *ret = value;
    return 0;
}

static int check_content_length(struct http_head *h)
{
    bool seen = false;

    for (size_t i = 0; i < h->n_fields; i++) {
        uint64_t value;

        if (!slice_is_nocase(h->fields[i].name, "Content-Length"))
            continue;
        if (parse_length(h->fields[i].value, &value) < 0 || (seen && value != h->content_length))
            return -400;
        h->content_length = value;
        seen = true;
    }
    return 0;
}

static int check_transfer_encoding(struct http_head *h)
{
    size_t n = http_head_count(h, "Transfer-Encoding");

    if (n == 0)
        return 0;
    if (h->minor == 0 || n > 1 || http_head_count(h, "Content-Length") > 0)
        return -400;
    if (!slice_is_nocase(http_head_field(h, "Transfer-Encoding"), "chunked"))
        return -501;
    h->chunked = true;
    return 0;
}

static int check_message(struct http_head *h)
{
    int r = check_host(h);

    if (r == 0)
        r = check_content_length(h);
    if (r == 0)
        r = check_transfer_encoding(h);
    h->keep_alive = h->minor > 0 ? !http_head_lists(h, "Connection", "close")
                                 : http_head_lists(h, "Connection", "keep-alive");
    return r;
}

/* ---- the whole head ---- */

/* One empty line before the request is let pass (RFC 9112, section 2.2). Results as next_line(). */
static int first_line(struct slice *rest, struct slice *ret)
{
    int r = next_line(rest, ret);

    return r == 1 && ret->len == 0 ? next_line(rest, ret) : r;
}

/* Returns 1 when the head is whole, 0 when its end is not there yet, or -status. */
static int parse_lines(struct slice *rest, struct http_head *h)
{
    struct slice line;
    int r = first_line(rest, &line);

    if (r == 1)
        r = parse_request_line(line, h);
    else
        return r;
    while (r == 0) {
        r = next_line(rest, &line);
        if (r <= 0 || line.len == 0)
            return r;
        r = parse_field(line, h);
    }
    return r;
}

int http_head_parse(const char *bytes, size_t len, struct http_head *ret)
{
    struct slice rest = {bytes, len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX};
    int r;

    *ret = (struct http_head){.n_fields = 0};
    r = parse_lines(&rest, ret);
    if (r == 1)
        r = check_message(ret);
    else if (r == 0 && len >= HTTP_HEAD_MAX)
        r = ret->method.at == NULL ? -414 : -431;
    else if (r == 0)
        return 0;
    return r < 0 ? r : (int)(rest.at - bytes);
}

/* ---- percent-encoding ---- */

/* Undo percent-encoding, with '+' for a space where `plus`. NUL-terminated. Returns the length;
 * -EINVAL on a broken escape or a NUL; -ENOBUFS. */
static int percent_decode(struct slice s, bool plus, char *buf, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];

        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            int byte = s.len - i > 2 ? hex_pair(s.at + i + 1) : -1;

            if (byte < 0)
                return -EINVAL;
            c = (char)byte;
            i += 2;
        }
        if (c == '\0')
            return -EINVAL;
        if (n + 1 >= cap)
            return -ENOBUFS;
        buf[n++] = c;
    }
    if (cap == 0)
        return -ENOBUFS;
    buf[n] = '\0';
    return (int)n;
}

static bool is_dots(struct slice segment)
{
    return slice_is(segment, ".") || slice_is(segment, "..");
}

static bool path_safe(struct slice path)
{
    struct slice rest = path, segment;

    for (size_t i = 0; i < path.len; i++) {
        if (is_control(path.at[i]) || path.at[i] == '\\')
            return false;
    }
    if (!split(&rest, '/', &segment) || segment.len > 0)
        return false;
    while (split(&rest, '/', &segment)) {
        if (is_dots(segment))
            return false;
    }
    return !is_dots(rest);
}

int http_path_decode(struct slice path, char *buf, size_t cap)
{
    int n = percent_decode(path, false, buf, cap);

    if (n >= 0 && !path_safe((struct slice){buf, (size_t)n}))
        return -EINVAL;
    return n;
}

int http_query_get(struct slice query, const char *name, char *buf, size_t cap)
{
    while (query.len > 0) {
        struct slice pair, key;
        char decoded[64];
        int n;

        if (!split(&query, '&', &pair)) {
            pair = query;
            query.len = 0;
        }
        if (!split(&pair, '=', &key)) {
            key = pair;
            pair.len = 0;
        }
        n = percent_decode(key, true, decoded, sizeof(decoded));
        if (n > 0 && slice_is((struct slice){decoded, (size_t)n}, name))
            return percent_decode(pair, true, buf, cap);
    }
    return -ENOENT;
}
