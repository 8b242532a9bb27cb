/* A bump allocator with a bound: many small allocations, one release. Grows in chunks up to
 * max_bytes, then refuses (NULL, counted). Owning thread only. */
#ifndef PEAL_BASE_ARENA_H
#define PEAL_BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t used, max_bytes;
    uint64_t refused;
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_fini(struct arena *a);
void arena_reset(struct arena *a); /* keeps the first chunk for reuse */

void *arena_get(struct arena *a, size_t bytes);            /* 16-byte aligned, zeroed, or NULL */
char *arena_strdup(struct arena *a, struct slice s);       /* NUL-terminated copy, or NULL */
struct slice arena_slice(struct arena *a, struct slice s); /* copy; SLICE_NONE when refused */

#endif
