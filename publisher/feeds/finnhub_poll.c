/*
 * Quotes by request: `GET /quote` for one symbol after the other, as often as the plan allows; of
 * larger plans several requests at a time, as long as all is well.
 * https://finnhub.io/docs/api/quote
 *
 *     health     the last answer                                   the next call
 *     GOOD       a price, or no news                               as the budget allows
 *     EMPTY      no price, of any symbol                           as the budget allows
 *     FAULTY     none, or one that the service does not mean       after a backoff up to 15 s
 *     LIMITED    too many calls                                    when it says, else a minute
 *     LOCKED     the key is not accepted                           after a backoff up to 60 s
 *     UNCOVERED  not in the plan, for every symbol                 when one is due again
 *
 * A symbol that the plan does not cover is asked again after a minute, then after two, four … up to
 * an hour: the plan may change, and no restart should be needed. One that the stream covers is
 * asked every ten minutes, for its day's open, high, low and the close before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/url.h"
#include "publisher/feeds/finnhub.h"
#include "publisher/feeds/finnhub_answer.h"

#include "common/banned.h"

#define BODY_MAX 65536
#define DENIED_FIRST_MS 60000
#define DENIED_MAX_MS 3600000
#define COVERED_MS 600000

/*
 * Answers
 */

static void is_denied(struct feed *f, struct turn *t, long http_status)
{
    int64_t wait_ms = DENIED_MAX_MS;

    if (t->denials++ == 0) {
        f->poll.n_denied++;
        log_warn("finnhub: %s is not in the plan of this key (HTTP %ld): asked again only now and "
                 "then",
                 t->row->listing.symbol, http_status);
    }
    if (t->denials < 7)
        wait_ms = DENIED_FIRST_MS << (t->denials - 1);
    t->not_before = mono_add_ms(mono_now(), wait_ms);
    board_no_snapshot(&f->live.board, t->row, mono_now());
    health_well(&f->poll, f->live.board.n);
}

static void is_granted(struct feed *f, struct turn *t)
{
    if (t->denials == 0)
        return;
    t->denials = 0;
    f->poll.n_denied--;
    log_info("finnhub: %s is in the plan of this key now", t->row->listing.symbol);
}

static void is_empty(struct feed *f, struct turn *t)
{
    is_granted(f, t);
    f->poll.barren++;
    board_no_snapshot(&f->live.board, t->row, mono_now());
    if (!t->row->listing.good.known)
        board_tell_once(&f->live.board, t->row,
                        "the service knows no price: not covered, misspelt, or not traded yet");
    health_well(&f->poll, f->live.board.n);
}

static void is_quote(struct feed *f, struct turn *t, const struct quote *q)
{
    board_snapshot(&f->live.board, t->row, q, trades_ask(f, t->row), mono_now());
    is_granted(f, t);
    f->poll.barren = 0;
    f->poll.has_price = true;
    health_well(&f->poll, f->live.board.n);
}

static void is_unfit(struct poll *p, long http_status)
{
    char what[32];

    snprintf(what, sizeof(what), "HTTP %ld", http_status);
    health_faulty(p, http_status == 200 ? "an answer that is no quote" : what);
}

static void digest(struct feed *f, struct turn *t, const struct http_answer *a)
{
    struct quote q;

    t->asked = true;
    t->row->wants_day = false;
    if (a->date.ms != 0)
        board_hear_date(&f->live.board, a->date, mono_now());
    if (a->fault != NULL) {
        health_faulty(&f->poll, a->fault);
        return;
    }
    switch (finnhub_read(a->status, a->body, &q)) {
    case FINNHUB_QUOTE:
        is_quote(f, t, &q);
        break;
    case FINNHUB_NO_DATA:
        is_empty(f, t);
        break;
    case FINNHUB_NO_ACCESS:
        is_denied(f, t, a->status);
        break;
    case FINNHUB_BAD_KEY:
        health_locked(&f->poll, a->status);
        break;
    case FINNHUB_TOO_MANY:
        health_limited(&f->poll, a->retry_after_s);
        break;
    case FINNHUB_FAULT:
        is_unfit(&f->poll, a->status);
        break;
    }
}

/*
 * Requests
 */

static int request(struct feed *f, struct ask *a, struct turn *t, struct mono now)
{
    const char *base = f->live.config.options->finnhub_url;
    char escaped[3 * SYMBOL_MAX + 1];
    char url[HTTP_BASE_MAX + sizeof("/quote?symbol=") + sizeof(escaped)];
    size_t base_len = strlen(base);

    if (base[base_len - 1] == '/')
        base_len--;
    url_escape(t->row->listing.symbol, escaped, sizeof(escaped));
    snprintf(url, sizeof(url), "%.*s/quote?symbol=%s", (int)base_len, base, escaped);
    if (http_get(a->http, url) < 0) {
        log_error("finnhub: cannot make a request");
        return -ENOMEM;
    }
    a->turn = t;
    t->under_way = true;
    t->asked_at = now;
    budget_spend(&f->poll.budget, now);
    return 0;
}

/* One that may be used now, or NULL: several at once only while all is well. */
static struct ask *free_ask(struct poll *p)
{
    size_t most = p->health == GOOD || p->health == EMPTY ? p->n_asks : 1, busy = 0;
    struct ask *free = NULL;

    for (size_t i = 0; i < p->n_asks; i++) {
        if (p->asks[i].turn != NULL)
            busy++;
        else
            free = &p->asks[i];
    }
    return busy < most ? free : NULL;
}

/* From when on `t` may be asked, but for the budget. */
static struct mono due(const struct feed *f, const struct turn *t, struct mono now)
{
    if (t->under_way)
        return MONO_NEVER;
    if (mono_before(now, t->not_before))
        return t->not_before;
    if (t->asked && !t->row->wants_day && trades_cover(f, t->row, now))
        return mono_add_ms(t->asked_at, COVERED_MS);
    return now;
}

/* Whose turn it is, and from when on it may be asked. A trade that waits for the answer goes first.
 */
static struct mono next_turn(struct feed *f, struct mono now, struct turn **ret)
{
    struct poll *p = &f->poll;
    struct mono earliest = MONO_NEVER, allowed;
    struct turn *found = NULL;

    for (size_t i = 0; i < f->live.board.n; i++) {
        struct turn *t = &p->turns[(p->next + i) % f->live.board.n];
        struct mono from = due(f, t, now);

        if (mono_before(now, from)) {
            earliest = mono_earlier(earliest, from);
            continue;
        }
        if (found == NULL || t->row->listing.waits)
            found = t;
        if (t->row->listing.waits)
            break;
    }
    if (found == NULL)
        return earliest;
    *ret = found;
    allowed = budget_next(&p->budget, !found->asked || found->row->listing.waits);
    return mono_before(allowed, p->hold_until) ? p->hold_until : allowed;
}

struct mono poll_deadline(struct feed *f, struct mono now)
{
    struct turn *t;

    return free_ask(&f->poll) == NULL ? MONO_NEVER : next_turn(f, now, &t);
}

static void take_answers(struct feed *f)
{
    struct http_answer answer;

    for (size_t i = 0; i < f->poll.n_asks; i++) {
        struct ask *a = &f->poll.asks[i];
        struct turn *t = a->turn;

        if (t == NULL || http_take(a->http, &answer) < 0)
            continue;
        a->turn = NULL;
        t->under_way = false;
        digest(f, t, &answer);
    }
}

int poll_run(struct feed *f, struct mono now)
{
    struct poll *p = &f->poll;
    struct turn *t = NULL;
    struct ask *a;

    take_answers(f);
    a = free_ask(p);
    if (a == NULL || mono_before(now, next_turn(f, now, &t)) || t == NULL)
        return 0;
    p->next = (size_t)(t - p->turns + 1) % f->live.board.n;
    return request(f, a, t, now);
}

static int open_asks(struct poll *p, struct net *n, const char *key_header)
{
    size_t want = p->budget.per_minute / 60;
    int r = 0;

    want = want < 1 ? 1 : want > ASKS_MAX ? ASKS_MAX : want;
    while (p->n_asks < want && r == 0) {
        r = http_new(n, (const char *const[]){key_header, NULL}, BODY_MAX,
                     &p->asks[p->n_asks].http);
        p->n_asks += r == 0;
    }
    return r;
}

static void spend(void *ctx)
{
    struct feed *f = ctx;

    budget_spend(&f->poll.budget, mono_now());
}

static int ask_hours(struct feed *f, const char *key)
{
    return live_ask_hours(&f->live,
                          &(struct almanac_config){.url = f->live.config.options->finnhub_url,
                                                   .days = "/stock/market-holiday?exchange=US",
                                                   .status = "/stock/market-status?exchange=US",
                                                   .headers = (const char *const[]){key, NULL},
                                                   .asked = spend,
                                                   .ctx = f});
}

int poll_open(struct feed *f)
{
    const struct feed_options *o = f->live.config.options;
    struct poll *p = &f->poll;
    char key[512];
    int r;

    p->turns = calloc(f->live.board.n, sizeof(*p->turns));
    if (p->turns == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < f->live.board.n; i++)
        p->turns[i].row = &f->live.board.rows[i];
    if (snprintf(key, sizeof(key), "X-Finnhub-Token: %s", o->finnhub_key) >= (int)sizeof(key)) {
        log_error("FINNHUB_API_KEY is longer than any key");
        return -EINVAL;
    }
    budget_init(&p->budget, (uint32_t)o->finnhub_calls_per_minute);
    r = open_asks(p, f->live.net, key);
    if (r == 0)
        r = ask_hours(f, key);
    explicit_bzero(key, sizeof(key));
    health_init(p);
    return r;
}

void poll_close(struct feed *f)
{
    for (size_t i = 0; i < f->poll.n_asks; i++)
        http_free(f->poll.asks[i].http);
    free(f->poll.turns);
}
