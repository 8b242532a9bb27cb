/* The hash table. When it has as many objects as buckets it doubles: the new buckets are zero
 * pages from the system, the old ones are drained by each later insert, two at a time, which is
 * done long before the next doubling. Until then an object is in its old bucket when that one is
 * not yet drained, else in its new one. Only an insert moves objects, so hash_each and hash_find
 * may run beside a removal. */
#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

#include "base/pages.h"

#define BUCKETS_FIRST 16u
#define BUCKETS_MOST  (1u << 30)
#define DRAIN_STEP    2u
#define DROP_BYTES    65536u /* drained memory goes back in parts: no long munmap at the end */

enum err hash_table_init(struct hash_table *t, uint32_t max)
{
    *t = (struct hash_table){.mask = BUCKETS_FIRST - 1, .max = max};
    t->buckets = calloc(BUCKETS_FIRST, sizeof(*t->buckets));
    return t->buckets ? OK : ERR_NOMEM;
}

static size_t bytes_of(uint32_t mask)
{
    return ((size_t)mask + 1) * sizeof(struct hash_node *);
}

/* Small tables are many and grow seldom; big ones must come zeroed at no cost. */
static struct hash_node **buckets_get(uint32_t mask)
{
    size_t bytes = bytes_of(mask);

    return bytes < DROP_BYTES ? calloc(1, bytes) : pages_get(bytes);
}

static void buckets_put(struct hash_node **buckets, uint32_t mask)
{
    size_t bytes = bytes_of(mask);

    if (bytes < DROP_BYTES)
        free(buckets);
    else
        pages_put(buckets, bytes);
}

void hash_table_fini(struct hash_table *t)
{
    if (t->buckets)
        buckets_put(t->buckets, t->mask);
    if (t->old)
        buckets_put(t->old, t->old_mask);
    *t = (struct hash_table){0};
}

static struct hash_node **bucket_of(const struct hash_table *t, uint64_t hash)
{
    if (t->old && ((uint32_t)hash & t->old_mask) >= t->drained)
        return &t->old[(uint32_t)hash & t->old_mask];
    return &t->buckets[(uint32_t)hash & t->mask];
}

static void drain_one(struct hash_table *t)
{
    struct hash_node *n = t->old[t->drained];
    size_t done;

    while (n) {
        struct hash_node *next = n->next;
        struct hash_node **to = &t->buckets[(uint32_t)n->hash & t->mask];

        n->next = *to;
        *to = n;
        n = next;
    }
    t->old[t->drained] = NULL;
    t->drained++;
    done = (size_t)t->drained * sizeof(*t->old);
    if (bytes_of(t->old_mask) >= DROP_BYTES && done % DROP_BYTES == 0)
        pages_drop((char *)t->old + done - DROP_BYTES, DROP_BYTES);
}

static void drain(struct hash_table *t)
{
    for (uint32_t i = 0; t->old && i < DRAIN_STEP; i++) {
        drain_one(t);
        if (t->drained > t->old_mask) {
            buckets_put(t->old, t->old_mask);
            t->old = NULL;
        }
    }
}

/* Without memory for more buckets the chains grow longer instead: slower, still right. */
static void grow(struct hash_table *t)
{
    uint32_t mask = t->mask * 2 + 1;
    struct hash_node **more = buckets_get(mask);

    if (!more)
        return;
    t->old = t->buckets;
    t->old_mask = t->mask;
    t->drained = 0;
    t->buckets = more;
    t->mask = mask;
}

enum err hash_insert(struct hash_table *t, struct hash_node *n, uint64_t hash)
{
    struct hash_node **at;

    if (t->count == t->max) {
        t->refused++;
        return ERR_FULL;
    }
    if (t->old)
        drain(t);
    else if (t->count > t->mask && t->mask < BUCKETS_MOST - 1)
        grow(t);
    n->hash = hash;
    at = bucket_of(t, hash);
    n->next = *at;
    *at = n;
    t->count++;
    return OK;
}

void hash_remove(struct hash_table *t, struct hash_node *n)
{
    struct hash_node **at = bucket_of(t, n->hash);

    while (*at && *at != n)
        at = &(*at)->next;
    assert(*at == n);
    *at = n->next;
    n->next = NULL;
    t->count--;
}

struct hash_node *hash_find(const struct hash_table *t, uint64_t hash, hash_match_fn *match,
                            const void *key)
{
    struct hash_node *n = *bucket_of(t, hash);

    while (n && (n->hash != hash || !match(n, key)))
        n = n->next;
    return n;
}

static void each_in(struct hash_node **buckets, uint32_t from, uint32_t last,
                    void (*fn)(struct hash_node *n, void *arg), void *arg)
{
    for (uint64_t i = from; i <= last; i++) {
        struct hash_node *n = buckets[i];

        while (n) {
            struct hash_node *next = n->next;

            fn(n, arg);
            n = next;
        }
    }
}

void hash_each(struct hash_table *t, void (*fn)(struct hash_node *n, void *arg), void *arg)
{
    if (t->old)
        each_in(t->old, t->drained, t->old_mask, fn, arg);
    each_in(t->buckets, 0, t->mask, fn, arg);
}
