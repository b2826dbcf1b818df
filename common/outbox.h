/*
 * outbox -- small messages with QoS 0 on their way to a broker, encoded (MQTT 3.1.1 or 5), so that
 * many leave with one write: libmosquitto makes two system calls for each.
 *
 *     0 ...... sent ...... len ...... OUTBOX_MAX
 *     |  gone  |  to send  |  free    |
 *
 * Pure but for outbox_send(); all zero at first.
 */
#ifndef TAPECAST_COMMON_OUTBOX_H
#define TAPECAST_COMMON_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define OUTBOX_MAX 16384

struct outbox {
    size_t len, sent;
    uint8_t data[OUTBOX_MAX];
};

/* The bytes of such a message. */
size_t outbox_size(bool mqtt5, size_t topic_len, size_t len);

/* Returns 0; -ENOBUFS there is no room for it. */
MUST_CHECK int outbox_add(struct outbox *o, bool mqtt5, const char *topic, const void *payload,
                          size_t len, bool retain);

/* Returns 0 when all is gone; -EAGAIN the rest waits for the socket: nobody else may write to it
 * until it is gone, too; or the errno of a connection that has ended. */
MUST_CHECK int outbox_send(struct outbox *o, int fd);

void outbox_clear(struct outbox *o);

static inline bool outbox_is_empty(const struct outbox *o)
{
    return o->len == 0;
}

#endif
