#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_die(const char *what)
{
    perror(what);
    exit(1);
}

void bench_allow_many_files(void)
{
    struct rlimit l;

    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
}

void bench_pin(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

size_t bench_symbol(unsigned i, char buf[BENCH_SYMBOL_MAX])
{
    for (int k = 3; k >= 0; k--, i /= 26)
        buf[k] = (char)('A' + i % 26);
    buf[4] = '\0';
    return 4;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int bench_connect(int port)
{
    struct sockaddr_in a = loopback(port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        bench_die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

int bench_listen(int port, int backlog)
{
    struct sockaddr_in a = loopback(port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, backlog) < 0)
        bench_die("listen");
    return fd;
}

void bench_write_all(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0)
            bench_die("write");
        p += n;
        len -= (size_t)n;
    }
}

size_t bench_read_packet(int fd, uint8_t *buf, size_t cap)
{
    size_t n = 1, rest = 0;

    if (recv(fd, buf, 1, MSG_WAITALL) != 1)
        return 0;
    for (int shift = 0;; shift += 7) {
        if (recv(fd, buf + n, 1, MSG_WAITALL) != 1)
            return 0;
        rest |= (size_t)(buf[n] & 127) << shift;
        if (buf[n++] < 128)
            break;
    }
    if (n + rest > cap || (rest > 0 && recv(fd, buf + n, rest, MSG_WAITALL) != (ssize_t)rest))
        return 0;
    return n + rest;
}

size_t bench_connect_packet(uint8_t *buf, const char *client_id)
{
    static const uint8_t head[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0};
    size_t len = strlen(client_id);

    buf[0] = 0x10;
    buf[1] = (uint8_t)(sizeof(head) + 1 + len);
    memcpy(buf + 2, head, sizeof(head));
    buf[2 + sizeof(head)] = (uint8_t)len;
    memcpy(buf + 3 + sizeof(head), client_id, len);
    return 3 + sizeof(head) + len;
}

static void begin_tls(struct bench_link *l, SSL_CTX *ctx, int (*shake)(SSL *))
{
    l->tls = SSL_new(ctx);
    if (l->tls == NULL || SSL_set_fd(l->tls, l->fd) != 1 || shake(l->tls) != 1)
        bench_die("TLS");
    SSL_set_mode(l->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                             SSL_MODE_RELEASE_BUFFERS);
}

void bench_tls_connect(struct bench_link *l)
{
    static SSL_CTX *ctx;

    if (ctx == NULL)
        ctx = SSL_CTX_new(TLS_client_method());
    begin_tls(l, ctx, SSL_connect);
}

void bench_tls_accept(struct bench_link *l, const char *cert, const char *key)
{
    static SSL_CTX *ctx;

    if (ctx == NULL) {
        ctx = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_file(ctx, cert, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
            bench_die(cert);
    }
    begin_tls(l, ctx, SSL_accept);
}

static void set_waiting(struct bench_link *l, bool wait)
{
    if (l->does_not_wait == !wait)
        return;
    l->does_not_wait = !wait;
    (void)fcntl(l->fd, F_SETFL, wait ? 0 : O_NONBLOCK);
}

/* What OpenSSL returned, as a system call would. */
static ssize_t result(struct bench_link *l, int n)
{
    int error;

    if (n > 0)
        return n;
    error = SSL_get_error(l->tls, n);
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t bench_recv(struct bench_link *l, void *buf, size_t len, bool wait)
{
    if (l->tls == NULL)
        return recv(l->fd, buf, len, wait ? 0 : MSG_DONTWAIT);
    set_waiting(l, wait);
    return result(l, SSL_read(l->tls, buf, (int)len));
}

ssize_t bench_send(struct bench_link *l, const void *bytes, size_t len, bool wait)
{
    if (l->tls == NULL)
        return send(l->fd, bytes, len, (wait ? 0 : MSG_DONTWAIT) | MSG_NOSIGNAL);
    set_waiting(l, wait);
    return result(l, SSL_write(l->tls, bytes, (int)(len < 16384 ? len : 16384)));
}

double bench_cpu_s(int pid)
{
    char name[64];
    unsigned long user = 0, system = 0;
    FILE *f;

    snprintf(name, sizeof(name), "/proc/%d/stat", pid);
    f = fopen(name, "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        user = system = 0;
    fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

long bench_rss_kb(int pid)
{
    char name[64];
    long pages = 0;
    FILE *f;

    snprintf(name, sizeof(name), "/proc/%d/statm", pid);
    f = fopen(name, "r");
    if (f != NULL) {
        if (fscanf(f, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
