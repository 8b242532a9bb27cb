/* The bump allocator. The newest chunk is the head of the list and the only one written to; what
 * is left in an older one is given up. max_bytes bounds what is handed out (rounded up to 16); the
 * chunks themselves are at most one chunk larger in sum, doubled by waste at their ends. */
#include "base/arena.h"

#include <stdlib.h>

#define CHUNK_FIRST 4096
#define CHUNK_MOST  65536

struct arena_chunk {
    _Alignas(16) struct arena_chunk *older;
    size_t used, cap;
    _Alignas(16) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

void arena_fini(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *older = a->chunks->older;

        free(a->chunks);
        a->chunks = older;
    }
    a->used = 0;
}

void arena_reset(struct arena *a)
{
    a->used = 0;
    if (!a->chunks)
        return;
    while (a->chunks->older) {
        struct arena_chunk *older = a->chunks->older;

        free(a->chunks);
        a->chunks = older;
    }
    a->chunks->used = 0;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t need)
{
    size_t cap = a->chunks ? a->chunks->cap * 2 : CHUNK_FIRST;
    struct arena_chunk *c;

    if (cap > CHUNK_MOST)
        cap = CHUNK_MOST;
    if (cap < need)
        cap = need;
    c = malloc(sizeof(*c) + cap);
    if (!c)
        return NULL;
    c->older = a->chunks;
    c->used = 0;
    c->cap = cap;
    a->chunks = c;
    return c;
}

void *arena_get(struct arena *a, size_t bytes)
{
    size_t need = bytes <= a->max_bytes ? (bytes + 15) & ~(size_t)15 : SIZE_MAX;
    struct arena_chunk *c = a->chunks;
    void *p;

    if (need == 0)
        need = 16;
    if (need > a->max_bytes - a->used) {
        a->refused++;
        return NULL;
    }
    if (!c || need > c->cap - c->used)
        c = add_chunk(a, need);
    if (!c) {
        a->refused++;
        return NULL;
    }
    p = c->bytes + c->used;
    c->used += need;
    a->used += need;
    return memset(p, 0, need);
}

char *arena_strdup(struct arena *a, struct slice s)
{
    char *p = arena_get(a, (size_t)s.len + 1);

    if (p && s.len)
        memcpy(p, s.p, s.len);
    return p;
}

struct slice arena_slice(struct arena *a, struct slice s)
{
    char *p = arena_get(a, s.len);

    if (!p)
        return SLICE_NONE;
    if (s.len)
        memcpy(p, s.p, s.len);
    return slice_of(p, s.len);
}
