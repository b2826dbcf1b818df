/*
 * pace -- whose turn it is to be sent: each item at once when it has news, then at most once an
 * interval, and its last news always.
 *
 * An item is embedded in what is paced. It is in one of two queues or in none: `ready`, in the
 * order in which news came; `resting`, sent less than an interval ago, in the order of sending,
 * which is the order of waking since the interval is the same for all. Everything is O(1).
 *
 * Pure: no clock of its own, nothing allocated.
 */
#ifndef TAPECAST_PUBLISHER_PACE_H
#define TAPECAST_PUBLISHER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

struct pace_item {
    struct pace_item *next;
    struct mono awake; /* end of its rest */
    bool has_news, resting;
};

struct pace_queue {
    struct pace_item *first, *last;
};

struct pace {
    int64_t interval_ms; /* 0: nobody rests */
    struct pace_queue ready, resting;
};

void pace_init(struct pace *p, int64_t interval_ms);

/* `item` (all zero at first) has news. Returns false when they replace news not yet sent. */
bool pace_news(struct pace *p, struct pace_item *item);

/* The item to send now, which stays first until pace_sent(); NULL when it is nobody's turn. */
struct pace_item *pace_first(struct pace *p, struct mono now);

/* What pace_first() gave has been sent. */
void pace_sent(struct pace *p, struct mono now);

/* When pace_first() may give something that it does not give now. */
struct mono pace_deadline(const struct pace *p);

/* Nobody rests any more, from now on. */
void pace_finish(struct pace *p);

/* Nobody has news that are not sent (those who rest included). */
bool pace_is_idle(const struct pace *p);

#endif
