#include "gateway/rounds.h"

#include "common/banned.h"

#define TOO_MUCH 2 /* cores: well past one, so that a slow moment of the machine makes no hold */
#define MEMORY 16  /* rounds that the running mean looks back on, about */

/* What part of a core this round's messages would have taken one by one: one that had to wait for
 * its processor is no proof of a load. */
static double load_of(const struct rounds *r, struct mono begin, struct mono end, uint64_t writes,
                      uint64_t delivered)
{
    double took = (double)(end.ns - begin.ns), since = (double)(begin.ns - r->begin.ns);
    double load = writes > 0 && since > 0 ? took / (double)writes * (double)delivered / since : 0;

    return load < 4 ? load : 4;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long the next round waits after one that took `took`. */
static int64_t hold_after(int64_t took, int64_t max_ns)
{
    int64_t hold = least(least(2 * took, max_ns), 4 * max_ns - 2 * took);

    return hold > 0 ? hold : 0;
}

void rounds_note(struct rounds *r, struct mono begin, struct mono end, uint64_t writes,
                 uint64_t delivered, int64_t max_ns)
{
    r->load += (load_of(r, begin, end, writes, delivered) - r->load) / MEMORY;
    r->begin = begin;
    r->next = end;
    if (r->load >= TOO_MUCH)
        r->next.ns += hold_after(end.ns - begin.ns, max_ns);
}
