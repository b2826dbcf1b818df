/*
 * readers -- N clients that count what they get: MQTT over WebSocket, or Server-Sent Events when
 * the path is /events….
 *
 * Connects and subscribes all, prints {"ready":…}, waits for a line on stdin, warms up, measures,
 * and prints one JSON line: messages, bytes, writes seen, latency percentiles of a sample whose
 * every message is parsed, gaps by `seq` in that sample, and the CPU time and memory of the
 * server's process. --stall N: so many clients stop reading when told to start.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define SAMPLE 200
#define READ_MAX (1 << 20)
#define CARRY_MAX 65536
#define HISTOGRAM 1024 /* 16 sub-buckets for each power of two of microseconds */

struct client {
    struct bench_link link;
    uint64_t frame_left; /* bytes of the present frame still to come */
    uint8_t *carry;      /* an incomplete header or packet */
    uint32_t carry_len;
    uint64_t messages;
    uint32_t *seqs; /* of each symbol, for the sample; else NULL */
    bool stalled;
};

static int n_clients = 1000, port, server_pid, per_client, n_symbols = 100, n_stalled;
static double warm_up = 1, window = 4;
static const char *path = "/mqtt", *filter = "stocks/+";
static struct client *clients;
static uint64_t messages, bytes, reads, gaps, doubles, closed;
static uint64_t histogram[HISTOGRAM];
static bool measuring, sse, tls;
static uint8_t *buffer;

/* ---- latency ---- */

static unsigned bucket_of(uint64_t us)
{
    unsigned power;

    if (us < 16)
        return (unsigned)us;
    power = 63 - (unsigned)__builtin_clzll(us);
    return (power - 3) * 16 + (unsigned)((us >> (power - 4)) & 15);
}

static double bucket_us(unsigned b)
{
    return b < 16 ? b : (double)((16 + b % 16) * (UINT64_C(1) << (b / 16 - 1)));
}

static double percentile(double p)
{
    uint64_t total = 0, seen = 0;

    for (unsigned i = 0; i < HISTOGRAM; i++)
        total += histogram[i];
    for (unsigned i = 0; i < HISTOGRAM; i++) {
        seen += histogram[i];
        if (total > 0 && (double)seen >= p * (double)total)
            return bucket_us(i);
    }
    return 0;
}

/* ---- what comes in ---- */

static uint64_t number_after(const uint8_t *p, size_t len, const char *key)
{
    const char *at = memmem(p, len, key, strlen(key));

    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void look_closely(struct client *c, const uint8_t *p, size_t len)
{
    uint64_t seq = number_after(p, len, "\"seq\":"), ts = number_after(p, len, "\"ts_ns\":");
    const uint8_t *name = memmem(p, len, "\"symbol\":\"", 10);
    unsigned symbol = 0, b;

    if (name == NULL || ts == 0)
        return;
    for (int i = 0; i < 4; i++)
        symbol = symbol * 26 + (unsigned)(name[10 + i] - 'A');
    if (symbol < (unsigned)n_symbols) {
        if (c->seqs[symbol] != 0 && seq > c->seqs[symbol] + 1)
            gaps += seq - c->seqs[symbol] - 1;
        doubles += c->seqs[symbol] != 0 && seq <= c->seqs[symbol];
        c->seqs[symbol] = (uint32_t)seq;
    }
    if (measuring) {
        b = bucket_of((bench_now_ns() - ts) / 1000);
        histogram[b < HISTOGRAM ? b : HISTOGRAM - 1]++;
    }
}

static void count_message(struct client *c, const uint8_t *p, size_t len)
{
    c->messages++;
    messages += measuring;
    if (c->seqs != NULL)
        look_closely(c, p, len);
}

/* One MQTT packet at `p`: returns its length, 0 when it is not whole. */
static size_t take_packet(struct client *c, const uint8_t *p, size_t len)
{
    size_t n = 1, rest = 0;

    for (int shift = 0;; shift += 7) {
        if (n >= len)
            return 0;
        rest |= (size_t)(p[n] & 127) << shift;
        if (p[n++] < 128)
            break;
    }
    if (n + rest > len)
        return 0;
    if (p[0] >> 4 == 3)
        count_message(c, p, n + rest);
    return n + rest;
}

/* Events with an id are messages. Returns how many bytes of `p` were used. */
static size_t take_events(struct client *c, const uint8_t *p, size_t len)
{
    const uint8_t *at = p, *end;

    while ((end = memmem(at, len - (size_t)(at - p), "\n\n", 2)) != NULL) {
        if (*at == 'i')
            count_message(c, at, (size_t)(end - at));
        at = end + 2;
    }
    return (size_t)(at - p);
}

/* Returns how many bytes of `p` were used. */
static size_t take_frames(struct client *c, const uint8_t *p, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t n;
        if (c->frame_left == 0) {
            size_t head = 2;
            if (len - at < 2)
                break;
            c->frame_left = p[at + 1] & 127;
            if (c->frame_left == 126)
                head = 4;
            else if (c->frame_left == 127)
                head = 10;
            if (len - at < head) {
                c->frame_left = 0;
                break;
            }
            if (head > 2) {
                c->frame_left = 0;
                for (size_t i = 2; i < head; i++)
                    c->frame_left = c->frame_left << 8 | p[at + i];
            }
            at += head;
            continue;
        }
        n = take_packet(c, p + at, c->frame_left < len - at ? c->frame_left : len - at);
        if (n == 0)
            break;
        c->frame_left -= n;
        at += n;
    }
    return at;
}

/* All that has come, in one piece; TLS gives a record at a time. */
static ssize_t receive(struct client *c, uint8_t *buf, size_t cap)
{
    ssize_t n = bench_recv(&c->link, buf, cap, false), more = n;

    while (tls && more > 0 && (size_t)n < cap &&
           (more = bench_recv(&c->link, buf + n, cap - (size_t)n, false)) > 0)
        n += more;
    return n;
}

static void on_readable(struct client *c)
{
    ssize_t n = receive(c, buffer + c->carry_len, READ_MAX - c->carry_len);
    size_t used, len;

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            closed++;
            close(c->link.fd);
        }
        return;
    }
    if (measuring) {
        bytes += (uint64_t)n;
        reads++;
    }
    memcpy(buffer, c->carry, c->carry_len);
    len = c->carry_len + (size_t)n;
    used = sse ? take_events(c, buffer, len) : take_frames(c, buffer, len);
    c->carry_len = (uint32_t)(len - used);
    if (c->carry_len > CARRY_MAX)
        bench_die("a packet larger than expected");
    if (c->carry_len > 0 && c->carry == NULL)
        c->carry = malloc(CARRY_MAX);
    if (c->carry_len > 0)
        memcpy(c->carry, buffer + used, c->carry_len);
}

/* ---- setting up ---- */

static void write_all(struct bench_link *l, const void *bytes, size_t len)
{
    if (bench_send(l, bytes, len, true) != (ssize_t)len)
        bench_die("send");
}

static void send_frame(struct bench_link *l, const uint8_t *packet, size_t len)
{
    uint8_t frame[65536] = {0x82};
    size_t head = 2;

    if (len < 126) {
        frame[1] = (uint8_t)(0x80 | len);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (uint8_t)(len >> 8);
        frame[3] = (uint8_t)len;
        head = 4;
    }
    memset(frame + head, 0, 4); /* a mask of zeros */
    memcpy(frame + head + 4, packet, len);
    write_all(l, frame, head + 4 + len);
}

static size_t subscribe_packet(uint8_t *buf, unsigned *seed)
{
    uint8_t body[4096] = {0, 1};
    size_t len = 2, n = 1;

    for (int i = 0; i < (per_client > 0 ? per_client : 1); i++) {
        char topic[64], name[BENCH_SYMBOL_MAX];
        bench_symbol((unsigned)rand_r(seed) % (unsigned)n_symbols, name);
        snprintf(topic, sizeof(topic), "stocks/%s", name);
        const char *text = per_client > 0 ? topic : filter;
        body[len++] = 0;
        body[len++] = (uint8_t)strlen(text);
        memcpy(body + len, text, strlen(text));
        len += strlen(text);
        body[len++] = 0;
    }
    buf[0] = 0x82;
    for (size_t rest = len;; rest >>= 7) {
        buf[n++] = (uint8_t)((rest & 127) | (rest > 127 ? 128 : 0));
        if (rest <= 127)
            break;
    }
    memcpy(buf + n, body, len);
    return n + len;
}

/* Send the request and take the head of the answer. */
static void ask(struct bench_link *l)
{
    static const char websocket[] =
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n";
    char request[512], answer[1024];
    size_t n = 0;

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", path,
             sse ? "" : websocket);
    write_all(l, request, strlen(request));
    do { /* byte by byte, so that nothing behind the head is taken */
        if (bench_recv(l, answer + n, 1, true) != 1 || ++n == sizeof(answer))
            bench_die("the request was refused");
    } while (n < 4 || memcmp(answer + n - 4, "\r\n\r\n", 4) != 0);
    if (memcmp(answer, sse ? "HTTP/1.1 200" : "HTTP/1.1 101", 12) != 0)
        bench_die("the request was refused");
}

static void subscribe(struct client *c, int index)
{
    char id[32];
    uint8_t packet[8192];
    unsigned seed = (unsigned)index + 1;

    snprintf(id, sizeof(id), "bench-%d-%d", (int)getpid(), index);
    send_frame(&c->link, packet, bench_connect_packet(packet, id));
    send_frame(&c->link, packet, subscribe_packet(packet, &seed));
}

static void open_client(struct client *c, int index)
{
    c->link.fd = bench_connect(port);
    if (tls)
        bench_tls_connect(&c->link);
    ask(&c->link);
    if (!sse)
        subscribe(c, index);
    if (index % (n_clients / SAMPLE + 1) == 0 && index >= n_stalled)
        c->seqs = calloc((size_t)n_symbols, sizeof(*c->seqs));
}

/* ---- running ---- */

static void run_until(int epoll_fd, uint64_t end)
{
    struct epoll_event events[512];
    uint64_t now;

    while ((now = bench_now_ns()) < end) {
        int n = epoll_wait(epoll_fd, events, 512, (int)((end - now) / 1000000) + 1);
        for (int i = 0; i < n; i++)
            on_readable(events[i].data.ptr);
    }
}

/* Read until nothing has come for a quarter of a second, or ticks that never end have come for
 * three. */
static void run_dry(int epoll_fd)
{
    struct epoll_event events[512];
    uint64_t end = bench_now_ns() + 3000000000u;
    int n;

    while (bench_now_ns() < end && (n = epoll_wait(epoll_fd, events, 512, 250)) > 0)
        for (int i = 0; i < n; i++)
            on_readable(events[i].data.ptr);
}

static void stall(int epoll_fd)
{
    for (int i = 0; i < n_stalled; i++)
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, clients[i].link.fd, NULL);
}

static void report(double cpu_s, double seconds)
{
    uint64_t least = UINT64_MAX, most = 0;

    for (int i = n_stalled; i < n_clients; i++) {
        least = clients[i].messages < least ? clients[i].messages : least;
        most = clients[i].messages > most ? clients[i].messages : most;
    }
    printf("{\"delivered_s\":%.0f,\"bytes_s\":%.0f,\"messages_per_read\":%.1f,\"server_cpu\":%.3f,"
           "\"ns_per_message\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,\"gaps\":%llu,"
           "\"doubles\":%llu,\"closed\":%llu,\"least\":%llu,\"most\":%llu,\"rss_kb\":%ld}\n",
           (double)messages / seconds, (double)bytes / seconds,
           reads > 0 ? (double)messages / (double)reads : 0, cpu_s / seconds,
           messages > 0 ? cpu_s * 1e9 / (double)messages : 0, percentile(0.5), percentile(0.99),
           percentile(0.999), (unsigned long long)gaps, (unsigned long long)doubles,
           (unsigned long long)closed, (unsigned long long)least, (unsigned long long)most,
           bench_rss_kb(server_pid));
    fflush(stdout);
}

static bool read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},
        {"clients", 1, NULL, 'n'},
        {"path", 1, NULL, 'a'},
        {"filter", 1, NULL, 't'},
        {"server", 1, NULL, 'g'},
        {"per-client", 1, NULL, 'k'},
        {"symbols", 1, NULL, 'S'},
        {"warm-up", 1, NULL, 'w'},
        {"window", 1, NULL, 'd'},
        {"stall", 1, NULL, 'z'},
        {"cpu", 1, NULL, 'c'},
        {"tls", 0, NULL, 'T'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = (int)strtol(optarg, NULL, 10);
            break;
        case 'n':
            n_clients = (int)strtol(optarg, NULL, 10);
            break;
        case 'a':
            path = optarg;
            sse = strncmp(path, "/events", 7) == 0;
            break;
        case 't':
            filter = optarg;
            break;
        case 'g':
            server_pid = (int)strtol(optarg, NULL, 10);
            break;
        case 'k':
            per_client = (int)strtol(optarg, NULL, 10);
            break;
        case 'S':
            n_symbols = (int)strtol(optarg, NULL, 10);
            break;
        case 'w':
            warm_up = strtod(optarg, NULL);
            break;
        case 'd':
            window = strtod(optarg, NULL);
            break;
        case 'T':
            tls = true;
            break;
        case 'z':
            n_stalled = (int)strtol(optarg, NULL, 10);
            break;
        case 'c':
            bench_pin((int)strtol(optarg, NULL, 10));
            break;
        default:
            return false;
        }
    }
    return port > 0;
}

int main(int argc, char **argv)
{
    int epoll_fd = epoll_create1(0);
    uint64_t begin;
    double cpu_s, seconds;
    long rss_kb;
    char line[16];

    if (!read_options(argc, argv)) {
        fprintf(stderr,
                "usage: readers --port PORT [--clients N] [--path P] [--filter F | "
                "--per-client K] [--symbols S] "
                "[--server PID] [--warm-up S] [--window S] [--stall N] [--tls] [--cpu N]\n");
        return 2;
    }
    bench_allow_many_files();
    buffer = malloc(READ_MAX);
    clients = calloc((size_t)n_clients, sizeof(*clients));
    rss_kb = bench_rss_kb(server_pid);
    for (int i = 0; i < n_clients; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &clients[i]};
        open_client(&clients[i], i);
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].link.fd, &e);
    }
    run_dry(epoll_fd);
    printf("{\"ready\":%d,\"rss_before_kb\":%ld,\"rss_kb\":%ld}\n", n_clients, rss_kb,
           bench_rss_kb(server_pid));
    fflush(stdout);
    if (fgets(line, sizeof(line), stdin) == NULL)
        return 0;
    stall(epoll_fd);
    run_until(epoll_fd, bench_now_ns() + (uint64_t)(warm_up * 1e9));
    measuring = true;
    cpu_s = bench_cpu_s(server_pid);
    begin = bench_now_ns();
    run_until(epoll_fd, begin + (uint64_t)(window * 1e9));
    seconds = (double)(bench_now_ns() - begin) / 1e9;
    cpu_s = bench_cpu_s(server_pid) - cpu_s;
    measuring = false;
    run_dry(epoll_fd);
    report(cpu_s, seconds);
    return 0;
}
