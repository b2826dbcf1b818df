/*
 * tapecast.v1.StockService/StreamQuotes, and StockService/StreamStockPrice of older clients: a
 * stream is a reader of the hub.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/doors/door.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/grpc.h"
#include "gateway/doors/grpc_encoding.h"
#include "gateway/doors/pace.h"
#include "gateway/doors/watch.h"
#include "gateway/hub/hub.h"
#include "gateway/worker.h"

#include "stock.pb-c.h"
#include "tapecast/v1/stock.pb-c.h"

#include "common/banned.h"

/* The one place where a subscription at this door is allowed or refused. Returns whether it is;
 * else the call has been finished. */
static bool judge(struct grpc_call *call, const struct filterset *want)
{
    size_t most = worker_of(call->stream->conn)->limits.max_subscriptions;

    if (want->n == 0)
        grpc_finish(call, GRPC_INVALID_ARGUMENT, "Say which symbols, such as AAPL; * is all.");
    else if (want->n > most)
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, WATCH_TOO_MANY);
    else if (!gate_allows(call->stream->grant, want))
        grpc_finish(call,
                    gate_status(call->stream->grant) == 401 ? GRPC_UNAUTHENTICATED
                                                            : GRPC_PERMISSION_DENIED,
                    GATE_REFUSED);
    else
        return true;
    return false;
}

/* Make the stream a reader of `want`, which is taken over. */
static void subscribe(struct grpc_call *call, const struct encoding *e, struct filterset *want)
{
    struct worker *w = worker_of(call->stream->conn);
    struct filterset snapshot = {0};
    int r = filterset_copy(want, &snapshot);

    if (r == 0)
        r = hub_subscribe(w->hub, &call->stream->reader, e, SIZE_MAX, want, &snapshot);
    if (r < 0) {
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED,
                    r == -ENOSPC ? "The gateway holds all the subscriptions that it can; try later."
                                 : HTTP_OUT_OF_MEMORY);
        return;
    }
    w->stats.readers[DOOR_GRPC]++;
    call->state = 1;
    grpc_open(call);
    hub_serve(w->hub, &call->stream->reader);
}

static void on_end(struct grpc_call *call)
{
    if (call->state != 0)
        worker_of(call->stream->conn)->stats.readers[DOOR_GRPC]--;
}

/* Add a symbol. Returns 0; or a negative errno, the call finished. */
static int add(struct grpc_call *call, const char *symbol, uint32_t interval_ms,
               struct filterset *want)
{
    char filter[QUOTE_TOPIC_MAX];
    int len = watch_filter(slice_of(symbol), filter);

    if (len < 0) {
        grpc_finish(call, GRPC_INVALID_ARGUMENT, WATCH_RULE);
        return len;
    }
    if (filterset_put(want, filter, (size_t)len, false, interval_ms) < 0) {
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, HTTP_OUT_OF_MEMORY);
        return -ENOMEM;
    }
    return 0;
}

static void stream(struct grpc_call *call, const struct encoding *e, char *const *symbols, size_t n,
                   uint32_t interval_ms)
{
    struct filterset want = {0};
    int r = 0;

    interval_ms = grant_interval(call->stream->grant, interval_ms);
    for (size_t i = 0; i < n && r == 0; i++)
        r = add(call, symbols[i], interval_ms, &want);
    if (r == 0 && judge(call, &want))
        subscribe(call, e, &want);
    filterset_release(&want);
}

/* ---- the methods ---- */

/* Returns 0; -EINVAL. */
static int read_pace(const Tapecast__V1__StreamQuotesRequest *q, uint32_t *ret_interval_ms)
{
    char text[32];
    int n;

    *ret_interval_ms = 0;
    if (!q->has_max_rate)
        return 0;
    n = snprintf(text, sizeof(text), "%.3f", q->max_rate);
    return n > 0 && (size_t)n < sizeof(text)
               ? pace_parse((struct slice){text, (size_t)n}, ret_interval_ms)
               : -EINVAL;
}

static void on_quotes(struct grpc_call *call, const uint8_t *bytes, size_t len)
{
    Tapecast__V1__StreamQuotesRequest *q =
        tapecast__v1__stream_quotes_request__unpack(NULL, len, bytes);
    uint32_t interval_ms;

    if (q == NULL)
        grpc_finish(call, GRPC_INVALID_ARGUMENT, "This is no StreamQuotesRequest.");
    else if (read_pace(q, &interval_ms) < 0)
        grpc_finish(call, GRPC_INVALID_ARGUMENT, PACE_RULE ".");
    else
        stream(call, &grpc_quote_encoding, q->symbols, q->n_symbols, interval_ms);
    tapecast__v1__stream_quotes_request__free_unpacked(q, NULL);
}

static void on_stock(struct grpc_call *call, const uint8_t *bytes, size_t len)
{
    StockRequest *q = stock_request__unpack(NULL, len, bytes);

    if (q == NULL)
        grpc_finish(call, GRPC_INVALID_ARGUMENT, "This is no StockRequest.");
    else
        stream(call, &grpc_stock_response_encoding, &q->stock_symbol, q->stock_symbol[0] != '\0',
               0);
    stock_request__free_unpacked(q, NULL);
}

const struct grpc_method grpc_stream_quotes = {
    .path = "/tapecast.v1.StockService/StreamQuotes", .message = on_quotes, .end = on_end};
const struct grpc_method grpc_stream_stock_price = {
    .path = "/StockService/StreamStockPrice", .message = on_stock, .end = on_end};
