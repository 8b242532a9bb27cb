/* Special information tones: all categories at the edges of their tolerance, and the ITU form. */
#include <criterion/criterion.h>

#include "dsp/made.h"

struct sit {
    enum dsp_sit category;
    char form[7]; /* lengths, then pitches: "SSLLLL" */
};

static const struct sit sits[] = {
    {SIT_IC, "SSLLLL"},         {SIT_VC, "LSLHLL"},         {SIT_RO_INTRA, "SLLLHL"},
    {SIT_RO_INTER, "SLLHLL"},   {SIT_NC_INTRA, "LLLHHL"},   {SIT_NC_INTER, "LLLLLL"},
    {SIT_RESERVED_1, "LSSLHL"}, {SIT_RESERVED_2, "SSLHHL"},
};

static void record(struct tape *t, const char *form, double pitch, double stretch, double gap_ms,
                   double level)
{
    static const double hz[3][2] = {{913.8, 985.2}, {1370.6, 1428.5}, {1776.7, 1776.7}};
    for (int i = 0; i < 3; i++) {
        tape_tone(t, hz[i][form[3 + i] == 'H'] * pitch, level,
                  (form[i] == 'L' ? 380 : 274) * stretch);
        if (i < 2)
            tape_silence(t, gap_ms);
    }
}

static void expect(const struct sit *s, double pitch, double stretch, double gap, double level,
                   double noise, struct line line)
{
    struct tape t;
    tape_open(&t, (uint32_t)s->category + 3);
    tape_silence(&t, 310);
    record(&t, s->form, pitch, stretch, gap, level);
    tape_silence(&t, 600);
    if (noise > -90)
        tape_noise(&t, noise, 0);
    line.phase = DSP_EARLY;
    const struct heard *h = line_play(&t, line);
    const struct dsp_event *e = heard_first(h, DSP_SIT);
    cr_assert_not_null(e, "%s ×%g gap %g level %g: nothing", dsp_sit_name(s->category), pitch, gap,
                       level);
    cr_assert_eq(e->detail, s->category, "%s ×%g ×%g gap %g: heard %s (%u, %u Hz)",
                 dsp_sit_name(s->category), pitch, stretch, gap, dsp_sit_name(e->detail),
                 e->freq_hz[0], e->freq_hz[1]);
    cr_assert_leq(abs((int)e->start_ms - 310), 20);
    cr_assert_eq(heard_tones(h), 1, "no beep, no other tone");
    tape_close(&t);
}

Test(sit, tells_all_categories_in_both_laws)
{
    for (unsigned i = 0; i < sizeof sits / sizeof sits[0]; i++)
        for (int law = 0; law < 2; law++) {
            expect(&sits[i], 1, 1, 0, -24, -99, (struct line){.alaw = law});
            expect(&sits[i], 1, 1, 20, -24, -99, (struct line){.alaw = law});
        }
}

Test(sit, takes_1_5_percent_5_percent_of_length_noise_and_loss)
{
    for (unsigned i = 0; i < sizeof sits / sizeof sits[0]; i++) {
        expect(&sits[i], 1.015, 1, 0, -24, -99, (struct line){0});
        expect(&sits[i], 0.985, 1, 10, -24, -99, (struct line){0});
        expect(&sits[i], 1, 1.05, 0, -24, -60, (struct line){0});
        expect(&sits[i], 1, 0.95, 0, -24, -60, (struct line){0});
        expect(&sits[i], 1, 1, 0, -24, -39, (struct line){0});
        expect(&sits[i], 1, 1, 0, -35, -60, (struct line){0});
        expect(&sits[i], 1, 1, 0, -5, -60, (struct line){0});
        expect(&sits[i], 1, 1, 0, -24, -60, (struct line){.lose_every = 33});
    }
}

/* A run of lost packets within a tone, or over where one goes over into the next. */
Test(sit, is_heard_over_lost_packets_in_a_row)
{
    for (unsigned i = 0; i < sizeof sits / sizeof sits[0]; i++)
        for (unsigned run = 2; run <= 8; run++)
            for (unsigned at = 13; at < 80; at += 1 + i % 3) {
                struct tape t;
                tape_open(&t, i + 3);
                tape_silence(&t, 310);
                record(&t, sits[i].form, 1, 1, 0, -24);
                tape_silence(&t, 600);
                const struct heard *h = line_play(
                    &t, (struct line){.phase = DSP_ANSWERED, .lose_at = at, .lose_run = run});
                cr_assert_eq(heard_count(h, DSP_SIT), 1, "%s: %u lost at %u",
                             dsp_sit_name(sits[i].category), run, at);
                cr_assert_eq(heard_tones(h), 1, "%s: %u lost at %u", dsp_sit_name(sits[i].category),
                             run, at);
                tape_close(&t);
            }
}

/* ITU-T E.180: 950, 1400, 1800 ± 50 Hz, 330 ± 70 ms, gaps up to 30 ms: no category. */
Test(sit, the_itu_form_has_no_category)
{
    for (int length = 270; length <= 390; length += 30)
        for (int gap = 0; gap <= 30; gap += 10) {
            struct tape t;
            tape_open(&t, (uint32_t)(length + gap));
            tape_silence(&t, 300);
            for (int i = 0; i < 3; i++) {
                tape_tone(&t, i == 0 ? 950 : i == 1 ? 1400 : 1800, -20, length);
                tape_silence(&t, gap);
            }
            tape_silence(&t, 500);
            const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
            const struct dsp_event *e = heard_first(h, DSP_SIT);
            cr_assert_not_null(e, "%d ms, gap %d", length, gap);
            cr_assert_eq(e->detail, SIT_ITU, "%s", dsp_sit_name(e->detail));
            tape_close(&t);
        }
}

Test(sit, after_answer_it_is_neither_beep_nor_speech)
{
    struct tape t;
    tape_open(&t, 9);
    for (int i = 0; i < 3; i++) {
        record(&t, "LSLHLL", 1, 1, 0, -20);
        tape_silence(&t, 1500);
    }
    const struct heard *h = line_play(&t, (struct line){0});
    cr_assert_eq(heard_count(h, DSP_SIT), 3);
    cr_assert_eq(heard_count(h, DSP_BEEP), 0);
    cr_assert_eq(heard_count(h, DSP_SPEECH_START), 0);
    tape_close(&t);
}

Test(sit, wants_all_three_in_order)
{
    static const double wrong[4][3] = {
        {985, 1371, 0}, {1371, 985, 1777}, {985, 1777, 1371}, {0, 1371, 1777}};
    for (int i = 0; i < 4; i++) {
        struct tape t;
        tape_open(&t, 2);
        tape_silence(&t, 200);
        for (int k = 0; k < 3; k++)
            if (wrong[i][k] > 0)
                tape_tone(&t, wrong[i][k], -20, 330);
        tape_silence(&t, 800);
        cr_assert_eq(heard_count(line_play(&t, (struct line){.phase = DSP_EARLY}), DSP_SIT), 0);
        tape_close(&t);
    }
}

/* Segments made by hand: the first two equally loud, then the next by that ratio of power. */
static bool whole_with_ratio(unsigned place, float ratio)
{
    static const float hz[] = {985.2f, 1428.5f, 1776.7f};
    struct leg *l = made_leg(DSP_EARLY);
    struct made_events m;
    struct sink *s = made_sink(&m);
    for (unsigned i = 0; i < 3; i++) {
        struct segment g = {.start_ms = 1000 + 380 * i,
                            .end_ms = 1380 + 380 * i,
                            .f_hz = {hz[i]},
                            .power = i < place ? 1e5f : 1e5f * ratio,
                            .tones = 1};
        sit_segment(l, &g, s);
    }
    return s->count == 1 && m.e[0].kind == DSP_SIT;
}

Test(sit, the_three_are_within_9_db_of_each_other)
{
    for (unsigned place = 1; place < 3; place++) {
        cr_assert(whole_with_ratio(place, 7.8f));
        cr_assert_not(whole_with_ratio(place, 8.2f));
        cr_assert(whole_with_ratio(place, 1 / 7.8f));
        cr_assert_not(whole_with_ratio(place, 1 / 8.2f));
    }
}
