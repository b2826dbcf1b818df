#include "common/newyork.h"

#include "common/civil.h"

#include "common/banned.h"

#define DAY_S 86400
#define HOUR_S INT64_C(3600)
#define EST_S (-5 * 3600)
#define EDT_S (-4 * 3600)

static int32_t floor_day(int64_t s)
{
    return (int32_t)(s / DAY_S - (s % DAY_S < 0));
}

static int32_t sunday_on_or_after(int year, int month, int day)
{
    int32_t days = civil_to_days((struct civil){year, month, day});

    return days + (7 - civil_weekday(days)) % 7;
}

/* Clocks change at 02:00 of the time then in force: 07:00 UTC in spring, 06:00 UTC in autumn. */
int newyork_offset_s(int64_t unix_s)
{
    int year = civil_from_days(floor_day(unix_s)).year;
    int32_t spring = year >= 2007 ? sunday_on_or_after(year, 3, 8) : sunday_on_or_after(year, 4, 1);
    int32_t autumn =
        year >= 2007 ? sunday_on_or_after(year, 11, 1) : sunday_on_or_after(year, 10, 25);
    int64_t begin = (int64_t)spring * DAY_S + 7 * HOUR_S;
    int64_t end = (int64_t)autumn * DAY_S + 6 * HOUR_S;

    return unix_s >= begin && unix_s < end ? EDT_S : EST_S;
}

int32_t newyork_day(int64_t unix_s)
{
    return floor_day(unix_s + newyork_offset_s(unix_s));
}
