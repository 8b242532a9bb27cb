#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

Test(arena, pieces_are_zeroed_aligned_and_apart)
{
    struct arena a;
    unsigned char *piece[200];
    size_t size[200];
    struct rng r;

    rng_seed(&r, 3);
    arena_init(&a, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            size[i] = rng_below(&r, i % 20 ? 200 : 20000);
            piece[i] = arena_get(&a, size[i]);
            cr_assert_not_null(piece[i]);
            cr_assert_eq((uintptr_t)piece[i] % 16, 0);
            for (size_t k = 0; k < size[i]; k++)
                cr_assert_eq(piece[i][k], 0);
            memset(piece[i], i, size[i]);
        }
        for (int i = 0; i < 200; i++)
            for (size_t k = 0; k < size[i]; k++)
                cr_assert_eq(piece[i][k], i);
        arena_reset(&a);
        cr_assert_eq(a.used, 0);
    }
    arena_fini(&a);
}

Test(arena, the_bound_is_exact_and_refusals_are_counted)
{
    struct arena a;

    arena_init(&a, 64);
    cr_assert_null(arena_get(&a, 65));
    cr_assert_null(arena_get(&a, SIZE_MAX));
    cr_assert_null(arena_get(&a, SIZE_MAX - 7));
    cr_assert_not_null(arena_get(&a, 48));
    cr_assert_null(arena_get(&a, 17));
    cr_assert_not_null(arena_get(&a, 16));
    cr_assert_null(arena_get(&a, 0), "an empty piece has an address of its own, so it takes room");
    cr_assert_eq(a.refused, 5);
    cr_assert_eq(a.used, 64);
    arena_reset(&a);
    cr_assert_not_null(arena_get(&a, 64));
    arena_fini(&a);
}

/* Lets malloc fail under the address sanitizer, too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

Test(arena, a_system_without_memory_is_a_refusal)
{
    struct arena a;

    arena_init(&a, SIZE_MAX);
    cr_assert_not_null(arena_get(&a, 16));
    cr_assert_null(arena_get(&a, (size_t)1 << 47));
    cr_assert_eq(a.refused, 1);
    cr_assert_eq(a.used, 16);
    cr_assert_not_null(arena_get(&a, 16));
    arena_fini(&a);
}

Test(arena, copies)
{
    struct arena a;
    struct slice s;

    arena_init(&a, 4096);
    cr_assert_str_eq(arena_strdup(&a, SLICE("lead")), "lead");
    cr_assert_str_eq(arena_strdup(&a, SLICE_NONE), "");
    s = arena_slice(&a, SLICE("a\0b"));
    cr_assert(slice_eq(s, SLICE("a\0b")));
    arena_fini(&a);
}

Test(arena, copies_refused_are_none)
{
    struct arena a;

    arena_init(&a, 16);
    cr_assert_null(arena_strdup(&a, SLICE("0123456789abcdef")));
    cr_assert_null(arena_slice(&a, SLICE("0123456789abcdefg")).p);
    cr_assert_eq(a.refused, 2);
    arena_fini(&a);
}

Test(arena, fini_and_reset_of_an_unused_one)
{
    struct arena a;

    arena_init(&a, 16);
    arena_reset(&a);
    arena_fini(&a);
    arena_fini(&a);
}
