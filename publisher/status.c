#include "publisher/status.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/banned.h"

/* cJSON takes NULL for an object that memory did not suffice for and adds nothing to it. */
static char *print_and_delete(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    cJSON_Delete(json);
    return text;
}

/* "finnhub+alpaca:crypto"; of one feed its name alone. */
static void add_feed_names(cJSON *json, const struct lineup *l)
{
    char names[FEEDS_MAX * FEED_NAME_MAX] = "";
    size_t len = 0;

    for (size_t i = 0; i < l->n && l->n > 1; i++)
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? "+" : "",
                                l->feeds[i].name);
    cJSON_AddStringToObject(json, "feed", l->n > 1 ? names : l->feeds[0].ops->name);
}

static void add_feeds(cJSON *json, const struct sources *sources, const struct choice_counts *c)
{
    cJSON *feeds = cJSON_AddArrayToObject(json, "feeds");

    for (size_t i = 0; i < sources->n; i++) {
        const struct running *r = &sources->feeds[i];
        cJSON *feed = cJSON_CreateObject();

        cJSON_AddStringToObject(feed, "feed", r->feed->name);
        cJSON_AddStringToObject(feed, "mode", quote_mode_name(r->feed->ops->mode));
        cJSON_AddStringToObject(feed, "condition", feed_condition_name(r->state.condition));
        cJSON_AddStringToObject(feed, "detail", r->state.detail);
        cJSON_AddNumberToObject(feed, "symbols", c->symbols[i]);
        cJSON_AddItemToArray(feeds, feed);
    }
}

static void add_freshness(cJSON *json, const struct choice_counts *c)
{
    cJSON *states = cJSON_AddObjectToObject(json, "freshness");

    for (int i = 0; i < N_FRESH_STATES; i++)
        cJSON_AddNumberToObject(states, fresh_state_name((enum fresh_state)i), c->states[i]);
}

/* Keep `s` among the longest silent ones. Returns how many there are then. */
static size_t keep_stalest(struct choice_symbol worst[STALEST_MAX], size_t n,
                           const struct choice_symbol *s)
{
    size_t at = n;

    while (at > 0 && worst[at - 1].age_ms < s->age_ms)
        at--;
    if (at == STALEST_MAX)
        return n;
    n = n < STALEST_MAX ? n + 1 : n;
    memmove(&worst[at + 1], &worst[at], (n - at - 1) * sizeof(*worst));
    worst[at] = *s;
    return n;
}

static double tenths_of_s(double ms)
{
    return round(ms / 100) / 10;
}

static void add_stalest(cJSON *json, const struct status *s)
{
    cJSON *list = cJSON_AddArrayToObject(json, "stalest");
    struct choice_symbol symbol, worst[STALEST_MAX];
    size_t n = 0;

    for (size_t i = 0; i < choice_n_symbols(s->choice); i++)
        if (choice_symbol(s->choice, i, s->now, &symbol) && symbol.state == FRESH_STALE)
            n = keep_stalest(worst, n, &symbol);
    for (size_t i = 0; i < n; i++) {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "symbol", worst[i].symbol);
        cJSON_AddStringToObject(item, "feed", s->sources->feeds[worst[i].feed].feed->name);
        cJSON_AddNumberToObject(item, "age_s", tenths_of_s(worst[i].age_ms));
        if (worst[i].usual_ms > 0)
            cJSON_AddNumberToObject(item, "usual_s", tenths_of_s(worst[i].usual_ms));
        cJSON_AddItemToArray(list, item);
    }
}

static bool has_live(const struct lineup *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->feeds[i].ops->mode == MODE_LIVE)
            return true;
    return false;
}

char *status_encode(const struct status *s)
{
    const struct lineup *lineup = s->sources->lineup;
    struct feed_state state = sources_state(s->sources);
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "state", s->online ? "online" : "offline");
    add_feed_names(json, lineup);
    cJSON_AddStringToObject(json, "condition", feed_condition_name(state.condition));
    cJSON_AddStringToObject(json, "detail", state.detail);
    cJSON_AddNumberToObject(json, "symbols", s->counts.symbols);
    cJSON_AddNumberToObject(json, "published", (double)s->counts.published);
    cJSON_AddNumberToObject(json, "conflated", (double)s->counts.conflated);
    cJSON_AddNumberToObject(json, "rejected", (double)s->counts.rejected);
    cJSON_AddStringToObject(json, "mode", quote_mode_name(lineup->feeds[0].ops->mode));
    cJSON_AddNumberToObject(json, "timestamp", (double)s->timestamp.ms);
    if (lineup->n > 1 || has_live(lineup)) {
        struct choice_counts counts = choice_count(s->choice, s->now);

        add_feeds(json, s->sources, &counts);
        add_freshness(json, &counts);
        add_stalest(json, s);
    }
    return print_and_delete(json);
}

char *status_encode_will(const struct lineup *lineup)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "state", "offline");
    add_feed_names(json, lineup);
    cJSON_AddStringToObject(json, "mode", quote_mode_name(lineup->feeds[0].ops->mode));
    return print_and_delete(json);
}

void status_topic(const char *instance, char buf[STATUS_TOPIC_MAX])
{
    static const char prefix[] = "status/publisher/";
    size_t len = sizeof(prefix) - 1;

    memcpy(buf, prefix, len);
    len += topic_level_escape(instance, strlen(instance), buf + len, STATUS_TOPIC_MAX - len - 1);
    buf[len] = '\0';
}
