#include "common/quote.h"

#include <errno.h>
#include <string.h>

#include "common/json.h"

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
enum {
    DERIVED_CHANGE = 1 << 6,
    DERIVED_PERCENT = 1 << 7,
    WITH_SESSION = 1 << 11,
    WITH_CORRECTION = 1 << 12,
};

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

/* `key` with its comma, quotes and colon, and the value, if the member is present. */
static char *put_member(char *p, const struct quote_view *v, unsigned bit, const char *key,
                        struct decimal value)
{
    if (!(v->present & bit))
        return p;
    p = put(p, key, strlen(key));
    return p + decimal_format(value, p);
}

static char *put_correction(char *p, const struct quote_correction *c)
{
    p = PUT_LITERAL(p, ",\"corrects\":");
    p = put_int(p, c->at.ms);
    p = PUT_LITERAL(p, ",\"wrong\":");
    p += decimal_format(c->wrong, p);
    if (c->has_right) {
        p = PUT_LITERAL(p, ",\"right\":");
        p += decimal_format(c->right, p);
    }
    return p;
}

static size_t write_object(const struct quote_view *v, char buf[LONGEST])
{
    const struct quote *q = v->q;
    const char *mode = quote_mode_name(q->mode), *session = quote_session_name(q->session);
    char *p = buf;

    p = PUT_LITERAL(p, "{\"symbol\":");
    p = json_put_string(p, q->symbol, strlen(q->symbol));
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
    p = PUT_LITERAL(p, "\"");
    if (v->present & WITH_CORRECTION)
        p = put_correction(p, &q->correction);
    *p++ = '}';
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
                                         QUOTE_VOLUME,     WITH_SESSION,    WITH_CORRECTION};
    struct quote_view v = {.q = q, .present = q->known};
    char topic[QUOTE_TOPIC_MAX], json[LONGEST];
    /* Around the payload: type, two bytes of remaining length, two of the topic's length, the topic
     * and, in MQTT 5, an empty list of properties. */
    size_t room = QUOTE_PACKET_MAX - 6 - quote_topic(q->symbol, "", topic);
    size_t len;

    if (q->session != SESSION_UNKNOWN)
        v.present |= WITH_SESSION;
    if (q->correction.at.ms != 0)
        v.present |= WITH_CORRECTION;
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
 * Reading: one flat object. Every function returns 0 or -EBADMSG and leaves `p` behind what it
 * read.
 */

static int read_decimal(struct json_scan *s, struct decimal *ret)
{
    const char *start = s->p;

    if (json_skip_number(s) < 0 || decimal_parse(start, (size_t)(s->p - start), ret) < 0)
        return -EBADMSG;
    return 0;
}

/* Digits only: no producer writes a count or a time with an exponent. */
static int read_uint(struct json_scan *s, uint64_t *ret)
{
    const char *start = s->p;
    uint64_t v = 0;

    if (json_skip_digits(s) == 0 || (*start == '0' && s->p - start > 1))
        return -EBADMSG;
    for (const char *p = start; p < s->p; p++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return -EBADMSG;
    *ret = v;
    return 0;
}

static int read_int(struct json_scan *s, int64_t *ret)
{
    bool negative = json_take(s, '-');
    uint64_t v;

    if (read_uint(s, &v) < 0 || v > (uint64_t)INT64_MAX + negative)
        return -EBADMSG;
    *ret = negative ? (int64_t)-v : (int64_t)v;
    return 0;
}

/* What decode has seen besides quote.known. */
enum {
    SEEN_SYMBOL = 1 << 8,
    SEEN_PRICE = 1 << 9,
    SEEN_TIMESTAMP = 1 << 10,
    SEEN_WRONG = 1 << 13,
    SEEN_RIGHT = 1 << 14,
};
#define REQUIRED (SEEN_SYMBOL | SEEN_PRICE | SEEN_TIMESTAMP)

static int read_symbol(struct json_scan *s, char ret[SYMBOL_MAX + 1])
{
    struct json_text text;

    if (json_read_string(s, &text) < 0 || symbol_normalize(text.bytes, text.len, ret) < 0)
        return -EBADMSG;
    return 0;
}

static int read_mode(struct json_scan *s, uint8_t *ret)
{
    struct json_text text;

    if (json_read_string(s, &text) < 0)
        return -EBADMSG;
    for (unsigned mode = MODE_DEMO; mode <= MODE_LIVE; mode++)
        if (json_text_is(&text, quote_mode_name(mode))) {
            *ret = (uint8_t)mode;
            return 0;
        }
    return -EBADMSG;
}

/* A session that we do not know is none: others may come. */
static int read_session(struct json_scan *s, uint8_t *ret)
{
    struct json_text text;

    if (json_read_string(s, &text) < 0)
        return -EBADMSG;
    *ret = SESSION_UNKNOWN;
    for (unsigned session = SESSION_PRE; session <= SESSION_CLOSED; session++)
        if (json_text_is(&text, quote_session_name(session)))
            *ret = (uint8_t)session;
    return 0;
}

/* The decimal that `key` names, and its bit; NULL for another key. `change` has a place of its own,
 * since it may tell prev_close. */
static struct decimal *decimal_member(struct quote *q, struct decimal *change,
                                      const struct json_text *key, unsigned *ret_bit)
{
    const struct {
        const char *key;
        struct decimal *value;
        unsigned bit;
    } members[] = {
        {"price", &q->price, SEEN_PRICE},
        {"change", change, DERIVED_CHANGE},
        {"open", &q->open, QUOTE_OPEN},
        {"high", &q->high, QUOTE_HIGH},
        {"low", &q->low, QUOTE_LOW},
        {"prev_close", &q->prev_close, QUOTE_PREV_CLOSE},
        {"volume", &q->volume, QUOTE_VOLUME},
        {"wrong", &q->correction.wrong, SEEN_WRONG},
        {"right", &q->correction.right, SEEN_RIGHT},
    };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (json_text_is(key, members[i].key)) {
            *ret_bit = members[i].bit;
            return members[i].value;
        }
    return NULL;
}

static int read_member(struct json_scan *s, const struct json_text *key, struct quote *q,
                       struct decimal *change, unsigned *seen)
{
    unsigned bit = 0;
    struct decimal *value = decimal_member(q, change, key, &bit);
    int r;

    if (value != NULL) {
        r = read_decimal(s, value);
    } else if (json_text_is(key, "symbol")) {
        bit = SEEN_SYMBOL;
        r = read_symbol(s, q->symbol);
    } else if (json_text_is(key, "timestamp")) {
        bit = SEEN_TIMESTAMP;
        r = read_int(s, &q->timestamp.ms);
    } else if (json_text_is(key, "corrects")) {
        r = read_int(s, &q->correction.at.ms);
    } else if (json_text_is(key, "seq")) {
        r = read_uint(s, &q->seq);
    } else if (json_text_is(key, "mode")) {
        r = read_mode(s, &q->mode);
    } else if (json_text_is(key, "session")) {
        r = read_session(s, &q->session);
    } else {
        r = json_skip_value(s);
    }
    *seen |= bit;
    return r;
}

static int read_object(struct json_scan *s, struct quote *q, struct decimal *change, unsigned *seen)
{
    struct json_text key;

    json_skip_space(s);
    if (!json_take(s, '{'))
        return -EBADMSG;
    do {
        json_skip_space(s);
        if (json_read_string(s, &key) < 0)
            return -EBADMSG;
        json_skip_space(s);
        if (!json_take(s, ':'))
            return -EBADMSG;
        json_skip_space(s);
        if (read_member(s, &key, q, change, seen) < 0)
            return -EBADMSG;
        json_skip_space(s);
    } while (json_take(s, ','));
    if (!json_take(s, '}'))
        return -EBADMSG;
    json_skip_space(s);
    return s->p == s->end ? 0 : -EBADMSG;
}

int quote_decode(const char *json, size_t len, struct quote *ret)
{
    struct json_scan s = {json, json + len};
    struct quote q = {0};
    struct decimal change;
    unsigned seen = 0;

    if (!utf8_valid(json, len) || read_object(&s, &q, &change, &seen) < 0 ||
        (seen & REQUIRED) != REQUIRED)
        return -EBADMSG;

    q.known = seen & 0x1f;
    q.correction.has_right = seen & SEEN_RIGHT;
    if (q.correction.at.ms == 0 || !(seen & SEEN_WRONG))
        q.correction = (struct quote_correction){0};
    /* Encoding may have left prev_close out and kept what it follows from. */
    if (!(q.known & QUOTE_PREV_CLOSE) && (seen & DERIVED_CHANGE) &&
        decimal_sub(q.price, change, &q.prev_close) == 0)
        q.known |= QUOTE_PREV_CLOSE;
    *ret = q;
    return 0;
}
