#include "publisher/burst.h"

#include "common/banned.h"

void burst_begin(struct burst *b, struct broker *broker)
{
    if (!b->held)
        broker_hold(broker, true);
    b->held = true;
}

void burst_add(struct burst *b, struct broker *broker, struct mono heard)
{
    b->heard[b->n++] = heard;
    if (b->n == BURST_MAX)
        burst_end(b, broker);
}

void burst_end(struct burst *b, struct broker *broker)
{
    struct mono now;

    if (!b->held)
        return;
    broker_hold(broker, false);
    b->held = false;
    now = mono_now();
    for (size_t i = 0; i < b->n; i++)
        if (b->heard[i].ns != 0)
            histogram_add(&b->delays, (double)(now.ns - b->heard[i].ns) / 1e9);
    b->n = 0;
}
