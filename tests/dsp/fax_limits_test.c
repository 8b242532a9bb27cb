/* The limits of fax tones: segments made by hand, each field just inside and just outside. What
 * real sound does is fax_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"

static struct segment tone(float hz, uint32_t start_ms, uint32_t length_ms)
{
    return (struct segment){.start_ms = start_ms,
                            .end_ms = start_ms + length_ms,
                            .f_hz = {hz},
                            .power = 1e6f,
                            .tones = 1};
}

/* The confidence of the CNG that the segment is said to be; 0: it is none. */
static float cng(struct leg *l, struct segment g)
{
    struct made_events m;
    struct sink *s = made_sink(&m);
    bool taken = fax_segment(l, &g, s);
    if (!s->count)
        return 0;
    cr_assert(taken && m.e[0].kind == DSP_CNG);
    return m.e[0].confidence;
}

static bool is_cng(float hz, uint32_t length_ms)
{
    return cng(made_leg(DSP_ANSWERED), tone(hz, 9000, length_ms)) > 0;
}

Test(fax_limits, cng_is_1100_hz_for_415_to_585_ms)
{
    cr_assert(is_cng(1142, 500) && !is_cng(1142.5f, 500));
    cr_assert(is_cng(1058, 500) && !is_cng(1057.5f, 500));
    cr_assert(is_cng(1100, 415) && !is_cng(1100, 414));
    cr_assert(is_cng(1100, 585) && !is_cng(1100, 586));
}

/* The second one is surer when it comes after 2.55 to 3.45 s. */
Test(fax_limits, cng_again_comes_after_three_seconds)
{
    static const struct {
        uint32_t pause_ms;
        bool again;
    } cases[] = {{2549, false}, {2550, true}, {3450, true}, {3451, false}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leg *l = made_leg(DSP_ANSWERED);
        float first = cng(l, tone(1100, 1000, 500));
        float second = cng(l, tone(1100, 1500 + cases[i].pause_ms, 500));
        cr_assert_gt(first, 0);
        cr_assert_eq(second > first, cases[i].again, "%u ms", cases[i].pause_ms);
    }
}

Test(fax_limits, cng_within_three_seconds_of_speech_may_be_a_beep)
{
    for (uint32_t ago = 3000; ago <= 3001; ago++) {
        struct leg *l = made_leg(DSP_ANSWERED);
        made_speech(l, 9000, ago);
        cr_assert_eq(cng(l, tone(1100, 9000, 500)) > 0, ago > 3000, "%u ms", ago);
    }
}

/* A tone with missing packets at its end that is an answer's is no beep, whatever its length. */
static bool cut_is_an_answers(float hz)
{
    struct segment g = tone(hz, 9000, 300);
    struct made_events m;
    g.slack_ms = 40;
    return fax_segment(made_leg(DSP_ANSWERED), &g, made_sink(&m));
}

Test(fax_limits, answer_tones_are_within_19_hz)
{
    cr_assert(cut_is_an_answers(2119) && !cut_is_an_answers(2119.5f));
    cr_assert(cut_is_an_answers(2081) && !cut_is_an_answers(2080.5f));
    cr_assert(cut_is_an_answers(2244) && !cut_is_an_answers(2244.5f));
    cr_assert(cut_is_an_answers(2206) && !cut_is_an_answers(2205.5f));
}

/* What is said of a tone that has sounded for so long. */
static enum dsp_kind said_after(struct leg *l, float hz, uint32_t start_ms, uint32_t length_ms)
{
    struct made_events m;
    struct sink *s = made_sink(&m);
    l->track.on = true;
    l->track.seg = tone(hz, start_ms, length_ms);
    l->now_ms = start_ms + length_ms;
    l->slot_count = SLOTS_PER_BLOCK;
    fax_run(l, s);
    return s->count ? (enum dsp_kind)m.e[0].kind : DSP_NONE;
}

Test(fax_limits, answer_tones_are_said_after_a_second)
{
    static const struct {
        float hz;
        enum dsp_kind kind;
    } tones[] = {{2100, DSP_CED}, {2225, DSP_MODEM}};
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(said_after(made_leg(DSP_ANSWERED), tones[i].hz, 9000, 999), DSP_NONE);
        cr_assert_eq(said_after(made_leg(DSP_ANSWERED), tones[i].hz, 9000, 1000), tones[i].kind);
    }
}

Test(fax_limits, answer_tones_within_three_seconds_of_speech_are_said_after_1_6_s)
{
    static const struct {
        uint32_t ago_ms, length_ms;
        bool said;
    } cases[] = {{3000, 1599, false}, {3000, 1600, true}, {3001, 1000, true}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leg *l = made_leg(DSP_ANSWERED);
        made_speech(l, 9000, cases[i].ago_ms);
        cr_assert_eq(said_after(l, 2100, 9000, cases[i].length_ms),
                     cases[i].said ? DSP_CED : DSP_NONE, "case %u", i);
    }
}

/* One that was said and comes again within half a second is the rest of it. */
Test(fax_limits, a_pause_of_less_than_half_a_second_is_within_the_tone)
{
    for (uint32_t pause = 499; pause <= 500; pause++) {
        struct made_events m;
        struct leg *l = made_leg(DSP_ANSWERED);
        cr_assert_eq(said_after(l, 2100, 9000, 1200), DSP_CED);
        struct segment g = tone(2100, 9000, 1200), rest = tone(2100, 10200 + pause, 300);
        cr_assert(fax_segment(l, &g, made_sink(&m)));
        l->fax.answer_reported = l->fax.answer_runs = false; /* as at each segment's end */
        struct leg then = *l;
        cr_assert_eq(fax_segment(&then, &rest, made_sink(&m)), pause < 500, "%u ms", pause);
        cr_assert_eq(said_after(l, 2100, 10200 + pause, 1200), pause < 500 ? DSP_NONE : DSP_CED,
                     "%u ms", pause);
    }
}
