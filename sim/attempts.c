/* A table of numbers. */
#include "sim/attempts.h"

#include <stdlib.h>

#include "base/list.h"

struct row {
    struct hash_node node;
    uint32_t calls, len;
    char number[];
};

enum err attempts_init(struct attempts *a)
{
    a->uncounted = 0;
    a->seed = hash_process_seed();
    return hash_table_init(&a->table, ATTEMPTS_NUMBERS_MAX);
}

static void free_row(struct hash_node *n, void *arg)
{
    struct attempts *a = arg;

    hash_remove(&a->table, n);
    free(container_of(n, struct row, node));
}

void attempts_fini(struct attempts *a)
{
    hash_each(&a->table, free_row, a);
    hash_table_fini(&a->table);
}

static bool is_row(const struct hash_node *n, const void *key)
{
    const struct row *r = container_of(n, const struct row, node);

    return slice_eq(slice_of(r->number, r->len), *(const struct slice *)key);
}

uint32_t attempts_next(struct attempts *a, struct slice number)
{
    uint64_t hash = hash_slice(a->seed, number);
    struct hash_node *n = hash_find(&a->table, hash, is_row, &number);

    if (n)
        return ++container_of(n, struct row, node)->calls;
    struct row *r = malloc(sizeof *r + number.len);
    if (r) {
        r->calls = 1;
        r->len = number.len;
        memcpy(r->number, number.p, number.len);
        if (hash_insert(&a->table, &r->node, hash) == OK)
            return 1;
        free(r);
    }
    a->uncounted++;
    return 1;
}
