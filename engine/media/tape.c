/* See tape.h. Counters only grow: a recording of 18 hours has 3.3 million blocks. */
#include "media/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tape *tape_open(uint32_t prebuffer_ms)
{
    struct tape *t = calloc(1, sizeof(*t));
    uint32_t ms = prebuffer_ms < RECORD_PREBUFFER_MAX_MS ? prebuffer_ms : RECORD_PREBUFFER_MAX_MS;

    if (!t)
        return NULL;
    list_node_init(&t->node);
    list_node_init(&t->open);
    t->prebuffer = ms * 1000 / TAPE_BLOCK_US;
    t->capacity = t->prebuffer + TAPE_SLACK;
    t->block = calloc(t->capacity, sizeof(*t->block));
    if (t->block)
        return t;
    free(t);
    return NULL;
}

void tape_close(struct tape *t)
{
    if (!t)
        return;
    seal_key_wipe(&t->key);
    free(t->block);
    free(t);
}

/* What does not fit of what only describes is cut. */
static const char *copy(const char *from, char *to, size_t cap)
{
    if (from)
        snprintf(to, cap, "%s", from);
    return from ? to : NULL;
}

enum err tape_describe(struct tape *t, const struct media_record *how)
{
    if (strlen(how->path) >= sizeof(t->path))
        return ERR_TOO_LONG;
    t->how = *how;
    t->how.path = copy(how->path, t->path, sizeof(t->path));
    t->how.owner = copy(how->owner, t->owner, sizeof(t->owner));
    t->how.call_id = copy(how->call_id, t->call_id, sizeof(t->call_id));
    if (how->key) {
        t->key = *how->key;
        t->how.key = &t->key;
    }
    return OK;
}

void tape_put(struct tape *t, uint64_t slot_us, const int16_t *left, const int16_t *right)
{
    uint32_t written = atomic_load_explicit(&t->written, memory_order_relaxed);
    uint32_t read = atomic_load_explicit(&t->read, memory_order_acquire);
    bool live = atomic_load_explicit(&t->live, memory_order_relaxed);

    if (!live && t->prebuffer == 0)
        return;
    /* Nobody reads yet, so this side may throw away. */
    if (!live && written - read == t->prebuffer)
        atomic_store_explicit(&t->read, read + 1, memory_order_relaxed);
    else if (written - read == t->capacity) {
        atomic_fetch_add_explicit(&t->lost, 1, memory_order_relaxed);
        return;
    }
    struct tape_block *b = &t->block[written % t->capacity];

    b->slot_us = slot_us;
    b->masked = t->masked;
    if (left && !t->masked)
        memcpy(b->left, left, sizeof(b->left));
    else
        memset(b->left, 0, sizeof(b->left));
    if (right && !t->masked)
        memcpy(b->right, right, sizeof(b->right));
    else
        memset(b->right, 0, sizeof(b->right));
    atomic_store_explicit(&t->written, written + 1, memory_order_release);
}

void tape_go_live(struct tape *t)
{
    atomic_store_explicit(&t->live, true, memory_order_release);
}

void tape_end(struct tape *t)
{
    atomic_store_explicit(&t->ended, true, memory_order_release);
}

uint32_t tape_waiting(const struct tape *t)
{
    if (!atomic_load_explicit(&t->live, memory_order_acquire))
        return 0;
    return atomic_load_explicit(&t->written, memory_order_acquire) -
           atomic_load_explicit(&t->read, memory_order_relaxed);
}

const struct tape_block *tape_next(const struct tape *t)
{
    if (tape_waiting(t) == 0)
        return NULL;
    return &t->block[atomic_load_explicit(&t->read, memory_order_relaxed) % t->capacity];
}

void tape_taken(struct tape *t)
{
    atomic_fetch_add_explicit(&t->read, 1, memory_order_release);
}

bool tape_is_over(const struct tape *t)
{
    /* ended first: what was put before it is seen then, too. */
    return atomic_load_explicit(&t->ended, memory_order_acquire) && tape_waiting(t) == 0;
}
