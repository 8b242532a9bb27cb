/* What people see of a running dialer: the live view four times a second, a sample a second for the
 * report's charts, and run.json at the end. */
#include "dialer/internal.h"

#include <math.h>
#include <stdio.h>

#include "media/media.h"

#define RELOAD_SHOWN_MS 15000

static void count_phases(struct dialer *d, struct live_view *v)
{
    v->dialling = v->ringing = v->analysing = v->waiting = v->talking = v->treated = 0;
    list_each(n, next, &d->live)
    {
        switch (container_of(n, struct attempt, node)->phase) {
        case ATTEMPT_DIALLING:
            v->dialling++;
            break;
        case ATTEMPT_RINGING:
            v->ringing++;
            break;
        case ATTEMPT_ANALYSING:
            v->analysing++;
            break;
        case ATTEMPT_WAITING:
            v->waiting++;
            break;
        case ATTEMPT_CONNECTED:
            v->talking++;
            break;
        case ATTEMPT_MESSAGE:
        case ATTEMPT_FLOW:
            v->treated++;
            break;
        case ATTEMPT_CLAIMED:
        case ATTEMPT_ENDING:
        case ATTEMPT_SETTLING:
            break;
        }
    }
}

/* Where there are lanes: of each, who is there for it. */
static void look_at_groups(struct dialer *d, struct live_view *v)
{
    v->groups = d->lane_count > 1 || d->lanes[0].group ? d->lane_count : 0;
    for (uint32_t i = 0; i < v->groups; i++) {
        const struct lane *l = &d->lanes[i];
        struct live_group *g = &v->group[i];
        struct pacing_state s;

        pacing_look(l->pacing, loop_now_ms(d->loop), &s);
        snprintf(g->name, sizeof(g->name), "%s", l->group ? l->name : "any agent");
        g->free = s.agents[AGENT_PACE_FREE] + s.agents[AGENT_PACE_RESERVED];
        g->talking = s.agents[AGENT_PACE_TALKING];
        g->wrapping = s.agents[AGENT_PACE_WRAPPING];
        g->out = s.agents[AGENT_PACE_OUT];
        g->calls = s.calls[PACING_LAUNCHED] + s.calls[PACING_RINGING] + s.calls[PACING_ANSWERED];
        g->waiting = s.calls[PACING_WAITING];
    }
}

static const char *late_why(struct dialer *d, char text[ADMISSION_TEXT_MAX])
{
    const struct admission *a = health_admission(d->health);

    text[0] = '\0';
    return a ? admission_why(a, text) : text;
}

static void look(struct dialer *d)
{
    struct live_view *v = &d->look;
    struct pacing_state pace;
    char why[CONTROL_TEXT_MAX], late[ADMISSION_TEXT_MAX];

    uint32_t agents[AGENT_PACE_STATES];

    lanes_look(d, &pace);
    agents_count(d, agents);
    count_phases(d, v);
    look_at_groups(d, v);
    v->elapsed_ms = (d->loop->now_us - d->started_us) / 1000;
    v->leads = d->counts.total;
    v->finished = d->counts.finished;
    v->pending = d->counts.due + d->counts.waiting;
    v->in_air_leads = d->counts.leased;
    v->attempts = d->run->attempts_launched;
    v->in_air_max = d->policy.concurrent;
    v->agents_free = agents[AGENT_PACE_FREE] + agents[AGENT_PACE_RESERVED];
    v->agents_talking = agents[AGENT_PACE_TALKING];
    v->agents_wrapping = agents[AGENT_PACE_WRAPPING];
    v->agents_out = d->agent_count - v->agents_free - v->agents_talking - v->agents_wrapping;
    v->calls_per_second = pace.calls_per_second;
    v->connected = pace.connected;
    v->live = d->abandonment.live;
    v->abandoned = d->abandonment.abandoned;
    v->abandonment_percent = abandonment_total_percent(&d->abandonment);
    v->abandonment_cap_percent = d->campaign->abandonment.cap_percent;
    v->answer_to_agent_ms = &d->answer_to_agent_ms;
    v->rtp_lost = d->run->rtp_lost;
    if (d->stage == DIALER_STOPPING)
        snprintf(v->notice, sizeof(v->notice), "stopping: %u calls end; Ctrl-C again leaves now",
                 d->in_air);
    else if (d->queue_away)
        snprintf(v->notice, sizeof(v->notice), "Redis is away: live calls go on, no new ones");
    else if (control_why(d, why)[0])
        snprintf(v->notice, sizeof(v->notice), "%.159s", why);
    else if (late_why(d, late)[0])
        snprintf(v->notice, sizeof(v->notice), "no new calls: %.144s", late);
    else if (hearing_trouble(d, late, sizeof(late))[0])
        snprintf(v->notice, sizeof(v->notice), "%.159s", late);
    else if (d->reloaded[0] && loop_now_ms(d->loop) - d->reloaded_ms < RELOAD_SHOWN_MS)
        snprintf(v->notice, sizeof(v->notice), "%.159s", d->reloaded);
    else
        v->notice[0] = '\0';
}

void watch_draw(struct dialer *d, bool force)
{
    if (d->config.quiet && !force)
        return;
    look(d);
    live_draw(d->view, &d->look, loop_now_ms(d->loop), force);
}

void watch_advice(struct dialer *d, struct lane *l, const struct pacing_advice *a)
{
    struct live_view *v = &d->look;
    struct live_group *g = &v->group[l - d->lanes];

    char why[CONTROL_TEXT_MAX], late[ADMISSION_TEXT_MAX];

    if (d->control.now.state != CONTROL_RUNNING)
        snprintf(v->pacing, sizeof(v->pacing), "%s: no new calls, %u still out",
                 control_state_name(d->control.now.state), d->in_air);
    else if (control_why(d, why)[0])
        snprintf(v->pacing, sizeof(v->pacing), "%.96s: no new calls, %u still out", why, d->in_air);
    else if (late_why(d, late)[0])
        snprintf(v->pacing, sizeof(v->pacing), "%.96s: no new calls, %u still out", late,
                 d->in_air);
    else
        snprintf(v->pacing, sizeof(v->pacing), "%s", d->lane_count == 1 ? a->reason : "by group");
    snprintf(g->pacing, sizeof(g->pacing), "%s%s", a->reason,
             lane_is_dry(l) && a->launch ? "; no more leads are due now" : "");
    v->looks_ahead = a->horizon_s > 0;
    g->expected_live = a->expected_live;
    g->risk_percent = 100 * a->taken;
    v->expected_live = v->risk_percent = 0;
    for (uint32_t i = 0; i < d->lane_count; i++) {
        v->expected_live += v->group[i].expected_live;
        v->risk_percent = fmax(v->risk_percent, v->group[i].risk_percent);
    }
    v->theta_percent = 100 * a->theta;
}

void watch_sample(struct dialer *d)
{
    const struct live_view *v = &d->look;

    look(d);
    struct run_sample s = {
        .at_s = (uint32_t)(v->elapsed_ms / 1000),
        .dialling = v->dialling,
        .ringing = v->ringing,
        .answered = v->analysing + v->treated,
        .waiting = v->waiting,
        .connected = v->talking,
        .agents_free = v->agents_free,
        .agents_talking = v->agents_talking,
        .agents_wrapping = v->agents_wrapping,
        .agents_out = v->agents_out,
        .expected_tenths = (uint32_t)(v->expected_live * 10 + 0.5),
        .theta_bp = (uint32_t)(v->theta_percent * 100 + 0.5),
        .risk_bp = (uint32_t)(v->risk_percent * 100 + 0.5),
        .live = (uint32_t)v->live,
        .abandoned = (uint32_t)v->abandoned,
    };
    run_sample_add(d->run, &s);
}

static void add_time(struct dialer *d, uint32_t i)
{
    struct agent_slot *slot = &d->agents[i];
    uint64_t now = loop_now_ms(d->loop), spent = now - slot->since_ms;

    slot->since_ms = now;
    if (i >= RUN_AGENTS_MAX)
        return;
    switch (slot->pace) {
    case AGENT_PACE_FREE:
    case AGENT_PACE_RESERVED:
        d->run->agent[i].free_ms += spent;
        break;
    case AGENT_PACE_TALKING:
        d->run->agent[i].talking_ms += spent;
        break;
    case AGENT_PACE_WRAPPING:
        d->run->agent[i].wrapping_ms += spent;
        break;
    default:
        d->run->agent[i].out_ms += spent;
        break;
    }
}

void watch_agent(struct dialer *d, uint32_t agent, enum agent_pace pace)
{
    add_time(d, agent);
    d->agents[agent].pace = pace;
    if (pace == AGENT_PACE_TALKING && agent < RUN_AGENTS_MAX)
        d->run->agent[agent].calls++;
}

enum err watch_write_run(struct dialer *d)
{
    char path[CAMPAIGN_PATH_MAX + 16], error[RUN_ERROR_MAX];
    struct run *r = d->run;
    struct records_stats records;

    for (uint32_t i = 0; i < d->agent_count; i++)
        add_time(d, i);
    records_look(d->records, &records);
    const struct admission *door = health_admission(d->health);

    r->late_times = door ? door->closed_times : 0;
    r->late_seconds = door ? door->closed_s : 0;
    r->ended_wall_ms = clock_wall_ms(d->loop->clock);
    r->leads = d->counts.total;
    r->finished = d->counts.finished;
    r->pending = d->counts.due + d->counts.waiting + d->counts.leased;
    r->attempts_redis = d->counts.attempts;
    r->live = d->abandonment.live;
    r->abandoned = d->abandonment.abandoned;
    r->peak_concurrent = d->in_air_peak;
    r->records_written = records.written;
    r->records_failed = records.held;
    snprintf(path, sizeof(path), "%s/run.json", d->config.data_dir);
    enum err e = run_write(r, path, error);
    if (e != OK)
        fprintf(stderr, "peal run: %s\n", error);
    return e;
}
