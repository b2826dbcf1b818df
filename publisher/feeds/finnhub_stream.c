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
#include "publisher/feeds/finnhub.h"
#include "publisher/feeds/finnhub_message.h"

#include "common/banned.h"

#define APART_MS 30    /* between two subscriptions */
#define MUTE_MS 150000 /* two pings of the service missed, and some */
#define LOCKED_MS 60000
#define BUSY_MS 30000

static void on_up(void *ctx)
{
    struct feed *f = ctx;
    struct trades *t = &f->trades;

    t->locked = t->told = false;
    t->fault[0] = '\0';
    t->subscribed = 0;
    t->subscribe_at = t->message_at = mono_now();
    board_reconnected(&f->live.board);
}

static int64_t on_down(void *ctx, const struct websocket_end *end)
{
    struct feed *f = ctx;
    struct trades *t = &f->trades;

    t->locked = end->http_status == 401 || end->http_status == 403;
    snprintf(t->fault, sizeof(t->fault), "%s", end->why);
    if (t->locked)
        return LOCKED_MS;
    return end->http_status == 429 ? BUSY_MS : 0;
}

static void on_trade(void *ctx, const char *symbol, const struct trade *trade)
{
    struct feed *f = ctx;
    struct row *r = board_find(&f->live.board, symbol);

    if (r != NULL)
        board_trade(&f->live.board, r, trade, f->trades.message_at);
}

/* The service does not say which symbol it means: all up to the last but one are taken. */
static void is_full(struct feed *f)
{
    struct trades *t = &f->trades;

    if (t->subscribed <= 1 || t->most < t->subscribed)
        return;
    t->most = t->subscribed - 1;
    log_warn("finnhub: the plan streams no more than about %zu symbols (--finnhub-stream-symbols): "
             "the others are asked for one by one",
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
        stream_restart(&f->trades.stream, "a message that is none of the service's");
        break;
    case FINNHUB_TRADES:
    case FINNHUB_PING:
    case FINNHUB_UNKNOWN:
        break;
    }
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

void trades_run(struct feed *f, struct mono now)
{
    struct trades *t = &f->trades;

    if (!t->wanted)
        return;
    if (t->stream.up && board_misses_trades(&f->live.board))
        stream_restart(&t->stream, "connected, but trades do not come");
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
    http_escape(key, escaped, escaped_max);
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
    stream_init(&f->trades.stream, f->live.net, f->trades.url, NULL, &events, f);
    return 0;
}

void trades_close(struct feed *f)
{
    stream_release(&f->trades.stream);
    live_wipe(f->trades.url);
}
