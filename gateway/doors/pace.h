/*
 * pace -- "at most N updates a second of each topic", as readers write it.
 */
#ifndef TAPECAST_GATEWAY_DOORS_PACE_H
#define TAPECAST_GATEWAY_DOORS_PACE_H

#include <stdint.h>

#include "common/macros.h"
#include "gateway/codec/http_head.h"

#define PACE_RULE "max-rate is a number from 0.01 to 1000 a second"

/* The interval for a rate such as "2" or "0.5" a second. Returns 0; -EINVAL unless it follows
 * PACE_RULE. */
MUST_CHECK int pace_parse(struct slice text, uint32_t *ret_interval_ms);

/* The same of `max-rate=` in a query; without one, 0 is no limit. */
MUST_CHECK int pace_of_query(struct slice query, uint32_t *ret_interval_ms);

#endif
