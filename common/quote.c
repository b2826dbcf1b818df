#include "common/quote.h"

#include <errno.h>
#include <string.h>

#include "common/banned.h"

const char *quote_mode_name(enum quote_mode mode)
{
    static const char *const names[] = {"demo", "replay", "live"};

    return names[mode];
}

const char *quote_session_name(enum quote_session session)
{
    static const char *const names[] = {"", "pre", "regular", "post", "closed"};

    return names[session];
}

/*
 * Writing
 */

#define LONGEST 512 /* every member at its longest, before any is left out */

/* Members that follow from others; they share a bit mask with enum quote_field. */
enum { DERIVED_CHANGE = 1 << 6, DERIVED_PERCENT = 1 << 7, WITH_SESSION = 1 << 11 };

/* What may be written: the members and the two that follow from them. */
struct quote_view {
    const struct quote *q;
    unsigned present;
    struct decimal change, percent;
};

static char *put(char *p, const char *s, size_t len)
{
    memcpy(p, s, len);
    return p + len;
}
#define PUT_LITERAL(p, s) put(p, s, sizeof(s) - 1)

static char *put_uint(char *p, uint64_t v)
{
    char backwards[20];
    size_t n = 0;

    do {
        backwards[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (n > 0)
        *p++ = backwards[--n];
    return p;
}

static char *put_int(char *p, int64_t v)
{
    if (v < 0)
        *p++ = '-';
    return put_uint(p, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* topic.c's json_escaped_length() counts what this writes. */
static char *put_string(char *p, const char *s)
{
    static const char hex[] = "0123456789abcdef";

    *p++ = '"';
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x20) {
            p = PUT_LITERAL(p, "\\u00");
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

/* `key` with its comma, quotes and colon, and the value, if the member is present. */
static char *put_member(char *p, const struct quote_view *v, unsigned bit, const char *key,
                        struct decimal value)
{
    if (!(v->present & bit))
        return p;
    p = put(p, key, strlen(key));
    return p + decimal_format(value, p);
}

static size_t write_object(const struct quote_view *v, char buf[LONGEST])
{
    const struct quote *q = v->q;
    const char *mode = quote_mode_name(q->mode), *session = quote_session_name(q->session);
    char *p = buf;

    p = PUT_LITERAL(p, "{\"symbol\":");
    p = put_string(p, q->symbol);
    p = PUT_LITERAL(p, ",\"price\":");
    p += decimal_format(q->price, p);
    p = put_member(p, v, DERIVED_CHANGE, ",\"change\":", v->change);
    p = put_member(p, v, DERIVED_PERCENT, ",\"percent\":", v->percent);
    p = put_member(p, v, QUOTE_OPEN, ",\"open\":", q->open);
    p = put_member(p, v, QUOTE_HIGH, ",\"high\":", q->high);
    p = put_member(p, v, QUOTE_LOW, ",\"low\":", q->low);
    p = put_member(p, v, QUOTE_PREV_CLOSE, ",\"prev_close\":", q->prev_close);
    p = put_member(p, v, QUOTE_VOLUME, ",\"volume\":", q->volume);
    p = PUT_LITERAL(p, ",\"timestamp\":");
    p = put_int(p, q->timestamp.ms);
    p = PUT_LITERAL(p, ",\"seq\":");
    p = put_uint(p, q->seq);
    p = PUT_LITERAL(p, ",\"mode\":\"");
    p = put(p, mode, strlen(mode));
    if (v->present & WITH_SESSION) {
        p = PUT_LITERAL(p, "\",\"session\":\"");
        p = put(p, session, strlen(session));
    }
    p = PUT_LITERAL(p, "\"}");
    return (size_t)(p - buf);
}

static void derive(struct quote_view *v)
{
    const struct quote *q = v->q;

    if (!(v->present & QUOTE_PREV_CLOSE) || decimal_sub(q->price, q->prev_close, &v->change) < 0)
        return;
    v->present |= DERIVED_CHANGE;
    if (decimal_percent(v->change, q->prev_close, 2, &v->percent) == 0)
        v->present |= DERIVED_PERCENT;
}

size_t quote_encode(const struct quote *q, char buf[QUOTE_PACKET_MAX])
{
    static const unsigned leave_out[] = {QUOTE_OPEN,       QUOTE_LOW,       QUOTE_HIGH,
                                         QUOTE_PREV_CLOSE, DERIVED_PERCENT, DERIVED_CHANGE,
                                         QUOTE_VOLUME,     WITH_SESSION};
    struct quote_view v = {.q = q, .present = q->known};
    char topic[QUOTE_TOPIC_MAX], json[LONGEST];
    /* Around the payload: type, two bytes of remaining length, two of the topic's length, the topic
     * and, in MQTT 5, an empty list of properties. */
    size_t room = QUOTE_PACKET_MAX - 6 - quote_topic(q->symbol, "", topic);
    size_t len;

    if (q->session != SESSION_UNKNOWN)
        v.present |= WITH_SESSION;
    derive(&v);
    len = write_object(&v, json);
    for (size_t i = 0; len > room && i < ARRAY_SIZE(leave_out); i++) {
        v.present &= ~leave_out[i];
        len = write_object(&v, json);
    }
    memcpy(buf, json, len);
    return len;
}

size_t quote_topic(const char *symbol, const char *suffix, char buf[QUOTE_TOPIC_MAX])
{
    char *p = PUT_LITERAL(buf, "stocks/");

    p += topic_level_escape(symbol, strlen(symbol), p, SYMBOL_ESCAPED_MAX);
    p = put(p, suffix, strlen(suffix));
    *p = '\0';
    return (size_t)(p - buf);
}

/*
 * Reading: a scanner over one flat object. Every function returns 0 or -EBADMSG and leaves `p`
 * behind what it read.
 */

#define NESTING_MAX 16 /* bounds the recursion over members that we skip */

struct scan {
    const char *p, *end;
};

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

/* Step over `c`, if it comes next. */
static bool take(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* A text of bounded length; what does not fit only counts. */
struct text {
    char bytes[SYMBOL_MAX];
    size_t len;
};

static void text_add(struct text *t, uint32_t byte)
{
    if (t->len < sizeof(t->bytes))
        t->bytes[t->len] = (char)byte;
    t->len++;
}

static bool text_is(const struct text *t, const char *s)
{
    return t->len == strlen(s) && t->len <= sizeof(t->bytes) && memcmp(t->bytes, s, t->len) == 0;
}

static void text_add_code(struct text *t, uint32_t code)
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
static int read_hex4(struct scan *s, uint32_t *ret)
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
static int read_code(struct scan *s, uint32_t *ret)
{
    uint32_t high, low;

    if (read_hex4(s, &high) < 0)
        return -EBADMSG;
    *ret = high;
    if (high < 0xd800 || high > 0xdfff)
        return 0;
    if (high > 0xdbff || !take(s, '\\') || !take(s, 'u') || read_hex4(s, &low) < 0 ||
        low < 0xdc00 || low > 0xdfff)
        return -EBADMSG;
    *ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 0;
}

/* What follows a backslash. */
static int read_escape(struct scan *s, struct text *ret)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;
    uint32_t code;

    if (take(s, 'u')) {
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

static int read_string(struct scan *s, struct text *ret)
{
    ret->len = 0;
    if (!take(s, '"'))
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
    return take(s, '"') ? 0 : -EBADMSG;
}

static size_t skip_digits(struct scan *s)
{
    const char *start = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - start);
}

/* Step over a number in JSON's grammar, which is stricter than decimal_parse(). */
static int skip_number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && skip_digits(s) == 0)
        return -EBADMSG;
    if (take(s, '.') && skip_digits(s) == 0)
        return -EBADMSG;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '-'))
            take(s, '+');
        if (skip_digits(s) == 0)
            return -EBADMSG;
    }
    return 0;
}

static int read_decimal(struct scan *s, struct decimal *ret)
{
    const char *start = s->p;

    if (skip_number(s) < 0 || decimal_parse(start, (size_t)(s->p - start), ret) < 0)
        return -EBADMSG;
    return 0;
}

/* Digits only: no producer writes a count or a time with an exponent. */
static int read_uint(struct scan *s, uint64_t *ret)
{
    const char *start = s->p;
    uint64_t v = 0;

    if (skip_digits(s) == 0 || (*start == '0' && s->p - start > 1))
        return -EBADMSG;
    for (const char *p = start; p < s->p; p++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return -EBADMSG;
    *ret = v;
    return 0;
}

static int read_int(struct scan *s, int64_t *ret)
{
    bool negative = take(s, '-');
    uint64_t v;

    if (read_uint(s, &v) < 0 || v > (uint64_t)INT64_MAX + negative)
        return -EBADMSG;
    *ret = negative ? (int64_t)-v : (int64_t)v;
    return 0;
}

static int skip_literal(struct scan *s, const char *literal)
{
    size_t len = strlen(literal);

    if ((size_t)(s->end - s->p) < len || memcmp(s->p, literal, len) != 0)
        return -EBADMSG;
    s->p += len;
    return 0;
}

static int skip_value(struct scan *s, int depth);

/* The elements of an array or, when `closing` is '}', the members of an object. */
static int skip_nested(struct scan *s, char closing, int depth)
{
    struct text key;

    if (depth > NESTING_MAX)
        return -EBADMSG;
    skip_space(s);
    if (take(s, closing))
        return 0;
    do {
        if (closing == '}') {
            skip_space(s);
            if (read_string(s, &key) < 0)
                return -EBADMSG;
            skip_space(s);
            if (!take(s, ':'))
                return -EBADMSG;
        }
        if (skip_value(s, depth) < 0)
            return -EBADMSG;
    } while (take(s, ','));
    return take(s, closing) ? 0 : -EBADMSG;
}

/* A value and the space around it. */
static int skip_value(struct scan *s, int depth)
{
    struct text text;
    int r;

    skip_space(s);
    if (s->p == s->end)
        return -EBADMSG;
    if (take(s, '{'))
        r = skip_nested(s, '}', depth + 1);
    else if (take(s, '['))
        r = skip_nested(s, ']', depth + 1);
    else if (*s->p == '"')
        r = read_string(s, &text);
    else if (*s->p == 't')
        r = skip_literal(s, "true");
    else if (*s->p == 'f')
        r = skip_literal(s, "false");
    else if (*s->p == 'n')
        r = skip_literal(s, "null");
    else
        r = skip_number(s);
    skip_space(s);
    return r;
}

/* What decode has seen besides quote.known. */
enum { SEEN_SYMBOL = 1 << 8, SEEN_PRICE = 1 << 9, SEEN_TIMESTAMP = 1 << 10 };
#define REQUIRED (SEEN_SYMBOL | SEEN_PRICE | SEEN_TIMESTAMP)

static int read_symbol(struct scan *s, char ret[SYMBOL_MAX + 1])
{
    struct text text;

    if (read_string(s, &text) < 0 || symbol_normalize(text.bytes, text.len, ret) < 0)
        return -EBADMSG;
    return 0;
}

static int read_mode(struct scan *s, uint8_t *ret)
{
    struct text text;

    if (read_string(s, &text) < 0)
        return -EBADMSG;
    for (unsigned mode = MODE_DEMO; mode <= MODE_LIVE; mode++)
        if (text_is(&text, quote_mode_name(mode))) {
            *ret = (uint8_t)mode;
            return 0;
        }
    return -EBADMSG;
}

/* A session that we do not know is none: others may come. */
static int read_session(struct scan *s, uint8_t *ret)
{
    struct text text;

    if (read_string(s, &text) < 0)
        return -EBADMSG;
    *ret = SESSION_UNKNOWN;
    for (unsigned session = SESSION_PRE; session <= SESSION_CLOSED; session++)
        if (text_is(&text, quote_session_name(session)))
            *ret = (uint8_t)session;
    return 0;
}

/* The decimal that `key` names, and its bit; NULL for another key. `change` has a place of its own,
 * since it may tell prev_close. */
static struct decimal *decimal_member(struct quote *q, struct decimal *change,
                                      const struct text *key, unsigned *ret_bit)
{
    const struct {
        const char *key;
        struct decimal *value;
        unsigned bit;
    } members[] = {
        {"price", &q->price, SEEN_PRICE},     {"change", change, DERIVED_CHANGE},
        {"open", &q->open, QUOTE_OPEN},       {"high", &q->high, QUOTE_HIGH},
        {"low", &q->low, QUOTE_LOW},          {"prev_close", &q->prev_close, QUOTE_PREV_CLOSE},
        {"volume", &q->volume, QUOTE_VOLUME},
    };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (text_is(key, members[i].key)) {
            *ret_bit = members[i].bit;
            return members[i].value;
        }
    return NULL;
}

static int read_member(struct scan *s, const struct text *key, struct quote *q,
                       struct decimal *change, unsigned *seen)
{
    unsigned bit = 0;
    struct decimal *value = decimal_member(q, change, key, &bit);
    int r;

    if (value != NULL) {
        r = read_decimal(s, value);
    } else if (text_is(key, "symbol")) {
        bit = SEEN_SYMBOL;
        r = read_symbol(s, q->symbol);
    } else if (text_is(key, "timestamp")) {
        bit = SEEN_TIMESTAMP;
        r = read_int(s, &q->timestamp.ms);
    } else if (text_is(key, "seq")) {
        r = read_uint(s, &q->seq);
    } else if (text_is(key, "mode")) {
        r = read_mode(s, &q->mode);
    } else if (text_is(key, "session")) {
        r = read_session(s, &q->session);
    } else {
        r = skip_value(s, 0);
    }
    *seen |= bit;
    return r;
}

static int read_object(struct scan *s, struct quote *q, struct decimal *change, unsigned *seen)
{
    struct text key;

    skip_space(s);
    if (!take(s, '{'))
        return -EBADMSG;
    do {
        skip_space(s);
        if (read_string(s, &key) < 0)
            return -EBADMSG;
        skip_space(s);
        if (!take(s, ':'))
            return -EBADMSG;
        skip_space(s);
        if (read_member(s, &key, q, change, seen) < 0)
            return -EBADMSG;
        skip_space(s);
    } while (take(s, ','));
    if (!take(s, '}'))
        return -EBADMSG;
    skip_space(s);
    return s->p == s->end ? 0 : -EBADMSG;
}

int quote_decode(const char *json, size_t len, struct quote *ret)
{
    struct scan s = {json, json + len};
    struct quote q = {0};
    struct decimal change;
    unsigned seen = 0;

    if (!utf8_valid(json, len) || read_object(&s, &q, &change, &seen) < 0 ||
        (seen & REQUIRED) != REQUIRED)
        return -EBADMSG;

    q.known = seen & 0x1f;
    /* Encoding may have left prev_close out and kept what it follows from. */
    if (!(q.known & QUOTE_PREV_CLOSE) && (seen & DERIVED_CHANGE) &&
        decimal_sub(q.price, change, &q.prev_close) == 0)
        q.known |= QUOTE_PREV_CLOSE;
    *ret = q;
    return 0;
}
