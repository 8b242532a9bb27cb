/* Seeded random numbers (xoshiro256**), the same on every machine for a seed. For simulations,
 * jitter and tags that need not be secret; secrets use rng_system(). */
#ifndef PEAL_BASE_RNG_H
#define PEAL_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
/* A stream of its own for (seed, name, number): same plan whatever the thread count. */
void rng_seed_stream(struct rng *r, uint64_t seed, struct slice name, uint64_t number);

uint64_t rng_u64(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* uniform 0…n-1, n > 0, unbiased */
double rng_unit(struct rng *r);                /* [0, 1) */
double rng_uniform(struct rng *r, double lo, double hi);
double rng_exp(struct rng *r, double mean);
double rng_normal(struct rng *r, double mean, double sd);
double rng_lognormal(struct rng *r, double mean, double cv); /* by its own mean and CV */

void rng_system(void *dst, size_t len); /* getrandom(2); aborts if the system has none */

#endif
