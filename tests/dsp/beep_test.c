/* Beeps: every length and pitch that is one, how soon it is said, and what is not one. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

/* Speech, a pause, the beep, silence: how many beeps are said. */
static unsigned beeps(double f, double level, double ms, double noise, struct line line,
                      uint32_t *late_ms)
{
    struct tape t;
    tape_open(&t, (uint32_t)(f + ms));
    tape_silence(&t, 200);
    tape_speech(&t, -20, 3000);
    tape_silence(&t, 303);
    uint32_t from = tape_ms(&t);
    tape_tone(&t, f, level, ms);
    uint32_t to = tape_ms(&t);
    tape_silence(&t, 1000);
    if (noise > -90)
        tape_noise(&t, noise, 0);
    const struct heard *h = line_play(&t, line);
    const struct dsp_event *e = heard_first(h, DSP_BEEP);
    if (e) {
        *late_ms = heard_at(h, e) - to;
        int within = line.lose_every ? 32 : 12; /* concealment may lengthen the tone by a block */
        cr_assert_leq(abs((int)e->start_ms - (int)from), within, "%g Hz %g ms: start %u, was %u", f,
                      ms, e->start_ms, from);
        cr_assert_leq(abs((int)e->end_ms - (int)to), within, "%g Hz %g ms: end %u, was %u", f, ms,
                      e->end_ms, to);
        cr_assert_leq(fabs(e->freq_hz[0] - f), 6, "%g Hz heard as %u", f, e->freq_hz[0]);
    }
    unsigned n = heard_count(h, DSP_BEEP);
    cr_assert_eq(heard_tones(h), n, "%g Hz %g ms: other tones", f, ms);
    tape_close(&t);
    return n;
}

Test(beep, hears_70_ms_to_1_5_s_at_200_to_3800_hz_within_100_ms)
{
    static const double lengths[] = {70, 100, 150, 250, 400, 700, 1000, 1500};
    static const double pitches[] = {200,  310,  425,  440,  520,  620,  750,  853,  1000, 1100,
                                     1250, 1400, 1633, 1800, 2000, 2400, 2900, 3500, 3800};
    for (unsigned i = 0; i < 8; i++)
        for (unsigned k = 0; k < 19; k++)
            for (int law = 0; law < 2; law++) {
                if (pitches[k] < 550 && lengths[i] < 100)
                    continue; /* a syllable can be as pure */
                uint32_t late = 999;
                unsigned n = beeps(pitches[k], -16, lengths[i], -55,
                                   (struct line){.alaw = law, .plan = law ? "cz" : "us"}, &late);
                cr_assert_eq(n, 1, "%g Hz %g ms: %u", pitches[k], lengths[i], n);
                cr_assert_leq(late, 100, "%g Hz %g ms: said %u ms after", pitches[k], lengths[i],
                              late);
            }
}

Test(beep, takes_levels_noise_and_loss)
{
    uint32_t late;
    for (int level = -3; level >= -33; level -= 5)
        cr_assert_eq(beeps(1000, level, 300, -55, (struct line){0}, &late), 1, "%d", level);
    cr_assert_eq(beeps(1000, -20, 300, -35, (struct line){0}, &late), 1, "15 dB over noise");
    for (unsigned every = 28; every < 40; every++)
        cr_assert_eq(beeps(1000, -16, 300, -55, (struct line){.lose_every = every}, &late), 1,
                     "each %uth lost", every);
}

Test(beep, is_heard_in_talk_while_wanted_and_only_then)
{
    uint32_t late;
    cr_assert_eq(
        beeps(950, -16, 400, -55, (struct line){.phase = DSP_TALK, .want_beep = true}, &late), 1);
    cr_assert_leq(late, 100);
    cr_assert_eq(beeps(950, -16, 400, -55, (struct line){.phase = DSP_TALK}, &late), 0);
    cr_assert_eq(beeps(950, -16, 400, -55, (struct line){.phase = DSP_EARLY}, &late), 0);
}

/* Lays a tone on the tape whose frequency (Hz) and amplitude (1: −16 dBm0) are functions of the
 * part of it that is over, 0 to 1. */
static void shaped(struct tape *t, double ms, double (*hz)(double), double (*loud)(double))
{
    float *at = tape_more(t, ms);
    size_t n = (size_t)(ms * 8);
    double phase = 0;
    for (size_t i = 0; i < n; i++) {
        double part = (double)i / (double)n;
        phase += 6.283185307 * hz(part) / 8000;
        at[i] = (float)(tape_peak(-16) * (loud ? loud(part) : 1) * sin(phase));
    }
}

static double steady(double p)
{
    return 900 + 0 * p;
}
static double up_60(double p)
{
    return 1000 + 60 * p;
}
static double down_200(double p)
{
    return 1500 - 200 * p;
}
static double up_600(double p)
{
    return 800 + 600 * p;
}
static double vibrato(double p)
{
    return 1000 + 25 * sin(6.2831853 * 3 * p);
}
static double there_and_back(double p)
{
    return 1000 + (p < 0.5 ? 120 * p : 120 * (1 - p));
}
static double swells(double p)
{
    return 0.35 + 0.65 * sin(3.14159 * p);
}
static double fades(double p)
{
    return p < 0.7 ? 1 : (1 - p) / 0.3;
}
static double fades_in(double p)
{
    return p > 0.3 ? 1 : p / 0.3;
}
static double stands(double p)
{
    return 1 + 0 * p;
}

Test(beep, may_glide_evenly_but_not_waver_swell_or_fade)
{
    static const struct {
        double ms;
        double (*hz)(double), (*loud)(double);
        unsigned beeps;
    } cases[] = {
        {400, steady, stands, 1},         {200, up_60, stands, 1},  {800, up_60, stands, 1},
        {400, down_200, stands, 1},       {400, up_600, stands, 0}, {400, vibrato, stands, 0},
        {400, there_and_back, stands, 0}, {400, steady, swells, 0}, {400, steady, fades, 0},
        {300, steady, fades_in, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tape t;
        tape_open(&t, i + 1);
        tape_speech(&t, -20, 2000);
        tape_silence(&t, 300);
        shaped(&t, cases[i].ms, cases[i].hz, cases[i].loud);
        tape_silence(&t, 600);
        unsigned n = heard_count(line_play(&t, (struct line){0}), DSP_BEEP);
        cr_assert_eq(n, cases[i].beeps, "case %u: %u", i, n);
        tape_close(&t);
    }
}

/* Each part is told, so that whoever waits can begin after the last; a third alike, seconds later,
 * is a network's tone. */
Test(beep, counts_the_parts_of_a_double_beep)
{
    struct tape t;
    tape_open(&t, 4);
    tape_speech(&t, -20, 2000);
    tape_silence(&t, 400);
    tape_tone(&t, 1400, -15, 150);
    tape_silence(&t, 120);
    tape_tone(&t, 1400, -15, 150);
    tape_silence(&t, 1500);
    uint32_t third = tape_ms(&t);
    tape_tone(&t, 1400, -15, 150);
    tape_silence(&t, 500);
    const struct heard *h = line_play(&t, (struct line){0});
    unsigned n = 0;
    for (unsigned i = 0; i < h->n; i++)
        if (h->e[i].kind == DSP_BEEP) {
            cr_assert_eq(h->e[i].detail, ++n);
            cr_assert_lt(h->e[i].end_ms, third);
        }
    cr_assert_eq(n, 2, "%u", n);
    tape_close(&t);
}

Test(beep, is_heard_clipped_and_with_a_lost_packet_at_either_end)
{
    for (unsigned lost = 0; lost < 20; lost++) {
        struct tape t;
        tape_open(&t, lost + 1);
        tape_speech(&t, -20, 2000);
        tape_silence(&t, 300);
        uint32_t from = tape_ms(&t);
        tape_tone(&t, 1000, -4, 173);
        uint32_t to = tape_ms(&t);
        tape_silence(&t, 300 + 20 * 10);
        for (size_t i = from * 8; i < t.n; i++) {
            float top = (float)tape_peak(-12);
            t.s[i] = t.s[i] > top ? top : t.s[i] < -top ? -top : t.s[i];
        }
        /* One block of each 110 or so is lost: lost counts its place from before to after. */
        unsigned number = from / 20 - 3 + lost;
        const struct heard *h = line_play(
            &t, (struct line){.lose_every = lost < 15 ? number + 1 : 0, .loss_mute = lost % 2});
        cr_assert_eq(heard_count(h, DSP_BEEP), 1, "lost %u: %u", lost, heard_count(h, DSP_BEEP));
        cr_assert_leq(abs((int)heard_first(h, DSP_BEEP)->end_ms - (int)to), 35,
                      "lost %u: %u, was %u", lost, heard_first(h, DSP_BEEP)->end_ms, to);
        tape_close(&t);
    }
}

Test(beep, is_one_beep_when_cut_by_lost_packets)
{
    for (unsigned run = 1; run <= 12; run++)
        for (unsigned mute = 0; mute < 2; mute++) {
            struct tape t;
            tape_open(&t, run);
            tape_speech(&t, -20, 2000);
            tape_silence(&t, 305);
            tape_tone(&t, 1000, -16, 700);
            tape_silence(&t, 500);
            struct line line = {.lose_at = 125, .lose_run = run, .loss_mute = mute};
            const struct heard *h = line_play(&t, line);
            cr_assert_eq(heard_count(h, DSP_BEEP), 1, "%u lost: %u", run, heard_count(h, DSP_BEEP));
            const struct dsp_event *e = heard_first(h, DSP_BEEP);
            cr_assert_leq(abs((int)e->start_ms - 2305), 12, "%u lost: %u", run, e->start_ms);
            cr_assert_leq(abs((int)e->end_ms - 3005), 12, "%u lost: %u", run, e->end_ms);
            tape_close(&t);
        }
}

/* Our own voice, coming back 25 dB quieter than the tone, is not speech before a beep. */
Test(beep, is_not_a_network_tone_after_our_own_echo)
{
    static const double loud[2] = {-18, -43};
    for (int echo = 0; echo < 2; echo++) {
        struct tape t;
        tape_open(&t, 5);
        tape_speech(&t, loud[echo], 2500);
        tape_silence(&t, 300);
        tape_tone(&t, 425, -17, 400);
        tape_silence(&t, 1000);
        tape_noise(&t, -65, 0);
        const struct heard *h = line_play(&t, (struct line){.plan = "cz"});
        cr_assert_eq(heard_count(h, DSP_BEEP), echo ? 0 : 1, "echo %d", echo);
        cr_assert_gt(heard_count(h, DSP_SPEECH_START), 0, "it is heard, though");
        tape_close(&t);
    }
}

Test(beep, is_not_a_click_a_long_tone_a_melody_or_a_chord)
{
    uint32_t late;
    cr_assert_eq(beeps(1000, -16, 40, -55, (struct line){0}, &late), 0, "40 ms");
    cr_assert_eq(beeps(1000, -16, 1800, -55, (struct line){0}, &late), 0, "1.8 s");
    cr_assert_eq(beeps(150, -16, 400, -55, (struct line){0}, &late), 0, "150 Hz");
    struct tape t;
    tape_open(&t, 3);
    tape_speech(&t, -20, 2000);
    tape_silence(&t, 300);
    for (int i = 0; i < 4; i++)
        tape_tone(&t, 800 + 150 * i, -16, 150);
    tape_silence(&t, 600);
    tape_pair(&t, 900, -16, 1300, -16, 400);
    tape_silence(&t, 600);
    cr_assert_eq(heard_count(line_play(&t, (struct line){0}), DSP_BEEP), 0);
    tape_close(&t);
}

/* Network tones after answer, of the plan and of others, are not beeps. */
Test(beep, is_not_a_network_tone)
{
    static const struct {
        char plan[4];
        double f1, f2, on, off;
    } tones[] = {{"us", 440, 480, 2000, 4000}, {"us", 480, 620, 500, 500},
                 {"cz", 425, 0, 330, 330},     {"si", 425, 0, 1000, 4000},
                 {"cz", 425, 0, 165, 165},     {"us", 425, 0, 400, 400},
                 {"us", 425, 0, 1000, 4000},   {"cz", 440, 480, 2000, 4000}};
    for (unsigned i = 0; i < sizeof tones / sizeof tones[0]; i++) {
        struct tape t;
        tape_open(&t, i + 1);
        tape_silence(&t, 200);
        while (tape_ms(&t) < 14000) {
            tape_pair(&t, tones[i].f1, -15, tones[i].f2, -15, tones[i].on);
            tape_silence(&t, tones[i].off);
        }
        tape_noise(&t, -60, 0);
        const struct heard *h = line_play(&t, (struct line){.plan = tones[i].plan});
        cr_assert_eq(heard_count(h, DSP_BEEP), 0, "tone %u", i);
        cr_assert_eq(heard_count(h, DSP_SPEECH_START), 0, "tone %u is not speech", i);
        const struct dsp_event *v = heard_first(h, DSP_VERDICT);
        cr_assert(!v || v->detail == VERDICT_UNSURE, "tone %u: %s", i, dsp_verdict_name(v->detail));
        tape_close(&t);
    }
}

Test(beep, is_not_heard_in_speech)
{
    struct tape t;
    tape_open(&t, 12);
    for (int i = 0; i < 120; i++) {
        tape_speech(&t, -12 - i % 9, 600 + 70 * (i % 17));
        tape_silence(&t, 100 + 60 * (i % 7));
    }
    tape_noise(&t, -55, 0);
    const struct heard *h = line_play(&t, (struct line){0});
    cr_assert_eq(heard_count(h, DSP_BEEP), 0, "%u in two minutes of speech",
                 heard_count(h, DSP_BEEP));
    tape_close(&t);
}

/* A tone after speech and quiet, spoilt in one way by so much: nothing, then what is still a beep,
 * then what is none. */
enum spoilt { IMPURE, WOBBLE, SWELL, SOFT_RISE, SOFT_FALL, GLIDE, SPOILT_COUNT };
static const struct {
    double hz, ms, good, bad;
} limits[SPOILT_COUNT] = {
    [IMPURE] = {1000, 400, 0.065, 0.115}, /* share of the energy in another tone */
    [WOBBLE] = {1000, 500, 4.5, 7.5},     /* Hz either side, 4 times a second */
    [SWELL] = {1000, 500, 3.0, 4.6},      /* dB from the beginning to the end */
    [SOFT_RISE] = {1000, 400, 4, 24},     /* ms, rising evenly */
    [SOFT_FALL] = {1000, 400, 4, 44},     /* ms */
    [GLIDE] = {1200, 600, 270, 360},      /* Hz over the beep */
};

static unsigned spoilt_beeps(enum spoilt how, double by, bool alaw)
{
    struct tape t;
    tape_open(&t, (uint32_t)how + 31);
    tape_speech(&t, -20, 2500);
    tape_silence(&t, 400);
    size_t n = (size_t)(limits[how].ms * 8);
    float *at = tape_more(&t, limits[how].ms);
    double phase = 0, peak = tape_peak(-16);
    for (size_t i = 0; i < n; i++) {
        double s = (double)i / 8000, part = (double)i / (double)n;
        double hz = limits[how].hz;
        double gain = how == SWELL ? pow(10, -by * part / 20) : 1;
        double left = how == SOFT_RISE ? (double)i : how == SOFT_FALL ? (double)(n - i) : 1e9;
        gain *= left < 8 * by ? left / (8 * by) : 1;
        hz += how == WOBBLE ? by * sin(6.283185307 * 4 * s) : 0;
        hz += how == GLIDE ? by * (part - 0.5) : 0;
        phase += 6.283185307179586 * hz / 8000;
        at[i] = (float)(peak * gain * sin(phase));
        if (how == IMPURE)
            at[i] += (float)(peak * sqrt(by / (1 - by)) * sin(6.283185307 * 2730 * s));
    }
    tape_silence(&t, 600);
    unsigned beeps_said =
        heard_count(line_play(&t, (struct line){.phase = DSP_ANSWERED, .alaw = alaw}), DSP_BEEP);
    tape_close(&t);
    return beeps_said;
}

Test(beep, has_limits_and_keeps_them)
{
    for (int how = 0; how < SPOILT_COUNT; how++)
        for (int alaw = 0; alaw < 2; alaw++) {
            cr_expect_eq(spoilt_beeps(how, limits[how].good, alaw), 1, "way %d by %g", how,
                         limits[how].good);
            cr_expect_eq(spoilt_beeps(how, limits[how].bad, alaw), 0, "way %d by %g", how,
                         limits[how].bad);
        }
}

/* A second beep of the same pitch is the first one's second part up to 0.4 s after it, and a
 * network's tone from then on. */
Test(beep, repeats_within_a_while_are_not_new_beeps)
{
    static const struct {
        double apart_ms, off_hz;
        unsigned beeps;
    } cases[] = {{340, 0, 2},  {470, 0, 1},   {5000, 0, 1},
                 {8000, 0, 2}, {5000, 19, 2}, {5000, 11, 1}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tape t;
        tape_open(&t, i + 3);
        tape_speech(&t, -20, 2500);
        tape_silence(&t, 400);
        tape_tone(&t, 1000, -16, 300);
        tape_silence(&t, cases[i].apart_ms);
        tape_tone(&t, 1000 + cases[i].off_hz, -16, 300);
        tape_silence(&t, 600);
        unsigned n = heard_count(line_play(&t, (struct line){.phase = DSP_ANSWERED}), DSP_BEEP);
        cr_expect_eq(n, cases[i].beeps, "%g ms, %g Hz: %u", cases[i].apart_ms, cases[i].off_hz, n);
        tape_close(&t);
    }
}
