#include "gateway/codec/quote_json.h"

#include <errno.h>

#include "common/json.h"
#include "common/topic.h"

#include "common/banned.h"

static bool is_number(char c)
{
    return c == '-' || (c >= '0' && c <= '9');
}

/* A member's value, remembered if it is one of those looked for and of the right kind. */
static int look_at_value(struct json_scan *s, const char *begin, const struct json_text *key,
                         struct quote_json *q)
{
    struct span value = {.at = (size_t)(s->p - begin)};
    struct json_text text;
    bool string = s->p < s->end && *s->p == '"', number = s->p < s->end && is_number(*s->p);
    int r = string ? json_read_string(s, &text) : number ? json_skip_number(s) : json_skip_value(s);

    value.len = (size_t)(s->p - begin) - value.at;
    if (json_text_is(key, "symbol"))
        q->symbol = string ? value : (struct span){0};
    else if (json_text_is(key, "price"))
        q->price = number ? value : (struct span){0};
    else if (json_text_is(key, "change"))
        q->change = number ? value : (struct span){0};
    else if (json_text_is(key, "ticker"))
        q->has_ticker = true;
    return r;
}

static int look_at_member(struct json_scan *s, const char *begin, struct quote_json *q)
{
    struct json_text key;

    json_skip_space(s);
    if (json_read_string(s, &key) < 0)
        return -EBADMSG;
    json_skip_space(s);
    if (!json_take(s, ':'))
        return -EBADMSG;
    json_skip_space(s);
    if (look_at_value(s, begin, &key, q) < 0)
        return -EBADMSG;
    json_skip_space(s);
    return 0;
}

int quote_json_look(const uint8_t *text, size_t len, struct quote_json *ret)
{
    const char *begin = (const char *)text;
    struct json_scan s = {begin, begin + len};
    struct quote_json q = {0};

    json_skip_space(&s);
    if (!json_take(&s, '{'))
        return -EBADMSG;
    do {
        if (look_at_member(&s, begin, &q) < 0)
            return -EBADMSG;
    } while (json_take(&s, ','));
    if (!json_take(&s, '}'))
        return -EBADMSG;
    json_skip_space(&s);
    if (s.p < s.end || q.symbol.len == 0 || !utf8_valid(begin, len))
        return -EBADMSG;
    *ret = q;
    return 0;
}
