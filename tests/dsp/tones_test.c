/* Network tones: every plan's cadences, their tolerance, purity, and what must not be one. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

struct cadence {
    char plan[4];
    enum dsp_kind kind;
    double f1, f2, level;
    double ms[4]; /* on, off, on, off; the third is 0 for a simple one */
};

static const struct cadence cadences[] = {
    {"us", DSP_RINGBACK, 440, 480, -19, {2000, 4000}},
    {"us", DSP_BUSY, 480, 620, -24, {500, 500}},
    {"us", DSP_REORDER, 480, 620, -24, {250, 250}},
    {"gb", DSP_RINGBACK, 400, 450, -19, {400, 200, 400, 2000}},
    {"gb", DSP_BUSY, 400, 0, -19, {375, 375}},
    {"gb", DSP_REORDER, 400, 0, -19, {400, 350, 225, 525}},
    {"ru", DSP_RINGBACK, 425, 0, -15, {800, 3200}},
    {"ru", DSP_RINGBACK, 425, 0, -15, {1000, 4000}},
    {"ru", DSP_BUSY, 425, 0, -15, {400, 400}},
    {"ru", DSP_BUSY, 425, 0, -15, {350, 350}},
    {"ru", DSP_REORDER, 425, 0, -15, {175, 175}},
    {"cz", DSP_RINGBACK, 425, 0, -15, {1000, 4000}},
    {"cz", DSP_BUSY, 425, 0, -15, {330, 330}},
    {"cz", DSP_REORDER, 425, 0, -15, {165, 165}},
    {"si", DSP_RINGBACK, 425, 0, -15, {1000, 4000}},
    {"si", DSP_BUSY, 425, 0, -15, {500, 500}},
    {"si", DSP_REORDER, 425, 0, -15, {200, 200}},
    {"de", DSP_RINGBACK, 425, 0, -15, {1000, 4000}},
    {"de", DSP_BUSY, 425, 0, -15, {480, 480}},
    {"de", DSP_REORDER, 425, 0, -15, {240, 240}},
    {"at", DSP_RINGBACK, 420, 0, -15, {1000, 5000}},
    {"at", DSP_BUSY, 420, 0, -15, {400, 400}},
    {"at", DSP_REORDER, 420, 0, -15, {200, 200}},
    {"fr", DSP_RINGBACK, 440, 0, -15, {1500, 3500}},
    {"fr", DSP_BUSY, 440, 0, -15, {500, 500}},
    {"fr", DSP_REORDER, 440, 0, -15, {250, 250}},
    {"itu", DSP_RINGBACK, 425, 0, -15, {1000, 4000}},
    {"itu", DSP_BUSY, 425, 0, -15, {500, 500}},
    {"itu", DSP_REORDER, 425, 0, -15, {250, 250}},
};
#define CADENCES (sizeof cadences / sizeof cadences[0])

static void record(struct tape *t, const struct cadence *c, double pitch, double stretch,
                   double seconds)
{
    uint32_t from = tape_ms(t);
    while (tape_ms(t) - from < seconds * 1000)
        for (int i = 0; i < 4 && c->ms[i] > 0; i += 2) {
            tape_pair(t, c->f1 * pitch, c->level, c->f2 * pitch, c->level, c->ms[i] * stretch);
            tape_silence(t, c->ms[i + 1] * stretch);
        }
}

/* Plays twelve seconds of it: that kind, and no other network tone, is to be heard. */
static const struct heard *only(const struct cadence *c, double pitch, double stretch,
                                double noise_db, struct line line, bool expected)
{
    struct tape t;
    tape_open(&t, (uint32_t)(c - cadences) + 1);
    tape_silence(&t, 333);
    record(&t, c, pitch, stretch, 12);
    if (noise_db > -90)
        tape_noise(&t, noise_db, 0);
    line.plan = c->plan;
    line.phase = DSP_EARLY;
    const struct heard *h = line_play(&t, line);
    unsigned right = heard_count(h, c->kind);
    tape_close(&t);
    cr_assert_eq(right > 0, expected, "%s %s ×%g stretched ×%g: %u", c->plan,
                 dsp_kind_name(c->kind), pitch, stretch, right);
    if (expected)
        cr_assert_eq(heard_tones(h), right, "%s %s: other tones too", c->plan,
                     dsp_kind_name(c->kind));
    return h;
}

Test(tones, hears_every_plans_cadences_in_both_laws)
{
    for (unsigned i = 0; i < CADENCES; i++) {
        const struct cadence *c = &cadences[i];
        cr_assert_not_null(dsp_plan_find(c->plan));
        only(c, 1, 1, -99, (struct line){.alaw = true}, true);
        const struct heard *h = only(c, 1, 1, -99, (struct line){0}, true);
        const struct dsp_event *e = heard_first(h, c->kind);
        cr_assert_leq(abs((int)e->start_ms - 333), 25, "%s %s starts at %u", c->plan,
                      dsp_kind_name(c->kind), e->start_ms);
        cr_assert_leq(fabs(e->freq_hz[0] - c->f1), 4, "%u Hz", e->freq_hz[0]);
        cr_assert_leq(fabs(e->freq_hz[1] - c->f2), 4, "%u Hz", e->freq_hz[1]);
        double both = c->level + (c->f2 > 0 ? 3 : 0);
        cr_assert_leq(fabs(e->level_ddb / 10.0 - both), 2, "%s %s level %d", c->plan,
                      dsp_kind_name(c->kind), e->level_ddb);
    }
}

Test(tones, says_each_cycle_once_and_surer)
{
    const struct cadence *c = &cadences[1]; /* busy, 500 on, 500 off */
    const struct heard *h = only(c, 1, 1, -99, (struct line){0}, true);
    cr_assert_eq(heard_count(h, DSP_BUSY), 11, "twelve cycles, the first two in one: %u",
                 heard_count(h, DSP_BUSY));
    cr_assert_leq(heard_at(h, heard_first(h, DSP_BUSY)), 333 + 2000);
    for (unsigned i = 1; i < h->n; i++)
        if (h->e[i].kind == DSP_BUSY && h->e[i - 1].kind == DSP_BUSY)
            cr_assert_geq(h->e[i].confidence, h->e[i - 1].confidence);
}

Test(tones, says_ringing_within_its_first_cycle)
{
    const struct heard *h = only(&cadences[11], 1, 1, -99, (struct line){0}, true);
    const struct dsp_event *e = heard_first(h, DSP_RINGBACK);
    cr_assert_leq(heard_at(h, e), 333 + 1000 + 1600, "%u", heard_at(h, e));
    cr_assert_lt(e->confidence, 0.7);
    cr_assert_gt(e[h->n - 1 - (e - h->e)].end_ms, 0);
}

Test(tones, takes_1_5_percent_off_in_frequency_and_12_in_length)
{
    for (unsigned i = 0; i < CADENCES; i++) {
        only(&cadences[i], 1.015, 1, -99, (struct line){0}, true);
        only(&cadences[i], 0.985, 1, -99, (struct line){0}, true);
        only(&cadences[i], 1, 1.12, -99, (struct line){0}, true);
        only(&cadences[i], 1, 0.88, -99, (struct line){0}, true);
    }
}

/* At 15 dB over noise, and with one packet of 33 lost, said or unsaid. */
Test(tones, hears_through_noise_and_loss)
{
    for (unsigned i = 0; i < CADENCES; i++) {
        double level = cadences[i].level + (cadences[i].f2 > 0 ? 3 : 0);
        only(&cadences[i], 1, 1, level - 15, (struct line){0}, true);
        only(&cadences[i], 1, 1, -60, (struct line){.lose_every = 33}, true);
        only(&cadences[i], 1, 1, -60, (struct line){.lose_every = 33, .loss_unsaid = true}, true);
    }
}

/* How often it is told in two cycles of two tones. */
static unsigned heard_pair(double f1, double f2, double ms, double noise, double clip,
                           enum dsp_kind kind)
{
    struct tape t;
    tape_open(&t, (uint32_t)(f1 + f2));
    tape_silence(&t, 400);
    for (int i = 0; i < 2; i++) {
        tape_pair(&t, f1, -4, f2, -4, ms);
        tape_silence(&t, ms > 1000 ? 2 * ms : ms);
    }
    tape_silence(&t, 1000);
    if (noise < 0)
        tape_noise(&t, noise, 0);
    if (clip < 0)
        tape_clip(&t, clip);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    unsigned n = heard_count(h, kind);
    cr_assert_eq(heard_tones(h), n, "nothing else");
    tape_close(&t);
    return n;
}

/* 440 + 480 Hz, one 1.5 % high, the other 1.5 % low, are 26 Hz apart. */
Test(tones, hears_ringing_whose_tones_came_near_each_other)
{
    cr_assert_geq(heard_pair(446.6, 472.8, 2000, -16, 0, DSP_RINGBACK), 1);
    cr_assert_geq(heard_pair(446.6, 475.2, 2000, -16, 0, DSP_RINGBACK), 1);
    cr_assert_geq(heard_pair(446.6, 472.8, 2000, 0, -4, DSP_RINGBACK), 1);
    cr_assert_eq(heard_pair(459.7, 459.7, 2000, -16, 0, DSP_RINGBACK), 0, "one tone");
}

Test(tones, hears_reorder_and_busy_deeply_clipped)
{
    for (int clip = -24; clip <= -9; clip += 3) {
        cr_assert_geq(heard_pair(480, 620, 500, 0, clip, DSP_BUSY), 1, "busy cut at %d", clip);
        cr_assert_geq(heard_pair(476, 627, 500, 0, clip, DSP_BUSY), 1, "busy cut at %d", clip);
    }
}

Test(tones, refuses_other_frequencies_and_lengths)
{
    for (unsigned i = 0; i < CADENCES; i++) {
        if (strcmp(cadences[i].plan, "us") && strcmp(cadences[i].plan, "si"))
            continue; /* plans with ranges reach further */
        only(&cadences[i], 1.08, 1, -99, (struct line){0}, false);
        only(&cadences[i], 0.92, 1, -99, (struct line){0}, false);
        only(&cadences[i], 1, 1.3, -99, (struct line){0}, false);
        only(&cadences[i], 1, 0.7, -99, (struct line){0}, false);
    }
}

Test(tones, tells_busy_from_reorder_by_cadence_alone)
{
    struct tape t;
    tape_open(&t, 4);
    record(&t, &(struct cadence){.f1 = 425, .level = -15, .ms = {500, 500}}, 1, 1, 6);
    tape_silence(&t, 8000);
    uint32_t second = tape_ms(&t);
    record(&t, &(struct cadence){.f1 = 425, .level = -15, .ms = {200, 200}}, 1, 1, 6);
    const struct heard *h = line_play(&t, (struct line){.plan = "si", .phase = DSP_EARLY});
    for (unsigned i = 0; i < h->n; i++) {
        if (h->e[i].kind == DSP_BUSY)
            cr_assert_lt(h->at_ms[i], second);
        if (h->e[i].kind == DSP_REORDER)
            cr_assert_gt(h->at_ms[i], second);
    }
    cr_assert_geq(heard_count(h, DSP_BUSY), 4);
    cr_assert_geq(heard_count(h, DSP_REORDER), 10);
    tape_close(&t);
}

Test(tones, hears_dial_tone_once_while_it_lasts)
{
    struct tape t;
    tape_open(&t, 4);
    tape_silence(&t, 500);
    tape_pair(&t, 350, -13, 440, -13, 10000);
    tape_silence(&t, 500);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    cr_assert_eq(heard_count(h, DSP_DIAL_TONE), 1);
    cr_assert_leq(heard_at(h, heard_first(h, DSP_DIAL_TONE)), 3200);
    cr_assert_eq(heard_tones(h), 1);
    tape_close(&t);
}

/* Two packets in a row lost in every second or so: said and mute, or not said at all. */
Test(tones, holds_a_cadence_over_40_ms_of_loss)
{
    for (unsigned i = 0; i < CADENCES; i++) {
        if (cadences[i].ms[0] < 300)
            continue; /* two in a row would be a fifth of the tone */
        only(&cadences[i], 1, 1, -60,
             (struct line){.lose_every = 61, .lose_run = 2, .loss_mute = true}, true);
        only(&cadences[i], 1, 1, -60,
             (struct line){.lose_every = 61, .lose_run = 2, .loss_unsaid = true}, true);
    }
}

/* A single 457 Hz tone lies between 440 and 480; busy's rhythm in noise has no tone. */
Test(tones, wants_the_frequencies_apart_and_pure)
{
    struct tape t;
    tape_open(&t, 5);
    record(&t, &(struct cadence){.f1 = 457, .level = -15, .ms = {2000, 4000}}, 1, 1, 18);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    cr_assert_eq(heard_count(h, DSP_RINGBACK), 0);
    tape_close(&t);
    tape_open(&t, 6);
    for (int i = 0; i < 10; i++) {
        uint32_t from = tape_ms(&t);
        tape_pair(&t, 480, -24, 620, -24, 500);
        tape_noise(&t, -22, from);
        tape_silence(&t, 500);
    }
    h = line_play(&t, (struct line){.phase = DSP_EARLY});
    cr_assert_eq(heard_count(h, DSP_BUSY), 0, "tones at the level of the noise are not pure");
    tape_close(&t);
}

Test(tones, are_not_heard_in_speech)
{
    for (unsigned plan = 0; plan < 3; plan++) {
        struct tape t;
        tape_open(&t, plan + 11);
        for (int i = 0; i < 60; i++) {
            tape_speech(&t, -15 - i % 8, 700 + 90 * (i % 13));
            tape_silence(&t, 200 + 70 * (i % 11));
        }
        tape_noise(&t, -55, 0);
        static const char *const names[] = {"us", "cz", "gb"};
        const struct heard *h = line_play(&t, (struct line){.plan = names[plan]});
        cr_assert_eq(heard_tones(h), 0, "%u tones in a minute of speech", heard_tones(h));
        tape_close(&t);
    }
}

/* The answer cuts the second ring short; the pause that follows must not finish a cycle. */
Test(tones, ringing_before_the_answer_is_not_heard_after_it)
{
    for (uint32_t answer = 5100; answer < 6700; answer += 100) {
        struct tape t;
        tape_open(&t, answer);
        tape_tone(&t, 425, -15, 1000);
        tape_silence(&t, 4000);
        tape_tone(&t, 425, -15, answer - 5000 < 1000 ? answer - 5000 + 60 : 1000);
        tape_silence(&t, 6000);
        const struct heard *h =
            line_play(&t, (struct line){.plan = "cz", .answer_ms = answer / 20 * 20});
        for (unsigned i = 0; i < h->n; i++)
            cr_assert(h->e[i].kind != DSP_RINGBACK || h->at_ms[i] <= answer,
                      "answer %u, ringing said at %u", answer, h->at_ms[i]);
        tape_close(&t);
    }
}

Test(tones, names_and_plans_are_known)
{
    cr_assert_null(dsp_plan_find("xx"));
    char names[128];
    snprintf(names, sizeof names, "%s", dsp_plan_names());
    unsigned n = 0;
    for (char *save = NULL, *p = strtok_r(names, ", ", &save); p; p = strtok_r(NULL, ", ", &save))
        n += dsp_plan_find(p) != NULL;
    cr_assert_eq(n, 9);
    cr_assert_str_eq(dsp_kind_name(DSP_DEAD_AIR), "dead_air");
    cr_assert_str_eq(dsp_kind_name(DSP_VERDICT), "verdict");
    cr_assert_str_eq(dsp_sit_name(SIT_NC_INTER), "nc_inter");
    cr_assert_str_eq(dsp_verdict_name(VERDICT_UNSURE), "unsure");
}
