#include "publisher/feeds/pulse.h"

#include "common/banned.h"

#define LEARNED 64         /* beats, from which on the figures say something */
#define UNLEARNED_MS 60000 /* until then, at least */
#define SHORTEST_MS 3000
#define MEANS 20.0 /* as long as this: once in e^20 gaps, were they random */
#define PEAKS 3.0
#define WEIGHT (1.0 / 32)
#define FORGET (1.0 / 1024)

double pulse_patience_ms(const struct pulse *p)
{
    double ms = pulse_is_learned(p) ? SHORTEST_MS : UNLEARNED_MS;

    if (ms < MEANS * p->mean_ms)
        ms = MEANS * p->mean_ms;
    return ms < PEAKS * p->peak_ms ? PEAKS * p->peak_ms : ms;
}

static void learn(struct pulse *p, double gap_ms)
{
    double most_ms = pulse_patience_ms(p), weight = p->beats < LEARNED ? 1.0 / p->beats : WEIGHT;

    p->peak_ms -= FORGET * p->peak_ms;
    if (p->peak_ms < gap_ms)
        p->peak_ms = gap_ms;
    if (gap_ms > most_ms)
        gap_ms = most_ms; /* one long gap does not make all of them long */
    p->mean_ms += (gap_ms - p->mean_ms) * weight;
}

void pulse_beat(struct pulse *p, struct mono now)
{
    if (p->beats > 0 && p->last.ns == now.ns)
        return;
    if (p->beats > 0 && p->last.ns != 0)
        learn(p, (double)(now.ns - p->last.ns) / 1e6);
    p->last = now;
    p->beats++;
}

void pulse_pause(struct pulse *p)
{
    p->last = (struct mono){0};
}

double pulse_usual_ms(const struct pulse *p)
{
    return pulse_is_learned(p) ? p->mean_ms : 0;
}

bool pulse_is_learned(const struct pulse *p)
{
    return p->beats >= LEARNED;
}

struct mono pulse_overdue(const struct pulse *p)
{
    if (p->last.ns == 0)
        return MONO_NEVER;
    return mono_add_ms(p->last, (int64_t)pulse_patience_ms(p));
}
