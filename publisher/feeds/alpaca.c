/*
 * The feed `alpaca`: trades of its stream as they happen, snapshots by request at the start, after
 * each gap, every few seconds while the stream is down, and every ten minutes otherwise.
 */
#include "publisher/feeds/alpaca.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#include "common/banned.h"

static struct feed_state say(enum feed_condition condition, const char *what)
{
    struct feed_state s = {.condition = condition};

    snprintf(s.detail, sizeof(s.detail), "%s", what);
    return s;
}

static struct feed_state say_streaming(const struct feed *f, const char *how)
{
    struct feed_state s = {.condition = FEED_LIVE};

    snprintf(s.detail, sizeof(s.detail), "%s %zu of %zu symbols (%s)", how, f->set.active,
             f->live.board.n, f->source);
    return s;
}

static struct feed_state streamed_state(const struct feed *f, struct mono now)
{
    switch (board_flow(&f->live.board, now)) {
    case FLOW_GOOD:
        return say_streaming(f, "streaming");
    case FLOW_SILENT:
        if (live_is_closed(&f->live))
            break;
        return say(FEED_FAULT, "the stream has fallen silent; asking for prices");
    case FLOW_NONE:
        break;
    }
    if (live_is_still(&f->live, now))
        return say(FEED_WAITING, "the market is closed");
    return say_streaming(f, "subscribed to");
}

static struct feed_state state(const struct feed *f, struct mono now)
{
    const char *no_stream = f->session.fault, *no_answer = f->snapshots.fault;
    struct feed_state s = {.condition = FEED_STARTING};

    if (f->session.denied)
        return say(FEED_FAILED, no_stream);
    if (f->set.complete)
        return streamed_state(f, now);
    if (f->snapshots.answered && no_stream[0] != '\0') {
        s.condition = FEED_LIVE;
        s.asking = true;
        snprintf(s.detail, sizeof(s.detail), "asking for prices; no stream: %.60s", no_stream);
    } else if (no_answer[0] != '\0' && no_stream[0] != '\0') {
        s.condition = FEED_FAULT;
        snprintf(s.detail, sizeof(s.detail), "%.44s; no stream: %.36s", no_answer, no_stream);
    }
    return s;
}

static int run(struct feed *f, struct mono now)
{
    f->now = now;
    session_run(f);
    return snapshots_run(f);
}

static struct mono deadline(struct feed *f, struct mono now)
{
    (void)now;
    return mono_earlier(session_deadline(f), snapshots_deadline(f));
}

static int alpaca_next(struct feed *f, struct mono by, struct quote *ret)
{
    static const struct live_ops ops = {
        .run = run, .deadline = deadline, .state = state, .session = snapshots_soon};

    return live_next(&f->live, &ops, f, by, ret);
}

static bool alpaca_has_more(const struct feed *f)
{
    return live_has_more(&f->live);
}

static void alpaca_state(struct feed *f, struct feed_state *ret)
{
    live_state(&f->live, ret);
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

static bool has_hours(const char *symbol)
{
    (void)symbol;
    return true;
}

static bool has_no_hours(const char *symbol)
{
    (void)symbol;
    return false;
}

static void alpaca_close(struct feed *f)
{
    if (f == NULL)
        return;
    session_close(f);
    set_close(f);
    snapshots_close(f);
    live_release(&f->live);
    free(f);
}

static int ask_hours(struct feed *f)
{
    const struct snapshots *s = &f->snapshots;

    return live_ask_hours(
        &f->live, &(struct almanac_config){
                      .url = f->live.config.options->alpaca_trading_url,
                      .days = "/v2/calendar",
                      .status = "/v2/clock",
                      .has_span = true,
                      .headers = (const char *const[]){s->key_header, s->secret_header, NULL}});
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
    f->source = o->alpaca_feed;
    f->now = mono_now();
    f->rules = (struct alpaca_rules){.odd_lots = o->odd_lots,
                                     .has_tapes = strcmp(o->alpaca_feed, "crypto") != 0};
    r = live_init(&f->live, "alpaca", config, f->rules.has_tapes ? has_hours : has_no_hours);
    f->rules.calendar = f->live.config.calendar;
    if (r == 0)
        r = set_open(f);
    if (r == 0)
        r = snapshots_open(f);
    if (r == 0)
        r = session_open(f);
    if (r == 0 && f->rules.has_tapes && o->alpaca_trading_url != NULL)
        r = ask_hours(f);
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
    .has_more = alpaca_has_more,
    .state = alpaca_state,
    .close = alpaca_close,
};
