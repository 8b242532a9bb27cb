/* The limits of voice activity, each from both sides, looked at from inside the state: how far over
 * the floor sound must be, how many blocks of it make a spurt, and how the floor follows. */
#include <criterion/criterion.h>

#include "dsp/num.h"
#include "dsp/state.h"
#include "dsp/tape.h"

static void voice(struct tape *t, double level, unsigned blocks)
{
    tape_voice(t, level, blocks * (double)DSP_BLOCK_MS);
}

/* White noise of that level, over what is there from a block on. */
static void hiss(struct tape *t, double level, unsigned from)
{
    tape_noise(t, level, from * DSP_BLOCK_MS);
}

static void rest(struct tape *t, unsigned blocks)
{
    tape_silence(t, blocks * (double)DSP_BLOCK_MS);
}

struct ear {
    struct dsp_state state;
    unsigned spurts;
};

static const struct voice *heard_by(const struct ear *e)
{
    return &((const struct leg *)(const void *)e->state.opaque)->voice;
}

static void ear_open(struct ear *e)
{
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    *e = (struct ear){.spurts = 0};
    dsp_state_init(&e->state, dsp_plan_find("us"), &amd);
    dsp_state_phase(&e->state, DSP_EARLY);
}

static void ear_take(struct ear *e, const struct tape *t, unsigned block)
{
    int16_t pcm[DSP_BLOCK_SAMPLES];
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    line_block(t, (size_t)block * DSP_BLOCK_SAMPLES, false, pcm);
    struct dsp_block b = {.state = &e->state, .samples = pcm};
    size_t n = dsp_process(&b, 1, out);
    for (size_t i = 0; i < n; i++)
        e->spurts += out[i].kind == DSP_SPEECH_START;
}

static unsigned spurts_of(struct tape *t)
{
    static struct ear e;
    ear_open(&e);
    for (unsigned i = 0; i < t->n / DSP_BLOCK_SAMPLES; i++)
        ear_take(&e, t, i);
    tape_close(t);
    return e.spurts;
}

/* A voice of 500 ms after two seconds of the noise that is under all of it. */
static unsigned spurts_over(double noise, double level)
{
    struct tape t;
    tape_open(&t, 7);
    rest(&t, 100);
    voice(&t, level, 25);
    rest(&t, 30);
    hiss(&t, noise, 0);
    return spurts_of(&t);
}

Test(floor, sound_counts_from_9_db_over_it)
{
    cr_assert_eq(spurts_over(-40, -29.5), 1, "11 dB over with the noise");
    cr_assert_eq(spurts_over(-40, -33.5), 0, "7 dB over with the noise");
}

Test(floor, sound_counts_from_minus_48_dbm0)
{
    cr_assert_eq(spurts_over(-69, -46), 1);
    cr_assert_eq(spurts_over(-69, -50), 0);
}

Test(floor, a_spurt_needs_four_blocks)
{
    for (unsigned blocks = 1; blocks <= 6; blocks++) {
        struct tape t;
        tape_open(&t, blocks);
        rest(&t, 60);
        voice(&t, -20, blocks);
        rest(&t, 30);
        hiss(&t, -60, 0);
        cr_assert_eq(spurts_of(&t), blocks >= 4, "%u blocks", blocks);
    }
}

/* Hiss, then a voice: the blocks in a row that are voiced, and whether they make a spurt. */
Test(floor, a_spurt_needs_two_voiced_blocks)
{
    for (unsigned blocks = 1; blocks <= 4; blocks++) {
        struct tape t;
        static struct ear e;
        unsigned voiced = 0;
        tape_open(&t, 3);
        rest(&t, 63);
        hiss(&t, -20, 60);
        voice(&t, -20, blocks);
        rest(&t, 30);
        hiss(&t, -62, 0);
        ear_open(&e);
        for (unsigned i = 0; i < t.n / DSP_BLOCK_SAMPLES; i++) {
            ear_take(&e, &t, i);
            unsigned now = (unsigned)__builtin_popcount(heard_by(&e)->voiced_bits & 0x3f);
            voiced = now > voiced ? now : voiced;
        }
        cr_assert_eq(voiced, blocks > 2 ? blocks - 2 : 0, "the voice fills its analysis late");
        cr_assert_eq(e.spurts, voiced >= 2, "%u voiced: %u", voiced, e.spurts);
        tape_close(&t);
    }
}

Test(floor, a_voice_under_hiss_is_voiced_down_to_2_db_below_it)
{
    for (int below_db = 2; below_db <= 5; below_db += 3) {
        struct tape t;
        tape_open(&t, 5);
        rest(&t, 60);
        voice(&t, -20, 60);
        hiss(&t, -20 + below_db, 60);
        rest(&t, 20);
        hiss(&t, -60, 0);
        cr_assert_eq(spurts_of(&t), below_db == 2, "%d dB below", below_db);
    }
}

/* Blocks after the sudden start of a sound until it is the floor; 0: never. */
static unsigned floor_after(struct tape *t, unsigned from, int16_t at_least_ddb)
{
    static struct ear e;
    unsigned after = 0;
    ear_open(&e);
    for (unsigned i = 0; i < t->n / DSP_BLOCK_SAMPLES && !after; i++) {
        ear_take(&e, t, i);
        if (i >= from && heard_by(&e)->floor_ddb >= at_least_ddb)
            after = i + 1 - from;
    }
    tape_close(t);
    return after;
}

Test(floor, steady_noise_is_it_after_300_ms_and_a_steady_voice_after_a_second)
{
    struct tape t;
    tape_open(&t, 11);
    rest(&t, 160);
    hiss(&t, -60, 0);
    hiss(&t, -30, 60);
    unsigned noise = floor_after(&t, 60, -350);
    tape_open(&t, 12);
    rest(&t, 60);
    voice(&t, -30, 160);
    hiss(&t, -60, 0);
    unsigned steady = floor_after(&t, 60, -350);
    cr_assert(noise >= 21 && noise <= 25, "noise: %u blocks", noise); /* 8 to be called steady */
    cr_assert(steady >= 56 && steady <= 60, "a voice: %u blocks", steady);
}

/* Noise whose level changes every 100 ms by so much: after how many blocks it is the floor. */
static unsigned waver(double db)
{
    struct tape t;
    tape_open(&t, 13);
    rest(&t, 60);
    for (unsigned i = 0; i < 30; i++) {
        struct tape part;
        tape_open(&part, i);
        rest(&part, 5);
        hiss(&part, i % 2 ? -30 + db : -30, 0);
        float *at = tape_more(&t, 100);
        memcpy(at, part.s, 800 * sizeof *at);
        tape_close(&part);
    }
    hiss(&t, -60, 0);
    return floor_after(&t, 60, -350);
}

Test(floor, sound_that_wavers_by_more_than_4_db_is_not)
{
    unsigned steady = waver(3.5);
    cr_assert(steady >= 22 && steady <= 26, "%u blocks", steady);
    cr_assert_eq(waver(6.5), 0);
}

/* A voice that is never steady: a tenth of a dB in 80 ms. */
Test(floor, creeps_up_under_talk)
{
    struct tape t;
    static struct ear e;
    int16_t from = 0;
    tape_open(&t, 14);
    rest(&t, 60);
    for (unsigned i = 0; i < 100; i++)
        voice(&t, i % 2 ? -18 : -32, 2);
    hiss(&t, -60, 0);
    ear_open(&e);
    for (unsigned i = 0; i < t.n / DSP_BLOCK_SAMPLES; i++) {
        ear_take(&e, &t, i);
        if (i == 80)
            from = heard_by(&e)->floor_ddb;
    }
    int by_ddb = heard_by(&e)->floor_ddb - from; /* in 179 blocks */
    cr_assert(by_ddb >= 42 && by_ddb <= 48, "%d", by_ddb);
    tape_close(&t);
}

/* Below there is nothing but rounding. */
Test(floor, is_never_below_minus_70_dbm0)
{
    struct tape t;
    static struct ear e;
    tape_open(&t, 15);
    rest(&t, 200);
    for (size_t i = 0; i < t.n; i += 40)
        t.s[i] = 8; /* G.711's smallest step, so seldom that it is -82 dBm0 */
    ear_open(&e);
    for (unsigned i = 0; i < t.n / DSP_BLOCK_SAMPLES; i++)
        ear_take(&e, &t, i);
    cr_assert_lt(dsp_state_level(&e.state), -750);
    cr_assert_eq(heard_by(&e)->floor_ddb, -700);
    tape_close(&t);
}

/* Nothing is known of a line yet: its floor is taken for −60 dBm0, so a quiet voice is heard at
 * once.
 */
Test(floor, a_quiet_voice_is_heard_from_the_first_word)
{
    struct tape t;
    tape_open(&t, 7);
    voice(&t, -36, 25);
    rest(&t, 30);
    cr_expect_eq(spurts_of(&t), 1);
}

/* A tone is taken for the speech before it where it is not 15 dB louder. */
Test(floor, speech_is_as_loud_as_what_is_15_db_above_it)
{
    static struct ear e;
    struct segment g = {.start_ms = 2000, .end_ms = 2200, .power = 1e6f};
    ear_open(&e);
    struct leg *l = (struct leg *)(void *)e.state.opaque;
    l->voice.heard_ms = 1900;
    l->voice.confirmed_ms = 1000;
    l->voice.loud_ddb = (int16_t)(num_level_ddb(g.power) - 150);
    cr_expect(voice_as_loud(l, &g, 500));
    l->voice.loud_ddb--;
    cr_expect_not(voice_as_loud(l, &g, 500));
}
