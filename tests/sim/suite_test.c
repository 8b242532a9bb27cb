/* Suites: what a file may say, and the sentences for what it may not. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sim/suite.h"

static const char whole[] = "name: a morning\n"
                            "seed: 9\n"
                            "scenarios: ../s\n"
                            "duration: 10\n"
                            "callees: { mix: m.yaml, at_least: 4 }\n"
                            "programs:\n"
                            "  - { name: engine, address: \"127.0.0.1:5060\" }\n"
                            "  - { name: other, address: \"127.0.0.1:5061\" }\n"
                            "callers:\n"
                            "  - name: a\n"
                            "    scenario: callers/normal\n"
                            "    to: \"sip:{n}@{engine}\"\n"
                            "    data: people.csv\n"
                            "    rate: 2/s\n"
                            "  - name: b\n"
                            "    scenario: /else/where.lua\n"
                            "    to: \"sip:{column}@{callees}\"\n"
                            "    calls: 5\n"
                            "    rate: 1/s\n"
                            "    start: 7\n"
                            "    min_success: 80\n"
                            "settings: { talk_mean: 12, word: hello }\n";

static struct suite *load(const char *text, const uint64_t *seed, const char *addresses)
{
    struct suite_options options = {seed, addresses};
    char error[SUITE_ERROR_MAX] = "";
    struct suite *s = NULL;

    cr_assert_eq(suite_load_text(&s, "dir/s.yaml", slice_cstr(text), &options, error), OK, "%s",
                 error);
    return s;
}

static void refused(const char *text, const char *addresses, const char *where, const char *part)
{
    struct suite_options options = {NULL, addresses};
    char error[SUITE_ERROR_MAX] = "";
    struct suite *s = NULL;

    cr_assert_neq(suite_load_text(&s, "s.yaml", slice_cstr(text), &options, error), OK,
                  "accepted: %s", text);
    cr_assert_eq(strncmp(error, where, strlen(where)), 0, "not at %s: %s", where, error);
    cr_assert(strstr(error, part), "no \"%s\" in: %s", part, error);
}

Test(suite, says_what_is_in_it)
{
    struct suite *s = load(whole, NULL, NULL);

    cr_assert_str_eq(s->name, "a morning");
    cr_assert_eq(s->seed, 9u);
    cr_assert_str_eq(s->scenarios, "dir/../s");
    cr_assert_str_eq(s->mix, "dir/m.yaml");
    cr_assert_eq(s->at_least, 4u);
    cr_assert_eq(s->caller_groups, 2u);
    cr_assert_str_eq(s->callers[0].scenario, "dir/../s/callers/normal.lua");
    cr_assert_str_eq(s->callers[0].to, "sip:{n}@127.0.0.1:5060");
    cr_assert_str_eq(s->callers[0].data, "dir/people.csv");
    cr_assert_str_eq(s->callers[1].scenario, "/else/where.lua");
    cr_assert_str_eq(s->callers[1].to, "sip:{column}@{callees}");
    cr_assert_eq(s->callers[1].min_success, 80.0);
    cr_assert_eq(s->callers[1].line, 15u);
    cr_assert_eq(s->settings, 2u);
    cr_assert_str_eq(s->setting[1].name, "word");
    cr_assert_str_eq(s->setting[1].value, "hello");
    suite_free(s);
}

Test(suite, the_duration_ends_the_plan)
{
    struct suite *s = load(whole, NULL, NULL);

    cr_assert_eq(s->callers[0].planned, 20u); /* 2/s for 10 s, no count given */
    cr_assert_eq(s->callers[1].planned, 3u);  /* at 7, 8 and 9 s */
    for (int i = 0; i < 3; i++)
        cr_assert_neq(law_next(&s->callers[1].law), UINT64_MAX);
    cr_assert_eq(law_next(&s->callers[1].law), UINT64_MAX);
    suite_free(s);
}

Test(suite, the_command_line_goes_before_the_file)
{
    uint64_t seed = 77;
    struct suite *s = load(whole, &seed, "other=[::1]:7000,engine=127.0.0.1:7001");

    cr_assert_eq(s->seed, 77u);
    cr_assert_str_eq(s->callers[0].to, "sip:{n}@127.0.0.1:7001");
    cr_assert_str_eq(s->program[1].address, "[::1]:7000");
    suite_free(s);
}

Test(suite, groups_have_dice_of_their_own)
{
    static const char text[] =
        "callers:\n"
        "  - { name: a, scenario: c, to: \"sip:1@h\", calls: 50, rate: 9/s, law: poisson }\n"
        "  - { name: b, scenario: c, to: \"sip:1@h\", calls: 50, rate: 9/s, law: poisson }\n";
    struct suite *s = load(text, NULL, NULL), *again = load(text, NULL, NULL);
    uint32_t same = 0;

    for (int i = 0; i < 50; i++) {
        uint64_t a = law_next(&s->callers[0].law), b = law_next(&s->callers[1].law);
        same += a == b;
        cr_assert_eq(law_next(&again->callers[0].law), a);
    }
    cr_assert_leq(same, 1u); /* both begin at 0 */
    suite_free(s);
    suite_free(again);
}

#define CALLER(more) "callers:\n  - { name: a, scenario: c, to: \"sip:1@h\"" more " }\n"

Test(suite, wrong_files_are_refused_with_their_line)
{
    refused("", NULL, "s.yaml:1:", "empty");
    refused("- a\n", NULL, "s.yaml:1:", "keys and values");
    refused("name: x\n", NULL, "s.yaml:1:", "a suite has callees, or callers");
    refused("callees: {}\n", NULL, "s.yaml:1:", "duration: is missing");
    refused("name: x\nsede: 3\n", NULL, "s.yaml:2:", "unknown key 'sede'; accepted: name, seed,");
    refused("seed: 1\nseed: 2\n", NULL, "s.yaml:2:", "given before");
    refused("codecs: pcma, g729\n", NULL, "s.yaml:1:", "'g729' is not accepted; accepted: pcmu");
    refused(CALLER(", codecs: \"opus, opus\""), NULL, "s.yaml:2:", "each once");
    refused("seed: seven\n", NULL, "s.yaml:1:", "a whole number from 0");
    refused("duration: [1]\n", NULL, "s.yaml:1:", "a single value");
    refused("a: [\n", NULL, "s.yaml:2:", "this is no YAML");
    refused(CALLER(", calls: 3, law: wave"), NULL, "s.yaml:2:", "it must be constant, poisson");
    refused(CALLER(", calls: 3, rate: fast"), NULL, "s.yaml:2:", "calls a second");
    refused(CALLER(""), NULL, "s.yaml:2:", "calls: how many");
    refused("duration: 5\n" CALLER(", law: \"ramp:1-5\""), NULL, "s.yaml:3:", "A ramp goes over");
    refused("duration: 5\n" CALLER(", start: 6"), NULL, "s.yaml:3:", "after the end");
    refused("callers:\n  - { name: a, scenario: c, to: \"tel:1\", calls: 1 }\n", NULL,
            "s.yaml:2:", "write sip:");
    refused("callers:\n  - { name: a, scenario: c, calls: 1 }\n", NULL,
            "s.yaml:2:", "to: is missing");
    refused("callers:\n  - { name: a, scenario: c, to: \"sip:1@{callees}\", calls: 1 }\n", NULL,
            "s.yaml:2:", "it has none");
    refused("callers:\n  - { name: \"a b\", scenario: c, to: \"sip:1@h\", calls: 1 }\n", NULL,
            "s.yaml:2:", "letters, digits");
    refused(CALLER(", calls: 1") "  - { name: a, scenario: c, to: \"sip:1@h\", calls: 1 }\n", NULL,
            "s.yaml:3:", "is taken");
    refused("programs:\n  - { name: n, address: x }\n", NULL, "s.yaml:2:", "is taken");
    refused(CALLER(", calls: 1"), "engine=1.2.3.4:5", "s.yaml:1:", "programs has no 'engine'");
    refused(CALLER(", calls: 1"), "engine", "s.yaml:1:", "write NAME=ADDRESS:PORT");
}

Test(suite, secrets_and_their_files)
{
    static const char callees[] = "callees: { mix: m.yaml }\nduration: 1\n";
    char text[400];

    snprintf(text, sizeof text,
             "srtp: required\ntls_authorities: ca.pem\ntls_certificate: /c.pem\ntls_key: k.pem\n%s",
             callees);
    struct suite *s = load(text, NULL, NULL);

    cr_assert_str_eq(s->srtp, "required");
    cr_assert_str_eq(s->tls_authorities, "dir/ca.pem");
    cr_assert_str_eq(s->tls_certificate, "/c.pem");
    cr_assert_str_eq(s->tls_key, "dir/k.pem");
    suite_free(s);
    s = load(callees, NULL, NULL);
    cr_assert_str_eq(s->srtp, "off");
    cr_assert_null(s->tls_key);
    suite_free(s);
    snprintf(text, sizeof text, "srtp: allowed\n%s", callees);
    refused(text, NULL, "s.yaml:1:", "offered");
    snprintf(text, sizeof text, "tls_key: k.pem\n%s", callees);
    refused(text, NULL, "s.yaml:1:", "go together");
}

Test(suite, legs_share_a_socket)
{
    static const char callees[] = "callees: { mix: m.yaml }\nduration: 1\n";
    char text[200];

    for (int shared = 0; shared < 2; shared++) {
        snprintf(text, sizeof text, "%s%s", shared ? "shared_media: true\nworkers: 1\n" : "",
                 callees);
        struct suite *s = load(text, NULL, NULL);

        cr_assert_eq(s->shared_media, shared);
        suite_free(s);
    }
    snprintf(text, sizeof text, "workers: 2\nshared_media: true\n%s", callees);
    refused(text, NULL, "s.yaml:2:", "workers: 1");
    snprintf(text, sizeof text, "shared_media: perhaps\n%s", callees);
    refused(text, NULL, "s.yaml:1:", "shared_media");
}

Test(suite, a_mix_is_told_from_a_suite)
{
    cr_assert(suite_is_one(slice_cstr(whole)));
    cr_assert_not(suite_is_one(slice_cstr("scenarios:\n  - { scenario: busy, weight: 1 }\n")));
    cr_assert_not(suite_is_one(slice_cstr("a: [\n")));
}
