#include "gateway/net/conn_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/net/tls.h"

#include "common/banned.h"

#define READS_PER_TURN 4 /* of one connection, so that nobody starves the others */

/* Hand `bytes` to the protocol until it wants no more. Returns how many were used. */
static size_t feed(struct conn *c, uint8_t *bytes, size_t len)
{
    size_t used = 0;

    while (used < len && !c->closed && !c->finishing) {
        const struct protocol *p = c->protocol;
        size_t n = p->bytes(c, bytes + used, len - used);
        used += n;
        if (n == 0 && p == c->protocol)
            break;
    }
    return c->finishing ? len : used;
}

void conn_keep_unused(struct conn *c, const uint8_t *bytes, size_t len)
{
    uint8_t *kept = NULL;

    if (len > 0 && !c->closed) {
        if (len <= c->protocol->keep_max)
            kept = malloc(len);
        else
            c->net->stats.overrun++;
        if (kept == NULL) {
            conn_close(c);
            len = 0;
        } else {
            memcpy(kept, bytes, len);
        }
    }
    free(c->in);
    c->in = kept;
    c->in_len = kept != NULL ? (uint32_t)len : 0;
}

void conn_retry_input(struct conn *c)
{
    uint8_t *bytes = c->in;
    size_t len = c->in_len, used;

    if (len == 0)
        return;
    c->in = NULL;
    c->in_len = 0;
    used = feed(c, bytes, len);
    conn_keep_unused(c, bytes + used, len - used);
    free(bytes);
}

/* The peer sends no more; it still gets what it was promised. */
static void peer_is_done(struct conn *c)
{
    c->peer_done = true;
    if (!conn_has_output(c)) {
        conn_close(c);
        return;
    }
    conn_finish(c);
    loop_change(c->net->loop, &c->source, EPOLLOUT);
}

/* As recv() does it. */
static ssize_t receive(struct conn *c, uint8_t *buf, size_t cap)
{
    long n;

    if (c->tls == NULL)
        return recv(c->source.fd, buf, cap, MSG_DONTWAIT);
    n = tls_read(c->tls, buf, cap);
    if (n >= 0)
        return n;
    if (n != -EAGAIN)
        conn_close(c);
    errno = EAGAIN;
    return -1;
}

/* Returns whether more may be waiting. */
static bool read_once(struct conn *c)
{
    uint8_t *buffer = c->net->read_buffer;
    size_t kept = c->in_len, used;
    size_t room = READ_MAX - kept; /* a whole record at least */
    ssize_t n = receive(c, buffer + kept, room);

    if (n < 0)
        return errno == EINTR;
    if (n == 0) {
        peer_is_done(c);
        return false;
    }
    if (kept > 0)
        memcpy(buffer, c->in, kept);
    used = feed(c, buffer, kept + (size_t)n);
    conn_keep_unused(c, buffer + used, kept + (size_t)n - used);
    return (size_t)n == room;
}

void conn_read(struct conn *c)
{
    for (int i = 0; i < READS_PER_TURN && !c->closed && !conn_waits(c) && read_once(c); i++)
        ;
}
