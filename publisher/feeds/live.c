#include "publisher/feeds/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#include "publisher/net/record.h"

#include "common/banned.h"

#define LOOK_MS 500 /* how soon a silence is told */
#define CLOCK_LOOK_MS 200
#define STILL_MS 60000 /* without news */
#define THIN_TIMES 3

/* The line that lets the record be played as this feed. */
static cJSON *describe(const struct live *l)
{
    const struct feed_options *o = l->config.options;
    cJSON *head = cJSON_CreateObject(), *symbols;

    cJSON_AddStringToObject(head, "tapecast", "record");
    cJSON_AddNumberToObject(head, "version", 1);
    cJSON_AddStringToObject(head, "feed", l->board.service);
    cJSON_AddStringToObject(head, "variant", o->alpaca_feed);
    cJSON_AddBoolToObject(head, "odd_lots", o->odd_lots);
    cJSON_AddBoolToObject(head, "stream",
                          strcmp(l->board.service, "finnhub") != 0 || o->finnhub_ws_url != NULL);
    cJSON_AddNumberToObject(head, "stream_symbols", (double)o->finnhub_stream_symbols);
    cJSON_AddNumberToObject(head, "finnhub_calls", (double)o->finnhub_calls_per_minute);
    cJSON_AddNumberToObject(head, "alpaca_calls", (double)o->alpaca_calls_per_minute);
    symbols = cJSON_AddArrayToObject(head, "symbols");
    for (size_t i = 0; i < l->board.n; i++)
        cJSON_AddItemToArray(symbols, cJSON_CreateString(l->board.rows[i].listing.symbol));
    return head;
}

static int begin_record(struct live *l)
{
    const struct feed_options *o = l->config.options;
    int r = record_new(o->record, o->record_limit_mb * 1000000, &l->record);

    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL; /* the user can mend it */
    net_record(l->net, l->record);
    record_begin(l->record, describe(l));
    return 0;
}

int live_init(struct live *l, const char *service, const struct feed_config *config,
              bool (*has_hours)(const char *symbol))
{
    const struct feed_options *o = config->options;
    int r;

    *l = (struct live){.config = *config};
    pthread_mutex_init(&l->lock, NULL);
    if (o->ca_file != NULL && access(o->ca_file, R_OK) < 0) {
        log_error("--ca-file %s: %m", o->ca_file);
        return -EINVAL;
    }
    r = board_init(&l->board, service, config, has_hours);
    l->board.calendar = config->calendar;
    if (r == 0)
        r = net_new(config->stop_fd, o->ca_file, &l->net);
    if (r < 0)
        return r;
    net_play(l->net, config->playback);
    return o->record != NULL && config->playback == NULL ? begin_record(l) : 0;
}

int live_ask_hours(struct live *l, const struct almanac_config *config)
{
    struct almanac_config c = *config;

    c.service = l->board.service;
    c.calendar = l->config.calendar;
    return c.calendar != NULL ? almanac_new(l->net, &c, &l->almanac) : 0;
}

void live_release(struct live *l)
{
    almanac_free(l->almanac);
    net_free(l->net);
    record_free(l->record);
    board_release(&l->board);
    pthread_mutex_destroy(&l->lock);
}

/* Few trade then, and in fits and starts. */
static bool is_thin(enum quote_session session)
{
    return session == SESSION_PRE || session == SESSION_POST;
}

static void look_at_clock(struct live *l, const struct live_ops *ops, struct feed *f,
                          struct mono now)
{
    enum quote_session before = l->sessions.now;

    if (mono_before(now, l->look_due))
        return;
    l->look_due = mono_add_ms(now, CLOCK_LOOK_MS);
    almanac_run(l->almanac, now, board_clock(&l->board, now), l->board.published_at);
    l->sessions = sessions_at(l->config.calendar, board_clock(&l->board, now));
    board_rename_sessions(&l->board, &l->sessions, now);
    board_trust_first(&l->board, now);
    if (l->sessions.now == before)
        return;
    l->board.patience = is_thin(l->sessions.now) ? THIN_TIMES : 1;
    board_forget_pace(&l->board);
    ops->session(f);
}

static void tell(struct live *l, struct feed_state state, struct mono now)
{
    state.clock_ahead_ms = board_clock(&l->board, now).ms - wall_now().ms;
    pthread_mutex_lock(&l->lock);
    l->state = state;
    pthread_mutex_unlock(&l->lock);
}

int live_next(struct live *l, const struct live_ops *ops, struct feed *f, struct mono deadline,
              struct quote *ret)
{
    for (;;) {
        struct mono now = mono_now(), wake;
        int r;

        net_turn(l->net, now);
        if (board_take(&l->board, &l->sessions, now, ret))
            return 0;
        look_at_clock(l, ops, f, now);
        r = ops->run(f, now);
        if (r < 0)
            return r;
        tell(l, ops->state(f, now), now);
        if (!list_empty(&l->board.news))
            continue;
        if (!mono_before(now, deadline))
            return -ETIMEDOUT;
        wake = mono_earlier(ops->deadline(f, now), mono_add_ms(now, LOOK_MS));
        r = net_wait(l->net, mono_earlier(wake, deadline));
        if (r < 0)
            return r;
    }
}

bool live_has_more(const struct live *l)
{
    return !list_empty(&l->board.news);
}

void live_state(struct live *l, struct feed_state *ret)
{
    pthread_mutex_lock(&l->lock);
    *ret = l->state;
    pthread_mutex_unlock(&l->lock);
}

bool live_is_closed(const struct live *l)
{
    for (size_t i = 0; i < l->board.n; i++)
        if (!l->board.rows[i].listing.has_hours)
            return false;
    return l->sessions.now == SESSION_CLOSED;
}

bool live_is_still(const struct live *l, struct mono now)
{
    return live_is_closed(l) && !mono_before(now, mono_add_ms(l->board.published_at, STILL_MS));
}

void live_wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}
