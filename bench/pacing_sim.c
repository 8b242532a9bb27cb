/* The virtual room: a heap of events, agents, calls, and the books of each day. */
#include "bench/pacing_sim.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

#define DAY_MS        86400000u
#define CALLS_AGENT   64 /* calls in the air for each agent, at most; and */
#define CALLS_LEAST   512
#define MEASURE_EVERY 64
#define AIR_FROM_S    3600

enum event_kind {
    EV_RING,
    EV_ANSWER,
    EV_VERDICT,
    EV_LIMIT,
    EV_TALKED,
    EV_WRAPPED,
    EV_BACK,
    EV_LOGIN,
    EV_LOGOUT,
    EV_JUMP,
    EV_TICK
};

struct event {
    uint64_t at_ms, order;
    uint32_t who, generation;
    uint8_t kind;
};

struct sim_call {
    struct sim_dial fate;
    uint32_t generation, agent, engine;
    uint32_t next_waiting;
    float score;
    bool used, waiting;
};

struct sim_agent {
    enum agent_pace state;
    uint32_t generation, call;
    uint64_t since_ms, free_since_ms;
    double talk_s;
    bool on_break, leaves, gone;
    uint64_t break_ms;
};

struct sim {
    struct sim_load load;
    const struct sim_policy *policy;
    void *of_policy;
    struct rng fate, work, world, leads;
    uint64_t now_ms, day_start_ms, day_end_ms, order, day_number;
    struct event *heap;
    uint32_t heap_count, heap_cap;
    struct sim_call *calls;
    uint32_t *spare, spare_count, call_cap;
    struct sim_agent *agents;
    uint32_t *waiting, waiting_count; /* calls, the longest first */
    struct sim_view view;
    struct sim_day day;
    double noise, jump;
    uint64_t noise_ms;
    uint32_t leads_left;
    float window[SIM_WINDOW];
    uint32_t engines, deciding;
    double air, air_squares, air_seconds;
    uint64_t decisions, measured;
    double decision_us, decision_most_us;
};

/* ---- the heap ---- */

static bool before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(struct sim *s, uint64_t at_ms, enum event_kind kind, uint32_t who,
                 uint32_t generation)
{
    struct event e = {at_ms, s->order++, who, generation, (uint8_t)kind};
    uint32_t i = s->heap_count++;

    assert(s->heap_count <= s->heap_cap);
    for (; i > 0 && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = e;
}

static struct event pop(struct sim *s)
{
    struct event top = s->heap[0], last = s->heap[--s->heap_count];
    uint32_t i = 0, child;

    while ((child = 2 * i + 1) < s->heap_count) {
        if (child + 1 < s->heap_count && before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!before(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* ---- draws ---- */

static double hyper(struct rng *r, double mean, double cv)
{
    /* Two exponentials with balanced means: p/λ1 = (1 − p)/λ2. */
    double p = 0.5 * (1 + sqrt((cv * cv - 1) / (cv * cv + 1)));

    return rng_unit(r) < p ? rng_exp(r, mean / (2 * p)) : rng_exp(r, mean / (2 * (1 - p)));
}

double sim_draw_talk(const struct sim *s, struct rng *r)
{
    const struct sim_load *l = &s->load;

    if (l->talk_cv == 0)
        return rng_exp(r, l->talk_mean); /* memoryless, for the formulas */
    return l->talk_cv > 1.5 ? hyper(r, l->talk_mean, l->talk_cv)
                            : rng_lognormal(r, l->talk_mean, l->talk_cv);
}

double sim_draw_wrap(const struct sim *s, struct rng *r)
{
    return s->load.wrap_mean > 0 ? rng_lognormal(r, s->load.wrap_mean, s->load.wrap_cv) : 0;
}

void sim_draw_dial(struct sim *s, struct rng *r, double p, struct sim_dial *out)
{
    const struct sim_load *l = &s->load;
    double which = rng_unit(r), at = l->ring_limit_s, shade = rng_unit(r);

    *out = (struct sim_dial){.kind = SIM_SILENT};
    if (l->ring_cv == 0)
        at = rng_exp(r, l->ring_mean); /* memoryless, for the formulas */
    if (which < p) {
        double ring =
            l->ring_cv > 0 ? rng_lognormal(r, l->ring_mean, l->ring_cv) : rng_exp(r, l->ring_mean);
        if (ring < l->ring_limit_s) {
            out->kind = SIM_LIVE;
            at = ring;
        }
        out->dropped = shade < l->false_machines;
    } else if (which < p + l->machines) {
        out->kind = SIM_MACHINE;
        at = rng_unit(r) < 0.15 ? rng_uniform(r, 2, 4) : rng_uniform(r, 19, 24);
        out->passed = shade < l->machines_passed;
    } else if (which < p + l->machines + l->failures) {
        out->kind = SIM_FAILURE;
        at = rng_uniform(r, 1, 3) - l->delay_s;
    }
    out->ends_ms = (uint32_t)fmax(1, (l->delay_s + at) * 1000);
    if (out->kind <= SIM_MACHINE && l->analysis_s > 0)
        out->analysis_ms = (uint32_t)(l->analysis_s * rng_uniform(r, 0.6, 1.4) * 1000);
}

/* An Ornstein-Uhlenbeck noise, brought up to now. */
static void move_noise(struct sim *s)
{
    const struct sim_load *l = &s->load;
    double dt = (double)(s->now_ms - s->noise_ms) / 1000.0;

    if (l->noise_sd <= 0 || dt < 1)
        return;
    double keep = exp(-dt / l->noise_tau_s);
    s->noise = s->noise * keep + rng_normal(&s->world, 0, l->noise_sd * sqrt(1 - keep * keep));
    s->noise_ms = s->now_ms;
}

double sim_chance(const struct sim *s)
{
    const struct sim_load *l = &s->load;
    double share = (double)(s->now_ms - s->day_start_ms) / (l->day_s * 1000), p = l->p;

    p *= 1 + l->day_swing * sin(2 * M_PI * share);
    p *= exp(s->noise) * s->jump;
    return fmin(p, 1 - l->machines - l->failures);
}

/* ---- telling the policy ---- */

static void tell(struct sim *s, uint32_t call, enum pacing_phase phase, enum result result,
                 enum delivery delivery, bool abandoned)
{
    struct pacing_call_event e = {.call = call,
                                  .phase = phase,
                                  .now_ms = s->now_ms,
                                  .score = s->calls[call].score,
                                  .result = result,
                                  .delivery = delivery,
                                  .abandoned = abandoned};
    if (s->policy->call)
        s->policy->call(s->of_policy, &e);
}

static void end_call(struct sim *s, uint32_t call, enum result result, enum delivery delivery,
                     bool abandoned)
{
    tell(s, call, PACING_ENDED, result, delivery, abandoned);
    s->calls[call].used = false;
    s->calls[call].generation++;
    s->spare[s->spare_count++] = call;
}

/* ---- agents ---- */

static double within_day(const struct sim *s, uint64_t from_ms)
{
    uint64_t to_ms = s->now_ms < s->day_end_ms ? s->now_ms : s->day_end_ms;

    return to_ms > from_ms ? (double)(to_ms - from_ms) / 1000.0 : 0;
}

static uint32_t *counter_of(struct sim *s, enum agent_pace state)
{
    static uint32_t nowhere;

    switch (state) {
    case AGENT_PACE_FREE:
        return &s->view.free;
    case AGENT_PACE_TALKING:
        return &s->view.talking;
    case AGENT_PACE_WRAPPING:
        return &s->view.wrapping;
    default:
        return &nowhere;
    }
}

/* a->state is what the agent does; told is what the policy hears of it. */
static void agent_becomes(struct sim *s, uint32_t n, enum agent_pace state)
{
    struct sim_agent *a = &s->agents[n];
    double lasted_s = within_day(s, a->since_ms);

    if (a->state != AGENT_PACE_OUT)
        s->day.logged_s += lasted_s;
    if (a->state == AGENT_PACE_TALKING || a->state == AGENT_PACE_WRAPPING)
        s->day.busy_s += lasted_s;
    if (a->state == AGENT_PACE_FREE)
        s->day.idle_s += lasted_s;
    s->view.logged_in += (state != AGENT_PACE_OUT);
    s->view.logged_in -= (a->state != AGENT_PACE_OUT);
    (*counter_of(s, a->state))--;
    (*counter_of(s, state))++;
    a->state = state;
    a->since_ms = s->now_ms;
    a->generation++;
    if (s->policy->agent)
        s->policy->agent(s->of_policy, n,
                         a->leaves && state != AGENT_PACE_OUT ? AGENT_PACE_LEAVING : state,
                         s->now_ms);
}

static void serve(struct sim *s, uint32_t call, uint32_t agent)
{
    struct sim_agent *a = &s->agents[agent];
    struct sim_call *c = &s->calls[call];
    double talk_s =
        c->fate.kind == SIM_LIVE ? sim_draw_talk(s, &s->work) : rng_lognormal(&s->work, 8, 0.4);

    s->day.connected++;
    s->day.contacts += c->fate.kind == SIM_LIVE;
    c->agent = agent;
    a->call = call;
    tell(s, call, PACING_CONNECTED, RESULT_NONE, DELIVERY_NONE, false);
    agent_becomes(s, agent, AGENT_PACE_TALKING);
    a->talk_s = fmax(talk_s, 0.05);
    uint64_t talked_ms = s->now_ms + (uint64_t)(a->talk_s * 1000);
    push(s, talked_ms, EV_TALKED, agent, a->generation);
    /* What follows is drawn now, so that a bound may know it. */
    uint64_t wrap_ms = (uint64_t)(sim_draw_wrap(s, &s->work) * 1000);
    bool breaks = rng_unit(&s->work) < s->load.break_share;
    a->break_ms = breaks ? (uint64_t)(rng_exp(&s->work, s->load.break_s) * 1000) + 1 : 0;
    a->free_since_ms = wrap_ms; /* until it begins */
    if (s->policy->know_agent)
        s->policy->know_agent(s->of_policy, agent, breaks ? UINT64_MAX - 1 : talked_ms + wrap_ms);
}

/* The longest waiting call that this agent can get: its place, or waiting_count. */
static uint32_t first_for(const struct sim *s, uint32_t agent)
{
    uint32_t i = 0;

    while (i < s->waiting_count && s->calls[s->waiting[i]].engine != agent % s->engines)
        i++;
    return i;
}

/* A free agent for the longest waiting call, or the other way round. */
static void match(struct sim *s)
{
    for (uint32_t n = 0; s->waiting_count && s->view.free && n < s->load.agents; n++) {
        struct sim_agent *a = &s->agents[n];
        uint32_t place;

        if (a->state != AGENT_PACE_FREE || (place = first_for(s, n)) == s->waiting_count)
            continue;
        uint32_t call = s->waiting[place];
        memmove(s->waiting + place, s->waiting + place + 1,
                (--s->waiting_count - place) * sizeof(*s->waiting));
        s->view.waiting = s->waiting_count;
        s->calls[call].waiting = false;
        s->calls[call].generation++; /* its limit no longer counts */
        serve(s, call, n);
    }
}

static void agent_ready(struct sim *s, uint32_t n)
{
    struct sim_agent *a = &s->agents[n];

    if (a->leaves || (s->now_ms >= s->day_end_ms && s->spare_count == s->call_cap)) {
        a->leaves = false;
        a->gone = true;
        agent_becomes(s, n, AGENT_PACE_OUT);
        return;
    }
    agent_becomes(s, n, AGENT_PACE_FREE);
    match(s);
}

/* ---- events ---- */

static void launch(struct sim *s, float score)
{
    double p = score > 0 ? (double)score : sim_chance(s);
    uint32_t call = s->spare[--s->spare_count];
    struct sim_call *c = &s->calls[call];

    sim_draw_dial(s, &s->fate, p, &c->fate);
    c->used = true;
    c->engine = s->deciding;
    c->waiting = false;
    c->score = s->load.scores_told ? score : 0;
    s->view.dials++;
    s->day.dials++;
    s->view.ringing++;
    if (s->leads_left)
        s->leads_left--;
    tell(s, call, PACING_LAUNCHED, RESULT_NONE, DELIVERY_NONE, false);
    uint32_t rings_ms = (uint32_t)(s->load.delay_s * 1000);
    if (c->fate.ends_ms > rings_ms)
        push(s, s->now_ms + rings_ms, EV_RING, call, c->generation);
    push(s, s->now_ms + c->fate.ends_ms, EV_ANSWER, call, c->generation);
}

static void on_verdict(struct sim *s, uint32_t call)
{
    struct sim_call *c = &s->calls[call];
    bool live = c->fate.kind == SIM_LIVE;

    s->view.analysed--;
    s->view.live += live;
    s->view.day_live += live;
    s->day.live += live;
    if (live && c->fate.dropped) { /* nobody is told */
        s->view.abandoned++;
        s->view.day_abandoned++;
        s->day.abandoned++;
    }
    if ((live && c->fate.dropped) || (!live && !c->fate.passed)) {
        end_call(s, call, RESULT_MACHINE, DELIVERY_NONE, false);
        return;
    }
    tell(s, call, PACING_WAITING, RESULT_NONE, DELIVERY_NONE, false);
    c->waiting = true;
    s->waiting[s->waiting_count++] = call;
    s->view.waiting = s->waiting_count;
    match(s);
    if (c->waiting)
        push(s, s->now_ms + (uint64_t)(s->load.limit_s * 1000), EV_LIMIT, call, c->generation);
}

static void on_answer(struct sim *s, uint32_t call)
{
    struct sim_call *c = &s->calls[call];

    s->view.ringing--;
    if (c->fate.kind == SIM_SILENT || c->fate.kind == SIM_FAILURE) {
        end_call(s, call, c->fate.kind == SIM_SILENT ? RESULT_NO_ANSWER : RESULT_CONGESTION,
                 DELIVERY_NONE, false);
        return;
    }
    s->view.analysed++;
    tell(s, call, PACING_ANSWERED, RESULT_NONE, DELIVERY_NONE, false);
    if (c->fate.analysis_ms)
        push(s, s->now_ms + c->fate.analysis_ms, EV_VERDICT, call, c->generation);
    else
        on_verdict(s, call);
}

static void on_limit(struct sim *s, uint32_t call)
{
    struct sim_call *c = &s->calls[call];
    uint32_t i = 0;

    while (s->waiting[i] != call)
        i++;
    memmove(s->waiting + i, s->waiting + i + 1, (--s->waiting_count - i) * sizeof(*s->waiting));
    s->view.waiting = s->waiting_count;
    c->waiting = false;
    bool live = c->fate.kind == SIM_LIVE;
    s->view.abandoned += live;
    s->view.day_abandoned += live;
    s->day.abandoned += live;
    end_call(s, call, RESULT_HUMAN, DELIVERY_ABANDONED, true);
}

static void on_talked(struct sim *s, uint32_t n)
{
    struct sim_agent *a = &s->agents[n];
    uint64_t wrap_ms = a->free_since_ms;

    end_call(s, a->call, RESULT_HUMAN, DELIVERY_CONNECTED, false);
    agent_becomes(s, n, AGENT_PACE_WRAPPING);
    push(s, s->now_ms + wrap_ms, EV_WRAPPED, n, a->generation);
}

static void on_wrapped(struct sim *s, uint32_t n)
{
    struct sim_agent *a = &s->agents[n];

    if (a->break_ms && !a->leaves) {
        agent_becomes(s, n, AGENT_PACE_OUT);
        push(s, s->now_ms + a->break_ms, EV_BACK, n, a->generation);
    } else {
        agent_ready(s, n);
    }
}

/* The end of a shift: who is free goes, who talks says so and goes afterwards. */
static void on_logout(struct sim *s, uint32_t n)
{
    struct sim_agent *a = &s->agents[n];

    if (a->state == AGENT_PACE_OUT) {
        a->gone = true;
        a->generation++;
    } else if (a->state == AGENT_PACE_FREE) {
        a->gone = true;
        agent_becomes(s, n, AGENT_PACE_OUT);
    } else {
        a->leaves = true;
        if (s->policy->agent)
            s->policy->agent(s->of_policy, n, AGENT_PACE_LEAVING, s->now_ms);
    }
}

static void on_jump(struct sim *s)
{
    s->jump = exp(rng_uniform(&s->world, -1, 1) * log(s->load.jump));
    push(s, s->now_ms + (uint64_t)(rng_exp(&s->world, s->load.jump_every_s) * 1000) + 1, EV_JUMP, 0,
         0);
}

static void see_air(struct sim *s)
{
    double air = s->view.ringing + s->view.analysed;

    if (s->now_ms < s->day_start_ms + AIR_FROM_S * 1000 || s->now_ms >= s->day_end_ms)
        return;
    s->air += air;
    s->air_squares += air * air;
    s->air_seconds++;
}

static void take(struct sim *s, const struct event *e)
{
    bool of_call = e->kind <= EV_LIMIT;

    if (of_call && s->calls[e->who].generation != e->generation)
        return;
    if ((e->kind == EV_TALKED || e->kind == EV_WRAPPED || e->kind == EV_BACK) &&
        s->agents[e->who].generation != e->generation)
        return;
    switch ((enum event_kind)e->kind) {
    case EV_RING:
        tell(s, e->who, PACING_RINGING, RESULT_NONE, DELIVERY_NONE, false);
        break;
    case EV_ANSWER:
        on_answer(s, e->who);
        break;
    case EV_VERDICT:
        on_verdict(s, e->who);
        break;
    case EV_LIMIT:
        on_limit(s, e->who);
        break;
    case EV_TALKED:
        on_talked(s, e->who);
        break;
    case EV_WRAPPED:
        on_wrapped(s, e->who);
        break;
    case EV_BACK:
    case EV_LOGIN:
        if (!s->agents[e->who].gone && s->agents[e->who].state == AGENT_PACE_OUT)
            agent_ready(s, e->who);
        break;
    case EV_LOGOUT:
        on_logout(s, e->who);
        break;
    case EV_JUMP:
        on_jump(s);
        break;
    case EV_TICK:
        move_noise(s);
        see_air(s);
        if (s->now_ms < s->day_end_ms)
            push(s, s->now_ms + 1000, EV_TICK, 0, 0);
        break;
    }
}

/* ---- decisions ---- */

static float draw_score(struct sim *s)
{
    const struct sim_load *l = &s->load;
    double high = (l->p - l->score_low) / (l->score_high - l->score_low);

    return (float)(rng_unit(&s->leads) < high ? l->score_high : l->score_low);
}

static void launch_picks(struct sim *s, const struct pacing_advice *a)
{
    bool mix = s->load.score_high > 0, picks = mix && s->load.scores_told;

    for (uint32_t i = 0; i < a->launch && s->spare_count; i++) {
        uint32_t which = picks ? a->picks[i] : 0;

        launch(s, mix ? s->window[which] : 0);
        if (mix && !picks) {
            memmove(s->window, s->window + 1, sizeof(s->window) - sizeof(s->window[0]));
            s->window[SIM_WINDOW - 1] = draw_score(s);
        } else if (mix) {
            s->window[which] = 0;
        }
    }
    if (!picks)
        return;
    uint32_t n = 0;
    for (uint32_t i = 0; i < SIM_WINDOW; i++)
        if (s->window[i] > 0)
            s->window[n++] = s->window[i];
    while (n < SIM_WINDOW)
        s->window[n++] = draw_score(s);
}

static void hang_up_hopeless(struct sim *s)
{
    uint32_t calls[64];
    uint32_t n = s->policy->hopeless ? s->policy->hopeless(s->of_policy, s->now_ms, calls, 64) : 0;

    for (uint32_t i = 0; i < n; i++) {
        s->view.ringing--;
        end_call(s, calls[i], RESULT_NO_ANSWER, DELIVERY_NONE, false);
    }
}

static void decide_one(struct sim *s)
{
    bool limited = s->load.leads > 0;
    struct pacing_limits limits = {
        .tasks_ready = limited ? s->leads_left : UINT32_MAX,
        .trunk_room = s->spare_count,
        .record_room = UINT32_MAX,
        .stopping = s->now_ms >= s->day_end_ms,
    };
    struct pacing_advice a = {0};
    bool measure = s->decisions++ % MEASURE_EVERY == 0;

    if (limits.stopping)
        return;
    hang_up_hopeless(s);
    limits.trunk_room = s->spare_count;
    if (s->load.score_high > 0 && s->load.scores_told) {
        limits.scores = s->window;
        limits.score_count = SIM_WINDOW;
    }
    s->view.day_share = (double)(s->now_ms - s->day_start_ms) / (s->load.day_s * 1000);
    uint64_t from_ns = measure ? bench_thread_cpu_us() : 0;
    s->policy->decide(s->of_policy, s->now_ms, &limits, &a);
    if (measure) {
        double us = (double)(bench_thread_cpu_us() - from_ns);
        s->measured++;
        s->decision_us += us;
        s->decision_most_us = fmax(s->decision_most_us, us);
    }
    launch_picks(s, &a);
}

static void decide(struct sim *s)
{
    for (s->deciding = 0; s->deciding < s->engines; s->deciding++)
        decide_one(s);
    s->deciding = 0;
}

/* ---- days ---- */

static void begin_day(struct sim *s)
{
    const struct sim_load *l = &s->load;

    s->day_start_ms = s->day_number++ * DAY_MS + 8 * 3600000u;
    s->now_ms = s->day_start_ms;
    s->noise_ms = s->now_ms;
    s->day_end_ms = s->day_start_ms + (uint64_t)(l->day_s * 1000);
    s->day = (struct sim_day){0};
    s->air = s->air_squares = s->air_seconds = 0;
    s->view.day_live = s->view.day_abandoned = 0;
    s->leads_left = l->leads;
    s->jump = 1;
    if (s->policy->day)
        s->policy->day(s->of_policy);
    if (l->noise_sd > 0)
        s->noise = rng_normal(&s->world, 0, l->noise_sd);
    if (l->jump > 0)
        on_jump(s);
    push(s, s->now_ms, EV_TICK, 0, 0);
    for (uint32_t n = 0; n < l->agents; n++) {
        uint64_t from = s->now_ms;

        s->agents[n].gone = s->agents[n].leaves = false;
        if (l->shift_s > 0) {
            from += (uint64_t)(rng_unit(&s->world) * l->stagger_s * 1000);
            push(s, from + (uint64_t)(l->shift_s * 1000), EV_LOGOUT, n, 0);
        }
        push(s, from, EV_LOGIN, n, 0);
    }
}

void sim_day(struct sim *s, struct sim_day *out)
{
    begin_day(s);
    while (s->heap_count) {
        struct event e = pop(s);

        if (e.kind == EV_JUMP && e.at_ms >= s->day_end_ms)
            continue;
        s->now_ms = e.at_ms;
        take(s, &e);
        if (s->heap_count == 0 || s->heap[0].at_ms != s->now_ms)
            decide(s);
    }
    for (uint32_t n = 0; n < s->load.agents; n++)
        if (s->agents[n].state != AGENT_PACE_OUT) {
            s->agents[n].leaves = false;
            agent_becomes(s, n, AGENT_PACE_OUT);
        }
    assert(s->spare_count == s->call_cap && s->waiting_count == 0);
    if (s->air_seconds > 0) {
        s->day.air_mean = s->air / s->air_seconds;
        s->day.air_variance = s->air_squares / s->air_seconds - s->day.air_mean * s->day.air_mean;
    }
    *out = s->day;
}

enum err sim_open(struct sim **out, const struct sim_load *load, const struct sim_policy *policy,
                  double parameter, uint64_t seed)
{
    struct sim *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (!s)
        return ERR_NOMEM;
    s->load = *load;
    s->policy = policy;
    s->engines = policy->engines ? policy->engines : 1;
    s->call_cap = load->agents * CALLS_AGENT + CALLS_LEAST;
    s->heap_cap = s->call_cap * 6 + load->agents * 6 + 16;
    s->heap = calloc(s->heap_cap, sizeof(*s->heap));
    s->calls = calloc(s->call_cap, sizeof(*s->calls));
    s->spare = calloc(s->call_cap, sizeof(*s->spare));
    s->waiting = calloc(s->call_cap, sizeof(*s->waiting));
    s->agents = calloc(load->agents + 1, sizeof(*s->agents));
    if (!s->heap || !s->calls || !s->spare || !s->waiting || !s->agents) {
        sim_close(s);
        return ERR_NOMEM;
    }
    for (uint32_t i = s->call_cap; i-- > 0;)
        s->spare[s->spare_count++] = i;
    rng_seed_stream(&s->fate, seed, SLICE("fate"), 0);
    rng_seed_stream(&s->work, seed, SLICE("work"), 0);
    rng_seed_stream(&s->world, seed, SLICE("world"), 0);
    rng_seed_stream(&s->leads, seed, SLICE("leads"), 0);
    s->jump = 1;
    for (uint32_t i = 0; load->score_high > 0 && i < SIM_WINDOW; i++)
        s->window[i] = draw_score(s);
    s->of_policy = policy->open(s, parameter);
    if (!s->of_policy) {
        sim_close(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

void sim_close(struct sim *s)
{
    if (!s)
        return;
    if (s->of_policy)
        s->policy->close(s->of_policy);
    free(s->heap);
    free(s->calls);
    free(s->spare);
    free(s->waiting);
    free(s->agents);
    free(s);
}

uint64_t sim_now(const struct sim *s)
{
    return s->now_ms;
}

void *sim_of_policy(const struct sim *s)
{
    return s->of_policy;
}

uint32_t sim_engine(const struct sim *s)
{
    return s->deciding;
}

uint32_t sim_engine_of_call(const struct sim *s, uint32_t call)
{
    return s->calls[call].engine;
}

const struct sim_view *sim_look(const struct sim *s)
{
    return &s->view;
}

const struct sim_load *sim_load_of(const struct sim *s)
{
    return &s->load;
}

double sim_decision_us(const struct sim *s, double *most)
{
    *most = s->decision_most_us;
    return s->measured ? s->decision_us / (double)s->measured : 0;
}
