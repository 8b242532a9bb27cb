/* What a running campaign may become, and what it may not: each with its sentence. */
#include "campaign/change.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char base[] =
    "name: spring\n"
    "country: si\n"
    "zone: Europe/Ljubljana\n"
    "windows: mon-fri 09:00-20:00\n"
    "attempts: 3\n"
    "ring_timeout: 20s\n"
    "trunks:\n"
    "  - { name: carrier, address: 127.0.0.1:5070, max_calls: 60, calls_per_second: 10 }\n"
    "caller_ids: [ \"+38600100100\" ]\n"
    "agents:\n"
    "  - { name: agent-%d, uri: \"sip:agent-%d@127.0.0.1:5070\", count: 3, wrap_up: 2s }\n"
    "pacing: { mode: ratio, ratio: 1.5, calls_per_second: 5 }\n"
    "abandonment: { limit: 2s, cap: 3 }\n"
    "on: { human: agent, machine: hangup }\n"
    "results: { busy: { after: 5m } }\n"
    "max_calls: 100\n";

static struct campaign *with(const char *from, const char *to)
{
    char text[2000], error[CAMPAIGN_ERROR_MAX];
    const char *at = strstr(base, from);
    struct campaign *c;

    cr_assert_not_null(at, "the base has no '%s'", from);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
    cr_assert_eq(campaign_parse(&c, "spring.yaml", slice_cstr(text), error), OK, "%s", error);
    return c;
}

struct pair {
    const char *from, *to, *says;
};

Test(change, what_may_change_does_and_is_told)
{
    static const struct pair may[] = {
        {"mode: ratio, ratio: 1.5", "mode: predictive", "pacing is predictive now"},
        {"ratio: 1.5", "ratio: 2.5", "pacing is ratio, with other figures"},
        {"calls_per_second: 5", "calls_per_second: 6", "pacing is ratio, with other figures"},
        {"mon-fri 09:00-20:00", "mon-sat 09:00-20:00", "other windows"},
        {"attempts: 3", "attempts: 2", "2 attempts"},
        {"ring_timeout: 20s", "ring_timeout: 30s", "ring_timeout 30 s"},
        {"max_calls: 60", "max_calls: 40", "trunk carrier: 40 calls, 10 a second"},
        {"calls_per_second: 10", "calls_per_second: 8", "trunk carrier: 60 calls, 8 a second"},
        {"+38600100100", "+38600100101", "trunk carrier: other caller ids"},
        {"attempts: 3\n", "attempts: 3\nends: 2027-01-31\n", "other dates"},
        {"after: 5m", "after: 7m", "results: busy"},
        {"max_calls: 100\n", "max_calls: 100\nmedia: { late_limit: 40ms }\n", "late_limit 40 ms"},
    };

    struct campaign *now = with("attempts: 3", "attempts: 3");
    for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
        char why[CAMPAIGN_ERROR_MAX] = "", text[300];
        struct campaign *next = with(may[i].from, may[i].to);

        cr_expect_eq(campaign_may_become(now, next, why), OK, "%s: %s", may[i].to, why);
        campaign_changes(now, next, text, sizeof(text));
        cr_expect_str_eq(text, may[i].says);
        campaign_free(next);
    }
    char text[300];
    struct campaign *same = with("attempts: 3", "attempts: 3");

    campaign_changes(now, same, text, sizeof(text));
    cr_expect_str_eq(text, "", "nothing has changed");
    campaign_free(same);
    campaign_free(now);
}

Test(change, what_may_not_is_refused_with_a_sentence)
{
    static const struct pair may_not[] = {
        {"name: spring", "name: autumn", "called 'spring', not 'autumn'"},
        {"country: si", "country: at", "country"},
        {"zone: Europe/Ljubljana", "zone: Europe/Vienna", "zone: the campaign's is Europe/Ljub"},
        {"127.0.0.1:5070, max", "127.0.0.1:5071, max", "'carrier' has another address"},
        {"name: carrier", "name: other", "'carrier' is called 'other'"},
        {"count: 3", "count: 4", "3 agents, not 4"},
        {"wrap_up: 2s", "wrap_up: 3s", "wrap-up"},
        {"wrap_up: 2s", "wrap_up: 2s, groups: [ sales ]", "in other groups"},
        {"machine: hangup", "machine: agent", "on: machine"},
        {"cap: 3", "cap: 2", "abandonment"},
        {"limit: 2s", "limit: 3s", "abandonment"},
        {"max_calls: 100", "max_calls: 101", "max_calls"},
        {"max_calls: 100\n", "max_calls: 100\nrecording: { mode: all }\n", "recording"},
        {"max_calls: 100\n", "max_calls: 100\nanalysis: { greeting: 1900ms }\n", "analysis"},
        {"max_calls: 100\n", "max_calls: 100\nsip: { address: 127.0.0.2 }\n", "sip or media"},
        {"max_calls: 100\n", "max_calls: 100\ntone_plan: gb\n", "tone_plan"},
    };

    struct campaign *now = with("attempts: 3", "attempts: 3");
    for (size_t i = 0; i < sizeof(may_not) / sizeof(may_not[0]); i++) {
        char why[CAMPAIGN_ERROR_MAX] = "";
        struct campaign *next = with(may_not[i].from, may_not[i].to);

        cr_expect_eq(campaign_may_become(now, next, why), ERR_REFUSED, "%s", may_not[i].to);
        cr_expect_not_null(strstr(why, may_not[i].says), "'%s' does not say '%s'", why,
                           may_not[i].says);
        cr_expect_not_null(strstr(why, "peal stop"), "'%s' does not say what to do", why);
        campaign_free(next);
    }
    campaign_free(now);
}
