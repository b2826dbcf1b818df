#include "publisher/pace.h"

#include <stddef.h>

#include "common/banned.h"

static void append(struct pace_queue *q, struct pace_item *item)
{
    item->next = NULL;
    if (q->first == NULL)
        q->first = item;
    else
        q->last->next = item;
    q->last = item;
}

static struct pace_item *take_first(struct pace_queue *q)
{
    struct pace_item *item = q->first;

    q->first = item->next;
    return item;
}

void pace_init(struct pace *p, int64_t interval_ms)
{
    *p = (struct pace){.interval_ms = interval_ms};
}

bool pace_news(struct pace *p, struct pace_item *item)
{
    if (item->has_news)
        return false;
    item->has_news = true;
    if (!item->resting)
        append(&p->ready, item);
    return true;
}

static void wake_first(struct pace *p)
{
    struct pace_item *item = take_first(&p->resting);

    item->resting = false;
    if (item->has_news)
        append(&p->ready, item);
}

struct pace_item *pace_first(struct pace *p, struct mono now)
{
    while (p->resting.first != NULL && !mono_before(now, p->resting.first->awake))
        wake_first(p);
    return p->ready.first;
}

void pace_sent(struct pace *p, struct mono now)
{
    struct pace_item *item = take_first(&p->ready);

    item->has_news = false;
    if (p->interval_ms == 0)
        return;
    item->resting = true;
    item->awake = mono_add_ms(now, p->interval_ms);
    append(&p->resting, item);
}

struct mono pace_deadline(const struct pace *p)
{
    return p->resting.first != NULL ? p->resting.first->awake : MONO_NEVER;
}

void pace_finish(struct pace *p)
{
    while (p->resting.first != NULL)
        wake_first(p);
    p->interval_ms = 0;
}

bool pace_is_idle(const struct pace *p)
{
    if (p->ready.first != NULL)
        return false;
    for (const struct pace_item *item = p->resting.first; item != NULL; item = item->next)
        if (item->has_news)
            return false;
    return true;
}
