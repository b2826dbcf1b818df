#include "common/json.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/banned.h"

#define NESTING_MAX 16 /* bounds the recursion over values that are skipped */

char *json_put_string(char *p, const char *s, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    *p++ = '"';
    for (const char *end = s + len; s < end; s++) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x20) {
            memcpy(p, "\\u00", 4);
            p += 4;
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        } else {
            if (c == '"' || c == '\\')
                *p++ = '\\';
            *p++ = *s;
        }
    }
    *p++ = '"';
    return p;
}

void json_skip_space(struct json_scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

bool json_take(struct json_scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static void text_add(struct json_text *t, uint32_t byte)
{
    if (t->len < sizeof(t->bytes))
        t->bytes[t->len] = (char)byte;
    t->len++;
}

bool json_text_is(const struct json_text *t, const char *s)
{
    return t->len == strlen(s) && t->len <= sizeof(t->bytes) && memcmp(t->bytes, s, t->len) == 0;
}

static void text_add_code(struct json_text *t, uint32_t code)
{
    if (code < 0x80) {
        text_add(t, code);
    } else if (code < 0x800) {
        text_add(t, 0xc0 | code >> 6);
        text_add(t, 0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        text_add(t, 0xe0 | code >> 12);
        text_add(t, 0x80 | (code >> 6 & 0x3f));
        text_add(t, 0x80 | (code & 0x3f));
    } else {
        text_add(t, 0xf0 | code >> 18);
        text_add(t, 0x80 | (code >> 12 & 0x3f));
        text_add(t, 0x80 | (code >> 6 & 0x3f));
        text_add(t, 0x80 | (code & 0x3f));
    }
}

/* The four digits after "\u". */
static int read_hex4(struct json_scan *s, uint32_t *ret)
{
    uint32_t v = 0;

    if (s->end - s->p < 4)
        return -EBADMSG;
    for (int i = 0; i < 4; i++, s->p++) {
        char c = *s->p;

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v << 4 | (uint32_t)(c - 'A' + 10);
        else
            return -EBADMSG;
    }
    *ret = v;
    return 0;
}

/* What follows "\u": one code unit, or the two of a surrogate pair. */
static int read_code(struct json_scan *s, uint32_t *ret)
{
    uint32_t high, low;

    if (read_hex4(s, &high) < 0)
        return -EBADMSG;
    *ret = high;
    if (high < 0xd800 || high > 0xdfff)
        return 0;
    if (high > 0xdbff || !json_take(s, '\\') || !json_take(s, 'u') || read_hex4(s, &low) < 0 ||
        low < 0xdc00 || low > 0xdfff)
        return -EBADMSG;
    *ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 0;
}

/* What follows a backslash. */
static int read_escape(struct json_scan *s, struct json_text *ret)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;
    uint32_t code;

    if (json_take(s, 'u')) {
        if (read_code(s, &code) < 0)
            return -EBADMSG;
        text_add_code(ret, code);
        return 0;
    }
    if (s->p == s->end)
        return -EBADMSG;
    letter = memchr(letters, *s->p, sizeof(letters) - 1);
    if (letter == NULL)
        return -EBADMSG;
    text_add(ret, (unsigned char)meanings[letter - letters]);
    s->p++;
    return 0;
}

int json_read_string(struct json_scan *s, struct json_text *ret)
{
    ret->len = 0;
    if (!json_take(s, '"'))
        return -EBADMSG;
    while (s->p < s->end && *s->p != '"') {
        unsigned char c = (unsigned char)*s->p++;

        if (c < 0x20)
            return -EBADMSG;
        if (c != '\\')
            text_add(ret, c);
        else if (read_escape(s, ret) < 0)
            return -EBADMSG;
    }
    return json_take(s, '"') ? 0 : -EBADMSG;
}

size_t json_skip_digits(struct json_scan *s)
{
    const char *start = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - start);
}

int json_skip_number(struct json_scan *s)
{
    json_take(s, '-');
    if (!json_take(s, '0') && json_skip_digits(s) == 0)
        return -EBADMSG;
    if (json_take(s, '.') && json_skip_digits(s) == 0)
        return -EBADMSG;
    if (json_take(s, 'e') || json_take(s, 'E')) {
        if (!json_take(s, '-'))
            json_take(s, '+');
        if (json_skip_digits(s) == 0)
            return -EBADMSG;
    }
    return 0;
}

static int skip_literal(struct json_scan *s, const char *literal)
{
    size_t len = strlen(literal);

    if ((size_t)(s->end - s->p) < len || memcmp(s->p, literal, len) != 0)
        return -EBADMSG;
    s->p += len;
    return 0;
}

static int skip_value(struct json_scan *s, int depth);

/* The elements of an array or, when `closing` is '}', the members of an object. */
static int skip_nested(struct json_scan *s, char closing, int depth)
{
    struct json_text key;

    if (depth > NESTING_MAX)
        return -EBADMSG;
    json_skip_space(s);
    if (json_take(s, closing))
        return 0;
    do {
        if (closing == '}') {
            json_skip_space(s);
            if (json_read_string(s, &key) < 0)
                return -EBADMSG;
            json_skip_space(s);
            if (!json_take(s, ':'))
                return -EBADMSG;
        }
        if (skip_value(s, depth) < 0)
            return -EBADMSG;
    } while (json_take(s, ','));
    return json_take(s, closing) ? 0 : -EBADMSG;
}

static int skip_value(struct json_scan *s, int depth)
{
    struct json_text text;
    int r;

    json_skip_space(s);
    if (s->p == s->end)
        return -EBADMSG;
    if (json_take(s, '{'))
        r = skip_nested(s, '}', depth + 1);
    else if (json_take(s, '['))
        r = skip_nested(s, ']', depth + 1);
    else if (*s->p == '"')
        r = json_read_string(s, &text);
    else if (*s->p == 't')
        r = skip_literal(s, "true");
    else if (*s->p == 'f')
        r = skip_literal(s, "false");
    else if (*s->p == 'n')
        r = skip_literal(s, "null");
    else
        r = json_skip_number(s);
    json_skip_space(s);
    return r;
}

int json_skip_value(struct json_scan *s)
{
    return skip_value(s, 0);
}
