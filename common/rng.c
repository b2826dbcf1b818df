#include "common/rng.h"

#include <math.h>
#include <sys/random.h>

#include "common/clock.h"

#include "common/banned.h"

/* splitmix64, as the authors of xoshiro advise for seeding: https://prng.di.unimi.it/ */
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = split_mix(&seed);
}

void rng_seed_random(struct rng *r)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        seed = (uint64_t)mono_now().ns;
    rng_seed(r, seed);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

/* Lemire's method: the high half of a product, with the few products redrawn that would make some
 * results likelier. */
uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t floor = -n % n; /* 2^64 mod n */
    unsigned __int128 product;

    do {
        product = (unsigned __int128)rng_next(r) * n;
    } while ((uint64_t)product < floor);
    return (uint64_t)(product >> 64);
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
    double u = 1.0 - rng_unit(r); /* (0, 1]: its logarithm is finite */
    double angle = 2.0 * 3.14159265358979323846 * rng_unit(r);

    return sqrt(-2.0 * log(u)) * cos(angle);
}

double rng_exponential(struct rng *r, double mean)
{
    return -mean * log(1.0 - rng_unit(r));
}
