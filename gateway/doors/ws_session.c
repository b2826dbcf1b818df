#include "gateway/doors/ws_session.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/codec/json_action.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/http.h"
#include "gateway/doors/quote_encoding.h"
#include "gateway/doors/visitor.h"
#include "gateway/doors/watch.h"
#include "gateway/hub/hub.h"

#include "common/banned.h"

static struct worker *worker_of_session(const struct ws_session *s)
{
    return worker_of(s->conn);
}

/* ---- what is said ---- */

/* Send `text` as one message. */
static void send_text(struct ws_session *s, const char *text)
{
    size_t len = strlen(text);
    uint8_t *frame = malloc(ws_header_size(len) + len), *end;

    if (frame == NULL) {
        conn_close(s->conn);
        return;
    }
    end = ws_write_header(frame, WS_OP_TEXT, len);
    memcpy(end, text, len);
    conn_send(s->conn, frame, (size_t)(end - frame) + len);
    free(frame);
}

/* Send `json` (NULL: memory was out), which is freed. */
static void send_json(struct ws_session *s, cJSON *json)
{
    char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

    if (text != NULL)
        send_text(s, text);
    else
        conn_close(s->conn);
    cJSON_free(text);
    cJSON_Delete(json);
}

static cJSON *new_answer(const char *type)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "type", type);
    return json;
}

static void add_symbol(cJSON *list, const struct filter_entry *e)
{
    char symbol[SYMBOL_MAX + 1];

    watch_symbol(e, symbol);
    cJSON_AddItemToArray(list, cJSON_CreateString(symbol));
}

static void acknowledge(struct ws_session *s, const char *action)
{
    const struct filterset *set = hub_filters(&s->reader);
    cJSON *json = new_answer("ack"), *list;

    cJSON_AddStringToObject(json, "action", action);
    list = cJSON_AddArrayToObject(json, "symbols");
    for (size_t i = 0; i < set->n; i++)
        add_symbol(list, &set->entries[i]);
    send_json(s, json);
}

/* `symbols` (NULL: of none) is taken over. */
static void complain(struct ws_session *s, const char *code, const char *message, cJSON *symbols)
{
    cJSON *json = new_answer("error");

    cJSON_AddStringToObject(json, "code", code);
    cJSON_AddStringToObject(json, "message", message);
    if (symbols != NULL)
        cJSON_AddItemToObject(json, "symbols", symbols);
    send_json(s, json);
}

static void complain_of_error(struct ws_session *s, int err)
{
    if (err == -EINVAL)
        complain(s, "bad_symbol", WATCH_RULE, NULL);
    else if (err == -ENOSPC)
        complain(s, "busy", "The gateway holds all the subscriptions that it can; try again later.",
                 NULL);
    else if (err == -EACCES)
        complain(s, "forbidden", GATE_REFUSED, NULL);
    else if (err == -EDQUOT)
        complain(s, "too_many_symbols", WATCH_TOO_MANY, NULL);
    else
        complain(s, "busy", HTTP_OUT_OF_MEMORY, NULL);
}

/* ---- what is wanted ---- */

/* The one place where a subscription at this door is allowed or refused. Returns 0; -EDQUOT;
 * -EACCES. */
static int judge(const struct gateway_limits *limits, const struct grant *grant,
                 const struct filterset *want)
{
    if (!gate_allows(grant, want))
        return -EACCES;
    return want->n > limits->max_subscriptions ? -EDQUOT : 0;
}

/* The filters that an action names. Returns 0; -EINVAL; -ENOMEM. */
static int named_by(struct action *a, uint32_t interval_ms, struct filterset *ret)
{
    struct filterset set = {0};
    struct slice symbols;
    int n = 0;

    while (n >= 0 && (symbols = action_next_symbols(a)).at != NULL)
        n = watch_add(&set, symbols, interval_ms);
    if (n >= 0 && set.n == 0)
        n = -EINVAL;
    if (n < 0) {
        filterset_release(&set);
        return n;
    }
    *ret = set;
    return 0;
}

/* The symbols of `named` of which no quote has come yet; NULL when there are none, or when all may
 * be still to come. */
static cJSON *unknown_among(const struct ws_session *s, const struct filterset *named)
{
    const struct worker *w = worker_of_session(s);
    cJSON *list = NULL;

    if (!upstream_is_synced(w->upstream))
        return NULL;
    for (size_t i = 0; i < named->n; i++) {
        const struct filter_entry *e = &named->entries[i];
        if (filter_has_wildcard(e->filter, e->len) || hub_retains(w->hub, e->filter, e->len))
            continue;
        if (list == NULL)
            list = cJSON_CreateArray();
        add_symbol(list, e);
    }
    return list;
}

/* Subscribe to `named` besides what there is, or say why not. `named` is taken over. */
static void add_all(struct ws_session *s, struct filterset *named)
{
    struct worker *w = worker_of_session(s);
    struct filterset want = {0};
    cJSON *unknown = unknown_among(s, named);
    int r = filterset_copy(hub_filters(&s->reader), &want);

    if (r == 0)
        r = filterset_merge(&want, named);
    if (r == 0)
        r = judge(&w->limits, s->conn->grant, &want);
    if (r == 0)
        r = hub_subscribe(w->hub, &s->reader, &ws_encoding, SIZE_MAX, &want, named);
    if (r < 0) {
        complain_of_error(s, r);
        cJSON_Delete(unknown);
    } else {
        acknowledge(s, "subscribe");
        if (unknown != NULL)
            complain(s, "unknown_symbol",
                     "No quote of these has come yet; they are subscribed to in case one does.",
                     unknown);
        hub_serve(w->hub, &s->reader);
    }
    filterset_release(&want);
    filterset_release(named);
}

static void on_subscribe(struct ws_session *s, struct action *a)
{
    struct filterset named;
    int r = named_by(a, grant_interval(s->conn->grant, s->interval_ms), &named);

    if (r < 0)
        complain_of_error(s, r);
    else
        add_all(s, &named);
}

/* Take `named` out of `want`. Returns the symbols that were not there, or NULL. */
static cJSON *remove_all(struct filterset *want, const struct filterset *named)
{
    cJSON *missing = NULL;

    for (size_t i = 0; i < named->n; i++) {
        const struct filter_entry *e = &named->entries[i];
        if (filter_has_wildcard(e->filter, e->len)) {
            filterset_release(want); /* "*" is everything */
        } else if (!filterset_remove(want, e->filter, e->len)) {
            if (missing == NULL)
                missing = cJSON_CreateArray();
            add_symbol(missing, e);
        }
    }
    return missing;
}

static void on_unsubscribe(struct ws_session *s, struct action *a)
{
    struct worker *w = worker_of_session(s);
    struct filterset named = {0}, want = {0}, nothing = {0};
    cJSON *missing = NULL;
    int r = named_by(a, 0, &named);

    if (r == 0)
        r = filterset_copy(hub_filters(&s->reader), &want);
    if (r == 0) {
        missing = remove_all(&want, &named);
        r = hub_subscribe(w->hub, &s->reader, &ws_encoding, SIZE_MAX, &want, &nothing);
    }
    if (r < 0) {
        complain_of_error(s, r);
        cJSON_Delete(missing);
    } else {
        acknowledge(s, "unsubscribe");
        if (missing != NULL)
            complain(s, "not_subscribed", "These were not in the list.", missing);
        hub_serve(w->hub, &s->reader);
    }
    filterset_release(&named);
}

/* A token, the first or a fresh one. Symbols that it does not grant leave the list. */
static void on_auth(struct ws_session *s, struct slice token)
{
    struct worker *w = worker_of_session(s);
    struct filterset allowed, nothing = {0};
    struct grant *fresh;
    const char *why;
    int less;

    if (w->shared->auth == NULL) {
        complain(s, "auth_unavailable", "This gateway asks for no token; just subscribe.", NULL);
        return;
    }
    if (gate_check(w, token, &fresh, &why) < 0) {
        complain(s, "bad_token", why, NULL);
        return;
    }
    grant_unref(s->conn->grant);
    s->conn->grant = fresh;
    less = gate_narrow(fresh, hub_filters(&s->reader), &allowed);
    if (less == 1)
        less = hub_subscribe(w->hub, &s->reader, &ws_encoding, SIZE_MAX, &allowed, &nothing);
    if (less < 0) {
        conn_close(s->conn);
        return;
    }
    acknowledge(s, "auth");
    hub_serve(w->hub, &s->reader);
}

void ws_session_message(struct ws_session *s, const char *text, size_t len)
{
    struct action a;
    struct action_fault fault;

    if (action_parse(text, len, &a, &fault) < 0) {
        complain(s, fault.code, fault.message, NULL);
        return;
    }
    if (a.kind != ACTION_PING && visitor_take(s->conn, s->conn->grant, QUOTA_SUBSCRIBE) > 0) {
        complain(s, "rate_limited", VISITOR_RULE, NULL);
        action_release(&a);
        return;
    }
    switch (a.kind) {
    case ACTION_SUBSCRIBE:
        on_subscribe(s, &a);
        break;
    case ACTION_UNSUBSCRIBE:
        on_unsubscribe(s, &a);
        break;
    case ACTION_AUTH:
        on_auth(s, a.token);
        break;
    case ACTION_PING:
        send_text(s, "{\"type\":\"pong\"}");
        break;
    }
    action_release(&a);
}

/* ---- beginning and end ---- */

int ws_session_wish(const struct gateway_limits *limits, const struct grant *grant,
                    struct slice query, uint32_t interval_ms, struct filterset *ret,
                    const char **ret_why)
{
    struct filterset wish = {0};
    int r = watch_add_query(&wish, query, grant_interval(grant, interval_ms));

    if (r >= 0)
        r = judge(limits, grant, &wish);
    if (r < 0) {
        filterset_release(&wish);
        *ret_why = r == -EDQUOT   ? WATCH_TOO_MANY
                   : r == -EINVAL ? WATCH_RULE
                   : r == -EACCES ? GATE_REFUSED
                                  : HTTP_OUT_OF_MEMORY;
        return r == -ENOMEM ? -503 : r == -EACCES ? -gate_status(grant) : -400;
    }
    *ret = wish;
    return 0;
}

void ws_session_begin(struct ws_session *s, struct filterset *wish)
{
    if (wish->n > 0)
        add_all(s, wish);
}

void ws_session_expired(struct ws_session *s)
{
    complain(s, "token_expired", "The token has expired; come back with a fresh one.", NULL);
    if (!s->conn->closed)
        ws_session_end(s, WS_POLICY, "the token has expired");
}

void ws_session_end(struct ws_session *s, uint16_t code, const char *why)
{
    uint8_t frame[WS_CONTROL_MAX];

    hub_leave(worker_of_session(s)->hub, &s->reader);
    conn_send(s->conn, frame, ws_write_close(frame, code, why));
    conn_finish(s->conn);
}
