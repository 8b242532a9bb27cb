/* Mixes: what a file may say, and draws that depend on seed, number and attempt only. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "sim/attempts.h"
#include "sim/mix.h"

static const char demo[] = "scenarios:\n"
                           "  - { scenario: human, weight: 30 }\n"
                           "  - { scenario: machine, weight: 20 }\n"
                           "  - { scenario: busy, weight: 35, per_attempt: true }\n"
                           "  - { scenario: none, weight: 15, per_attempt: true }\n"
                           "numbers:\n"
                           "  - { prefix: \"+1 303\", scenario: busy }\n"
                           "  - { prefix: \"+1 303 555 01\", scenario: machine }\n"
                           "  - { number: \"+1 (303) 555-0142\", scenario: special }\n"
                           "agents: { prefix: desk-, scenario: agents/quiet }\n"
                           "settings:\n"
                           "  - { name: talk_mean, value: 12.5 }\n";

static struct mix *load(const char *text)
{
    char error[MIX_ERROR_MAX] = "";
    struct mix *m = NULL;

    cr_assert_eq(mix_load_text(&m, "m.yaml", slice_cstr(text), error), OK, "%s", error);
    return m;
}

static void refused(const char *text, const char *part)
{
    char error[MIX_ERROR_MAX] = "";
    struct mix *m = NULL;

    cr_assert_neq(mix_load_text(&m, "m.yaml", slice_cstr(text), error), OK, "accepted: %s", text);
    cr_assert(strstr(error, "m.yaml"), "no file name in: %s", error);
    cr_assert(strstr(error, part), "no \"%s\" in: %s", part, error);
}

static const char *drawn(const struct mix *m, uint64_t seed, const char *number, uint32_t attempt)
{
    return mix_scenario(m, mix_draw(m, seed, slice_cstr(number), attempt, 0));
}

Test(mix, says_what_is_in_it)
{
    struct mix *m = load(demo);
    const char *name, *value;

    cr_assert_eq(mix_scenario_count(m), 5u);
    cr_assert_str_eq(mix_scenario(m, 4), "special");
    cr_assert_eq(mix_weight(m, 4), 0.0);
    cr_assert_eq(mix_weight(m, 1), 20.0);
    cr_assert(mix_per_attempt(m, 2) && !mix_per_attempt(m, 0));
    cr_assert_str_eq(mix_agent_prefix(m), "desk-");
    cr_assert_str_eq(mix_agent_scenario(m), "agents/quiet");
    cr_assert_eq(mix_setting_count(m), 1u);
    mix_setting(m, 0, &name, &value);
    cr_assert_str_eq(name, "talk_mean");
    cr_assert_str_eq(value, "12.5");
    mix_free(m);
}

Test(mix, fixed_numbers_win_the_longest_first)
{
    struct mix *m = load(demo);

    for (uint32_t attempt = 1; attempt < 5; attempt++) {
        cr_assert_str_eq(drawn(m, 9, "+13035550142", attempt), "special");
        cr_assert_str_eq(drawn(m, 9, "13035550142", attempt), "special");
        cr_assert_str_eq(drawn(m, 9, "+13035550143", attempt), "machine");
        cr_assert_str_eq(drawn(m, 9, "+13036660143", attempt), "busy");
    }
    mix_free(m);
}

Test(mix, shares_are_the_weights)
{
    struct mix *m = load(demo);
    uint32_t count[5] = {0}, n = 40000;

    for (uint32_t i = 0; i < n; i++) {
        char number[32];
        snprintf(number, sizeof number, "+1202555%06u", i);
        count[mix_draw(m, 1, slice_cstr(number), 1, 0)]++;
    }
    for (uint32_t i = 0; i < 4; i++) {
        double share = 100.0 * count[i] / n;
        cr_assert(share > mix_weight(m, i) - 1 && share < mix_weight(m, i) + 1, "%s: %.2f %%",
                  mix_scenario(m, i), share);
    }
    cr_assert_eq(count[4], 0u);
    mix_free(m);
}

Test(mix, a_person_stays_a_person_over_attempts)
{
    struct mix *m = load(demo);
    uint32_t changed = 0, different_seed = 0;

    for (uint32_t i = 0; i < 500; i++) {
        char number[32];
        const char *person = NULL;
        snprintf(number, sizeof number, "+1202555%04u", i);
        for (uint32_t attempt = 1; attempt <= 12; attempt++) {
            uint32_t at = mix_draw(m, 5, slice_cstr(number), attempt, 0);
            if (mix_per_attempt(m, at)) {
                changed++;
                continue;
            }
            cr_assert(!person || strcmp(person, mix_scenario(m, at)) == 0, "%s is %s, then %s",
                      number, person, mix_scenario(m, at));
            person = mix_scenario(m, at);
        }
        different_seed +=
            mix_draw(m, 5, slice_cstr(number), 1, 0) != mix_draw(m, 6, slice_cstr(number), 1, 0);
    }
    cr_assert(changed > 2700 && changed < 3300, "%u of 6000 attempts met an obstacle", changed);
    cr_assert_gt(different_seed, 200u);
    mix_free(m);
}

Test(mix, writing_of_a_number_makes_no_difference)
{
    struct mix *m = load(demo);

    for (uint32_t i = 0; i < 100; i++) {
        char plain[32], spaced[32];
        snprintf(plain, sizeof plain, "1202555%04u", i);
        snprintf(spaced, sizeof spaced, "+1 (202) 555-%04u", i);
        cr_assert_eq(mix_draw(m, 3, slice_cstr(plain), 2, 5),
                     mix_draw(m, 3, slice_cstr(spaced), 2, 5));
    }
    mix_free(m);
}

Test(mix, faults_are_said_with_their_place)
{
    refused("", "empty");
    refused("  \n\n", "empty");
    refused("scenarios: []\n", "scenarios");
    refused("scenarios:\n  - { scenario: a, wieght: 1 }\n", "wieght");
    refused("scenarios:\n  - { scenario: a }\n", "weight");
    refused("scenarios:\n  - { scenario: a, weight: heavy }\n", "heavy");
    refused("scenarios:\n  - { scenario: a, weight: -1 }\n", "weight of a");
    refused("scenarios:\n  - { scenario: a, weight: .nan }\n", "weight");
    refused("scenarios:\n  - { scenario: a, weight: 0 }\n", "add up to nothing");
    refused("scenarios:\n  - { scenario: a, weight: 1 }\n  - { scenario: a, weight: 1 }\n",
            "twice");
    refused("scenarios:\n  - { scenario: a, weight: 1 }\nnumbers:\n  - { scenario: a }\n",
            "number or prefix");
    refused("scenarios:\n  - { scenario: a, weight: 1 }\nspells:\n  - { scenario: b, share: 5 }\n",
            "m.yaml:4: lasts: is missing");
    refused("scenarios:\n  - { scenario: a, weight: 1 }\nspells:\n"
            "  - { scenario: b, share: 60, lasts: 9 }\n  - { scenario: c, share: 40, lasts: 9 }\n",
            "add up to 100 %");
    refused("scenarios:\n  - { scenario: a, weight: 1 }\nanswer_rate: [{ at: 0, percent: 5 }]\n",
            "m.yaml:3: answer_rate: needs scenarios of both kinds");
    refused("scenarios:\n  - { scenario: a, weight: 1 }\n  - { scenario: b, weight: 1, "
            "per_attempt: true }\nanswer_rate: [{ at: 5, percent: 5 }, { at: 5, percent: 6 }]\n",
            "not after the point before");
    refused("scenarios: {{{\n", "");
    refused("- 1\n- 2\n", "");
}

static const char spelled[] = "scenarios:\n"
                              "  - { scenario: person, weight: 1 }\n"
                              "spells:\n"
                              "  - { scenario: busy, share: 20, lasts: 180 }\n"
                              "  - { scenario: away, share: 30, lasts: 3600 }\n";

/* Numbers are busy now and not in an hour: by shares of time, in spells of the length asked for,
 * and at any moment the same, however often and in whatever order it is asked. */
Test(mix, spells_have_their_share_and_their_length)
{
    enum { NUMBERS = 200, STEP_S = 60, STEPS = 20 * 60 };
    struct mix *m = load(spelled);
    double in[3] = {0}, begun = 0, all = NUMBERS * (STEPS + 1);

    for (int i = 0; i < NUMBERS; i++) {
        char number[32];
        uint32_t before = 0;
        snprintf(number, sizeof number, "+1202555%04d", i);
        for (int k = 0; k <= STEPS; k++) {
            uint32_t at = mix_draw(m, 3, slice_cstr(number), 1, k * STEP_S);
            in[at]++;
            begun += k && at == 1 && before != 1;
            before = at;
        }
    }
    cr_assert(fabs(in[1] / all - 0.2) < 0.015, "busy %.3f of the time", in[1] / all);
    cr_assert(fabs(in[2] / all - 0.3) < 0.05, "away %.3f of the time", in[2] / all);
    /* Looked at once a minute, spells of 180 s are seen 1 / (1 - exp(-1/3)) = 3.5 times each. */
    cr_assert(fabs(in[1] / begun - 3.53) < 0.3, "%.2f looks a spell", in[1] / begun);
    mix_free(m);
}

Test(mix, a_spell_lasts_and_then_ends)
{
    struct mix *m = load(spelled);
    uint32_t busy = 0, soon = 0, later = 0;

    for (int i = 0; i < 6000; i++) {
        char number[32];
        snprintf(number, sizeof number, "+1303555%04d", i);
        if (mix_draw(m, 8, slice_cstr(number), 1, 5000) != 1)
            continue;
        busy++;
        soon += mix_draw(m, 8, slice_cstr(number), 2, 5060) == 1;
        later += mix_draw(m, 8, slice_cstr(number), 3, 5000 + 7200) == 1;
        /* The same moment is the same state, whichever attempt asks. */
        cr_assert_eq(mix_draw(m, 8, slice_cstr(number), 9, 5000), 1u);
    }
    cr_assert(busy > 1000 && busy < 1400, "%u busy", busy);
    /* After a minute of 180 s spells exp(-1/3) = 72 % are in the same; after two hours 20 % again.
     */
    cr_assert(fabs((double)soon / busy - 0.72) < 0.06, "%.3f a minute later", (double)soon / busy);
    cr_assert(fabs((double)later / busy - 0.2) < 0.05, "%.3f hours later", (double)later / busy);
    mix_free(m);
}

Test(mix, speed_makes_hours_of_minutes)
{
    struct mix *plain = load(spelled);
    char text[400];

    snprintf(text, sizeof text, "%sspeed: 60\n", spelled);
    struct mix *fast = load(text);
    for (int i = 0; i < 200; i++) {
        char number[32];
        snprintf(number, sizeof number, "+1404555%04d", i);
        cr_assert_eq(mix_draw(fast, 2, slice_cstr(number), 1, i),
                     mix_draw(plain, 2, slice_cstr(number), 1, i * 60.0));
    }
    mix_free(plain);
    mix_free(fast);
}

static double reached(const struct mix *m, double at_s)
{
    uint32_t n = 0;

    for (int i = 0; i < 8000; i++) {
        char number[32];
        snprintf(number, sizeof number, "+1505555%04d", i);
        n += mix_draw(m, 4, slice_cstr(number), 1, at_s) == 0;
    }
    return n / 8000.0;
}

Test(mix, the_answer_rate_goes_with_time)
{
    struct mix *m = load("scenarios:\n"
                         "  - { scenario: person, weight: 90 }\n"
                         "  - { scenario: busy, weight: 6, per_attempt: true }\n"
                         "  - { scenario: away, weight: 4, per_attempt: true }\n"
                         "answer_rate:\n"
                         "  - { at: 100, percent: 20 }\n"
                         "  - { at: 200, percent: 60 }\n");
    uint32_t busy = 0, away = 0;

    cr_assert(fabs(reached(m, 0) - 0.2) < 0.02);
    cr_assert(fabs(reached(m, 150) - 0.4) < 0.02);
    cr_assert(fabs(reached(m, 175) - 0.5) < 0.02);
    cr_assert(fabs(reached(m, 9999) - 0.6) < 0.02);
    for (int i = 0; i < 8000; i++) {
        char number[32];
        snprintf(number, sizeof number, "+1505555%04d", i);
        uint32_t at = mix_draw(m, 4, slice_cstr(number), 1, 0);
        busy += at == 1;
        away += at == 2;
    }
    /* The obstacles keep their proportion. */
    cr_assert(fabs((double)busy / (busy + away) - 0.6) < 0.03, "%u and %u", busy, away);
    mix_free(m);
}

/* Broken files of every kind: refused or accepted, never a crash or a leak. */
Test(mix, broken_files_do_no_harm)
{
    struct rng rng;
    uint32_t accepted = 0;

    rng_seed(&rng, 4);
    for (int i = 0; i < 4000; i++) {
        char text[sizeof demo], error[MIX_ERROR_MAX];
        struct mix *m = NULL;
        uint32_t len = sizeof demo - 1;
        memcpy(text, demo, sizeof demo);
        for (uint32_t k = 1 + rng_below(&rng, 4); k > 0; k--)
            text[rng_below(&rng, len)] = "\n\t :-[]{}\"'#&*!|>%@`\0\xff,0a"[rng_below(&rng, 25)];
        if (rng_below(&rng, 4) == 0)
            len = rng_below(&rng, len);
        if (mix_load_text(&m, "m.yaml", slice_of(text, len), error) == OK) {
            mix_draw(m, 1, SLICE("+12025550100"), 1, 1e6);
            mix_free(m);
            accepted++;
        } else {
            cr_assert_gt(strlen(error), 5u);
        }
    }
    cr_assert(accepted > 50 && accepted < 3900, "%u accepted", accepted);
}

Test(mix, attempts_are_counted_by_number)
{
    struct attempts a;

    cr_assert_eq(attempts_init(&a), OK);
    for (uint32_t round = 1; round <= 3; round++)
        for (uint32_t i = 0; i < 1000; i++) {
            char number[16];
            snprintf(number, sizeof number, "1202555%04u", i);
            cr_assert_eq(attempts_next(&a, slice_cstr(number)), round);
        }
    cr_assert_eq(attempts_next(&a, SLICE("")), 1u);
    cr_assert_eq(a.uncounted, 0u);
    attempts_fini(&a);
}
