/* The verdict by the model: what every version of it must get right, whatever it was trained on,
 * and that costs and limits do what they say. How good it is is measured by tools/train-amd. */
#include <criterion/criterion.h>

#include "dsp/amd_model.h"
#include "dsp/tape.h"

static const struct dsp_event *play(struct tape *t, struct line line, uint32_t noise_from,
                                    uint32_t *at)
{
    static struct dsp_event verdict;
    if (noise_from < tape_ms(t))
        tape_noise(t, -58, noise_from);
    const struct heard *h = line_play(t, line);
    cr_assert_leq(heard_count(h, DSP_VERDICT), 1, "at most one verdict");
    const struct dsp_event *e = heard_first(h, DSP_VERDICT);
    *at = e ? heard_at(h, e) : 0;
    verdict = e ? *e : (struct dsp_event){0};
    tape_close(t);
    return &verdict;
}

/* Some speech, silence, then whatever follows. */
static const struct dsp_event *hello(uint32_t seed, uint32_t dead_ms, uint32_t length_ms,
                                     const struct dsp_amd_config *c, uint32_t *at)
{
    struct tape t;
    tape_open(&t, seed);
    tape_silence(&t, dead_ms);
    tape_silence(&t, 500);
    tape_speech(&t, -20, length_ms);
    tape_silence(&t, 9000);
    return play(&t, (struct line){.amd = c}, dead_ms, at);
}

Test(amd_model, the_model_is_the_default)
{
    struct dsp_amd_config c;
    dsp_amd_defaults(&c);
    cr_assert_eq(c.mode, DSP_AMD_MODEL);
}

Test(amd_model, hello_is_a_human_within_a_second)
{
    for (uint32_t length = 300; length <= 800; length += 100) {
        uint32_t at;
        const struct dsp_event *e = hello(length, 0, length, NULL, &at);
        cr_assert_eq(e->detail, VERDICT_HUMAN, "%u ms: %s", length,
                     dsp_verdict_name((enum dsp_verdict)e->detail));
        cr_assert_leq(at, 500 + length + 1000, "%u ms: at %u", length, at);
        cr_assert_gt((double)e->confidence, 0.5);
    }
}

/* Looks are taken by the answer's clock, 40 ms apart: where in it a word ends must not make a person
 * wait for more than two of them. */
Test(amd_model, the_wait_after_hello_depends_little_on_when_it_was_said)
{
    for (uint32_t length = 300; length <= 600; length += 100) {
        uint32_t least = UINT32_MAX, most = 0;
        for (uint32_t later = 0; later < 200; later += 20) {
            struct tape t;
            uint32_t at;
            tape_open(&t, length);
            tape_silence(&t, 500 + later);
            tape_speech(&t, -20, length);
            tape_silence(&t, 4000);
            cr_assert_eq(play(&t, (struct line){0}, 0, &at)->detail, VERDICT_HUMAN);
            at -= 500 + later + length;
            least = at < least ? at : least;
            most = at > most ? at : most;
        }
        cr_assert_leq(most - least, 80, "%u ms: %u to %u after its end", length, least, most);
    }
}

Test(amd_model, the_carriers_silence_does_not_change_it)
{
    for (uint32_t dead = 3000; dead <= 7000; dead += 1000) {
        uint32_t at;
        const struct dsp_event *e = hello(3, dead, 500, NULL, &at);
        cr_assert_eq(e->detail, VERDICT_HUMAN, "%u ms dead", dead);
        cr_assert_leq(at, dead + 1000 + 1000);
    }
}

/* Others talk behind the person, before and after, 16 to 20 dB quieter. */
Test(amd_model, hello_in_a_talking_office_is_a_human)
{
    unsigned humans = 0;
    for (uint32_t seed = 1; seed <= 6; seed++) {
        struct tape t, office;
        uint32_t at;
        tape_open(&office, seed + 50);
        for (int i = 0; i < 6; i++)
            tape_speech(&office, -36 - (double)(seed % 3) * 2, 1500);
        tape_open(&t, seed);
        tape_silence(&t, 700);
        tape_speech(&t, -20, 500);
        tape_silence(&t, 6500);
        for (size_t i = 0; i < t.n && i < office.n; i++)
            t.s[i] += office.s[i];
        tape_close(&office);
        const struct dsp_event *e = play(&t, (struct line){0}, 0, &at);
        humans += e->detail == VERDICT_HUMAN && at <= 1200 + 3000;
    }
    cr_assert_geq(humans, 5, "%u of 6", humans);
}

Test(amd_model, a_beep_after_some_words_is_a_machine)
{
    struct tape t;
    uint32_t at;
    tape_open(&t, 4);
    tape_silence(&t, 300);
    tape_speech(&t, -20, 2600);
    tape_silence(&t, 300);
    tape_tone(&t, 1000, -15, 300);
    tape_silence(&t, 4000);
    cr_assert_eq(play(&t, (struct line){0}, 0, &at)->detail, VERDICT_MACHINE);
    cr_assert_leq(at, 3500 + 100);
}

/* A dearer drop never makes a machine of what was a human, and never sooner. */
Test(amd_model, the_dearer_a_drop_the_later_a_machine)
{
    unsigned machines[2] = {0, 0};
    for (uint32_t seed = 1; seed <= 6; seed++) {
        uint32_t at[2];
        for (int dear = 0; dear < 2; dear++) {
            struct dsp_amd_config c;
            dsp_amd_defaults(&c);
            c.drop_cost_s = dear ? 60000 : 30;
            struct tape t;
            tape_open(&t, seed);
            tape_silence(&t, 300);
            for (int i = 0; i < 4; i++) {
                tape_speech(&t, -20, 2200);
                tape_silence(&t, 280);
            }
            const struct dsp_event *e = play(&t, (struct line){.amd = &c}, 0, &at[dear]);
            bool machine = e->detail == VERDICT_MACHINE;
            machines[dear] += machine;
            at[dear] = machine ? at[dear] : 60000;
        }
        cr_assert_leq(at[0], at[1], "seed %u: %u, dear %u", seed, at[0], at[1]);
    }
    cr_assert_geq(machines[0], 4, "%u of 6 where a drop is cheap", machines[0]);
    cr_assert_lt(machines[1], machines[0]);
}

/* However dear a machine with an agent is: after the limit of abandonment a person is lost. */
Test(amd_model, the_verdict_comes_before_the_limit_of_abandonment)
{
    unsigned later = 0;
    for (uint32_t seed = 1; seed <= 8; seed++) {
        uint32_t at[2];
        for (int limited = 0; limited < 2; limited++) {
            struct dsp_amd_config c;
            dsp_amd_defaults(&c);
            c.agent_cost_s = 100;
            c.limit_ms = limited ? 2000 : 0;
            struct tape t;
            tape_open(&t, seed);
            tape_silence(&t, 300);
            tape_speech(&t, -20, 2200);
            tape_silence(&t, 280);
            tape_speech(&t, -20, 1000 + 200 * seed);
            uint32_t end = 300 + 2200 + 280 + 1000 + 200 * seed;
            tape_silence(&t, 12000);
            cr_assert_neq(play(&t, (struct line){.amd = &c}, 0, &at[limited])->detail,
                          VERDICT_NONE);
            if (limited)
                cr_assert_leq(at[1], end + 2000, "seed %u: %u, end %u", seed, at[1], end);
        }
        later += at[0] > at[1];
        cr_assert_leq(at[1], at[0]);
    }
    cr_assert_geq(later, 2, "without the limit some take longer: %u of 8", later);
}

/* Speech without end and without certainty ends as unsure after twice the limit. */
Test(amd_model, talk_without_end_gets_a_verdict)
{
    struct dsp_amd_config c;
    dsp_amd_defaults(&c);
    c.drop_cost_s = 60000;
    c.total_ms = 3000;
    struct tape t;
    uint32_t at;
    tape_open(&t, 9);
    tape_silence(&t, 200);
    tape_speech(&t, -20, 12000);
    cr_assert_neq(play(&t, (struct line){.amd = &c}, 0, &at)->detail, VERDICT_NONE);
    cr_assert_leq(at, 200 + 2 * 3000 + 400);
}

Test(amd_model, probability_rises_with_the_score_and_is_never_certain)
{
    uint32_t before = 0;
    for (int32_t score = -20000; score <= 20000; score += 7) {
        uint32_t p = amd_model_probability(score);
        cr_assert_geq(p, before);
        cr_assert_leq(p, AMD_MODEL_ONE);
        before = p;
    }
    cr_assert_lt(amd_model_probability(INT32_MIN), 100);
    cr_assert_gt(amd_model_probability(INT32_MAX), AMD_MODEL_ONE - 100);
}

/* The features' extremes, which no answer reaches, must not lead outside the tables. */
Test(amd_model, any_features_give_a_score)
{
    uint32_t seed = 1;
    for (int k = 0; k < 20000; k++) {
        int16_t f[AMD_FEATURE_COUNT];
        for (int i = 0; i < AMD_FEATURE_COUNT; i++) {
            seed = seed * 1664525u + 1013904223u;
            f[i] = (int16_t)(k == 0 ? INT16_MIN : k == 1 ? INT16_MAX : (int)(seed >> 16) - 32768);
        }
        cr_assert_leq(abs(amd_model_score(f)), 30 * 1024);
    }
}
