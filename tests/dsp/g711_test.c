/* G.711 against the Recommendation: end points, error bounds, and its digital milliwatt. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

static int16_t ulaw_value(uint8_t code)
{
    int16_t v;
    dsp_ulaw_decode(&code, &v, 1);
    return v;
}

static int16_t alaw_value(uint8_t code)
{
    int16_t v;
    dsp_alaw_decode(&code, &v, 1);
    return v;
}

/* Decision and decoder values of Tables 1 and 2, at 16-bit scale. */
Test(g711, decodes_the_tables_end_points)
{
    cr_assert_eq(ulaw_value(0x80), 32124);
    cr_assert_eq(ulaw_value(0x00), -32124);
    cr_assert_eq(ulaw_value(0xff), 0);
    cr_assert_eq(ulaw_value(0x7f), 0);
    cr_assert_eq(ulaw_value(0xfe), 8);
    cr_assert_eq(alaw_value(0xaa), 32256);
    cr_assert_eq(alaw_value(0x2a), -32256);
    cr_assert_eq(alaw_value(0xd5), 8);
    cr_assert_eq(alaw_value(0x55), -8);
}

Test(g711, codes_survive_a_round_trip)
{
    for (unsigned i = 0; i < 256; i++) {
        uint8_t code = (uint8_t)i, back;
        int16_t v = ulaw_value(code);
        dsp_ulaw_encode(&v, &back, 1);
        cr_assert_eq(back, code == 0x7f ? 0xff : code, "µ-law %02x came back as %02x", code, back);
        v = alaw_value(code);
        dsp_alaw_encode(&v, &back, 1);
        cr_assert_eq(back, code, "A-law %02x came back as %02x", code, back);
    }
}

/* No sample may be further than half a step of its segment from its value. */
Test(g711, every_sample_is_within_half_a_step)
{
    for (int x = -32768; x <= 32767; x++) {
        int16_t s = (int16_t)x, u, a;
        uint8_t code;
        dsp_ulaw_encode(&s, &code, 1);
        dsp_ulaw_decode(&code, &u, 1);
        dsp_alaw_encode(&s, &code, 1);
        dsp_alaw_decode(&code, &a, 1);
        int mag = abs(x);
        int ustep = 8, astep = 16;
        for (int top = 256 - 132; mag >= top && ustep < 1024; top = 2 * top + 132)
            ustep *= 2;
        for (int top = 512; mag >= top && astep < 1024; top *= 2)
            astep *= 2;
        cr_assert_leq(abs(u - x), mag > 32124 ? 644 : ustep / 2 + 1, "µ-law of %d is %d", x, u);
        cr_assert_leq(abs(a - x), astep / 2, "A-law of %d is %d", x, a);
    }
}

/* G.711 Tables 5 and 6: these eight codes, repeated, are 1 kHz at 0 dBm0. */
Test(g711, digital_milliwatt_is_0_dbm0)
{
    static const uint8_t ulaw[8] = {0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e};
    static const uint8_t alaw[8] = {0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4};
    for (int law = 0; law < 2; law++) {
        int16_t block[DSP_BLOCK_SAMPLES];
        for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++)
            block[i] = law ? alaw_value(alaw[i % 8]) : ulaw_value(ulaw[i % 8]);
        struct dsp_state s;
        struct dsp_amd_config amd;
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        dsp_amd_defaults(&amd);
        dsp_state_init(&s, dsp_plan_find("itu"), &amd);
        dsp_state_phase(&s, DSP_TALK);
        struct dsp_block b = {.state = &s, .samples = block};
        dsp_process(&b, 1, out);
        cr_assert_leq(abs(dsp_state_level(&s)), 1, "law %d: %d tenths", law, dsp_state_level(&s));
    }
}
