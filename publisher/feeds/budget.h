/*
 * budget -- when the next call may be made: never more than `per_minute` in any minute, whatever
 * minute one looks at, and evenly spread once everything has been asked for the first time.
 *
 * Pure: no clock of its own, nothing allocated. One owner.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_BUDGET_H
#define TAPECAST_PUBLISHER_FEEDS_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

#define BUDGET_MAX 10000 /* a minute: of the largest plan */

struct budget {
    uint32_t per_minute;           /* 1..BUDGET_MAX */
    uint32_t spent;                /* calls ever made */
    struct mono calls[BUDGET_MAX]; /* when: a ring of the last `per_minute` */
};

void budget_init(struct budget *b, uint32_t per_minute);

/* The earliest moment for the next call; a hasty one may follow the last within 0.1 s. */
struct mono budget_next(const struct budget *b, bool hasty);

void budget_spend(struct budget *b, struct mono now);

#endif
