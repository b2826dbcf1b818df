#include "publisher/feeds/pulse.h"

#include "common/banned.h"

#define LEARNED 16         /* beats, from which on the mean says something */
#define UNLEARNED_MS 60000 /* until then, at least */
#define SHORTEST_MS 3000
#define MEANS 20.0 /* as long as this: once in e^20 gaps, were they random */
#define WEIGHT (1.0 / 32)

static double allowed_ms(const struct pulse *p)
{
    double ms = MEANS * p->mean_ms, least_ms = p->beats < LEARNED ? UNLEARNED_MS : SHORTEST_MS;

    return ms > least_ms ? ms : least_ms;
}

void pulse_beat(struct pulse *p, struct mono now)
{
    double gap_ms = (double)(now.ns - p->last.ns) / 1e6;

    if (p->beats > 0 && p->last.ns != 0) {
        if (gap_ms > allowed_ms(p))
            gap_ms = allowed_ms(p); /* a fault or a night teaches little */
        p->mean_ms += (gap_ms - p->mean_ms) * (p->beats < LEARNED ? 1.0 / p->beats : WEIGHT);
    }
    p->last = now;
    p->beats++;
}

void pulse_pause(struct pulse *p)
{
    p->last = (struct mono){0};
}

struct mono pulse_overdue(const struct pulse *p)
{
    if (p->last.ns == 0)
        return MONO_NEVER;
    return mono_add_ms(p->last, (int64_t)allowed_ms(p));
}
