/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"): one round a word, three at
 * the end. Fast on short keys, and without the seed nobody can choose keys that collide. */
#include "base/hash.h"

#include <endian.h>
#include <pthread.h>

#include "base/rng.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t load(const unsigned char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}

uint64_t hash_bytes(struct hash_seed seed, const void *p, size_t len)
{
    struct state s = {seed.k0 ^ 0x736f6d6570736575, seed.k1 ^ 0x646f72616e646f6d,
                      seed.k0 ^ 0x6c7967656e657261, seed.k1 ^ 0x7465646279746573};
    const unsigned char *at = p;
    uint64_t last = (uint64_t)len << 56;
    size_t rest = len % 8;

    for (size_t words = len / 8; words; words--, at += 8)
        absorb(&s, load(at));
    for (size_t i = 0; i < rest; i++)
        last |= (uint64_t)at[i] << (8 * i);
    absorb(&s, last);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static struct hash_seed process_seed;
static pthread_once_t process_seed_once = PTHREAD_ONCE_INIT;

static void draw_process_seed(void)
{
    rng_system(&process_seed, sizeof(process_seed));
}

struct hash_seed hash_process_seed(void)
{
    pthread_once(&process_seed_once, draw_process_seed);
    return process_seed;
}
