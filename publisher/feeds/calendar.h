/*
 * calendar -- when US stock exchanges trade: pre-market, regular and post-market hours of each day,
 * in New York's time, with its holidays and short days.
 *
 * Holidays follow from the exchanges' rules, for every year. What no rule foresees (a day of
 * mourning, longer hours) comes from a file, one day a line, that goes before the rules:
 *
 *     # date      regular       from first pre-market to last post-market trade
 *     2025-01-09  closed
 *     2027-07-02  09:30-13:00
 *     2027-07-06  09:30-16:00   04:00-20:00
 *
 * A service that is asked tells of days too (calendar_tell). It goes before the rules and behind
 * the file, and is believed within sense alone: of weekdays, hours between 04:00 and 20:00 that
 * last for two hours at least; so it can close a day, shorten it, or open a holiday, but no
 * weekend.
 *
 * Any thread. Nothing blocks but calendar_new().
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_CALENDAR_H
#define TAPECAST_PUBLISHER_FEEDS_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macros.h"
#include "common/quote.h"

struct hours { /* minutes since midnight in New York; all 0 when closed all day */
    int16_t pre, open, close, post; /* pre <= open < close <= post */
};

struct calendar; /* NULL is one that nobody has told anything */

/* `path` is such a file, or NULL. Returns 0 and sets *ret, freed with calendar_free(); or -EINVAL,
 * -ENOMEM, an errno of reading, after logging what is wrong. */
MUST_CHECK int calendar_new(const char *path, struct calendar **ret);
void calendar_free(struct calendar *c);

/* The hours of `day`, a date in days since 1970-01-01. */
struct hours calendar_hours(const struct calendar *c, int32_t day);

/* The hours of a day whose regular ones are these, in minutes of the day: with those before and
 * after as usual. */
struct hours calendar_hours_between(int16_t open, int16_t close);

/* A service says that these are the hours of `day`. Returns whether that is believed and new. */
bool calendar_tell(struct calendar *c, int32_t day, struct hours hours);

/* The session that `t` falls into. A price at the very end of regular hours is the close: it
 * belongs to them. */
enum quote_session calendar_session(const struct calendar *c, struct wall t);

/* Is `t` within a minute after the close of regular hours, as the time of a closing price is? */
bool calendar_is_close(const struct calendar *c, struct wall t);

/* Does `day` come after `before` without a trading day between them? Not after ten days. */
bool calendar_follows(const struct calendar *c, int32_t before, int32_t day);

#endif
