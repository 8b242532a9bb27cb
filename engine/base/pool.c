/* The fixed pool. Returned objects are chained through their first word, last in first out, so a
 * hot object stays in cache. A never-used object is taken only when the chain is empty, therefore
 * `peak` is at the same time the number of objects ever touched. Under the address sanitizer an
 * object that was put back may not be read or written: a use after put is caught like a use after
 * free. */
#include "base/pool.h"

#include <assert.h>
#include <string.h>

#include "base/pages.h"

#define CACHE_LINE 64

/* Objects of a cache line or more start on one, so that they may hold aligned members and do not
 * share lines; small ones are packed by 16. */
static size_t rounded(size_t size)
{
    size_t unit = size >= CACHE_LINE ? CACHE_LINE : 16;

    return (size + unit - 1) & ~(unit - 1);
}

enum err pool_init(struct pool *p, size_t object_size, uint32_t capacity)
{
    size_t bytes;

    *p = (struct pool){0};
    if (object_size == 0 || capacity == 0 || object_size > SIZE_MAX - CACHE_LINE)
        return ERR_INVALID;
    if (__builtin_mul_overflow(rounded(object_size), (size_t)capacity, &bytes))
        return ERR_NOMEM;
    p->mem = pages_get(bytes);
    if (!p->mem)
        return ERR_NOMEM;
    p->object_size = rounded(object_size);
    p->capacity = capacity;
    pages_close(p->mem, bytes);
    return OK;
}

void pool_fini(struct pool *p)
{
    pages_put(p->mem, p->object_size * p->capacity);
    *p = (struct pool){0};
}

void *pool_get(struct pool *p)
{
    void *object = p->free_list;

    if (object) {
        pages_open(object, p->object_size);
        memcpy(&p->free_list, object, sizeof(void *));
        memset(object, 0, p->object_size);
        p->used++;
        return object;
    }
    if (p->used == p->capacity) {
        p->refused++;
        return NULL;
    }
    object = p->mem + p->object_size * p->peak;
    pages_open(object, p->object_size);
    p->used++;
    p->peak++;
    return object;
}

void pool_put(struct pool *p, void *object)
{
    assert(p->used > 0);
    assert(pool_index(p, object) < p->peak);
    memcpy(object, &p->free_list, sizeof(void *));
    p->free_list = object;
    p->used--;
    pages_close(object, p->object_size);
}

uint32_t pool_index(const struct pool *p, const void *object)
{
    size_t offset = (size_t)((const unsigned char *)object - p->mem);

    assert((const unsigned char *)object >= p->mem && offset % p->object_size == 0);
    assert(offset / p->object_size < p->capacity);
    return (uint32_t)(offset / p->object_size);
}

void *pool_at(const struct pool *p, uint32_t index)
{
    assert(index < p->capacity);
    return p->mem + p->object_size * index;
}
