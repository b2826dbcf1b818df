/*
 * ticks -- publishes quotes of S symbols at R a second: to a broker (--broker PORT), or as a
 * broker's stand-in that a gateway subscribes to
 * (--serve PORT), so that a gateway is measured without a broker's own limits.
 *
 * Each quote carries `seq` (counts the symbol's from 1) and `ts_ns` (CLOCK_MONOTONIC when it was
 * made). Paced in steps of 1 ms; a stall is caught up. Prints one JSON line at the end.
 */
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define BATCH_BYTES (256 * 1024)
#define QUOTE_MAX 256

static unsigned n_symbols = 100;
static double rate = 1000, seconds = 5;
static bool mqtt5;
static uint32_t *seqs;

static size_t append_quote(uint8_t *p, unsigned symbol, uint64_t ts_ns)
{
    char name[BENCH_SYMBOL_MAX], payload[QUOTE_MAX];
    uint32_t seq = ++seqs[symbol];
    uint8_t *start = p;
    unsigned cents = 10000 + (seq * 2654435761u) % 9000;
    size_t rest, name_len = bench_symbol(symbol, name);
    int len =
        snprintf(payload, sizeof(payload),
                 "{\"symbol\":\"%s\",\"price\":%u.%02u,\"change\":0.38,\"volume\":%u,\"seq\":%u,"
                 "\"ts_ns\":%llu}",
                 name, cents / 100, cents % 100, seq * 100, seq, (unsigned long long)ts_ns);

    rest = 2 + 7 + name_len + (mqtt5 ? 1 : 0) + (size_t)len;
    *p++ = 0x30;
    for (; rest >= 128; rest >>= 7)
        *p++ = (uint8_t)(rest | 128);
    *p++ = (uint8_t)rest;
    *p++ = 0;
    *p++ = (uint8_t)(7 + name_len);
    memcpy(p, "stocks/", 7);
    memcpy(p + 7, name, name_len);
    p += 7 + name_len;
    if (mqtt5)
        *p++ = 0;
    memcpy(p, payload, (size_t)len);
    return (size_t)(p - start) + (size_t)len;
}

/* Be a broker to one client: CONNACK, SUBACK for each SUBSCRIBE, until it has asked for
 * `tapecast/sync` or one second passed. */
static int serve(int port)
{
    int on = 1, fd = accept(bench_listen(port, 4), NULL, NULL);
    struct timeval patience = {.tv_sec = 1};
    uint8_t packet[65536];
    size_t n;

    if (fd < 0)
        bench_die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* as brokers do: not 40 ms late */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while ((n = bench_read_packet(fd, packet, sizeof(packet))) > 0) {
        unsigned type = packet[0] >> 4;
        uint8_t suback[] = {0x90, 3, packet[2], packet[3], 0},
                suback5[] = {0x90, 4, packet[2], packet[3], 0, 0};
        if (type == 1) {
            mqtt5 = packet[8] == 5;
            bench_write_all(fd, mqtt5 ? "\x20\x03\0\0\0" : "\x20\x02\0\0", mqtt5 ? 5 : 4);
        } else if (type == 8) {
            bench_write_all(fd, mqtt5 ? suback5 : suback, mqtt5 ? sizeof(suback5) : sizeof(suback));
        } else if (type == 3 && (packet[0] & 6) != 0) { /* a status with QoS 1: acknowledge it */
            size_t at = 2 + (packet[1] >= 128), topic = (size_t)packet[at] << 8 | packet[at + 1];
            uint8_t ack[] = {0x40, 2, packet[at + 2 + topic], packet[at + 3 + topic]};
            bench_write_all(fd, ack, sizeof(ack));
        }
    }
    return fd;
}

static int join_broker(int port)
{
    uint8_t packet[256];
    int fd = bench_connect(port);

    bench_write_all(fd, packet, bench_connect_packet(packet, "bench-ticks"));
    if (bench_read_packet(fd, packet, sizeof(packet)) < 4 || packet[3] != 0)
        bench_die("CONNACK");
    return fd;
}

/* Take what the other side says, answering pings and acknowledging nothing. */
static void drain(int fd)
{
    uint8_t buf[4096];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        for (ssize_t i = 0; i + 1 < n; i++)
            if (buf[i] == 0xc0 && buf[i + 1] == 0)
                bench_write_all(fd, "\xd0\0", 2);
}

/* Until a line comes on stdin; the other side may ask meanwhile whether we are there. */
static void await_start(int fd)
{
    struct pollfd start = {.fd = STDIN_FILENO, .events = POLLIN};

    while (poll(&start, 1, 500) == 0)
        drain(fd);
}

static uint64_t publish(int fd)
{
    uint8_t *batch = malloc(BATCH_BYTES + 2 * QUOTE_MAX);
    uint64_t begin = bench_now_ns(), sent = 0, now;
    unsigned symbol = 0;

    while ((now = bench_now_ns()) - begin < (uint64_t)(seconds * 1e9)) {
        uint64_t due = rate > 0 ? (uint64_t)((double)(now - begin) * rate / 1e9) + 1 : sent + 500;
        struct timespec pause = {.tv_nsec = 1000000};
        size_t len = 0;
        for (; sent < due && len < BATCH_BYTES; sent++) {
            len += append_quote(batch + len, symbol, bench_now_ns());
            symbol = (symbol + 1) % n_symbols;
        }
        bench_write_all(fd, batch, len);
        drain(fd);
        if (rate > 0)
            nanosleep(&pause, NULL);
    }
    free(batch);
    return sent;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"broker", 1, NULL, 'b'},
        {"serve", 1, NULL, 's'},
        {"symbols", 1, NULL, 'S'},
        {"rate", 1, NULL, 'r'},
        {"seconds", 1, NULL, 'd'},
        {"cpu", 1, NULL, 'c'},
        {0},
    };
    int broker = 0, port = 0, fd, option;
    uint64_t sent;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b':
            broker = (int)strtol(optarg, NULL, 10);
            break;
        case 's':
            port = (int)strtol(optarg, NULL, 10);
            break;
        case 'S':
            n_symbols = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'r':
            rate = strtod(optarg, NULL);
            break;
        case 'd':
            seconds = strtod(optarg, NULL);
            break;
        case 'c':
            bench_pin((int)strtol(optarg, NULL, 10));
            break;
        default:
            return 2;
        }
    }
    if ((broker == 0) == (port == 0)) {
        fprintf(stderr, "usage: ticks (--broker PORT | --serve PORT) [--symbols N] [--rate R] "
                        "[--seconds S] [--cpu N]\n");
        return 2;
    }
    seqs = calloc(n_symbols, sizeof(*seqs));
    fd = broker ? join_broker(broker) : serve(port);
    if (port) { /* the gateway is ready; the one who started us says when its readers are */
        printf("ready\n");
        fflush(stdout);
        await_start(fd);
    }
    sent = publish(fd);
    printf("{\"sent\":%llu}\n", (unsigned long long)sent);
    fflush(stdout);
    for (int i = 0; i < 20; i++) { /* stay for the readers' drain, answering pings */
        drain(fd);
        usleep(100000);
    }
    return 0;
}
