#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
