/* Fax tones of T.30 and V.8, in every phase that listens for them. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

Test(fax, cng_at_its_tolerances_in_every_phase)
{
    for (int phase = DSP_EARLY; phase <= DSP_TALK; phase++)
        for (int off = -38; off <= 38; off += 38) {
            struct tape t;
            tape_open(&t, (uint32_t)(off + 50));
            tape_silence(&t, 410);
            for (int i = 0; i < 3; i++) {
                tape_tone(&t, 1100 + off, -20, 500 + 60 * (i - 1));
                tape_silence(&t, 3000 - 200 * (i - 1));
            }
            tape_noise(&t, -50, 0);
            const struct heard *h = line_play(&t, (struct line){.phase = (enum dsp_phase)phase});
            cr_assert_eq(heard_count(h, DSP_CNG), 3, "phase %d, %d Hz off: %u", phase, off,
                         heard_count(h, DSP_CNG));
            cr_assert_eq(heard_tones(h), 3, "phase %d: nothing else", phase);
            const struct dsp_event *e = heard_first(h, DSP_CNG);
            cr_assert_leq(abs((int)e->start_ms - 410), 15);
            cr_assert_gt(h->e[h->n - 1].start_ms, 0);
            tape_close(&t);
        }
}

/* Plain CED, and ANSam: 2100 Hz with 15 Hz of 20 % modulation, turned over every 450 ms. */
Test(fax, ced_and_ansam_in_every_phase)
{
    for (int phase = DSP_EARLY; phase <= DSP_TALK; phase++)
        for (int ansam = 0; ansam < 2; ansam++)
            for (int off = -15; off <= 15; off += 15) {
                struct tape t;
                tape_open(&t, 4);
                tape_silence(&t, 600);
                uint32_t from = tape_ms(&t);
                tape_tone(&t, 2100 + off, -16, 3000);
                if (ansam)
                    for (size_t i = 0; i < 24000; i++)
                        t.s[from * 8 + i] *= (float)((1 + 0.2 * sin(i * 6.2831853 * 15 / 8000)) *
                                                     (i / 3600 % 2 ? -1 : 1));
                tape_silence(&t, 800);
                const struct heard *h =
                    line_play(&t, (struct line){.phase = (enum dsp_phase)phase});
                cr_assert_eq(heard_count(h, DSP_CED), 1, "phase %d ansam %d off %d: %u", phase,
                             ansam, off, heard_count(h, DSP_CED));
                cr_assert_eq(heard_count(h, DSP_BEEP), 0);
                cr_assert_eq(heard_count(h, DSP_SPEECH_START), 0);
                cr_assert_leq(heard_at(h, heard_first(h, DSP_CED)), 600 + 1100);
                tape_close(&t);
            }
}

Test(fax, other_lengths_and_frequencies_are_not)
{
    static const double cases[][2] = {{1100, 250}, {1100, 900},  {1200, 500}, {1000, 500},
                                      {2100, 700}, {2225, 3000}, {2000, 3000}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tape t;
        tape_open(&t, i + 1);
        tape_silence(&t, 300);
        tape_tone(&t, cases[i][0], -16, cases[i][1]);
        tape_silence(&t, 700);
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
        cr_assert_eq(heard_count(h, DSP_CNG) + heard_count(h, DSP_CED), 0, "%g Hz %g ms",
                     cases[i][0], cases[i][1]);
        tape_close(&t);
    }
}

Test(fax, is_not_heard_in_talk)
{
    struct tape t;
    tape_open(&t, 7);
    for (int i = 0; i < 40; i++) {
        tape_speech(&t, -15, 1500);
        tape_silence(&t, 150);
    }
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
    cr_assert_eq(h->n, 0, "%u events in a minute of talk", h->n);
    tape_close(&t);
}
