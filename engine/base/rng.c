/* xoshiro256** (Blackman, Vigna), seeded by SplitMix64. The distributions use only operations that
 * IEEE 754 defines to the last bit (and their own ln and exp), because libm gives different last
 * bits on different processors and a simulation plan must not. */
#include "base/rng.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/hash.h"

#define LN2 0.693147180559945309417

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&seed);
}

void rng_seed_stream(struct rng *r, uint64_t seed, struct slice name, uint64_t number)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = hash_slice((struct hash_seed){splitmix(&seed), number}, name);
    if (!(r->s[0] | r->s[1] | r->s[2] | r->s[3]))
        r->s[0] = 1; /* the one state the generator cannot leave */
}

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t result = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotl(r->s[3], 45);
    return result;
}

/* Multiply and keep the high half; the few low halves that would favour some values are drawn
 * again (D. Lemire, "Fast random integer generation in an interval"). */
uint32_t rng_below(struct rng *r, uint32_t n)
{
    uint64_t product;
    uint32_t unfair;

    assert(n > 0);
    unfair = (uint32_t)-n % n;
    do {
        product = (rng_u64(r) >> 32) * n;
    } while ((uint32_t)product < unfair);
    return (uint32_t)(product >> 32);
}

double rng_unit(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_uniform(struct rng *r, double lo, double hi)
{
    return lo + (hi - lo) * rng_unit(r);
}

/* ln x for x > 0: x = m * 2^e with m in [√½, √2), ln m = 2 artanh((m - 1) / (m + 1)), whose series
 * converges by a factor of 34 a term. Error below 1e-15 relative to max(1, |ln x|). */
static double natural_log(double x)
{
    int e;
    double m = frexp(x, &e), z, zz, sum = 0;

    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    z = (m - 1) / (m + 1);
    zz = z * z;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * zz + 1.0 / k;
    return 2 * z * sum + e * LN2;
}

/* e^x for |x| < 700: x = k ln 2 + f with |f| <= ln 2 / 2, Taylor's series for e^f. */
static double natural_exp(double x)
{
    double k, f, sum = 1;

    assert(x > -700 && x < 700);
    k = floor(x / LN2 + 0.5);
    f = x - k * LN2;
    for (int i = 14; i >= 1; i--)
        sum = 1 + f * sum / i;
    return ldexp(sum, (int)k);
}

double rng_exp(struct rng *r, double mean)
{
    return -mean * natural_log(1 - rng_unit(r));
}

/* Marsaglia's polar method; the second value of the pair is given up to keep the state small. */
double rng_normal(struct rng *r, double mean, double sd)
{
    double u, v, s;

    do {
        u = 2 * rng_unit(r) - 1;
        v = 2 * rng_unit(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s <= 0);
    return mean + sd * u * sqrt(-2 * natural_log(s) / s);
}

double rng_lognormal(struct rng *r, double mean, double cv)
{
    double variance;

    assert(mean > 0 && cv >= 0);
    variance = natural_log(1 + cv * cv);
    return mean * natural_exp(rng_normal(r, -variance / 2, sqrt(variance)));
}

void rng_system(void *dst, size_t len)
{
    unsigned char *at = dst;

    while (len) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            perror("no random numbers from the system (getrandom)");
            abort();
        }
        at += n;
        len -= (size_t)n;
    }
}
