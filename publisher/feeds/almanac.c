#include "publisher/feeds/almanac.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/civil.h"
#include "common/log.h"
#include "common/newyork.h"
#include "publisher/feeds/hours_answer.h"

#include "common/banned.h"

#define BODY_MAX 65536
#define URL_MAX (HTTP_BASE_MAX + 128)
#define FIRST_MS 30000
#define DAYS_EVERY_MS (12 * INT64_C(3600000))
#define FAULT_MS 3600000
#define STATUS_EVERY_MS 1800000
#define AGAIN_MS 300000
#define SPAN_DAYS 40

enum asking { IDLE, ASKING_DAYS, ASKING_STATUS };

struct almanac {
    struct almanac_config config;
    struct http *http;
    enum asking asking;
    struct mono now, days_at, status_at; /* when to ask next */
    int32_t today, first, last;          /* the span that is asked for */
    struct mono price_at;
    struct mono denied_at; /* when it was said first that there is no trading; 0: it was not */
};

int almanac_new(struct net *n, const struct almanac_config *config, struct almanac **ret)
{
    struct almanac *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return -ENOMEM;
    a->config = *config;
    a->days_at = a->status_at = mono_add_ms(mono_now(), FIRST_MS);
    if (http_new(n, config->headers, BODY_MAX, &a->http) < 0) {
        free(a);
        return -ENOMEM;
    }
    a->config.headers = NULL; /* copied */
    *ret = a;
    return 0;
}

void almanac_free(struct almanac *a)
{
    if (a == NULL)
        return;
    http_free(a->http);
    free(a);
}

/*
 * Answers
 */

static void on_day(void *ctx, int32_t day, struct hours hours)
{
    struct almanac *a = ctx;
    char date[CIVIL_TEXT_MAX];

    if (day == a->today || !calendar_tell(a->config.calendar, day, hours))
        return; /* today is for the status to tell */
    civil_format(day, date);
    if (hours.close == 0)
        log_info("%s: US exchanges are closed on %s", a->config.service, date);
    else
        log_info("%s: US exchanges trade from %02d:%02d to %02d:%02d on %s", a->config.service,
                 hours.open / 60, hours.open % 60, hours.close / 60, hours.close % 60, date);
}

static void digest_days(struct almanac *a, const struct http_answer *answer)
{
    bool good = answer->fault == NULL && answer->status == 200;

    if (good && a->config.has_span)
        good = hours_read_calendar(answer->body, a->first, a->last, on_day, a);
    else if (good)
        good = hours_read_holidays(answer->body, on_day, a);
    a->days_at = mono_add_ms(a->now, good ? DAYS_EVERY_MS : FAULT_MS);
}

static void change_today(struct almanac *a, struct hours hours, const char *words)
{
    if (calendar_tell(a->config.calendar, a->today, hours))
        log_warn("%s: US exchanges %s, other than their calendar says: believed (--market-hours "
                 "overrides it)",
                 a->config.service, words);
}

static void hear_status(struct almanac *a, bool is_open, enum quote_session session)
{
    static const struct hours closed;
    bool denied_before = a->denied_at.ns != 0 && !mono_before(a->denied_at, a->price_at);

    if (is_open && session == SESSION_CLOSED)
        change_today(a, calendar_hours_between(9 * 60 + 30, 16 * 60), "are open today");
    if (is_open || session != SESSION_REGULAR) {
        a->denied_at = (struct mono){0};
    } else if (denied_before) {
        change_today(a, closed, "do not trade today");
    } else {
        a->denied_at = a->now;
        a->status_at = mono_add_ms(a->now, AGAIN_MS);
    }
}

static void digest_status(struct almanac *a, const struct http_answer *answer,
                          enum quote_session session)
{
    bool is_open;

    a->status_at = mono_add_ms(a->now, STATUS_EVERY_MS);
    if (answer->fault == NULL && answer->status == 200 && hours_read_status(answer->body, &is_open))
        hear_status(a, is_open, session);
}

/*
 * Requests
 */

/* Would regular hours be now, were it a usual day? */
static bool is_daytime(const struct almanac *a, struct wall wall)
{
    int64_t s = wall.ms / 1000;
    int minute = (int)((s + newyork_offset_s(s)) / 60 % 1440), weekday = civil_weekday(a->today);

    return weekday != 0 && weekday != 6 && minute >= 9 * 60 + 35 && minute < 15 * 60 + 55;
}

static void ask(struct almanac *a, const char *what, enum asking asking)
{
    char url[URL_MAX], first[CIVIL_TEXT_MAX], last[CIVIL_TEXT_MAX];
    size_t base_len = strlen(a->config.url);
    int len;

    base_len -= base_len > 0 && a->config.url[base_len - 1] == '/';
    len = snprintf(url, sizeof(url), "%.*s%s", (int)base_len, a->config.url, what);
    if (asking == ASKING_DAYS && a->config.has_span) {
        a->first = a->today + 1;
        a->last = a->today + SPAN_DAYS;
        civil_format(a->first, first);
        civil_format(a->last, last);
        snprintf(url + len, sizeof(url) - (size_t)len, "?start=%s&end=%s", first, last);
    }
    if (http_get(a->http, url) < 0)
        return;
    a->asking = asking;
    if (a->config.asked != NULL)
        a->config.asked(a->config.ctx);
}

void almanac_run(struct almanac *a, struct mono now, struct wall wall, struct mono price_at)
{
    enum quote_session session;
    struct http_answer answer;

    if (a == NULL ||
        (a->asking == IDLE && mono_before(now, a->days_at) && mono_before(now, a->status_at)))
        return;
    a->now = now;
    a->price_at = price_at;
    a->today = newyork_day(wall.ms / 1000);
    session = calendar_session(a->config.calendar, wall);
    if (a->asking != IDLE && http_take(a->http, &answer) == 0) {
        if (a->asking == ASKING_DAYS)
            digest_days(a, &answer);
        else
            digest_status(a, &answer, session);
        a->asking = IDLE;
    }
    if (a->asking == IDLE && !mono_before(now, a->days_at))
        ask(a, a->config.days, ASKING_DAYS);
    else if (a->asking == IDLE && !mono_before(now, a->status_at) && is_daytime(a, wall))
        ask(a, a->config.status, ASKING_STATUS);
    else if (a->asking == IDLE && !mono_before(now, a->status_at))
        a->status_at = mono_add_ms(now, AGAIN_MS);
}
