/* Mixes: what a file may say, and draws that depend on seed, number and attempt only. */
#include <criterion/criterion.h>
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
    return mix_scenario(m, mix_draw(m, seed, slice_cstr(number), attempt));
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
        count[mix_draw(m, 1, slice_cstr(number), 1)]++;
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
            uint32_t at = mix_draw(m, 5, slice_cstr(number), attempt);
            if (mix_per_attempt(m, at)) {
                changed++;
                continue;
            }
            cr_assert(!person || strcmp(person, mix_scenario(m, at)) == 0, "%s is %s, then %s",
                      number, person, mix_scenario(m, at));
            person = mix_scenario(m, at);
        }
        different_seed +=
            mix_draw(m, 5, slice_cstr(number), 1) != mix_draw(m, 6, slice_cstr(number), 1);
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
        cr_assert_eq(mix_draw(m, 3, slice_cstr(plain), 2), mix_draw(m, 3, slice_cstr(spaced), 2));
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
    refused("scenarios: {{{\n", "");
    refused("- 1\n- 2\n", "");
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
            mix_draw(m, 1, SLICE("+12025550100"), 1);
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
