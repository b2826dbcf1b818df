/*
 * clock -- the two clocks, which cannot be mistaken for each other.
 *
 * `struct mono` measures intervals and deadlines and never steps; `struct wall` is what people and
 * exchanges call the time, and may jump. Any thread; nothing blocks.
 */
#ifndef TAPECAST_COMMON_CLOCK_H
#define TAPECAST_COMMON_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mono {
    int64_t ns; /* CLOCK_MONOTONIC */
};

struct wall {
    int64_t ms; /* since 1970-01-01T00:00:00Z */
};

#define MONO_NEVER ((struct mono){INT64_MAX})

struct mono mono_now(void);

/* From now on, for the calling thread alone, mono_now() and wall_now() are these and stand still:
 * for playing what happened at another time. Until clock_release(). */
void clock_hold(struct mono mono, struct wall wall);
void clock_release(void);

struct mono mono_add_ms(struct mono t, int64_t ms); /* saturates at MONO_NEVER */
static inline bool mono_before(struct mono a, struct mono b)
{
    return a.ns < b.ns;
}
static inline struct mono mono_earlier(struct mono a, struct mono b)
{
    return a.ns < b.ns ? a : b;
}
static inline struct mono mono_later(struct mono a, struct mono b)
{
    return a.ns < b.ns ? b : a;
}

/* Milliseconds from `now` to `t`, rounded up, for poll() and epoll_wait(): 0 when past, -1 for
 * MONO_NEVER. */
int mono_timeout_ms(struct mono t, struct mono now);

struct wall wall_now(void);
struct wall wall_real(void); /* also while the clock is held */
struct mono mono_real(void);

#define WALL_TEXT_MAX 25 /* "2026-11-21T05:49:00.123Z" and NUL */
void wall_format(struct wall t, char buf[WALL_TEXT_MAX]);

#endif
