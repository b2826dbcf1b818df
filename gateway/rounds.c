#include "gateway/rounds.h"

#include "common/banned.h"

#define TOO_MUCH 1.25 /* cores: past one, so that who just keeps up goes on */
#define MEMORY 64     /* rounds in the running mean: a slow moment of the machine makes no hold */

void rounds_add(struct rounds *r, struct mono begin, struct mono end, uint64_t writes,
                uint64_t delivered)
{
    if (r->first.ns == 0)
        r->first = begin;
    r->took_ns += end.ns - begin.ns;
    r->writes += writes;
    r->delivered += delivered;
}

/* What part of a core this round's messages would have taken one by one: one that had to wait for
 * its processor is no proof of a load. */
static double load_of(const struct rounds *r)
{
    double since = (double)(r->first.ns - r->begin.ns);
    double load = 0;

    if (r->writes > 0 && since > 0)
        load = (double)r->took_ns / (double)r->writes * (double)r->delivered / since;
    return load < 4 ? load : 4;
}

/* A little under three times the longest delay: what the loop does besides is to come within. */
static int64_t hold_after(int64_t took, int64_t max_ns)
{
    int64_t rest = max_ns * 11 / 4 - took, hold = 2 * took < rest ? 2 * took : rest;

    return hold > 0 ? hold : 0;
}

void rounds_end(struct rounds *r, struct mono now, int64_t max_ns)
{
    r->load += (load_of(r) - r->load) / MEMORY;
    r->begin = r->first;
    r->next = now;
    if (r->load >= TOO_MUCH)
        r->next.ns += hold_after(r->took_ns, max_ns);
    r->first = (struct mono){0};
    r->took_ns = 0;
    r->writes = r->delivered = 0;
}
