/*
 * pulse -- how long something that comes again and again may be silent before that is odd: what
 * comes ten times a second is missed after three seconds, what comes once a minute after twenty
 * minutes, and what comes in bursts after a pause three times as long as those between them.
 *
 * Pure; all zero at first.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_PULSE_H
#define TAPECAST_PUBLISHER_FEEDS_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

struct pulse {
    uint32_t beats;
    struct mono last;
    double mean_ms; /* of the gaps, the recent ones above all */
    double peak_ms; /* the longest of them, slowly forgotten */
};

/* Several in one moment are one. */
void pulse_beat(struct pulse *p, struct mono now);

/* Go on knowing what was learned, from a beat that has still to come. */
void pulse_pause(struct pulse *p);

/* From when on its silence is odd; MONO_NEVER before the first beat. */
struct mono pulse_overdue(const struct pulse *p);

/* So long, from a beat to that moment. */
double pulse_patience_ms(const struct pulse *p);

/* The usual gap; 0 while it is not learned. */
double pulse_usual_ms(const struct pulse *p);

/* Enough has been heard to say so aloud. */
bool pulse_is_learned(const struct pulse *p);

#endif
