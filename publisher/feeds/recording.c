/*
 * The feed `replay` of a record (--record): the live feed that it was made of runs again, the
 * record in place of the network, by the clock of then. So what is published is what was published
 * then, but for the mode, which is `replay`.
 *
 * The inner feed is opened, and its thread runs, with the clocks held where the record is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/feed.h"
#include "publisher/feeds/budget.h"
#include "publisher/net/playback.h"
#include "publisher/symbols.h"

#include "common/banned.h"

struct feed {
    struct feed_config config;
    struct playback *playback;
    const struct feed_ops *ops; /* of the feed that was recorded */
    struct feed *inner;
    struct feed_options options; /* as then */
    struct symbols symbols;
    char key[sizeof("recorded")]; /* in place of keys */
    bool running;
    _Atomic bool ended;
};

static bool recording_lossless(const struct feed_options *options)
{
    return feed_replay.lossless(options);
}

/* A member from 1 to `max`, or what is nearest. */
static uint64_t number(const cJSON *head, const char *name, uint64_t max)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(head, name);

    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 1))
        return 1;
    return item->valuedouble < (double)max ? (uint64_t)item->valuedouble : max;
}

static int read_symbols(struct feed *f, const cJSON *symbols)
{
    const cJSON *symbol;
    char *list = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&list, &len);
    int r;

    if (out == NULL)
        return -ENOMEM;
    cJSON_ArrayForEach(symbol, symbols)
    {
        if (cJSON_IsString(symbol))
            fprintf(out, "%s,", symbol->valuestring);
    }
    r = fclose(out) != 0 ? -ENOMEM : symbols_from_list(list, &f->symbols);
    free(list);
    return r;
}

/* The options as they were then, and what the inner feed asks for although it needs none. */
static int read_head(struct feed *f, const struct feed_options *o)
{
    const cJSON *head = playback_head(f->playback);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "feed"));
    const char *variant = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "variant"));

    f->ops = name != NULL ? feed_find(name) : NULL;
    if (f->ops == NULL || f->ops->mode != MODE_LIVE)
        return -EBADMSG;
    snprintf(f->key, sizeof(f->key), "recorded");
    f->options = *o;
    f->options.finnhub_key = f->options.alpaca_key = f->options.alpaca_secret = f->key;
    f->options.alpaca_feed = variant != NULL ? variant : "iex";
    f->options.odd_lots = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(head, "odd_lots"));
    f->options.finnhub_ws_url =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(head, "stream")) ? "wss://record" : NULL;
    f->options.finnhub_stream_symbols = number(head, "stream_symbols", SYMBOLS_MAX);
    f->options.finnhub_calls_per_minute = number(head, "finnhub_calls", BUDGET_MAX);
    f->options.alpaca_calls_per_minute = number(head, "alpaca_calls", BUDGET_MAX);
    return read_symbols(f, cJSON_GetObjectItemCaseSensitive(head, "symbols"));
}

static void recording_close(struct feed *f)
{
    if (f == NULL)
        return;
    if (f->ops != NULL && f->inner != NULL)
        f->ops->close(f->inner);
    playback_free(f->playback);
    symbols_release(&f->symbols);
    free(f);
}

static int open_inner(struct feed *f)
{
    struct feed_config config = f->config;
    int r;

    config.options = &f->options;
    config.symbols = f->symbols.names;
    config.n_symbols = f->symbols.n;
    config.playback = f->playback;
    playback_hold_clock(f->playback);
    r = f->ops->open(&config, &f->inner);
    clock_release();
    return r;
}

static int recording_open(const struct feed_config *config, struct feed **ret)
{
    struct feed *f;
    double speed;
    int r = feed_speed(config->options, &speed);

    if (r < 0)
        return r;
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return -ENOMEM;
    f->config = *config;
    r = playback_new(config->options->file, speed, &f->playback);
    if (r == 0)
        r = read_head(f, config->options);
    if (r == -EBADMSG)
        log_error("%s is no record that this version can play", config->options->file);
    if (r == 0)
        r = open_inner(f);
    if (r < 0)
        recording_close(f);
    else
        *ret = f;
    return r;
}

/* Was it asked for, if any were? */
static bool is_wanted(const struct feed *f, const char *symbol)
{
    for (size_t i = 0; i < f->config.n_symbols; i++)
        if (strcmp(f->config.symbols[i], symbol) == 0)
            return true;
    return f->config.n_symbols == 0;
}

static int recording_next(struct feed *f, struct mono deadline, struct quote *ret)
{
    int r;

    if (!f->running)
        playback_hold_clock(f->playback);
    f->running = true;
    do
        r = f->ops->next(f->inner, deadline, ret);
    while (r == 0 && !is_wanted(f, ret->symbol));
    if (r == -ENODATA)
        f->ended = true;
    return r;
}

static void recording_state(struct feed *f, struct feed_state *ret)
{
    f->ops->state(f->inner, ret);
    if (f->ended) {
        ret->condition = FEED_ENDED;
        snprintf(ret->detail, sizeof(ret->detail), "the record has been played");
    }
}

static void recording_summary(struct feed *f, uint64_t published, FILE *out)
{
    struct playback_counts c = playback_count(f->playback);
    char first[WALL_TEXT_MAX], last[WALL_TEXT_MAX];

    wall_format(c.first, first);
    wall_format(c.last, last);
    fprintf(out, "replay of a record of %s\n", f->ops->name);
    fprintf(out, "symbols: %zu\n", f->symbols.n);
    fprintf(out, "from %s to %s\n", first, last);
    fprintf(out, "messages: %llu\n", (unsigned long long)c.messages);
    fprintf(out, "answers: %llu\n", (unsigned long long)c.answers);
    fprintf(out, "connections: %llu\n", (unsigned long long)c.connections);
    fprintf(out, "published: %llu\n", (unsigned long long)published);
    if (c.passed_over > 0)
        fprintf(out, "passed over, since the feed did otherwise than then: %llu\n",
                (unsigned long long)c.passed_over);
    if (c.unreadable > 0)
        fprintf(out, "left out: %llu lines that are none of a record's\n",
                (unsigned long long)c.unreadable);
}

const struct feed_ops feed_recording = {
    .name = "replay",
    .mode = MODE_REPLAY,
    .lossless = recording_lossless,
    .open = recording_open,
    .next = recording_next,
    .state = recording_state,
    .summary = recording_summary,
    .close = recording_close,
};
