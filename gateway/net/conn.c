#include "gateway/net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/codec/proxy_head.h"
#include "gateway/net/tls.h"

#include "common/banned.h"

#define READS_PER_TURN 4 /* of one connection, so that nobody starves the others */
#define LINGER_MS 2000
#define UNSENT_MAX                                                                                 \
    131072 /* bytes the kernel may hold unsent: what a reader that stalls must read before news */

#define SEALED_PER_CALL (16 * TLS_RECORD_MAX) /* of one connection, as above */
#define HANDSHAKES_PER_TURN_NS                                                                     \
    2000000 /* one takes up to a millisecond: what is over waits for the next turn */

static void on_ready(struct source *s, uint32_t events);
static void on_wire_bytes(void *owner, const uint8_t *bytes, size_t len);
static void on_deadline(struct deadline *d, struct mono now);
static void shake_hands(struct conn *c);

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
        r = tls_new_client(n->tls, fd, host, on_wire_bytes, c, &c->tls);
    else if (n->tls != NULL)
        r = tls_new(n->tls, fd, on_wire_bytes, c, &c->tls);
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
        shake_hands(c);
    else
        p->ready(c);
    return 0;
}

/* ---- who it is for ---- */

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

/* ---- out ---- */

bool conn_has_output(const struct conn *c)
{
    return c->out_len > 0 || c->body != NULL;
}

/* What came before is to be dealt with first. */
static bool waits(const struct conn *c)
{
    return c->paused || c->yielding || (c->protocol->takes_turns && conn_has_output(c));
}

static void watch(struct conn *c)
{
    uint32_t in = c->peer_done || waits(c) ? 0 : EPOLLIN;
    uint32_t out = conn_has_output(c) || c->yielding ? EPOLLOUT : 0;

    loop_change(c->net->loop, &c->source, in | out);
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
        watch(c);
}

static void on_wire_bytes(void *owner, const uint8_t *bytes, size_t len)
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
    c->net->rests -= c->rest_len;
    c->rest_len = 0;
}

void conn_send_rest(struct conn *c, const uint8_t *bytes, size_t len)
{
    if (len > CONN_OUT_MAX && !c->closed) {
        if (c->net->rests + len > CONN_RESTS_MAX) {
            c->net->stats.overrun++;
            conn_close(c);
            return;
        }
        c->net->rests += len;
        c->rest_len += (uint32_t)len;
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
        watch(c);
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
        loop_change(c->net->loop, &c->source, (waits(c) ? 0 : EPOLLIN) | EPOLLOUT);
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
    if (c->out_len > 0)
        write_out(c);
    if (!c->closed && c->out_len == 0 && c->body != NULL)
        write_body(c);
    if (c->closed || conn_has_output(c))
        return;
    if (c->peer_done) {
        conn_close(c);
        return;
    }
    c->yielding = false;
    watch(c); /* drained() asks for more events if it needs them */
    if (c->finishing)
        say_no_more(c);
    else if (c->protocol->drained != NULL && !c->handshaking)
        c->protocol->drained(c);
}

/* ---- in ---- */

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

static void keep_unused(struct conn *c, const uint8_t *bytes, size_t len)
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
    keep_unused(c, bytes + used, len - used);
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
    keep_unused(c, buffer + used, kept + (size_t)n - used);
    return (size_t)n == room;
}

/* ---- TLS ---- */

/* No TLS: go on in the clear, for as long as it takes to say so. */
static void refuse_in_the_clear(struct conn *c)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 53\r\nConnection: close\r\n\r\n"
                                 "This port speaks TLS: use https:// (wss://) instead.\n";

    conn_send(c, answer, sizeof(answer) - 1);
}

static void shake_hands(struct conn *c)
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
static void read_announcement(struct conn *c)
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
    keep_unused(c, bytes, len > 0 ? 0 : kept + more);
    if (len > 0)
        on_announced(c, &head);
}

static void on_ready(struct source *s, uint32_t events)
{
    struct conn *c = CONTAINER_OF(s, struct conn, source);

    if (c->announced) {
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            read_announcement(c);
        return;
    }
    if (c->handshaking && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        if (c->net->handshakes_ns <= HANDSHAKES_PER_TURN_NS) /* else epoll says it again */
            shake_hands(c);
        return; /* bytes that are there already bring the next event */
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        for (int i = 0; i < READS_PER_TURN && !c->closed && !waits(c) && read_once(c); i++)
            ;
    if (!c->closed && ((events & EPOLLERR) || (c->paused && (events & EPOLLHUP))))
        conn_close(c);
    if (!c->closed && (events & EPOLLOUT))
        on_writable(c);
}

void conn_pause(struct conn *c)
{
    c->paused = true;
    if (!c->closed)
        watch(c);
}

void conn_resume(struct conn *c)
{
    c->paused = false;
    if (!c->closed)
        watch(c);
}

void conn_yield(struct conn *c)
{
    c->yielding = true;
    if (!c->closed)
        watch(c);
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
        end_body(c);
        forget_rest(c);
        addresses_leave(&n->addresses, c->address);
        tls_free(c->tls);
        grant_unref(c->grant);
        free(c->client);
        free(c->in);
        free(c->out);
        free(c);
    }
}
