#include "common/backoff.h"

#include "common/banned.h"

void backoff_init(struct backoff *b, uint32_t first_ms, uint32_t max_ms)
{
    *b = (struct backoff){.first_ms = first_ms, .max_ms = max_ms};
    rng_seed_random(&b->rng);
}

uint32_t backoff_next_ms(struct backoff *b)
{
    uint64_t ms = (uint64_t)b->first_ms << (b->attempt < 32 ? b->attempt : 32);

    if (ms > b->max_ms)
        ms = b->max_ms;
    b->attempt++;
    return (uint32_t)(ms - rng_below(&b->rng, ms / 2 + 1));
}

void backoff_reset(struct backoff *b)
{
    b->attempt = 0;
}
