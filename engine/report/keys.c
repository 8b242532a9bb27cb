/* Which attempts are recorded already: an open-addressing set of 128-bit hashes, at most half
 * full. Two different attempts share a key once in 2^64 tries of a billion records. */
#include <stdlib.h>

#include "base/hash.h"
#include "report/store.h"

#define FIRST_CAPACITY 4096

enum err key_set_init(struct key_set *k)
{
    *k = (struct key_set){.capacity = FIRST_CAPACITY};
    k->slots = calloc(k->capacity, sizeof(*k->slots));
    return k->slots ? OK : ERR_NOMEM;
}

void key_set_fini(struct key_set *k)
{
    free(k->slots);
    *k = (struct key_set){0};
}

static struct key *find(const struct key_set *k, struct key key)
{
    uint64_t i = key.a & (k->capacity - 1);

    while (k->slots[i].a || k->slots[i].b) {
        if (k->slots[i].a == key.a && k->slots[i].b == key.b)
            break;
        i = (i + 1) & (k->capacity - 1);
    }
    return &k->slots[i];
}

bool key_set_has(const struct key_set *k, struct key key)
{
    const struct key *slot = find(k, key);

    return slot->a || slot->b;
}

static enum err grow(struct key_set *k)
{
    struct key_set bigger = {.capacity = k->capacity * 2};

    bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
    if (!bigger.slots)
        return ERR_NOMEM;
    for (uint64_t i = 0; i < k->capacity; i++) {
        if (k->slots[i].a || k->slots[i].b)
            *find(&bigger, k->slots[i]) = k->slots[i];
    }
    bigger.count = k->count;
    free(k->slots);
    *k = bigger;
    return OK;
}

enum err key_set_add(struct key_set *k, struct key key)
{
    if ((k->count + 1) * 2 > k->capacity && grow(k))
        return ERR_NOMEM;
    struct key *slot = find(k, key);
    if (slot->a || slot->b)
        return ERR_EXISTS;
    *slot = key;
    k->count++;
    return OK;
}

struct key key_of(struct slice campaign, struct slice lead, uint32_t attempt)
{
    struct hash_seed seed = hash_process_seed();
    struct key key;

    /* Chained, so that no two (campaign, lead) pairs run into each other. */
    seed.k0 ^= hash_slice(seed, campaign);
    seed.k1 ^= attempt;
    key.a = hash_slice(seed, lead);
    seed.k0 = ~seed.k0;
    key.b = hash_slice(seed, lead);
    if (!key.a && !key.b)
        key.b = 1;
    return key;
}
