/*
 * hours_answer -- what services say about the hours of US exchanges.
 *
 *     Finnhub  /stock/market-holiday
 * {"data":[{"atDate":"2026-11-27","tradingHour":"09:30-13:00"},…]} /stock/market-status
 * {"isOpen":false,"session":"pre-market","holiday":null,…} Alpaca   /v2/calendar
 * [{"date":"2026-11-27","open":"09:30","close":"13:00"},…] /v2/clock {"is_open":true,…}
 *
 * Pure: bytes in, calls out.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_HOURS_ANSWER_H
#define TAPECAST_PUBLISHER_FEEDS_HOURS_ANSWER_H

#include <stdbool.h>

#include "publisher/feeds/calendar.h"

typedef void hours_on_day(void *ctx, int32_t day, struct hours hours);

/* Holidays and short days. Returns false when it is no such answer, or names so many days closed
 * that it cannot be true; then it may have told some all the same. */
bool hours_read_holidays(const char *body, hours_on_day *tell, void *ctx);

/* Every trading day from `first` to `last`: a weekday that is left out is closed. Returns false as
 * above, having told nothing. */
bool hours_read_calendar(const char *body, int32_t first, int32_t last, hours_on_day *tell,
                         void *ctx);

/* Does the market trade at this moment, within regular hours? Returns false when it does not say.
 */
bool hours_read_status(const char *body, bool *ret_is_open);

#endif
