/*
 * The stream's connection. https://docs.alpaca.markets/docs/streaming-market-data
 *
 *     connected -> we authenticate -> authenticated -> we subscribe -> the full set comes back
 *
 * A service that does not greet us is told the key all the same. What the error codes ask for is in
 * `errors`. The service takes one connection an account: after a dirty end it keeps the ghost of
 * the old one for about 90 s and refuses the new (406), so that is waited for in long steps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/feeds/alpaca.h"

#include "common/banned.h"

#define STEP_MS 5000 /* for an answer to what we said */
#define GHOST_MS 30000
#define DENIED_FIRST_MS 600000
#define DENIED_MAX_MS 3600000

void session_send(struct feed *f, const char *text)
{
    if (stream_send(&f->session.stream, text, strlen(text)) < 0)
        stream_restart(&f->session.stream, "nothing can be sent");
}

void session_await(struct feed *f)
{
    f->session.step_by = mono_add_ms(f->now, STEP_MS);
}

static void send_key(struct feed *f)
{
    const struct feed_options *o = f->live.config.options;
    char text[1200];

    f->session.keys_sent++;
    session_await(f);
    snprintf(text, sizeof(text), "{\"action\":\"auth\",\"key\":\"%s\",\"secret\":\"%s\"}",
             o->alpaca_key, o->alpaca_secret);
    session_send(f, text);
    explicit_bzero(text, sizeof(text));
}

static void on_connected(void *ctx)
{
    struct feed *f = ctx;

    if (f->session.keys_sent == 0)
        send_key(f);
}

static void on_authenticated(void *ctx)
{
    struct feed *f = ctx;

    if (f->session.authenticated)
        return;
    f->session.authenticated = true;
    f->session.denied = false;
    backoff_reset(&f->session.denials);
    set_begin(f);
}

/*
 * Errors
 */

enum remedy { IGNORE, AUTHENTICATE, RESTART, DENY, FALL_BACK, GHOST, BAD_SYMBOL, FULL };

static const struct {
    int code;
    enum remedy remedy;
    const char *words;
} errors[] = {
    {400, BAD_SYMBOL, "the service does not understand us"},
    {401, AUTHENTICATE, "not authenticated"},
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
    {412, DENY, "this stream speaks another format"},
    {413, DENY, "this stream has no trades"},
    {500, RESTART, "an error of the service"},
};

/* A URL that names a path is the stream's own. */
static int make_url(struct feed *f)
{
    const char *base = f->live.config.options->alpaca_ws_url;
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
    free(f->session.url);
    f->session.url = url;
    f->session.stream.config.url = url;
    return 0;
}

/* Every plan has iex. */
bool session_fall_back(struct feed *f)
{
    const char *better = f->source;

    if (strcmp(better, "sip") != 0 && strcmp(better, "delayed_sip") != 0)
        return false;
    f->source = "iex";
    if (make_url(f) < 0) {
        f->source = better;
        return false;
    }
    log_warn("alpaca: %s is not in the plan of this key: taking iex instead", better);
    stream_restart(&f->session.stream, "this stream is not in the plan of this key");
    snapshots_soon(f);
    return true;
}

static void deny(struct feed *f, const char *why)
{
    f->session.denied = true;
    stream_restart(&f->session.stream, why);
}

/* We spoke too early, or the service forgot: once more, on this connection. */
static void authenticate_again(struct feed *f, const char *why)
{
    if (f->session.keys_sent > 1) {
        stream_restart(&f->session.stream, why);
        return;
    }
    f->session.authenticated = false;
    send_key(f);
}

static void apply(struct feed *f, enum remedy remedy, const char *words)
{
    switch (remedy) {
    case IGNORE: /* and it is what we wait for */
        on_authenticated(f);
        break;
    case AUTHENTICATE:
        authenticate_again(f, words);
        break;
    case FALL_BACK:
        if (!session_fall_back(f))
            deny(f, words);
        break;
    case BAD_SYMBOL:
        if (f->session.authenticated)
            set_symbol_refused(f);
        else
            deny(f, words);
        break;
    case FULL:
        set_full(f);
        break;
    case GHOST:
        f->session.hold_ms = GHOST_MS;
        stream_restart(&f->session.stream, words);
        break;
    case DENY:
        deny(f, words);
        break;
    case RESTART:
        stream_restart(&f->session.stream, words);
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
    stream_restart(&f->session.stream, "an error that we do not know");
}

/*
 * Messages
 */

static void on_subscribed(void *ctx, const char *symbol)
{
    set_told(ctx, symbol);
}

static void on_trade(void *ctx, const char *symbol, const struct trade *t)
{
    struct feed *f = ctx;
    struct row *r = board_find(&f->live.board, symbol);

    if (r != NULL)
        board_trade(&f->live.board, r, t, f->now);
}

static void on_revoked(void *ctx, const char *symbol, const struct revocation *x)
{
    struct feed *f = ctx;
    struct row *r = board_find(&f->live.board, symbol);

    if (r != NULL)
        board_revoke(&f->live.board, r, x, f->now);
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

    if (!alpaca_read_message(text, len, &f->rules, &events, f)) {
        stream_garbage(&f->session.stream);
        snapshots_soon(f); /* it may have been of trades */
        return;
    }
    stream_sense(&f->session.stream);
    if (f->set.told)
        set_reconcile(f);
}

/*
 * The connection
 */

static void on_up(void *ctx)
{
    struct feed *f = ctx;
    struct session *s = &f->session;

    s->authenticated = false;
    s->keys_sent = 0;
    s->hold_ms = 0;
    session_await(f);
    board_reconnected(&f->live.board, f->now);
}

static int64_t on_down(void *ctx, const struct websocket_end *end)
{
    struct feed *f = ctx;
    struct session *s = &f->session;
    int64_t hold_ms;

    f->set.complete = f->set.told = false;
    f->set.named = 0;
    snprintf(s->fault, sizeof(s->fault), "%s", end->why);
    s->denied |= stream_is_denied(end);
    hold_ms = s->denied ? backoff_next_ms(&s->denials) : s->hold_ms;
    s->hold_ms = 0;
    snapshots_soon(f);
    return hold_ms;
}

static void give_up_mute(struct feed *f)
{
    f->session.hold_ms = board_mute_ms(&f->live.board);
    stream_restart(&f->session.stream, "connected, but trades do not come");
}

static bool awaits(const struct session *s, const struct set *set)
{
    return s->stream.up && (!s->authenticated || set->named > 0);
}

void session_run(struct feed *f)
{
    struct session *s = &f->session;

    if (s->stream.up && board_misses_trades(&f->live.board))
        give_up_mute(f);
    stream_run(&s->stream, f->now);
    if (awaits(s, &f->set) && !mono_before(f->now, s->step_by)) {
        if (s->keys_sent == 0)
            send_key(f);
        else
            stream_restart(&s->stream, "no answer to what we said");
    }
    set_run(f);
}

struct mono session_deadline(const struct feed *f)
{
    struct mono t = mono_earlier(stream_deadline(&f->session.stream), set_deadline(f));

    return awaits(&f->session, &f->set) ? mono_earlier(t, f->session.step_by) : t;
}

int session_open(struct feed *f)
{
    static const struct stream_events events = {
        .up = on_up, .message = on_message, .down = on_down};
    int r = make_url(f);

    if (r < 0)
        return r;
    backoff_init(&f->session.denials, DENIED_FIRST_MS, DENIED_MAX_MS);
    stream_init(&f->session.stream, f->live.net, f->session.url, NULL, &events, f);
    return 0;
}

void session_close(struct feed *f)
{
    stream_release(&f->session.stream);
    free(f->session.url);
}
