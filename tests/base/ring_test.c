#include <criterion/criterion.h>
#include <string.h>

#include "base/ring.h"
#include "base/rng.h"

struct message {
    uint64_t number;
    unsigned char rest[13];
};

static struct message numbered(uint64_t n)
{
    struct message m = {.number = n};

    memset(m.rest, (int)(n & 0xff), sizeof(m.rest));
    return m;
}

static bool is(const struct message *m, uint64_t n)
{
    struct message want = numbered(n);

    return m->number == n && memcmp(m->rest, want.rest, sizeof(want.rest)) == 0;
}

Test(ring, capacity_is_rounded_up)
{
    static const uint32_t asked[] = {1, 2, 3, 4, 5, 1000}, got[] = {1, 2, 4, 4, 8, 1024};
    struct ring_spsc r;

    for (int i = 0; i < 6; i++) {
        uint32_t held = 0;

        cr_assert_eq(ring_spsc_init(&r, 1, asked[i]), OK);
        while (ring_spsc_push(&r, "x"))
            held++;
        cr_assert_eq(held, got[i]);
        cr_assert_eq(r.refused, 1);
        ring_spsc_fini(&r);
    }
}

Test(ring, impossible_sizes_are_refused)
{
    struct ring_spsc s;
    struct ring_mpsc m;

    cr_assert_eq(ring_spsc_init(&s, 0, 1), ERR_INVALID);
    cr_assert_eq(ring_spsc_init(&s, 1, 0), ERR_INVALID);
    cr_assert_eq(ring_spsc_init(&s, 1, UINT32_MAX), ERR_INVALID);
    cr_assert_eq(ring_spsc_init(&s, UINT32_MAX, 1u << 30), ERR_NOMEM);
    cr_assert_eq(ring_mpsc_init(&m, UINT32_MAX, 1u << 30), ERR_NOMEM);
    cr_assert_eq(ring_mpsc_init(&m, 0, 1), ERR_INVALID);
    cr_assert_eq(ring_mpsc_init(&m, 1, 0), ERR_INVALID);
    ring_spsc_fini(&s);
    ring_mpsc_fini(&m);
}

/* Property: a random life is that of a queue of the same capacity, also when the positions run
 * over 2^32. */
static void spsc_life(uint32_t start)
{
    struct ring_spsc r;
    struct rng rng;
    uint64_t in = 0, out = 0, refused = 0;

    rng_seed(&rng, start);
    cr_assert_eq(ring_spsc_init(&r, sizeof(struct message), 8), OK);
    r.head = start;
    r.tail = start;
    r.head_seen = r.tail_seen = start;
    for (int i = 0; i < 100000; i++) {
        struct message m = numbered(in);

        if (rng_below(&rng, 2)) {
            bool pushed = ring_spsc_push(&r, &m);

            cr_assert_eq(pushed, in - out < 8);
            in += pushed;
            refused += !pushed;
        } else {
            cr_assert_eq(ring_spsc_pop(&r, &m), in != out);
            if (in != out)
                cr_assert(is(&m, out++));
        }
        cr_assert_eq(r.refused, refused);
        uint32_t ahead = rng_below(&rng, 9);
        const struct message *waits = ring_spsc_waiting(&r, ahead);

        cr_assert_eq(waits != NULL, ahead < in - out);
        cr_assert(!waits || is(waits, out + ahead));
    }
    cr_assert_gt(refused, 0);
    ring_spsc_fini(&r);
}

Test(ring, spsc_is_a_queue)
{
    spsc_life(0);
}

Test(ring, spsc_positions_run_over)
{
    spsc_life(UINT32_MAX - 1000);
}

static void mpsc_life(uint32_t capacity, bool run_over)
{
    struct ring_mpsc r;
    struct rng rng;
    uint64_t in = 0, out = 0, refused = 0;

    rng_seed(&rng, capacity);
    cr_assert_eq(ring_mpsc_init(&r, sizeof(struct message), capacity), OK);
    if (run_over) {
        uint32_t start = UINT32_MAX - 1023; /* a multiple of the capacity */

        for (uint32_t i = 0; i <= r.mask; i++)
            *(uint32_t *)(void *)(r.mem + i * r.cell_size) = start + i;
        r.head = start;
        r.tail = start;
    }
    for (int i = 0; i < 100000; i++) {
        struct message m = numbered(in);

        if (rng_below(&rng, 2)) {
            bool pushed = ring_mpsc_push(&r, &m);

            cr_assert_eq(pushed, in - out < capacity);
            in += pushed;
            refused += !pushed;
        } else {
            cr_assert_eq(ring_mpsc_pop(&r, &m), in != out);
            if (in != out)
                cr_assert(is(&m, out++));
        }
        cr_assert_eq(r.refused, refused);
    }
    cr_assert_gt(refused, 0);
    ring_mpsc_fini(&r);
}

Test(ring, mpsc_is_a_queue)
{
    mpsc_life(8, false);
    mpsc_life(2, false);
}

Test(ring, mpsc_positions_run_over)
{
    mpsc_life(8, true);
}

Test(ring, mpsc_smallest)
{
    struct ring_mpsc r;
    struct message m = numbered(1), n = numbered(2);

    cr_assert_eq(ring_mpsc_init(&r, sizeof(m), 1), OK);
    for (int lap = 0; lap < 3; lap++) {
        cr_assert(ring_mpsc_push(&r, &m));
        cr_assert(ring_mpsc_push(&r, &n));
        cr_assert_not(ring_mpsc_push(&r, &n));
        cr_assert(ring_mpsc_pop(&r, &m) && is(&m, 1));
        cr_assert(ring_mpsc_pop(&r, &n) && is(&n, 2));
        cr_assert_not(ring_mpsc_pop(&r, &n));
    }
    cr_assert_eq(r.refused, 3);
    ring_mpsc_fini(&r);
}
