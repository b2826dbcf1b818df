#include "common/outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/banned.h"

#define PUBLISH 0x30
#define RETAIN 0x01
#define LENGTH_MAX 4 /* bytes of a remaining length */

static size_t remaining(bool mqtt5, size_t topic_len, size_t len)
{
    return 2 + topic_len + mqtt5 + len; /* MQTT 5: no properties, in one byte */
}

static size_t length_size(size_t n)
{
    return n < 1 << 7 ? 1 : n < 1 << 14 ? 2 : n < 1 << 21 ? 3 : LENGTH_MAX;
}

size_t outbox_size(bool mqtt5, size_t topic_len, size_t len)
{
    size_t n = remaining(mqtt5, topic_len, len);

    return 1 + length_size(n) + n;
}

static uint8_t *put(uint8_t *p, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(p, bytes, len);
    return p + len;
}

int outbox_add(struct outbox *o, bool mqtt5, const char *topic, const void *payload, size_t len,
               bool retain)
{
    size_t topic_len = strlen(topic), n = remaining(mqtt5, topic_len, len);
    uint8_t *p = o->data + o->len;

    if (topic_len > UINT16_MAX || len > OUTBOX_MAX ||
        outbox_size(mqtt5, topic_len, len) > OUTBOX_MAX - o->len)
        return -ENOBUFS;
    *p++ = PUBLISH | (retain ? RETAIN : 0);
    for (; n >= 0x80; n >>= 7)
        *p++ = (uint8_t)(n | 0x80);
    *p++ = (uint8_t)n;
    *p++ = (uint8_t)(topic_len >> 8);
    *p++ = (uint8_t)topic_len;
    p = put(p, topic, topic_len);
    if (mqtt5)
        *p++ = 0;
    p = put(p, payload, len);
    o->len = (size_t)(p - o->data);
    return 0;
}

int outbox_send(struct outbox *o, int fd)
{
    while (o->sent < o->len) {
        ssize_t n = send(fd, o->data + o->sent, o->len - o->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EWOULDBLOCK ? -EAGAIN : -errno;
        o->sent += (size_t)n;
    }
    outbox_clear(o);
    return 0;
}

void outbox_clear(struct outbox *o)
{
    o->len = o->sent = 0;
}
