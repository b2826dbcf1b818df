/*
 * loop -- the seam to epoll: descriptors that call back when they are ready, and deadlines that
 * call back when they pass.
 *
 * Level-triggered. One thread. Nobody frees a source or a deadline's owner while events of the same
 * turn may still name it: owners are freed at the end of the turn.
 */
#ifndef TAPECAST_GATEWAY_LOOP_H
#define TAPECAST_GATEWAY_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/macros.h"

struct source {
    int fd; /* -1 while in no loop */
    uint32_t events;
    void (*ready)(struct source *s, uint32_t events);
};

/* Something to be looked at no earlier than `at` and about a quarter of a second after it at the
 * latest: for time-outs, which are many and seldom fire. */
struct deadline {
    struct list link;
    struct mono at;
    void (*passed)(struct deadline *d, struct mono now);
};

#define DEADLINE_SLOTS 512 /* quarters of a second; what is farther off goes round again */

struct loop {
    int epoll_fd;
    struct list slots[DEADLINE_SLOTS];
    int64_t tick; /* the quarter of a second up to which the slots have been run */
};

MUST_CHECK int loop_init(struct loop *l); /* 0 or a negative errno */
void loop_release(struct loop *l);

MUST_CHECK int loop_add(struct loop *l, struct source *s, int fd, uint32_t events);
void loop_change(struct loop *l, struct source *s, uint32_t events);
void loop_remove(struct loop *l,
                 struct source *s); /* before the descriptor is closed; twice is once */

/* Sleep until something is ready or `until`; set *ret_now to the time after waking, then call the
 * sources back. */
void loop_wait(struct loop *l, struct mono until, struct mono *ret_now);

void deadline_init(struct deadline *d, void (*passed)(struct deadline *d, struct mono now));
void deadline_set(struct loop *l, struct deadline *d, struct mono at); /* again: moves it */
void deadline_clear(struct deadline *d);
void loop_run_deadlines(struct loop *l, struct mono now);
struct mono loop_next_deadline(const struct loop *l); /* when to run them again */

#endif
