/*
 * A service that is away for 23 hours: the real feeds, with a network and a clock that are the
 * test's own (the functions of publisher/net), so that a day passes in a second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "common/civil.h"
#include "publisher/feed.h"
#include "publisher/feeds/calendar.h"
#include "publisher/net/http.h"
#include "publisher/net/websocket.h"

#include "common/banned.h"

#define HOUR_MS (60 * 60 * INT64_C(1000))
#define LATENCY_MS 20
#define TRADE_MS 500
#define TIMES_MAX 20000

struct times {
    size_t n;
    int64_t ms[TIMES_MAX]; /* since 1970, by the world's clock */
};

static struct {
    struct mono now;
    struct wall wall;
    bool alpaca; /* else Finnhub */
    bool up;
    double price, close; /* now, and of the trading day before */
    const char *day;     /* its first moment in New York, for a daily bar */
    const char *day_before;
    struct websocket *socket;
    struct times attempts, requests;
} world;

static void note(struct times *t)
{
    assert_true(t->n < TIMES_MAX);
    t->ms[t->n++] = world.wall.ms;
}

static void be_at(struct mono t)
{
    world.wall.ms += (t.ns - world.now.ns) / 1000000;
    world.now = t;
    clock_hold(world.now, world.wall);
}

static const char *iso(struct wall t)
{
    static char text[WALL_TEXT_MAX];

    wall_format(t, text);
    return text;
}

/*
 * The network
 */

struct websocket {
    const struct websocket_events *events;
    void *ctx;
    struct mono opens_at, says_at;
    bool open;
    const char *answer; /* to what was sent last; or NULL */
};

struct http {
    bool asking;
    struct mono answers_at;
    char url[256], body[1024];
};

int net_new(int stop_fd, const char *ca_file, struct net **ret)
{
    (void)stop_fd, (void)ca_file;
    *ret = malloc(1);
    return *ret != NULL ? 0 : -ENOMEM;
}

void net_free(struct net *n)
{
    free(n);
}

void net_record(struct net *n, struct record *r)
{
    (void)n, (void)r;
}

void net_play(struct net *n, struct playback *p)
{
    (void)n, (void)p;
}

void net_turn(struct net *n, struct mono now)
{
    (void)n, (void)now;
}

int net_wait(struct net *n, struct mono deadline)
{
    struct mono soon = mono_add_ms(world.now, LATENCY_MS / 2); /* something may have come */
    struct mono late = mono_add_ms(world.now, world.up ? LATENCY_MS / 2 : 500);

    (void)n;
    be_at(mono_before(deadline, soon) ? soon : mono_earlier(deadline, late));
    return 0;
}

int http_new(struct net *n, const char *const *headers, size_t max_body, struct http **ret)
{
    (void)n, (void)headers, (void)max_body;
    *ret = calloc(1, sizeof(**ret));
    return *ret != NULL ? 0 : -ENOMEM;
}

void http_free(struct http *h)
{
    free(h);
}

int http_get(struct http *h, const char *url)
{
    note(&world.requests);
    h->asking = true;
    h->answers_at = mono_add_ms(world.now, LATENCY_MS);
    snprintf(h->url, sizeof(h->url), "%s", url);
    return 0;
}

static void write_quote(char *body, size_t cap)
{
    snprintf(body, cap, "{\"c\":%.2f,\"o\":%.2f,\"h\":%.2f,\"l\":%.2f,\"pc\":%.2f,\"t\":%lld}",
             world.price, world.close + 1, world.price + 1, world.close - 1, world.close,
             (long long)world.wall.ms / 1000);
}

static void write_snapshot(char *body, size_t cap)
{
    snprintf(
        body, cap,
        "{\"AAPL\":{\"latestTrade\":{\"t\":\"%s\",\"p\":%.2f,\"s\":1,\"c\":[\"@\"],\"z\":\"C\","
        "\"x\":\"V\",\"i\":%lld},\"dailyBar\":{\"t\":\"%s\",\"o\":%.2f,\"h\":%.2f,\"l\":%.2f,"
        "\"c\":%.2f,\"v\":10},\"prevDailyBar\":{\"t\":\"%s\",\"c\":%.2f}}}",
        iso(world.wall), world.price, (long long)world.wall.ms, world.day, world.close + 1,
        world.price + 1, world.close - 1, world.price, world.day_before, world.close);
}

int http_take(struct http *h, struct http_answer *ret)
{
    if (!h->asking || mono_before(world.now, h->answers_at))
        return -EAGAIN;
    h->asking = false;
    *ret = (struct http_answer){.status = 404, .body = "{}"};
    if (!world.up)
        *ret = (struct http_answer){.fault = "nobody is there", .body = ""};
    if (world.up && strstr(h->url, world.alpaca ? "/snapshots" : "/quote") != NULL) {
        (world.alpaca ? write_snapshot : write_quote)(h->body, sizeof(h->body));
        *ret = (struct http_answer){.status = 200, .body = h->body};
    }
    ret->len = strlen(ret->body);
    return 0;
}

int64_t http_limit_ms(int64_t told_s, struct backoff *limits)
{
    (void)told_s;
    return backoff_next_ms(limits);
}

bool http_is_base(const char *url)
{
    return url != NULL;
}

bool websocket_is_base(const char *url)
{
    return url != NULL;
}

int websocket_new(struct net *n, const struct websocket_config *config, struct websocket **ret)
{
    struct websocket *w = calloc(1, sizeof(*w));

    (void)n;
    assert_null(world.socket); /* a key has one connection */
    assert_non_null(w);
    note(&world.attempts);
    w->events = config->events;
    w->ctx = config->ctx;
    w->opens_at = mono_add_ms(world.now, LATENCY_MS);
    *ret = world.socket = w;
    return 0;
}

void websocket_free(struct websocket *w)
{
    if (w != NULL)
        world.socket = NULL;
    free(w);
}

int websocket_send(struct websocket *w, const char *text, size_t len)
{
    assert_true(w->open);
    if (memmem(text, len, "\"auth\"", 6) != NULL)
        w->answer = "[{\"T\":\"success\",\"msg\":\"authenticated\"}]";
    else if (world.alpaca)
        w->answer = "[{\"T\":\"subscription\",\"trades\":[\"AAPL\"]}]";
    return 0;
}

static void say(struct websocket *w, const char *text)
{
    w->events->message(w->ctx, text, strlen(text));
}

static void trade(struct websocket *w)
{
    char text[256];

    world.price += 0.01;
    if (world.alpaca)
        snprintf(text, sizeof(text),
                 "[{\"T\":\"t\",\"S\":\"AAPL\",\"i\":%lld,\"x\":\"V\",\"p\":%.2f,\"s\":1,"
                 "\"c\":[\"@\"],\"z\":\"C\",\"t\":\"%s\"}]",
                 (long long)world.wall.ms, world.price, iso(world.wall));
    else
        snprintf(text, sizeof(text),
                 "{\"type\":\"trade\",\"data\":[{\"s\":\"AAPL\",\"p\":%.2f,\"t\":%lld,\"v\":1,"
                 "\"c\":[\"1\"]}]}",
                 world.price, (long long)world.wall.ms);
    say(w, text);
}

void websocket_run(struct websocket *w, struct mono now)
{
    static const struct websocket_end refused = {.why = "nobody is there"};

    if (!world.up) {
        w->events->end(w->ctx, &refused);
    } else if (!w->open && !mono_before(now, w->opens_at)) {
        w->open = true;
        w->says_at = now;
        w->answer = world.alpaca ? "[{\"T\":\"success\",\"msg\":\"connected\"}]" : NULL;
        w->events->open(w->ctx);
    } else if (w->open && w->answer != NULL) {
        const char *answer = w->answer;

        w->answer = NULL;
        say(w, answer);
    } else if (w->open && !mono_before(now, w->says_at)) {
        w->says_at = mono_add_ms(now, TRADE_MS);
        trade(w);
    }
}

/*
 * The feed
 */

struct seen {
    struct quote last;
    uint64_t quotes;
    uint32_t sessions; /* bits */
};

/* Let the feed go on for so long; each quote has to be true. */
static void live_on(const struct feed_ops *ops, struct feed *f, int64_t ms, struct seen *seen)
{
    struct mono end = mono_add_ms(world.now, ms);
    struct quote q;

    while (mono_before(world.now, end)) {
        if (ops->next(f, end, &q) != 0)
            continue;
        assert_true(decimal_to_double(q.price) <= world.price + 1e-6);
        assert_true(q.timestamp.ms >= seen->last.timestamp.ms);
        if (!world.up) {
            assert_int_equal(q.timestamp.ms, seen->last.timestamp.ms);
            assert_int_equal(decimal_cmp(q.price, seen->last.price), 0);
        }
        seen->sessions |= 1u << q.session;
        seen->last = q;
        seen->quotes++;
    }
}

static enum feed_condition condition(const struct feed_ops *ops, struct feed *f)
{
    struct feed_state s;

    ops->state(f, &s);
    return s.condition;
}

static size_t within(const struct times *t, size_t from, int64_t ms)
{
    size_t n = 0;

    while (from + n < t->n && t->ms[from + n] < t->ms[from] + ms)
        n++;
    return n;
}

static void assert_no_storm(const struct times *attempts, int64_t begin)
{
    int64_t shortest = INT64_MAX, longest = 0;
    size_t n = 0, first = 0;

    for (size_t i = 1; i < attempts->n; i++) {
        int64_t gap = attempts->ms[i] - attempts->ms[i - 1];

        assert_true(gap >= 500);
        assert_true(within(attempts, i, 60000) <= 8);
        if (attempts->ms[i - 1] < begin)
            first = i;
        if (attempts->ms[i - 1] < begin + 10 * 60000 || attempts->ms[i] > begin + 22 * HOUR_MS)
            continue;
        shortest = gap < shortest ? gap : shortest;
        longest = gap > longest ? gap : longest;
        n++;
    }
    assert_true(attempts->ms[first] < begin + 3000); /* the first one is soon */
    assert_true(n > 22 * 50 && n < 22 * 150);
    assert_true(shortest >= 24000 && longest <= 75000);
    assert_true(longest - shortest > 8000); /* jitter */
}

static void a_service_is_away_for_23_hours(bool alpaca)
{
    static const char *const symbols[] = {"AAPL"};
    const struct feed_ops *ops = alpaca ? &feed_alpaca : &feed_finnhub;
    const struct feed_options options = {
        .finnhub_url = "http://rest",
        .finnhub_ws_url = "ws://stream",
        .finnhub_stream_symbols = 50,
        .finnhub_calls_per_minute = 55,
        .finnhub_key = "key",
        .alpaca_feed = "iex",
        .alpaca_url = "http://rest",
        .alpaca_ws_url = "ws://stream",
        .alpaca_calls_per_minute = 190,
        .alpaca_key = "key",
        .alpaca_secret = "secret",
    };
    struct feed_config config = {
        .symbols = symbols, .n_symbols = 1, .options = &options, .stop_fd = -1};
    struct seen seen = {0};
    struct feed *f;
    int64_t begin;

    memset(&world, 0, sizeof(world));
    world.alpaca = alpaca;
    world.up = true;
    world.price = 200;
    world.close = 190;
    world.day = "2026-11-24T05:00:00Z";
    world.day_before = "2026-11-23T05:00:00Z";
    world.wall.ms = civil_to_days((struct civil){2026, 11, 24}) * 24 * HOUR_MS + 19 * HOUR_MS;
    be_at((struct mono){INT64_C(1000000000000)});
    assert_int_equal(calendar_new(NULL, &config.calendar), 0);
    assert_int_equal(ops->open(&config, &f), 0);

    live_on(ops, f, 5 * 60000, &seen); /* Tuesday, 14:00 in New York */
    assert_int_equal(condition(ops, f), FEED_LIVE);
    assert_true(seen.quotes > 500);
    assert_int_equal(seen.last.prev_close.coef, 190);

    world.up = false;
    begin = world.wall.ms;
    seen.quotes = seen.sessions = 0;
    live_on(ops, f, 2 * 60000, &seen);
    assert_int_equal(condition(ops, f), FEED_FAULT);
    live_on(ops, f, 23 * HOUR_MS - 2 * 60000, &seen);
    assert_int_equal(condition(ops, f), FEED_FAULT);
    assert_int_equal(seen.quotes, 4); /* the last price once more as each session ends */
    assert_int_equal(seen.sessions, 1 << SESSION_POST | 1 << SESSION_CLOSED | 1 << SESSION_PRE |
                                        1 << SESSION_REGULAR);
    assert_no_storm(&world.attempts, begin);
    for (size_t i = 0; i < world.requests.n; i++)
        assert_true(within(&world.requests, i, 60000) <= 56);
    assert_true(world.requests.n < 23 * 60 * 6);

    world.up = true; /* Wednesday, 13:05 */
    world.price = 210;
    world.close = 205;
    world.day = "2026-11-25T05:00:00Z";
    world.day_before = "2026-11-24T05:00:00Z";
    begin = world.wall.ms;
    seen.quotes = 0;
    live_on(ops, f, 90000, &seen);
    assert_int_equal(condition(ops, f), FEED_LIVE);
    assert_true(seen.quotes > 20);
    assert_true(seen.last.timestamp.ms > world.wall.ms - 2000);
    assert_int_equal(seen.last.session, SESSION_REGULAR);
    assert_true(seen.last.known & QUOTE_PREV_CLOSE);
    assert_int_equal(seen.last.prev_close.coef, 205);
    assert_true(seen.last.known & QUOTE_OPEN);
    assert_int_equal(seen.last.open.coef, 206);

    ops->close(f);
    calendar_free(config.calendar);
    clock_release();
}

static void of_finnhub(void **state)
{
    (void)state;
    a_service_is_away_for_23_hours(false);
}

static void of_alpaca(void **state)
{
    (void)state;
    a_service_is_away_for_23_hours(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_finnhub),
        cmocka_unit_test(of_alpaca),
    };

    return cmocka_run_group_tests_name("an outage of 23 hours", tests, NULL, NULL);
}
