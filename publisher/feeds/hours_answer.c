#include "publisher/feeds/hours_answer.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "common/civil.h"
#include "common/macros.h"

#include "common/banned.h"

#define DAYS_MAX 64
#define HOLIDAYS_MAX 30 /* of an answer: a year has ten */

static const struct hours closed;

static const char *text(const cJSON *object, const char *name)
{
    const char *t = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return t != NULL ? t : "";
}

static bool read_date(const char *t, int32_t *ret)
{
    struct civil date;
    char rest;
    /* NOLINTNEXTLINE(cert-err34-c): the widths leave nothing to overflow */
    int n = sscanf(t, "%4d-%2d-%2d%c", &date.year, &date.month, &date.day, &rest);

    if (n != 3 || !civil_valid(date))
        return false;
    *ret = civil_to_days(date);
    return true;
}

/* "09:30" as minutes of the day. */
static bool read_minute(const char *t, int16_t *ret)
{
    int h, m;
    /* NOLINTNEXTLINE(cert-err34-c): the widths leave nothing to overflow */
    int n = sscanf(t, "%2d:%2d", &h, &m);

    if (n != 2 || h < 0 || h > 23 || m < 0 || m > 59)
        return false;
    *ret = (int16_t)(h * 60 + m);
    return true;
}

static bool read_hours(const char *from, const char *to, struct hours *ret)
{
    int16_t open, close;

    if (!read_minute(from, &open) || !read_minute(to, &close))
        return false;
    *ret = calendar_hours_between(open, close);
    return true;
}

bool hours_read_holidays(const char *body, hours_on_day *tell, void *ctx)
{
    cJSON *json = cJSON_Parse(body);
    const cJSON *days = cJSON_GetObjectItemCaseSensitive(json, "data"), *item;
    bool is_answer = cJSON_IsArray(days);
    int n_closed = 0;

    cJSON_ArrayForEach(item, days)
    {
        const char *span = text(item, "tradingHour"), *dash = strchr(span, '-');
        struct hours hours;
        int32_t day;

        if (!read_date(text(item, "atDate"), &day))
            continue;
        if (span[0] == '\0' && ++n_closed > HOLIDAYS_MAX)
            break;
        if (span[0] == '\0')
            tell(ctx, day, closed);
        else if (dash != NULL && read_hours(span, dash + 1, &hours))
            tell(ctx, day, hours);
    }
    cJSON_Delete(json);
    return is_answer && n_closed <= HOLIDAYS_MAX;
}

static bool is_weekday(int32_t day)
{
    int weekday = civil_weekday(day);

    return weekday != 0 && weekday != 6;
}

/* Fill `days` (closed at first) from `first` on. Returns how many have hours. */
static int read_days(const cJSON *list, int32_t first, int32_t n, struct hours *days)
{
    const cJSON *item;
    int n_open = 0;

    cJSON_ArrayForEach(item, list)
    {
        struct hours hours;
        int32_t day;

        if (!read_date(text(item, "date"), &day) || day < first || day >= first + n ||
            !read_hours(text(item, "open"), text(item, "close"), &hours))
            continue;
        days[day - first] = hours;
        n_open++;
    }
    return n_open;
}

bool hours_read_calendar(const char *body, int32_t first, int32_t last, hours_on_day *tell,
                         void *ctx)
{
    struct hours days[DAYS_MAX] = {{0}};
    cJSON *json = cJSON_Parse(body);
    int32_t n = last - first + 1;
    bool makes_sense =
        cJSON_IsArray(json) && n > 0 && n <= DAYS_MAX &&
        read_days(json, first, n, days) * 2 > n; /* five of seven, but for holidays */

    for (int32_t i = 0; i < n && makes_sense; i++)
        if (is_weekday(first + i))
            tell(ctx, first + i, days[i]);
    cJSON_Delete(json);
    return makes_sense;
}

bool hours_read_status(const char *body, bool *ret_is_open)
{
    cJSON *json = cJSON_Parse(body);
    const cJSON *finnhub = cJSON_GetObjectItemCaseSensitive(json, "isOpen");
    const cJSON *alpaca = cJSON_GetObjectItemCaseSensitive(json, "is_open");
    bool says = cJSON_IsBool(finnhub) || cJSON_IsBool(alpaca);

    if (says)
        *ret_is_open = cJSON_IsTrue(finnhub) || cJSON_IsTrue(alpaca);
    cJSON_Delete(json);
    return says;
}
