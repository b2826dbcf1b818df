/*
 * sendloop -- the limit: sends the same bytes to every socket with one send() each, doing nothing
 * else.
 *
 * With --cert and --key through TLS, one SSL_write() each. Speaks just enough of a WebSocket
 * handshake, or with --sse of an HTTP answer, that `readers` takes it for a gateway. --rate is
 * messages a second to each client, --batch how many of them are in one write; --rate 0 is as fast
 * as the sockets take it.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define FRAME_MAX 256
#define BATCH_MAX 1024

static int n_clients = 1000, port, batch = 1;
static double rate = 100, seconds = 5;
static bool sse;
static const char *cert, *key; /* with them: one SSL_write() each */

struct client {
    struct bench_link link;
    size_t owed; /* of the present block */
    bool full;
};

static struct client *clients;
static uint8_t block[BATCH_MAX * FRAME_MAX];

/* One quote in a WebSocket frame, as a gateway would send it. */
static size_t append_frame(uint8_t *p, uint32_t seq)
{
    char payload[200];
    int len = snprintf(payload, sizeof(payload),
                       "{\"symbol\":\"AAAA\",\"price\":123.45,\"change\":0.38,\"volume\":%u,"
                       "\"seq\":%u,\"ts_ns\":%llu}",
                       seq * 100, seq, (unsigned long long)bench_now_ns());
    size_t packet = 2 + 11 + (size_t)len, rest = packet > 127 ? 3 : 2;

    if (sse)
        return (size_t)snprintf((char *)p, FRAME_MAX, "id: 00000000-%u\nevent: quote\ndata: %s\n\n",
                                seq, payload);
    p[0] = 0x82;
    p[1] = 126;
    p[2] = (uint8_t)((packet + rest) >> 8);
    p[3] = (uint8_t)(packet + rest);
    p += 4;
    *p++ = 0x30;
    if (packet > 127)
        *p++ = (uint8_t)(packet | 128);
    *p++ = (uint8_t)(packet > 127 ? packet >> 7 : packet);
    *p++ = 0;
    *p++ = 11;
    memcpy(p, "stocks/AAAA", 11);
    memcpy(p + 11, payload, (size_t)len);
    return 4 + rest + packet;
}

static void greet(struct client *c, int listener)
{
    const char *answer =
        sse ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    char request[4096];
    size_t n = 0;
    int on = 1;

    c->link.fd = accept(listener, NULL, NULL);
    setsockopt(c->link.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* every write at once */
    if (cert != NULL)
        bench_tls_accept(&c->link, cert, key);
    do {
        ssize_t k = bench_recv(&c->link, request + n, sizeof(request) - 1 - n, true);
        if (k <= 0)
            bench_die("recv");
        n += (size_t)k;
        request[n] = '\0';
    } while (strstr(request, "\r\n\r\n") == NULL);
    if (bench_send(&c->link, answer, strlen(answer), true) < 0)
        bench_die("send");
}

/* The last word is ours, a pong, where a gateway says SUBACK. A reader that has spoken last is
 * expected to speak again: its kernel keeps acknowledgements for then, and every second write makes
 * one within our send(), a third of its cost. 40 ms (Linux) after a word without answer that ends,
 * and each recv() of the reader acknowledges. */
static void speak_last(void)
{
    const struct timespec moment = {.tv_nsec = 100000000};

    for (int i = 0; i < n_clients; i++)
        if (bench_send(&clients[i].link, "\x8a\0", 2, true) < 0)
            bench_die("send");
    nanosleep(&moment, NULL);
}

/* Send what a client is owed of the block, with one call. Returns whether it is done. */
static bool serve(struct client *c, size_t len)
{
    ssize_t n = bench_send(&c->link, block + len - c->owed, c->owed, false);

    if (n > 0)
        c->owed -= (size_t)n;
    else if (n < 0 && errno != EAGAIN)
        bench_die("send");
    c->full = c->owed > 0;
    return !c->full;
}

/* Give the block to everybody; a socket that is full waits until it is writable. */
static void round_of_writes(int epoll_fd, size_t len)
{
    struct epoll_event events[512];
    int waiting = 0;

    for (int i = 0; i < n_clients; i++) {
        clients[i].owed = len;
        waiting += !serve(&clients[i], len);
    }
    while (waiting > 0) {
        int n = epoll_wait(epoll_fd, events, 512, 1000);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (c->full && serve(c, len))
                waiting--;
        }
    }
}

static uint64_t run(int epoll_fd)
{
    uint64_t begin = bench_now_ns(), next = begin, sent = 0;
    uint32_t seq = 0;

    while (bench_now_ns() - begin < (uint64_t)(seconds * 1e9)) {
        size_t len = 0;
        for (int i = 0; i < batch; i++)
            len += append_frame(block + len, ++seq);
        round_of_writes(epoll_fd, len);
        sent += (uint64_t)batch;
        if (rate > 0) {
            struct timespec at;
            next += (uint64_t)(1e9 * batch / rate);
            at = (struct timespec){.tv_sec = (time_t)(next / 1000000000),
                                   .tv_nsec = (long)(next % 1000000000)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        }
    }
    return sent;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},  {"clients", 1, NULL, 'n'}, {"rate", 1, NULL, 'r'},
        {"batch", 1, NULL, 'b'}, {"seconds", 1, NULL, 'd'}, {"sse", 0, NULL, 'e'},
        {"cert", 1, NULL, 'C'},  {"key", 1, NULL, 'K'},     {0},
    };
    int option, listener, epoll_fd = epoll_create1(0);
    char line[16];

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = (int)strtol(optarg, NULL, 10);
            break;
        case 'n':
            n_clients = (int)strtol(optarg, NULL, 10);
            break;
        case 'r':
            rate = strtod(optarg, NULL);
            break;
        case 'b':
            batch = (int)strtol(optarg, NULL, 10);
            break;
        case 'd':
            seconds = strtod(optarg, NULL);
            break;
        case 'C':
            cert = optarg;
            break;
        case 'K':
            key = optarg;
            break;
        case 'e':
            sse = true;
            break;
        default:
            return 2;
        }
    }
    bench_allow_many_files();
    clients = calloc((size_t)n_clients, sizeof(*clients));
    listener = bench_listen(port, 1024);
    printf("listening\n");
    fflush(stdout);
    for (int i = 0; i < n_clients; i++) {
        struct epoll_event e = {.events = EPOLLOUT | EPOLLET, .data.ptr = &clients[i]};
        greet(&clients[i], listener);
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].link.fd, &e);
    }
    if (fgets(line, sizeof(line), stdin) == NULL)
        return 0;
    if (!sse)
        speak_last();
    printf("{\"sent\":%llu}\n", (unsigned long long)run(epoll_fd));
    fflush(stdout);
    pause(); /* the readers drain; who started us ends us */
    return 0;
}
