#include "gateway/net/conn_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/codec/proxy_head.h"
#include "gateway/net/tls.h"

#include "common/banned.h"

void conn_peer(const struct conn *c, struct sockaddr_storage *ret)
{
    socklen_t len = sizeof(*ret);

    *ret = (struct sockaddr_storage){0};
    if (c->client != NULL)
        *ret = *c->client;
    else
        (void)getpeername(c->source.fd, (struct sockaddr *)ret, &len);
}

int conn_hand_to(struct conn *c, const struct sockaddr_storage *client)
{
    struct sockaddr_storage *copy = malloc(sizeof(*copy));
    struct address *address;
    int r = copy != NULL ? net_admit(c->net, client, &address) : -ENOMEM;

    if (r < 0) {
        free(copy);
        return r;
    }
    *copy = *client;
    free(c->client);
    c->client = copy;
    addresses_leave(&c->net->addresses, c->address);
    c->address = address;
    return 0;
}

/* ---- the PROXY protocol ---- */

/* A proxy that says nothing of the client speaks for itself; and what comes through one on this
 * machine is not from here. */
static void on_announced(struct conn *c, const struct proxy_head *head)
{
    static const char answer[] = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n"
                                 "Retry-After: 10\r\nConnection: close\r\n\r\n";

    c->announced = false;
    c->proxy = head->known && ranges_hold(&c->net->proxies->ranges, &head->client);
    if (!head->known || conn_hand_to(c, &head->client) == 0)
        return;
    if (c->tls == NULL)
        conn_send(c, answer, sizeof(answer) - 1);
    c->handshaking = false;
    tls_free(c->tls);
    c->tls = NULL;
    conn_finish(c);
}

/* Take no byte more than the head has: what follows may be TLS. */
void conn_read_announcement(struct conn *c)
{
    uint8_t bytes[PROXY_HEAD_MAX];
    struct proxy_head head;
    size_t kept = c->in_len, more;
    ssize_t n;
    int len;

    if (kept > 0)
        memcpy(bytes, c->in, kept);
    n = recv(c->source.fd, bytes + kept, sizeof(bytes) - kept, MSG_DONTWAIT | MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    len = n > 0 ? proxy_head_parse(bytes, kept + (size_t)n, &head) : -EPROTO;
    if (len < 0) {
        c->net->stats.refused_proxy++;
        conn_close(c);
        return;
    }
    more = len > 0 ? (size_t)len - kept : (size_t)n;
    (void)!recv(c->source.fd, bytes + kept, more, MSG_DONTWAIT);
    conn_keep_unused(c, bytes, len > 0 ? 0 : kept + more);
    if (len > 0)
        on_announced(c, &head);
}
