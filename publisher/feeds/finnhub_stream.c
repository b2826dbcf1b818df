/*
 * Trades by WebSocket. https://finnhub.io/docs/api/websocket-trades
 *
 * The service acknowledges nothing: a subscription is one message a symbol, sent a little apart,
 * and what is not heard of later is asked for by request, for whatever reason it is silent (beyond
 * the plan's number of symbols, not covered, not traded). It takes one connection a key: with a
 * second one it drops both, which is why a lost connection is not taken back in haste.
 *
 * That the stream has died is seen by the connection (websocket), by no message at all, pings
 * included, and by requests whose answers are newer than what the stream told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/url.h"
#include "publisher/feeds/finnhub.h"
#include "publisher/feeds/finnhub_message.h"

#include "common/banned.h"

#define APART_MS 30    /* between two subscriptions */
#define MUTE_MS 150000 /* two pings of the service missed, and some */
#define REFUSED_FIRST_MS 120000
#define REFUSED_MAX_MS 900000

static void on_up(void *ctx)
{
    struct feed *f = ctx;
    struct trades *t = &f->trades;

    t->told = false;
    t->hold_ms = 0;
    backoff_reset(&t->refusals);
    t->fault[0] = '\0';
    t->subscribed = t->refused = 0;
    t->subscribe_at = t->message_at = mono_now();
    board_reconnected(&f->live.board, t->message_at);
}

static int64_t on_down(void *ctx, const struct websocket_end *end)
{
    struct feed *f = ctx;
    struct trades *t = &f->trades;

    int64_t hold_ms = t->hold_ms;

    t->hold_ms = 0;
    snprintf(t->fault, sizeof(t->fault), "%s", end->why);
    return stream_is_denied(end) ? backoff_next_ms(&t->refusals) : hold_ms;
}

static void on_trade(void *ctx, const char *symbol, const struct trade *trade)
{
    struct feed *f = ctx;
    struct row *r = board_find(&f->live.board, symbol);

    if (r != NULL)
        board_trade(&f->live.board, r, trade, f->trades.message_at);
}

/* The service does not say which symbol it means: it answers each that is too many, some time
 * later, so the last ones are those. */
static void is_full(struct feed *f)
{
    struct trades *t = &f->trades;
    bool first = t->refused == 0;

    if (t->refused + 1 >= t->subscribed)
        return;
    t->most = t->subscribed - ++t->refused;
    if (first)
        log_warn("finnhub: the plan streams no more than about %zu symbols "
                 "(--finnhub-stream-symbols): the others are asked for one by one",
                 t->most);
}

static void on_message(void *ctx, const char *text, size_t len)
{
    struct feed *f = ctx;
    char msg[FINNHUB_MSG_MAX];

    f->trades.message_at = mono_now();
    switch (finnhub_read_message(text, len, f->live.config.options->odd_lots, on_trade, f, msg)) {
    case FINNHUB_TOO_MANY_SYMBOLS:
        is_full(f);
        break;
    case FINNHUB_ERROR:
        if (!f->trades.told)
            log_warn("finnhub: the stream says: %s", msg);
        f->trades.told = true;
        break;
    case FINNHUB_GARBAGE:
        stream_garbage(&f->trades.stream);
        return;
    case FINNHUB_TRADES:
    case FINNHUB_PING:
    case FINNHUB_UNKNOWN:
        break;
    }
    stream_sense(&f->trades.stream);
}

/* A symbol as JSON takes it; ours hold no control characters but may hold quotes. */
static void subscribe(struct feed *f, const char *symbol)
{
    static const char head[] = "{\"type\":\"subscribe\",\"symbol\":\"";
    char text[sizeof(head) + 2 * SYMBOL_MAX + 3];
    size_t len = sizeof(head) - 1;

    memcpy(text, head, len);
    for (; *symbol != '\0'; symbol++) {
        if (*symbol == '"' || *symbol == '\\')
            text[len++] = '\\';
        text[len++] = *symbol;
    }
    text[len++] = '"';
    text[len++] = '}';
    if (stream_send(&f->trades.stream, text, len) < 0)
        stream_restart(&f->trades.stream, "subscriptions cannot be sent");
}

static bool is_subscribing(const struct feed *f)
{
    const struct trades *t = &f->trades;

    return t->stream.up && t->subscribed < t->most && t->subscribed < f->live.board.n;
}

static void give_up_mute(struct feed *f)
{
    f->trades.hold_ms = board_mute_ms(&f->live.board);
    stream_restart(&f->trades.stream, "connected, but trades do not come");
}

void trades_run(struct feed *f, struct mono now)
{
    struct trades *t = &f->trades;

    if (!t->wanted)
        return;
    if (t->stream.up && board_misses_trades(&f->live.board))
        give_up_mute(f);
    stream_run(&t->stream, now);
    if (is_subscribing(f) && !mono_before(now, t->subscribe_at)) {
        subscribe(f, f->live.board.rows[t->subscribed++].listing.symbol);
        t->subscribe_at = mono_add_ms(now, APART_MS);
    }
    if (t->stream.up && !mono_before(now, mono_add_ms(t->message_at, MUTE_MS)))
        stream_restart(&t->stream, "no message for 150 s");
}

struct mono trades_deadline(const struct feed *f)
{
    const struct trades *t = &f->trades;
    struct mono deadline;

    if (!t->wanted)
        return MONO_NEVER;
    deadline = stream_deadline(&t->stream);
    if (is_subscribing(f))
        deadline = mono_earlier(deadline, t->subscribe_at);
    if (t->stream.up)
        deadline = mono_earlier(deadline, mono_add_ms(t->message_at, MUTE_MS));
    return deadline;
}

bool trades_ask(const struct feed *f, const struct row *r)
{
    const struct trades *t = &f->trades;
    size_t number = board_number(&f->live.board, r);

    return t->stream.up && number < t->subscribed && number < t->most;
}

bool trades_cover(const struct feed *f, const struct row *r, struct mono now)
{
    return f->trades.stream.up && r->heard && mono_before(now, pulse_overdue(&r->pulse)) &&
           r->listing.good.known && (r->listing.good.quote.known & QUOTE_PREV_CLOSE);
}

enum flow trades_flow(const struct feed *f, struct mono now)
{
    return f->trades.stream.up ? board_flow(&f->live.board, now) : FLOW_NONE;
}

static int make_url(struct feed *f, const char *base)
{
    const char *key = f->live.config.options->finnhub_key;
    size_t escaped_max = 3 * strlen(key) + 1;
    char *escaped = malloc(escaped_max);
    int r = -ENOMEM;

    if (escaped == NULL)
        return r;
    url_escape(key, escaped, escaped_max);
    if (asprintf(&f->trades.url, "%s%ctoken=%s", base, strchr(base, '?') != NULL ? '&' : '?',
                 escaped) > 0)
        r = 0;
    else
        f->trades.url = NULL;
    explicit_bzero(escaped, escaped_max);
    free(escaped);
    return r;
}

int trades_open(struct feed *f)
{
    static const struct stream_events events = {
        .up = on_up, .message = on_message, .down = on_down};
    const char *base = f->live.config.options->finnhub_ws_url;
    int r;

    f->trades.most = (size_t)f->live.config.options->finnhub_stream_symbols;
    if (base == NULL || f->trades.most == 0)
        return 0;
    r = make_url(f, base);
    if (r < 0)
        return r;
    f->trades.wanted = true;
    backoff_init(&f->trades.refusals, REFUSED_FIRST_MS, REFUSED_MAX_MS);
    stream_init(&f->trades.stream, f->live.net, f->trades.url, NULL, &events, f);
    return 0;
}

void trades_close(struct feed *f)
{
    stream_release(&f->trades.stream);
    live_wipe(f->trades.url);
}
