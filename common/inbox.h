/*
 * inbox -- plain messages on their way from a broker (PUBLISH, QoS 0, no properties), many of them
 * read at once: libmosquitto makes four system calls and five allocations for each. Whatever else
 * comes stays in the socket, for the library to read.
 *
 * So the library must be between two packets when inbox_read() is called, and is so again after it.
 * The caller owns the buffer and the socket; one thread, that of the broker's owner.
 */
#ifndef TAPECAST_COMMON_INBOX_H
#define TAPECAST_COMMON_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/broker.h"

#define INBOX_MAX 32768 /* bytes read at once; a longer message is the library's */

struct inbox {
    uint8_t data[INBOX_MAX];
};

typedef void inbox_message(void *ctx, const struct broker_message *m);

/* How many of the `len` bytes, which begin with a packet, are whole plain messages. Pure. */
size_t inbox_measure(const uint8_t *bytes, size_t len, bool mqtt5);

/* Hand on the messages that inbox_measure() found in the first `len` bytes; it writes to them.
 * Returns their number. */
size_t inbox_deliver(uint8_t *bytes, size_t len, bool mqtt5, inbox_message *each, void *ctx);

enum inbox_state {
    INBOX_EMPTY, /* nothing is left in the socket: it says when there is more */
    INBOX_MORE,  /* something may be left */
    INBOX_OTHER, /* what is next is for the library: another packet, a part of one, the end */
};

/* Take the plain messages that wait in the socket, INBOX_MAX bytes at most, and hand them to
 * `each`, which may close it. *ret_n: how many. Does not block. */
enum inbox_state inbox_read(struct inbox *i, int fd, bool mqtt5, inbox_message *each, void *ctx,
                            size_t *ret_n);

#endif
