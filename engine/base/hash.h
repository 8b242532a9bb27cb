/* Seeded hashing (SipHash-1-3, so that peers cannot choose colliding keys) and an intrusive hash
 * table whose growth is spread over later operations: no operation is ever O(n). */
#ifndef PEAL_BASE_HASH_H
#define PEAL_BASE_HASH_H

#include "base/slice.h"

struct hash_seed {
    uint64_t k0, k1;
};

/* The process's seed, drawn once from the system's random source. Thread-safe. */
struct hash_seed hash_process_seed(void);

uint64_t hash_bytes(struct hash_seed seed, const void *p, size_t len);

static inline uint64_t hash_slice(struct hash_seed seed, struct slice s)
{
    return hash_bytes(seed, s.p, s.len);
}

/* Embed in the object; the table keeps the full hash so most mismatches need no key compare. */
struct hash_node {
    struct hash_node *next;
    uint64_t hash;
};

typedef bool hash_match_fn(const struct hash_node *n, const void *key);

struct hash_table {
    struct hash_node **buckets, **old; /* old: being drained while growing */
    uint32_t mask, old_mask, drained;
    uint32_t count, max;
    uint64_t refused;
};

/* max: most objects ever held; hash_insert beyond it returns ERR_FULL and counts. */
enum err hash_table_init(struct hash_table *t, uint32_t max);
void hash_table_fini(struct hash_table *t); /* forgets the objects, frees the buckets */

enum err hash_insert(struct hash_table *t, struct hash_node *n,
                     uint64_t hash);                         /* duplicates allowed */
void hash_remove(struct hash_table *t, struct hash_node *n); /* must be in the table */
struct hash_node *hash_find(const struct hash_table *t, uint64_t hash, hash_match_fn *match,
                            const void *key);

/* Calls fn for each object; fn may remove the object it is given, nothing else. */
void hash_each(struct hash_table *t, void (*fn)(struct hash_node *n, void *arg), void *arg);

#endif
