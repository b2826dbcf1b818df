/*
 * The conversions count years from March, so that the leap day is the last of its year, and work in
 * eras of 400 years (146,097 days), which repeat exactly; 719,468 is the days from 0000-03-01 to
 * 1970-01-01.
 */
#include "common/civil.h"

#include <stdio.h>

#include "common/banned.h"

#define DAYS_PER_ERA 146097
#define EPOCH_FROM_MARCH_0000 719468

static int floor_div(int a, int b)
{
    return a / b - (a % b < 0);
}

static bool leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool civil_valid(struct civil date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (date.year < 1 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    return date.day <= days[date.month - 1] + (date.month == 2 && leap(date.year));
}

int32_t civil_to_days(struct civil date)
{
    int year = date.month > 2 ? date.year : date.year - 1;
    int month = (date.month + 9) % 12; /* March is 0 */
    int era = floor_div(year, 400);
    int year_of_era = year - era * 400;
    int day_of_year = (153 * month + 2) / 5 + date.day - 1;

    return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
           day_of_year - EPOCH_FROM_MARCH_0000;
}

struct civil civil_from_days(int32_t days)
{
    int shifted = days + EPOCH_FROM_MARCH_0000;
    int era = floor_div(shifted, DAYS_PER_ERA);
    int day_of_era = shifted - era * DAYS_PER_ERA;
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * day_of_year + 2) / 153; /* March is 0 */
    struct civil date = {
        .year = year_of_era + era * 400 + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
    };

    return date;
}

int civil_weekday(int32_t days)
{
    int weekday = (days + 4) % 7; /* 1970-01-01 was a Thursday */

    return weekday < 0 ? weekday + 7 : weekday;
}

void civil_format(int32_t days, char buf[CIVIL_TEXT_MAX])
{
    struct civil date = civil_from_days(days);

    snprintf(buf, CIVIL_TEXT_MAX, "%04d-%02d-%02d", date.year, date.month, date.day);
}
