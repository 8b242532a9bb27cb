/* The limits of tone segments: sounds made to lie on either side of each, and the segment that is
 * made of them, looked at from inside. What real tones are told as is tones_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"

#define TURNS 6.283185307179586

/* A sound of amplitude 4000 whose frequency goes evenly from one to the other. */
static void sweep(struct tape *t, double from_hz, double to_hz, double ms)
{
    size_t begin = t->n;
    float *x = tape_more(t, ms);
    size_t n = t->n - begin;
    double phase = 0;
    for (size_t i = 0; i < n; i++) {
        phase += TURNS * (from_hz + (to_hz - from_hz) * (double)i / (double)n) / 8000;
        x[i] = (float)(4000 * sin(phase));
    }
}

static void tone(struct tape *t, double hz, double ms)
{
    sweep(t, hz, hz, ms);
}

/* A tone that has that share of the energy; the rest are n others, far from it and each other. */
static void among(struct tape *t, double hz, double share, unsigned n, double ms)
{
    static const double others[] = {500, 1500, 3200};
    size_t begin = t->n;
    float *x = tape_more(t, ms);
    for (size_t i = 0; i < t->n - begin; i++) {
        double at = TURNS * (double)i / 8000;
        x[i] = (float)(4000 * sqrt(share) * sin(hz * at));
        for (unsigned k = 0; k < n; k++)
            x[i] += (float)(4000 * sqrt((1 - share) / n) * sin(others[k] * at + k));
    }
}

struct ear {
    struct leg *l;
    const struct tape *t;
    uint32_t lost_from_ms, lost_to_ms; /* packets of that time are missing */
};

static struct ear ear_on(const struct tape *t)
{
    return (struct ear){.l = made_leg(DSP_EARLY), .t = t};
}

/* Hears the tape on to that time. */
static const struct tone_track *hear(struct ear *e, uint32_t to_ms)
{
    while (e->l->now_ms < to_ms) {
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        bool lost = e->l->now_ms >= e->lost_from_ms && e->l->now_ms < e->lost_to_ms;
        made_hear(e->l, e->t, lost ? DSP_FLAG_LOST : 0, out);
    }
    return &e->l->track;
}

/* Whether the tone that sounds at one time is the same segment still at the other. */
static bool one_segment(struct ear *e, uint32_t at_ms, uint32_t then_ms)
{
    cr_assert(hear(e, at_ms)->on, "nothing at %u ms", at_ms);
    uint32_t start = e->l->track.seg.start_ms;
    const struct tone_track *k = hear(e, then_ms);
    return k->on && k->seg.start_ms == start;
}

/* ---- looks that agree ---- */

/* Whether a sweep of so many Hz in 10 ms ever is a tone; packets are missing at its beginning,
 * since looks that it does not fill see less of it. */
static bool follows(double from_hz, double to_hz, double step_hz)
{
    struct tape t;
    bool on = false;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    sweep(&t, from_hz, to_hz, (to_hz - from_hz) / step_hz * 10);
    struct ear e = ear_on(&t);
    e.lost_from_ms = 200;
    e.lost_to_ms = 240;
    for (uint32_t to = 200; to <= tape_ms(&t); to += DSP_BLOCK_MS)
        on = hear(&e, to)->on || on;
    tape_close(&t);
    return on;
}

Test(tones_limits, two_looks_agree_within_15_hz_of_a_low_sound_25)
{
    cr_assert(follows(1000, 3000, 12.5));
    cr_assert_not(follows(1000, 3000, 18.5));
    cr_assert(follows(250, 650, 21));
    cr_assert_not(follows(250, 650, 30));
}

/* ---- what is still the same tone ---- */

/* A tone with that share of the energy goes over, within a lost packet, into another one: whether
 * that is the same segment still. */
static bool same_after(double hz, double then_hz, double share)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    among(&t, hz, share, 1, 410);
    among(&t, then_hz, share, 1, 400);
    struct ear e = ear_on(&t);
    e.lost_from_ms = 600;
    e.lost_to_ms = 620;
    bool same = one_segment(&e, 600, 900);
    tape_close(&t);
    return same;
}

Test(tones_limits, an_answer_tone_turned_over_is_seen_up_to_25_hz_beside_itself)
{
    cr_assert(same_after(2100, 2122, 0.85));
    cr_assert_not(same_after(2100, 2128, 0.85));
    cr_assert_not(same_after(1900, 1922, 0.85), "no answer tone");
    cr_assert(same_after(2117, 2137, 0.85));
    cr_assert_not(same_after(2124, 2144, 0.85));
}

Test(tones_limits, a_look_with_nine_tenths_in_one_peak_has_no_turn_in_it)
{
    cr_assert(same_after(2100, 2122, 0.885));
    cr_assert_not(same_after(2100, 2122, 0.92));
}

/* The share that a tone has from 400 ms on: whether it goes on. */
static bool goes_on_with(double share)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tone(&t, 1000, 200);
    among(&t, 1000, share, 3, 400);
    struct ear e = ear_on(&t);
    bool on = hear(&e, 780)->on;
    tape_close(&t);
    return on;
}

Test(tones_limits, a_tone_goes_on_with_more_than_half_of_the_energy)
{
    cr_assert(goes_on_with(0.6));
    cr_assert_not(goes_on_with(0.5));
}

/* Noise as loud for so long in a tone: whether that is one segment. */
static bool one_around_noise(double ms)
{
    struct tape t;
    tape_open(&t, 3);
    tape_silence(&t, 200);
    tone(&t, 1000, 300);
    float *x = tape_more(&t, ms);
    for (size_t i = 0; i < (size_t)(ms * TAPE_PER_MS); i++)
        x[i] = (float)(4900 * tape_random(&t));
    tone(&t, 1000, 300);
    struct ear e = ear_on(&t);
    bool one = one_segment(&e, 500, 760);
    tape_close(&t);
    return one;
}

Test(tones_limits, four_looks_without_the_tone_end_it)
{
    cr_assert(one_around_noise(20));
    cr_assert_not(one_around_noise(35));
}

/* ---- its edges ---- */

/* A tone of 300 ms, which then has that share of its power for so long. */
static struct tape stepped(double share, double ms)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tone(&t, 1000, 300 + ms);
    for (size_t i = 500 * TAPE_PER_MS; i < t.n; i++)
        t.s[i] *= (float)sqrt(share);
    return t;
}

Test(tones_limits, a_tone_is_over_at_a_quarter_of_its_power)
{
    for (int over = 0; over < 2; over++) {
        struct tape t = stepped(over ? 0.22 : 0.28, 300);
        struct ear e = ear_on(&t);
        const struct tone_track *k = hear(&e, 760);
        cr_assert_eq(k->on && k->seg.start_ms < 240, !over);
        tape_close(&t);
    }
}

Test(tones_limits, a_tone_falls_from_seven_tenths_of_its_power)
{
    for (int falls = 0; falls < 2; falls++) {
        struct tape t = stepped(falls ? 0.66 : 0.75, 10);
        struct ear e = ear_on(&t);
        hear(&e, 640);
        const struct beep_track *b = &e.l->beep; /* which gets the segment */
        cr_assert(b->waiting && b->pending.end_ms == 510, "%u", b->pending.end_ms);
        cr_assert_eq(b->pending.fall_ms, falls ? 10 : 0, "%u", b->pending.fall_ms);
        tape_close(&t);
    }
}

Test(tones_limits, looks_with_three_fifths_of_its_power_are_within_it)
{
    for (int within = 0; within < 2; within++) {
        struct tape t = stepped(within ? 0.65 : 0.54, 300);
        struct ear e = ear_on(&t);
        unsigned before = hear(&e, 560)->looks;
        const struct tone_track *k = hear(&e, 760);
        cr_assert(k->on);
        cr_assert_eq(k->looks - before, within ? 20 : 0, "%u", k->looks - before);
        tape_close(&t);
    }
}

/* Silence of so long in a tone, up to a block's end: whether that is one segment. */
static bool one_around_silence(uint32_t ms)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tone(&t, 1000, 400 - ms);
    tape_silence(&t, ms);
    tone(&t, 1000, 300);
    struct ear e = ear_on(&t);
    bool one = one_segment(&e, 560, 760);
    tape_close(&t);
    return one;
}

Test(tones_limits, a_tone_ends_when_30_ms_have_been_quiet)
{
    cr_assert(one_around_silence(20));
    cr_assert(one_around_silence(25));
    cr_assert_not(one_around_silence(30));
    cr_assert_not(one_around_silence(35));
}

static bool one_around_loss(uint32_t ms)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tone(&t, 1000, 1200);
    struct ear e = ear_on(&t);
    e.lost_from_ms = 600;
    e.lost_to_ms = 600 + ms;
    bool one = one_segment(&e, 600, 1200);
    tape_close(&t);
    return one;
}

Test(tones_limits, a_tone_is_held_over_240_ms_of_loss)
{
    cr_assert(one_around_loss(240));
    cr_assert_not(one_around_loss(260));
}

/* One tone goes over into another so long after a loss of 40 ms that ended at 640. */
static const struct segment *joined_after_loss(double after_ms)
{
    static struct segment g;
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tone(&t, 1000, 440 + after_ms);
    tone(&t, 1400, 400);
    struct ear e = ear_on(&t);
    e.lost_from_ms = 600;
    e.lost_to_ms = 640;
    g = hear(&e, 900)->seg;
    tape_close(&t);
    return &g;
}

Test(tones_limits, an_edge_seen_within_20_ms_after_a_loss_was_in_it)
{
    const struct segment *g = joined_after_loss(18);
    cr_assert(g->joined_before && g->start_ms == 620 && g->slack_ms == 20, "%u", g->start_ms);
    g = joined_after_loss(24);
    cr_assert(g->joined_before && g->slack_ms == 0, "%u", g->start_ms);
    cr_assert_leq(abs((int)g->start_ms - 664), 10, "%u", g->start_ms);
}

Test(tones_limits, a_tone_that_takes_over_begins_where_it_does)
{
    int sum = 0;
    for (int shift = 0; shift < 20; shift++) {
        struct tape t;
        tape_open(&t, 1);
        tape_silence(&t, 200);
        tone(&t, 1000, 300 + shift);
        tone(&t, 1400, 300);
        struct ear e = ear_on(&t);
        const struct segment *g = &hear(&e, 740)->seg;
        cr_assert(g->joined_before);
        cr_assert_leq(abs((int)g->start_ms - 500 - shift), 10, "%d: %u", shift, g->start_ms);
        sum += (int)g->start_ms - 500 - shift;
        tape_close(&t);
    }
    cr_assert_leq(abs(sum), 20 * 4, "%d ms off in the mean of 20", sum);
}

static unsigned quiet_before(double ms)
{
    struct tape t;
    tape_open(&t, 3);
    float *x = tape_more(&t, 400 - ms);
    for (size_t i = 0; i < t.n; i++)
        x[i] = (float)(4900 * tape_random(&t));
    tape_silence(&t, ms);
    tone(&t, 1000, 200);
    struct ear e = ear_on(&t);
    unsigned quiet = hear(&e, 560)->seg.quiet_ms;
    tape_close(&t);
    return quiet;
}

Test(tones_limits, quiet_before_a_tone_is_known_up_to_90_ms)
{
    cr_assert_eq(quiet_before(40), 40, "%u", quiet_before(40));
    cr_assert_eq(quiet_before(85), 85, "%u", quiet_before(85));
    cr_assert_eq(quiet_before(140), 90, "%u", quiet_before(140));
}

/* A tone cut at that share of its peak. Near the top are all samples beyond 0.95 of the cut, which
 * are 1 - 2/π asin(0.95 cut). */
static bool is_flat(double cut)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tone(&t, 1013, 200);
    for (size_t i = 0; i < t.n; i++)
        t.s[i] = (float)fmax(-4000 * cut, fmin(4000 * cut, (double)t.s[i]));
    struct ear e = ear_on(&t);
    hear(&e, 360);
    cr_assert(e.l->track.on);
    tape_close(&t);
    return e.l->track.seg.flat;
}

Test(tones_limits, a_tone_is_flat_with_045_of_its_samples_at_the_top)
{
    cr_assert(is_flat(0.744), "half of them");
    cr_assert_not(is_flat(0.852), "0.4 of them");
}

/* ---- one tone or two ---- */

static unsigned votes(const struct tone_track *k)
{
    return k->fine_single + k->fine_pair;
}

Test(tones_limits, the_fine_view_votes_when_it_is_full_of_the_tone)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tone(&t, 440, 300);
    struct ear e = ear_on(&t);
    cr_assert_eq(votes(hear(&e, 260)), 0);
    cr_assert_eq(e.l->track.seg.start_ms, 200, "%u", e.l->track.seg.start_ms);
    cr_assert_eq(votes(hear(&e, 280)), 1);
    tape_close(&t);
}

/* 22 Hz apart, which the fine view cannot part: their beat tells. */
Test(tones_limits, beats_are_looked_for_after_160_ms)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 200);
    tape_pair(&t, 449, -16, 471, -16, 400);
    struct ear e = ear_on(&t);
    cr_assert_eq(hear(&e, 340)->fine_pair, 0);
    cr_assert_eq(e.l->track.seg.start_ms, 200, "%u", e.l->track.seg.start_ms);
    cr_assert_eq(hear(&e, 360)->fine_pair, 1);
    tape_close(&t);
}

/* ---- what is a tone beyond doubt ---- */

struct sounding {
    uint32_t ms;
    uint8_t tones;
    float share, purity, drift_hz, swell;
};

static enum tone_state state_of(struct sounding s)
{
    struct leg *l = made_leg(DSP_EARLY);
    l->now_ms = 2000 + s.ms;
    l->track = (struct tone_track){
        .seg = {.start_ms = 2000, .f_hz = {1000}, .power = 1e6f, .tones = s.tones},
        .on = true,
        .looks = 1,
        .share_sum = s.share,
        .purity_sum = s.purity,
        .f_min_hz = 1000,
        .f_max_hz = 1000 + s.drift_hz,
        .power_min = 1e6f,
        .power_max = 1e6f * s.swell};
    return tones_state(l);
}

Test(tones_limits, a_tone_is_sure_after_80_ms_when_it_is_pure_and_steady)
{
    cr_assert_eq(state_of((struct sounding){80, 1, 0.86f, 0.9f, 11, 3}), TONE_SURE);
    cr_assert_eq(state_of((struct sounding){79, 1, 0.86f, 0.9f, 11, 3}), TONE_MAYBE);
    cr_assert_eq(state_of((struct sounding){80, 1, 0.84f, 0.9f, 11, 3}), TONE_NONE);
    cr_assert_eq(state_of((struct sounding){80, 1, 0.86f, 0.9f, 13, 3}), TONE_NONE);
    cr_assert_eq(state_of((struct sounding){80, 2, 0.5f, 0.94f, 40, 1.9f}), TONE_SURE);
    cr_assert_eq(state_of((struct sounding){80, 2, 0.5f, 0.92f, 40, 1.9f}), TONE_NONE);
    cr_assert_eq(state_of((struct sounding){80, 2, 0.5f, 0.94f, 40, 2.1f}), TONE_NONE);
}
