#include "common/clock.h"

#include <limits.h>
#include <time.h>

#include "common/banned.h"

#define NS_PER_MS INT64_C(1000000)

/* What four digits of a year can say. */
#define FIRST_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS INT64_C(253402300799999)  /* 9999-12-31T23:59:59.999Z */

static _Thread_local struct {
    bool held;
    struct mono mono;
    struct wall wall;
} held;

void clock_hold(struct mono mono, struct wall wall)
{
    held.held = true;
    held.mono = mono;
    held.wall = wall;
}

void clock_release(void)
{
    held.held = false;
}

struct mono mono_now(void)
{
    return held.held ? held.mono : mono_real();
}

struct wall wall_now(void)
{
    return held.held ? held.wall : wall_real();
}

struct mono mono_real(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (struct mono){(int64_t)ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec};
}

struct mono mono_add_ms(struct mono t, int64_t ms)
{
    int64_t ns;

    if (__builtin_mul_overflow(ms, NS_PER_MS, &ns) || __builtin_add_overflow(t.ns, ns, &t.ns))
        return ms > 0 ? MONO_NEVER : (struct mono){INT64_MIN};
    return t;
}

int mono_timeout_ms(struct mono t, struct mono now)
{
    int64_t ns, ms;

    if (t.ns == INT64_MAX)
        return -1;
    if (t.ns <= now.ns)
        return 0;
    if (__builtin_sub_overflow(t.ns, now.ns, &ns))
        return INT_MAX;
    ms = ns / NS_PER_MS + (ns % NS_PER_MS != 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

struct wall wall_real(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS};
}

/* Write the last `n` decimal digits of `v` and the character that follows them. */
static char *put_digits(char *p, int v, int n, char then)
{
    for (int i = n - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    p[n] = then;
    return p + n + 1;
}

void wall_format(struct wall t, char buf[WALL_TEXT_MAX])
{
    int64_t ms = t.ms < FIRST_MS ? FIRST_MS : t.ms > LAST_MS ? LAST_MS : t.ms;
    int fraction = (int)((ms % 1000 + 1000) % 1000);
    time_t s = (time_t)((ms - fraction) / 1000);
    struct tm tm;
    char *p = buf;

    gmtime_r(&s, &tm);
    p = put_digits(p, tm.tm_year + 1900, 4, '-');
    p = put_digits(p, tm.tm_mon + 1, 2, '-');
    p = put_digits(p, tm.tm_mday, 2, 'T');
    p = put_digits(p, tm.tm_hour, 2, ':');
    p = put_digits(p, tm.tm_min, 2, ':');
    p = put_digits(p, tm.tm_sec, 2, '.');
    p = put_digits(p, fraction, 3, 'Z');
    *p = '\0';
}
