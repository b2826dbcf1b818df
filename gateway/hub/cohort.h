/*
 * cohort -- the live readers of one channel who have come equally far in its log.
 *
 * The front cohort has all of it. A message makes it fall behind; its readers are written to a few
 * at a time and go over to the next front one by one, so that what comes meanwhile is for those
 * whose turn is still to come as well, and none is written to twice in a round.
 *
 * Part of the hub; only hub/ includes this; one worker thread. Memory: each channel holds one, more
 * are allocated, never more than it has readers; one that has lost its last reader is freed by who
 * took it out.
 */
#ifndef TAPECAST_GATEWAY_HUB_COHORT_H
#define TAPECAST_GATEWAY_HUB_COHORT_H

#include <stdint.h>

#include "common/list.h"

struct channel;
struct chunk;
struct reader;

struct cohort {
    struct channel *channel; /* NULL: not in use */
    struct list readers;     /* reader.link, LIVE */
    struct list behind;      /* in hub.behind, while the log holds what they lack: */
    struct chunk *chunk;     /* they have everything before this place; references the chunk */
    uint32_t offset;
    uint32_t n;     /* readers */
    uint32_t round; /* the last in which one of them was written to */
};

/* A cohort without readers. NULL when memory is out. */
struct cohort *cohort_new(struct channel *c);

/* `r`, in no list or one of its channel, goes to `k`. */
void cohort_add(struct cohort *k, struct reader *r);

/* Take `r` out of its cohort, which may become empty. */
void cohort_remove(struct reader *r);
void cohort_free_if_empty(struct cohort *k);

/* `k`, the front, has everything before this place of the log, and something has come after it: it
 * goes to the end of `behind`, and nobody is the front. */
void cohort_fall_behind(struct cohort *k, struct chunk *chunk, uint32_t offset,
                        struct list *behind);

/* All of `k` have the whole log: it is the front. */
void cohort_come_up(struct cohort *k);

#endif
