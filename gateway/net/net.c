#include "gateway/net/net.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "gateway/net/conn.h"
#include "gateway/net/tls.h"

#include "common/banned.h"

_Static_assert(READ_MAX == READ_BUFFER + TLS_RECORD_MAX, "a read takes a whole record");

#define ACCEPTS_PER_TURN 64
#define PAUSE_MS 1000 /* without descriptors, accepting waits this long */

/* Split "host:port" or "[host]:port". */
static int split(const char *address, char *host, size_t cap, const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon != NULL ? (size_t)(colon - address) : 0;

    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    if (len == 0 || len >= cap)
        return -EINVAL;
    memcpy(host, address, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return 0;
}

static int bind_listener(const struct addrinfo *ai, bool shared_port)
{
    int on = 1, r;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (shared_port)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

/* A listening descriptor, or a negative errno after logging. */
static int listen_on(const char *address, bool shared_port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    char host[256];
    const char *port;
    int r;

    if (split(address, host, sizeof(host), &port) < 0) {
        log_error("--listen takes HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, not \"%s\"",
                  address);
        return -EINVAL;
    }
    r = getaddrinfo(host, port, &hints, &found);
    if (r != 0) {
        log_error("cannot listen on %s: %s", address, gai_strerror(r));
        return -EINVAL;
    }
    r = bind_listener(found, shared_port);
    freeaddrinfo(found);
    if (r == -EADDRINUSE)
        log_error("cannot listen on %s: the port is taken; choose another with --listen", address);
    else if (r < 0)
        log_error("cannot listen on %s: %s", address, strerror(-r));
    return r;
}

static int accept_error(struct net *n, int err)
{
    if (err != EMFILE && err != ENFILE && err != ENOBUFS && err != ENOMEM)
        return -err; /* nobody waits, or one who gave up */
    if (n->stats.refused_descriptors++ == 0)
        log_warn("out of file descriptors: new connections wait; raise `ulimit -n`");
    loop_change(n->loop, &n->listener, 0);
    deadline_set(n->loop, &n->listener_pause, mono_add_ms(mono_now(), PAUSE_MS));
    return -err;
}

/* What the peer has sent is read first: closing with bytes unread would reset the connection, and
 * with it the answer. Under TLS there is none: a handshake would cost more than what is refused. */
static void refuse(const struct net *n, int fd, const char *answer)
{
    uint8_t unread[4096];

    (void)recv(fd, unread, sizeof(unread), MSG_DONTWAIT);
    if (n->tls == NULL)
        (void)send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

#define REFUSAL(status)                                                                            \
    "HTTP/1.1 " status "\r\nContent-Length: 0\r\nRetry-After: 10\r\nConnection: close\r\n\r\n"

unsigned net_take(struct net *n, enum quota_kind kind, const struct sockaddr_storage *peer)
{
    uint8_t key[ADDRESS_KEY_LEN];
    unsigned wait_s;

    address_key(peer, key);
    wait_s = quota_take(&n->quotas, kind, n->limits.per_s[kind], key, sizeof(key), mono_now());
    n->stats.refused_rate[kind] += wait_s > 0;
    return wait_s;
}

int net_admit(struct net *n, const struct sockaddr_storage *peer, struct address **ret)
{
    int r = addresses_enter(&n->addresses, peer, n->limits.max_per_address, ret);

    if (r == -EDQUOT)
        n->stats.refused_address++;
    if (r < 0 || *ret == NULL || net_take(n, QUOTA_CONNECT, peer) == 0)
        return r;
    addresses_leave(&n->addresses, *ret);
    return -EDQUOT;
}

static size_t counted(size_t rests)
{
    return rests > CONN_OUT_MAX ? rests : 0;
}

bool net_keep_rests(struct net *n, uint32_t *rests, size_t now)
{
    size_t all = n->rests - counted(*rests) + counted(now);

    if (now > *rests && all > NET_RESTS_MAX) {
        n->stats.overrun++;
        return false;
    }
    n->rests = all;
    *rests = (uint32_t)now;
    return true;
}

static bool is_proxy(const struct net *n, const struct sockaddr_storage *peer)
{
    return n->proxies != NULL && ranges_hold(&n->proxies->ranges, peer);
}

static int accept_one(struct net *n)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    struct address *address = NULL; /* a proxy is not counted: those that it is for are */
    bool proxy;
    int fd = accept4(n->listener.fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return accept_error(n, errno);
    if (n->n_conns >= n->limits.max_connections) {
        n->stats.refused_full++;
        refuse(n, fd, REFUSAL("503 Service Unavailable"));
        return 0;
    }
    proxy = is_proxy(n, &peer);
    if (!proxy && net_admit(n, &peer, &address) < 0) {
        refuse(n, fd, REFUSAL("429 Too Many Requests"));
        return 0;
    }
    if (conn_open(n, fd, address, !proxy && address_is_loopback(&peer), proxy) < 0)
        addresses_leave(&n->addresses, address);
    else
        n->stats.accepted++;
    return 0;
}

static void on_listener(struct source *s, uint32_t events)
{
    struct net *n = CONTAINER_OF(s, struct net, listener);

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(n) == 0; i++)
        ;
}

static void on_pause_over(struct deadline *d, struct mono now)
{
    struct net *n = CONTAINER_OF(d, struct net, listener_pause);

    (void)now;
    loop_change(n->loop, &n->listener, EPOLLIN);
}

int net_init(struct net *n, struct loop *l, const struct net_limits *limits, void *owner)
{
    *n = (struct net){.loop = l, .owner = owner, .limits = *limits};
    n->listener = (struct source){.fd = -1, .ready = on_listener};
    deadline_init(&n->listener_pause, on_pause_over);
    list_init(&n->conns);
    list_init(&n->gone);
    quotas_init(&n->quotas, QUOTA_PLACES);
    n->read_buffer = malloc(READ_MAX);
    return n->read_buffer != NULL ? 0 : -ENOMEM;
}

int net_open(struct net *n, struct loop *l, const char *address, const struct net_limits *limits,
             const struct protocol *first, void *owner, bool shared_port)
{
    int fd, r = net_init(n, l, limits, owner);

    if (r < 0)
        return r;
    n->first = first;
    fd = listen_on(address, shared_port);
    if (fd < 0)
        return fd;
    r = loop_add(l, &n->listener, fd, EPOLLIN);
    if (r < 0)
        close(fd);
    return r;
}

void net_set_tls(struct net *n, struct ssl_ctx_st *ctx)
{
    struct ssl_ctx_st *old = n->tls;

    n->tls = tls_context_ref(ctx);
    tls_context_unref(old);
}

void net_stop_listening(struct net *n)
{
    int fd = n->listener.fd;

    if (fd < 0)
        return;
    deadline_clear(&n->listener_pause);
    loop_remove(n->loop, &n->listener);
    close(fd);
}

void net_close(struct net *n)
{
    if (n->read_buffer == NULL)
        return;
    net_stop_listening(n);
    while (!list_empty(&n->conns))
        conn_close(CONTAINER_OF(n->conns.next, struct conn, link));
    net_reap(n);
    addresses_release(&n->addresses);
    quotas_release(&n->quotas);
    net_set_tls(n, NULL);
    free(n->read_buffer);
    n->read_buffer = NULL;
}

void net_local_address(const struct net *n, char *buf, size_t cap)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    char host[INET6_ADDRSTRLEN], port[8];

    if (getsockname(n->listener.fd, (struct sockaddr *)&sa, &len) < 0 ||
        getnameinfo((struct sockaddr *)&sa, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(buf, cap, "?");
    else
        snprintf(buf, cap, sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
