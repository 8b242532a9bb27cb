/* What makes a tone a beep, limit by limit: segments made by hand, each field just inside and just
 * outside. What real sound is measured as is beep_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"

static struct leg *leg_new(void)
{
    return made_leg(DSP_ANSWERED);
}

/* A beep beyond doubt. */
static struct segment tone(float hz, uint32_t length_ms)
{
    return (struct segment){.start_ms = 20000,
                            .end_ms = 20000 + length_ms,
                            .f_hz = {hz},
                            .power = 1e6f,
                            .share = 0.995f,
                            .purity = 0.995f,
                            .drift_hz = 1,
                            .swell = 1.1f,
                            .looks = 20,
                            .tones = 1,
                            .fell = true,
                            .quiet_ms = 100,
                            .rise_ms = 5,
                            .fall_ms = 5};
}

static bool taken(struct leg *l, struct segment g)
{
    beep_segment(l, &g);
    return l->beep.waiting;
}

/* The field's two values, on either side of its limit. */
#define LIMIT(hz, length_ms, field, good, bad, ...)                                                \
    do {                                                                                           \
        struct segment g = tone(hz, length_ms);                                                    \
        __VA_ARGS__;                                                                               \
        g.field = good;                                                                            \
        cr_assert(taken(leg_new(), g), "%s of %g at %g Hz", #field, (double)g.field,               \
                  (double)g.f_hz[0]);                                                              \
        g.field = bad;                                                                             \
        cr_assert_not(taken(leg_new(), g), "%s of %g at %g Hz", #field, (double)g.field,           \
                      (double)g.f_hz[0]);                                                          \
    } while (0)

Test(beep_limits, length)
{
    LIMIT(1000, 0, end_ms, 20062, 20061);
    LIMIT(1000, 0, end_ms, 21516, 21517);
    LIMIT(520, 0, end_ms, 20092, 20091);
    LIMIT(1000, 0, end_ms, 20100, 20099, g.share = 0.93f);
}

Test(beep_limits, loudness_and_pitch)
{
    LIMIT(1000, 300, power, 40000, 39900);
    LIMIT(0, 300, f_hz[0], 190, 189.5f);
    LIMIT(0, 300, f_hz[0], 550, 549.5f, g.quiet_ms = 40); /* below, quiet is wanted before it */
    LIMIT(1000, 300, looks, 3, 2);
}

Test(beep_limits, purity)
{
    LIMIT(1000, 300, share, 0.912f, 0.908f);
    LIMIT(1000, 80, share, 0.957f, 0.953f);
    LIMIT(1000, 300, share, 0.782f, 0.778f, g.flat = true);
    LIMIT(520, 110, share, 0.967f, 0.963f);
    LIMIT(520, 300, share, 0.982f, 0.978f, g.drift_hz = 8);
    LIMIT(520, 0, end_ms, 20120, 20119, g.drift_hz = 8);
}

Test(beep_limits, steadiness)
{
    LIMIT(1000, 300, drift_hz, 12, 12.5f);
    LIMIT(1000, 300, swell, 2.45f, 2.55f);
    LIMIT(1000, 80, swell, 1.55f, 1.65f);
    LIMIT(520, 110, drift_hz, 5, 5.5f);
    LIMIT(520, 110, swell, 1.55f, 1.65f);
    LIMIT(520, 300, drift_hz, 10, 10.5f);
    LIMIT(520, 300, swell, 1.95f, 2.05f);
}

Test(beep_limits, a_glide_is_even_and_at_most_300_hz)
{
    LIMIT(1000, 0, end_ms, 20120, 20119, g.drift_hz = g.glide_hz = 40, g.path_hz = 44);
    LIMIT(1000, 300, glide_hz, -300, -301, g.drift_hz = 300, g.path_hz = 310);
    LIMIT(1000, 300, path_hz, 108 - 1, 108 + 1, g.drift_hz = g.glide_hz = 80);
    LIMIT(1000, 300, glide_hz, 81, 79, g.drift_hz = 100, g.path_hz = 82);
}

Test(beep_limits, edges)
{
    LIMIT(1000, 300, rise_ms, 10, 15);
    LIMIT(1000, 300, fall_ms, 10, 15);
    LIMIT(1000, 300, fell, true, false);
    LIMIT(1000, 300, quiet_ms, 15, 10);
    LIMIT(520, 300, quiet_ms, 80, 75);
    /* Where packets are missing, of a tone beyond doubt. */
    LIMIT(1000, 300, share, 0.982f, 0.978f, g.slack_ms = 10, g.quiet_ms = 0, g.fall_ms = 20);
}

/* Noise of the line is allowed for up to three tenths of the power. */
Test(beep_limits, noise)
{
    for (int good = 0; good < 2; good++) {
        struct leg *l = leg_new();
        struct segment g = tone(1000, 300);
        l->voice.floor_ddb = -300;
        g.power = num_power(-300) / 0.4f;
        g.share = good ? 0.65f : 0.62f;
        cr_assert_eq(taken(l, g), good);
    }
}

Test(beep_limits, it_is_said_when_it_has_stood_alone_for_40_ms)
{
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    struct leg *l = leg_new();
    struct sink s = {.out = out};
    cr_assert(taken(l, tone(1000, 300)));
    l->now_ms = 20339;
    beep_run(l, &s);
    cr_assert_eq(s.count, 0);
    l->now_ms = 20340;
    beep_run(l, &s);
    cr_assert_eq(s.count, 1);
    cr_assert_eq(out[0].kind, DSP_BEEP);
}

Test(beep_limits, one_that_repeats_is_a_networks)
{
    static const struct {
        uint32_t after_ms;
        float hz;
        bool beep;
    } cases[] = {{6999, 1000, false}, {7000, 1000, true},    {3000, 1015, false},
                 {3000, 985, false},  {3000, 1015.5f, true}, {3000, 984.5f, true}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leg *l = leg_new();
        l->beep.last = (struct beep_mark){20000 - cases[i].after_ms, cases[i].hz};
        cr_assert_eq(taken(l, tone(1000, 300)), cases[i].beep, "case %u", i);
    }
    for (uint32_t after = 399; after <= 400; after++) {
        struct leg *l = leg_new();
        l->beep.last = l->beep.said = (struct beep_mark){20000 - after, 1000};
        l->beep.count = 1;
        cr_assert_eq(taken(l, tone(1000, 300)), after < 400, "%u ms", after);
        cr_assert_eq(l->beep.count, after < 400 ? 2 : 1);
    }
}

Test(beep_limits, network_tones_are_beeps_after_speech_as_loud)
{
    static const struct {
        float hz;
        uint32_t speech_ago_ms; /* 0: none */
        bool beep;
    } cases[] = {{379, 0, true},  {380, 0, false},   {500, 0, false},    {501, 0, true},
                 {425, 0, false}, {425, 5000, true}, {425, 5001, false}, {425, 300, true}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leg *l = leg_new();
        if (cases[i].speech_ago_ms)
            made_speech(l, 20000, cases[i].speech_ago_ms);
        cr_assert_eq(taken(l, tone(cases[i].hz, 300)), cases[i].beep, "case %u", i);
    }
}
