#include "gateway/doors/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/grpc.h"
#include "gateway/doors/h2.h"
#include "gateway/doors/origin.h"
#include "gateway/doors/visitor.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define DETAIL_MAX 240     /* bytes, before they are escaped */
#define IDLE_MS 60000      /* between two requests */
#define DEFER_MS 30000     /* for an answer in a later turn */
#define DOWNLOAD_MS 300000 /* for one answer to be taken */

/* Nothing from elsewhere, nothing inline: text from a feed stays text. A page may read from other
 * gateways. */
#define SAFE_FIELDS                                                                                \
    "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:; "                   \
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "               \
    "frame-ancestors 'self'%s%s\r\n"                                                               \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"

typedef void handler(const struct http_request *r);

static const struct route {
    const char *path;
    handler *handle;
    bool gated; /* what it says depends on who asks */
} routes[] = {
    {"/mqtt", door_mqtt, true},
    {"/broker", door_broker, true},
    {"/ws", door_ws, true},
    {"/live-price", door_ws, true},
    {"/events", door_events, true},
    {"/stock-update", door_stock_update, true},
    {"/api/quotes", door_quotes, true},
    {"/api/clients", door_clients, true},
    {"/healthz", door_healthz, false},
    {"/readyz", door_readyz, false},
    {"/metrics", door_metrics, true},
    {"/api/time", door_time, false},
    {"/api/history", door_history, true},
    {"/api/ticks", door_ticks, true},
    {"/api/symbols", door_symbols, true},
    {"/api/config", door_config, false},
    {"/api/search", door_symbols, true},
};

static const char *status_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

/* The Date field, made once a second. */
static const char *date_now(void)
{
    static _Thread_local char text[40];
    static _Thread_local time_t made;
    time_t now = time(NULL);
    struct tm tm;

    if (now != made && gmtime_r(&now, &tm) != NULL) {
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        made = now;
    }
    return text;
}

/* Nobody here reads one. */
static bool has_body(const struct http_head *h)
{
    return h->chunked || h->content_length > 0;
}

/* A request that could not be read has no head. */
static bool keeps_alive(const struct http_request *r)
{
    return r->head != NULL && r->head->keep_alive && !has_body(r->head);
}

static bool wants_body(const struct http_request *r)
{
    return r->head == NULL || !slice_is(r->head->method, "HEAD");
}

/* Strict-Transport-Security, which means something under TLS only. */
static void write_hsts(const struct conn *c, char *buf, size_t cap)
{
    uint64_t seconds = worker_of(c)->shared->hsts_s;

    if (c->tls != NULL && seconds > 0)
        snprintf(buf, cap, "Strict-Transport-Security: max-age=%llu\r\n",
                 (unsigned long long)seconds);
}

#define FIELDS_MAX 2048

/* The header fields of an answer, whatever carries it; `length` is the field Content-Length or "".
 */
static void write_fields(const struct http_request *r, const struct http_answer *a,
                         const char *length, char buf[FIELDS_MAX])
{
    const char *frames = worker_of(r->conn)->shared->frame_ancestors;
    char hsts[64] = "";

    write_hsts(r->conn, hsts, sizeof(hsts));
    snprintf(buf, FIELDS_MAX, "Date: %s\r\n%s%s%s%s%s" SAFE_FIELDS "%s", date_now(),
             a->type ? "Content-Type: " : "", a->type ? a->type : "", a->type ? "\r\n" : "", length,
             a->fields, frames != NULL ? " " : "", frames != NULL ? frames : "", hsts);
}

/* Over HTTP/1.1. */
static void send_head(struct conn *c, int status, const char *fields, bool keep_alive)
{
    char head[FIELDS_MAX + 128];
    int n = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\n%sConnection: %s%s\r\n\r\n", status,
                     status_text(status), fields, keep_alive ? "keep-alive" : "close",
                     status == 426 ? ", Upgrade" : "");

    conn_send(c, head, (size_t)n);
}

static void answer_stream(const struct http_request *r, const struct http_answer *a, char *fields)
{
    struct http_answer no_body = {.done = a->done, .owner = a->owner};

    h2_answer(r->stream, a->status, fields, wants_body(r) ? a : &no_body);
    h2_expire_at(r->stream, mono_add_ms(mono_now(), DOWNLOAD_MS));
}

void http_answer(const struct http_request *r, const struct http_answer *a)
{
    struct conn *c = r->conn;
    char length[48] = "", fields[FIELDS_MAX];

    if (a->status != 304 && a->status != 204)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", a->len);
    write_fields(r, a, length, fields);
    if (r->stream != NULL) {
        answer_stream(r, a, fields);
        return;
    }
    send_head(c, a->status, fields, keeps_alive(r));
    if (a->len > 0 && wants_body(r) && !c->closed)
        conn_send_body(c, a->body, a->len, a->done, a->owner);
    else if (a->done != NULL)
        a->done(a->owner);
    conn_expire_at(c, mono_add_ms(mono_now(), conn_has_output(c) ? DOWNLOAD_MS : IDLE_MS));
    if (!keeps_alive(r))
        conn_finish(c);
}

void http_answer_text(const struct http_request *r, int status, const char *type, const char *text,
                      size_t len)
{
    struct http_answer a = {
        .status = status, .type = type, .fields = "Cache-Control: no-store\r\n"};

    a.len = len;
    a.body = len > 0 ? malloc(len) : NULL;
    a.done = free;
    a.owner = (void *)(uintptr_t)a.body;
    if (len > 0 && a.body == NULL) {
        conn_close(r->conn);
        return;
    }
    if (len > 0)
        memcpy(a.owner, text, len);
    http_answer(r, &a);
}

void http_problem(const struct http_request *r, int status, const char *fields, const char *detail)
{
    char all_fields[ORIGIN_FIELDS_MAX + 256], origin[ORIGIN_FIELDS_MAX] = "", body[1024],
                                              text[2 * DETAIL_MAX + 3];
    int n;
    struct http_answer a = {
        .status = status, .type = "application/problem+json", .fields = all_fields};

    *json_put_string(text, detail, strnlen(detail, DETAIL_MAX)) = '\0';
    n = snprintf(body, sizeof(body), "{\"title\":\"%s\",\"status\":%d,\"detail\":%s}\n",
                 status_text(status), status, text);
    if (r->head != NULL && r->head->host.at != NULL)
        origin_fields(r, origin); /* its page is to see what is wrong */
    snprintf(all_fields, sizeof(all_fields), "Cache-Control: no-store\r\n%s%s", origin, fields);
    a.len = (size_t)n;
    a.owner = malloc(a.len);
    if (a.owner == NULL) {
        conn_close(r->conn);
        return;
    }
    a.body = memcpy(a.owner, body, a.len);
    a.done = free;
    http_answer(r, &a);
}

bool http_answer_stream(const struct http_request *r, const char *type, const char *fields)
{
    const struct http_answer a = {.status = 200, .type = type, .fields = fields};
    char all_fields[FIELDS_MAX];

    write_fields(r, &a, "", all_fields);
    if (r->stream != NULL && wants_body(r)) {
        h2_open_answer(r->stream, 200, all_fields);
    } else if (r->stream != NULL) {
        answer_stream(r, &a, all_fields);
    } else {
        send_head(r->conn, 200, all_fields, false);
        if (!wants_body(r))
            conn_finish(r->conn);
    }
    return wants_body(r);
}

/* ---- answers in a later turn ---- */

void http_defer(const struct http_request *r, struct http_pending *p)
{
    struct mono by = mono_add_ms(mono_now(), DEFER_MS);

    p->conn = r->conn;
    p->stream = r->stream;
    p->keep_alive = keeps_alive(r);
    p->wants_body = wants_body(r);
    if (r->stream != NULL) {
        r->stream->pending = p;
        h2_expire_at(r->stream, by);
        return;
    }
    r->conn->state = p;
    conn_pause(r->conn);
    conn_expire_at(r->conn, by);
}

void http_forget(struct http_pending *p)
{
    if (p->stream != NULL)
        p->stream->pending = NULL;
    else
        p->conn->state = NULL;
    p->conn = NULL;
    atomic_store(&p->gone, true);
}

/* A head that says of the request what an answer depends on. */
static struct http_head head_of(const struct http_pending *p)
{
    return (struct http_head){.method = slice_of(p->wants_body ? "GET" : "HEAD"),
                              .keep_alive = p->keep_alive};
}

/* What came meanwhile is read when the answer is out. */
static void go_on(struct conn *c, const struct h2_stream *stream)
{
    if (stream != NULL)
        return;
    conn_resume(c);
    if (!c->closed && !conn_has_output(c))
        conn_retry_input(c);
}

void http_resume(struct http_pending *p, const struct http_answer *a)
{
    struct http_head head = head_of(p);
    struct conn *c = p->conn;

    if (c == NULL) {
        if (a->done != NULL)
            a->done(a->owner);
        return;
    }
    http_forget(p);
    http_answer(&(struct http_request){.conn = c, .stream = p->stream, .head = &head}, a);
    go_on(c, p->stream);
}

void http_resume_problem(struct http_pending *p, int status, const char *fields, const char *detail)
{
    struct http_head head = head_of(p);
    struct conn *c = p->conn;

    if (c == NULL)
        return;
    http_forget(p);
    http_problem(&(struct http_request){.conn = c, .stream = p->stream, .head = &head}, status,
                 fields, detail);
    go_on(c, p->stream);
}

void http_give_up(struct http_pending *p)
{
    http_resume_problem(p, 503, "", "The answer takes too long; try again later.");
}

/* ---- requests ---- */

static const struct route *route_of(const struct http_head *h)
{
    static const struct route files = {NULL, door_files, false};
    char path[64]; /* longer than any route */
    int n = http_path_decode(h->path, path, sizeof(path));

    for (size_t i = 0; n > 0 && i < ARRAY_SIZE(routes); i++)
        if (strcmp(path, routes[i].path) == 0)
            return &routes[i];
    return &files;
}

static void pass_on(const struct http_request *r)
{
    const struct route *route = route_of(r->head);
    struct http_request known = *r;

    if (route->gated && !gate_open(r, &known.grant))
        return;
    if (visitor_may_ask_by_token(&known))
        route->handle(&known);
    grant_unref(known.grant);
}

/* A method of RFC 9110 or 5789 is known, whatever it may do here. */
static void refuse_method(const struct http_request *r)
{
    static const char *const known[] = {"POST",    "PUT",     "DELETE", "PATCH",
                                        "CONNECT", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (slice_is(r->head->method, known[i])) {
            http_problem(r, 405, "Allow: GET, HEAD\r\n", "Only GET and HEAD are answered here.");
            return;
        }
    http_problem(r, 501, "",
                 "There is no such method; mind its case. GET and HEAD are answered here.");
}

static void judge(const struct http_request *r)
{
    const struct http_head *h = r->head;

    if (r->stream != NULL && grpc_wants(h))
        door_grpc(r);
    else if (!visitor_may_ask(r))
        return;
    else if (origin_preflight(r))
        return;
    else if (!slice_is(h->method, "GET") && !slice_is(h->method, "HEAD"))
        refuse_method(r);
    else if (has_body(h))
        http_problem(r, 413, "", "This address takes no request body.");
    else if (h->path.len == 0 || h->path.at[0] != '/')
        http_problem(r, 400, "", "The request needs a path.");
    else
        pass_on(r);
}

void http_dispatch(const struct http_request *r)
{
    struct http_request seen = *r;
    struct visitor visitor;

    visitor_see(r->conn, r->head, &visitor);
    seen.visitor = &visitor;
    judge(&seen);
}

/* A head has begun and is to be whole before long, however slowly its bytes drip. */
static void expect_rest(struct conn *c)
{
    struct mono by = mono_add_ms(mono_now(), c->net->limits.handshake_ms);

    conn_expire_at(c, mono_earlier(by, c->deadline.at));
}

static void become_h2(struct conn *c)
{
    if (h2_begin(c) < 0)
        conn_close(c);
}

static size_t on_bytes(struct conn *c, uint8_t *bytes, size_t len)
{
    struct http_head head;
    struct http_request r = {.conn = c};
    int n;

    if (conn_has_output(c) || c->state != NULL)
        return 0; /* the answer before comes first */
    n = h2_preface(bytes, len);
    if (n > 0)
        become_h2(c);
    if (n >= 0)
        return 0;
    n = http_head_parse((const char *)bytes, len, &head);
    if (n < 0) {
        http_problem(&r, -n, "", "The request is not well-formed HTTP/1.1 or is too large.");
        return len;
    }
    if (n == 0) {
        expect_rest(c);
    } else {
        r.head = &head;
        http_dispatch(&r);
    }
    return (size_t)n;
}

static void on_drained(struct conn *c)
{
    conn_expire_at(c, mono_add_ms(mono_now(), IDLE_MS));
    conn_retry_input(c);
}

static void on_expired(struct conn *c, struct mono now)
{
    (void)now;
    if (c->state != NULL)
        http_give_up(c->state);
    else if (conn_has_output(c) || c->in_len == 0)
        conn_close(c);
    else
        http_problem(&(struct http_request){.conn = c}, 408, "", "The request took too long.");
}

static void on_end(struct conn *c)
{
    if (c->state != NULL)
        http_forget(c->state);
}

const struct protocol http_protocol = {
    .name = "http",
    .keep_max = READ_MAX,
    .takes_turns = true,
    .bytes = on_bytes,
    .drained = on_drained,
    .expired = on_expired,
    .end = on_end,
};
