#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"
#include "base/rng.h"

struct thing {
    uint64_t a;
    unsigned char b[37];
};

Test(pool, refuses_when_full_and_counts)
{
    struct pool p;
    void *o[3];

    cr_assert_eq(pool_init(&p, sizeof(struct thing), 3), OK);
    for (int i = 0; i < 3; i++)
        cr_assert_not_null(o[i] = pool_get(&p));
    cr_assert_null(pool_get(&p));
    cr_assert_null(pool_get(&p));
    cr_assert_eq(p.refused, 2);
    cr_assert_eq(p.used, 3);
    pool_put(&p, o[1]);
    cr_assert_eq(pool_get(&p), o[1]);
    cr_assert_eq(p.peak, 3);
    pool_fini(&p);
}

Test(pool, impossible_sizes_are_refused)
{
    struct pool p;

    cr_assert_eq(pool_init(&p, 0, 1), ERR_INVALID);
    cr_assert_eq(pool_init(&p, 1, 0), ERR_INVALID);
    cr_assert_eq(pool_init(&p, SIZE_MAX, 1), ERR_INVALID);
    cr_assert_eq(pool_init(&p, SIZE_MAX / 2, UINT32_MAX), ERR_NOMEM);
    cr_assert_eq(pool_init(&p, 1 << 20, UINT32_MAX), ERR_NOMEM, "more than there are addresses");
    pool_fini(&p);
}

Test(pool, tiny_objects_hold_the_free_list)
{
    struct pool p;
    char *a, *b;

    cr_assert_eq(pool_init(&p, 1, 2), OK);
    a = pool_get(&p);
    b = pool_get(&p);
    pool_put(&p, a);
    pool_put(&p, b);
    cr_assert_eq(pool_get(&p), (void *)b);
    cr_assert_eq(pool_get(&p), (void *)a);
    cr_assert_null(pool_get(&p));
    pool_fini(&p);
}

Test(pool, large_objects_start_on_a_cache_line)
{
    struct pool p;

    cr_assert_eq(pool_init(&p, 65, 4), OK);
    for (int i = 0; i < 4; i++)
        cr_assert_eq((uintptr_t)pool_get(&p) % 64, 0);
    pool_fini(&p);
}

/* Property: random gets and puts against a plain model: objects are distinct, zeroed, keep what is
 * written to them, and index and address agree. */
Test(pool, model)
{
    enum { CAPACITY = 97 };
    struct pool p;
    struct thing *held[CAPACITY] = {NULL};
    uint32_t used = 0, peak = 0;
    uint64_t refused = 0;
    struct rng r;

    rng_seed(&r, 11);
    cr_assert_eq(pool_init(&p, sizeof(struct thing), CAPACITY), OK);
    for (int step = 0; step < 100000; step++) {
        struct thing *t;

        if (rng_below(&r, 100) < 52) {
            static const struct thing zero;

            t = pool_get(&p);
            if (used == CAPACITY) {
                cr_assert_null(t);
                refused++;
                continue;
            }
            cr_assert_eq(memcmp(t, &zero, sizeof(*t)), 0);
            cr_assert_null(held[pool_index(&p, t)]);
            cr_assert_eq(pool_at(&p, pool_index(&p, t)), (void *)t);
            memset(t, 0xa5, sizeof(*t));
            t->a = pool_index(&p, t);
            held[t->a] = t;
            peak = ++used > peak ? used : peak;
        } else {
            uint32_t i = rng_below(&r, CAPACITY);

            if (!held[i])
                continue;
            cr_assert_eq(held[i]->a, i);
            cr_assert_eq(held[i]->b[36], 0xa5);
            pool_put(&p, held[i]);
            held[i] = NULL;
            used--;
        }
        cr_assert_eq(p.used, used);
        cr_assert_eq(p.peak, peak);
        cr_assert_eq(p.refused, refused);
    }
    cr_assert_gt(refused, 0);
    pool_fini(&p);
}

static long resident_pages(void)
{
    long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    cr_assert_not_null(f);
    cr_assert_eq(fscanf(f, "%ld %ld", &all, &resident), 2);
    fclose(f);
    return resident;
}

Test(pool, memory_is_touched_only_as_objects_are_used)
{
    struct pool p;
    long before = resident_pages();
    long sixteenth = (long)(256u << 20) / sysconf(_SC_PAGESIZE) / 16;

    cr_assert_eq(pool_init(&p, 4096, 65536), OK); /* 256 MiB */
    for (int i = 0; i < 100; i++)
        cr_assert_not_null(pool_get(&p));
    /* The address sanitizer keeps a byte for eight of its own. */
    cr_assert_leq(resident_pages() - before, 4 * sixteenth);
    pool_fini(&p);
}
