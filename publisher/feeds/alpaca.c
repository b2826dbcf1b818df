/*
 * The feed `alpaca`: trades of its stream as they happen, snapshots by request at the start, after
 * each gap, every few seconds while the stream is down, and every ten minutes otherwise. Both are
 * offered to the same listing of each symbol, which takes what is newer.
 *
 *     connected -> we authenticate -> authenticated -> we subscribe -> the full set comes back
 *
 * A subscription of all symbols at once fails for one that the service does not like, or for too
 * many; then they are sent one by one, and each answer tells of one. What the error codes ask for
 * is in `errors`.
 *
 * The service takes one connection an account. After a dirty end it keeps the ghost of the old one
 * for about 90 s and refuses the new (406), so that is waited for in long steps.
 */
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "common/log.h"
#include "publisher/feed.h"
#include "publisher/feeds/alpaca_message.h"
#include "publisher/feeds/pulse.h"
#include "publisher/feeds/stream.h"
#include "publisher/feeds/wellknown.h"
#include "publisher/index.h"
#include "publisher/net/http.h"

#include "common/banned.h"

#define BODY_MAX ((size_t)1 << 20)
#define BATCH 100          /* symbols of one request */
#define HANDSHAKE_MS 15000 /* from the upgrade to the subscription's answer */
#define SNAPSHOT_DOWN_MS 5000
#define SNAPSHOT_QUIET_MS 60000
#define SNAPSHOT_BESIDE_MS 15000 /* while not all symbols are streamed */
#define SNAPSHOT_FLOWING_MS 600000
#define FAULT_FIRST_MS 1000
#define FAULT_MAX_MS 30000
#define DENIED_MS 300000
#define GHOST_MS 30000
#define BEHIND_MS 15000 /* a snapshot that much newer shows a trade that the stream kept */
#define MISSED_MAX 3
#define LOOK_MS 500
#define STILL_MS 60000

struct slot {
    struct listing listing;
    struct list news; /* in feed.news while listing.good waits to be published */
    bool told;
    bool refused; /* the service does not like the symbol */
    bool heard;   /* a trade, on this connection */
    struct wall traded;
};

struct feed {
    struct feed_config config;
    struct alpaca_rules rules;
    struct calendar *calendar;
    struct net *net;
    struct slot *slots;
    size_t n_slots;
    struct index index;
    struct list news;
    struct mono now, published_at;
    enum quote_session session;

    const char *source; /* "iex" … "crypto"; what the user chose, or iex in its place */
    struct stream stream;
    char *stream_url, *key_header, *secret_header;
    bool subscribed;      /* to all that the service gives us */
    bool echoed;          /* the set has come back in this message */
    bool one_by_one;      /* subscriptions, since all at once failed */
    size_t next, most;    /* slot to subscribe to next; at most so many */
    size_t active, ought; /* symbols in the set, and that ought to be */
    struct mono handshake_by;
    int64_t hold_ms; /* after this connection's end, at least */
    struct pulse pulse;
    size_t missed;
    bool denied; /* not without a change of configuration */
    char fault[FEED_DETAIL_MAX];

    struct http *http;
    bool asking, answered; /* a request is under way; the last one was answered well */
    size_t batch;          /* the first slot of the request under way, or of the next */
    struct mono asked_at;  /* all of them */
    struct mono ask_at;    /* not before after a fault, at the latest else */
    struct backoff faults;
    char request_fault[FEED_DETAIL_MAX]; /* "" after a good answer */

    pthread_mutex_t lock;
    struct feed_state state; /* under the lock */
};

static void tell_once(struct slot *s, const char *what)
{
    if (!s->told)
        log_info("alpaca: %s: %s", s->listing.symbol, what);
    s->told = true;
}

static void judge(struct feed *f, struct slot *s, enum lastgood_verdict verdict)
{
    if (verdict == LASTGOOD_FUTURE)
        tell_once(s, "left out a price with a time in the future");
    if (verdict == LASTGOOD_JUMP)
        tell_once(s, "left out a price far off the last, until a second one confirms it");
    if (verdict == LASTGOOD_NEWS && list_empty(&s->news))
        list_append(&f->news, &s->news);
}

static struct slot *slot_of(struct feed *f, const char *symbol)
{
    uint32_t i = index_find(&f->index, symbol);

    return i == INDEX_NONE ? NULL : &f->slots[i];
}

/* A fault's pause is kept. */
static void ask_soon(struct feed *f)
{
    if (f->request_fault[0] == '\0')
        f->ask_at = f->now;
}

/*
 * The stream
 */

static void say(struct feed *f, const char *text)
{
    if (stream_send(&f->stream, text, strlen(text)) < 0)
        stream_restart(&f->stream, "nothing can be sent");
}

static void on_connected(void *ctx)
{
    struct feed *f = ctx;
    const struct feed_options *o = f->config.options;
    char text[1200];

    snprintf(text, sizeof(text), "{\"action\":\"auth\",\"key\":\"%s\",\"secret\":\"%s\"}",
             o->alpaca_key, o->alpaca_secret);
    say(f, text);
    explicit_bzero(text, sizeof(text));
}

/* `"A","B"` of the slots from f->next on: all, or one. */
static char *list_symbols(struct feed *f)
{
    char *text = NULL;
    size_t len = 0, n = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    fputs("{\"action\":\"subscribe\",\"trades\":[", out);
    for (; f->next < f->n_slots && f->active + n < f->most && (n == 0 || !f->one_by_one); f->next++)
        if (!f->slots[f->next].refused)
            fprintf(out, "%s\"%s\"", n++ > 0 ? "," : "", f->slots[f->next].listing.symbol);
    fputs("]}", out);
    if (fclose(out) != 0 || n == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static size_t count_symbols(const struct feed *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_slots; i++)
        n += !f->slots[i].refused;
    return n;
}

static void subscribe(struct feed *f)
{
    char *text = list_symbols(f);

    if (text != NULL) {
        say(f, text);
    } else { /* all that can be is */
        f->subscribed = true;
        f->ought = f->active;
    }
    free(text);
}

static void subscribe_all(struct feed *f, bool one_by_one)
{
    f->one_by_one = one_by_one;
    f->subscribed = false;
    f->next = 0;
    f->active = 0;
    f->handshake_by = mono_add_ms(f->now, HANDSHAKE_MS);
    subscribe(f);
}

static void on_authenticated(void *ctx)
{
    struct feed *f = ctx;

    f->denied = false;
    f->ought = count_symbols(f);
    if (f->ought > f->most)
        f->ought = f->most;
    subscribe_all(f, f->one_by_one);
}

static void on_subscribed(void *ctx, const char *symbol)
{
    struct feed *f = ctx;

    if (symbol == NULL)
        f->active = 0;
    else
        f->active += slot_of(f, symbol) != NULL;
    f->echoed = true;
}

/* The set has come back: go on, or begin again when symbols have left it. */
static void reconcile(struct feed *f)
{
    f->echoed = false;
    f->fault[0] = '\0';
    ask_soon(f); /* what happened before is told by no stream */
    if (f->one_by_one && !f->subscribed) {
        f->handshake_by = mono_add_ms(f->now, HANDSHAKE_MS);
        subscribe(f);
        return;
    }
    f->subscribed = true;
    if (f->active < f->ought)
        subscribe_all(f, true);
}

/* The last slot that a subscription named. */
static struct slot *last_named(struct feed *f)
{
    return f->next > 0 ? &f->slots[f->next - 1] : NULL;
}

static void is_bad_symbol(struct feed *f)
{
    struct slot *s = last_named(f);

    if (!f->one_by_one) {
        subscribe_all(f, true);
        return;
    }
    if (s != NULL) {
        s->refused = true;
        log_warn("alpaca: %s is no symbol of this service", s->listing.symbol);
    }
    subscribe(f);
}

static void is_full(struct feed *f)
{
    if (!f->one_by_one) {
        subscribe_all(f, true);
        return;
    }
    f->most = f->ought = f->active;
    f->subscribed = true;
    log_warn("alpaca: the plan streams no more than %zu symbols: the others are asked for",
             f->most);
}

enum remedy { IGNORE, RESTART, DENY, FALL_BACK, GHOST, BAD_SYMBOL, FULL };

static const struct {
    int code;
    enum remedy remedy;
    const char *words;
} errors[] = {
    {400, BAD_SYMBOL, "a malformed symbol"},
    {401, RESTART, "not authenticated"},
    {402, DENY, "the key is not accepted: check APCA_API_KEY_ID and APCA_API_SECRET_KEY"},
    {403, IGNORE, "already authenticated"},
    {404, RESTART, "authenticated too late"},
    {405, FULL, "too many symbols"},
    {406, GHOST, "the account is connected elsewhere, or was a moment ago"},
    {407, RESTART, "we read too slowly"},
    {408, DENY, "this stream is not in the plan of this key"},
    {409, FALL_BACK, "this stream is not in the plan of this key"},
    {410, DENY, "this stream has no trades"},
    {411, DENY, "the key may not do this"},
    {500, RESTART, "an error of the service"},
};

/* A URL that names a path is the stream's own. */
static int make_url(struct feed *f)
{
    const char *base = f->config.options->alpaca_ws_url;
    const char *path = strchr(strstr(base, "://") + 3, '/');
    bool whole = path != NULL && path[1] != '\0';
    size_t origin_len = path != NULL && !whole ? (size_t)(path - base) : strlen(base);
    char *url;
    int len;

    if (whole)
        len = asprintf(&url, "%s", base);
    else if (f->rules.has_tapes)
        len = asprintf(&url, "%.*s/v2/%s", (int)origin_len, base, f->source);
    else
        len = asprintf(&url, "%.*s/v1beta3/crypto/us", (int)origin_len, base);
    if (len < 0)
        return -ENOMEM;
    free(f->stream_url);
    f->stream_url = url;
    f->stream.config.url = url;
    return 0;
}

/* Every plan has iex. */
static bool can_fall_back(const struct feed *f)
{
    return strcmp(f->source, "sip") == 0 || strcmp(f->source, "delayed_sip") == 0;
}

static void fall_back(struct feed *f)
{
    log_warn("alpaca: %s is not in the plan of this key: taking iex instead", f->source);
    f->source = "iex";
    if (make_url(f) < 0)
        f->denied = true;
    stream_restart(&f->stream, "this stream is not in the plan of this key");
    ask_soon(f);
}

static void apply(struct feed *f, enum remedy remedy, const char *words)
{
    if (remedy == FALL_BACK && !can_fall_back(f))
        remedy = DENY;
    switch (remedy) {
    case IGNORE:
        break;
    case FALL_BACK:
        fall_back(f);
        break;
    case BAD_SYMBOL:
        is_bad_symbol(f);
        break;
    case FULL:
        is_full(f);
        break;
    case GHOST:
        f->hold_ms = GHOST_MS;
        stream_restart(&f->stream, words);
        break;
    case DENY:
        f->denied = true;
        f->hold_ms = DENIED_MS;
        stream_restart(&f->stream, words);
        break;
    case RESTART:
        stream_restart(&f->stream, words);
        break;
    }
}

static void on_error(void *ctx, int code, const char *msg)
{
    struct feed *f = ctx;

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        if (errors[i].code == code) {
            apply(f, errors[i].remedy, errors[i].words);
            return;
        }
    log_warn("alpaca: the stream says: %d %.80s", code, msg);
    stream_restart(&f->stream, "an error that we do not know");
}

static void on_trade(void *ctx, const char *symbol, const struct trade *t)
{
    struct feed *f = ctx;
    struct slot *s = slot_of(f, symbol);

    if (s == NULL)
        return;
    s->heard = true;
    if (t->time.ms > s->traded.ms)
        s->traded = t->time;
    f->missed = 0;
    pulse_beat(&f->pulse, f->now);
    judge(f, s, listing_trade(&s->listing, t, f->calendar, wall_now()));
}

/* The price that is shown was none: the next snapshot counts, however old its own is. */
static void on_revoked(void *ctx, const char *symbol, struct decimal price)
{
    struct feed *f = ctx;
    struct slot *s = slot_of(f, symbol);

    if (s == NULL || !s->listing.good.known || decimal_cmp(price, s->listing.good.quote.price) != 0)
        return;
    s->listing.good.known = false;
    list_remove(&s->news);
    ask_soon(f);
}

static void on_message(void *ctx, const char *text, size_t len)
{
    static const struct alpaca_events events = {
        .connected = on_connected,
        .authenticated = on_authenticated,
        .subscribed = on_subscribed,
        .error = on_error,
        .trade = on_trade,
        .revoked = on_revoked,
    };
    struct feed *f = ctx;

    if (!alpaca_read_message(text, len, &f->rules, &events, f))
        stream_restart(&f->stream, "a message that is none of the service's");
    else if (f->echoed)
        reconcile(f);
}

static void on_up(void *ctx)
{
    struct feed *f = ctx;

    f->subscribed = f->echoed = false;
    f->hold_ms = 0;
    f->missed = 0;
    f->handshake_by = mono_add_ms(f->now, HANDSHAKE_MS);
    pulse_pause(&f->pulse);
    for (size_t i = 0; i < f->n_slots; i++)
        f->slots[i].heard = false;
}

static int64_t on_down(void *ctx, const struct websocket_end *end)
{
    struct feed *f = ctx;
    int64_t hold_ms = f->hold_ms;

    f->subscribed = false;
    f->hold_ms = 0;
    snprintf(f->fault, sizeof(f->fault), "%s", end->why);
    if (end->http_status == 401 || end->http_status == 403) {
        f->denied = true;
        hold_ms = DENIED_MS;
    } else if (end->http_status == 429) {
        hold_ms = GHOST_MS;
    }
    ask_soon(f);
    return hold_ms;
}

static bool is_closed(const struct feed *f)
{
    return f->rules.has_tapes && f->session == SESSION_CLOSED;
}

static bool is_flowing(const struct feed *f)
{
    return f->subscribed && f->pulse.last.ns != 0 && mono_before(f->now, pulse_overdue(&f->pulse));
}

static bool is_silent(const struct feed *f)
{
    return f->subscribed && pulse_is_learned(&f->pulse) && f->pulse.last.ns != 0 &&
           !is_flowing(f) && !is_closed(f);
}

static void keep_stream(struct feed *f)
{
    stream_run(&f->stream, f->now);
    if (f->stream.up && !f->subscribed && !mono_before(f->now, f->handshake_by))
        stream_restart(&f->stream, "no answer to what we said");
}

/*
 * Snapshots
 */

static void on_snapshot(void *ctx, const char *symbol, const struct quote *q)
{
    struct feed *f = ctx;
    struct slot *s = slot_of(f, symbol);

    if (s == NULL)
        return;
    judge(f, s, listing_snapshot(&s->listing, q, f->calendar, wall_now()));
    if (f->subscribed && s->heard && q->timestamp.ms > s->traded.ms + BEHIND_MS)
        f->missed++;
}

static int64_t snapshot_gap_ms(const struct feed *f)
{
    if (is_flowing(f) && f->active < count_symbols(f))
        return SNAPSHOT_BESIDE_MS;
    if (is_flowing(f))
        return SNAPSHOT_FLOWING_MS;
    return f->subscribed && !is_silent(f) ? SNAPSHOT_QUIET_MS : SNAPSHOT_DOWN_MS;
}

static struct mono ask_due(const struct feed *f)
{
    if (!f->answered)
        return f->ask_at;
    return mono_earlier(f->ask_at, mono_add_ms(f->asked_at, snapshot_gap_ms(f)));
}

static void fail_request(struct feed *f, int64_t wait_ms, const char *what)
{
    snprintf(f->request_fault, sizeof(f->request_fault), "%s", what);
    f->ask_at = mono_add_ms(f->now, wait_ms);
}

/* `{"message":"invalid symbol: X"}` fails a whole batch: go on without it. */
static bool drop_symbol(struct feed *f, const char *body)
{
    const char *name = strstr(body, "invalid symbol: ");
    char symbol[SYMBOL_MAX + 1];
    struct slot *s;
    size_t len;

    if (name == NULL)
        return false;
    name += strlen("invalid symbol: ");
    len = strcspn(name, "\" \\,");
    if (symbol_normalize(name, len, symbol) < 0)
        return false;
    s = slot_of(f, symbol);
    if (s == NULL || s->refused)
        return false;
    s->refused = true;
    log_warn("alpaca: %s is no symbol of this service", s->listing.symbol);
    return true;
}

static void next_batch(struct feed *f)
{
    f->batch = f->batch + BATCH < f->n_slots ? f->batch + BATCH : 0;
    f->ask_at = f->batch > 0 ? f->now : MONO_NEVER;
    f->asked_at = f->now;
    if (f->missed >= MISSED_MAX)
        stream_restart(&f->stream, "connected, but trades do not come");
}

static void digest(struct feed *f, const struct http_answer *a)
{
    char what[64];

    f->answered = false;
    if (a->fault != NULL) {
        fail_request(f, backoff_next_ms(&f->faults), a->fault);
    } else if (a->status == 200 && alpaca_read_snapshots(a->body, &f->rules, on_snapshot, f)) {
        f->answered = true;
        f->request_fault[0] = '\0';
        backoff_reset(&f->faults);
        next_batch(f);
    } else if (a->status == 429) {
        fail_request(f,
                     (a->retry_after_s > 0 ? a->retry_after_s * 1000 + 1000 : 60000) +
                         (int64_t)rng_below(&f->faults.rng, 2000),
                     "rate limit of the plan reached");
    } else if (a->status == 400 && drop_symbol(f, a->body)) {
        f->ask_at = f->now;
    } else if (a->status == 403 && can_fall_back(f) && strstr(a->body, "42210000") != NULL) {
        fall_back(f);
        f->ask_at = f->now;
    } else if (a->status == 401 || a->status == 403) {
        snprintf(what, sizeof(what), "the key or the plan does not allow it (HTTP %ld)", a->status);
        fail_request(f, 60000, what);
    } else {
        snprintf(what, sizeof(what),
                 a->status == 200 ? "an answer that is no snapshot" : "HTTP %ld", a->status);
        fail_request(f, backoff_next_ms(&f->faults), what);
    }
}

static char *make_request(const struct feed *f)
{
    const struct feed_options *o = f->config.options;
    char *text = NULL, escaped[3 * SYMBOL_MAX + 1];
    size_t len = 0, n = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    fprintf(out, "%s%s?symbols=", o->alpaca_url,
            f->rules.has_tapes ? "/v2/stocks/snapshots" : "/v1beta3/crypto/us/snapshots");
    for (size_t i = f->batch; i < f->n_slots && i < f->batch + BATCH; i++) {
        if (f->slots[i].refused)
            continue;
        http_escape(f->slots[i].listing.symbol, escaped, sizeof(escaped));
        fprintf(out, "%s%s", n++ > 0 ? "," : "", escaped);
    }
    if (f->rules.has_tapes)
        fprintf(out, "&feed=%s", f->source);
    if (fclose(out) != 0 || n == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int keep_asking(struct feed *f)
{
    struct http_answer a;
    char *url;
    int r = 0;

    if (f->asking && http_take(f->http, &a) == 0) {
        f->asking = false;
        digest(f, &a);
    }
    if (f->asking || mono_before(f->now, ask_due(f)))
        return 0;
    url = make_request(f);
    if (url == NULL) {
        next_batch(f);
        return 0;
    }
    r = http_get(f->http, url);
    f->asking = r == 0;
    free(url);
    if (r < 0)
        log_error("alpaca: cannot make a request");
    return r;
}

/*
 * State
 */

static struct feed_state state_now(const struct feed *f)
{
    struct feed_state s = {.condition = FEED_LIVE};

    if (f->denied) {
        s.condition = FEED_FAILED;
        snprintf(s.detail, sizeof(s.detail), "%s", f->fault);
    } else if (is_flowing(f)) {
        snprintf(s.detail, sizeof(s.detail), "streaming %zu of %zu symbols (%s)", f->active,
                 f->n_slots, f->source);
    } else if (is_silent(f)) {
        s.condition = FEED_FAULT;
        snprintf(s.detail, sizeof(s.detail), "the stream has fallen silent; asking for prices");
    } else if (f->subscribed && is_closed(f) &&
               !mono_before(f->now, mono_add_ms(f->published_at, STILL_MS))) {
        s.condition = FEED_WAITING;
        snprintf(s.detail, sizeof(s.detail), "the market is closed");
    } else if (f->subscribed) {
        snprintf(s.detail, sizeof(s.detail), "subscribed to %zu of %zu symbols (%s)", f->active,
                 f->n_slots, f->source);
    } else if (f->answered && f->fault[0] != '\0') {
        snprintf(s.detail, sizeof(s.detail), "asking for prices; no stream: %.60s", f->fault);
    } else if (f->request_fault[0] != '\0' && f->fault[0] != '\0') {
        s.condition = FEED_FAULT;
        snprintf(s.detail, sizeof(s.detail), "%.44s; no stream: %.36s", f->request_fault, f->fault);
    } else {
        s.condition = FEED_STARTING;
    }
    return s;
}

static void tell(struct feed *f)
{
    struct feed_state state = state_now(f);

    pthread_mutex_lock(&f->lock);
    f->state = state;
    pthread_mutex_unlock(&f->lock);
}

static void alpaca_state(struct feed *f, struct feed_state *ret)
{
    pthread_mutex_lock(&f->lock);
    *ret = f->state;
    pthread_mutex_unlock(&f->lock);
}

/*
 * The loop
 */

static bool take_news(struct feed *f, struct quote *ret)
{
    struct slot *s;

    if (list_empty(&f->news))
        return false;
    s = CONTAINER_OF(f->news.next, struct slot, news);
    list_remove(&s->news);
    f->published_at = f->now;
    *ret = s->listing.good.quote;
    return true;
}

/* With another session come other gaps, and perhaps another day. */
static void look_at_clock(struct feed *f)
{
    enum quote_session session = calendar_session(f->calendar, wall_now());

    if (session == f->session)
        return;
    f->session = session;
    f->pulse = (struct pulse){.last = f->pulse.last};
    ask_soon(f);
}

static int alpaca_next(struct feed *f, struct mono deadline, struct quote *ret)
{
    for (;;) {
        struct mono wake;
        int r;

        f->now = mono_now();
        if (take_news(f, ret))
            return 0;
        look_at_clock(f);
        keep_stream(f);
        r = keep_asking(f);
        if (r < 0)
            return r;
        tell(f);
        if (!list_empty(&f->news))
            continue;
        if (!mono_before(f->now, deadline))
            return -ETIMEDOUT;
        wake = mono_earlier(stream_deadline(&f->stream), mono_add_ms(f->now, LOOK_MS));
        if (!f->asking)
            wake = mono_earlier(wake, ask_due(f));
        r = net_wait(f->net, mono_earlier(wake, deadline));
        if (r < 0)
            return r;
    }
}

/*
 * Opening and closing
 */

static bool is_key(const char *key)
{
    if (key == NULL || strlen(key) > 400)
        return false;
    for (; *key != '\0'; key++)
        if (!isgraph((unsigned char)*key) || *key == '"' || *key == '\\')
            return false;
    return true;
}

static int check_options(const struct feed_options *o)
{
    static const char *const feeds[] = {"iex", "sip", "delayed_sip", "test", "crypto"};
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(feeds); i++)
        known |= strcmp(o->alpaca_feed, feeds[i]) == 0;
    if (!known) {
        log_error("--feed alpaca:%s is none of iex, sip, delayed_sip, test, crypto",
                  o->alpaca_feed);
        return -EINVAL;
    }
    if (!is_key(o->alpaca_key) || !is_key(o->alpaca_secret)) {
        log_error("the feed alpaca needs APCA_API_KEY_ID and APCA_API_SECRET_KEY (or files that "
                  "…_FILE name), without blanks (free at https://alpaca.markets); --feed sim needs "
                  "none");
        return -EINVAL;
    }
    if (!http_is_base(o->alpaca_url) || !websocket_is_base(o->alpaca_ws_url)) {
        log_error("--alpaca-url begins with https://, --alpaca-ws-url with wss://; at most %d "
                  "bytes",
                  HTTP_BASE_MAX);
        return -EINVAL;
    }
    return 0;
}

static int make_slots(struct feed *f)
{
    const struct feed_config *c = &f->config;
    int r;

    f->n_slots = c->n_symbols > 0 ? c->n_symbols : N_DEFAULT_SYMBOLS;
    f->slots = calloc(f->n_slots, sizeof(*f->slots));
    if (f->slots == NULL)
        return -ENOMEM;
    r = index_init(&f->index, (uint32_t)f->n_slots);
    for (size_t i = 0; i < f->n_slots && r == 0; i++) {
        struct slot *s = &f->slots[i];

        s->listing.symbol = c->n_symbols > 0 ? c->symbols[i] : wellknown[i].symbol;
        s->listing.has_hours = f->rules.has_tapes;
        s->refused = strpbrk(s->listing.symbol, "\"\\") != NULL;
        list_init(&s->news);
        index_add(&f->index, s->listing.symbol);
    }
    return r;
}

static int make_stream(struct feed *f)
{
    static const struct stream_events events = {
        .up = on_up, .message = on_message, .down = on_down};
    int r = make_url(f);

    if (r < 0)
        return r;
    f->most = f->n_slots;
    stream_init(&f->stream, f->net, f->stream_url, NULL, &events, f);
    return 0;
}

static int make_http(struct feed *f)
{
    const struct feed_options *o = f->config.options;

    backoff_init(&f->faults, FAULT_FIRST_MS, FAULT_MAX_MS);
    if (asprintf(&f->key_header, "APCA-API-KEY-ID: %s", o->alpaca_key) < 0) {
        f->key_header = NULL;
        return -ENOMEM;
    }
    if (asprintf(&f->secret_header, "APCA-API-SECRET-KEY: %s", o->alpaca_secret) < 0) {
        f->secret_header = NULL;
        return -ENOMEM;
    }
    return http_new(f->net, (const char *const[]){f->key_header, f->secret_header, NULL}, BODY_MAX,
                    &f->http);
}

static void wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void alpaca_close(struct feed *f)
{
    if (f == NULL)
        return;
    stream_release(&f->stream);
    http_free(f->http);
    net_free(f->net);
    calendar_free(f->calendar);
    pthread_mutex_destroy(&f->lock);
    index_release(&f->index);
    wipe(f->key_header);
    wipe(f->secret_header);
    free(f->stream_url);
    free(f->slots);
    free(f);
}

static int alpaca_open(const struct feed_config *config, struct feed **ret)
{
    const struct feed_options *o = config->options;
    struct feed *f;
    int r = check_options(o);

    if (r < 0)
        return r;
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return -ENOMEM;
    pthread_mutex_init(&f->lock, NULL);
    f->config = *config;
    f->source = o->alpaca_feed;
    f->rules = (struct alpaca_rules){.odd_lots = o->odd_lots,
                                     .has_tapes = strcmp(o->alpaca_feed, "crypto") != 0};
    list_init(&f->news);
    f->now = f->published_at = mono_now();

    r = make_slots(f);
    if (r == 0 && o->market_hours != NULL)
        r = calendar_read(o->market_hours, &f->calendar);
    f->rules.calendar = f->calendar;
    if (r == 0)
        r = net_new(config->stop_fd, o->ca_file, &f->net);
    if (r == 0)
        r = make_http(f);
    if (r == 0)
        r = make_stream(f);
    if (r < 0)
        alpaca_close(f);
    else
        *ret = f;
    return r;
}

const struct feed_ops feed_alpaca = {
    .name = "alpaca",
    .mode = MODE_LIVE,
    .open = alpaca_open,
    .next = alpaca_next,
    .state = alpaca_state,
    .close = alpaca_close,
};
