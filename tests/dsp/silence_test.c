/* The limits of silence and of noise in it: levels given block by block. */
#include <criterion/criterion.h>

#include "dsp/made.h"

/* Lets it be quiet at those levels in turn for so long. Returns how often that kind was said, and
 * the last of it in *last. */
static unsigned rest(struct leg *l, int16_t one, int16_t other, uint32_t ms, enum dsp_kind kind,
                     struct dsp_event *last)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < ms / DSP_BLOCK_MS; i++) {
        struct made_events m;
        l->now_ms += DSP_BLOCK_MS;
        l->level_ddb = i % 2 ? other : one;
        silence_run(l, true, true, false, made_sink(&m));
        for (unsigned k = 0; k < m.sink.count; k++)
            if (m.e[k].kind == kind) {
                *last = m.e[k];
                n++;
            }
    }
    return n;
}

static void sound(struct leg *l)
{
    l->now_ms += DSP_BLOCK_MS;
    silence_run(l, false, true, false, NULL);
}

Test(silence, is_said_after_1_2_3_and_5_seconds)
{
    static const uint32_t due[] = {1000, 2000, 3000, 5000};
    struct dsp_event e;
    struct leg *l = made_leg(DSP_EARLY);
    uint32_t so_far = 0;
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(rest(l, -500, -500, due[i] - DSP_BLOCK_MS - so_far, DSP_SILENCE, &e), 0,
                     "before %u ms", due[i]);
        cr_assert_eq(rest(l, -500, -500, DSP_BLOCK_MS, DSP_SILENCE, &e), 1, "at %u ms", due[i]);
        cr_assert_eq(e.end_ms - e.start_ms, due[i]);
        so_far = due[i];
    }
}

static unsigned noises(int16_t one, int16_t other, uint32_t ms)
{
    struct dsp_event e;
    return rest(made_leg(DSP_EARLY), one, other, ms, DSP_NOISE, &e);
}

Test(silence, noise_is_a_second_at_minus_66_dbm0_or_more_within_6_db)
{
    cr_assert_eq(noises(-550, -550, 1000), 1);
    cr_assert_eq(noises(-550, -550, 980), 0);
    cr_assert_eq(noises(-660, -660, 1000), 1);
    cr_assert_eq(noises(-661, -661, 1000), 0);
    cr_assert_eq(noises(-550, -610, 1000), 1);
    cr_assert_eq(noises(-550, -611, 1000), 0);
}

Test(silence, noise_is_said_again_when_it_has_changed_by_6_db)
{
    static const struct {
        int16_t level;
        bool said;
    } then[] = {{-491, false}, {-490, true}, {-609, false}, {-610, true}};
    for (unsigned i = 0; i < sizeof then / sizeof then[0]; i++) {
        struct dsp_event e;
        struct leg *l = made_leg(DSP_EARLY);
        cr_assert_eq(rest(l, -550, -550, 1500, DSP_NOISE, &e), 1);
        sound(l);
        cr_assert_eq(rest(l, then[i].level, then[i].level, 1500, DSP_NOISE, &e), then[i].said, "%d",
                     then[i].level);
        cr_assert_eq(e.level_ddb, then[i].said ? then[i].level : -550);
    }
}

/* A-law's idle value is 8 or −8, µ-law's 0; a little more is still no sound. */
Test(silence, one_value_up_to_16_is_digital_zero)
{
    for (int sign = -1; sign <= 1; sign += 2)
        for (int value = 16; value <= 17; value++) {
            struct leg *l = made_leg(DSP_EARLY);
            int16_t x[DSP_BLOCK_SAMPLES];
            for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++)
                x[i] = (int16_t)(sign * value);
            history_add(l, x);
            cr_expect_eq(l->zero, value == 16, "%d", sign * value);
        }
}
