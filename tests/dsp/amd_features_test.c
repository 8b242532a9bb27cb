/* The features of an answer, each known from how the blocks were made: levels, pitches and samples
 * are given one by one, and the numbers that the model gets are worked out here by hand. */
#include <criterion/criterion.h>

#include "dsp/made.h"

/* A leg that hears an answer whose first word began at 1000 ms. */
static struct leg *answer(void)
{
    struct leg *l = made_leg(DSP_ANSWERED);
    l->now_ms = 1000;
    l->voice.start_ms = 1000;
    l->voice.on = true;
    return l;
}

static void pass(struct leg *l, int16_t level_ddb, bool active, bool voiced)
{
    struct voice *v = &l->voice;
    l->now_ms += DSP_BLOCK_MS;
    l->level_ddb = level_ddb;
    v->active_bits = v->active_bits << 1 | active;
    v->voiced_bits = v->voiced_bits << 1 | voiced;
    v->last_active_ms = active ? l->now_ms : v->last_active_ms;
    amd_features_run(l);
}

/* A block without voice, of that level. */
static void say(struct leg *l, int16_t level_ddb)
{
    pass(l, level_ddb, true, false);
}

/* A voiced one, of that pitch. */
static void sing(struct leg *l, int16_t pitch)
{
    l->voice.pitch = pitch;
    pass(l, -200, true, true);
}

static void rest(struct leg *l, unsigned blocks)
{
    while (blocks--)
        pass(l, -700, false, false);
}

static int feature(const struct leg *l, enum amd_feature which)
{
    int16_t out[AMD_FEATURE_COUNT];
    amd_features_get(l, 1000, out);
    return out[which];
}

/* The level goes down so far and up again. */
static int syllables(int16_t down_ddb, int16_t up_ddb)
{
    struct leg *l = answer();
    say(l, -200);
    say(l, (int16_t)(-200 - down_ddb));
    say(l, (int16_t)(-200 - down_ddb + up_ddb));
    say(l, (int16_t)(-200 - down_ddb + up_ddb));
    return feature(l, AMD_SYLLABLES);
}

Test(amd_features, a_syllable_is_a_rise_by_4_db_after_a_fall_as_large)
{
    cr_assert_eq(syllables(41, 41), 1);
    cr_assert_eq(syllables(40, 200), 0);
    cr_assert_eq(syllables(200, 40), 0);
    cr_assert_eq(syllables(200, 41), 1);
}

Test(amd_features, a_short_pause_is_three_to_eleven_blocks)
{
    static const struct {
        unsigned blocks;
        bool counts;
    } cases[] = {{2, false}, {3, true}, {11, true}, {12, false}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leg *l = answer();
        say(l, -200);
        rest(l, cases[i].blocks);
        say(l, -200);
        cr_assert_eq(feature(l, AMD_SHORT_PAUSES), cases[i].counts, "%u blocks", cases[i].blocks);
    }
}

/* Samples that turn their sign each time change by twice themselves: 6 dB, of tilt. Samples that
 * stay the same do not change: -40 dB, as nothing else has. */
Test(amd_features, tilt_is_the_energy_of_the_changes)
{
    struct leg *l = answer();
    struct tape t;
    tape_open(&t, 1);
    float *x = tape_more(&t, 3.0 * DSP_BLOCK_MS);
    for (size_t i = 0; i < t.n; i++)
        x[i] = i < 2 * DSP_BLOCK_SAMPLES && i % 2 == 0 ? -4000 : 4000;
    for (size_t at = 0; at < t.n; at += DSP_BLOCK_SAMPLES) {
        made_block(l, &t, at);
        l->now_ms -= DSP_BLOCK_MS; /* which say() counts */
        say(l, -200);
    }
    tape_close(&t);
    /* From the second block to the third it changes by 46 dB, a third of it is the mean. */
    cr_assert_leq(abs(feature(l, AMD_TILT_SPREAD) - 460 / 3), 1, "%d", feature(l, AMD_TILT_SPREAD));
}

/* A quarter of each step is followed, of at most 60: 300, 300, 315, then 300, 285, 270, 255, 242.
 */
Test(amd_features, the_onset_is_the_first_three_pitches_against_all)
{
    struct leg *l = answer();
    sing(l, 300);
    sing(l, 300);
    cr_assert_eq(feature(l, AMD_PITCH_ONSET), 0);
    sing(l, 360);
    cr_assert_eq(l->features.pitch_now, 315);
    cr_assert_eq(feature(l, AMD_PITCH_ONSET), 0, "they are all");
    for (int i = 0; i < 5; i++)
        sing(l, 200);
    cr_assert_eq(l->features.pitch_now, 242, "%d", l->features.pitch_now);
    cr_assert_eq(feature(l, AMD_PITCH_ONSET), 305 - 2267 / 8, "%d", feature(l, AMD_PITCH_ONSET));
}

/* Twenty minutes, as no answer lasts: then sums and counts stand still. */
Test(amd_features, counts_end_at_60000_blocks)
{
    struct leg *l = answer();
    struct amd_features *f = &l->features;
    say(l, -200);
    rest(l, 1);
    f->active = f->idle = 59999;
    say(l, -200);
    rest(l, 1);
    cr_assert(f->active == 60000 && f->idle == 60000);
    struct amd_burst last = f->last;
    say(l, -200);
    rest(l, 1);
    cr_assert(f->active == 60000 && f->idle == 60000);
    cr_assert_eq(f->last.blocks, last.blocks);
}
