/*
 * letter -- what one thread hands to a worker, by worker_post(). The only way in from outside, for
 * what is seldom: nothing that comes with a tick.
 */
#ifndef TAPECAST_GATEWAY_LETTER_H
#define TAPECAST_GATEWAY_LETTER_H

#include "common/list.h"

struct worker;

/* Embedded in what it carries. */
struct letter {
    struct list link;
    /* Called once, in the thread of `w`, to whom it was posted. NULL: that one has ended, and all
     * connections of all workers with it; there is only memory to free. */
    void (*open)(struct letter *l, struct worker *w);
};

#endif
