/*
 * The small doors: the latest quotes, and how the gateway is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/codec/quote_json.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/http.h"
#include "gateway/doors/origin.h"
#include "gateway/hub/hub.h"
#include "gateway/worker.h"

#include "common/banned.h"

/* ---- /api/quotes ---- */

struct quotes {
    const struct grant *grant;
    struct message *list;
    size_t n, cap, bytes;
    bool out_of_memory;
};

static void collect(void *ctx, const struct message *m)
{
    struct quotes *q = ctx;
    struct quote_json looked;

    if (!grant_may_read(q->grant, m->topic, m->topic_len) ||
        quote_json_look(m->payload, m->len, &looked) < 0) /* it would spoil the array */
        return;
    if (q->n == q->cap) {
        size_t cap = q->cap == 0 ? 256 : q->cap * 2;
        struct message *bigger = realloc(q->list, cap * sizeof(*bigger));
        if (bigger == NULL) {
            q->out_of_memory = true;
            return;
        }
        q->list = bigger;
        q->cap = cap;
    }
    q->list[q->n++] = *m;
    q->bytes += m->len + 1;
}

static int by_topic(const void *a, const void *b)
{
    const struct message *x = a, *y = b;
    int r = memcmp(x->topic, y->topic, x->topic_len < y->topic_len ? x->topic_len : y->topic_len);

    return r != 0 ? r : (x->topic_len > y->topic_len) - (x->topic_len < y->topic_len);
}

/* "[quote,quote,…]\n" in one allocation, each as it was published. */
static char *join_quotes(struct quotes *q, size_t *ret_len)
{
    char *body = malloc(q->bytes + 4), *p = body;

    if (body == NULL)
        return NULL;
    *p++ = '[';
    for (size_t i = 0; i < q->n; i++) {
        if (i > 0)
            *p++ = ',';
        memcpy(p, q->list[i].payload, q->list[i].len);
        p += q->list[i].len;
    }
    *p++ = ']';
    *p++ = '\n';
    *ret_len = (size_t)(p - body);
    return body;
}

void door_quotes(const struct http_request *r)
{
    char fields[ORIGIN_FIELDS_MAX + 32] = "Cache-Control: no-store\r\n";
    struct http_answer a = {
        .status = 200, .type = "application/json", .fields = fields, .done = free};
    struct quotes q = {.grant = r->grant};

    origin_fields(r, fields + strlen(fields));
    hub_each_retained(worker_of(r->conn)->hub, "stocks/+", collect, &q);
    if (q.n > 0)
        qsort(q.list, q.n, sizeof(*q.list), by_topic);
    a.owner = q.out_of_memory ? NULL : join_quotes(&q, &a.len);
    free(q.list);
    if (a.owner == NULL) {
        http_problem(r, 503, "", HTTP_OUT_OF_MEMORY);
        return;
    }
    a.body = a.owner;
    http_answer(r, &a);
}

/* ---- health ---- */

static void answer_literal(const struct http_request *r, int status, const char *text)
{
    http_answer_text(r, status, "text/plain; charset=utf-8", text, strlen(text));
}

void door_healthz(const struct http_request *r)
{
    answer_literal(r, 200, "ok\n");
}

void door_readyz(const struct http_request *r)
{
    struct figures f;

    worker_figures(worker_of(r->conn), &f);
    if (f.ready)
        answer_literal(r, 200, "ready\n");
    else
        answer_literal(r, 503,
                       f.upstream_up ? "waiting for the retained values of the broker\n"
                                     : "the broker is not reachable\n");
}
