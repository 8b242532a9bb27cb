/* One attempt, from its INVITE to the end of its call: it is dialled, rings, is answered and
 * judged. What then happens to it is in treat.c. Every decision is written into the record with its
 * time. */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"

/* How long after the configured limit of the analysis we still wait for the detectors' own verdict
 * (they count from the first RTP, this timer from the 200). */
/* A trunk that has not said anything by then, not even 100 Trying, is not there. The INVITE has
 * been sent five times (RFC 3261 timer A). */
#define TRUNK_SILENT_MS  8000
#define VERDICT_GRACE_MS 1500
#define EARLY_TONE_SURE  0.8f /* confidence at which a tone before answer ends the attempt */

static void on_call(void *arg, struct call *c, const struct call_event *e);

uint32_t attempt_number(const struct attempt *a)
{
    return pool_index(&a->dialer->attempts, a);
}

void attempt_pace(struct attempt *a, enum pacing_phase phase)
{
    struct pacing_call_event e = {
        .call = attempt_number(a),
        .phase = phase,
        .now_ms = loop_now_ms(a->dialer->loop),
        .result = a->record.result,
        .delivery = a->record.delivery,
        .abandoned = phase == PACING_ENDED &&
                     abandonment_judge(&a->record, a->dialer->campaign->abandonment.limit_ms) ==
                         ABANDONMENT_ABANDONED,
        .score = a->score,
        .lead = &a->lead,
    };

    pacing_call(a->lane->pacing, &e);
}

struct call_record *attempt_record(struct attempt *a)
{
    return a->call ? call_record_of(a->call) : &a->record;
}

void attempt_mark(struct attempt *a, enum call_mark m)
{
    struct call_record *r = attempt_record(a);

    if (r->at_ms[m] == CALL_TIME_NONE)
        r->at_ms[m] = call_age_ms(a->call);
    if (a->call)
        call_record_marks(a->call);
}

static void set_result(struct attempt *a, enum result result)
{
    a->judged = true;
    a->record.result = result;
}

void attempt_hang_up(struct attempt *a)
{
    loop_timer_stop(a->dialer->loop, &a->timer);
    list_remove(&a->waiting_node);
    if (a->phase < ATTEMPT_ENDING) {
        a->phase = ATTEMPT_ENDING;
        if (a->call)
            call_hangup(a->call, 0);
    }
}

/* ---- launching ---- */

bool attempt_reserve(struct attempt *a)
{
    struct dialer *d = a->dialer;
    struct trunk *t = trunk_choose(d, a->task.avoid_trunk);

    if (!t)
        return false;
    a->trunk = (uint32_t)(t - d->trunks);
    a->reserved = true;
    trunk_take(t);
    if (++d->in_air > d->in_air_peak)
        d->in_air_peak = d->in_air;
    attempt_pace(a, PACING_LAUNCHED);
    return true;
}

void attempt_unreserve(struct attempt *a)
{
    struct dialer *d = a->dialer;

    if (!a->reserved)
        return;
    a->reserved = false;
    trunk_put(&d->trunks[a->trunk]);
    d->in_air--;
    attempt_pace(a, PACING_ENDED);
}

static void on_trunk_silent(struct timer *t)
{
    struct attempt *a = container_of(t, struct attempt, timer);

    trunk_silent(&a->dialer->trunks[a->trunk]);
    attempt_hang_up(a);
}

enum err attempt_launch(struct attempt *a)
{
    struct dialer *d = a->dialer;
    struct trunk *t = &d->trunks[a->trunk];
    const struct campaign_trunk *k = t->config;
    char uri[128], host[ADDR_TEXT_MAX];
    struct call_dial dial = {
        .to_uri = uri,
        .call_id = a->record.call_id,
        .ring_timeout_ms = d->campaign->ring_timeout_ms,
        .amd = &d->amd,
        .tone_plan = d->campaign->tone_plan,
        .detect = true,
    };

    snprintf(uri, sizeof(uri), "sip:%s@%s", a->record.number,
             addr_format(&k->address, host, sizeof(host)));
    dial.via = k->address;
    dial.place = k->place;
    dial.nat = (enum call_nat)k->nat;
    dial.ports = t->ports;
    dial.tcp = k->tcp;
    dial.tls = k->tls;
    dial.srtp = (enum call_srtp)k->srtp;
    dial.codecs = k->codecs.n ? &k->codecs : NULL;
    dial.redirects = (uint8_t)k->redirects;
    dial.from_user = trunk_caller_id(t, a->task.avoid_caller_id);
    dial.auth_user = k->user[0] ? k->user : NULL;
    dial.auth_password = k->user[0] ? k->password : NULL;
    slice_copy(slice_cstr(dial.from_user), a->record.caller_id, sizeof(a->record.caller_id));
    slice_copy(slice_cstr(k->name), a->record.trunk, sizeof(a->record.trunk));
    enum err e = call_dial(d->env, &dial, on_call, a, &a->call);
    if (e != OK)
        return e;
    a->phase = ATTEMPT_DIALLING;
    d->run->attempts_launched++;
    if (d->campaign->recording.mode != RECORDING_OFF && d->record.prebuffer_ms)
        call_record_arm(a->call, d->record.prebuffer_ms);
    loop_timer(d->loop, &a->timer, TRUNK_SILENT_MS, on_trunk_silent);
    return OK;
}

/* ---- judging ---- */

static void judge(struct attempt *a)
{
    if (a->judged || a->phase != ATTEMPT_ANALYSING)
        return;
    set_result(a, result_decide(call_record_of(a->call)));
    treat(a);
}

static void on_analysis_limit(struct timer *t)
{
    struct attempt *a = container_of(t, struct attempt, timer);
    struct evidence e = {.kind = EVIDENCE_TIMER, .code = 1, .confidence = 1};

    e.start_ms = e.end_ms = call_age_ms(a->call);
    call_record_add(call_record_of(a->call), &e);
    judge(a);
}

/* A tone before the answer that says all: no need to wait for the network to clear. */
static bool early_tone_decides(const struct dsp_event *h)
{
    switch ((enum dsp_kind)h->kind) {
    case DSP_SIT:
        return true;
    case DSP_BUSY:
    case DSP_REORDER:
    case DSP_UNOBTAINABLE:
    case DSP_KNOWN:
        return h->confidence >= EARLY_TONE_SURE;
    default:
        return false;
    }
}

static void on_heard(struct attempt *a, const struct dsp_event *h)
{
    switch (a->phase) {
    case ATTEMPT_DIALLING:
    case ATTEMPT_RINGING:
        if (early_tone_decides(h))
            attempt_hang_up(a);
        break;
    case ATTEMPT_ANALYSING:
        if (h->kind == DSP_VERDICT || h->kind == DSP_CED || h->kind == DSP_CNG ||
            h->kind == DSP_SIT || h->kind == DSP_BUSY || h->kind == DSP_REORDER ||
            h->kind == DSP_MODEM || h->kind == DSP_PREAMBLE || h->kind == DSP_UNOBTAINABLE ||
            h->kind == DSP_KNOWN)
            judge(a);
        break;
    case ATTEMPT_MESSAGE:
        if (h->kind == DSP_BEEP)
            treat_beep_heard(a);
        break;
    case ATTEMPT_CONNECTED:
        if (h->kind == DSP_BEEP)
            treat_late_beep(a);
        break;
    default:
        break;
    }
}

/* ---- events of the call ---- */

static void on_answered(struct attempt *a)
{
    struct dialer *d = a->dialer;

    a->phase = ATTEMPT_ANALYSING;
    attempt_pace(a, PACING_ANSWERED);
    if (d->campaign->recording.mode == RECORDING_ALL)
        treat_record(a);
    loop_timer(d->loop, &a->timer, d->campaign->analysis.total_ms + VERDICT_GRACE_MS,
               on_analysis_limit);
}

void attempt_bridged(struct attempt *a)
{
    struct call_record *r = call_record_of(a->call);

    if (a->phase != ATTEMPT_CONNECTED || r->at_ms[MARK_AGENT_HEARD] != CALL_TIME_NONE)
        return;
    attempt_mark(a, MARK_AGENT_HEARD);
    a->record.answer_to_agent_ms = r->at_ms[MARK_AGENT_HEARD] - r->at_ms[MARK_ANSWERED];
    if (!a->record.by_flow) /* they talked to the flow meanwhile */
        hist_add(&a->dialer->answer_to_agent_ms, a->record.answer_to_agent_ms);
}

static void callee_left_waiting(struct attempt *a)
{
    const struct call_record *r = call_record_of(a->call);
    uint32_t from = r->at_ms[MARK_GREETING_END];

    if (from == CALL_TIME_NONE)
        from = r->at_ms[MARK_VERDICT];
    if (r->at_ms[MARK_END] - from > a->dialer->campaign->abandonment.limit_ms) {
        a->record.delivery = DELIVERY_ABANDONED;
        a->record.abandoned_strict = true;
    } else {
        a->record.delivery = DELIVERY_CALLEE_LEFT;
    }
}

/* What the call knows of itself, under what the dialer knows of the attempt. */
static void merge_record(struct attempt *a)
{
    struct call_record *r = call_record_of(a->call), *own = &a->record;
    struct call_record merged = *r;

    memcpy(merged.campaign, own->campaign, sizeof(merged.campaign));
    memcpy(merged.lead, own->lead, sizeof(merged.lead));
    memcpy(merged.number, own->number, sizeof(merged.number));
    memcpy(merged.number_kind, own->number_kind, sizeof(merged.number_kind));
    merged.number_place = own->number_place;
    memcpy(merged.caller_id, own->caller_id, sizeof(merged.caller_id));
    memcpy(merged.trunk, own->trunk, sizeof(merged.trunk));
    memcpy(merged.agent, own->agent, sizeof(merged.agent));
    memcpy(merged.group, own->group, sizeof(merged.group));
    memcpy(merged.outcome, own->outcome, sizeof(merged.outcome));
    merged.attempt = own->attempt;
    merged.claimed_wall_ms = own->claimed_wall_ms;
    merged.result = own->result;
    merged.score = own->score;
    merged.delivery = own->delivery;
    merged.answer_to_agent_ms = own->answer_to_agent_ms;
    merged.abandoned_strict = own->abandoned_strict;
    merged.by_flow = own->by_flow;
    if (own->sip_reason[0]) /* the gate's, of a number that may not be called any more */
        memcpy(merged.sip_reason, own->sip_reason, sizeof(merged.sip_reason));
    *own = merged;
}

void attempt_call_ended(struct attempt *a)
{
    struct dialer *d = a->dialer;

    loop_timer_stop(d->loop, &a->timer);
    list_remove(&a->waiting_node);
    if (a->phase == ATTEMPT_WAITING)
        callee_left_waiting(a);
    if (a->agent) {
        struct agent *agent = a->agent;

        a->agent = NULL;
        a->phase = ATTEMPT_ENDING;
        desk_callee_left(d->desk, agent);
    }
    if (!a->judged)
        set_result(a, result_decide(call_record_of(a->call)));
    if (a->record.result == RESULT_NO_TRUNK)
        trunk_silent(&d->trunks[a->trunk]);
    else
        trunk_spoke(&d->trunks[a->trunk]);
    merge_record(a);
    call_release(a->call);
    a->call = NULL;
    attempt_unreserve(a);
    preview_over(a);
    scores_attempt_over(a);
    settle(a);
}

static void on_trunk_spoke(struct attempt *a)
{
    loop_timer_stop(a->dialer->loop, &a->timer);
    trunk_spoke(&a->dialer->trunks[a->trunk]);
}

static void on_call(void *arg, struct call *c, const struct call_event *e)
{
    struct attempt *a = arg;

    (void)c;
    switch (e->kind) {
    case CALL_EV_PROGRESS:
        if (a->phase < ATTEMPT_ANALYSING)
            on_trunk_spoke(a);
        if (e->code >= 180 && a->phase == ATTEMPT_DIALLING) {
            a->phase = ATTEMPT_RINGING;
            attempt_pace(a, PACING_RINGING);
            preview_rings(a);
        }
        break;
    case CALL_EV_ANSWERED:
        if (a->phase < ATTEMPT_ANALYSING)
            on_answered(a);
        break;
    case CALL_EV_HEARD:
        on_heard(a, e->heard);
        break;
    case CALL_EV_PLAYED:
        if (e->cookie == DIALER_COOKIE_MESSAGE)
            treat_played(a, e->err);
        break;
    case CALL_EV_RECORDED:
        if (e->err == OK)
            a->dialer->run->recordings++;
        else
            a->dialer->run->recordings_failed++;
        break;
    case CALL_EV_BRIDGED:
        attempt_bridged(a);
        break;
    case CALL_EV_ENDED:
        attempt_call_ended(a);
        break;
    case CALL_EV_MEDIA:
    case CALL_EV_DTMF:
    case CALL_EV_HOLD:
    case CALL_EV_REFER:
    case CALL_EV_REFERRED:
    case CALL_EV_NOTIFIED:
        break;
    }
}

void attempt_take_back(struct attempt *a)
{
    if (a->phase < ATTEMPT_DIALLING || a->phase >= ATTEMPT_ENDING)
        return;
    if (!a->judged) /* taken back by us: says nothing about the lead, charges nothing */
        set_result(a, RESULT_CANCELLED);
    attempt_hang_up(a);
}

void attempt_hangup_all(struct dialer *d)
{
    list_each(n, next, &d->live) attempt_take_back(container_of(n, struct attempt, node));
}
