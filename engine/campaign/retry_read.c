/* The retry rules of a campaign file: `results:`, `recordings:`, `outcomes:` and `statuses:`. */
#include <stdio.h>
#include <stdlib.h>

#include "campaign/reading.h"
#include "campaign/rules.h"

#define OUTCOME_NAME_MAX 32 /* as a call record keeps it */

static void read_after(struct reading *r, const char *key, const char *text,
                       struct campaign_rule *rule)
{
    enum err e = retry_parse_after(slice_cstr(text), rule);

    if (e == ERR_FULL)
        reading_fail(r, text, "%s: after: %u delays at most", key, RETRY_STEPS_MAX);
    else if (e)
        reading_fail(r, text,
                     "%s: after: '%.60s' is not accepted; accepted: one or more delays up to 45d "
                     "or times of a later day, as in '5m', '1h, 4h, 1d', '1h, next day 10:00', "
                     "'in 3 days 9:30'",
                     key, text);
}

static void read_next(struct reading *r, const char *key, const char *text,
                      struct campaign_rule *rule)
{
    enum err e = retry_parse_next(slice_cstr(text), rule);

    if (e == ERR_FULL)
        reading_fail(r, text, "%s: next: %u steps at most", key, RETRY_STEPS_MAX);
    else if (e)
        reading_fail(
            r, text,
            "%s: next: '%.60s' is not accepted; accepted: by attempt, one or more of "
            "retry, other_trunk, other_number (round and round), next_number (finish after "
            "the last), other_caller_id, finish, as in 'other_trunk' or 'retry, "
            "other_number + other_caller_id, finish'",
            key, text);
}

static void read_lists(struct reading *r, const char *key, const struct raw_rule *raw,
                       struct campaign_rule *rule)
{
    bool retries = raw->after || raw->attempts;

    if (retries && retry_is_final(rule))
        rule->how[0] = 0; /* a delay of one's own: tried again */
    if (retries && !raw->attempts)
        rule->attempts = 0; /* … until the campaign's attempts are spent */
    if (raw->after)
        read_after(r, key, raw->after, rule);
    if (raw->next)
        read_next(r, key, raw->next, rule);
    if (retry_is_final(rule) && retries && !r->failed)
        reading_fail(r, raw->next, "%s: 'next: finish' and a retry contradict each other", key);
    if (!retry_is_final(rule) && rule->after_count == 0) {
        rule->after_count = 1;
        rule->after[0] = (struct retry_delay){.ms = 3600000};
    }
    if (raw->priority && !r->failed && retry_parse_priority(slice_cstr(raw->priority), rule))
        reading_fail(r, raw->priority,
                     "%s: priority: '%.60s' is not accepted; accepted: by attempt, %u numbers at "
                     "most from -%u to %u, as in '+10' or '0, -5'",
                     key, raw->priority, RETRY_STEPS_MAX, RETRY_PRIORITY_MAX, RETRY_PRIORITY_MAX);
}

/* With statuses of the campaign's own, a lead ends with one of them. */
static void check_status(struct reading *r, const char *key, const char *at, const char *status)
{
    const struct campaign *c = r->campaign;
    char accepted[256] = "";
    size_t n = 0;

    if (!c->statuses_closed || r->failed)
        return;
    for (int i = 0; i < CAMPAIGN_STATUSES; i++) {
        if (strcmp(c->statuses[i], status) == 0)
            return;
        if (n < sizeof(accepted) && !strstr(accepted, c->statuses[i]))
            n += (size_t)snprintf(accepted + n, sizeof(accepted) - n, "%s%s", n ? ", " : "",
                                  c->statuses[i]);
    }
    reading_fail(r, at, "%s: finish: '%.40s' is none of the campaign's statuses; accepted: %s", key,
                 status, accepted);
}

static void read_rule(struct reading *r, const char *key, const struct raw_rule *raw,
                      struct campaign_rule *rule)
{
    char name[96];
    bool counts = false;

    read_lists(r, key, raw, rule);
    snprintf(name, sizeof(name), "%s: attempts", key);
    reading_u32(r, name, raw->attempts, 1, 100, &rule->attempts);
    snprintf(name, sizeof(name), "%s: counts", key);
    reading_bool(r, name, raw->counts, &counts);
    if (raw->counts)
        rule->counts = counts;
    snprintf(name, sizeof(name), "%s: finish", key);
    reading_name(r, name, raw->finish, rule->finish, sizeof(rule->finish));
    if (raw->finish)
        check_status(r, key, raw->finish, rule->finish);
    snprintf(name, sizeof(name), "%s: mark", key);
    reading_text(r, name, raw->mark, rule->mark, sizeof(rule->mark));
    snprintf(name, sizeof(name), "%s: comment", key);
    reading_text(r, name, raw->comment, rule->comment, sizeof(rule->comment));
}

/* The house's rule under the campaign's own word for its status. */
static void default_rule(const struct campaign *c, enum result result, struct campaign_rule *rule)
{
    rules_default(result, rule);
    for (int i = 0; i < CAMPAIGN_STATUSES; i++) {
        if (strcmp(rule->finish, campaign_status_name((enum campaign_status)i)) == 0) {
            memcpy(rule->finish, c->statuses[i], sizeof(rule->finish));
            return;
        }
    }
}

/* An agent chooses it by a key; its name goes into records. */
static void read_outcome(struct reading *r, const char *key, const struct raw_label_rule *raw,
                         uint32_t i, struct campaign_label_rule *list)
{
    char name[OUTCOME_NAME_MAX] = "";
    const char *digit = raw[i].key;

    reading_name(r, key, raw[i].label, name, sizeof(name));
    if (r->failed)
        return;
    if (!digit || strlen(digit) != 1 || !strchr("0123456789*#", digit[0])) {
        reading_fail(r, digit ? digit : raw[i].label,
                     "%s: key: which key of the agent's telephone chooses it; accepted: 0 to 9, "
                     "'*' and '#'",
                     key);
        return;
    }
    list[i].key = digit[0];
    for (uint32_t k = 0; k < i; k++) {
        if (list[k].key == list[i].key)
            reading_fail(r, digit, "%s: key: %s chooses '%s' already", key, digit, list[k].label);
    }
}

static struct campaign_label_rule *read_labels(struct reading *r, const char *key,
                                               const struct raw_label_rule *raw, uint32_t count,
                                               bool is_outcome)
{
    char name[64];

    if (count == 0 || r->failed)
        return NULL;
    struct campaign_label_rule *list = calloc(count, sizeof(*list));
    if (!list) {
        reading_fail(r, NULL, "no memory");
        return NULL;
    }
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        const char *label = raw[i].label;

        if (!label || !slice_trim(slice_cstr(label)).len) {
            reading_fail(r, label ? label : raw[i].rule.finish, "%s: each needs a label%s", key,
                         is_outcome ? ": a name ('label: stranger')"
                                    : " ('label: \"en-blocked-*\"'; '*' stands for anything, '?' "
                                      "for one character)");
            break;
        }
        snprintf(name, sizeof(name), "%s: %.40s", key, label);
        reading_text(r, name, label, list[i].label, sizeof(list[i].label));
        if (is_outcome)
            read_outcome(r, name, raw, i, list);
        default_rule(r->campaign, RESULT_ANNOUNCEMENT, &list[i].rule);
        if (!raw[i].rule.after && !raw[i].rule.next && !raw[i].rule.attempts) {
            list[i].rule.how[0] = RETRY_FINISH; /* a status alone: that is the end */
            list[i].rule.after_count = 0;
        }
        read_rule(r, name, &raw[i].rule, &list[i].rule);
    }
    return list;
}

void reading_rules(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;
    char key[64];

    for (int i = 0; i < CAMPAIGN_STATUSES; i++) {
        const char *house = campaign_status_name((enum campaign_status)i);
        snprintf(c->statuses[i], sizeof(c->statuses[i]), "%s", house);
        snprintf(key, sizeof(key), "statuses: %s", house);
        reading_name(r, key, raw->statuses[i], c->statuses[i], sizeof(c->statuses[i]));
        c->statuses_closed |= raw->statuses[i] != NULL;
    }
    reading_bool(r, "comments", raw->comments, &c->comments);
    for (int i = RESULT_NONE; i < RESULT_COUNT && !r->failed; i++) {
        snprintf(key, sizeof(key), "results: %s", result_name((enum result)i));
        default_rule(c, (enum result)i, &c->rules[i]);
        read_rule(r, key, &raw->results[i], &c->rules[i]);
    }
    c->recordings = read_labels(r, "recordings", raw->recordings, raw->recordings_count, false);
    c->recording_rules = c->recordings ? raw->recordings_count : 0;
    c->outcomes = read_labels(r, "outcomes", raw->outcomes, raw->outcomes_count, true);
    c->outcome_rules = c->outcomes ? raw->outcomes_count : 0;
}
