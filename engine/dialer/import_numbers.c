/* Open addressing, linear steps, doubled when two thirds are used. */
#include "dialer/import_numbers.h"

#include <stdlib.h>

#include "base/hash.h"

#define FIRST_SLOTS 4096u

struct owned {
    uint64_t number, id; /* hashes; number 0: empty */
};

struct import_numbers {
    struct owned *slot;
    size_t mask, used;
    struct hash_seed seed;
};

enum err import_numbers_open(struct import_numbers **out)
{
    struct import_numbers *t = calloc(1, sizeof(*t));

    *out = t;
    if (!t)
        return ERR_NOMEM;
    t->seed = hash_process_seed();
    t->mask = FIRST_SLOTS - 1;
    t->slot = calloc(FIRST_SLOTS, sizeof(*t->slot));
    return t->slot ? OK : ERR_NOMEM;
}

void import_numbers_close(struct import_numbers *t)
{
    if (!t)
        return;
    free(t->slot);
    free(t);
}

static uint64_t hash_of(const struct import_numbers *t, struct slice s)
{
    uint64_t h = hash_slice(t->seed, s);

    return h ? h : 1;
}

/* Where it is, or where it would be; there is always an empty slot. */
static size_t place_of(const struct import_numbers *t, uint64_t number)
{
    size_t at = number & t->mask;

    while (t->slot[at].number && t->slot[at].number != number)
        at = (at + 1) & t->mask;
    return at;
}

static enum err grow(struct import_numbers *t)
{
    struct import_numbers wide = *t;

    wide.mask = 2 * t->mask + 1;
    wide.slot = calloc(wide.mask + 1, sizeof(*wide.slot));
    if (!wide.slot)
        return ERR_NOMEM;
    for (size_t i = 0; i <= t->mask; i++)
        if (t->slot[i].number)
            wide.slot[place_of(&wide, t->slot[i].number)] = t->slot[i];
    free(t->slot);
    *t = wide;
    return OK;
}

bool import_numbers_is_others(const struct import_numbers *t, struct slice number, struct slice id)
{
    const struct owned *o = &t->slot[place_of(t, hash_of(t, number))];

    return o->number && o->id != hash_of(t, id);
}

enum err import_numbers_take(struct import_numbers *t, struct slice number, struct slice id,
                             bool *other)
{
    uint64_t hash = hash_of(t, number);
    size_t at = place_of(t, hash);

    *other = t->slot[at].number && t->slot[at].id != hash_of(t, id);
    if (t->slot[at].number)
        return OK;
    t->slot[at] = (struct owned){hash, hash_of(t, id)};
    t->used++;
    return 3 * t->used > 2 * t->mask ? grow(t) : OK;
}
