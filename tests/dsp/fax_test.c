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

/* Noise from the start of the call on, and packets missing as a burst begins: that is no speech,
 * after which it would be a beep. */
Test(fax, a_burst_of_cng_is_not_taken_for_speech_before_itself)
{
    for (unsigned at = 20; at < 30; at++)
        for (unsigned run = 1; run < 4; run++)
            for (int off = -30; off <= 30; off += 30) {
                struct tape t;
                tape_open(&t, at + 31 * run);
                tape_silence(&t, 423 + 7 * run);
                tape_tone(&t, 1100 + off, -20, 500);
                tape_silence(&t, 2000);
                tape_noise(&t, -35, 0);
                const struct heard *h =
                    line_play(&t, (struct line){.lose_at = at, .lose_run = run});
                cr_assert_eq(heard_count(h, DSP_CNG), 1, "lost from %u, %u, %d Hz", at, run, off);
                cr_assert_eq(heard_count(h, DSP_BEEP), 0, "lost from %u, %u, %d Hz", at, run, off);
                tape_close(&t);
            }
}

/* The second one is cut short or run on by missing packets: in time, so it is no beep. */
Test(fax, a_burst_of_cng_of_a_wrong_length_in_time_is_no_beep)
{
    static const double lengths[] = {300, 370, 640, 720};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int late = 0; late < 2; late++) { /* 8 s after the first it is one of its own */
            struct tape t;
            tape_open(&t, i + 1);
            tape_silence(&t, 400);
            tape_tone(&t, 1100, -16, 500);
            tape_silence(&t, late ? 8000 : 3000);
            tape_tone(&t, 1100, -16, lengths[i]);
            tape_silence(&t, 900);
            const struct heard *h = line_play(&t, (struct line){.want_beep = true});
            cr_assert_eq(heard_count(h, DSP_CNG), 1);
            cr_assert_eq(heard_count(h, DSP_BEEP), late, "%g ms, late %d", lengths[i], late);
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
    static const double cases[][2] = {{1100, 250}, {1100, 380},  {1100, 660},  {1100, 900},
                                      {1200, 500}, {1155, 500},  {1045, 500},  {1000, 500},
                                      {2100, 700}, {2126, 3000}, {2074, 3000}, {2225, 3000},
                                      {2000, 3000}};
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

/* ---- answer tones and their marks ---- */

struct answer {
    double hz, level, am_depth, am_hz;
    double turn_ms; /* between reversals; 0: none */
};

static void record_answer(struct tape *t, const struct answer *a, double ms)
{
    size_t n = (size_t)(ms * 8);
    float *at = tape_more(t, ms);
    for (size_t i = 0; i < n; i++) {
        double turned = a->turn_ms > 0 && (size_t)((double)i / (8 * a->turn_ms)) % 2 ? -1 : 1;
        at[i] = (float)(turned * tape_peak(a->level) * sin(6.283185307179586 * a->hz * i / 8000) *
                        (1 + a->am_depth * sin(6.283185307179586 * a->am_hz * i / 8000)));
    }
}

/* clip: tops beyond that level are cut; 0: none. */
static const struct dsp_event *hear_clipped(const struct answer *a, double noise, double clip,
                                            struct line line)
{
    struct tape t;
    tape_open(&t, (uint32_t)(a->hz + a->turn_ms));
    tape_silence(&t, 430);
    record_answer(&t, a, 3000);
    tape_silence(&t, 600);
    if (noise < 0)
        tape_noise(&t, noise, 0);
    if (clip < 0)
        tape_clip(&t, clip);
    const struct heard *h = line_play(&t, line);
    unsigned n = heard_count(h, DSP_CED) + heard_count(h, DSP_MODEM);
    cr_assert_leq(n, 1);
    cr_assert_eq(heard_tones(h), n, "nothing else");
    tape_close(&t);
    const struct dsp_event *e = heard_first(h, DSP_CED);
    return e ? e : heard_first(h, DSP_MODEM);
}

static const struct dsp_event *hear_answer(const struct answer *a, double noise, struct line line)
{
    return hear_clipped(a, noise, 0, line);
}

/* Cut early, a part of it is as long as a beep, and the edges are of the packets. */
Test(fax, answer_tones_cut_by_lost_packets_are_no_beeps)
{
    static const struct answer sounds[] = {
        {2100, -16, 0, 0, 0}, {2100, -16, 0.2, 15, 450}, {2225, -16, 0, 0, 0}};
    static const unsigned runs[] = {3, 7, 9, 12, 16};
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < 5; k++)
            for (unsigned at = 20; at < 75; at++)
                for (int mute = 0; mute < 2; mute++) {
                    struct line line = {.lose_at = at, .lose_run = runs[k], .loss_mute = mute};
                    cr_assert_not_null(hear_answer(&sounds[i], -55, line), "%u: %u lost at %u", i,
                                       runs[k], at);
                }
}

Test(fax, cng_cut_by_lost_packets_is_no_beep)
{
    for (unsigned run = 4; run <= 10; run++)
        for (unsigned at = 15; at < 50; at++) {
            struct tape t;
            tape_open(&t, 5);
            tape_silence(&t, 430);
            tape_tone(&t, 1100, -16, 500);
            tape_silence(&t, 1000);
            tape_noise(&t, -55, 0);
            const struct heard *h = line_play(&t, (struct line){.lose_at = at, .lose_run = run});
            cr_assert_eq(heard_count(h, DSP_CNG), 1, "%u lost at %u", run, at);
            cr_assert_eq(heard_tones(h), 1, "%u lost at %u", run, at);
            tape_close(&t);
        }
}

/* V.25: 450 ms ± 25; V.8: 15 Hz ± 0.1, 20 % ± 1. */
Test(fax, tells_the_four_answer_tones_at_their_corners)
{
    static const struct line lines[] = {
        {.phase = DSP_EARLY},
        {.phase = DSP_TALK},
        {.phase = DSP_ANSWERED, .alaw = true},
        {.phase = DSP_ANSWERED, .lose_every = 33},
        {.phase = DSP_ANSWERED, .lose_every = 50, .lose_run = 2, .loss_mute = true},
    };
    for (int kind = ANSWER_ANS; kind < ANSWER_COUNT; kind++)
        for (unsigned k = 0; k < sizeof lines / sizeof lines[0]; k++)
            for (int corner = -1; corner <= 1; corner++) {
                struct answer a = {2100 + 15 * corner, corner ? -16 : -36, 0, 0, 0};
                if (kind == ANSWER_ANS_PR || kind == ANSWER_ANSAM_PR)
                    a.turn_ms = 450 + 25 * corner;
                if (kind >= ANSWER_ANSAM) {
                    a.am_depth = 0.2 + 0.01 * corner;
                    a.am_hz = 15 + 0.1 * corner;
                }
                const struct dsp_event *e = hear_answer(&a, corner ? -31 : 0, lines[k]);
                cr_assert_not_null(e, "%s, line %u, corner %d", dsp_answer_name(kind), k, corner);
                cr_assert_eq(e->kind, DSP_CED);
                cr_assert_eq(e->detail, kind, "%s heard as %s, line %u, corner %d",
                             dsp_answer_name(kind), dsp_answer_name(e->detail), k, corner);
                cr_assert_leq(fabs(e->level_ddb / 10.0 - a.level), 2);
            }
}

/* Two looks in a row can see a reversal 17 Hz beside the tone, wherever it falls. */
Test(fax, reversals_anywhere_leave_the_tone_one)
{
    for (int off = -15; off <= 15; off += off == -15 || off == 6 ? 9 : 6)
        for (double turn_ms = 435; turn_ms <= 460; turn_ms += 1.25) {
            struct answer a = {2100 + off, -16, 0, 0, turn_ms};
            const struct dsp_event *e = hear_answer(&a, 0, (struct line){.phase = DSP_EARLY});
            cr_assert_not_null(e, "%d Hz off, turned every %g ms", off, turn_ms);
            cr_assert_eq(e->detail, ANSWER_ANS_PR, "%d Hz off, turned every %g ms", off, turn_ms);
            cr_assert_leq(abs((int)e->start_ms - 430), 15, "%d Hz off, %g ms: %u", off, turn_ms,
                          e->start_ms);
            cr_assert_leq(e->end_ms - e->start_ms, 1030);
        }
}

/* The modulation is all but gone, the phase is not. */
Test(fax, tells_the_four_answer_tones_when_clipped)
{
    for (int kind = ANSWER_ANS; kind < ANSWER_COUNT; kind++)
        for (int over_db = 1; over_db <= 16; over_db += 3)
            for (int off = -15; off <= 15; off += 6) {
                bool turned = kind == ANSWER_ANS_PR || kind == ANSWER_ANSAM_PR;
                bool modulated = kind >= ANSWER_ANSAM;
                struct answer a = {2100 + off, -12 + over_db, 0, 15, turned ? 450 : 0};
                a.am_depth = modulated ? 0.19 : 0.04;
                struct line line = {.alaw = off > 0};
                const struct dsp_event *e = hear_clipped(&a, 0, -12, line);
                cr_assert_not_null(e);
                cr_assert_eq(e->detail, kind, "%s heard as %s, %d dB over, %d Hz off",
                             dsp_answer_name(kind), dsp_answer_name(e->detail), over_db, off);
            }
}

Test(fax, other_marks_are_none)
{
    static const struct answer cases[] = {
        {2100, -16, 0, 0, 385},  {2100, -16, 0, 0, 515},   {2100, -16, 0.2, 11, 0},
        {2100, -16, 0.2, 19, 0}, {2100, -16, 0.05, 15, 0}, {2100, -16, 0, 0, 150},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct dsp_event *e = hear_answer(&cases[i], 0, (struct line){.phase = DSP_EARLY});
        cr_assert(!e || e->detail == ANSWER_ANS, "case %u: %s", i, dsp_answer_name(e->detail));
    }
}

Test(fax, bell_answer_is_a_modem_and_2100_is_not)
{
    for (int off = -15; off <= 15; off += 15)
        for (int alaw = 0; alaw < 2; alaw++) {
            struct answer a = {2225 + off, off ? -16 : -36, 0, 0, 0};
            struct line line = {.phase = alaw ? DSP_EARLY : DSP_ANSWERED, .alaw = alaw};
            const struct dsp_event *e = hear_answer(&a, off ? -31 : 0, line);
            cr_assert_not_null(e);
            cr_assert_eq(e->kind, DSP_MODEM);
            cr_assert_leq(abs((int)e->start_ms - 430), 15);
        }
    for (int hz = 2150; hz <= 2280; hz += 130) {
        struct answer a = {hz, -16, 0, 0, 0};
        cr_assert_null(hear_answer(&a, 0, (struct line){.phase = DSP_EARLY}), "%d Hz", hz);
    }
}

/* ---- V.21 ---- */

/* Bits at 300 a second, phase going on; 1650 Hz is a one. */
static void record_v21(struct tape *t, const uint8_t *bits, size_t n, double off_hz, double level)
{
    size_t samples = n * 8000 / 300;
    float *at = tape_more(t, (double)samples / 8);
    double phase = 0;
    for (size_t i = 0; i < samples; i++) {
        phase += 6.283185307179586 * ((bits[i * 300 / 8000] ? 1650 : 1850) + off_hz) / 8000;
        at[i] = (float)(tape_peak(level) * sin(phase));
    }
}

static void record_flags(struct tape *t, unsigned flags, double off_hz, double level)
{
    uint8_t bits[400];
    for (unsigned i = 0; i < 8 * flags; i++)
        bits[i] = i % 8 != 0 && i % 8 != 7;
    record_v21(t, bits, 8 * flags, off_hz, level);
}

/* T.30: a second ± 15 % of flags; V.21: ± 6 Hz at the sender, ± 12 received. */
Test(fax, hears_the_preamble)
{
    static const struct line lines[] = {
        {.phase = DSP_EARLY},
        {.phase = DSP_ANSWERED, .alaw = true},
        {.phase = DSP_ANSWERED, .lose_every = 33},
        {.phase = DSP_ANSWERED, .lose_every = 50, .lose_run = 2, .loss_mute = true},
    };
    for (unsigned k = 0; k < sizeof lines / sizeof lines[0]; k++)
        for (int corner = -1; corner <= 1; corner++)
            for (int shift = 0; shift < 27; shift += 9) {
                double level = corner ? -16 : -38;
                struct tape t;
                tape_open(&t, (uint32_t)(corner + 7));
                tape_silence(&t, 400 + shift);
                record_flags(&t, 32, 12 * corner, level);
                uint8_t data[300];
                for (size_t i = 0; i < sizeof data; i++)
                    data[i] = tape_random(&t) > 0;
                record_v21(&t, data, sizeof data, 12 * corner, level);
                tape_silence(&t, 400);
                if (corner)
                    tape_noise(&t, level - 15, 0);
                const struct heard *h = line_play(&t, lines[k]);
                const struct dsp_event *e = heard_first(h, DSP_PREAMBLE);
                cr_assert_eq(heard_count(h, DSP_PREAMBLE), 1, "line %u, corner %d, shift %d: %u", k,
                             corner, shift, heard_count(h, DSP_PREAMBLE));
                cr_assert_eq(heard_tones(h), 1, "nothing else");
                cr_assert_leq(heard_at(h, e), 400 + shift + (lines[k].lose_every ? 700 : 290));
                if (!lines[k].lose_every)
                    cr_assert_leq(abs((int)e->start_ms - 400 - shift), 45, "start %u", e->start_ms);
                cr_assert_leq(fabs(e->level_ddb / 10.0 - level), 2);
                tape_close(&t);
            }
}

Test(fax, other_keying_is_no_preamble)
{
    for (int kind = 0; kind < 6; kind++) {
        struct tape t;
        uint8_t bits[600];
        tape_open(&t, (uint32_t)kind + 1);
        tape_silence(&t, 300);
        for (size_t i = 0; i < sizeof bits; i++)
            bits[i] = kind == 0   ? tape_random(&t) > 0      /* data */
                      : kind == 1 ? i % 2                    /* reversals */
                      : kind == 2 ? i % 8 == 0 || i % 8 == 7 /* upside down */
                      : kind == 3 ? i % 7 != 0 && i % 7 != 6 /* five ones */
                                  : i % 8 != 0 && i % 8 != 7;
        record_v21(&t, bits, kind == 5 ? 7 * 8 : sizeof bits, kind == 4 ? 170 : 0, -16);
        tape_silence(&t, 600);
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
        cr_assert_eq(heard_count(h, DSP_PREAMBLE), 0, "kind %d", kind);
        tape_close(&t);
    }
}

Test(fax, a_preamble_in_noise_as_loud_is_none)
{
    struct tape t;
    tape_open(&t, 3);
    tape_silence(&t, 300);
    record_flags(&t, 37, 0, -20);
    tape_noise(&t, -16, 0);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    cr_assert_eq(heard_count(h, DSP_PREAMBLE), 0);
    tape_close(&t);
}
