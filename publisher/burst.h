/*
 * burst -- quotes that leave together: the broker's socket is held until a few are written, so that
 * many small messages make one segment, and how long each took on its way through here.
 *
 * Belongs to the publisher's thread.
 */
#ifndef TAPECAST_PUBLISHER_BURST_H
#define TAPECAST_PUBLISHER_BURST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/broker.h"
#include "common/histogram.h"

#define BURST_MAX 16 /* quotes; the first waits for the last */

struct burst { /* all zero at first */
    bool held;
    size_t n;
    struct mono heard[BURST_MAX];
    struct histogram delays; /* seconds from a feed's reading a price to its being on the socket */
};

void burst_begin(struct burst *b, struct broker *broker); /* something is about to be written */
void burst_add(struct burst *b, struct broker *broker, struct mono heard); /* a quote was; 0: when
                                                                            * it was heard is not
                                                                            * known */
void burst_end(struct burst *b, struct broker *broker);                    /* let all go */

#endif
