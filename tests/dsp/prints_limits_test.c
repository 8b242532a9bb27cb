/* The limits of recognising a recording, each from both sides. A line is made of powers, block by
 * block, and the library of the very bits that come of them, of which so many are then turned over
 * or made unreliable, and a single block is given a key. What real sound comes to is
 * prints_test.c's. */
#include <criterion/criterion.h>
#include <math.h>

#include "dsp/dsp.h"
#include "dsp/frames.h"
#include "dsp/spectrum.h"

#define BLOCKS 160 /* of the line */
#define LEAD   20  /* blocks of the recording before it */
#define BINS   128

static struct {
    float power[BINS]; /* of each of the block's looks */
    float strength[EAR_BITS];
    uint32_t bits;
} heard[BLOCKS];

/* A line whose every block is so loud (ear_loudness), and its bits. */
static void line_make(float loudness)
{
    struct ear ear = {0};
    uint32_t seed = 11;
    for (unsigned n = 0; n < BLOCKS; n++) {
        float sum = 0, at = 0;
        for (unsigned k = 8; k < 100; k++) {
            at = k % 3 ? at : (float)pow(10, frames_random(&seed) % 1000 / 500.0);
            heard[n].power[k] = at;
            sum += 2 * at;
        }
        for (unsigned k = 8; k < 100; k++)
            heard[n].power[k] *= loudness * 92 / sum;
        ear_hear(&ear, heard[n].power, heard[n].power);
        ear_strengths(&ear, heard[n].strength);
        heard[n].bits = 0;
        for (unsigned k = 0; k < EAR_BITS; k++)
            heard[n].bits |= (uint32_t)(heard[n].strength[k] > 0) << k;
    }
}

/* A recording: what the line plays after a lead of other sound. Its frames of 10 ms belong to the
 * blocks' ends in turn, and to what lies between, which is other sound, too. */
struct made {
    struct print_frame frame[2 * (LEAD + BLOCKS)];
    unsigned lead;
};

static struct print_frame *frame_of(struct made *m, unsigned block)
{
    return &m->frame[2 * (m->lead + block) - 1];
}

/* Blocks are counted as the line's time is: the first is 1. */
static void made_open(struct made *m, unsigned lead, uint32_t seed)
{
    m->lead = lead;
    frames_fill(m->frame, 2 * (lead + BLOCKS), seed);
    for (unsigned block = 1; block <= BLOCKS; block++)
        frame_of(m, block)->bits = heard[block - 1].bits;
}

/* The block that is found by its key. */
static void made_key(struct made *m, unsigned block)
{
    frame_of(m, block)->mask = FRAMES_FIRST;
}

/* Turns so many of a block's reliable bits over, from the highest down: not those of its key. */
static void turn(struct made *m, unsigned block, unsigned bits)
{
    struct print_frame *f = frame_of(m, block);
    uint32_t left = f->mask == FRAMES_FIRST ? f->mask & ~print_table[0] : f->mask;
    for (; bits; bits--) {
        uint32_t top = 1u << (31 - __builtin_clz(left));
        f->bits ^= top;
        left &= ~top;
    }
}

/* Leaves a block so many reliable bits, or a key and nothing else. */
static void thin_out(struct made *m, unsigned block, unsigned bits)
{
    struct print_frame *f = frame_of(m, block);
    if (f->mask == FRAMES_FIRST)
        f->mask = print_table[0];
    else
        while ((unsigned)__builtin_popcount(f->mask) > bits)
            f->mask &= f->mask - 1;
}

struct named {
    unsigned count;
    unsigned block; /* of the first; 0: none */
    struct print_match match;
    struct prints_work before, work; /* before the block it was stopped at, and after it */
};

/* Plays the line's first blocks to a library. */
static struct named play(const struct prints *p, unsigned blocks)
{
    static struct prints_leg leg;
    struct named n = {0};
    prints_leg_init(&leg, p);
    for (unsigned block = 1; block <= blocks; block++) {
        struct print_match match;
        n.before = prints_leg_work(&leg);
        prints_hear(&leg, heard[block - 1].power, heard[block - 1].power);
        if (!prints_run(&leg, block * DSP_BLOCK_MS, &match))
            continue;
        if (!n.count++) {
            n.match = match;
            n.block = block;
        }
    }
    n.work = prints_leg_work(&leg);
    return n;
}

static struct prints *library_of(struct made *m, unsigned n, const char *const result[])
{
    struct prints *p;
    cr_assert_eq(prints_open(&p), OK);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(
            frames_put(p, i, result ? result[i] : "vacant", m[i].frame, 2 * (m[i].lead + BLOCKS)),
            OK);
    cr_assert_eq(prints_index(p), OK);
    return p;
}

/* The block at which the recording is named; 0: it is not. */
static unsigned named_at(struct made *m)
{
    struct prints *p = library_of(m, 1, NULL);
    struct named n = play(p, BLOCKS);
    prints_close(p);
    return n.block;
}

/* A recording with a key at one block. */
static struct made *keyed(unsigned block)
{
    static struct made m;
    made_open(&m, LEAD, 1);
    made_key(&m, block);
    return &m;
}

static void line_make_plain(void)
{
    line_make(1e6f);
}

TestSuite(prints_limits, .init = line_make_plain);

/* ---- what is looked up ---- */

#define KEY_AT 100

Test(prints_limits, two_weak_bits_of_a_key_may_be_wrong)
{
    for (unsigned wrong = 0; wrong <= 4; wrong++) {
        struct made *m = keyed(KEY_AT);
        uint32_t left = print_table[0];
        for (unsigned i = 0; i < wrong; i++) {
            unsigned weakest = EAR_BITS;
            for (unsigned k = 0; k < EAR_BITS; k++)
                if (left >> k & 1 &&
                    (weakest == EAR_BITS || fabsf(heard[KEY_AT - 1].strength[k]) <
                                                fabsf(heard[KEY_AT - 1].strength[weakest])))
                    weakest = k;
            left &= ~(1u << weakest);
            frame_of(m, KEY_AT)->bits ^= 1u << weakest;
        }
        cr_assert_eq(named_at(m) != 0, wrong <= 2, "%u wrong", wrong);
    }
}

/* The line needs 560 ms for it, and the block some loudness. */
Test(prints_limits, nothing_is_looked_up_before_28_blocks_or_in_quiet)
{
    cr_assert_neq(named_at(keyed(28)), 0);
    cr_assert_eq(named_at(keyed(27)), 0);
    line_make(210);
    cr_assert_neq(named_at(keyed(KEY_AT)), 0);
    line_make(190);
    cr_assert_eq(named_at(keyed(KEY_AT)), 0);
}

/* 64 frames under each of five of the keys that a block is looked up by. */
Test(prints_limits, a_block_looks_at_256_places)
{
    static struct print_frame f[5 * 64];
    uint32_t least = 0, next = 0; /* the weakest two bits of the first table's key */
    struct prints *p;
    frames_fill(f, 5 * 64, 3);
    for (unsigned k = 0; k < EAR_BITS; k++) {
        const float *s = heard[KEY_AT - 1].strength;
        if (!(print_table[0] >> k & 1))
            continue;
        if (!least || fabsf(s[k]) < fabsf(s[__builtin_ctz(least)])) {
            next = least;
            least = 1u << k;
        } else if (!next || fabsf(s[k]) < fabsf(s[__builtin_ctz(next)])) {
            next = 1u << k;
        }
    }
    for (unsigned i = 0; i < 5 * 64; i++) {
        uint32_t turned = (i / 64 & 1 ? least : 0) | (i / 64 & 2 ? next : 0);
        uint32_t table = print_table[i < 4 * 64 ? 0 : 1], any = f[i].bits & ~table;
        f[i].bits = any | ((heard[KEY_AT - 1].bits ^ turned) & table);
        f[i].mask = i < 4 * 64 ? FRAMES_FIRST : FRAMES_SECOND;
    }
    cr_assert_eq(prints_open(&p), OK);
    cr_assert_eq(frames_put(p, 0, "vacant", f, 5 * 64), OK);
    cr_assert_eq(prints_index(p), OK);
    struct named n = play(p, KEY_AT);
    cr_assert_eq(n.work.candidates - n.before.candidates, 256);
    cr_assert_eq(n.work.skipped - n.before.skipped, 1, "the key whose places were left out");
    prints_close(p);
}

Test(prints_limits, a_block_compares_eight_places)
{
    static struct made m[12];
    for (unsigned i = 0; i < 12; i++) {
        made_open(&m[i], LEAD, 1 + i);
        made_key(&m[i], KEY_AT);
    }
    struct prints *p = library_of(m, 12, NULL);
    struct named n = play(p, KEY_AT);
    cr_assert_eq(n.work.candidates - n.before.candidates, 12);
    cr_assert_eq(n.work.comparisons - n.before.comparisons, 8);
    cr_assert_eq(n.work.skipped - n.before.skipped, 4);
    prints_close(p);
}

/* ---- a glance ---- */

/* Turns bits over in the blocks up to the key's: of those that a glance looks at, of the others of
 * the newest twenty, and so many blocks' from the first given on. */
struct turned {
    unsigned glanced, others;   /* of 24 */
    unsigned from, to, between; /* blocks back */
};

static bool found_with(struct turned t)
{
    struct made *m = keyed(KEY_AT);
    for (unsigned back = 0; back < 30; back++) {
        unsigned n = back >= 20 ? 0 : back % 3 ? t.others : t.glanced;
        turn(m, KEY_AT - back, back >= t.from && back < t.to ? t.between : n);
    }
    return named_at(m) != 0;
}

Test(prints_limits, at_most_32_of_100_are_wrong_in_the_newest_twenty_blocks)
{
    cr_assert(found_with((struct turned){7, 7, 0, 0, 0}));
    cr_assert_not(found_with((struct turned){8, 8, 0, 0, 0}));
    cr_assert(found_with((struct turned){7, 7, 20, 30, 11}), "not in these");
    cr_assert_not(found_with((struct turned){7, 7, 13, 20, 11}), "in all of these");
}

Test(prints_limits, at_most_40_of_100_are_wrong_in_every_third_of_them)
{
    cr_assert(found_with((struct turned){9, 5, 0, 0, 0}));
    cr_assert_not(found_with((struct turned){11, 5, 0, 0, 0}));
}

/* ---- a comparison ---- */

/* Before the key's block so many reliable bits a block; after it nothing is wanting. */
static bool found_by(unsigned bits)
{
    struct made *m = keyed(KEY_AT);
    for (unsigned block = 1; block <= KEY_AT; block++)
        thin_out(m, block, bits);
    return named_at(m) != 0;
}

Test(prints_limits, a_comparison_needs_220_bits)
{
    cr_assert(found_by(4), "16 of the key and 252");
    cr_assert_not(found_by(3), "16 of the key and 189");
}

/* Blocks before the newest twenty have so many wrong. */
static bool found_after(unsigned newest, unsigned older)
{
    struct made *m = keyed(KEY_AT);
    for (unsigned back = 0; back < KEY_AT; back++)
        turn(m, KEY_AT - back, back < 20 ? newest : older);
    return named_at(m) != 0;
}

Test(prints_limits, at_most_30_of_100_are_wrong_in_a_comparison)
{
    cr_assert(found_after(7, 7), "29 of 100");
    cr_assert_not(found_after(7, 8), "30.3 of 100 in 28 blocks, more in longer ones");
}

/* (right - wrong) / sqrt(all) of eight bits a block and 16 of the key. */
Test(prints_limits, a_comparison_must_fit_by_12_5)
{
    for (int good = 0; good < 2; good++) {
        struct made *m = keyed(KEY_AT);
        for (unsigned block = 1; block <= KEY_AT; block++) {
            thin_out(m, block, 8);
            if (block < KEY_AT)
                turn(m, block, good && block % 4 == 0 ? 1 : 2);
        }
        cr_assert_eq(named_at(m) != 0, good); /* 13.2 and 11.8 */
    }
}

/* ---- a decision ---- */

Test(prints_limits, is_named_when_58_blocks_fit)
{
    cr_assert_eq(named_at(keyed(28)), 58);
}

Test(prints_limits, is_named_when_125_frames_of_it_were_heard)
{
    static struct made m;
    made_open(&m, 0, 1);
    made_key(&m, 28);
    cr_assert_eq(named_at(&m), 64, "the first that is looked at after 62.5");
}

/* Every other block, three blocks after the first fit. What was heard is 64 blocks and the 180 ms
 * in the bits of the first of them. */
Test(prints_limits, is_named_soon_after_it_is_found)
{
    static const unsigned found[] = {100, 101};
    for (unsigned i = 0; i < 2; i++) {
        struct prints *p = library_of(keyed(found[i]), 1, NULL);
        struct named n = play(p, BLOCKS);
        prints_close(p);
        cr_assert_eq(n.count, 1);
        cr_assert_eq(n.block, 104, "found at %u, named at %u", found[i], n.block);
        cr_assert_eq(n.match.start_ms, (104 - 64 - 9) * DSP_BLOCK_MS, "from %u", n.match.start_ms);
        cr_assert_eq(n.match.offset_frames, 2 * (LEAD + 104));
    }
}

Test(prints_limits, at_most_20_of_100_are_wrong_in_what_is_named)
{
    for (unsigned wrong = 4; wrong <= 5; wrong++) {
        struct made *m = keyed(KEY_AT);
        for (unsigned block = 1; block <= BLOCKS; block++)
            turn(m, block, wrong);
        cr_assert_eq(named_at(m) != 0, wrong == 4, "%u of 24", wrong);
    }
}

/* Of twelve bits a block, two or 2.2 wrong: 17 and 18 of 100. */
Test(prints_limits, what_is_named_fits_by_18)
{
    for (int good = 0; good < 2; good++) {
        struct made *m = keyed(KEY_AT);
        for (unsigned block = 1; block <= BLOCKS; block++) {
            thin_out(m, block, 12);
            if (block != KEY_AT)
                turn(m, block, !good && block % 5 == 0 ? 3 : 2);
        }
        cr_assert_eq(named_at(m) != 0, good); /* 18.5 and 17.6 */
    }
}

/* Those that fit better are kept, though it turns out that the line plays none of them. */
Test(prints_limits, six_are_kept_in_mind)
{
    static struct made m[7];
    for (unsigned others = 5; others <= 6; others++) {
        for (unsigned i = 0; i <= others; i++) {
            made_open(&m[i], LEAD, 20 + i);
            made_key(&m[i], KEY_AT);
            for (unsigned block = 1; block <= BLOCKS; block++)
                if (i < others && block > KEY_AT)
                    turn(&m[i], block, 12);
                else if (i == others && block < KEY_AT)
                    turn(&m[i], block, 2);
        }
        struct prints *p = library_of(m, others + 1, NULL);
        struct named n = play(p, BLOCKS);
        prints_close(p);
        cr_assert_eq(n.count, others == 5, "%u others: %u named", others, n.count);
        if (n.count)
            cr_assert_eq(n.match.recording, others);
    }
}

/* Two that part at block 131, which is nearer than a hundred blocks whenever it is asked. */
Test(prints_limits, waits_100_blocks_for_a_difference_or_42_when_it_means_the_same)
{
    static const char *const results[2][2] = {{"vacant", "busy"}, {"vacant", "vacant"}};
    static struct made m[2];
    for (unsigned same = 0; same < 2; same++) {
        for (unsigned i = 0; i < 2; i++) {
            made_open(&m[i], LEAD, 1);
            made_key(&m[i], 28);
        }
        frames_fill(frame_of(&m[1], 131), 2 * (BLOCKS - 130) - 1, 9);
        struct prints *p = library_of(m, 2, results[same]);
        struct named n = play(p, BLOCKS);
        prints_close(p);
        cr_assert_geq(n.count, 1);
        cr_assert_eq(n.block, 28 + (same ? 42 : 100), "named at %u", n.block);
        cr_assert_leq(n.match.confidence, 0.5f);
    }
}
