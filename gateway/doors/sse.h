/*
 * sse -- Server-Sent Events: what a stream is asked for, and what it begins with, over whatever
 * carries it.
 *
 * A transport (doors/events.c for HTTP/1.1) brings a request's head, owns a reader whose
 * reader_ops write to it, and does:
 *
 *     r = sse_wish_read(…);            // refuse with -r and the sentence, before anything is sent
 *     r = sse_subscribe(…);            // the same
 *     send 200 and sse_fields, then sse_greeting()
 *     hub_serve(…);
 *
 * From then on whole events come through the reader. SSE_HEARTBEAT may be sent between them, and
 * sse_farewell() before the end. Nothing here does I/O.
 */
#ifndef TAPECAST_GATEWAY_DOORS_SSE_H
#define TAPECAST_GATEWAY_DOORS_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/rng.h"
#include "gateway/auth/grant.h"
#include "gateway/codec/http_head.h"
#include "gateway/hub/filterset.h"
#include "gateway/hub/hub.h"
#include "gateway/hub/reader.h"

#define SSE_TYPE "text/event-stream"
#define SSE_FIELDS                                                                                 \
    "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n" /* nginx is not to gather */
#define SSE_HEARTBEAT ":\n\n"

enum sse_form { SSE_EVENTS, SSE_STOCK_UPDATE };

struct sse_wish {
    enum sse_form form;
    struct filterset want;
    bool resumes;     /* from `version` on */
    bool starts_anew; /* it names a place that this hub cannot resume from */
    uint64_t version;
};

/* What a request asks for: `symbols=`, `symbol=`, `filter=`, `max-rate=`, `lastEventId=` in its
 * query and the field Last-Event-ID. Holds at most `max_filters`. Returns 0 and *ret, to be
 * released; or minus the status to answer, *ret_why a sentence: -400, -401, -403, -503. */
MUST_CHECK int sse_wish_read(const struct http_head *head, const struct grant *grant,
                             enum sse_form form, size_t max_filters, const struct hub *hub,
                             struct sse_wish *ret, const char **ret_why);
void sse_wish_release(struct sse_wish *w);

/* Subscribe `r`, which has just entered. Sends nothing yet. Returns 0; or minus a status: -503. */
MUST_CHECK int sse_subscribe(struct hub *hub, struct reader *r, struct sse_wish *w,
                             const char **ret_why);

#define SSE_TEXT_MAX 256
/* What a stream begins with, and what it ends with when the gateway stops: where to come back, and
 * when, not all at once. Return the length; 0 for nothing. */
size_t sse_greeting(const struct sse_wish *w, char buf[SSE_TEXT_MAX]);
size_t sse_farewell(struct rng *rng, char buf[SSE_TEXT_MAX]);

#endif
