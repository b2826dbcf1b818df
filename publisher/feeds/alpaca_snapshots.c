/*
 * Snapshots by request, so many symbols each, one request after the other:
 * https://docs.alpaca.markets/reference/stocksnapshots-1
 *
 * How soon all are asked for again depends on what the stream tells: rarely while it flows, every
 * few seconds while there is none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/url.h"
#include "publisher/feeds/alpaca.h"

#include "common/banned.h"

#define BODY_MAX ((size_t)1 << 20)
#define BATCH 100     /* symbols of one request */
#define APART_MS 1000 /* however many gaps there are */
#define DOWN_MS 5000
#define QUIET_MS 60000
#define BESIDE_MS 15000 /* while not all symbols are streamed */
#define FLOWING_MS 600000
#define FAULT_FIRST_MS 1000
#define FAULT_MAX_MS 30000
#define REFUSED_FIRST_MS 60000
#define REFUSED_MAX_MS 900000

void snapshots_soon(struct feed *f)
{
    struct snapshots *s = &f->snapshots;
    struct mono t = s->answered ? mono_later(f->now, mono_add_ms(s->asked_at, APART_MS)) : f->now;

    s->again |= s->asking;
    if (s->fault[0] == '\0')
        s->ask_at = mono_earlier(s->ask_at, t);
}

static int64_t gap_ms(const struct feed *f)
{
    switch (f->set.complete ? board_flow(&f->live.board, f->now) : FLOW_SILENT) {
    case FLOW_GOOD:
        return f->set.active < set_wanted(f) ? BESIDE_MS : FLOWING_MS;
    case FLOW_SILENT:
        return f->set.complete && live_is_closed(&f->live) ? QUIET_MS : DOWN_MS;
    case FLOW_NONE:
        break;
    }
    return QUIET_MS;
}

static struct mono due(const struct feed *f)
{
    const struct snapshots *s = &f->snapshots;
    struct mono t = s->ask_at;

    if (s->answered)
        t = mono_earlier(t, mono_add_ms(s->asked_at, gap_ms(f)));
    return mono_later(t, budget_next(&s->budget, true));
}

/*
 * Answers
 */

static void on_snapshot(void *ctx, const char *symbol, const struct quote *q)
{
    struct feed *f = ctx;
    struct row *r = board_find(&f->live.board, symbol);

    if (r != NULL)
        board_snapshot(&f->live.board, r, q, set_has(f, r), f->now);
}

static void fail(struct feed *f, int64_t wait_ms, const char *what)
{
    snprintf(f->snapshots.fault, sizeof(f->snapshots.fault), "%s", what);
    f->snapshots.ask_at = mono_add_ms(f->now, wait_ms);
}

static void next_batch(struct feed *f)
{
    struct snapshots *s = &f->snapshots;
    bool all = s->end >= f->live.board.n;

    s->first = all ? 0 : s->end;
    s->batch = s->batch * 2 < BATCH ? s->batch * 2 : BATCH;
    s->asked_at = f->now;
    s->ask_at = all ? MONO_NEVER : f->now;
    if (all && s->again)
        snapshots_soon(f);
    s->again &= !all;
}

static void is_good(struct feed *f)
{
    struct snapshots *s = &f->snapshots;

    s->answered = true;
    s->fault[0] = '\0';
    backoff_reset(&s->faults);
    backoff_reset(&s->limits);
    backoff_reset(&s->refusals);
    for (size_t i = s->first; i < s->end; i++) /* of which it said nothing */
        board_no_snapshot(&f->live.board, &f->live.board.rows[i], f->now);
    next_batch(f);
}

static void is_limited(struct feed *f, int64_t told_s)
{
    fail(f, http_limit_ms(told_s, &f->snapshots.limits), "rate limit of the plan reached");
}

/* The symbol that `{"message":"invalid symbol: X"}` names. */
static struct row *find_named(struct feed *f, const char *body)
{
    const char *name = strstr(body, "invalid symbol: ");
    char symbol[SYMBOL_MAX + 1];

    if (name == NULL)
        return NULL;
    name += strlen("invalid symbol: ");
    if (symbol_normalize(name, strcspn(name, "\" \\,"), symbol) < 0)
        return NULL;
    return board_find(&f->live.board, symbol);
}

/* A symbol that the service does not like fails a whole request: go on without it, or with fewer
 * until it is found. */
static void is_malformed(struct feed *f, const char *body)
{
    struct snapshots *s = &f->snapshots;
    struct row *r = find_named(f, body);

    if (r == NULL || set_has_refused(f, r))
        r = s->named == 1 ? &f->live.board.rows[s->last] : NULL;
    if (r != NULL)
        set_refuse(f, r);
    else
        s->batch = (s->named + 1) / 2;
    s->ask_at = f->now;
}

static void is_refused(struct feed *f, const struct http_answer *a)
{
    char what[64];

    if (a->status == 403 && strstr(a->body, "42210000") != NULL && session_fall_back(f)) {
        f->snapshots.ask_at = f->now;
        return;
    }
    snprintf(what, sizeof(what), "the key or the plan does not allow it (HTTP %ld)", a->status);
    fail(f, backoff_next_ms(&f->snapshots.refusals), what);
}

static void is_unfit(struct feed *f, long http_status)
{
    char what[32];

    snprintf(what, sizeof(what), "HTTP %ld", http_status);
    fail(f, backoff_next_ms(&f->snapshots.faults),
         http_status == 200 ? "an answer that is no snapshot" : what);
}

static void digest(struct feed *f, const struct http_answer *a)
{
    struct snapshots *s = &f->snapshots;

    s->answered = false;
    if (a->date.ms != 0)
        board_hear_date(&f->live.board, a->date, f->now);
    if (a->fault != NULL)
        fail(f, backoff_next_ms(&s->faults), a->fault);
    else if (a->status == 200 && alpaca_read_snapshots(a->body, &f->rules, on_snapshot, f))
        is_good(f);
    else if (a->status == 429)
        is_limited(f, a->retry_after_s);
    else if (a->status == 400 && strcasestr(a->body, "symbol") != NULL)
        is_malformed(f, a->body);
    else if (a->status == 401 || a->status == 403)
        is_refused(f, a);
    else
        is_unfit(f, a->status);
}

/*
 * Requests
 */

/* Write the symbols of the next request and move s->end behind them. Returns how many. */
static size_t list_symbols(struct feed *f, FILE *out)
{
    struct snapshots *s = &f->snapshots;
    char escaped[3 * SYMBOL_MAX + 1];
    size_t n = 0;

    for (s->end = s->first; s->end < f->live.board.n && n < s->batch; s->end++) {
        if (set_has_refused(f, &f->live.board.rows[s->end]))
            continue;
        s->last = s->end;
        url_escape(f->live.board.rows[s->end].listing.symbol, escaped, sizeof(escaped));
        fprintf(out, "%s%s", n++ > 0 ? "," : "", escaped);
    }
    return n;
}

/* NULL when there is nothing to ask for (or no memory). */
static char *make_url(struct feed *f)
{
    const char *base = f->live.config.options->alpaca_url;
    size_t base_len = strlen(base), len = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    base_len -= base[base_len - 1] == '/';
    fprintf(out, "%.*s%s?symbols=", (int)base_len, base,
            f->rules.has_tapes ? "/v2/stocks/snapshots" : "/v1beta3/crypto/us/snapshots");
    f->snapshots.named = list_symbols(f, out);
    if (f->rules.has_tapes)
        fprintf(out, "&feed=%s", f->source);
    if (fclose(out) != 0 || f->snapshots.named == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int ask(struct feed *f)
{
    struct snapshots *s = &f->snapshots;
    char *url = make_url(f);
    int r;

    if (url == NULL) {
        next_batch(f);
        return 0;
    }
    r = http_get(s->http, url);
    free(url);
    if (r < 0) {
        log_error("alpaca: cannot make a request");
        return r;
    }
    s->asking = true;
    budget_spend(&s->budget, f->now);
    return 0;
}

int snapshots_run(struct feed *f)
{
    struct snapshots *s = &f->snapshots;
    struct http_answer a;

    if (board_take_wish(&f->live.board))
        snapshots_soon(f);
    if (s->asking && http_take(s->http, &a) == 0) {
        s->asking = false;
        digest(f, &a);
    }
    return s->asking || mono_before(f->now, due(f)) ? 0 : ask(f);
}

struct mono snapshots_deadline(const struct feed *f)
{
    return f->snapshots.asking ? MONO_NEVER : due(f);
}

int snapshots_open(struct feed *f)
{
    const struct feed_options *o = f->live.config.options;
    struct snapshots *s = &f->snapshots;

    s->batch = BATCH;
    backoff_init(&s->faults, FAULT_FIRST_MS, FAULT_MAX_MS);
    backoff_init(&s->limits, HTTP_LIMIT_FIRST_MS, HTTP_LIMIT_MAX_MS);
    backoff_init(&s->refusals, REFUSED_FIRST_MS, REFUSED_MAX_MS);
    budget_init(&s->budget, (uint32_t)o->alpaca_calls_per_minute);
    if (asprintf(&s->key_header, "APCA-API-KEY-ID: %s", o->alpaca_key) < 0) {
        s->key_header = NULL;
        return -ENOMEM;
    }
    if (asprintf(&s->secret_header, "APCA-API-SECRET-KEY: %s", o->alpaca_secret) < 0) {
        s->secret_header = NULL;
        return -ENOMEM;
    }
    return http_new(f->live.net, (const char *const[]){s->key_header, s->secret_header, NULL},
                    BODY_MAX, &s->http);
}

void snapshots_close(struct feed *f)
{
    struct snapshots *s = &f->snapshots;

    http_free(s->http);
    live_wipe(s->key_header);
    live_wipe(s->secret_header);
}
