/*
 * The feed `finnhub`: trades from the service's stream as they happen, and its quotes by request
 * for the rest: symbols that the stream is silent about, all of them while it is down, and the
 * day's open, high, low and previous close. Both are offered to the same listing of each symbol,
 * which takes what is newer.
 *
 * What it is to the outside: live while trades flow, whatever requests come to; else what the last
 * answer to a request makes it.
 */
#include "publisher/feeds/finnhub.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#include "common/banned.h"

static struct feed_state polled_state(const struct feed *f, struct mono now)
{
    static const enum feed_condition conditions[] = {
        [STARTING] = FEED_STARTING, [GOOD] = FEED_LIVE,     [EMPTY] = FEED_WAITING,
        [FAULTY] = FEED_FAULT,      [LIMITED] = FEED_FAULT, [LOCKED] = FEED_FAILED,
        [UNCOVERED] = FEED_FAILED,
    };
    const struct poll *p = &f->poll;
    struct feed_state state = {.condition = conditions[p->health]};

    if (p->health == GOOD && live_is_still(&f->live, now)) {
        state.condition = FEED_WAITING;
        snprintf(state.detail, sizeof(state.detail), "the market is closed");
    } else if (p->health == GOOD && f->trades.fault[0] != '\0') {
        state.asking = true;
        snprintf(state.detail, sizeof(state.detail), "asking for prices; no stream: %.60s",
                 f->trades.fault);
    } else {
        snprintf(state.detail, sizeof(state.detail), "%s", p->detail);
    }
    return state;
}

static struct feed_state state(const struct feed *f, struct mono now)
{
    struct feed_state s = {.condition = FEED_LIVE};
    size_t n = f->live.board.n, streamed = f->trades.most < n ? f->trades.most : n;

    switch (trades_flow(f, now)) {
    case FLOW_GOOD:
        snprintf(s.detail, sizeof(s.detail), "streaming %zu of %zu symbols", streamed, n);
        return s;
    case FLOW_SILENT:
        if (live_is_closed(&f->live))
            break;
        s.condition = FEED_FAULT;
        snprintf(s.detail, sizeof(s.detail), "the stream has fallen silent; asking for prices");
        return s;
    case FLOW_NONE:
        break;
    }
    return polled_state(f, now);
}

static int run(struct feed *f, struct mono now)
{
    trades_run(f, now);
    return poll_run(f, now);
}

static struct mono deadline(struct feed *f, struct mono now)
{
    return mono_earlier(poll_deadline(f, now), trades_deadline(f));
}

static void session(struct feed *f)
{
    (void)f; /* what a new day tells is asked for as before */
}

static int finnhub_next(struct feed *f, struct mono by, struct quote *ret)
{
    static const struct live_ops ops = {
        .run = run, .deadline = deadline, .state = state, .session = session};

    return live_next(&f->live, &ops, f, by, ret);
}

static bool finnhub_has_more(const struct feed *f)
{
    return live_has_more(&f->live);
}

static void finnhub_state(struct feed *f, struct feed_state *ret)
{
    live_state(&f->live, ret);
}

/*
 * Opening and closing
 */

static int check_options(const struct feed_options *o)
{
    if (o->finnhub_key == NULL) {
        log_error("the feed finnhub needs a key: set FINNHUB_API_KEY, or FINNHUB_API_KEY_FILE to a "
                  "file that holds it (free at https://finnhub.io); --feed sim needs none");
        return -EINVAL;
    }
    for (const char *c = o->finnhub_key; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c)) {
            log_error("FINNHUB_API_KEY holds a character that no key has: check it for blanks");
            return -EINVAL;
        }
    if (!http_is_base(o->finnhub_url)) {
        log_error("--finnhub-url begins with https:// and has at most %d bytes", HTTP_BASE_MAX);
        return -EINVAL;
    }
    if (o->finnhub_ws_url != NULL && !websocket_is_base(o->finnhub_ws_url)) {
        log_error("--finnhub-ws-url begins with wss:// and has at most %d bytes", HTTP_BASE_MAX);
        return -EINVAL;
    }
    return 0;
}

static void finnhub_close(struct feed *f)
{
    if (f == NULL)
        return;
    trades_close(f);
    poll_close(f);
    live_release(&f->live);
    free(f);
}

static int finnhub_open(const struct feed_config *config, struct feed **ret)
{
    const struct feed_options *o = config->options;
    struct feed *f;
    int r = check_options(o);

    if (r < 0)
        return r;
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return -ENOMEM;
    r = live_init(&f->live, "finnhub", config, listing_is_us);
    if (r == 0)
        r = poll_open(f);
    if (r == 0)
        r = trades_open(f);
    if (r < 0)
        finnhub_close(f);
    else
        *ret = f;
    return r;
}

const struct feed_ops feed_finnhub = {
    .name = "finnhub",
    .mode = MODE_LIVE,
    .open = finnhub_open,
    .next = finnhub_next,
    .has_more = finnhub_has_more,
    .state = finnhub_state,
    .close = finnhub_close,
};
