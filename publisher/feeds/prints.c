#include "publisher/feeds/prints.h"

#include "common/banned.h"

int trade_cmp_time(const struct trade *a, const struct trade *b)
{
    if (a->time.ms != b->time.ms)
        return a->time.ms < b->time.ms ? -1 : 1;
    return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static uint32_t kept(const struct prints *p)
{
    return p->n < PRINTS_KEPT ? p->n : PRINTS_KEPT;
}

/* The i-th newest of those kept, from 0. */
static struct print *newest(const struct prints *p, uint32_t i)
{
    return (struct print *)&p->ring[(p->n - 1 - i) % PRINTS_KEPT];
}

bool prints_have(const struct prints *p, const struct trade *t)
{
    for (uint32_t i = 0; i < kept(p); i++) {
        const struct trade *other = &newest(p, i)->trade;

        if (other->id == t->id && other->exchange == t->exchange && trade_cmp_time(other, t) == 0 &&
            decimal_cmp(other->price, t->price) == 0 && decimal_cmp(other->size, t->size) == 0)
            return true;
    }
    return false;
}

struct print *prints_add(struct prints *p, const struct trade *t)
{
    struct print *print = &p->ring[p->n++ % PRINTS_KEPT];

    *print = (struct print){.trade = *t};
    return print;
}

struct print *prints_find(struct prints *p, uint64_t id, char exchange, struct decimal price)
{
    for (uint32_t i = 0; i < kept(p); i++) {
        struct print *print = newest(p, i);

        if (!print->gone && print->trade.id == id && print->trade.exchange == exchange &&
            decimal_cmp(print->trade.price, price) == 0)
            return print;
    }
    return NULL;
}

const struct print *prints_last(const struct prints *p)
{
    const struct print *last = NULL;

    for (uint32_t i = 0; i < kept(p); i++) {
        const struct print *print = newest(p, i);

        if (print->fits && !print->gone &&
            (last == NULL || trade_cmp_time(&print->trade, &last->trade) > 0))
            last = print;
    }
    return last;
}

static bool any(const struct prints *p, struct wall time, struct decimal price, bool gone)
{
    for (uint32_t i = 0; i < kept(p); i++) {
        const struct print *print = newest(p, i);

        if (print->gone == gone && print->trade.time.ms == time.ms &&
            decimal_cmp(print->trade.price, price) == 0)
            return true;
    }
    return false;
}

bool prints_are_gone(const struct prints *p, struct wall time, struct decimal price)
{
    return any(p, time, price, true);
}

bool prints_stand(const struct prints *p, struct wall time, struct decimal price)
{
    return any(p, time, price, false);
}
