/* Retry decisions. The house's rules are one table below; a campaign's `results:` changes rows of
 * it. Order of decision: delivered, final by rule, spent, too many tries, else a retry inside the
 * calling windows of every zone the lead may be in. */
#include "campaign/rules.h"

#include <stdio.h>

#define S 1000u
#define M (60u * S)
#define H (60u * M)
#define D (24u * H)

struct default_rule {
    enum rule_next next;
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

    *out = (struct campaign_rule){.next = d->next, .attempts = d->attempts};
    snprintf(out->finish, sizeof(out->finish), "%s", d->finish);
    while (out->after_count < 3 && d->after_ms[out->after_count]) {
        out->after_ms[out->after_count] = d->after_ms[out->after_count];
        out->after_count++;
    }
}

bool rules_delivered(enum delivery d)
{
    return d == DELIVERY_CONNECTED || d == DELIVERY_MESSAGE_LEFT || d == DELIVERY_FLOW ||
           d == DELIVERY_TRANSFERRED;
}

static void finish(struct rules_decision *out, const char *status, const char *reason)
{
    out->finish = true;
    snprintf(out->status, sizeof(out->status), "%s", status);
    out->reason = reason;
}

/* Which delay of the rule's list comes now. */
static uint32_t step_ms(const struct campaign_rule *rule, const struct rules_input *in,
                        bool charged)
{
    uint32_t done = charged ? in->attempt : in->tries;
    uint32_t step = done > 0 ? done - 1 : 0;

    if (rule->after_count == 0)
        return 60000;
    return rule->after_ms[step < rule->after_count ? step : rule->after_count - 1];
}

static void decide_retry(const struct campaign *c, const struct campaign_rule *rule,
                         const struct rules_input *in, struct rules_decision *out)
{
    struct calendar calendar;
    uint32_t after_ms = step_ms(rule, in, out->charged);
    /* Never the same instant: a zero delay would let a failing line spin. */
    uint64_t due = in->now_wall_ms + (after_ms ? after_ms : 1);

    place_calendar(c, in->place, &calendar);
    uint64_t at = calendar_next(&calendar, due);

    if (at == WINDOW_NEVER) {
        finish(out, rule->finish, "the calling windows never open again");
    } else if (in->expires_wall_ms && at >= in->expires_wall_ms) {
        finish(out, rule->finish, "the lead expires before the next attempt");
    } else {
        out->retry_wall_ms = at;
        out->other_trunk = rule->next == NEXT_RETRY_OTHER_TRUNK;
        out->reason = at > due ? "waits for the calling window" : "is tried again";
    }
}

void rules_decide(const struct campaign *c, const struct rules_input *in,
                  struct rules_decision *out)
{
    enum result result = (unsigned)in->result < RESULT_COUNT ? in->result : RESULT_NONE;
    const struct campaign_rule *rule = &c->rules[result];
    uint32_t most = rule->attempts && rule->attempts < c->attempts ? rule->attempts : c->attempts;

    *out = (struct rules_decision){.charged = result_is_charged(result)};
    if (rules_delivered(in->delivery))
        finish(out, STATUS_REACHED, "was delivered");
    else if (rule->next == NEXT_FINISH)
        finish(out, rule->finish, "is final by the campaign's rules");
    else if (in->attempt >= c->attempts)
        finish(out, rule->finish, "has spent the campaign's attempts");
    else if (out->charged && in->attempt >= most)
        finish(out, rule->finish, "has spent the attempts of this result");
    else if (in->tries >= c->attempts * RULES_TRIES_PER_ATTEMPT)
        finish(out, STATUS_FAILED, "failed too often without an attempt");
    else
        decide_retry(c, rule, in, out);
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
