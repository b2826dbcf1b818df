#include "publisher/feeds/budget.h"

#include "common/banned.h"

#define MINUTE_MS 60000
#define HASTY_GAP_MS 100

void budget_init(struct budget *b, uint32_t per_minute)
{
    b->per_minute = per_minute;
    b->spent = 0;
}

struct mono budget_next(const struct budget *b, bool hasty)
{
    int64_t even_ms = (MINUTE_MS + b->per_minute - 1) / b->per_minute;
    int64_t gap_ms = hasty && even_ms > HASTY_GAP_MS ? HASTY_GAP_MS : even_ms;
    struct mono next, oldest;

    if (b->spent == 0)
        return (struct mono){0};
    next = mono_add_ms(b->calls[(b->spent - 1) % b->per_minute], gap_ms);
    if (b->spent < b->per_minute)
        return next;
    oldest = mono_add_ms(b->calls[b->spent % b->per_minute], MINUTE_MS);
    return mono_before(next, oldest) ? oldest : next;
}

void budget_spend(struct budget *b, struct mono now)
{
    b->calls[b->spent++ % b->per_minute] = now;
}
