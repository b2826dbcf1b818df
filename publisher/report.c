#include "publisher/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#include "common/banned.h"

#define STATUS_EVERY_MS 10000
#define STATUS_SOON_MS 1000 /* after a change: with the first counts */
#define LOOK_MS 200         /* how soon a change of a feed's condition or a silence is seen */

void report_init(struct report *r, struct outlet *outlet, const char *instance,
                 const char *metrics_file)
{
    *r = (struct report){.outlet = outlet, .metrics = {.path = metrics_file}};
    status_topic(instance, r->topic);
}

void report_changed(struct report *r, struct mono now)
{
    r->status_due = now;
    r->changed = true;
}

int report_send(struct report *r, bool online, struct mono now)
{
    const struct outlet *o = r->outlet;
    struct status status = {
        .online = online,
        .sources = &o->sources,
        .choice = o->choice,
        .counts = publish_counts(o->publish),
        .delays = &o->burst.delays,
        .now = now,
        .timestamp = wall_now(),
    };
    char *json = status_encode(&status);
    int id = -ENOMEM;

    if (json != NULL)
        id = broker_publish(o->broker, r->topic, json, strlen(json), 1, true);
    free(json);
    metrics_write(&r->metrics, &status);
    return id;
}

static void tell_feed_state(const struct running *running)
{
    static const struct {
        enum log_level level;
        const char *words;
    } news[] = {
        [FEED_STARTING] = {LOG_INFO, "is starting"}, [FEED_LIVE] = {LOG_INFO, "is live"},
        [FEED_WAITING] = {LOG_INFO, "is waiting"},   [FEED_FAULT] = {LOG_WARN, "has a fault"},
        [FEED_FAILED] = {LOG_WARN, "has failed"},    [FEED_ENDED] = {LOG_INFO, "has ended"},
    };
    const struct feed_state *s = &running->state;

    log_write(news[s->condition].level, "feed %s %s%s%s", running->feed->name,
              news[s->condition].words, s->detail[0] != '\0' ? ": " : "", s->detail);
}

static void look_at_feeds(struct report *r, struct mono now)
{
    struct sources *s = &r->outlet->sources;

    for (size_t i = 0; i < s->n; i++) {
        if (sources_look(s, i)) {
            report_changed(r, now);
            tell_feed_state(&s->feeds[i]);
        }
        choice_feed_state(r->outlet->choice, i, &s->feeds[i].state, now);
    }
}

static void look_at_symbols(struct report *r, struct mono now)
{
    struct choice *c = r->outlet->choice;
    int64_t set_ms = choice_look(c, now, wall_now());
    uint32_t n_stale = choice_count(c, now).states[FRESH_STALE];

    if (set_ms != 0)
        log_warn("the clock was set %s by %.0f s, or this machine slept",
                 set_ms > 0 ? "forward" : "back", fabs((double)set_ms) / 1000);
    if (n_stale != r->n_stale)
        report_changed(r, now);
    r->n_stale = n_stale;
}

void report_look(struct report *r, bool running, struct mono now)
{
    r->look_due = mono_add_ms(now, LOOK_MS);
    look_at_feeds(r, now);
    if (running)
        look_at_symbols(r, now);
}

void report_run(struct report *r, bool running, bool tells, struct mono now)
{
    if (!mono_before(now, r->look_due))
        report_look(r, running, now);
    if (mono_before(now, r->status_due) || !tells || !broker_is_up(r->outlet->broker))
        return;
    if (report_send(r, true, now) < 0)
        return;
    r->status_due = mono_add_ms(now, r->changed ? STATUS_SOON_MS : STATUS_EVERY_MS);
    r->changed = false;
}

struct mono report_deadline(const struct report *r)
{
    if (!broker_is_up(r->outlet->broker))
        return r->look_due;
    return mono_earlier(r->look_due, r->status_due);
}
