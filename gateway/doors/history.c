/*
 * /api/history, /api/symbols, /api/ticks and their like: `/api` is the address of a TradingView
 * "universal data feed". A handler reads the request and asks; the answer comes by answered() in a
 * later turn, when the reader may have gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/doors/doors.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/http.h"
#include "gateway/doors/origin.h"
#include "gateway/history.h"
#include "gateway/ticks.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define FIELDS_MAX (ORIGIN_FIELDS_MAX + 128)
#define DEFAULT_BARS 300
#define DEFAULT_SYMBOLS 30

/* A question and whose it is. */
struct asked {
    struct inquiry inquiry; /* first: inquiry_free() frees it all */
    struct http_pending pending;
    char fields[FIELDS_MAX]; /* of the answer */
};

/* ---- the request ---- */

/* The header fields of every answer here; pages of allowed origins may read it. */
static void make_fields(const struct http_request *r, char buf[FIELDS_MAX])
{
    int n = snprintf(buf, FIELDS_MAX, "Cache-Control: no-store\r\nVary: Accept-Encoding\r\n");

    origin_fields(r, buf + n);
}

/* An error as problem JSON that is TradingView's too: {"s":"error","errmsg":…}. */
static struct http_answer problem_answer(int status, const char *detail, const char *fields)
{
    struct http_answer a = {.status = status, .type = "application/problem+json", .fields = fields};
    char *body = NULL;
    int n = asprintf(&body, "{\"status\":%d,\"detail\":\"%s\",\"s\":\"error\",\"errmsg\":\"%s\"}\n",
                     status, detail, detail);

    if (n >= 0) {
        a.body = a.owner = body;
        a.len = (size_t)n;
        a.done = free;
    }
    return a;
}

static void problem(const struct http_request *r, int status, const char *detail)
{
    char fields[FIELDS_MAX];
    struct http_answer a;

    make_fields(r, fields);
    a = problem_answer(status, detail, fields);
    http_answer(r, &a);
}

/* Take a member of the query: 1 it is there, 0 it is not, -EINVAL after answering. */
static int get(const struct http_request *r, const char *name, char *buf, size_t cap)
{
    char detail[96];
    int n = http_query_get(r->head->query, name, buf, cap);

    if (n == -ENOENT || n == 0)
        return 0;
    if (n > 0)
        return 1;
    snprintf(detail, sizeof(detail), "The value of %s in the query cannot be read.", name);
    problem(r, 400, detail);
    return -EINVAL;
}

static int get_number(const struct http_request *r, const char *name, int64_t min, int64_t max,
                      int64_t *ret)
{
    char text[24], detail[128], *end;
    int found = get(r, name, text, sizeof(text));
    long long value;

    if (found <= 0)
        return found;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || *text <= ' ' || value < min || value > max) {
        snprintf(detail, sizeof(detail), "%s is to be a whole number from %lld to %lld.", name,
                 (long long)min, (long long)max);
        problem(r, 400, detail);
        return -EINVAL;
    }
    *ret = value;
    return 1;
}

static int get_symbol(const struct http_request *r, const char *name, char ret[SYMBOL_MAX + 1])
{
    char text[3 * SYMBOL_MAX + 1];
    int found = get(r, name, text, sizeof(text));

    if (found <= 0)
        return found;
    if (symbol_normalize(text, strlen(text), ret) < 0) {
        problem(r, 400, "The query names no symbol such as AAPL.");
        return -EINVAL;
    }
    return 1;
}

static int get_resolution(const struct http_request *r, enum resolution *ret)
{
    char text[8] = "";
    int found = get(r, "resolution", text, sizeof(text));

    if (found < 0)
        return found;
    if (resolution_find(found > 0 ? text : "1", ret) < 0) {
        problem(r, 400, "resolution is one of 1S, 1, 5, 15, 60, 1D.");
        return -EINVAL;
    }
    return 1;
}

#define TIME_MAX INT64_C(100000000000)    /* the year 5138; milliseconds are beyond */
#define TIME_MIN_MS INT64_C(100000000000) /* 1973 in ms; seconds are below */

static int get_range(const struct http_request *r, struct udf_range *ret)
{
    int64_t countback = 0;
    int from, to;

    ret->to = TIME_MAX;
    from = get_number(r, "from", -TIME_MAX, TIME_MAX, &ret->from);
    to = from < 0 ? from : get_number(r, "to", -TIME_MAX, TIME_MAX, &ret->to);
    if (to < 0 || get_number(r, "countback", 1, UDF_MAX_BARS, &countback) < 0)
        return -EINVAL;
    if (from > 0 && ret->from > ret->to) {
        problem(r, 400, "from is later than to.");
        return -EINVAL;
    }
    ret->countback = (uint32_t)countback;
    if (from == 0 && countback == 0)
        ret->countback = DEFAULT_BARS;
    return 0;
}

/* ---- asking ---- */

static void answered(struct letter *l, struct worker *w);

/* Hand the question over. What it was called with is the thread's or gone. */
static void ask(const struct http_request *r, struct asked *a)
{
    struct worker *w = worker_of(r->conn);
    struct history *h = w->shared->history;

    a->inquiry.worker = w;
    a->inquiry.gone = &a->pending.gone;
    a->inquiry.gzip = http_head_lists(r->head, "accept-encoding", "gzip");
    make_fields(r, a->fields);
    list_init(&a->inquiry.letter.link);
    a->inquiry.letter.open = answered;
    if (history_ask(h, &a->inquiry) < 0) {
        inquiry_free(&a->inquiry);
        problem(r, 503, "Too many requests for history wait already; try again in a moment.");
        return;
    }
    http_defer(r, &a->pending); /* the answer comes in a later turn of this thread's */
}

/* NULL after answering. */
static struct asked *new_question(const struct http_request *r, enum question question)
{
    struct asked *a;

    if (worker_of(r->conn)->shared->history == NULL) {
        problem(r, 404, "There is no history here: start the gateway with --store.");
        return NULL;
    }
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        problem(r, 503, HTTP_OUT_OF_MEMORY);
    else
        a->inquiry.question = question;
    return a;
}

void door_history(const struct http_request *r)
{
    struct asked *a = new_question(r, ASK_BARS);
    struct udf_range *range;
    int found;

    if (a == NULL)
        return;
    range = &a->inquiry.range;
    found = get_symbol(r, "symbol", range->symbol);
    if (found == 0)
        problem(r, 400, "Say which symbol: /api/history?symbol=AAPL&resolution=1&from=…&to=….");
    if (found > 0 && gate_symbol(r, range->symbol) && get_resolution(r, &range->resolution) > 0 &&
        get_range(r, range) == 0)
        ask(r, a);
    else
        inquiry_free(&a->inquiry);
}

/* By `from_seq` and `to_seq`, of one `run`; or by `from` and `to` in ms. Returns 0; -EINVAL after
 * answering. */
static int get_tick_range(const struct http_request *r, struct store_tick_range *ret)
{
    int64_t from_seq = 0, to_seq = INT64_MAX, run = 0;
    int by_seq = get_number(r, "from_seq", 0, INT64_MAX, &from_seq), by_time;

    ret->to_ms = TIME_MAX * 1000;
    by_time = by_seq < 0 ? by_seq : get_number(r, "from", TIME_MIN_MS, ret->to_ms, &ret->from_ms);
    if (by_time < 0 || get_number(r, "to_seq", 0, INT64_MAX, &to_seq) < 0 ||
        get_number(r, "to", TIME_MIN_MS, ret->to_ms, &ret->to_ms) < 0 ||
        get_number(r, "run", 1, INT32_MAX, &run) < 0)
        return -EINVAL;
    if (by_seq == by_time) {
        problem(r, 400, "Say either from_seq and to_seq, or from and to in milliseconds.");
        return -EINVAL;
    }
    if (by_seq > 0 &&
        (from_seq > to_seq || (to_seq < INT64_MAX && to_seq - from_seq >= TICKS_MAX))) {
        problem(r, 400, "to_seq is to be from_seq or up to 9999 more.");
        return -EINVAL;
    }
    ret->by_seq = by_seq > 0;
    ret->run = (uint32_t)run;
    ret->from_seq = (uint64_t)from_seq;
    ret->to_seq = (uint64_t)to_seq;
    return 0;
}

void door_ticks(const struct http_request *r)
{
    struct asked *a = new_question(r, ASK_TICKS);
    struct inquiry *q;
    int found;

    if (a == NULL)
        return;
    q = &a->inquiry;
    q->ticks.symbol = q->range.symbol;
    found = get_symbol(r, "symbol", q->range.symbol);
    if (found == 0)
        problem(r, 400, "Say which symbol: /api/ticks?symbol=AAPL&from_seq=4712&to_seq=4719.");
    if (found > 0 && gate_symbol(r, q->range.symbol) && get_tick_range(r, &q->ticks) == 0)
        ask(r, a);
    else
        inquiry_free(q);
}

void door_symbols(const struct http_request *r)
{
    struct asked *a = new_question(r, ASK_SEARCH);
    int64_t limit = DEFAULT_SYMBOLS;
    int found;

    if (a == NULL)
        return;
    found = get_symbol(r, "symbol", a->inquiry.range.symbol);
    if (found > 0)
        a->inquiry.question = ASK_SYMBOL;
    else if (found == 0)
        found = get_symbol(r, "query", a->inquiry.query);
    if (found >= 0)
        found = get_number(r, "limit", 1, UDF_MAX_SYMBOLS, &limit);
    a->inquiry.limit = (uint32_t)limit;
    if (found >= 0)
        ask(r, a);
    else
        inquiry_free(&a->inquiry);
}

static void answer_now(const struct http_request *r, const char *type, const char *text)
{
    char fields[FIELDS_MAX];
    struct http_answer a = {.status = 200, .type = type, .fields = fields, .len = strlen(text)};

    make_fields(r, fields);
    a.owner = strdup(text);
    if (a.owner == NULL) {
        conn_close(r->conn);
        return;
    }
    a.body = a.owner;
    a.done = free;
    http_answer(r, &a);
}

void door_config(const struct http_request *r)
{
    bool stored = worker_of(r->conn)->shared->history != NULL;

    answer_now(r, "application/json", stored ? udf_config : udf_config_without_store);
}

void door_time(const struct http_request *r)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)time(NULL));
    answer_now(r, "text/plain; charset=utf-8", text);
}

/* ---- answering ---- */

static void answer_failure(struct asked *a)
{
    static const struct {
        int result, status;
        const char *detail;
    } failures[] = {
        /* the first two are of ticks */
        {-ENOENT, 404,
         "No ticks are kept of this symbol and run: the recorder keeps them with --ticks DAYS."},
        {-E2BIG, 400, "More than 10000 ticks: ask for a shorter range."},
        {-ENOENT, 404, "No such symbol is known here."},
        {-E2BIG, 400, "More than 100000 bars: ask for a shorter range or a longer resolution."},
        {-EAGAIN, 503, "Nothing has been recorded yet; try again later."},
        {0, 503, "The store cannot be read at present; try again later."},
    };
    struct http_answer answer;
    size_t i = a->inquiry.question == ASK_TICKS ? 0 : 2;

    while (failures[i].result != 0 && failures[i].result != a->inquiry.result)
        i++;
    answer = problem_answer(failures[i].status, failures[i].detail, a->fields);
    http_resume(&a->pending, &answer);
}

/* The store has answered, perhaps to nobody any more. */
static void answered(struct letter *l, struct worker *w)
{
    struct inquiry *q = CONTAINER_OF(l, struct inquiry, letter);
    struct asked *a = CONTAINER_OF(q, struct asked, inquiry);
    struct http_answer answer = {
        .status = 200, .type = "application/json", .fields = a->fields, .done = free};

    (void)w;
    if (q->result < 0) {
        answer_failure(a);
    } else {
        if (q->gzip) {
            size_t len = strlen(a->fields);
            snprintf(a->fields + len, sizeof(a->fields) - len, "Content-Encoding: gzip\r\n");
        }
        answer.body = answer.owner = q->answer.bytes;
        answer.len = q->answer.len;
        q->answer.bytes = NULL; /* handed over */
        http_resume(&a->pending, &answer);
    }
    inquiry_free(q);
}
