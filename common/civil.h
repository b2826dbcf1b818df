/*
 * civil -- calendar dates as a count of days since 1970-01-01 (proleptic Gregorian), negative
 * before. Pure functions, any thread.
 */
#ifndef TAPECAST_COMMON_CIVIL_H
#define TAPECAST_COMMON_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

struct civil {
    int year, month, day; /* month and day from 1 */
};

bool civil_valid(struct civil date); /* year 1..9999, a day that the month has */
int32_t civil_to_days(struct civil date);
struct civil civil_from_days(int32_t days);

/* 0 is Sunday. */
int civil_weekday(int32_t days);

#define CIVIL_TEXT_MAX 40
void civil_format(int32_t days, char buf[CIVIL_TEXT_MAX]); /* "2016-04-15" */

#endif
