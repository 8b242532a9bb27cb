/* The limits of what dsp.c does with each block before the detectors have it: loss that is held,
 * hints of fax in talk, sound that is too quiet to be any. */
#include <criterion/criterion.h>

#include "dsp/made.h"

/* Takes the next 20 ms of the tape in. Returns how many events of that kind came, the last of them
 * in *last. */
static unsigned take(struct leg *l, const struct tape *t, unsigned flags, enum dsp_kind kind,
                     struct dsp_event *last)
{
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    unsigned n = 0;
    size_t count = made_hear(l, t, (uint8_t)flags, out);
    for (size_t i = 0; i < count; i++)
        if (out[i].kind == kind) {
            *last = out[i];
            n++;
        }
    return n;
}

Test(block, what_sounded_sounds_on_over_40_ms_of_loss)
{
    struct leg *l = made_leg(DSP_TALK);
    struct dsp_event e;
    struct tape t;
    tape_open(&t, 1);
    tape_tone(&t, 1000, -10, 40);
    take(l, &t, 0, DSP_DTMF, &e);
    take(l, &t, 0, DSP_DTMF, &e);
    float before = slot_back(l, 0);
    for (int lost = 1; lost <= 3; lost++) {
        take(l, &t, DSP_FLAG_LOST, DSP_DTMF, &e);
        cr_expect_eq(slot_back(l, 0), lost <= 2 ? before : 0, "block %d", lost);
    }
    tape_close(&t);
}

Test(block, talk_is_listened_to_for_fax_for_two_seconds_after_a_hint)
{
    struct leg *l = made_leg(DSP_TALK);
    struct dsp_event e;
    struct tape t;
    unsigned blocks = 0;
    tape_open(&t, 1);
    tape_tone(&t, 1100, -10, 60);
    for (int i = 0; i < 3; i++)
        take(l, &t, 0, DSP_CNG, &e);
    cr_assert_gt(l->fax_hang, 0);
    for (; l->fax_hang && blocks < 1000; blocks++)
        take(l, &t, 0, DSP_CNG, &e);
    cr_expect_eq(blocks, 100);
    tape_close(&t);
}

/* A voice that is there for three blocks after it has ended is no sound of the line's. */
Test(block, silence_begins_with_the_first_block_below_minus_48)
{
    struct leg *l = made_leg(DSP_EARLY);
    struct dsp_event e;
    struct tape t;
    tape_open(&t, 3);
    tape_speech(&t, -20, 1000);
    tape_silence(&t, 1500);
    tape_noise(&t, -58, 1000);
    unsigned n = 0;
    while (l->now_ms < 2500 && !n)
        n = take(l, &t, 0, DSP_SILENCE, &e);
    cr_assert_eq(n, 1);
    cr_expect_leq(e.start_ms, 1020, "%u", e.start_ms);
    tape_close(&t);
}

/* Louder and quieter in turns, lest it be taken for the line's noise. */
Test(block, a_voice_around_minus_40_is_no_silence)
{
    struct leg *l = made_leg(DSP_EARLY);
    struct dsp_event e;
    struct tape t;
    unsigned n = 0;
    tape_open(&t, 3);
    for (int i = 0; i < 15; i++)
        tape_voice(&t, i % 2 ? -36 : -44, 200);
    while (l->now_ms < 3000)
        n += take(l, &t, 0, DSP_SILENCE, &e);
    cr_expect_eq(n, 0);
    tape_close(&t);
}
