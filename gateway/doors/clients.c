/*
 * /api/clients -- who is behind: the slowest readers of this worker first. For the operator:
 * loopback only.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/doors/doors.h"
#include "gateway/doors/http.h"
#include "gateway/doors/mqtt.h"
#include "gateway/hub/hub.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define CLIENTS_SHOWN 100
#define CLIENT_TEXT_MAX 256

struct client {
    const struct conn *conn;
    const struct reader *reader;
    uint64_t lag;
};

static const char *const state_names[] = {
    [READER_IDLE] = "idle",       [READER_READY] = "catching up", [READER_WAITING] = "catching up",
    [READER_JOINING] = "joining", [READER_LIVE] = "live",         [READER_LAGGING] = "behind",
};

static int slowest_first(const void *a, const void *b)
{
    const struct client *x = a, *y = b;

    if (x->lag != y->lag)
        return x->lag < y->lag ? 1 : -1;
    return (y->conn->out_len > x->conn->out_len) - (y->conn->out_len < x->conn->out_len);
}

static void peer_name(const struct conn *c, char *buf, size_t cap)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;

    if (getpeername(c->source.fd, (struct sockaddr *)&sa, &len) == 0) {
        const struct sockaddr_in *four = (const void *)&sa;
        const struct sockaddr_in6 *six = (const void *)&sa;
        bool is_four = sa.ss_family == AF_INET;
        inet_ntop(sa.ss_family, is_four ? (const void *)&four->sin_addr : &six->sin6_addr, host,
                  sizeof(host));
        port = ntohs(is_four ? four->sin_port : six->sin6_port);
    }
    snprintf(buf, cap, "%s port %u", host, port);
}

static size_t write_client(char *p, const struct client *c)
{
    char peer[80];

    peer_name(c->conn, peer, sizeof(peer));
    return (size_t)snprintf(p, CLIENT_TEXT_MAX,
                            "{\"peer\":\"%s\",\"state\":\"%s\",\"behind\":%llu,\"unsent_bytes\":%u,"
                            "\"filters\":%zu}",
                            peer, state_names[c->reader->state], (unsigned long long)c->lag,
                            c->conn->out_len, hub_filters(c->reader)->n);
}

/* All MQTT readers, slowest first; NULL when memory is out. */
static struct client *list_clients(const struct worker *w, size_t *ret_n)
{
    struct client *list = calloc(w->net.n_conns + 1, sizeof(*list));
    size_t n = 0;

    if (list == NULL)
        return NULL;
    for (const struct list *l = w->net.conns.next; l != &w->net.conns; l = l->next) {
        const struct conn *c = CONTAINER_OF(l, struct conn, link);
        const struct reader *r = mqtt_reader_of(c);
        if (r != NULL)
            list[n++] = (struct client){c, r, hub_lag(w->hub, r)};
    }
    qsort(list, n, sizeof(*list), slowest_first);
    *ret_n = n;
    return list;
}

void door_clients(const struct http_request *r)
{
    struct client *list;
    char *text, *p;
    size_t n;

    if (!r->conn->loopback) {
        http_problem(r, 403, "", "This is for the gateway's own machine.");
        return;
    }
    list = list_clients(worker_of(r->conn), &n);
    text = malloc(CLIENTS_SHOWN * (CLIENT_TEXT_MAX + 2) + 64);
    if (list == NULL || text == NULL) {
        http_problem(r, 503, "", "The gateway is out of memory; try again later.");
        goto out;
    }
    p = text + snprintf(text, 48, "{\"clients\":%zu,\"slowest\":[", n);
    for (size_t i = 0; i < n && i < CLIENTS_SHOWN; i++) {
        if (i > 0)
            *p++ = ',';
        p += write_client(p, &list[i]);
    }
    p += snprintf(p, 4, "]}\n");
    http_answer_text(r, 200, "application/json", text, (size_t)(p - text));
out:
    free(list);
    free(text);
}
