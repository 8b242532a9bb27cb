/* A fixed pool of equal objects: one allocation at start, O(1) get and put, no allocation after.
 * A full pool refuses and counts. Owning thread only. Objects come zeroed. */
#ifndef PEAL_BASE_POOL_H
#define PEAL_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pool {
    unsigned char *mem;
    void *free_list;
    size_t object_size;
    uint32_t capacity, used, peak;
    uint64_t refused;
};

/* object_size in bytes, capacity in objects. Memory is touched only as objects are first used. */
enum err pool_init(struct pool *p, size_t object_size, uint32_t capacity);
void pool_fini(struct pool *p);

void *pool_get(struct pool *p); /* zeroed object, or NULL when full (counted in refused) */
void pool_put(struct pool *p, void *object);

/* Stable index of an object, 0…capacity-1, and back. */
uint32_t pool_index(const struct pool *p, const void *object);
void *pool_at(const struct pool *p, uint32_t index);

#endif
