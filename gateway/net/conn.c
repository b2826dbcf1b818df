#include "gateway/net/conn_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/net/tls.h"

#include "common/banned.h"

#define LINGER_MS 2000
#define UNSENT_MAX                                                                                 \
    131072 /* bytes the kernel may hold unsent: what a reader that stalls must read before news */
#define HANDSHAKES_PER_TURN_NS                                                                     \
    2000000 /* one takes up to a millisecond: what is over waits for the next turn */

static void on_ready(struct source *s, uint32_t events);
static void on_deadline(struct deadline *d, struct mono now);

static void set_up_socket(int fd)
{
    int on = 1, unsent = UNSENT_MAX, idle = 60, interval = 20, probes = 3;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* `host`: the server's that it was made to; NULL when it was accepted. */
static int open_socket(struct net *n, int fd, const char *host, const struct protocol *p,
                       struct conn **ret)
{
    struct conn *c = calloc(1, sizeof(*c));
    int r = 0;

    if (c == NULL) {
        close(fd);
        return -ENOMEM;
    }
    set_up_socket(fd);
    c->source.ready = on_ready;
    if (n->tls != NULL && host != NULL)
        r = tls_new_client(n->tls, fd, host, conn_take_sealed, c, &c->tls);
    else if (n->tls != NULL)
        r = tls_new(n->tls, fd, conn_take_sealed, c, &c->tls);
    if (r < 0)
        goto failed;
    c->handshaking = c->tls != NULL;
    r = loop_add(n->loop, &c->source, fd, EPOLLIN);
    if (r < 0)
        goto failed;
    c->net = n;
    c->ours = host != NULL;
    c->protocol = p;
    deadline_init(&c->deadline, on_deadline);
    conn_expire_at(c, mono_add_ms(mono_now(), n->limits.handshake_ms));
    list_init(&c->link);
    list_append(&n->conns, &c->link);
    n->n_conns++;
    *ret = c;
    return 0;
failed:
    close(fd);
    tls_free(c->tls);
    free(c);
    return r;
}

int conn_open(struct net *n, int fd, struct address *address, bool loopback, bool proxy)
{
    struct conn *c;
    int r = open_socket(n, fd, NULL, n->first, &c);

    if (r < 0)
        return r;
    c->address = address;
    c->loopback = loopback;
    c->proxy = proxy;
    c->announced = proxy && n->proxies->announce;
    return 0;
}

int conn_open_to(struct net *n, int fd, const char *host, const struct protocol *p, void *state,
                 struct conn **ret)
{
    struct conn *c;
    int r = open_socket(n, fd, host, p, &c);

    if (r < 0)
        return r;
    c->state = state;
    *ret = c;
    if (c->handshaking)
        conn_shake_hands(c);
    else
        p->ready(c);
    return 0;
}

/* ---- events ---- */

bool conn_waits(const struct conn *c)
{
    return c->paused || c->yielding || (c->protocol->takes_turns && conn_has_output(c));
}

void conn_watch(struct conn *c)
{
    uint32_t in = c->peer_done || conn_waits(c) ? 0 : EPOLLIN;
    uint32_t out = conn_has_output(c) || c->yielding ? EPOLLOUT : 0;

    loop_change(c->net->loop, &c->source, in | out);
}

/* Everything is out: the peer has a moment to take it and to close. */
static void say_no_more(struct conn *c)
{
    if (c->tls != NULL)
        tls_say_goodbye(c->tls);
    if (c->closed || conn_has_output(c))
        return; /* on_writable() comes back here */
    (void)shutdown(c->source.fd, SHUT_WR);
    deadline_set(c->net->loop, &c->deadline, mono_add_ms(mono_now(), LINGER_MS));
}

static void on_writable(struct conn *c)
{
    conn_flush(c);
    if (c->closed || conn_has_output(c))
        return;
    if (c->peer_done) {
        conn_close(c);
        return;
    }
    c->yielding = false;
    conn_watch(c); /* drained() asks for more events if it needs them */
    if (c->finishing)
        say_no_more(c);
    else if (c->protocol->drained != NULL && !c->handshaking)
        c->protocol->drained(c);
}

static void on_ready(struct source *s, uint32_t events)
{
    struct conn *c = CONTAINER_OF(s, struct conn, source);

    if (c->announced) {
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            conn_read_announcement(c);
        return;
    }
    if (c->handshaking && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        if (c->net->handshakes_ns <= HANDSHAKES_PER_TURN_NS) /* else epoll says it again */
            conn_shake_hands(c);
        return; /* bytes that are there already bring the next event */
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        conn_read(c);
    if (!c->closed && ((events & EPOLLERR) || (c->paused && (events & EPOLLHUP))))
        conn_close(c);
    if (!c->closed && (events & EPOLLOUT))
        on_writable(c);
}

void conn_pause(struct conn *c)
{
    c->paused = true;
    if (!c->closed)
        conn_watch(c);
}

void conn_resume(struct conn *c)
{
    c->paused = false;
    if (!c->closed)
        conn_watch(c);
}

void conn_yield(struct conn *c)
{
    c->yielding = true;
    if (!c->closed)
        conn_watch(c);
}

void conn_become(struct conn *c, const struct protocol *p, void *state)
{
    c->protocol = p;
    c->state = state;
}

/* ---- the end ---- */

static void on_deadline(struct deadline *d, struct mono now)
{
    struct conn *c = CONTAINER_OF(d, struct conn, deadline);

    if (c->closed)
        return;
    if (c->finishing || c->handshaking || c->announced)
        conn_close(c);
    else
        c->protocol->expired(c, now);
}

void conn_expire_at(struct conn *c, struct mono at)
{
    if (!c->finishing && !c->closed)
        deadline_set(c->net->loop, &c->deadline, at);
}

void conn_finish(struct conn *c)
{
    if (c->closed || c->finishing)
        return;
    if (c->body == NULL) /* a body has the time that it was given */
        conn_expire_at(c, mono_add_ms(mono_now(), LINGER_MS));
    c->finishing = true;
    if (!conn_has_output(c))
        say_no_more(c);
}

void conn_close(struct conn *c)
{
    int fd = c->source.fd;

    if (c->closed)
        return;
    c->closed = true;
    if (c->tls != NULL && !c->handshaking && c->out_len == 0)
        tls_say_goodbye(c->tls);
    deadline_clear(&c->deadline);
    loop_remove(c->net->loop, &c->source);
    close(fd);
    list_move_to_end(&c->net->gone, &c->link);
    c->net->n_conns--;
    c->net->stats.closed++;
}

void net_reap(struct net *n)
{
    n->handshakes_ns = 0;
    while (!list_empty(&n->gone)) {
        struct conn *c = CONTAINER_OF(n->gone.next, struct conn, link);
        list_remove(&c->link);
        c->protocol->end(c);
        conn_drop_output(c);
        addresses_leave(&n->addresses, c->address);
        tls_free(c->tls);
        grant_unref(c->grant);
        free(c->client);
        free(c->in);
        free(c);
    }
}
