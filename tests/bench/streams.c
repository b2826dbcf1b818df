/*
 * streams -- N gRPC streams of tapecast.v1.StockService/StreamQuotes over C connections, that count
 * what they get.
 *
 * Opens all, prints {"ready":…}, waits for a line on stdin, warms up, measures, and prints one JSON
 * line as `readers` does, without latencies: a quote has no time of its own there.
 */
#include <getopt.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "wire.h"

#define READ_MAX (1 << 20)
#define WINDOW (1 << 30)

struct stream {
    uint8_t prefix[5];
    unsigned prefix_len;
    uint32_t left; /* of the present message */
    uint64_t messages;
};

struct connection {
    struct bench_link link;
    nghttp2_session *session;
};

static int n_streams = 2000, n_connections = 20, port, server_pid;
static double warm_up = 1, window = 4;
static struct connection *connections;
static struct stream *streams;
static uint64_t messages, bytes, reads, closed;
static bool measuring;
static uint8_t buffer[READ_MAX];

/* ---- what comes in ---- */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p,
                   size_t len, void *user)
{
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);

    (void)flags, (void)user;
    while (len > 0) {
        size_t n;
        if (s->left == 0) {
            s->prefix[s->prefix_len++] = *p++;
            len--;
            if (s->prefix_len < 5)
                continue;
            s->prefix_len = 0;
            s->left = (uint32_t)s->prefix[1] << 24 | (uint32_t)s->prefix[2] << 16 |
                      (uint32_t)s->prefix[3] << 8 | s->prefix[4];
            s->messages++;
            messages += measuring;
            continue;
        }
        n = len < s->left ? len : s->left;
        p += n;
        len -= n;
        s->left -= (uint32_t)n;
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    (void)session, (void)id, (void)error, (void)user;
    closed++;
    return 0;
}

static void send_all(struct connection *c)
{
    const uint8_t *p;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(c->session, &p)) > 0)
        bench_write_all(c->link.fd, p, (size_t)n);
}

static void on_readable(struct connection *c)
{
    ssize_t n = bench_recv(&c->link, buffer, READ_MAX, false);

    if (n <= 0)
        return;
    if (measuring) {
        bytes += (uint64_t)n;
        reads++;
    }
    if (nghttp2_session_mem_recv(c->session, buffer, (size_t)n) < 0)
        bench_die("nghttp2");
    send_all(c);
}

/* ---- setting up ---- */

static ssize_t read_request(nghttp2_session *session, int32_t id, uint8_t *buf, size_t cap,
                            uint32_t *flags, nghttp2_data_source *source, void *user)
{
    static const uint8_t all[] = {0, 0, 0, 0, 3, 10, 1, '*'}; /* symbols: ["*"] */

    (void)session, (void)id, (void)cap, (void)source, (void)user;
    memcpy(buf, all, sizeof(all));
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return sizeof(all);
}

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        (uint8_t *)name, (uint8_t *)value, sizeof(name) - 1, sizeof(value) - 1, 0                  \
    }

static void open_streams(struct connection *c, int first, int n)
{
    const nghttp2_nv fields[] = {FIELD(":method", "POST"),
                                 FIELD(":scheme", "http"),
                                 FIELD(":path", "/tapecast.v1.StockService/StreamQuotes"),
                                 FIELD(":authority", "localhost"),
                                 FIELD("te", "trailers"),
                                 FIELD("content-type", "application/grpc")};
    const nghttp2_data_provider body = {.read_callback = read_request};
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
    nghttp2_session_callbacks *callbacks;

    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&c->session, callbacks, NULL);
    nghttp2_submit_settings(c->session, 0, settings, 1);
    nghttp2_session_set_local_window_size(c->session, 0, 0, WINDOW);
    c->link.fd = bench_connect(port);
    for (int i = 0; i < n; i++)
        if (nghttp2_submit_request(c->session, NULL, fields, 6, &body, &streams[first + i]) < 0)
            bench_die("a stream");
    send_all(c);
}

/* ---- running ---- */

static void run_until(int epoll_fd, uint64_t end, int quiet_ms)
{
    struct epoll_event events[512];
    uint64_t now;

    while ((now = bench_now_ns()) < end) {
        int left = (int)((end - now) / 1000000) + 1;
        int n =
            epoll_wait(epoll_fd, events, 512, quiet_ms > 0 && quiet_ms < left ? quiet_ms : left);
        if (n == 0 && quiet_ms > 0)
            return;
        for (int i = 0; i < n; i++)
            on_readable(events[i].data.ptr);
    }
}

static void report(double cpu_s, double elapsed)
{
    uint64_t least = UINT64_MAX, most = 0;

    for (int i = 0; i < n_streams; i++) {
        least = streams[i].messages < least ? streams[i].messages : least;
        most = streams[i].messages > most ? streams[i].messages : most;
    }
    printf("{\"delivered_s\":%.0f,\"bytes_s\":%.0f,\"messages_per_read\":%.1f,\"server_cpu\":%.3f,"
           "\"ns_per_message\":%.0f,\"closed\":%llu,\"least\":%llu,\"most\":%llu,\"rss_kb\":%ld}\n",
           (double)messages / elapsed, (double)bytes / elapsed,
           reads > 0 ? (double)messages / (double)reads : 0, cpu_s / elapsed,
           messages > 0 ? cpu_s * 1e9 / (double)messages : 0, (unsigned long long)closed,
           (unsigned long long)least, (unsigned long long)most, bench_rss_kb(server_pid));
    fflush(stdout);
}

static bool read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},
        {"streams", 1, NULL, 'n'},
        {"connections", 1, NULL, 'c'},
        {"server", 1, NULL, 'g'},
        {"warm-up", 1, NULL, 'w'},
        {"window", 1, NULL, 'd'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = (int)strtol(optarg, NULL, 10);
            break;
        case 'n':
            n_streams = (int)strtol(optarg, NULL, 10);
            break;
        case 'c':
            n_connections = (int)strtol(optarg, NULL, 10);
            break;
        case 'g':
            server_pid = (int)strtol(optarg, NULL, 10);
            break;
        case 'w':
            warm_up = strtod(optarg, NULL);
            break;
        case 'd':
            window = strtod(optarg, NULL);
            break;
        default:
            return false;
        }
    }
    return port > 0 && n_connections > 0 && n_streams >= n_connections;
}

int main(int argc, char **argv)
{
    int epoll_fd = epoll_create1(0), each;
    char line[16];
    uint64_t begin;
    double cpu_s, elapsed;
    long rss_kb;

    if (!read_options(argc, argv)) {
        fprintf(stderr, "usage: streams --port PORT [--streams N] [--connections C] [--server PID] "
                        "[--warm-up S] [--window S]\n");
        return 2;
    }
    bench_allow_many_files();
    connections = calloc((size_t)n_connections, sizeof(*connections));
    streams = calloc((size_t)n_streams, sizeof(*streams));
    rss_kb = bench_rss_kb(server_pid);
    each = n_streams / n_connections;
    n_streams = each * n_connections;
    for (int i = 0; i < n_connections; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &connections[i]};
        open_streams(&connections[i], i * each, each);
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connections[i].link.fd, &e);
    }
    run_until(epoll_fd, bench_now_ns() + 3000000000u, 250);
    printf("{\"ready\":%d,\"rss_before_kb\":%ld,\"rss_kb\":%ld}\n", n_streams, rss_kb,
           bench_rss_kb(server_pid));
    fflush(stdout);
    if (fgets(line, sizeof(line), stdin) == NULL)
        return 0;
    run_until(epoll_fd, bench_now_ns() + (uint64_t)(warm_up * 1e9), 0);
    measuring = true;
    cpu_s = bench_cpu_s(server_pid);
    begin = bench_now_ns();
    run_until(epoll_fd, begin + (uint64_t)(window * 1e9), 0);
    elapsed = (double)(bench_now_ns() - begin) / 1e9;
    cpu_s = bench_cpu_s(server_pid) - cpu_s;
    measuring = false;
    run_until(epoll_fd, bench_now_ns() + 3000000000u, 250);
    report(cpu_s, elapsed);
    return 0;
}
