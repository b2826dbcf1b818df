#include "recorder/resolution.h"

#include <errno.h>
#include <string.h>

#include "common/newyork.h"

#include "common/banned.h"

#define HOUR_S 3600
#define DAY_S 86400
#define PRE_OPEN_S (4 * HOUR_S)
#define OPEN_S (9 * HOUR_S + HOUR_S / 2)
#define CLOSE_S (16 * HOUR_S)
#define POST_CLOSE_S (20 * HOUR_S)

static const struct {
    const char *name, *udf, *udf_long;
    int32_t seconds;
} resolutions[N_RESOLUTIONS] = {
    [RESOLUTION_1S] = {"1s", "1S", "S", 1},       [RESOLUTION_1M] = {"1m", "1", "1m", 60},
    [RESOLUTION_5M] = {"5m", "5", "5m", 300},     [RESOLUTION_15M] = {"15m", "15", "15m", 900},
    [RESOLUTION_1H] = {"1h", "60", "1H", HOUR_S}, [RESOLUTION_1D] = {"1d", "1D", "D", DAY_S},
};

/* Where the sessions of New York's day begin, in seconds after its midnight. */
static const struct {
    int32_t from_s;
    enum quote_session session;
} sessions[] = {
    {0, SESSION_CLOSED},     {PRE_OPEN_S, SESSION_PRE},      {OPEN_S, SESSION_REGULAR},
    {CLOSE_S, SESSION_POST}, {POST_CLOSE_S, SESSION_CLOSED}, {DAY_S, SESSION_CLOSED},
};

const char *resolution_name(enum resolution r)
{
    return resolutions[r].name;
}

int32_t resolution_seconds(enum resolution r)
{
    return resolutions[r].seconds;
}

int resolution_find(const char *text, enum resolution *ret)
{
    for (int i = 0; i < N_RESOLUTIONS; i++) {
        if (strcmp(text, resolutions[i].name) == 0 || strcmp(text, resolutions[i].udf) == 0 ||
            strcmp(text, resolutions[i].udf_long) == 0) {
            *ret = (enum resolution)i;
            return 0;
        }
    }
    return -EINVAL;
}

int resolution_of_seconds(int64_t seconds, enum resolution *ret)
{
    for (int i = 0; i < N_RESOLUTIONS; i++) {
        if (resolutions[i].seconds == seconds) {
            *ret = (enum resolution)i;
            return 0;
        }
    }
    return -EINVAL;
}

bool trades_around_the_clock(const char *symbol)
{
    return strpbrk(symbol, "/:") != NULL;
}

static int64_t floor_to(int64_t s, int64_t step)
{
    return s - ((s % step) + step) % step;
}

/* Which of `sessions` a second of New York's day falls into. */
static size_t session_index(int64_t second_of_day)
{
    size_t i = ARRAY_SIZE(sessions) - 2;

    while (sessions[i].from_s > second_of_day)
        i--;
    return i;
}

enum quote_session session_at(int64_t unix_s)
{
    int64_t local = unix_s + newyork_offset_s(unix_s);

    return sessions[session_index(local - floor_to(local, DAY_S))].session;
}

static struct span plain_span(int64_t unix_s, int64_t seconds)
{
    int64_t from = floor_to(unix_s, seconds);

    return (struct span){from, from, from + seconds};
}

/* A session's hours count from its beginning; its end cuts the last one off. */
static struct span hour_span(int64_t unix_s)
{
    int64_t local = unix_s + newyork_offset_s(unix_s), midnight = floor_to(local, DAY_S);
    size_t i = session_index(local - midnight);
    int64_t begin = midnight + sessions[i].from_s, end = midnight + sessions[i + 1].from_s;
    int64_t from = begin + floor_to(local - begin, HOUR_S);
    int64_t until = from + HOUR_S < end ? from + HOUR_S : end;
    int64_t utc = unix_s - local; /* the clocks change at night, when hours are whole */

    return (struct span){from + utc, from + utc, until + utc};
}

/* New York's midnight before 2:00 has the offset of the evening before; a day of 23 or 25 hours
 * ends with another offset than it began. */
static int64_t newyork_midnight(int64_t local_midnight)
{
    return local_midnight - newyork_offset_s(local_midnight + 5 * HOUR_S);
}

static struct span day_span(int64_t unix_s)
{
    int64_t midnight = floor_to(unix_s + newyork_offset_s(unix_s), DAY_S);

    return (struct span){midnight, newyork_midnight(midnight), newyork_midnight(midnight + DAY_S)};
}

struct span resolution_span(enum resolution r, int64_t unix_s, bool around_the_clock)
{
    if (r == RESOLUTION_1H && !around_the_clock)
        return hour_span(unix_s);
    if (r == RESOLUTION_1D && !around_the_clock)
        return day_span(unix_s);
    return plain_span(unix_s, resolutions[r].seconds);
}
