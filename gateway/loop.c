#include "gateway/loop.h"

#include <errno.h>
#include <unistd.h>

#include "common/banned.h"

#define EVENTS_PER_TURN 512 /* bounds the length of one turn */
#define NS_PER_S INT64_C(1000000000)
#define TICKS_PER_S 4
#define TICK_NS (NS_PER_S / TICKS_PER_S)

int loop_init(struct loop *l)
{
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0)
        return -errno;
    for (int i = 0; i < DEADLINE_SLOTS; i++)
        list_init(&l->slots[i]);
    l->tick = mono_now().ns / TICK_NS;
    return 0;
}

void loop_release(struct loop *l)
{
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    l->epoll_fd = -1;
}

int loop_add(struct loop *l, struct source *s, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};

    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
        return -errno;
    s->fd = fd;
    s->events = events;
    return 0;
}

void loop_change(struct loop *l, struct source *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};

    if (s->fd < 0 || s->events == events)
        return;
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, s->fd, &e); /* cannot fail for what was added */
    s->events = events;
}

void loop_remove(struct loop *l, struct source *s)
{
    if (s->fd < 0)
        return;
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    s->fd = -1;
}

static struct timespec time_left(struct mono until, struct mono now)
{
    int64_t ns = until.ns > now.ns ? until.ns - now.ns : 0;

    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

void loop_wait(struct loop *l, struct mono until, struct mono *ret_now)
{
    struct epoll_event events[EVENTS_PER_TURN];
    struct timespec left = time_left(until, mono_now());
    struct timespec *timeout = until.ns == INT64_MAX ? NULL : &left;
    int n = epoll_pwait2(l->epoll_fd, events, EVENTS_PER_TURN, timeout, NULL);

    *ret_now = mono_now();
    for (int i = 0; i < n; i++) {
        struct source *s = events[i].data.ptr;
        if (s->fd >= 0) /* not removed by an earlier event of this turn */
            s->ready(s, events[i].events);
    }
}

void deadline_init(struct deadline *d, void (*passed)(struct deadline *d, struct mono now))
{
    list_init(&d->link);
    d->passed = passed;
}

void deadline_set(struct loop *l, struct deadline *d, struct mono at)
{
    int64_t tick = at.ns / TICK_NS + 1; /* rounded up: never early */

    d->at = at;
    if (tick <= l->tick)
        tick = l->tick + 1;
    if (tick > l->tick + DEADLINE_SLOTS - 1)
        tick = l->tick + DEADLINE_SLOTS - 1;
    list_move_to_end(&l->slots[tick % DEADLINE_SLOTS], &d->link);
}

void deadline_clear(struct deadline *d)
{
    list_remove(&d->link);
}

static void run_slot(struct loop *l, struct list *slot, struct mono now)
{
    struct list due;

    list_init(&due);
    list_take_all(&due, slot);
    while (!list_empty(&due)) {
        struct deadline *d = CONTAINER_OF(due.next, struct deadline, link);
        list_remove(&d->link);
        if (mono_before(now, d->at))
            deadline_set(l, d, d->at); /* was farther off than the slots reach */
        else
            d->passed(d, now);
    }
}

void loop_run_deadlines(struct loop *l, struct mono now)
{
    int64_t tick = now.ns / TICK_NS;

    if (tick - l->tick > DEADLINE_SLOTS) /* the process slept: one round finds all */
        l->tick = tick - DEADLINE_SLOTS;
    while (l->tick < tick) {
        l->tick++;
        run_slot(l, &l->slots[l->tick % DEADLINE_SLOTS], now);
    }
}

struct mono loop_next_deadline(const struct loop *l)
{
    int64_t tick = l->tick + 1;

    while (tick < l->tick + TICKS_PER_S && list_empty(&l->slots[tick % DEADLINE_SLOTS]))
        tick++; /* an idle loop need not wake for nothing */
    return (struct mono){tick * TICK_NS};
}
