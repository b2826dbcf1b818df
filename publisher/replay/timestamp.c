/*
 * A scanner walks the text once: date, separator, clock, fraction, zone, end. Each piece is a small
 * function that returns false when the text says something else.
 */
#include "publisher/replay/timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/civil.h"

#include "common/banned.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_S 86400

struct scanner {
    const char *p, *end;
};

static bool at_digit(const struct scanner *s)
{
    return s->p < s->end && isdigit((unsigned char)*s->p);
}

static bool at_end(const struct scanner *s)
{
    return s->p == s->end;
}

static bool skip(struct scanner *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static size_t digit_run(const struct scanner *s)
{
    const char *p = s->p;

    while (p < s->end && isdigit((unsigned char)*p))
        p++;
    return (size_t)(p - s->p);
}

/* Exactly `n` digits, n <= 18. */
static bool number(struct scanner *s, size_t n, int64_t *ret)
{
    int64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        if (!at_digit(s))
            return false;
        value = value * 10 + (*s->p++ - '0');
    }
    *ret = value;
    return true;
}

/* The digits of a fraction as 0.ddd * unit, cut off at nanoseconds. */
static int64_t fraction(struct scanner *s, int64_t unit)
{
    int64_t value = 0;

    while (at_digit(s)) {
        unit /= 10;
        value += unit * (*s->p++ - '0');
    }
    return value;
}

static bool scan_date(struct scanner *s, int32_t *ret_days)
{
    int64_t year, month, day;
    char separator = '\0';

    if (!number(s, 4, &year))
        return false;
    if (skip(s, '-'))
        separator = '-';
    else if (skip(s, '/'))
        separator = '/';
    else if (skip(s, '.'))
        separator = '.';
    if (!number(s, 2, &month) || (separator != '\0' && !skip(s, separator)) || !number(s, 2, &day))
        return false;

    struct civil date = {(int)year, (int)month, (int)day};
    if (!civil_valid(date))
        return false;
    *ret_days = civil_to_days(date);
    return true;
}

/* HH:mm[:ss] or HHmm[ss], then [.fraction] or [ microseconds], which follow seconds only. */
static bool scan_clock(struct scanner *s, int64_t *ret_ns)
{
    int64_t hours, minutes, seconds = 0, ns = 0;
    bool colons, has_seconds;

    if (!number(s, 2, &hours))
        return false;
    colons = skip(s, ':');
    if (!number(s, 2, &minutes))
        return false;
    has_seconds = colons ? skip(s, ':') : at_digit(s);
    if (has_seconds && !number(s, 2, &seconds))
        return false;
    if (hours > 23 || minutes > 59 || seconds > 60) /* 60: a leap second is the next one's start */
        return false;
    if (has_seconds && s->end - s->p > 1 && (*s->p == '.' || *s->p == ',')) {
        s->p++;
        if (!at_digit(s))
            return false;
        ns = fraction(s, SECOND_NS);
    } else if (has_seconds && s->end - s->p == 7 && *s->p == ' ' &&
               isdigit((unsigned char)s->p[1])) {
        s->p++;
        if (!number(s, 6, &ns))
            return false;
        ns *= 1000;
    }
    *ret_ns = ((hours * 60 + minutes) * 60 + seconds) * SECOND_NS + ns;
    return true;
}

/* Z, UTC, GMT, +hh, +hhmm, +hh:mm, or nothing. */
static bool scan_zone(struct scanner *s, int64_t *ret_offset_s)
{
    int64_t hours, minutes = 0, sign;

    *ret_offset_s = 0;
    skip(s, ' ');
    if (at_end(s) || skip(s, 'Z') || skip(s, 'z'))
        return true;
    if (s->end - s->p == 3 && (memcmp(s->p, "UTC", 3) == 0 || memcmp(s->p, "GMT", 3) == 0)) {
        s->p = s->end;
        return true;
    }
    sign = *s->p == '-' ? -1 : 1;
    if (!skip(s, '+') && !skip(s, '-'))
        return false;
    if (!number(s, 2, &hours) || hours > 23)
        return false;
    skip(s, ':');
    if (!at_end(s) && (!number(s, 2, &minutes) || minutes > 59))
        return false;
    *ret_offset_s = sign * (hours * 60 + minutes) * 60;
    return true;
}

static int to_ns(int64_t s, int64_t ns, int64_t *ret)
{
    int64_t whole;

    if (__builtin_mul_overflow(s, SECOND_NS, &whole) || __builtin_add_overflow(whole, ns, ret))
        return -ERANGE;
    return 0;
}

static int parse_datetime(const char *text, size_t len, struct timestamp *ret)
{
    struct scanner s = {text, text + len};
    enum timestamp_form form = TIMESTAMP_DATE;
    int64_t clock_ns = 0, offset_s = 0, ns;
    int32_t days;
    int r;

    if (!scan_date(&s, &days))
        return -EINVAL;
    if (!at_end(&s)) {
        if (!at_digit(&s) && !skip(&s, 'T') && !skip(&s, 't') && !skip(&s, ' '))
            return -EINVAL;
        if (!scan_clock(&s, &clock_ns) || !scan_zone(&s, &offset_s))
            return -EINVAL;
        form = TIMESTAMP_DATETIME;
    }
    if (!at_end(&s))
        return -EINVAL;

    r = to_ns((int64_t)days * DAY_S - offset_s, clock_ns, &ns);
    if (r < 0)
        return r;
    *ret = (struct timestamp){ns, form};
    return 0;
}

/* digits[.digits], the unit by its size. */
static int parse_epoch(const char *text, size_t len, struct timestamp *ret)
{
    static const struct {
        int64_t below, ns;
        enum timestamp_form form;
    } units[] = {
        {INT64_C(100000000000), SECOND_NS, TIMESTAMP_EPOCH_S},
        {INT64_C(100000000000000), 1000000, TIMESTAMP_EPOCH_MS},
        {INT64_C(100000000000000000), 1000, TIMESTAMP_EPOCH_US},
        {INT64_MAX, 1, TIMESTAMP_EPOCH_NS},
    };
    struct scanner s = {text, text + len};
    int64_t value = 0, ns;
    size_t unit = 0;

    if (!at_digit(&s))
        return -EINVAL;
    while (at_digit(&s)) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *s.p - '0', &value))
            return -ERANGE;
        s.p++;
    }
    while (value >= units[unit].below && unit + 1 < sizeof(units) / sizeof(units[0]))
        unit++;
    if (__builtin_mul_overflow(value, units[unit].ns, &ns))
        return -ERANGE;
    if (skip(&s, '.') && __builtin_add_overflow(ns, fraction(&s, units[unit].ns), &ns))
        return -ERANGE;
    if (!at_end(&s))
        return -EINVAL;
    *ret = (struct timestamp){ns, units[unit].form};
    return 0;
}

static bool plausible_year(const char *text)
{
    return memcmp(text, "19", 2) == 0 || memcmp(text, "20", 2) == 0 || memcmp(text, "21", 2) == 0;
}

int timestamp_parse(const char *text, size_t len, struct timestamp *ret)
{
    struct scanner s = {text, text + len};
    size_t run = digit_run(&s);
    bool number_only = run > 0 && (run == len || (text[run] == '.' && run > 4));

    if (!number_only)
        return parse_datetime(text, len, ret);
    if (run == len && (run == 8 || run == 14) && plausible_year(text) &&
        parse_datetime(text, len, ret) == 0)
        return 0;
    return parse_epoch(text, len, ret);
}

const char *timestamp_form_name(enum timestamp_form form)
{
    static const char *const names[] = {
        [TIMESTAMP_DATE] = "dates",
        [TIMESTAMP_DATETIME] = "dates with a time of day",
        [TIMESTAMP_EPOCH_S] = "seconds since 1970",
        [TIMESTAMP_EPOCH_MS] = "milliseconds since 1970",
        [TIMESTAMP_EPOCH_US] = "microseconds since 1970",
        [TIMESTAMP_EPOCH_NS] = "nanoseconds since 1970",
    };

    return names[form];
}
