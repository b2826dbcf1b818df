/*
 * newyork -- which calendar date it is in New York, the trading day of US exchanges.
 *
 * Daylight saving time by the law in force: second Sunday of March to first Sunday of November from
 * 2007 on, first Sunday of April to last Sunday of October before (right back to 1987; earlier
 * years began on the last Sunday of April, which moves no trading hour across midnight).
 */
#ifndef TAPECAST_COMMON_NEWYORK_H
#define TAPECAST_COMMON_NEWYORK_H

#include <stdint.h>

/* Seconds to add to UTC at `unix_s`: -5 h, or -4 h in summer. */
int newyork_offset_s(int64_t unix_s);

/* The date there, in days since 1970-01-01. */
int32_t newyork_day(int64_t unix_s);

#endif
