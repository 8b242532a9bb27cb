/* Lua's memory, charged to the call that asked for it. Every block carries its account, so that
 * what one call leaves behind is never another's debt, whenever the collector gets to it. A refused
 * block makes Lua collect everything once and ask again: that is dear, so a call may cause it only
 * FLOW_COLLECT_MAX times between two waits. */
#include <stdlib.h>

#include "flow/inner.h"

struct block {
    struct account *account;
    uint64_t reserved; /* keeps what follows 16-byte aligned */
};

struct account *account_open(size_t max)
{
    struct account *a = calloc(1, sizeof *a);

    if (a)
        a->max = max;
    return a;
}

void account_close(struct account *a)
{
    if (!a)
        return;
    if (a->blocks == 0) {
        free(a);
        return;
    }
    a->closed = true;
}

static void give_back(struct flow_runtime *rt, struct block *b, size_t size)
{
    struct account *a = b->account;

    a->bytes -= size;
    a->blocks--;
    rt->stats.memory_bytes -= size;
    if (a->closed && a->blocks == 0)
        free(a);
    free(b);
}

/* Whether the present call may have so many bytes more; a refusal is remembered against it. */
static bool allowed(struct flow_runtime *rt, struct account *a, size_t more, bool string)
{
    struct flow *f = rt->current;

    if (rt->declaring && !f)
        return rt->stats.memory_bytes + more <= rt->declare_bytes;
    if (!f || !f->co || a == &rt->own)
        return true;
    if (!(string && more > FLOW_STRING_MAX + 64) && a->bytes + more <= a->max &&
        f->doom != DOOM_MEMORY) {
        f->budget -= (int64_t)(more / 64); /* filling it takes time that no hook counts */
        return true;
    }
    /* Only reads the call's stack, which is whole whenever Lua asks for memory. Noted now: a failed
     * allocation unwinds without telling where. */
    flow_blame(f->co, f->script->path, FLOW_MEMORY_TEXT, f->memory_error);
    if (++f->collections > FLOW_COLLECT_MAX)
        f->doom = DOOM_MEMORY;
    return false;
}

void *flow_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct flow_runtime *rt = ud;
    struct block *b = ptr ? (struct block *)ptr - 1 : NULL;

    if (nsize == 0) {
        if (b)
            give_back(rt, b, osize);
        return NULL;
    }
    if (!b) {
        struct account *a = rt->current ? rt->current->account : &rt->own;
        if (!allowed(rt, a, nsize, osize == LUA_TSTRING))
            return NULL;
        b = malloc(sizeof *b + nsize);
        if (!b)
            return NULL;
        b->account = a;
        a->bytes += nsize;
        a->blocks++;
        rt->stats.memory_bytes += nsize;
        return b + 1;
    }
    if (nsize > osize && !allowed(rt, b->account, nsize - osize, false))
        return NULL;
    struct block *moved = realloc(b, sizeof *b + nsize);
    if (!moved) {
        /* Lua takes shrinking for granted (manual, lua_Alloc); the old block still serves. */
        if (nsize > osize)
            return NULL;
        moved = b;
    }
    moved->account->bytes += nsize - osize;
    rt->stats.memory_bytes += nsize - osize;
    return moved + 1;
}
