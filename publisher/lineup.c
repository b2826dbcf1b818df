#include "publisher/lineup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/net/playback.h"

#include "common/banned.h"

#define NAMES "sim, replay, finnhub, alpaca"

/* The feed whose name `item` begins with, NULL for none. */
static const struct feed_ops *feed_of(const char *item, size_t len)
{
    char name[FEED_NAME_MAX];
    size_t name_len = 0;

    while (name_len < len && item[name_len] != ':' && item[name_len] != '=')
        name_len++;
    if (name_len >= sizeof(name))
        return NULL;
    memcpy(name, item, name_len);
    name[name_len] = '\0';
    return feed_find(name);
}

/*
 * Which symbols are for which feed
 */

static bool is_alpaca(const struct lineup_feed *f, const char *variant)
{
    return f->ops == &feed_alpaca && strcmp(f->options.alpaca_feed, variant) == 0;
}

/* May the common list mean this feed by `symbol`? */
static bool is_for(const struct lineup_feed *f, const char *symbol)
{
    bool pair = strchr(symbol, '/') != NULL;

    if (is_alpaca(f, "crypto"))
        return pair;
    if (f->ops == &feed_alpaca)
        return !pair && strchr(symbol, ':') == NULL;
    return f->ops != &feed_finnhub || !pair;
}

static int take_text(struct lineup_feed *f, const char *list)
{
    int r = symbols_from_list(list, &f->symbols);

    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    if (f->symbols.duplicates > 0 || f->symbols.n == 0) {
        log_error("--feed %s: %s", f->name,
                  f->symbols.n == 0 ? "no symbol follows the =" : "a symbol is named twice");
        return -EINVAL;
    }
    return 0;
}

/* Those of the common list that are for `f`: all, when it is alone. */
static int take_common(struct lineup_feed *f, const struct symbols *common, bool alone)
{
    char *list = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&list, &len);
    int r;

    if (out == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < common->n; i++)
        if (alone || is_for(f, common->names[i]))
            fprintf(out, ",%s", common->names[i]);
    if (fclose(out) != 0) {
        free(list);
        return -ENOMEM;
    }
    r = symbols_from_list(list, &f->symbols);
    free(list);
    if (r == 0 && f->symbols.n == 0) {
        log_error("--feed %s: none of --symbols is for it; give it a list of its own, such as "
                  "--feed %s=%s",
                  f->name, f->name, is_alpaca(f, "crypto") ? "BTC/USD" : "AAPL");
        return -EINVAL;
    }
    return r;
}

/* What a feed shows when nobody named any, where that is not the well-known stocks. */
static const char *own_choice(const struct lineup_feed *f)
{
    if (is_alpaca(f, "crypto"))
        return "BTC/USD,ETH/USD";
    return is_alpaca(f, "test") ? "FAKEPACA" : NULL;
}

/* `takes`: which feeds take from the common list. */
static int check_all_taken(const struct lineup *l, const struct symbols *common, const bool *takes)
{
    for (size_t i = 0; i < common->n; i++) {
        bool taken = false;

        for (size_t k = 0; k < l->n; k++)
            taken |= takes[k] && (l->n == 1 || is_for(&l->feeds[k], common->names[i]));
        if (!taken) {
            log_error("--symbols: none of the feeds without symbols of its own is for %s",
                      common->names[i]);
            return -EINVAL;
        }
    }
    return 0;
}

static int share_out(struct lineup *l, const struct symbols *common)
{
    bool takes[FEEDS_MAX] = {0};
    int r = 0;

    for (size_t i = 0; i < l->n && r == 0; i++) {
        struct lineup_feed *f = &l->feeds[i];

        takes[i] = f->symbols.n == 0;
        if (takes[i] && common->n > 0)
            r = take_common(f, common, l->n == 1);
        else if (takes[i] && own_choice(f) != NULL)
            r = take_text(f, own_choice(f));
    }
    return r < 0 ? r : check_all_taken(l, common, takes);
}

/*
 * Reading
 */

static bool is_same(const struct lineup_feed *a, const struct lineup_feed *b)
{
    return a->ops == b->ops &&
           (a->ops != &feed_alpaca || strcmp(a->options.alpaca_feed, b->options.alpaca_feed) == 0);
}

/* Sets what stands behind the colon, if anything may. */
static int set_variant(struct lineup_feed *f)
{
    char *colon = strchr(f->name, ':');

    f->options.alpaca_feed = "iex";
    if (colon == NULL)
        return 0;
    if (f->ops != &feed_alpaca) {
        log_error("--feed %s: only alpaca is followed by a colon", f->name);
        return -EINVAL;
    }
    f->options.alpaca_feed = colon + 1;
    return 0;
}

/* `item` is `NAME` or `NAME:VARIANT`. */
static int add_feed(struct lineup *l, const char *item, size_t len, const struct feed_options *o)
{
    struct lineup_feed *f = &l->feeds[l->n];
    int r;

    if (l->n == FEEDS_MAX) {
        log_error("--feed: more than %d feeds", FEEDS_MAX);
        return -EINVAL;
    }
    if (len >= FEED_NAME_MAX || feed_of(item, len) == NULL) {
        log_error("--feed %.*s is none of " NAMES, (int)len, item);
        return -EINVAL;
    }
    f->ops = feed_of(item, len);
    if (f->ops == &feed_replay && o->file != NULL && playback_is_record(o->file))
        f->ops = &feed_recording;
    f->options = *o;
    memcpy(f->name, item, len);
    f->name[len] = '\0';
    r = set_variant(f);
    if (r < 0)
        return r;
    for (size_t i = 0; i < l->n; i++)
        if (is_same(f, &l->feeds[i])) {
            log_error("--feed %s is named twice", f->name);
            return -EINVAL;
        }
    l->n++;
    return 0;
}

/* The end of the symbols that begin at `list`: where a feed follows, or the text ends. */
static const char *list_end(const char *list, const char *end)
{
    for (const char *comma = list; (comma = memchr(comma, ',', (size_t)(end - comma))) != NULL;) {
        const char *item = comma + 1, *next = memchr(item, ',', (size_t)(end - item));

        if (feed_of(item, (size_t)((next != NULL ? next : end) - item)) != NULL)
            return comma;
        comma = item;
    }
    return end;
}

/* One word without blanks: feeds and their symbols. */
static int read_word(struct lineup *l, const char *at, const char *end,
                     const struct feed_options *o)
{
    int r = 0;

    while (r == 0) {
        size_t len = strcspn(at, ",= ");

        r = add_feed(l, at, len, o);
        at += len;
        if (r == 0 && at < end && *at == '=') {
            const char *list = at + 1;
            char *copy;

            at = list_end(list, end);
            copy = strndup(list, (size_t)(at - list));
            r = copy == NULL ? -ENOMEM : take_text(&l->feeds[l->n - 1], copy);
            free(copy);
        }
        if (at == end)
            break;
        at++; /* the comma */
    }
    return r;
}

/* Several feeds that are recorded have a file each. */
static int name_records(struct lineup *l)
{
    size_t n_live = 0;

    for (size_t i = 0; i < l->n; i++)
        n_live += l->feeds[i].ops->mode == MODE_LIVE;
    if (l->feeds[0].options.record == NULL || n_live == 1)
        return 0;
    if (n_live == 0) {
        log_error("--record keeps what a live feed is told: there is none");
        return -EINVAL;
    }
    for (size_t i = 0; i < l->n; i++) {
        struct lineup_feed *f = &l->feeds[i];

        if (asprintf(&f->record, "%s.%s", f->options.record, f->name) < 0) {
            f->record = NULL;
            return -ENOMEM;
        }
        for (char *colon = f->record + strlen(f->options.record);
             (colon = strchr(colon, ':')) != NULL;)
            *colon = '-';
        f->options.record = f->record;
    }
    return 0;
}

int lineup_read(const char *text, const struct symbols *common, const struct feed_options *options,
                struct lineup *ret)
{
    int r = 0;

    *ret = (struct lineup){0};
    do {
        const char *end;

        text += strspn(text, " ");
        end = text + strcspn(text, " ");
        r = read_word(ret, text, end, options);
        text = end + strspn(end, " ");
    } while (r == 0 && *text != '\0');
    if (r == 0)
        r = share_out(ret, common);
    if (r == 0)
        r = name_records(ret);
    if (r < 0)
        lineup_release(ret);
    return r;
}

void lineup_release(struct lineup *l)
{
    for (size_t i = 0; i < l->n; i++) {
        symbols_release(&l->feeds[i].symbols);
        free(l->feeds[i].record);
    }
    l->n = 0;
}
