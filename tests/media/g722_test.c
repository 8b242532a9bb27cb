/* G.722 against spandsp's, bit for bit, and by itself. */
#include <criterion/criterion.h>

#include "base/rng.h"
#include "codec_kit.h"
#include "media/g722.h"

#ifdef PEAL_HAVE_SPANDSP
#include <spandsp.h>

/* Speech, noise of falling level and full-scale squares, one after the other. */
static void draw(struct rng *r, int16_t *pcm, uint32_t n, uint32_t turn)
{
    if (turn % 3 == 0)
        kit_speech(pcm, n, 16, 7000.0);
    for (uint32_t i = 0; turn % 3 == 1 && i < n; i++)
        pcm[i] = (int16_t)((int16_t)rng_u64(r) >> turn % 13);
    for (uint32_t i = 0; turn % 3 == 2 && i < n; i++)
        pcm[i] = i / (8 + turn) % 2 ? 32767 : -32768;
}

Test(g722, every_byte_is_the_one_that_spandsp_writes)
{
    g722_encode_state_t *peer = g722_encode_init(NULL, 64000, 0);
    struct g722 ours;
    struct rng r;
    uint32_t differ = 0;

    g722_init(&ours);
    rng_seed(&r, 7);
    for (uint32_t turn = 0; turn < 60; turn++) {
        int16_t pcm[3200];
        uint8_t a[1600], b[1600];

        draw(&r, pcm, 3200, turn);
        g722_to_bytes(&ours, pcm, 3200, a);
        cr_assert_eq(g722_encode(peer, b, pcm, 3200), 1600);
        for (uint32_t i = 0; i < 1600; i++)
            differ += a[i] != b[i];
    }
    cr_expect_eq(differ, 0, "%u bytes differ", differ);
    g722_encode_free(peer);
}

/* Where a sample is beyond 16 bits spandsp wraps it round; ours is the greatest there is. */
Test(g722, every_sample_is_the_one_that_spandsp_reads)
{
    g722_decode_state_t *peer = g722_decode_init(NULL, 64000, 0);
    struct g722 ours;
    struct rng r;
    uint32_t differ = 0, beyond = 0;

    g722_init(&ours);
    rng_seed(&r, 8);
    for (uint32_t turn = 0; turn < 400; turn++) {
        uint8_t bytes[160];
        int16_t a[320], b[320];

        for (uint32_t i = 0; i < 160; i++)
            bytes[i] = (uint8_t)rng_u64(&r);
        g722_to_samples(&ours, bytes, 160, a);
        cr_assert_eq(g722_decode(peer, b, bytes, 160), 320);
        for (uint32_t i = 0; i < 320; i++) {
            bool limited = a[i] == 32767 || a[i] == -32768;

            beyond += limited;
            differ += !limited && a[i] != b[i];
        }
    }
    cr_expect_eq(differ, 0, "%u samples differ", differ);
    cr_expect_lt(beyond, 400u * 320u / 20u, "%u of them were at the limit", beyond);
    g722_decode_free(peer);
}
#endif

Test(g722, what_is_said_is_heard_22_samples_later)
{
    enum { N = 16000 };
    static int16_t said[N], heard[N];
    static uint8_t bytes[N / 2];
    struct g722 out, in;
    uint32_t later = 0;

    kit_speech(said, N, 16, 7000.0);
    g722_init(&out);
    g722_init(&in);
    g722_to_bytes(&out, said, N, bytes);
    g722_to_samples(&in, bytes, N / 2, heard);
    double r = kit_alike(said + 1600, heard + 1600, N - 3200, 60, &later);

    cr_expect_gt(r, 0.99, "correlation %.4f", r);
    cr_expect_eq(later, 22, "%u samples", later);
    cr_expect_float_eq(kit_level_db(heard, N), kit_level_db(said, N), 0.2);
}
