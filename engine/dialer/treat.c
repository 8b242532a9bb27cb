/* What is done with an answer once it is judged: an agent, a message, a flow, or the end. */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"
#include "flow/host.h"
#include "media/record_settings.h"

#define BEEP_WAIT_MS     45000 /* for a greeting's end: longer ones get no message */
#define AFTER_BEEP_MS    700   /* a second beep has begun within 400 ms, and been told by then */
#define MESSAGE_LIMIT_MS 120000
#define HEARD_AFTER_MS   100 /* from our word to play until the callee hears it, amply */

/* ---- recording ---- */

void treat_record(struct attempt *a)
{
    struct dialer *d = a->dialer;
    char path[CAMPAIGN_PATH_MAX + 160];

    snprintf(path, sizeof(path), "%s/%s-%u-%llu%s", d->config.recording_dir, a->task.id,
             a->record.attempt, (unsigned long long)call_record_of(a->call)->invite_wall_ms,
             record_settings_suffix(&d->record));
    for (char *p = path + strlen(d->config.recording_dir) + 1; *p; p++)
        if (*p == '/')
            *p = '_'; /* ids come from outside */
    struct media_record how = {
        .path = path, .stereo = true, .index = true, .owner = d->campaign->name};

    record_settings_fill(&d->record, clock_wall_ms(d->loop->clock), &how);
    if (call_record_start(a->call, &how) != OK)
        d->run->recordings_failed++;
}

/* ---- connecting ---- */

static void on_no_late_beep(struct timer *t)
{
    struct attempt *a = container_of(t, struct attempt, timer);

    call_want_beep(a->call, false);
}

/* An answer that could have been either is an agent's; a beep in it tells that it was a machine. */
static void listen_for_machine(struct attempt *a)
{
    call_want_beep(a->call, true);
    loop_timer(a->dialer->loop, &a->timer, BEEP_WAIT_MS, on_no_late_beep);
}

void treat_late_beep(struct attempt *a)
{
    if (a->record.result != RESULT_UNKNOWN)
        return;
    loop_timer_stop(a->dialer->loop, &a->timer);
    call_want_beep(a->call, false);
    a->record.result = RESULT_MACHINE;
    call_record_note(a->call, "result", result_name(a->record.result));
}

static void connect_agent(struct attempt *a, struct agent *agent)
{
    struct dialer *d = a->dialer;

    lanes_take(a, agent);
    loop_timer_stop(d->loop, &a->timer);
    list_remove(&a->waiting_node);
    if (a->phase == ATTEMPT_WAITING && d->ringback)
        call_stop_audio(a->call);
    call_detect(a->call, DSP_TALK);
    if (d->campaign->recording.mode == RECORDING_AGENT)
        treat_record(a);
    attempt_mark(a, MARK_CONNECT);
    if (desk_connect(d->desk, agent, a->call) != OK) {
        a->record.delivery = DELIVERY_AGENT_FAILED;
        attempt_hang_up(a);
        return;
    }
    a->agent = agent;
    a->phase = ATTEMPT_CONNECTED;
    preview_over(a);
    a->record.delivery = DELIVERY_CONNECTED;
    slice_copy(slice_cstr(agent_name(agent)), a->record.agent, sizeof(a->record.agent));
    call_record_note(a->call, "agent", agent_name(agent));
    attempt_pace(a, PACING_CONNECTED);
    if (a->record.result == RESULT_UNKNOWN && !a->flow)
        listen_for_machine(a);
    if (a->flow)
        flow_agent_joined(a->flow, agent_name(agent));
}

void attempt_wants(struct attempt *a, uint8_t group)
{
    a->group = group;
    snprintf(a->record.group, sizeof(a->record.group), "%s",
             agent_group_name(&a->dialer->campaign->groups, group));
}

/* Who waits the longest for a group in which somebody is free; NULL: nobody. */
static struct attempt *to_be_served(struct dialer *d, struct agent **agent)
{
    list_each(n, next, &d->waiting)
    {
        struct attempt *a = container_of(n, struct attempt, waiting_node);

        if ((*agent = desk_longest_ready(d->desk, a->group)))
            return a;
    }
    return NULL;
}

void attempt_offer_agent(struct dialer *d)
{
    struct attempt *a;
    struct agent *agent;

    while ((a = to_be_served(d, &agent)))
        connect_agent(a, agent);
}

static bool somebody_waits(const struct dialer *d, uint8_t group)
{
    list_each(n, next, &d->waiting)
    {
        if (container_of(n, struct attempt, waiting_node)->group == group)
            return true;
    }
    return false;
}

void attempt_agent_chose(struct attempt *a, char digit)
{
    const struct campaign *c = a->dialer->campaign;

    if (digit == a->dialer->record.mask_key)
        call_record_mask(a->call, !call_record_is_masked(a->call));
    for (uint32_t i = 0; i < c->outcome_rules; i++) {
        if (c->outcomes[i].key == digit)
            slice_copy(slice_cstr(c->outcomes[i].label), a->record.outcome,
                       sizeof(a->record.outcome));
    }
}

void attempt_agent_left(struct attempt *a)
{
    a->agent = NULL;
    if (a->phase == ATTEMPT_CONNECTED)
        attempt_hang_up(a);
}

/* ---- messages ---- */

static void on_message_limit(struct timer *t)
{
    struct attempt *a = container_of(t, struct attempt, timer);

    attempt_hang_up(a); /* no beep came, or the message never ended: nothing was delivered */
}

static void play_message(struct attempt *a, const struct sound *s)
{
    a->announced = true;
    call_stop_audio(a->call);
    loop_timer(a->dialer->loop, &a->timer, MESSAGE_LIMIT_MS, on_message_limit);
    if (call_play(a->call, s, false, DIALER_COOKIE_MESSAGE) != OK)
        attempt_hang_up(a);
}

static void treat_with_message(struct attempt *a, const struct campaign_treatment *t)
{
    const struct sound *s = a->dialer->messages[a->record.result];

    a->phase = ATTEMPT_MESSAGE;
    attempt_pace(a, PACING_TREATED);
    if (!s) {
        attempt_hang_up(a);
        return;
    }
    if (!t->after_beep) {
        play_message(a, s);
        return;
    }
    call_detect(a->call, DSP_TALK);
    call_want_beep(a->call, true);
    if (attempt_record(a)->beep_ms)
        treat_beep_heard(a);
    else
        loop_timer(a->dialer->loop, &a->timer, BEEP_WAIT_MS, on_message_limit);
}

void treat_played(struct attempt *a, enum err err)
{
    if (a->phase != ATTEMPT_MESSAGE || err != OK)
        return;
    if (a->record.delivery == DELIVERY_NONE)
        a->record.delivery =
            a->record.abandoned_strict ? DELIVERY_MESSAGE_PLAYED : DELIVERY_MESSAGE_LEFT;
    attempt_hang_up(a);
}

static void on_beep_over(struct timer *t)
{
    struct attempt *a = container_of(t, struct attempt, timer);

    call_want_beep(a->call, false);
    play_message(a, a->dialer->messages[a->record.result]);
}

/* Some machines beep twice, and the message must not begin on the second: each puts it off. */
void treat_beep_heard(struct attempt *a)
{
    if (a->announced)
        return;
    uint64_t from_ms = attempt_record(a)->beep_ms + AFTER_BEEP_MS, now_ms = call_age_ms(a->call);

    loop_timer(a->dialer->loop, &a->timer, from_ms > now_ms ? from_ms - now_ms : 1, on_beep_over);
}

/* ---- a live person and no agent ---- */

static void on_answer_limit(struct timer *t)
{
    struct attempt *a = container_of(t, struct attempt, timer);
    struct evidence e = {.kind = EVIDENCE_TIMER, .code = 2, .confidence = 1};

    e.start_ms = e.end_ms = call_age_ms(a->call);
    call_record_add(call_record_of(a->call), &e);
    list_remove(&a->waiting_node);
    a->record.abandoned_strict = true;
    if (a->dialer->safe_harbour) {
        a->phase = ATTEMPT_MESSAGE;
        attempt_pace(a, PACING_TREATED);
        play_message(a, a->dialer->safe_harbour);
        return;
    }
    a->record.delivery = DELIVERY_ABANDONED;
    attempt_hang_up(a);
}

/* What is left of the limit, which counts from the end of the callee's first greeting. A message
 * must be heard within it, so it begins a little before. */
static uint32_t answer_limit_left(const struct attempt *a)
{
    uint32_t limit = a->dialer->campaign->abandonment.limit_ms;
    uint32_t from = call_mark_at(a->call, MARK_GREETING_END);
    uint32_t now = call_age_ms(a->call);

    if (from == CALL_TIME_NONE)
        from = now;
    if (a->dialer->safe_harbour)
        limit = limit > HEARD_AFTER_MS ? limit - HEARD_AFTER_MS : 0;
    return now - from < limit ? limit - (now - from) : 0;
}

static void treat_with_agent(struct attempt *a)
{
    struct dialer *d = a->dialer;
    struct agent *agent = agents_of_lead(a);

    attempt_wants(a, campaign_group_of(d->campaign, slice_cstr(a->task.fields), a->record.result));
    if (!agent && !somebody_waits(d, a->group))
        agent = desk_longest_ready(d->desk, a->group);
    if (a->wanted_by && agent_state(a->wanted_by->agent) == AGENT_READY)
        agent = a->wanted_by->agent;
    attempt_pace(a, PACING_WAITING);
    if (agent) {
        connect_agent(a, agent);
        return;
    }
    a->phase = ATTEMPT_WAITING;
    list_push_back(&d->waiting, &a->waiting_node);
    if (d->ringback && call_play(a->call, d->ringback, true, 0) != OK)
        log_warn("dialer", "a waiting callee hears no ringback", "lead=%s", a->record.lead);
    loop_timer(d->loop, &a->timer, answer_limit_left(a), on_answer_limit);
}

/* ---- flows ---- */

static void treat_with_flow(struct attempt *a)
{
    call_detect(a->call, DSP_TALK);
    a->phase = ATTEMPT_FLOW;
    attempt_pace(a, PACING_TREATED);
    enum err e = flows_start(a);
    if (e != OK) {
        log_warn("dialer", "the flow could not be started", "lead=%s error=%s", a->record.lead,
                 err_name(e));
        attempt_hang_up(a);
    }
}

void treat(struct attempt *a)
{
    const struct campaign_treatment *t = &a->dialer->campaign->on[a->record.result];

    loop_timer_stop(a->dialer->loop, &a->timer);
    attempt_mark(a, MARK_VERDICT);
    call_record_note(a->call, "result", result_name(a->record.result));
    switch (t->kind) {
    case TREAT_AGENT:
        treat_with_agent(a);
        return;
    case TREAT_MESSAGE:
        treat_with_message(a, t);
        return;
    case TREAT_FLOW:
        treat_with_flow(a);
        return;
    case TREAT_HANGUP:
        attempt_hang_up(a);
        return;
    }
}
