#include "gateway/doors/gate.h"
#include "gateway/doors/sse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/topic.h"
#include "gateway/doors/http.h"
#include "gateway/doors/pace.h"
#include "gateway/doors/quote_encoding.h"
#include "gateway/doors/watch.h"

#include "common/banned.h"

#define RETRY_MS 2000

static int refuse(int status, const char *why, const char **ret_why)
{
    *ret_why = why;
    return -status;
}

/* ---- what is asked for ---- */

/* `filter=`. Returns 0 or minus a status. */
static int add_filter(struct slice query, uint32_t interval_ms, struct filterset *want,
                      const char **ret_why)
{
    char filter[HTTP_HEAD_MAX];
    int len = http_query_get(query, "filter", filter, sizeof(filter));

    if (len == -ENOENT)
        return 0;
    if (len < 0 || !filter_valid(filter, (size_t)len))
        return refuse(400, "filter is an MQTT topic filter, percent-encoded, such as stocks/%2B.",
                      ret_why);
    if (!watch_brings_quotes(filter, (size_t)len))
        return refuse(400, "Only quotes come here: stocks/SYMBOL; other topics are at /mqtt.",
                      ret_why);
    return filterset_put(want, filter, (size_t)len, false, interval_ms) < 0
               ? refuse(503, HTTP_OUT_OF_MEMORY, ret_why)
               : 0;
}

/* The one place where a subscription at this door is allowed or refused. Returns 0 or minus a
 * status. */
static int judge(const struct filterset *want, const struct grant *grant, size_t max_filters,
                 const char **ret_why)
{
    if (want->n == 0)
        return refuse(400, "Say of what: ?symbols=AAPL,MSFT or ?symbols=* or ?filter=stocks/%2B.",
                      ret_why);
    if (want->n > max_filters)
        return refuse(400, WATCH_TOO_MANY, ret_why);
    if (!gate_allows(grant, want))
        return refuse(gate_status(grant), GATE_REFUSED, ret_why);
    return 0;
}

static int read_filters(struct slice query, const struct grant *grant, size_t max_filters,
                        struct filterset *want, const char **ret_why)
{
    uint32_t interval_ms;
    int r;

    if (pace_of_query(query, &interval_ms) < 0)
        return refuse(400, PACE_RULE ".", ret_why);
    interval_ms = grant_interval(grant, interval_ms);
    r = watch_add_query(want, query, interval_ms);
    if (r < 0)
        return r == -ENOMEM ? refuse(503, HTTP_OUT_OF_MEMORY, ret_why)
                            : refuse(400, WATCH_RULE, ret_why);
    r = add_filter(query, interval_ms, want, ret_why);
    return r < 0 ? r : judge(want, grant, max_filters, ret_why);
}

/* The id of the last event that the client has: NUL-terminated, "" for none. */
static void last_event_id(const struct http_head *head, char buf[EVENT_ID_MAX])
{
    struct slice id = http_head_field(head, "Last-Event-ID");

    buf[0] = '\0';
    if (id.len >= EVENT_ID_MAX)
        id = slice_of("?");
    if (id.len > 0) {
        memcpy(buf, id.at, id.len);
        buf[id.len] = '\0';
    } else if (http_query_get(head->query, "lastEventId", buf, EVENT_ID_MAX) == -ENOENT) {
        buf[0] = '\0';
    }
}

static void read_place(const struct http_head *head, const struct hub *hub, struct sse_wish *w)
{
    struct position now = hub_position(hub), last;
    char id[EVENT_ID_MAX];

    last_event_id(head, id);
    if (id[0] == '\0')
        return;
    w->resumes =
        event_id_parse(id, &last) == 0 && last.run == now.run && last.version <= now.version;
    w->starts_anew = !w->resumes;
    if (w->resumes)
        w->version = last.version;
}

int sse_wish_read(const struct http_head *head, const struct grant *grant, enum sse_form form,
                  size_t max_filters, const struct hub *hub, struct sse_wish *ret,
                  const char **ret_why)
{
    struct sse_wish w = {.form = form};
    int r = read_filters(head->query, grant, max_filters, &w.want, ret_why);

    if (r < 0) {
        sse_wish_release(&w);
        return r;
    }
    if (form == SSE_EVENTS) /* the other form has no ids */
        read_place(head, hub, &w);
    *ret = w;
    return 0;
}

void sse_wish_release(struct sse_wish *w)
{
    filterset_release(&w->want);
}

int sse_subscribe(struct hub *hub, struct reader *r, struct sse_wish *w, const char **ret_why)
{
    const struct encoding *e = w->form == SSE_EVENTS ? &event_encoding : &stock_update_encoding;
    struct filterset snapshot = {0};
    int err;

    if (w->resumes)
        err = hub_resume(hub, r, e, SIZE_MAX, &w->want, w->version);
    else if ((err = filterset_copy(&w->want, &snapshot)) == 0)
        err = hub_subscribe(hub, r, e, SIZE_MAX, &w->want, &snapshot);
    if (err == -ENOSPC)
        return refuse(503, "The gateway holds all the subscriptions that it can; try again later.",
                      ret_why);
    return err < 0 ? refuse(503, HTTP_OUT_OF_MEMORY, ret_why) : 0;
}

/* ---- what is said ---- */

size_t sse_greeting(const struct sse_wish *w, char buf[SSE_TEXT_MAX])
{
    if (w->form != SSE_EVENTS)
        return 0;
    return (size_t)snprintf(
        buf, SSE_TEXT_MAX, "retry: %d\n\n%s", RETRY_MS,
        w->starts_anew ? "event: reset\ndata: {\"reason\":\"what was sent before is not known here "
                         "(the gateway was restarted): everything follows\"}\n\n"
                       : "");
}

size_t sse_farewell(struct rng *rng, char buf[SSE_TEXT_MAX])
{
    unsigned retry_ms = RETRY_MS / 2 + (unsigned)rng_below(rng, RETRY_MS);

    return (size_t)snprintf(buf, SSE_TEXT_MAX, ": the gateway is being restarted\nretry: %u\n\n",
                            retry_ms);
}
