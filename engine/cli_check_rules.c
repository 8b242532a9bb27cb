/* The rules of a campaign as `peal check` explains them: the law beside its windows, limits of a
 * number, and the retry rules that are not the house's. */
#include "cli_check.h"

#include <stdio.h>
#include <string.h>

#include "campaign/place.h"
#include "campaign/rules.h"

#define SENTENCE_MAX 512

/* What holds beside the campaign's own windows, in sentences. */
static void say_law(const struct campaign *c)
{
    struct place_limit limits[PLACE_LIMITS_MAX];
    uint32_t n = place_limits(c, NULL, 0, limits), lock_out_ms = place_lock_out_ms(c, NULL);
    struct zone *const *zones = c->zone_candidates;
    uint32_t zone_count = c->zone_candidate_count;
    char text[64];

    if (c->calling)
        printf("Calling rules %s hold beside the campaign's windows, and %u regions have their "
               "own.\n",
               c->calling->name, c->calling->region_count);
    if (c->exceptions)
        printf(
            "Exceptions %s hold, too: %u prefixes of numbers have zones or a region of their own, "
            "and %u regions their rules.\n",
            c->exceptions->name, c->exceptions->number_count, c->exceptions->region_count);
    if (c->holidays)
        printf("On %u holidays only the hours of 'holidays' in the windows hold.\n",
               c->holidays->count);
    for (uint32_t i = 0; i < n; i++) {
        place_limit_text(&limits[i].limit, text, sizeof(text));
        printf("A number gets at most %s, all campaigns together (%s).\n", text, limits[i].whose);
    }
    if (lock_out_ms) {
        campaign_duration_text(lock_out_ms, text, sizeof(text));
        printf("A number is left alone for %s after an abandoned call.\n", text);
    }
    for (uint32_t i = 0; i < 2 && zone_count == 0; i++) {
        const struct calling_rules *r = i ? c->exceptions : c->calling;

        zones = r ? r->zones : zones;
        zone_count = r ? r->zone_count : 0;
    }
    for (uint32_t i = 0; i < zone_count; i++)
        printf("%s%s", i ? ", " : "A lead without a known zone must be inside the windows of ",
               zone_name(zones[i]));
    if (zone_count)
        puts(" at once.");
}

/* The house's own rule, whatever the campaign calls its status. */
static bool is_default(const struct campaign *c, enum result result)
{
    struct campaign_rule house = {0};
    const struct campaign_rule *r = &c->rules[result];

    rules_default(result, &house);
    for (int i = 0; i < CAMPAIGN_STATUSES; i++) {
        if (strcmp(house.finish, campaign_status_name((enum campaign_status)i)) == 0) {
            memcpy(house.finish, c->statuses[i], sizeof(house.finish));
            break;
        }
    }
    return strcmp(house.finish, r->finish) == 0 && house.how[0] == r->how[0] && r->how_count == 1 &&
           house.after_count == r->after_count &&
           memcmp(house.after, r->after, sizeof(house.after)) == 0 && r->counts == -1 &&
           house.attempts == r->attempts && !r->mark[0] && r->priority_count == 0;
}

static void say_labels(const char *what, const struct campaign_label_rule *rules, uint32_t count)
{
    char text[SENTENCE_MAX];

    for (uint32_t i = 0; i < count; i++) {
        retry_say(&rules[i].rule, text, sizeof(text));
        printf("  %s %s: %s.\n", what, rules[i].label, text);
    }
}

/* What a rule that tries a refused lead again cannot mean. */
static void say_refusal(enum result result, const struct campaign_rule *r)
{
    char text[24];

    if (!rules_is_refusal(result) || retry_is_final(r))
        return;
    campaign_duration_text(RULES_REFUSED_AGAIN_MS, text, sizeof(text));
    printf("    (Nothing is dialled then and no attempt is used up: the same number waits at least "
           "%s, and until it may be called only the lead's expiry ends it.)\n",
           text);
}

static void say_retries(const struct campaign *c)
{
    char text[SENTENCE_MAX];
    bool any = c->recording_rules || c->outcome_rules;

    for (int i = RESULT_NONE + 1; i < RESULT_COUNT; i++)
        any = any || !is_default(c, (enum result)i);
    if (!any)
        return;
    printf("Its own rules for what follows an attempt (%u at most, all together):\n", c->attempts);
    for (int i = RESULT_NONE + 1; i < RESULT_COUNT; i++) {
        if (is_default(c, (enum result)i))
            continue;
        retry_say(&c->rules[i], text, sizeof(text));
        printf("  after %s: %s.\n", result_name((enum result)i), text);
        say_refusal((enum result)i, &c->rules[i]);
    }
    say_labels("after the recording", c->recordings, c->recording_rules);
    say_labels("by the agent's choice", c->outcomes, c->outcome_rules);
    if (c->comments)
        puts("Every attempt leaves a dated comment with the lead.");
}

void check_say_rules(const struct campaign *c)
{
    say_law(c);
    say_retries(c);
}
