/* Talk spurts, silence and dead air: times, and what must not count as speech. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

Test(voice, spurts_have_the_times_of_the_speech)
{
    for (int level = -35; level <= -10; level += 5)
        for (int law = 0; law < 2; law++) {
            struct tape t;
            tape_open(&t, (uint32_t)(level + 90));
            tape_silence(&t, 1010);
            tape_speech(&t, level, 2000);
            tape_silence(&t, 1500);
            tape_noise(&t, level - 30, 0);
            const struct heard *h = line_play(&t, (struct line){.alaw = law, .phase = DSP_EARLY});
            const struct dsp_event *start = heard_first(h, DSP_SPEECH_START);
            const struct dsp_event *end = NULL;
            for (unsigned i = 0; i < h->n; i++)
                if (h->e[i].kind == DSP_SPEECH_END)
                    end = &h->e[i];
            cr_assert(start && end, "level %d law %d", level, law);
            cr_assert_leq(abs((int)start->start_ms - 1010), 120, "start %u", start->start_ms);
            cr_assert_leq(abs((int)end->end_ms - 3010), 160, "end %u", end->end_ms);
            cr_assert_leq(heard_at(h, start), start->start_ms + 200);
            cr_assert_leq(heard_at(h, end), end->end_ms + 300);
            cr_assert_leq(fabs(end->level_ddb / 10.0 - level), 6, "level %d: %d", level,
                          end->level_ddb);
            tape_close(&t);
        }
}

Test(voice, starts_and_ends_take_turns)
{
    struct tape t;
    tape_open(&t, 5);
    for (int i = 0; i < 20; i++) {
        tape_speech(&t, -20, 500 + 100 * (i % 5));
        tape_silence(&t, 300 + 100 * (i % 7));
    }
    tape_noise(&t, -55, 0);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    bool on = false;
    uint32_t last = 0;
    unsigned spurts = 0;
    for (unsigned i = 0; i < h->n; i++) {
        const struct dsp_event *e = &h->e[i];
        if (e->kind != DSP_SPEECH_START && e->kind != DSP_SPEECH_END)
            continue;
        cr_assert_eq(e->kind == DSP_SPEECH_START, !on);
        on = !on;
        cr_assert_geq(on ? e->start_ms : e->end_ms, last);
        last = on ? e->start_ms : e->end_ms;
        spurts += on;
    }
    cr_assert_geq(spurts, 18, "%u spurts of 20", spurts);
    tape_close(&t);
}

Test(voice, noise_tones_clicks_and_hum_are_not_speech)
{
    for (int kind = 0; kind < 6; kind++) {
        struct tape t;
        tape_open(&t, (uint32_t)kind + 20);
        if (kind < 3) { /* from the first packet on, and rising suddenly */
            tape_silence(&t, 20000);
            tape_noise(&t, -55, 0);
            tape_noise(&t, -30 - 8 * kind, kind == 1 ? 5000 : 0);
        } else if (kind == 3) {
            for (int i = 0; i < 40; i++) {
                tape_silence(&t, 450);
                float *at = tape_more(&t, 6);
                for (int k = 0; k < 48; k++)
                    at[k] = (float)(9000 * tape_random(&t));
            }
        } else if (kind == 4) {
            tape_pair(&t, 150, -25, 250, -30, 15000);
        } else {
            for (int i = 0; i < 20; i++) {
                tape_tone(&t, 400 + 130 * i, -15, 300);
                tape_silence(&t, 400);
            }
        }
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
        cr_assert_eq(heard_count(h, DSP_SPEECH_START), 0, "kind %d: %u spurts", kind,
                     heard_count(h, DSP_SPEECH_START));
        tape_close(&t);
    }
}

Test(voice, is_heard_over_noise_once_the_floor_is_known)
{
    struct tape t;
    tape_open(&t, 30);
    tape_silence(&t, 2000);
    tape_speech(&t, -20, 1500);
    tape_silence(&t, 1500);
    tape_noise(&t, -36, 0);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    const struct dsp_event *e = heard_first(h, DSP_SPEECH_START);
    cr_assert_not_null(e);
    cr_assert_leq(abs((int)e->start_ms - 2000), 200, "%u", e->start_ms);
    cr_assert_geq(heard_count(h, DSP_SPEECH_END), 1);
    tape_close(&t);
}

/* Lengths at which silence is said: 1, 2, 3, 5, 8, 13, 21… s. */
static void expect_rests(const struct heard *h, enum dsp_kind kind, uint32_t from, uint32_t to)
{
    uint32_t due = 1000, next = 2000;
    for (unsigned i = 0; i < h->n; i++) {
        if (h->e[i].kind != kind)
            continue;
        cr_assert_leq(abs((int)h->e[i].start_ms - (int)from), 40);
        cr_assert_leq(abs((int)(h->e[i].end_ms - h->e[i].start_ms) - (int)due), 20);
        cr_assert_eq(h->e[i].end_ms, h->at_ms[i]);
        uint32_t sum = due + next;
        due = next;
        next = sum;
    }
    cr_assert_geq(due + 40, to - from, "the next was due at %u of %u", due, to - from);
}

Test(voice, silence_is_said_at_1_2_3_5_8_13_21_s)
{
    struct tape t;
    tape_open(&t, 31);
    tape_speech(&t, -18, 1000);
    tape_silence(&t, 30000);
    tape_noise(&t, -62, 0);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    cr_assert_eq(heard_count(h, DSP_SILENCE), 7);
    cr_assert_eq(heard_count(h, DSP_DEAD_AIR), 0);
    expect_rests(h, DSP_SILENCE, heard_first(h, DSP_SILENCE)->start_ms, 31000);
    tape_close(&t);
}

Test(voice, steady_noise_of_minus_40_is_silence_too)
{
    struct tape t;
    tape_open(&t, 34);
    tape_speech(&t, -18, 1500);
    tape_silence(&t, 9000);
    tape_noise(&t, -40, 0);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY});
    cr_assert_geq(heard_count(h, DSP_SILENCE), 4, "%u", heard_count(h, DSP_SILENCE));
    cr_assert_leq(heard_at(h, heard_first(h, DSP_SILENCE)), 1500 + 1000 + 600);
    cr_assert_eq(heard_count(h, DSP_DEAD_AIR), 0);
    tape_close(&t);
}

Test(voice, digital_zero_is_dead_air_in_both_laws_and_faint_noise_is_not)
{
    for (int law = 0; law < 2; law++) {
        struct tape t;
        tape_open(&t, 32);
        tape_silence(&t, 10000);
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_EARLY, .alaw = law});
        cr_assert_eq(heard_count(h, DSP_DEAD_AIR), 5, "law %d", law);
        cr_assert_eq(heard_count(h, DSP_SILENCE), 0);
        expect_rests(h, DSP_DEAD_AIR, 0, 10000);
        tape_noise(&t, -66, 0);
        h = line_play(&t, (struct line){.phase = DSP_EARLY, .alaw = law});
        cr_assert_eq(heard_count(h, DSP_DEAD_AIR), 0, "law %d", law);
        cr_assert_eq(heard_count(h, DSP_SILENCE), 5);
        tape_close(&t);
    }
}

Test(voice, an_interval_without_packets_is_silence)
{
    struct tape t;
    tape_open(&t, 33);
    tape_silence(&t, 4000);
    const struct heard *h =
        line_play(&t, (struct line){.phase = DSP_EARLY, .flags = DSP_FLAG_NO_RTP});
    cr_assert_eq(heard_count(h, DSP_SILENCE), 3);
    cr_assert_eq(heard_count(h, DSP_DEAD_AIR), 0);
    tape_close(&t);
}

Test(voice, level_is_that_of_the_last_block)
{
    struct dsp_state s;
    struct dsp_amd_config amd;
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    dsp_amd_defaults(&amd);
    dsp_state_init(&s, dsp_plan_find("us"), &amd);
    cr_assert_eq(dsp_state_level(&s), -990);
    dsp_state_phase(&s, DSP_TALK);
    struct tape t;
    tape_open(&t, 1);
    tape_tone(&t, 1000, -17, 20);
    int16_t block[DSP_BLOCK_SAMPLES];
    line_block(&t, 0, false, block);
    struct dsp_block b = {.state = &s, .samples = block};
    dsp_process(&b, 1, out);
    cr_assert_leq(abs(dsp_state_level(&s) + 170), 3, "%d", dsp_state_level(&s));
    b.samples = NULL;
    b.flags = DSP_FLAG_NO_RTP;
    dsp_process(&b, 1, out);
    cr_assert_eq(dsp_state_level(&s), -990);
    tape_close(&t);
}
