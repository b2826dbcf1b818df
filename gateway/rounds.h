/*
 * rounds -- when the next round of writes may begin: the hold.
 *
 * The cost of fan-out is per write, not per message. When writing every message to every reader one
 * by one would take two cores or more, it is cheaper, and no later, to let messages gather: after a
 * round that took t the next waits 2 t, at most `max_ns`. So a busy loop spends about a third of a
 * core on rounds. Below that there is no hold: a tick leaves at once.
 *
 * A message waits for the round that is under way, the hold, and its reader's turn in the next: 2 t
 * and the hold, which is no longer than makes that 4 max_ns. Long rounds gather enough by
 * themselves.
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
};

/* A round from `begin` to `end` made `writes`, which delivered `delivered` messages. */
void rounds_note(struct rounds *r, struct mono begin, struct mono end, uint64_t writes,
                 uint64_t delivered, int64_t max_ns);

#endif
