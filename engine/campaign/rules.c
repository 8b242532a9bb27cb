/* Retry decisions. The house's rules are one table below; a campaign's `results:` changes rows of
 * it. Order of decision: delivered, final by rule, spent, too many tries, else a retry inside the
 * calling windows of every zone the lead may be in. */
#include "campaign/rules.h"

#include <stdio.h>

#define S 1000u
#define M (60u * S)
#define H (60u * M)
#define D (24u * H)

enum { NEXT_RETRY, NEXT_RETRY_OTHER_TRUNK = RETRY_OTHER_TRUNK, NEXT_FINISH = RETRY_FINISH };

struct default_rule {
    uint8_t how;
    uint32_t after_ms[3];
    uint32_t attempts; /* 0: the campaign's */
    const char *finish;
};

/* The "next" column of the results' page: seconds, minutes, hours or never. */
static const struct default_rule defaults[RESULT_COUNT] = {
    [RESULT_NONE] = {NEXT_RETRY, {1 * M}, 0, STATUS_NOT_REACHED},
    [RESULT_DNC] = {NEXT_FINISH, {0}, 0, STATUS_NOT_DIALLED},
    [RESULT_OUT_OF_WINDOW] = {NEXT_RETRY, {1 * S}, 0, STATUS_NOT_REACHED},
    [RESULT_ATTEMPTS_SPENT] = {NEXT_FINISH, {0}, 0, STATUS_NOT_REACHED},
    [RESULT_INVALID_NUMBER] = {NEXT_FINISH, {0}, 0, STATUS_INVALID},
    [RESULT_MISSING_NUMBER] = {NEXT_FINISH, {0}, 0, STATUS_INVALID},
    [RESULT_OWN_NUMBER] = {NEXT_FINISH, {0}, 0, STATUS_INVALID},
    [RESULT_EXPIRED] = {NEXT_FINISH, {0}, 0, STATUS_NOT_REACHED},
    [RESULT_CANCELLED] = {NEXT_FINISH, {0}, 0, STATUS_NOT_DIALLED},
    [RESULT_NO_TRUNK] = {NEXT_RETRY, {5 * S, 15 * S, 60 * S}, 0, STATUS_FAILED},
    [RESULT_VACANT] = {NEXT_FINISH, {0}, 0, STATUS_INVALID},
    [RESULT_CHANGED] = {NEXT_FINISH, {0}, 0, STATUS_INVALID},
    [RESULT_BUSY] = {NEXT_RETRY, {5 * M, 15 * M, 1 * H}, 0, STATUS_NOT_REACHED},
    [RESULT_NO_ANSWER] = {NEXT_RETRY, {1 * H, 4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_UNREACHABLE] = {NEXT_RETRY, {2 * H, 6 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_REJECTED] = {NEXT_RETRY, {1 * D}, 2, STATUS_REFUSED},
    [RESULT_CONGESTION] = {NEXT_RETRY_OTHER_TRUNK, {30 * S, 2 * M, 10 * M}, 0, STATUS_NOT_REACHED},
    [RESULT_OUR_FAULT] = {NEXT_RETRY_OTHER_TRUNK, {1 * M, 5 * M, 30 * M}, 0, STATUS_FAILED},
    [RESULT_SILENT_LINE] = {NEXT_RETRY, {1 * H, 4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_DROPPED] = {NEXT_RETRY, {1 * H, 4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_HUMAN] = {NEXT_RETRY, {1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_HUMAN_SILENT] = {NEXT_RETRY, {4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_MACHINE] = {NEXT_RETRY, {4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_MAILBOX_FULL] = {NEXT_RETRY, {4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_IVR] = {NEXT_FINISH, {0}, 0, STATUS_NOT_REACHED},
    [RESULT_SCREENER] = {NEXT_RETRY, {1 * D}, 2, STATUS_REFUSED},
    [RESULT_FAX] = {NEXT_FINISH, {0}, 0, STATUS_INVALID},
    [RESULT_MODEM] = {NEXT_FINISH, {0}, 0, STATUS_INVALID},
    [RESULT_ANNOUNCEMENT] = {NEXT_RETRY, {4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_SIT] = {NEXT_RETRY, {4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_FALSE_ANSWER] = {NEXT_RETRY_OTHER_TRUNK, {1 * H, 4 * H}, 0, STATUS_NOT_REACHED},
    [RESULT_DEAD_AIR] = {NEXT_RETRY, {1 * H, 4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_NO_MEDIA] = {NEXT_RETRY_OTHER_TRUNK, {1 * H, 4 * H}, 0, STATUS_NOT_REACHED},
    [RESULT_HUNG_UP_EARLY] = {NEXT_RETRY, {4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
    [RESULT_UNKNOWN] = {NEXT_RETRY, {1 * H, 4 * H, 1 * D}, 0, STATUS_NOT_REACHED},
};

void rules_default(enum result r, struct campaign_rule *out)
{
    const struct default_rule *d = &defaults[(unsigned)r < RESULT_COUNT ? r : RESULT_NONE];

    *out = (struct campaign_rule){
        .how = {d->how}, .how_count = 1, .attempts = d->attempts, .counts = -1};
    snprintf(out->finish, sizeof(out->finish), "%s", d->finish);
    while (out->after_count < 3 && d->after_ms[out->after_count]) {
        out->after[out->after_count].ms = d->after_ms[out->after_count];
        out->after_count++;
    }
}

/* Where neither agents nor flows have machines, one that an agent had was told nothing. */
static bool by_mistake(const struct campaign *c, enum result result, enum delivery d)
{
    enum treatment_kind meant = c->on[RESULT_MACHINE].kind;

    return d == DELIVERY_CONNECTED && result == RESULT_MACHINE &&
           (meant == TREAT_HANGUP || meant == TREAT_MESSAGE);
}

bool rules_delivered(const struct campaign *c, enum result result, enum delivery d)
{
    if (by_mistake(c, result, d))
        return false;
    return d == DELIVERY_CONNECTED || d == DELIVERY_MESSAGE_LEFT || d == DELIVERY_FLOW ||
           d == DELIVERY_TRANSFERRED;
}

static void finish(struct rules_decision *out, const char *status, const char *reason)
{
    out->finish = true;
    snprintf(out->status, sizeof(out->status), "%s", status);
    out->reason = reason;
}

static const struct campaign_rule *by_label(const struct campaign_label_rule *rules, uint32_t count,
                                            struct slice label)
{
    for (uint32_t i = 0; label.len && i < count; i++) {
        if (retry_label_matches(slice_cstr(rules[i].label), label))
            return &rules[i].rule;
    }
    return NULL;
}

/* What was chosen says more than what was heard, and a recording more than its result; a person
 * who came after a recording is a person. */
static const struct campaign_rule *rule_for(const struct campaign *c, enum result result,
                                            struct slice label, struct slice outcome)
{
    const struct campaign_rule *rule = by_label(c->outcomes, c->outcome_rules, outcome);

    if (!rule && !result_is_live(result))
        rule = by_label(c->recordings, c->recording_rules, label);
    return rule ? rule : &c->rules[result];
}

static enum result known_result(enum result r)
{
    return (unsigned)r < RESULT_COUNT ? r : RESULT_NONE;
}

bool rules_charged(const struct campaign *c, enum result result, struct slice label,
                   struct slice outcome)
{
    const struct campaign_rule *rule = rule_for(c, known_result(result), label, outcome);

    return rule->counts >= 0 ? rule->counts != 0 : result_is_charged(known_result(result));
}

/* Of the line or the lead; the rest is our own affair and no line in a lead's comments. */
static bool says_something(enum result r)
{
    return r != RESULT_NONE && r != RESULT_OUT_OF_WINDOW && r != RESULT_ATTEMPTS_SPENT &&
           r != RESULT_CANCELLED && r != RESULT_NO_TRUNK && r != RESULT_OUR_FAULT;
}

/* "30/03 busy", on the lead's calendar. */
static void write_comment(const struct campaign *c, const struct campaign_rule *rule,
                          const struct rules_input *in, struct rules_decision *out)
{
    char what[RULES_COMMENT_MAX - 8];
    struct zone_local t;

    if (!says_something(known_result(in->result)) || !(rule->comment[0] || c->comments))
        return;
    snprintf(what, sizeof(what), "%s", rule->comment);
    if (!what[0]) {
        snprintf(what, sizeof(what), "%s%s" SLICE_FMT, result_name(known_result(in->result)),
                 in->label.len ? ": " : "", SLICE_ARG(in->label));
        for (char *p = what; *p && *p != ':'; p++)
            *p = *p == '_' ? ' ' : *p;
    }
    zone_to_local(place_zone(c, in->place), in->now_wall_ms, &t);
    snprintf(out->comment, sizeof(out->comment), "%02u/%02u %s", t.day % 100u, t.month % 100u,
             what);
}

bool rules_is_refusal(enum result r)
{
    return r == RESULT_DNC || r == RESULT_OWN_NUMBER || r == RESULT_INVALID_NUMBER ||
           r == RESULT_MISSING_NUMBER;
}

/* Refusals count as no attempt. Going on to a further number ends with the lead's last one, but a
 * rule that comes back to the same number would spin as fast as its delay lets it. */
static uint64_t not_before(const struct rules_input *in, uint8_t how)
{
    bool goes_on =
        (how & (RETRY_OTHER_NUMBER | RETRY_NEXT_NUMBER)) && in->number_at + 1 < in->number_count;

    return rules_is_refusal(in->result) && !goes_on ? in->now_wall_ms + RULES_REFUSED_AGAIN_MS : 0;
}

static void decide_number(const struct rules_input *in, uint8_t how, struct rules_decision *out)
{
    if (!(how & (RETRY_OTHER_NUMBER | RETRY_NEXT_NUMBER)) || in->number_count < 2)
        return;
    out->next_number = (in->number_at + 1) % in->number_count;
}

static void decide_retry(const struct campaign *c, const struct campaign_rule *rule,
                         const struct rules_input *in, struct rules_decision *out)
{
    struct calendar calendar;
    uint32_t done = out->charged ? in->attempt : in->tries;
    uint8_t how = retry_how_at(rule, done);
    uint64_t due = retry_due(rule, done, place_zone(c, in->place), in->now_wall_ms);

    if (due < not_before(in, how))
        due = not_before(in, how);
    place_calendar(c, in->place, &calendar);
    uint64_t at = calendar_next(&calendar, due);

    if (at == WINDOW_NEVER) {
        finish(out, rule->finish, "the calling windows never open again");
    } else if (in->expires_wall_ms && at >= in->expires_wall_ms) {
        finish(out, rule->finish, "the lead expires before the next attempt");
    } else {
        out->retry_wall_ms = at;
        out->other_trunk = how & RETRY_OTHER_TRUNK;
        out->other_caller_id = how & RETRY_OTHER_CALLER_ID;
        out->priority = retry_priority_at(rule, done);
        decide_number(in, how, out);
        out->reason = at > due ? "waits for the calling window" : "is tried again";
    }
}

/* This rule says that no attempt follows this one, whatever the budget. */
static bool ends_here(const struct campaign_rule *rule, const struct rules_input *in, bool charged)
{
    uint8_t how = retry_how_at(rule, charged ? in->attempt : in->tries);

    return (how & RETRY_FINISH) ||
           ((how & RETRY_NEXT_NUMBER) && in->number_at + 1 >= in->number_count);
}

void rules_decide(const struct campaign *c, const struct rules_input *in,
                  struct rules_decision *out)
{
    enum result result = known_result(in->result);
    const struct campaign_rule *chosen = by_label(c->outcomes, c->outcome_rules, in->outcome);
    const struct campaign_rule *rule = rule_for(c, result, in->label, in->outcome);
    uint32_t most = rule->attempts && rule->attempts < c->attempts ? rule->attempts : c->attempts;

    *out = (struct rules_decision){
        .charged = rules_charged(c, result, in->label, in->outcome),
        .next_number = in->number_at,
    };
    write_comment(c, rule, in, out);
    if (rules_delivered(c, result, in->delivery) && !chosen) {
        finish(out, c->statuses[STATUS_IS_REACHED], "was delivered");
        return;
    }
    if (ends_here(rule, in, out->charged))
        finish(out, rule->finish, "is final by the campaign's rules");
    else if (in->attempt >= c->attempts)
        finish(out, rule->finish, "has spent the campaign's attempts");
    else if (out->charged && in->attempt >= most)
        finish(out, rule->finish, "has spent the attempts of this result");
    else if (in->tries >= c->attempts * RULES_TRIES_PER_ATTEMPT)
        finish(out, c->statuses[STATUS_IS_FAILED], "failed too often without an attempt");
    else
        decide_retry(c, rule, in, out);
    if (out->finish)
        memcpy(out->mark, rule->mark, sizeof(out->mark));
}

enum result rules_may_dial(const struct campaign *c, const struct place *place,
                           uint32_t attempts_made, uint64_t expires_wall_ms, uint64_t now_wall_ms,
                           uint64_t *when)
{
    struct calendar calendar;

    *when = WINDOW_NEVER;
    if (attempts_made >= c->attempts)
        return RESULT_ATTEMPTS_SPENT;
    if (expires_wall_ms && now_wall_ms >= expires_wall_ms)
        return RESULT_EXPIRED;
    place_calendar(c, place, &calendar);
    *when = calendar_next(&calendar, now_wall_ms);
    if (*when == now_wall_ms)
        return RESULT_NONE;
    return RESULT_OUT_OF_WINDOW;
}
