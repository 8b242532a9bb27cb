/* The gate's word on each call (queue/gate.h): asked when a place on a trunk is taken and before
 * the attempt is on record, which is the last moment, so an entry made a second ago stops a lead
 * that was claimed an hour ago. What it refuses is settled (dnc, own_number) or waits until the
 * number is free. A call that passed and was not dialled is taken back. The limits asked for are
 * those of the campaign and of the law where the lead is; after an abandoned call the number is
 * locked for as long as they say, for every campaign.
 *
 * Once a second the lists' version is read; when it has changed, every number that is ringing is
 * asked for again and hung up when it is on a list now. */
#include "dialer/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "queue/dnc.h"

#define UNSURE_MS 60000 /* Redis does not understand our question: the lead waits so long */

static void on_answer(void *arg, enum err e, const struct queue_gate_answer *g);

_Static_assert(PLACE_LIMITS_MAX <= GATE_LIMITS_MAX, "all limits of a place can be asked for");

static enum err ask(struct attempt *a, bool peek, queue_gate_fn *done, void *arg)
{
    struct dialer *d = a->dialer;
    struct place_limit of_place[PLACE_LIMITS_MAX];
    struct queue_gate_limit limits[PLACE_LIMITS_MAX];
    struct place place;
    uint32_t n = 0;

    feed_place(d, &a->task, &place);
    n = place_limits(d->campaign, &place, clock_wall_ms(d->loop->clock), of_place);
    for (uint32_t i = 0; i < n; i++)
        limits[i] = (struct queue_gate_limit){of_place[i].since_wall_ms, of_place[i].calls,
                                              of_place[i].until_wall_ms};
    const struct queue_gate_ask question = {
        .number = slice_cstr(a->record.number),
        .campaign = slice_cstr(d->campaign->name),
        .call_id = slice_cstr(a->record.call_id),
        .now_wall_ms = clock_wall_ms(d->loop->clock),
        .limits = limits,
        .limit_count = peek ? 0 : n, /* a call that rings is among those counted */
        .peek = peek,
    };

    return queue_gate(d->queue, &question, done, arg);
}

/* Finished by the campaign's rules, without an attempt. */
static void refuse(struct attempt *a, enum result why)
{
    a->record.result = why;
    a->record.attempt = 0;
    a->record.invite_wall_ms = clock_wall_ms(a->dialer->loop->clock);
    a->dialer->run->not_dialled++;
    attempt_unreserve(a);
    preview_over(a);
    settle(a);
}

static void say_list(struct call_record *r, const struct queue_gate_answer *g)
{
    snprintf(r->sip_reason, sizeof(r->sip_reason), "list %.30s%s%.15s", g->list,
             g->prefix[0] ? " by prefix " : "", g->prefix);
}

static void put_off(struct attempt *a, uint64_t until_wall_ms, const char *why)
{
    log_info("dialer", "a number may not be called yet", "lead=%s why=\"%s\" until_ms=%llu",
             a->task.id, why, (unsigned long long)until_wall_ms);
    attempt_unreserve(a);
    feed_return(a, until_wall_ms);
}

static void on_answer(void *arg, enum err e, const struct queue_gate_answer *g)
{
    struct attempt *a = arg;
    uint64_t later = clock_wall_ms(a->dialer->loop->clock) + UNSURE_MS;

    if (e == ERR_CANCELLED)
        return; /* the queue is being closed */
    if (e == ERR_CLOSED || e == ERR_TIMEOUT || e == ERR_FULL) {
        feed_ask_again(a);
        return;
    }
    if (e != OK) {
        log_error("dialer", "it is not known whether a number may be called", "lead=%s error=%s",
                  a->task.id, err_name(e));
        put_off(a, later, "not known");
        return;
    }
    switch (g->verdict) {
    case GATE_PASS:
        a->passed = true;
        feed_record(a);
        break;
    case GATE_OWN:
    case GATE_DNC:
        say_list(&a->record, g);
        refuse(a, g->verdict == GATE_OWN ? RESULT_OWN_NUMBER : RESULT_DNC);
        break;
    case GATE_LIMIT:
        put_off(a, g->until_wall_ms, "called often enough");
        break;
    case GATE_LOCKED:
        put_off(a, g->until_wall_ms, g->why);
        break;
    }
}

void gate_ask(struct attempt *a)
{
    enum err e = ask(a, false, on_answer, a);

    if (e == ERR_INVALID)
        refuse(a, RESULT_INVALID_NUMBER);
    else if (e != OK)
        feed_ask_again(a);
}

void gate_take_back(struct attempt *a)
{
    if (!a->passed)
        return;
    a->passed = false;
    if (queue_gate_back(a->dialer->queue, slice_cstr(a->record.number),
                        slice_cstr(a->record.call_id), NULL, NULL) != OK)
        log_warn("dialer", "a call that was not made still counts for its number", "lead=%s",
                 a->task.id);
}

static enum err lock_out(struct dialer *d, const struct call_record *r, const struct place *place)
{
    uint32_t answered = r->at_ms[MARK_ANSWERED], ms = place_lock_out_ms(d->campaign, place);
    uint64_t until = r->invite_wall_ms + (answered == CALL_TIME_NONE ? 0 : answered) + ms;
    char why[GATE_WHY_MAX + 1];
    int n = snprintf(why, sizeof(why), "abandoned call of campaign %s", d->campaign->name);

    if (ms == 0 || until <= clock_wall_ms(d->loop->clock) ||
        abandonment_judge(r, d->campaign->abandonment.limit_ms) != ABANDONMENT_ABANDONED)
        return OK;
    return queue_gate_lock(d->queue, slice_cstr(r->number), until, slice_of(why, (size_t)n), NULL,
                           NULL);
}

bool gate_settled(struct attempt *a)
{
    struct place place;

    if (a->record.result == RESULT_NO_TRUNK || a->record.result == RESULT_OUR_FAULT)
        gate_take_back(a); /* nobody's telephone rang */
    if (a->locked || a->record.at_ms[MARK_ANSWERED] == CALL_TIME_NONE)
        return true;
    feed_place(a->dialer, &a->task, &place);
    enum err e = lock_out(a->dialer, &a->record, &place);

    a->locked = e == OK || e == ERR_INVALID;
    return a->locked;
}

/* What a crash left out. Of the lead only its record is known: a region's own rule is not. */
void gate_lock_again(struct dialer *d, const struct call_record *r)
{
    enum err e = lock_out(d, r, NULL);

    if (e != OK)
        log_warn("dialer", "a number could not be locked after an abandoned call of an earlier run",
                 "lead=%s error=%s", r->lead, err_name(e));
}

/* ---- what rings while a list changes ---- */

/* The attempt may be over, and its place another's, when the answer comes. */
struct look {
    struct dialer *dialer;
    uint32_t place;
    char call_id[sizeof(((struct call_record *)0)->call_id)];
};

static bool rings(const struct attempt *a)
{
    return a->phase == ATTEMPT_DIALLING || a->phase == ATTEMPT_RINGING;
}

static void hang_up(struct attempt *a, const struct queue_gate_answer *g)
{
    log_info("dialer", "a number was put on a list while it rang", "lead=%s list=%s", a->task.id,
             g->list);
    a->judged = true;
    a->record.result = g->verdict == GATE_OWN ? RESULT_OWN_NUMBER : RESULT_DNC;
    say_list(&a->record, g);
    attempt_hang_up(a);
}

static void on_look(void *arg, enum err e, const struct queue_gate_answer *g)
{
    struct look *l = arg;

    if (e == OK && (g->verdict == GATE_DNC || g->verdict == GATE_OWN))
        list_each(n, next, &l->dialer->live)
        {
            struct attempt *a = container_of(n, struct attempt, node);

            if (attempt_number(a) == l->place && rings(a) &&
                strcmp(a->record.call_id, l->call_id) == 0)
                hang_up(a, g);
        }
    free(l);
}

static void look_at_what_rings(struct dialer *d)
{
    list_each(n, next, &d->live)
    {
        struct attempt *a = container_of(n, struct attempt, node);
        struct look *l = rings(a) ? malloc(sizeof(*l)) : NULL;

        if (!l)
            continue;
        l->dialer = d;
        l->place = attempt_number(a);
        memcpy(l->call_id, a->record.call_id, sizeof(l->call_id));
        if (ask(a, true, on_look, l) != OK) {
            free(l);
            d->gate.version[0] = '\0'; /* too much under way: once more in a second */
            return;
        }
    }
}

static void on_version(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct dialer *d = arg;
    char version[sizeof(d->gate.version)];

    d->gate.asking = false;
    if (e != OK || n != 1 || slice_copy(texts[0], version, sizeof(version)) != OK ||
        strcmp(version, d->gate.version) == 0)
        return;
    memcpy(d->gate.version, version, sizeof(version));
    look_at_what_rings(d);
}

void gate_watch(struct dialer *d)
{
    if (d->gate.asking || !queue_up(d->queue) || list_empty(&d->live))
        return;
    d->gate.asking = queue_dnc_version(d->queue, on_version, d) == OK;
}
