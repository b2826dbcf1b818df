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
#include "publisher/feeds/wellknown.h"

#include "common/banned.h"

#define LOOK_MS 500    /* how soon a silence is told */
#define STILL_MS 60000 /* without news, when the market is closed: waiting */

void finnhub_tell_once(struct slot *s, const char *what)
{
    if (!s->told)
        log_info("finnhub: %s: %s", s->listing.symbol, what);
    s->told = true;
}

void finnhub_judge(struct feed *f, struct slot *s, enum lastgood_verdict verdict)
{
    if (verdict == LASTGOOD_FUTURE)
        finnhub_tell_once(s, "left out a price with a time in the future");
    if (verdict == LASTGOOD_JUMP)
        finnhub_tell_once(s, "left out a price far off the last, until a second one confirms it");
    if (verdict == LASTGOOD_NEWS && list_empty(&s->news))
        list_append(&f->news, &s->news);
}

/*
 * State
 */

static bool is_closed(const struct feed *f)
{
    for (size_t i = 0; i < f->n_slots; i++)
        if (!f->slots[i].listing.has_hours)
            return false;
    return f->session == SESSION_CLOSED;
}

static struct feed_state polled_state(const struct feed *f, struct mono now)
{
    static const enum feed_condition conditions[] = {
        [STARTING] = FEED_STARTING, [GOOD] = FEED_LIVE,     [EMPTY] = FEED_WAITING,
        [FAULTY] = FEED_FAULT,      [LIMITED] = FEED_FAULT, [LOCKED] = FEED_FAILED,
        [UNCOVERED] = FEED_FAILED,
    };
    const struct poll *p = &f->poll;
    struct feed_state state = {.condition = conditions[p->health]};

    if (p->health == GOOD && is_closed(f) &&
        !mono_before(now, mono_add_ms(f->published_at, STILL_MS))) {
        state.condition = FEED_WAITING;
        snprintf(state.detail, sizeof(state.detail), "the market is closed");
    } else if (p->health == GOOD && f->trades.fault[0] != '\0') {
        snprintf(state.detail, sizeof(state.detail), "asking for prices; no stream: %.60s",
                 f->trades.fault);
    } else {
        snprintf(state.detail, sizeof(state.detail), "%s", p->detail);
    }
    return state;
}

static struct feed_state state_now(const struct feed *f, struct mono now)
{
    struct feed_state state = {.condition = FEED_LIVE};
    size_t streamed = f->trades.most < f->n_slots ? f->trades.most : f->n_slots;

    switch (trades_flow(f, now)) {
    case FLOW_GOOD:
        snprintf(state.detail, sizeof(state.detail), "streaming %zu of %zu symbols", streamed,
                 f->n_slots);
        return state;
    case FLOW_SILENT:
        if (is_closed(f))
            break;
        state.condition = FEED_FAULT;
        snprintf(state.detail, sizeof(state.detail),
                 "the stream has fallen silent; asking for prices");
        return state;
    case FLOW_NONE:
        break;
    }
    return polled_state(f, now);
}

static void tell(struct feed *f, struct mono now)
{
    struct feed_state state = state_now(f, now);

    pthread_mutex_lock(&f->lock);
    f->state = state;
    pthread_mutex_unlock(&f->lock);
}

static void finnhub_state(struct feed *f, struct feed_state *ret)
{
    pthread_mutex_lock(&f->lock);
    *ret = f->state;
    pthread_mutex_unlock(&f->lock);
}

/*
 * The loop
 */

static bool take_news(struct feed *f, struct mono now, struct quote *ret)
{
    struct slot *s;

    if (list_empty(&f->news))
        return false;
    s = CONTAINER_OF(f->news.next, struct slot, news);
    list_remove(&s->news);
    f->published_at = now;
    *ret = s->listing.good.quote;
    return true;
}

static void look_at_clock(struct feed *f)
{
    enum quote_session session = calendar_session(f->calendar, wall_now());

    if (session == f->session)
        return;
    f->session = session;
    trades_forget_pace(f);
}

static int finnhub_next(struct feed *f, struct mono deadline, struct quote *ret)
{
    for (;;) {
        struct mono now = mono_now(), wake;
        int r;

        if (take_news(f, now, ret))
            return 0;
        look_at_clock(f);
        trades_run(f, now);
        r = poll_run(f, now);
        if (r < 0)
            return r;
        tell(f, now);
        if (!list_empty(&f->news))
            continue;
        if (!mono_before(now, deadline))
            return -ETIMEDOUT;
        wake = mono_earlier(poll_deadline(f, now), trades_deadline(f));
        wake = mono_earlier(wake, mono_add_ms(now, LOOK_MS));
        r = net_wait(f->net, mono_earlier(wake, deadline));
        if (r < 0)
            return r;
    }
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
        s->listing.has_hours = listing_is_us(s->listing.symbol);
        list_init(&s->news);
        index_add(&f->index, s->listing.symbol);
    }
    return r;
}

static void finnhub_close(struct feed *f)
{
    if (f == NULL)
        return;
    trades_close(f);
    poll_close(f);
    net_free(f->net);
    calendar_free(f->calendar);
    pthread_mutex_destroy(&f->lock);
    index_release(&f->index);
    free(f->slots);
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
    pthread_mutex_init(&f->lock, NULL);
    f->config = *config;
    list_init(&f->news);
    f->published_at = mono_now();

    r = make_slots(f);
    if (r == 0 && o->market_hours != NULL)
        r = calendar_read(o->market_hours, &f->calendar);
    if (r == 0)
        r = net_new(config->stop_fd, o->ca_file, &f->net);
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
    .state = finnhub_state,
    .close = finnhub_close,
};
