#include "gateway/doors/grpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/doors/door.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/visitor.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define TYPE "application/grpc"
#define TICK_MS 1000
#define MORE_BY_MS 60000 /* for a further message of many */
#define HEAD "Content-Type: " TYPE "\r\nGrpc-Accept-Encoding: identity\r\n"
#define ONE_MESSAGE "This method takes one request message."

const struct grpc_method *const grpc_methods[] = {&grpc_stream_quotes,
                                                  &grpc_stream_stock_price,
                                                  &grpc_health_check,
                                                  &grpc_health_watch,
                                                  &grpc_reflection,
                                                  &grpc_reflection_alpha,
                                                  NULL};

static const struct grpc_method *find_method(struct slice path)
{
    for (size_t i = 0; grpc_methods[i] != NULL; i++)
        if (slice_is(path, grpc_methods[i]->path))
            return grpc_methods[i];
    return NULL;
}

/* "application/grpc", with "+proto" or parameters behind it. */
static bool is_grpc_type(struct slice type)
{
    size_t n = sizeof(TYPE) - 1;

    if (type.len < n || strncasecmp(type.at, TYPE, n) != 0)
        return false;
    type = (struct slice){type.at + n, type.len - n};
    if (type.len >= 6 && strncasecmp(type.at, "+proto", 6) == 0)
        type = (struct slice){type.at + 6, type.len - 6};
    return type.len == 0 || type.at[0] == ';' || type.at[0] == ' ';
}

bool grpc_wants(const struct http_head *h)
{
    return find_method(h->path) != NULL || is_grpc_type(http_head_field(h, "content-type"));
}

/* ---- the answer ---- */

uint8_t *grpc_write_prefix(uint8_t *p, size_t len)
{
    *p++ = 0;
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (uint8_t)(len >> shift);
    return p;
}

void grpc_open(struct grpc_call *call)
{
    char fields[] = HEAD;

    h2_open_answer(call->stream, 200, fields);
}

void grpc_send(struct grpc_call *call, const uint8_t *bytes, size_t len)
{
    uint8_t prefix[GRPC_PREFIX];

    grpc_write_prefix(prefix, len);
    h2_send(call->stream, prefix, sizeof(prefix));
    h2_send(call->stream, bytes, len);
}

void grpc_finish(struct grpc_call *call, enum grpc_status status, const char *why)
{
    char text[sizeof(HEAD) + 256];
    bool begun = call->stream->head_sent;

    call->ticks = false;
    snprintf(text, sizeof(text), "%sGrpc-Status: %d\r\n%s%s%s", begun ? "" : HEAD, (int)status,
             *why != '\0' ? "Grpc-Message: " : "", why, *why != '\0' ? "\r\n" : "");
    if (begun)
        h2_end(call->stream, text);
    else
        h2_answer(call->stream, 200, text, NULL);
}

/* ---- time ---- */

static void arm(struct grpc_call *call)
{
    struct mono at = mono_earlier(call->deadline, call->request_by);

    if (call->ticks)
        at = mono_earlier(at, mono_add_ms(mono_now(), TICK_MS));
    if (at.ns != MONO_NEVER.ns)
        h2_expire_at(call->stream, at);
    else
        deadline_clear(&call->stream->deadline);
}

void grpc_tick(struct grpc_call *call)
{
    call->ticks = true;
    arm(call);
}

static void on_expired(struct h2_stream *s, struct mono now)
{
    struct grpc_call *call = s->state;

    if (!mono_before(now, call->deadline)) {
        grpc_finish(call, GRPC_DEADLINE_EXCEEDED, "The call's deadline has passed.");
    } else if (!mono_before(now, call->request_by)) {
        grpc_finish(call, GRPC_UNAVAILABLE, "The request did not come in time.");
    } else {
        if (call->ticks)
            call->method->tick(call);
        arm(call);
    }
}

/* "100m": up to eight digits and a unit. Returns 0 and *ret_ms, rounded up; -EINVAL. */
static int parse_timeout(struct slice text, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = {{'H', 3600000000000}, {'M', 60000000000}, {'S', 1000000000},
                 {'m', 1000000},       {'u', 1000},        {'n', 1}};
    int64_t value = 0;

    if (text.len < 2 || text.len > 9)
        return -EINVAL;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -EINVAL;
        value = value * 10 + (text.at[i] - '0');
    }
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        int64_t ns;
        if (text.at[text.len - 1] != units[i].unit)
            continue;
        if (__builtin_mul_overflow(value, units[i].ns, &ns))
            ns = INT64_MAX / 2;
        *ret_ms = ns / 1000000 + (ns % 1000000 > 0);
        return 0;
    }
    return -EINVAL;
}

/* ---- the request ---- */

static void forget_message(struct grpc_call *call)
{
    free(call->message);
    call->message = NULL;
    (void)h2_hold(call->stream, 0);
    call->got = call->len = 0;
}

/* Returns whether the message that these five bytes announce can be taken. */
static bool accept_prefix(struct grpc_call *call)
{
    const uint8_t *p = call->prefix;

    call->len = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    if (p[0] != 0)
        grpc_finish(call, GRPC_UNIMPLEMENTED,
                    "Compressed messages are not read here; send them as they are (identity).");
    else if (call->len > GRPC_MESSAGE_MAX)
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED,
                    "A request message is at most 65536 bytes here.");
    else if (!h2_hold(call->stream, call->len))
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, "Too much of this connection waits already.");
    else if ((call->message = malloc(call->len + 1)) == NULL)
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, HTTP_OUT_OF_MEMORY);
    return call->message != NULL;
}

static void take_message(struct grpc_call *call)
{
    call->n_messages++;
    if (!call->method->many)
        return; /* it waits for the end of the request */
    call->request_by = mono_add_ms(mono_now(), MORE_BY_MS);
    arm(call);
    call->method->message(call, call->message, call->len);
    forget_message(call);
}

static bool is_over(const struct grpc_call *call)
{
    return call->stream->ending || call->stream->closed;
}

static void on_bytes(struct h2_stream *s, const uint8_t *bytes, size_t len)
{
    struct grpc_call *call = s->state;

    while (len > 0 && !is_over(call)) {
        bool in_prefix = call->got < GRPC_PREFIX;
        uint32_t end = in_prefix ? GRPC_PREFIX : GRPC_PREFIX + call->len;
        uint32_t n = len < end - call->got ? (uint32_t)len : end - call->got;
        if (n == 0) { /* the one message has come, and waits */
            grpc_finish(call, GRPC_INVALID_ARGUMENT, ONE_MESSAGE);
            return;
        }
        memcpy(in_prefix ? call->prefix + call->got : call->message + call->got - GRPC_PREFIX,
               bytes, n);
        call->got += n;
        bytes += n;
        len -= n;
        if (in_prefix && call->got == GRPC_PREFIX && !accept_prefix(call))
            return;
        if (call->got >= GRPC_PREFIX && call->got == GRPC_PREFIX + call->len)
            take_message(call);
    }
}

static void on_complete(struct h2_stream *s)
{
    struct grpc_call *call = s->state;

    call->complete = true;
    call->request_by = MONO_NEVER;
    arm(call);
    if (is_over(call))
        return;
    if (call->method->many) {
        grpc_finish(call, GRPC_OK, "");
    } else if (call->n_messages == 0 || call->got < GRPC_PREFIX + call->len) {
        grpc_finish(call, GRPC_INVALID_ARGUMENT, "The request has no whole message.");
    } else {
        call->method->message(call, call->message, call->len);
        forget_message(call);
    }
}

static void say_goodbye(struct h2_stream *s)
{
    grpc_finish(s->state, GRPC_UNAVAILABLE, "The gateway is being restarted; call again.");
}

static void on_end(struct h2_stream *s)
{
    struct grpc_call *call = s->state;

    if (call->method->end != NULL)
        call->method->end(call);
    free(call->message);
    free(call);
}

static void say_expired(struct h2_stream *s)
{
    grpc_finish(s->state, GRPC_UNAUTHENTICATED, "The token has expired.");
}

static const struct h2_door h2_door = {.name = "grpc",
                                       .bytes = on_bytes,
                                       .complete = on_complete,
                                       .expired = on_expired,
                                       .say_goodbye = say_goodbye,
                                       .say_expired = say_expired,
                                       .end = on_end};

/* ---- the door ---- */

/* A call that ends before it begins. */
static void refuse(const struct http_request *r, enum grpc_status status, const char *why)
{
    struct grpc_call call = {.stream = r->stream};

    grpc_finish(&call, status, why);
}

static void begin(const struct http_request *r, const struct grpc_method *m, int64_t timeout_ms)
{
    struct grpc_call *call = calloc(1, sizeof(*call));
    struct mono now = mono_now();
    char text[128];
    const char *why;

    if (call == NULL) {
        refuse(r, GRPC_RESOURCE_EXHAUSTED, HTTP_OUT_OF_MEMORY);
        return;
    }
    if (gate_ask(r, &r->stream->grant, &why) < 0) {
        snprintf(text, sizeof(text), "Not let in: %s.", why);
        refuse(r, GRPC_UNAUTHENTICATED, text);
        free(call);
        return;
    }
    if (visitor_take_token(worker_of(r->conn), r->stream->grant, QUOTA_REQUEST) > 0) {
        refuse(r, GRPC_RESOURCE_EXHAUSTED, VISITOR_RULE);
        free(call);
        return;
    }
    call->stream = r->stream;
    call->method = m;
    call->deadline = timeout_ms >= 0 ? mono_add_ms(now, timeout_ms) : MONO_NEVER;
    call->request_by = mono_add_ms(now, r->conn->net->limits.handshake_ms);
    h2_take_over(r->stream, &h2_door, call);
    arm(call);
}

void door_grpc(const struct http_request *r)
{
    const struct grpc_method *m = find_method(r->head->path);
    struct slice timeout = http_head_field(r->head, "grpc-timeout");
    int64_t timeout_ms = -1;

    if (!slice_is(r->head->method, "POST"))
        http_problem(r, 405, "Allow: POST\r\n", "A gRPC method is called by POST.");
    else if (!is_grpc_type(http_head_field(r->head, "content-type")))
        http_problem(r, 415, "", "A gRPC method takes application/grpc.");
    else if (visitor_ask(r) > 0)
        refuse(r, GRPC_RESOURCE_EXHAUSTED, VISITOR_RULE);
    else if (m == NULL)
        refuse(r, GRPC_UNIMPLEMENTED, "There is no such method; server reflection lists them.");
    else if (timeout.at != NULL && parse_timeout(timeout, &timeout_ms) < 0)
        refuse(r, GRPC_INVALID_ARGUMENT,
               "The field grpc-timeout is digits and a unit, such as 100m.");
    else
        begin(r, m, timeout_ms);
}

const struct door grpc_door = {.name = "grpc"};
