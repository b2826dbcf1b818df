#include "common/topic.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/banned.h"

/* The length of the well-formed UTF-8 sequence that `s` begins with, and its code point; 0 for
 * none. The table is Unicode's 3-7: only the second byte's range depends on the first. */
static size_t utf8_sequence(const char *s, size_t len, uint32_t *ret_code)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned char low = 0x80, high = 0xbf;
    uint32_t code;
    size_t n;

    if (u[0] < 0x80) {
        *ret_code = u[0];
        return 1;
    }
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (n > len)
        return 0;
    if (u[0] == 0xe0)
        low = 0xa0; /* overlong below */
    if (u[0] == 0xed)
        high = 0x9f; /* surrogates above */
    if (u[0] == 0xf0)
        low = 0x90; /* overlong below */
    if (u[0] == 0xf4)
        high = 0x8f; /* beyond U+10FFFF above */

    code = u[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if (u[i] < low || u[i] > high)
            return 0;
        code = code << 6 | (u[i] & 0x3fU);
        low = 0x80;
        high = 0xbf;
    }
    *ret_code = code;
    return n;
}

bool utf8_valid(const char *s, size_t len)
{
    uint32_t code;

    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_sequence(s + i, len - i, &code);
        if (n == 0 || code == 0)
            return false;
    }
    return true;
}

/* May stand in a topic level as it is. Mosquitto refuses controls and non-characters. */
static bool is_plain(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return false;
    if ((code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef))
        return false;
    return code != '/' && code != '+' && code != '#' && code != '%';
}

size_t topic_level_escape(const char *s, size_t len, char *buf, size_t cap)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t out = 0;

    for (size_t i = 0, n; i < len; i += n) {
        uint32_t code = 0;
        bool plain;

        n = utf8_sequence(s + i, len - i, &code);
        plain = n > 0 && is_plain(code);
        if (n == 0)
            n = 1;
        if (cap - out < (plain ? n : 3 * n))
            return 0;
        for (size_t k = 0; k < n; k++) {
            unsigned char byte = (unsigned char)s[i + k];

            if (plain) {
                buf[out++] = s[i + k];
            } else {
                buf[out++] = '%';
                buf[out++] = hex[byte >> 4];
                buf[out++] = hex[byte & 15];
            }
        }
    }
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

long topic_level_unescape(const char *level, size_t len, char *buf, size_t cap)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        char c = level[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_digit(level[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(level[i + 2]) : -1;

            if (high < 0 || low < 0)
                return -EINVAL;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (out == cap)
            return -ENOBUFS;
        buf[out++] = c;
    }
    return (long)out;
}

/* The length of `s` inside a JSON string: as quote.c writes it. */
static size_t json_escaped_length(const char *s, size_t len)
{
    size_t total = 0;

    for (size_t i = 0; i < len; i++)
        total += (unsigned char)s[i] < 0x20 ? 6 : s[i] == '"' || s[i] == '\\' ? 2 : 1;
    return total;
}

int symbol_normalize(const char *s, size_t len, char ret[SYMBOL_MAX + 1])
{
    char upper[SYMBOL_MAX + 1] = "", escaped[SYMBOL_ESCAPED_MAX];

    if (len == 0 || len > SYMBOL_MAX || !utf8_valid(s, len))
        return -EINVAL;
    for (size_t i = 0; i < len; i++)
        upper[i] = s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 'a' + 'A') : s[i];
    upper[len] = '\0';
    if (topic_level_escape(upper, len, escaped, sizeof(escaped)) == 0 ||
        json_escaped_length(upper, len) > SYMBOL_ESCAPED_MAX)
        return -EINVAL;
    memcpy(ret, upper, len + 1);
    return 0;
}

bool topic_valid(const char *topic, size_t len)
{
    return len > 0 && len <= TOPIC_MAX && memchr(topic, '+', len) == NULL &&
           memchr(topic, '#', len) == NULL && utf8_valid(topic, len);
}

bool filter_valid(const char *filter, size_t len)
{
    if (len == 0 || len > TOPIC_MAX || !utf8_valid(filter, len))
        return false;
    for (size_t i = 0; i < len; i++) {
        bool starts_level = i == 0 || filter[i - 1] == '/';
        bool ends_filter = i + 1 == len;

        if (filter[i] == '+' && !(starts_level && (ends_filter || filter[i + 1] == '/')))
            return false;
        if (filter[i] == '#' && !(starts_level && ends_filter))
            return false;
    }
    return true;
}

/* The end of the level that begins at `p`. */
static const char *level_end(const char *p, const char *end)
{
    const char *slash = memchr(p, '/', (size_t)(end - p));

    return slash != NULL ? slash : end;
}

static bool level_is(const char *level, const char *end, char c)
{
    return end - level == 1 && *level == c;
}

static bool is_wild(char c)
{
    return c == '+' || c == '#';
}

static bool same_level(const char *a, const char *a_end, const char *b, const char *b_end)
{
    return a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0;
}

bool filter_matches(const char *filter, size_t filter_len, const char *topic, size_t topic_len)
{
    const char *f = filter, *f_end = filter + filter_len, *f_next;
    const char *t = topic, *t_end = topic + topic_len, *t_next;

    if (*t == '$' && is_wild(*f))
        return false;
    for (;;) {
        f_next = level_end(f, f_end);
        t_next = level_end(t, t_end);
        if (level_is(f, f_next, '#'))
            return true;
        if (!level_is(f, f_next, '+') && !same_level(f, f_next, t, t_next))
            return false;
        if (f_next == f_end)
            return t_next == t_end;
        f = f_next + 1;
        if (t_next == t_end)
            return level_is(f, f_end, '#'); /* "a/#" matches "a" too */
        t = t_next + 1;
    }
}

bool filter_covers(const char *filter, size_t filter_len, const char *asked, size_t asked_len)
{
    const char *f = filter, *f_end = filter + filter_len, *f_next;
    const char *a = asked, *a_end = asked + asked_len, *a_next;

    if (*a == '$' && is_wild(*f))
        return false;
    if (a_end - a <= 2 && a_end[-1] == '#') { /* "#", "/#": no topic is empty */
        a = *a == '#' ? "+/#" : "/+/#";
        a_end = a + strlen(a);
    }
    for (;;) {
        f_next = level_end(f, f_end);
        a_next = level_end(a, a_end);
        if (level_is(f, f_next, '#'))
            return true;
        if (level_is(a, a_next, '#'))
            return false;
        if (!level_is(f, f_next, '+') && !same_level(f, f_next, a, a_next))
            return false;
        if (f_next == f_end)
            return a_next == a_end;
        f = f_next + 1;
        if (a_next == a_end)
            return level_is(f, f_end, '#');
        a = a_next + 1;
    }
}

/* May a topic of `filter` end where the level does that `next` ends? "a/#" matches "a" too, but
 * "/#" not "": no topic is empty. */
static bool may_end(const char *filter, const char *next, const char *end)
{
    return next == end || (next > filter && level_is(next + 1, end, '#'));
}

bool filter_overlaps(const char *filter, size_t filter_len, const char *other, size_t other_len)
{
    const char *f = filter, *f_end = filter + filter_len, *f_next;
    const char *o = other, *o_end = other + other_len, *o_next;

    if ((*f == '$' && is_wild(*o)) || (*o == '$' && is_wild(*f)))
        return false;
    for (;;) {
        f_next = level_end(f, f_end);
        o_next = level_end(o, o_end);
        if (level_is(f, f_next, '#') || level_is(o, o_next, '#'))
            return true;
        if (!level_is(f, f_next, '+') && !level_is(o, o_next, '+') &&
            !same_level(f, f_next, o, o_next))
            return false;
        if (f_next == f_end || o_next == o_end)
            return may_end(filter, f_next, f_end) && may_end(other, o_next, o_end);
        f = f_next + 1;
        o = o_next + 1;
    }
}
