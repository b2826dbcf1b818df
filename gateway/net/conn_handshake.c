#include "gateway/net/conn_internal.h"

#include <errno.h>

#include "gateway/net/tls.h"

#include "common/banned.h"

/* No TLS: go on in the clear, for as long as it takes to say so. */
static void refuse_in_the_clear(struct conn *c)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 53\r\nConnection: close\r\n\r\n"
                                 "This port speaks TLS: use https:// (wss://) instead.\n";

    conn_send(c, answer, sizeof(answer) - 1);
}

void conn_shake_hands(struct conn *c)
{
    struct net *n = c->net;
    struct mono begin = mono_now();
    int r;

    r = tls_handshake(c->tls);
    n->handshakes_ns += mono_now().ns - begin.ns;
    if (r == -EAGAIN || c->closed)
        return;
    c->handshaking = false;
    if (r == 0) {
        n->stats.handshakes++;
        if (c->ours)
            c->protocol->ready(c);
        return;
    }
    n->stats.handshakes_failed++;
    if (c->ours) {
        conn_close(c);
        return;
    }
    tls_free(c->tls);
    c->tls = NULL;
    if (r == -EPROTOTYPE)
        refuse_in_the_clear(c);
    conn_finish(c);
}
