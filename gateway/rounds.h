/*
 * rounds -- when the next round of writes may begin: the hold.
 *
 * The cost of fan-out is per write, not per message. When writing every message to every reader one
 * by one would take more than a core, it is cheaper, and no later, to let messages gather: after a
 * round that took t the next waits 2 t. So a busy loop spends about a third of a core on rounds.
 * Below that there is no hold: a tick leaves at once.
 *
 * A round takes in what comes while it is under way, so a message waits for its reader's next turn:
 * t and the hold, at most. The hold is no longer than makes that a little less than 3 max_ns; long
 * rounds gather enough by themselves.
 *
 * "Would take" is measured: what a write has cost lately, times the messages delivered a second. It
 * is not the time between messages: those of private watchlists come often, each for few, and
 * gathering them would save no write.
 *
 * Pure arithmetic on the times it is given; one thread.
 */
#ifndef TAPECAST_GATEWAY_ROUNDS_H
#define TAPECAST_GATEWAY_ROUNDS_H

#include <stdint.h>

#include "common/clock.h"

struct rounds {
    struct mono next;  /* the next round may begin */
    struct mono begin; /* of the last one */
    double load;       /* of the core, if each delivery were a write: a running mean */

    struct mono first; /* of the one under way: its begin, 0 before that; */
    int64_t took_ns;   /* what its parts took, … */
    uint64_t writes;
    uint64_t delivered; /* … and did */
};

/* A part of a round, from `begin` to `end`, made `writes`, which delivered `delivered` messages. */
void rounds_add(struct rounds *r, struct mono begin, struct mono end, uint64_t writes,
                uint64_t delivered);

/* That was the last part. */
void rounds_end(struct rounds *r, struct mono now, int64_t max_ns);

#endif
