#include "common/inbox.h"

#include <errno.h>
#include <mosquitto.h>
#include <string.h>
#include <sys/socket.h>

#include "common/banned.h"

#define PUBLISH 0x30 /* QoS 0, no duplicate */
#define RETAIN 0x01
#define LENGTH_MAX 4 /* bytes of a remaining length */

struct plain {
    size_t size; /* of the whole packet */
    size_t topic_at, topic_len;
    size_t len; /* of the payload, its last bytes */
    bool retain;
};

/* The remaining length at `p`. Returns its size; 0 there is no whole one. */
static size_t read_length(const uint8_t *p, size_t cap, size_t *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < cap && i < LENGTH_MAX; i++) {
        n |= (size_t)(p[i] & 0x7f) << (7 * i);
        if (p[i] < 0x80) {
            *ret = n;
            return i + 1;
        }
    }
    return 0;
}

/* Is there a whole plain message at `p`, but for what its topic says? */
static bool parse(const uint8_t *p, size_t cap, bool mqtt5, struct plain *ret)
{
    size_t remaining, head, fixed;

    if (cap < 1 || (p[0] & ~RETAIN) != PUBLISH)
        return false;
    head = 1 + read_length(p + 1, cap - 1, &remaining);
    if (head == 1 || remaining < 2 || remaining > cap - head)
        return false;
    ret->size = head + remaining;
    ret->retain = p[0] & RETAIN;
    p += head;
    ret->topic_len = (size_t)(p[0] << 8 | p[1]);
    fixed = 2 + ret->topic_len + mqtt5;
    if (fixed > remaining || (mqtt5 && p[fixed - 1] != 0))
        return false;
    ret->topic_at = head + 2;
    ret->len = remaining - fixed;
    return true;
}

/* What the library would complain of is left to it. */
static bool has_topic(const uint8_t *p, const struct plain *m)
{
    return m->topic_len > 0 && mosquitto_validate_utf8((const char *)p + m->topic_at,
                                                       (int)m->topic_len) == MOSQ_ERR_SUCCESS;
}

size_t inbox_measure(const uint8_t *bytes, size_t len, bool mqtt5)
{
    struct plain m;
    size_t at = 0;

    while (parse(bytes + at, len - at, mqtt5, &m) && has_topic(bytes + at, &m))
        at += m.size;
    return at;
}

size_t inbox_deliver(uint8_t *bytes, size_t len, bool mqtt5, inbox_message *each, void *ctx)
{
    struct plain m;
    size_t n = 0;

    for (uint8_t *p = bytes; parse(p, (size_t)(bytes + len - p), mqtt5, &m); p += m.size, n++) {
        char *topic = (char *)p + m.topic_at - 1; /* its length is no longer needed */
        struct broker_message out = {
            .topic = topic, .payload = p + m.size - m.len, .len = m.len, .retain = m.retain};

        memmove(topic, topic + 1, m.topic_len);
        topic[m.topic_len] = '\0';
        each(ctx, &out);
    }
    return n;
}

enum inbox_state inbox_read(struct inbox *i, int fd, bool mqtt5, inbox_message *each, void *ctx,
                            size_t *ret_n)
{
    ssize_t n = recv(fd, i->data, INBOX_MAX, MSG_PEEK | MSG_DONTWAIT);
    size_t len;

    *ret_n = 0;
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? INBOX_EMPTY : INBOX_OTHER;
    len = inbox_measure(i->data, (size_t)n, mqtt5);
    if (len == 0)
        return INBOX_OTHER;
    (void)!recv(fd, i->data, len, MSG_TRUNC | MSG_DONTWAIT); /* they are there: copies nothing */
    *ret_n = inbox_deliver(i->data, len, mqtt5, each, ctx);
    if (n == INBOX_MAX)
        return INBOX_MORE;
    return len == (size_t)n ? INBOX_EMPTY : INBOX_OTHER;
}
