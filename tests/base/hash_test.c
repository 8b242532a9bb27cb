#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/rng.h"

struct vector {
    uint32_t len;
    uint64_t hash;
};

/* Of the bytes 0, 1, 2 … len-1. Computed by CPython 3.11 (an implementation that is not ours):
 * hash() of bytes with PYTHONHASHSEED=0, which is the zero key, and =12345. */
static const struct vector zero_key[] = {
    {1, 0x68a914128e01e473},  {2, 0x010bac45c41e3669},  {3, 0x4d4c9a4a8ef6e0ad},
    {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},  {9, 0x75927f9d95124362},
    {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7}, {17, 0x4883c49a2c009c1d},
    {31, 0x169739443111d49b}, {63, 0x385d3e39e5f37359}, {64, 0x75e05fd5bbc870c6}};
static const struct vector some_key[] = {
    {1, 0xddb5fc492fbdf63a},  {2, 0xdaa4ac012a6e8f04},  {3, 0x6925b9482f3a5127},
    {7, 0x831edfe12fee6ffd},  {8, 0x354edb093928c942},  {9, 0x09a5e47bf18abecc},
    {15, 0xbe8dc664d017b99e}, {16, 0x2e932605ea370595}, {17, 0x76887087110a4b41},
    {31, 0xcd12075a65e419ea}, {63, 0x171afa1ac779cd10}, {64, 0x02bf7cdeb211db1c}};

static void check(struct hash_seed key, const struct vector *v, size_t n)
{
    unsigned char bytes[65];

    for (int i = 0; i < 64; i++)
        bytes[i + 1] = (unsigned char)i; /* odd address: loads must not need alignment */
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(hash_bytes(key, bytes + 1, v[i].len), v[i].hash, "length %u", v[i].len);
}

Test(siphash, agrees_with_another_implementation)
{
    check((struct hash_seed){0, 0}, zero_key, sizeof(zero_key) / sizeof(*zero_key));
    check((struct hash_seed){0x25556dc46dc3dca0, 0xfc3ee4dbd06f6c90}, some_key,
          sizeof(some_key) / sizeof(*some_key));
}

/* The published SipHash-1-3 value of no input under the key 00 01 … 0f. */
Test(siphash, empty_input)
{
    struct hash_seed key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

    cr_assert_eq(hash_slice(key, SLICE_NONE), 0xabac0158050fc4dc);
}

Test(siphash, process_seed_stays_and_is_random)
{
    struct hash_seed a = hash_process_seed(), b = hash_process_seed();

    cr_assert(a.k0 == b.k0 && a.k1 == b.k1);
    cr_assert_neq(a.k0, a.k1);
}

struct entry {
    struct hash_node node;
    uint64_t key;
    bool in;
    uint32_t seen;
};

static bool match(const struct hash_node *n, const void *key)
{
    return container_of(n, const struct entry, node)->key == *(const uint64_t *)key;
}

static uint64_t hash_of(uint64_t key)
{
    return hash_bytes((struct hash_seed){1, 2}, &key, sizeof(key));
}

static struct entry *find(const struct hash_table *t, uint64_t key)
{
    struct hash_node *n = hash_find(t, hash_of(key), match, &key);

    return n ? container_of(n, struct entry, node) : NULL;
}

Test(hash, empty_table)
{
    struct hash_table t;

    cr_assert_eq(hash_table_init(&t, 10), OK);
    cr_assert_null(find(&t, 1));
    hash_table_fini(&t);
}

Test(hash, refuses_beyond_its_maximum_and_counts)
{
    struct hash_table t;
    struct entry e[3] = {{.key = 0}, {.key = 1}, {.key = 2}};

    cr_assert_eq(hash_table_init(&t, 2), OK);
    cr_assert_eq(hash_insert(&t, &e[0].node, hash_of(0)), OK);
    cr_assert_eq(hash_insert(&t, &e[1].node, hash_of(1)), OK);
    cr_assert_eq(hash_insert(&t, &e[2].node, hash_of(2)), ERR_FULL);
    cr_assert_eq(t.refused, 1);
    cr_assert_null(find(&t, 2));
    hash_remove(&t, &e[0].node);
    cr_assert_eq(hash_insert(&t, &e[2].node, hash_of(2)), OK);
    cr_assert_eq(find(&t, 2), &e[2]);
    hash_table_fini(&t);
}

Test(hash, duplicates_are_all_kept)
{
    struct hash_table t;
    struct entry e[3] = {{.key = 5}, {.key = 5}, {.key = 5}};

    cr_assert_eq(hash_table_init(&t, 10), OK);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(hash_insert(&t, &e[i].node, hash_of(5)), OK);
    for (int i = 0; i < 3; i++) {
        struct entry *found = find(&t, 5);

        cr_assert_not_null(found);
        hash_remove(&t, &found->node);
    }
    cr_assert_null(find(&t, 5));
    cr_assert_eq(t.count, 0);
    hash_table_fini(&t);
}

Test(hash, equal_hashes_are_told_apart_by_key)
{
    struct hash_table t;
    struct entry e[100];
    uint64_t absent = 1000;

    cr_assert_eq(hash_table_init(&t, 100), OK);
    for (uint64_t i = 0; i < 100; i++) {
        e[i].key = i;
        cr_assert_eq(hash_insert(&t, &e[i].node, 42), OK);
    }
    for (uint64_t i = 0; i < 100; i++)
        cr_assert_eq(hash_find(&t, 42, match, &i), &e[i].node);
    cr_assert_null(hash_find(&t, 42, match, &absent));
    hash_table_fini(&t);
}

static void count_seen(struct hash_node *n, void *arg)
{
    container_of(n, struct entry, node)->seen++;
    ++*(uint32_t *)arg;
}

struct sweep {
    struct hash_table *t;
    uint32_t left;
};

static void remove_odd(struct hash_node *n, void *arg)
{
    struct entry *e = container_of(n, struct entry, node);
    struct sweep *s = arg;

    if (e->key % 2) {
        hash_remove(s->t, n);
        e->in = false;
    } else {
        s->left++;
    }
}

/* Property: a long random life against a plain array, through many sizes; at every doubling the
 * table is compared as a whole while part of it is still in the old buckets. */
Test(hash, model_through_growth)
{
    enum { N = 60000 };
    struct entry *e = calloc(N, sizeof(*e));
    struct hash_table t;
    struct rng r;
    uint32_t count = 0, halves_seen = 0, mask = 0;

    rng_seed(&r, 5);
    cr_assert_eq(hash_table_init(&t, N), OK);
    for (uint32_t i = 0; i < N; i++)
        e[i].key = i;
    for (int step = 0; step < 300000; step++) {
        uint32_t i = rng_below(&r, N);

        cr_assert_eq(find(&t, i) != NULL, e[i].in);
        if (e[i].in && rng_below(&r, 4) == 0) {
            hash_remove(&t, &e[i].node);
            e[i].in = false;
            count--;
        } else if (!e[i].in) {
            cr_assert_eq(hash_insert(&t, &e[i].node, hash_of(i)), OK);
            e[i].in = true;
            count++;
        }
        cr_assert_eq(t.count, count);
        if (t.old && t.mask != mask && t.drained > t.old_mask / 2) {
            uint32_t walked = 0;

            mask = t.mask;
            halves_seen++;
            hash_each(&t, count_seen, &walked);
            cr_assert_eq(walked, count);
            for (uint32_t k = 0; k < N; k++) {
                cr_assert_eq(find(&t, k) != NULL, e[k].in);
                cr_assert_eq(e[k].seen, e[k].in ? 1 : 0);
                e[k].seen = 0;
            }
        }
    }
    cr_assert_geq(halves_seen, 8, "the walk met the table in mid-growth only %u times",
                  halves_seen);
    hash_table_fini(&t);
    free(e);
}

Test(hash, each_may_remove_what_it_is_given)
{
    enum { N = 3000 };
    struct entry *e = calloc(N, sizeof(*e));
    struct hash_table t;
    struct sweep s = {&t, 0};
    uint32_t walked = 0;

    cr_assert_eq(hash_table_init(&t, N), OK);
    for (uint32_t i = 0; i < N; i++) {
        e[i].key = i;
        e[i].in = true;
        cr_assert_eq(hash_insert(&t, &e[i].node, hash_of(i)), OK);
        if (t.old && i > N / 2)
            break; /* in mid-growth: both halves hold objects */
    }
    cr_assert_not_null(t.old);
    hash_each(&t, remove_odd, &s);
    cr_assert_eq(t.count, s.left);
    hash_each(&t, count_seen, &walked);
    cr_assert_eq(walked, s.left);
    for (uint32_t i = 0; i < N; i++)
        cr_assert_eq(find(&t, i) != NULL, e[i].in);
    hash_table_fini(&t);
    free(e);
}

/* No operation is O(n): one insert moves at most two old buckets, and growing is done before the
 * next doubling is due. */
Test(hash, one_insert_moves_at_most_two_buckets)
{
    enum { N = 200000 };
    struct entry *e = calloc(N, sizeof(*e));
    struct hash_table t;
    uint32_t doublings = 0;

    cr_assert_eq(hash_table_init(&t, N), OK);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t drained = t.drained, mask = t.mask;
        bool growing = t.old != NULL;

        cr_assert_eq(hash_insert(&t, &e[i].node, hash_of(i)), OK);
        if (growing && t.old)
            cr_assert_leq(t.drained - drained, 2);
        if (t.mask != mask) {
            cr_assert_not(growing, "doubled at %u objects before the last growth was done", i);
            doublings++;
        }
        cr_assert_leq(t.count, t.mask + 2, "load above one");
    }
    cr_assert_eq(doublings, 14); /* 16 to 262144 */
    hash_table_fini(&t);
    free(e);
}
