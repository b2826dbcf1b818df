/*
 * backoff -- how long to wait before trying again: doubling from `first_ms` to `max_ms`, each wait
 * drawn between half of that and all of it, so that many who failed together do not return
 * together.
 */
#ifndef TAPECAST_COMMON_BACKOFF_H
#define TAPECAST_COMMON_BACKOFF_H

#include <stdint.h>

#include "common/rng.h"

struct backoff {
    uint32_t first_ms, max_ms;
    uint32_t attempt; /* failures since the last reset */
    struct rng rng;
};

void backoff_init(struct backoff *b, uint32_t first_ms, uint32_t max_ms);
uint32_t backoff_next_ms(struct backoff *b); /* one more failure: how long to wait now */
void backoff_reset(struct backoff *b);       /* call when the link has proved itself */

#endif
