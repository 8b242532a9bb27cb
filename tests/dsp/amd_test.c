/* The verdict's rules (mode DSP_AMD_RULES), each on speech made here: what it is and when it is
 * given. The model's own tests are in amd_model_test.c. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

static struct dsp_event told; /* the last verdict */

/* Plays the tape over faint noise from noise_from on; returns the verdict, its time in *at. */
static enum dsp_verdict verdict_on(struct tape *t, uint32_t noise_from, struct line line,
                                   uint32_t *at)
{
    if (noise_from < tape_ms(t))
        tape_noise(t, -58, noise_from);
    struct dsp_amd_config rules;
    dsp_amd_defaults(&rules);
    if (line.amd)
        rules = *line.amd;
    rules.mode = DSP_AMD_RULES;
    line.amd = &rules;
    const struct heard *h = line_play(t, line);
    cr_assert_leq(heard_count(h, DSP_VERDICT), 1, "at most one verdict");
    const struct dsp_event *e = heard_first(h, DSP_VERDICT);
    *at = e ? heard_at(h, e) : 0;
    told = e ? *e : (struct dsp_event){0};
    enum dsp_verdict v = e ? (enum dsp_verdict)e->detail : VERDICT_NONE;
    tape_close(t);
    return v;
}

Test(amd, a_short_answer_and_silence_is_a_human_soon)
{
    for (uint32_t length = 300; length <= 1700; length += 200) {
        struct tape t;
        uint32_t at;
        tape_open(&t, length);
        tape_silence(&t, 500);
        tape_speech(&t, -20, length);
        tape_silence(&t, 4000);
        enum dsp_verdict v = verdict_on(&t, 0, (struct line){0}, &at);
        cr_assert_eq(v, VERDICT_HUMAN, "%u ms: %s", length, dsp_verdict_name(v));
        cr_assert_geq(at, 500 + length + 400, "%u ms: at %u", length, at);
        cr_assert_leq(at, 500 + length + 800, "%u ms: at %u", length, at);
        cr_assert(abs(told.freq_hz[0] - (int)length) <= 60, "%u ms: rests on %u ms of speech",
                  length, told.freq_hz[0]);
        int since = (int)(at - 500 - length);
        cr_assert(abs(told.freq_hz[1] - since) <= 60, "%u ms: rests on %u ms of silence, not %d",
                  length, told.freq_hz[1], since);
    }
}

Test(amd, hello_twice_is_a_human)
{
    for (uint32_t gap = 200; gap <= 2000; gap += 150) {
        struct tape t;
        uint32_t at;
        tape_open(&t, gap);
        tape_silence(&t, 900);
        tape_speech(&t, -22, 420);
        tape_silence(&t, gap);
        tape_speech(&t, -20, 450);
        tape_silence(&t, 4000);
        enum dsp_verdict v = verdict_on(&t, 0, (struct line){0}, &at);
        cr_assert_eq(v, VERDICT_HUMAN, "gap %u: %s", gap, dsp_verdict_name(v));
    }
}

Test(amd, a_firms_greeting_of_four_seconds_is_a_human)
{
    for (uint32_t length = 2500; length <= 4500; length += 500) {
        struct tape t;
        uint32_t at;
        tape_open(&t, length);
        tape_silence(&t, 300);
        tape_speech(&t, -20, length);
        tape_silence(&t, 4000);
        enum dsp_verdict v = verdict_on(&t, 0, (struct line){0}, &at);
        cr_assert_eq(v, VERDICT_HUMAN, "%u ms: %s", length, dsp_verdict_name(v));
        cr_assert_leq(at, 300 + length + 1450);
        cr_assert_geq(at, 300 + length + 900, "%u ms: at %u", length,
                      at); /* they go on after 0.6 s */
    }
}

/* Sound that may turn out to be the next words holds the verdict for 120 ms, no longer. */
Test(amd, what_stirs_is_waited_for_a_moment)
{
    for (int stirs = 0; stirs < 2; stirs++) {
        struct tape t;
        uint32_t at;
        tape_open(&t, 6);
        tape_silence(&t, 500);
        tape_speech(&t, -20, 700);
        uint32_t from = tape_ms(&t);
        tape_silence(&t, 3000);
        if (stirs) /* breath: active, never voiced, and over before it is noise */
            for (size_t i = (from + 420) * TAPE_PER_MS; i < (from + 900) * TAPE_PER_MS; i++)
                t.s[i] += (float)((i / 320 % 2 ? 900 : 3000) * tape_random(&t));
        cr_assert_eq(verdict_on(&t, 0, (struct line){0}, &at), VERDICT_HUMAN);
        int late = (int)(at - from);
        cr_assert(stirs ? late > 700 && late <= 740 : late <= 620, "stirs %d: %d ms", stirs, late);
    }
}

Test(amd, a_long_greeting_is_a_machine)
{
    for (uint32_t pause = 0; pause <= 400; pause += 100) {
        struct tape t;
        uint32_t at;
        tape_open(&t, pause);
        tape_silence(&t, 300);
        for (int i = 0; i < 4; i++) {
            tape_speech(&t, -20, 2200);
            tape_silence(&t, pause);
        }
        tape_silence(&t, 4000);
        enum dsp_verdict v = verdict_on(&t, 0, (struct line){0}, &at);
        cr_assert_eq(v, VERDICT_MACHINE, "pause %u: %s", pause, dsp_verdict_name(v));
        cr_assert_leq(at, 300 + 5200 + 700);
    }
}

Test(amd, a_beep_is_a_machine_at_once)
{
    struct tape t;
    uint32_t at;
    tape_open(&t, 4);
    tape_silence(&t, 300);
    tape_speech(&t, -20, 900);
    tape_silence(&t, 300);
    tape_tone(&t, 1000, -15, 300);
    tape_silence(&t, 4000);
    cr_assert_eq(verdict_on(&t, 0, (struct line){0}, &at), VERDICT_MACHINE);
    cr_assert_leq(at, 1800 + 100);
}

Test(amd, quiet_from_the_start_is_silent_at_the_limit)
{
    struct tape t;
    uint32_t at;
    struct dsp_amd_config c;
    dsp_amd_defaults(&c);
    for (uint16_t limit = 2000; limit <= 5000; limit += 1500) {
        c.initial_silence_ms = limit;
        tape_open(&t, 5);
        tape_silence(&t, 12000);
        cr_assert_eq(verdict_on(&t, 0, (struct line){.amd = &c}, &at), VERDICT_SILENT);
        cr_assert_leq(abs((int)at - limit), 40, "limit %u: at %u", limit, at);
    }
}

/* The carrier's digital zero before the callee is through is not the callee's silence. */
Test(amd, dead_air_of_3_to_7_s_before_hello_does_not_count)
{
    for (uint32_t dead = 3000; dead <= 7000; dead += 500) {
        struct tape t;
        uint32_t at;
        tape_open(&t, dead);
        tape_silence(&t, dead);
        tape_silence(&t, 700);
        tape_speech(&t, -20, 500);
        tape_silence(&t, 3000);
        enum dsp_verdict v = verdict_on(&t, dead, (struct line){0}, &at);
        cr_assert_eq(v, VERDICT_HUMAN, "%u ms dead: %s", dead, dsp_verdict_name(v));
        cr_assert_leq(at, dead + 1200 + 800);
    }
}

Test(amd, dead_air_for_ever_is_silent_after_8_s)
{
    struct tape t;
    uint32_t at;
    tape_open(&t, 6);
    tape_silence(&t, 20000);
    cr_assert_eq(verdict_on(&t, 99999, (struct line){0}, &at), VERDICT_SILENT);
    cr_assert_leq(abs((int)at - 8000), 40, "%u", at);
}

Test(amd, the_clock_starts_with_the_first_packet)
{
    struct tape t;
    uint32_t at;
    tape_open(&t, 6);
    tape_silence(&t, 30000);
    cr_assert_eq(verdict_on(&t, 99999, (struct line){.flags = DSP_FLAG_NO_RTP}, &at), VERDICT_NONE,
                 "without a packet nothing can be said");
}

Test(amd, speech_before_the_answer_does_not_count)
{
    struct tape t;
    uint32_t at;
    tape_open(&t, 8);
    tape_speech(&t, -20, 7900); /* an announcement in early media */
    tape_silence(&t, 700);
    tape_speech(&t, -20, 500);
    tape_silence(&t, 3000);
    cr_assert_eq(verdict_on(&t, 0, (struct line){.answer_ms = 8000}, &at), VERDICT_HUMAN);
    cr_assert_geq(at, 9100);
    cr_assert_leq(at, 9100 + 800);
}

Test(amd, tones_after_answer_are_no_human_and_no_silence)
{
    static const double tones[][4] = {
        {440, 480, 2000, 4000}, {480, 620, 500, 500}, {480, 620, 250, 250}, {350, 440, 9000, 10}};
    for (unsigned i = 0; i < sizeof tones / sizeof tones[0]; i++) {
        struct tape t;
        uint32_t at;
        tape_open(&t, i + 1);
        tape_silence(&t, 200);
        while (tape_ms(&t) < 20000) {
            tape_pair(&t, tones[i][0], -18, tones[i][1], -18, tones[i][2]);
            tape_silence(&t, tones[i][3]);
        }
        enum dsp_verdict v = verdict_on(&t, 0, (struct line){0}, &at);
        cr_assert_eq(v, VERDICT_UNSURE, "tone %u: %s", i, dsp_verdict_name(v));
        cr_assert_geq(at, 8000);
    }
}

Test(amd, fax_is_not_speech)
{
    struct tape t;
    uint32_t at;
    tape_open(&t, 2);
    tape_silence(&t, 800);
    tape_tone(&t, 2100, -12, 3000);
    tape_silence(&t, 8000);
    cr_assert_eq(verdict_on(&t, 0, (struct line){0}, &at), VERDICT_UNSURE);
}

Test(amd, lost_packets_change_no_verdict)
{
    for (unsigned every = 10; every < 40; every += 7)
        for (int machine = 0; machine < 2; machine++) {
            struct tape t;
            uint32_t at;
            tape_open(&t, every);
            tape_silence(&t, 500);
            tape_speech(&t, -20, machine ? 9000 : 800);
            tape_silence(&t, 4000);
            enum dsp_verdict v = verdict_on(&t, 0, (struct line){.lose_every = every}, &at);
            cr_assert_eq(v, machine ? VERDICT_MACHINE : VERDICT_HUMAN, "every %u: %s", every,
                         dsp_verdict_name(v));
        }
}

Test(amd, the_rules_are_the_configurations)
{
    struct tape t;
    uint32_t at;
    struct dsp_amd_config c;
    dsp_amd_defaults(&c);
    c.greeting_ms = 2500;
    tape_open(&t, 3);
    tape_speech(&t, -20, 4000);
    tape_silence(&t, 3000);
    cr_assert_eq(verdict_on(&t, 0, (struct line){.amd = &c}, &at), VERDICT_MACHINE);
    cr_assert_leq(at, 2500 + 300);
    dsp_amd_defaults(&c);
    c.after_greeting_ms = 1500;
    tape_open(&t, 3);
    tape_speech(&t, -20, 700);
    tape_silence(&t, 3000);
    cr_assert_eq(verdict_on(&t, 0, (struct line){.amd = &c}, &at), VERDICT_HUMAN);
    cr_assert_geq(at, 700 + 1300);
}
