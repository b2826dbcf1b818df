/*
 * rng -- a small seeded random generator (xoshiro256**): repeatable, fast, not for secrets.
 *
 * One owner each; nothing locks.
 */
#ifndef TAPECAST_COMMON_RNG_H
#define TAPECAST_COMMON_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
void rng_seed_random(struct rng *r); /* from getrandom(2): for jitter */
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0..n-1, unbiased; n >= 1 */
double rng_unit(struct rng *r);                /* [0, 1) */
double rng_normal(struct rng *r);              /* mean 0, variance 1 */
double rng_exponential(struct rng *r, double mean);

#endif
