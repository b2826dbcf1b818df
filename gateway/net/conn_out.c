#include "gateway/net/conn_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/net/tls.h"

#include "common/banned.h"

#define SEALED_PER_CALL                                                                            \
    (16 * TLS_RECORD_MAX) /* of one connection, so that nobody starves the others */

bool conn_has_output(const struct conn *c)
{
    return c->out_len > 0 || c->body != NULL;
}

/* What the socket takes at once; 0 when full or broken, the latter closing the connection. */
static size_t send_plain(struct conn *c, const uint8_t *bytes, size_t len)
{
    ssize_t n;

    do
        n = send(c->source.fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return (size_t)n;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        conn_close(c);
    return 0;
}

static bool keep_for_later(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t need = (size_t)c->out_len + len;

    if (need > (size_t)CONN_OUT_MAX + c->rest_len) {
        c->net->stats.overrun++;
        return false;
    }
    if (c->out_at > 0 && c->out_at + need > c->out_cap) {
        memmove(c->out, c->out + c->out_at, c->out_len);
        c->out_at = 0;
    }
    if (c->out_at + need > c->out_cap) {
        uint8_t *bigger = realloc(c->out, need);
        if (bigger == NULL)
            return false;
        c->out = bigger;
        c->out_cap = (uint32_t)need;
    }
    memcpy(c->out + c->out_at + c->out_len, bytes, len);
    c->out_len = (uint32_t)need;
    return true;
}

/* Bytes as they go over the wire: now or later, all of them. */
static void send_wire(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t n = c->out_len == 0 ? send_plain(c, bytes, len) : 0;

    if (c->closed || n == len)
        return;
    if (!keep_for_later(c, bytes + n, len - n))
        conn_close(c);
    else
        conn_watch(c);
}

void conn_take_sealed(void *owner, const uint8_t *bytes, size_t len)
{
    struct conn *c = owner;

    if (!c->closed)
        send_wire(c, bytes, len);
    else if (c->source.fd >= 0) /* the goodbye */
        (void)!send(c->source.fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Returns how many bytes are done with. */
static size_t seal(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t n = len < TLS_RECORD_MAX ? len : TLS_RECORD_MAX;

    if (tls_write(c->tls, bytes, n) < 0)
        conn_close(c);
    return n;
}

/* What the socket takes at once. Under TLS that is counted in records: of the last one the out
 * buffer may keep a part. */
static size_t send_now(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t n = 0;

    if (c->tls == NULL)
        return send_plain(c, bytes, len);
    while (n < len && n < SEALED_PER_CALL && !c->closed && c->out_len == 0)
        n += seal(c, bytes + n, len - n);
    return n;
}

void conn_send(struct conn *c, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    size_t n = 0;

    if (c->tls == NULL && len > 0 && !c->closed)
        send_wire(c, p, len);
    while (c->tls != NULL && n < len && !c->closed)
        n += seal(c, p + n, len - n);
}

static void forget_rest(struct conn *c)
{
    (void)net_keep_rests(c->net, &c->rest_len, 0);
}

void conn_send_rest(struct conn *c, const uint8_t *bytes, size_t len)
{
    if (c->closed)
        return;
    if (!net_keep_rests(c->net, &c->rest_len, c->rest_len + len)) {
        conn_close(c);
        return;
    }
    conn_send(c, bytes, len);
    if (c->out_len == 0)
        forget_rest(c);
}

static void end_body(struct conn *c)
{
    void (*done)(void *owner) = c->body_done;

    c->body = NULL;
    c->body_len = 0;
    c->body_done = NULL;
    if (done != NULL)
        done(c->body_owner);
}

static void write_body(struct conn *c)
{
    size_t n = send_now(c, c->body, c->body_len);

    c->body += n;
    c->body_len -= n;
    if (c->body_len == 0)
        end_body(c);
}

void conn_send_body(struct conn *c, const uint8_t *bytes, size_t len, void (*done)(void *owner),
                    void *owner)
{
    c->body = bytes;
    c->body_len = len;
    c->body_done = done;
    c->body_owner = owner;
    if (c->out_len == 0)
        write_body(c);
    if (!c->closed)
        conn_watch(c);
}

size_t conn_write(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t n;

    if (c->closed)
        return len;
    if (conn_has_output(c))
        return 0;
    n = send_now(c, bytes, len);
    if (c->closed)
        return len;
    if (n < len)
        loop_change(c->net->loop, &c->source, (conn_waits(c) ? 0 : EPOLLIN) | EPOLLOUT);
    return n;
}

static void write_out(struct conn *c)
{
    size_t n = send_plain(c, c->out + c->out_at, c->out_len);

    c->out_at += (uint32_t)n;
    c->out_len -= (uint32_t)n;
    if (c->out_len == 0) {
        free(c->out);
        c->out = NULL;
        c->out_at = c->out_cap = 0;
        forget_rest(c);
    }
}

void conn_flush(struct conn *c)
{
    if (c->out_len > 0)
        write_out(c);
    if (!c->closed && c->out_len == 0 && c->body != NULL)
        write_body(c);
}

void conn_drop_output(struct conn *c)
{
    end_body(c);
    forget_rest(c);
    free(c->out);
}
