/*
 * pulse -- how long something that comes again and again may be silent before that is odd: what
 * comes ten times a second is missed after three seconds, what comes once a minute after twenty.
 *
 * Pure; all zero at first.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_PULSE_H
#define TAPECAST_PUBLISHER_FEEDS_PULSE_H

#include <stdint.h>

#include "common/clock.h"

struct pulse {
    uint32_t beats;
    struct mono last;
    double mean_ms; /* of the gaps, the recent ones above all */
};

void pulse_beat(struct pulse *p, struct mono now);

/* Go on knowing what was learned, from a beat that has still to come. */
void pulse_pause(struct pulse *p);

/* From when on its silence is odd; MONO_NEVER before the first beat. */
struct mono pulse_overdue(const struct pulse *p);

#endif
