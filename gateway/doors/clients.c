/*
 * /api/clients -- who is behind: the slowest readers of all workers first. For the operator:
 * loopback only.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/doors/door.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/h2.h"
#include "gateway/doors/http.h"
#include "gateway/doors/visitor.h"
#include "gateway/hub/hub.h"
#include "gateway/letter.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define CLIENTS_SHOWN 100
#define CLIENT_TEXT_MAX 256

struct client {
    const struct conn *conn;
    const char *door;
    const struct reader *reader;
    uint64_t lag;
};

/* One worker's part of the answer: its slowest. */
struct row {
    uint64_t lag;
    uint32_t unsent;
    char text[CLIENT_TEXT_MAX];
};

struct part {
    struct letter letter;
    struct gathering *whole;
    size_t n_clients, n_rows;
    struct row rows[CLIENTS_SHOWN];
};

/* A request on its way through all workers, each of which fills in its part; the last one sends it
 * back. */
struct gathering {
    struct http_pending pending;
    struct worker *asker;
    struct letter back;
    atomic_size_t n_open; /* parts that are not filled in yet */
    size_t n_parts;
    struct part parts[];
};

static const char *const state_names[] = {
    [READER_IDLE] = "idle", [READER_READY] = "catching up", [READER_WAITING] = "catching up",
    [READER_LIVE] = "live", [READER_LAGGING] = "behind",
};

static int order(uint64_t lag, uint32_t unsent, uint64_t other_lag, uint32_t other_unsent)
{
    if (lag != other_lag)
        return lag < other_lag ? 1 : -1;
    return (other_unsent > unsent) - (other_unsent < unsent);
}

static int slowest_first(const void *a, const void *b)
{
    const struct client *x = a, *y = b;

    return order(x->lag, x->conn->out_len, y->lag, y->conn->out_len);
}

static int slowest_row_first(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;

    return order(x->lag, x->unsent, y->lag, y->unsent);
}

static void write_row(struct row *row, const struct client *c, unsigned worker)
{
    char peer[ADDRESS_TEXT_MAX];
    struct sockaddr_storage sa;

    row->lag = c->lag;
    row->unsent = c->conn->out_len;
    conn_peer(c->conn, &sa);
    address_write(&sa, peer);
    snprintf(row->text, sizeof(row->text),
             "{\"door\":\"%s\",\"peer\":\"%s\",\"worker\":%u,\"state\":\"%s\",\"behind\":%llu,"
             "\"unsent_bytes\":%u,\"filters\":%zu}",
             c->door, peer, worker, state_names[c->reader->state], (unsigned long long)row->lag,
             row->unsent, hub_filters(c->reader)->n);
}

/* Put down the readers of one connection at `list`, unless that is NULL. Returns how many. */
static size_t each_of(const struct worker *w, const struct conn *c, struct client *list)
{
    const struct door *d = door_of(c);
    const struct h2_stream *s = NULL;
    size_t n = 0;

    if (d != NULL && list != NULL)
        *list = (struct client){c, d->name, d->reader_of(c), hub_lag(w->hub, d->reader_of(c))};
    if (d != NULL || c->protocol != &h2_protocol)
        return d != NULL;
    for (; (s = h2_next_stream(c, s)) != NULL; n++)
        if (list != NULL)
            list[n] = (struct client){c, s->door->name, &s->reader, hub_lag(w->hub, &s->reader)};
    return n;
}

static size_t each_client(const struct worker *w, struct client *list)
{
    size_t n = 0;

    for (const struct list *l = w->net.conns.next; l != &w->net.conns; l = l->next)
        n += each_of(w, CONTAINER_OF(l, struct conn, link), list != NULL ? list + n : NULL);
    return n;
}

/* The readers of all doors, slowest first; NULL when memory is out. */
static struct client *list_clients(const struct worker *w, size_t *ret_n)
{
    struct client *list = calloc(each_client(w, NULL) + 1, sizeof(*list));
    size_t n;

    if (list == NULL)
        return NULL;
    n = each_client(w, list);
    qsort(list, n, sizeof(*list), slowest_first);
    *ret_n = n;
    return list;
}

/* Without memory it stays empty. */
static void fill_in(struct part *p, const struct worker *w)
{
    size_t n = 0;
    struct client *list = list_clients(w, &n);

    p->n_clients = n;
    p->n_rows = n < CLIENTS_SHOWN ? n : CLIENTS_SHOWN;
    for (size_t i = 0; i < p->n_rows; i++)
        write_row(&p->rows[i], &list[i], w->index);
    free(list);
}

/* The slowest of all parts as JSON; NULL when memory is out. */
static char *write_all(const struct gathering *g, size_t *ret_len)
{
    const struct row **rows = calloc(g->n_parts * CLIENTS_SHOWN, sizeof(struct row *));
    char *text = malloc(CLIENTS_SHOWN * (CLIENT_TEXT_MAX + 1) + 64), *p = text;
    size_t n_clients = 0, n = 0;

    if (rows == NULL || text == NULL) {
        free(text);
        text = NULL;
        goto out;
    }
    for (size_t i = 0; i < g->n_parts; i++) {
        n_clients += g->parts[i].n_clients;
        for (size_t k = 0; k < g->parts[i].n_rows; k++)
            rows[n++] = &g->parts[i].rows[k];
    }
    qsort(rows, n, sizeof(struct row *), slowest_row_first);
    p += snprintf(p, 48, "{\"clients\":%zu,\"slowest\":[", n_clients);
    for (size_t i = 0; i < n && i < CLIENTS_SHOWN; i++)
        p += snprintf(p, CLIENT_TEXT_MAX + 1, "%s%s", i > 0 ? "," : "", rows[i]->text);
    p += snprintf(p, 4, "]}\n");
    *ret_len = (size_t)(p - text);
out:
    free(rows);
    return text;
}

/* All parts are there, in the asker's thread; perhaps nobody waits any more. */
static void answer_later(struct letter *l, struct worker *w)
{
    struct gathering *g = CONTAINER_OF(l, struct gathering, back);
    struct http_answer a = {.status = 200,
                            .type = "application/json",
                            .fields = "Cache-Control: no-store\r\n",
                            .done = free};
    char *text = w != NULL ? write_all(g, &a.len) : NULL;

    a.body = a.owner = text;
    if (text != NULL)
        http_resume(&g->pending, &a);
    else
        http_resume_problem(&g->pending, 503, "", HTTP_OUT_OF_MEMORY);
    free(g);
}

static void on_part(struct letter *l, struct worker *w)
{
    struct part *p = CONTAINER_OF(l, struct part, letter);
    struct gathering *g = p->whole;

    if (w != NULL)
        fill_in(p, w);
    if (atomic_fetch_sub(&g->n_open, 1) > 1)
        return;
    if (w != NULL)
        worker_post(g->asker, &g->back);
    else
        free(g);
}

/* Send every worker its part, the own one too: so there is one way. */
static void gather(struct gathering *g, struct worker *asker)
{
    struct worker *workers = asker->shared->workers;

    g->asker = asker;
    g->back.open = answer_later;
    list_init(&g->back.link);
    atomic_init(&g->n_open, g->n_parts);
    for (size_t i = 0; i < g->n_parts; i++) {
        g->parts[i].whole = g;
        g->parts[i].letter.open = on_part;
        list_init(&g->parts[i].letter.link);
    }
    for (size_t i = 0, n = g->n_parts; i < n; i++)
        worker_post(&workers[i], &g->parts[i].letter);
}

void door_clients(const struct http_request *r)
{
    struct worker *w = worker_of(r->conn);
    size_t n = w->shared->n_workers;
    struct gathering *g;

    if (!visitor_is_operator(r)) {
        http_problem(r, 403, "", "This is for the gateway's own machine.");
        return;
    }
    g = calloc(1, sizeof(*g) + n * sizeof(struct part));
    if (g == NULL) {
        http_problem(r, 503, "", HTTP_OUT_OF_MEMORY);
        return;
    }
    g->n_parts = n;
    http_defer(r, &g->pending); /* answered in a later turn of this thread's */
    gather(g, w);
}
