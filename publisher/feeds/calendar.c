#include "publisher/feeds/calendar.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/civil.h"
#include "common/log.h"
#include "common/newyork.h"

#include "common/banned.h"

#define AT(hour, minute) ((hour)*60 + (minute))
#define MINUTE_MS 60000
#define DAY_MINUTES AT(24, 0)
#define LONGEST_BREAK_DAYS 10
#define SHORTEST_MINUTES 120

static const struct hours ordinary = {AT(4, 0), AT(9, 30), AT(16, 0), AT(20, 0)};
static const struct hours half = {AT(4, 0), AT(9, 30), AT(13, 0), AT(17, 0)};
static const struct hours closed;

struct exception {
    int32_t day;
    struct hours hours;
};

#define TOLD_MAX 64 /* days that a service may tell of; the oldest leave */

struct list_of_days {
    size_t n;
    struct exception *days; /* the last of equal ones counts */
};

struct calendar {
    struct list_of_days file; /* never changes */
    pthread_rwlock_t lock;    /* of what follows */
    size_t n_told;
    struct exception told[TOLD_MAX];
};

/*
 * The rules. NYSE Rule 7.2: of a holiday on a Saturday the Friday before is free, of one on a
 * Sunday the Monday after; but New Year's Day on a Saturday is lost, since the Friday ends a year.
 */

enum { SUNDAY, MONDAY, THURSDAY = 4, SATURDAY = 6 };

static int32_t date(int year, int month, int day)
{
    return civil_to_days((struct civil){year, month, day});
}

/* The n-th such weekday of the month, from 1. */
static int32_t nth(int year, int month, int weekday, int n)
{
    int32_t first = date(year, month, 1);

    return first + (weekday - civil_weekday(first) + 7) % 7 + 7 * (n - 1);
}

static int32_t observed(int32_t day)
{
    switch (civil_weekday(day)) {
    case SATURDAY:
        return day - 1;
    case SUNDAY:
        return day + 1;
    default:
        return day;
    }
}

/* Gauss's rule as of Meeus, for the Gregorian calendar. */
static int32_t easter(int year)
{
    int a = year % 19, b = year / 100, c = year % 100;
    int h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    int l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    int m = (a + 11 * h + 22 * l) / 451;
    int n = h + l - 7 * m + 114;

    return date(year, n / 31, n % 31 + 1);
}

static bool is_holiday(int32_t day)
{
    int year = civil_from_days(day).year;
    int32_t new_year = date(year, 1, 1);
    const int32_t holidays[] = {
        civil_weekday(new_year) == SATURDAY ? new_year : observed(new_year),
        nth(year, 1, MONDAY, 3),                        /* Martin Luther King Jr. */
        nth(year, 2, MONDAY, 3),                        /* Washington's Birthday */
        easter(year) - 2,                               /* Good Friday */
        nth(year, 6, MONDAY, 1) - 7,                    /* Memorial Day */
        year >= 2022 ? observed(date(year, 6, 19)) : 0, /* Juneteenth */
        observed(date(year, 7, 4)),                     /* Independence Day */
        nth(year, 9, MONDAY, 1),                        /* Labor Day */
        nth(year, 11, THURSDAY, 4),                     /* Thanksgiving */
        observed(date(year, 12, 25)),                   /* Christmas */
    };

    for (size_t i = 0; i < ARRAY_SIZE(holidays); i++)
        if (day == holidays[i])
            return true;
    return false;
}

/* The day after Thanksgiving, and the days before Independence Day and Christmas. */
static bool is_half(int32_t day)
{
    struct civil d = civil_from_days(day);

    if (d.month == 7 && d.day == 3)
        return civil_weekday(day + 1) != SATURDAY;
    return day == nth(d.year, 11, THURSDAY, 4) + 1 || (d.month == 12 && d.day == 24);
}

static struct hours by_rule(int32_t day)
{
    int weekday = civil_weekday(day);

    if (weekday == SATURDAY || weekday == SUNDAY || is_holiday(day))
        return closed;
    return is_half(day) ? half : ordinary;
}

static bool find(const struct exception *days, size_t n, int32_t day, struct hours *ret)
{
    while (n > 0)
        if (days[--n].day == day) {
            *ret = days[n].hours;
            return true;
        }
    return false;
}

struct hours calendar_hours(const struct calendar *c, int32_t day)
{
    struct hours h;
    bool told;

    if (c == NULL)
        return by_rule(day);
    if (find(c->file.days, c->file.n, day, &h))
        return h;
    pthread_rwlock_rdlock((pthread_rwlock_t *)&c->lock);
    told = find(c->told, c->n_told, day, &h);
    pthread_rwlock_unlock((pthread_rwlock_t *)&c->lock);
    return told ? h : by_rule(day);
}

/* As far as a service is believed. */
static bool is_sensible(int32_t day, struct hours h)
{
    int weekday = civil_weekday(day);

    if (weekday == SATURDAY || weekday == SUNDAY)
        return false;
    return h.close == 0 || (h.pre <= h.open && h.open >= ordinary.pre && h.close <= ordinary.post &&
                            h.close <= h.post && h.open + SHORTEST_MINUTES <= h.close);
}

struct hours calendar_hours_between(int16_t open, int16_t close)
{
    struct hours h = {.pre = ordinary.pre, .open = open, .close = close, .post = ordinary.post};

    if (h.open < h.pre)
        h.pre = h.open;
    if (h.close < ordinary.close)
        h.post = half.post;
    if (h.post < h.close)
        h.post = h.close;
    return h;
}

bool calendar_tell(struct calendar *c, int32_t day, struct hours hours)
{
    const struct hours known = calendar_hours(c, day);
    struct hours by_file;

    if (find(c->file.days, c->file.n, day, &by_file) ||
        memcmp(&known, &hours, sizeof(known)) == 0 || !is_sensible(day, hours))
        return false;
    pthread_rwlock_wrlock(&c->lock);
    if (c->n_told == TOLD_MAX)
        memmove(c->told, c->told + 1, --c->n_told * sizeof(*c->told));
    c->told[c->n_told++] = (struct exception){day, hours};
    pthread_rwlock_unlock(&c->lock);
    return true;
}

static int64_t ms_of_day(struct wall t, int32_t day)
{
    int64_t s = t.ms / 1000;

    return t.ms + (newyork_offset_s(s) - (int64_t)day * 86400) * 1000;
}

enum quote_session calendar_session(const struct calendar *c, struct wall t)
{
    int32_t day = newyork_day(t.ms / 1000);
    struct hours h = calendar_hours(c, day);
    int64_t ms = ms_of_day(t, day);

    if (h.close == 0 || ms < (int64_t)h.pre * MINUTE_MS)
        return SESSION_CLOSED;
    if (ms < (int64_t)h.open * MINUTE_MS)
        return SESSION_PRE;
    if (ms <= (int64_t)h.close * MINUTE_MS)
        return SESSION_REGULAR;
    return ms <= (int64_t)h.post * MINUTE_MS ? SESSION_POST : SESSION_CLOSED;
}

bool calendar_is_close(const struct calendar *c, struct wall t)
{
    int32_t day = newyork_day(t.ms / 1000);
    int64_t close_ms = (int64_t)calendar_hours(c, day).close * MINUTE_MS, ms = ms_of_day(t, day);

    return close_ms != 0 && ms >= close_ms && ms < close_ms + MINUTE_MS;
}

bool calendar_follows(const struct calendar *c, int32_t before, int32_t day)
{
    if (before >= day || day - before > LONGEST_BREAK_DAYS)
        return false;
    for (int32_t between = before + 1; between < day; between++)
        if (calendar_hours(c, between).close != 0)
            return false;
    return true;
}

/*
 * The file
 */

struct line { /* what a line may say; -1 is not said */
    int year, month, day;
    int from_h, from_m, to_h, to_m;
    int pre_h, pre_m, post_h, post_m;
};

static bool time_valid(int hour, int minute)
{
    return hour >= 0 && minute >= 0 && minute < 60 && AT(hour, minute) <= DAY_MINUTES;
}

static bool make_hours(const struct line *l, bool extended, struct hours *ret)
{
    struct hours h;

    if (!time_valid(l->from_h, l->from_m) || !time_valid(l->to_h, l->to_m))
        return false;
    h = calendar_hours_between((int16_t)AT(l->from_h, l->from_m), (int16_t)AT(l->to_h, l->to_m));
    if (extended) {
        if (!time_valid(l->pre_h, l->pre_m) || !time_valid(l->post_h, l->post_m))
            return false;
        h.pre = (int16_t)AT(l->pre_h, l->pre_m);
        h.post = (int16_t)AT(l->post_h, l->post_m);
    }
    *ret = h;
    return h.pre <= h.open && h.open < h.close && h.close <= h.post;
}

static bool read_line(const char *text, struct exception *ret)
{
    struct line l;
    char word[8], rest;
    int n = sscanf(text, "%4d-%2d-%2d %d:%d-%d:%d %d:%d-%d:%d %c", /* NOLINT(cert-err34-c) */
                   &l.year, &l.month, &l.day, &l.from_h, &l.from_m, &l.to_h, &l.to_m, &l.pre_h,
                   &l.pre_m, &l.post_h, &l.post_m, &rest);

    if (n < 3 || !civil_valid((struct civil){l.year, l.month, l.day}))
        return false;
    ret->day = date(l.year, l.month, l.day);
    if (n == 7 || n == 11)
        return make_hours(&l, n == 11, &ret->hours);
    ret->hours = closed;
    return sscanf(text, "%*s %7s %c", word, &rest) == 1 && strcmp(word, "closed") == 0;
}

static int add(struct list_of_days *l, const struct exception *e)
{
    struct exception *more = realloc(l->days, (l->n + 1) * sizeof(*more));

    if (more == NULL)
        return -ENOMEM;
    l->days = more;
    l->days[l->n++] = *e;
    return 0;
}

static int read_lines(FILE *in, const char *path, struct list_of_days *l)
{
    char text[256];
    struct exception e;
    int r = 0;

    for (int number = 1; r == 0 && fgets(text, sizeof(text), in) != NULL; number++) {
        text[strcspn(text, "#\r\n")] = '\0';
        if (text[strspn(text, " \t")] == '\0')
            continue;
        if (!read_line(text, &e)) {
            log_error("%s, line %d: a day is `2027-07-02 09:30-13:00` or `2027-07-05 closed`", path,
                      number);
            return -EINVAL;
        }
        r = add(l, &e);
    }
    return r;
}

static int read_file(const char *path, struct list_of_days *l)
{
    FILE *in = fopen(path, "re");
    int r;

    if (in == NULL) {
        r = -errno;
        log_error("cannot read %s: %m", path);
        return r;
    }
    r = read_lines(in, path, l);
    fclose(in);
    return r;
}

int calendar_new(const char *path, struct calendar **ret)
{
    struct calendar *c = calloc(1, sizeof(*c));
    int r = 0;

    if (c == NULL)
        return -ENOMEM;
    pthread_rwlock_init(&c->lock, NULL);
    if (path != NULL)
        r = read_file(path, &c->file);
    if (r < 0)
        calendar_free(c);
    else
        *ret = c;
    return r;
}

void calendar_free(struct calendar *c)
{
    if (c == NULL)
        return;
    pthread_rwlock_destroy(&c->lock);
    free(c->file.days);
    free(c);
}
