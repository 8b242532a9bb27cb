/* Each call has a plan: what its far side does and when, in order, walked by one timer. What we do
 * changes it: a hang-up leaves nothing but the end, an agent's voice makes the callee stay for the
 * talk, a sound makes them listen on. An agent's leg has a second timer for when they mean to go. */
#include "simulate/wire.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"

#define TRYING_MS     30  /* 100, from the INVITE */
#define RTP_MS        20  /* first packet, from the 200 */
#define END_MS        40  /* 200 to our BYE, 487 to our CANCEL */
#define AGENT_MS      300 /* an agent's telephone answers by itself */
#define AGENT_GONE_MS 100 /* 480 of one who is not there */
#define LEAVE_MS      10  /* from the wrap-up's begin, of one who had meant to go before */
#define PLAN_MAX      10
#define SURE          0.95f

enum step_kind {
    STEP_TRYING,
    STEP_RING,
    STEP_REFUSE,
    STEP_ANSWER,
    STEP_RTP,
    STEP_SPEECH,
    STEP_SPEECH_END,
    STEP_VERDICT,
    STEP_TONE,
    STEP_BEEP,
    STEP_LEAVE, /* the callee hangs up */
    STEP_END    /* after we did */
};

struct step {
    uint32_t at_ms; /* since the INVITE */
    enum step_kind kind;
};

struct wire_agent {
    struct wire *wire;
    struct wire_call *leg; /* NULL: not called */
    struct timer leave;
    bool talking, means_to_leave;
};

struct wire_call {
    struct wire *wire;
    struct call *call;
    struct timer timer;
    struct step plan[PLAN_MAX];
    uint32_t steps, next;
    uint16_t code, q850; /* of a refusal */
    struct fate fate;
    struct wire_agent *agent; /* whose leg it is; NULL: a callee */
};

struct wire {
    struct wire_config config;
    struct call_line line;
    struct pool calls;
    struct wire_agent *agents;
    struct wire_stats stats;
};

/* ---- plans ---- */

static uint64_t now_wall_ms(const struct wire *w)
{
    return clock_wall_ms(w->config.loop->clock);
}

/* In order of time; those of one time in order of adding. */
static void add(struct wire_call *k, uint32_t at_ms, enum step_kind kind)
{
    uint32_t i = k->steps;

    if (k->steps == PLAN_MAX)
        return;
    while (i > k->next && k->plan[i - 1].at_ms > at_ms) {
        k->plan[i] = k->plan[i - 1];
        i--;
    }
    k->plan[i] = (struct step){at_ms, kind};
    k->steps++;
}

static void on_step(struct timer *t);

static void go_on(struct wire_call *k)
{
    uint32_t now = call_age_ms(k->call);

    if (k->next == k->steps)
        return;
    uint32_t at = k->plan[k->next].at_ms;

    loop_timer(k->wire->config.loop, &k->timer, at > now ? at - now : 0, on_step);
}

/* Nothing of the plan is left but this. */
static void replace(struct wire_call *k, uint32_t in_ms, enum step_kind kind)
{
    k->steps = k->next = 0;
    add(k, call_age_ms(k->call) + in_ms, kind);
    go_on(k);
}

static void refusal(struct wire_call *k, uint32_t at_ms, uint16_t code, uint16_t q850)
{
    k->code = code;
    k->q850 = q850;
    add(k, at_ms, STEP_REFUSE);
}

static void plan_answer(struct wire_call *k)
{
    const struct fate *f = &k->fate;
    uint32_t from = f->answer_ms;

    add(k, f->delay_ms, STEP_RING);
    add(k, from, STEP_ANSWER);
    add(k, from + RTP_MS, STEP_RTP);
    if (f->kind == FATE_FAX) {
        add(k, from + f->verdict_ms, STEP_TONE);
    } else {
        add(k, from + f->speech_ms, STEP_SPEECH);
        add(k, from + f->greeting_end_ms, STEP_SPEECH_END);
        add(k, from + f->verdict_ms, STEP_VERDICT);
    }
    if (f->beep_ms)
        add(k, from + f->beep_ms, STEP_BEEP);
    add(k, from + f->greeting_end_ms + f->patience_ms, STEP_LEAVE);
}

static void plan_callee(struct wire_call *k)
{
    const struct fate *f = &k->fate;

    add(k, TRYING_MS, STEP_TRYING);
    switch (f->kind) {
    case FATE_HUMAN:
    case FATE_MACHINE:
    case FATE_FAX:
        plan_answer(k);
        break;
    case FATE_NOBODY:
        add(k, f->delay_ms, STEP_RING);
        break;
    case FATE_BUSY:
        refusal(k, f->delay_ms, 486, 17);
        break;
    case FATE_UNREACHABLE:
        refusal(k, f->delay_ms, 480, 20);
        break;
    case FATE_VACANT:
        refusal(k, f->delay_ms, 404, 1);
        break;
    case FATE_REJECTED:
        refusal(k, f->delay_ms, 603, 21);
        break;
    case FATE_CONGESTION:
        refusal(k, f->delay_ms, 503, 34);
        break;
    case FATE_KINDS:
        break;
    }
}

/* ---- steps ---- */

static void hear(struct wire_call *k, enum dsp_kind kind, uint8_t detail, uint32_t since_answer_ms)
{
    const struct dsp_event e = {
        .kind = (uint8_t)kind,
        .detail = detail,
        .confidence = SURE,
        .start_ms = k->fate.answer_ms + since_answer_ms,
        .end_ms = call_age_ms(k->call),
    };

    call_line_heard(k->call, &e);
}

static uint8_t verdict_of(enum fate_verdict v)
{
    return v == FATE_HEARD_HUMAN     ? VERDICT_HUMAN
           : v == FATE_HEARD_MACHINE ? VERDICT_MACHINE
                                     : VERDICT_UNSURE;
}

static void agent_answers(struct wire_call *k);

/* The call, and k with it, may be gone after a step that ends it. */
static void do_step(struct wire_call *k, enum step_kind kind)
{
    switch (kind) {
    case STEP_TRYING:
        call_line_progress(k->call, 100);
        break;
    case STEP_RING:
        call_line_progress(k->call, 180);
        break;
    case STEP_ANSWER:
        if (k->agent)
            agent_answers(k);
        call_line_answer(k->call);
        break;
    case STEP_RTP:
        call_line_rtp(k->call);
        break;
    case STEP_SPEECH:
        hear(k, DSP_SPEECH_START, 0, k->fate.speech_ms);
        break;
    case STEP_SPEECH_END:
        hear(k, DSP_SPEECH_END, 0, k->fate.speech_ms);
        break;
    case STEP_VERDICT:
        hear(k, DSP_VERDICT, verdict_of(k->fate.verdict), 0);
        break;
    case STEP_TONE:
        hear(k, DSP_CED, ANSWER_ANS, 500);
        break;
    case STEP_BEEP:
        hear(k, DSP_BEEP, 1, k->fate.beep_ms - 300);
        break;
    case STEP_REFUSE:
        call_line_end(k->call, k->code, k->q850, ENDED_BY_CALLEE);
        break;
    case STEP_LEAVE:
        call_line_end(k->call, 0, 16, ENDED_BY_CALLEE);
        break;
    case STEP_END:
        call_line_end(k->call, call_record_of(k->call)->cancelled ? 487 : 0, 0, ENDED_BY_US);
        break;
    }
}

static void on_step(struct timer *t)
{
    struct wire_call *k = container_of(t, struct wire_call, timer);
    enum step_kind kind = k->plan[k->next++].kind;

    if (kind == STEP_REFUSE || kind == STEP_LEAVE || kind == STEP_END) {
        do_step(k, kind);
        return;
    }
    do_step(k, kind);
    if (!timer_running(&k->timer)) /* else it brought another plan */
        go_on(k);
}

/* ---- agents ---- */

static void on_leave(struct timer *t)
{
    struct wire_agent *a = container_of(t, struct wire_agent, leave);

    if (a->talking) {
        a->means_to_leave = true;
        return;
    }
    a->means_to_leave = false;
    staff_left(a->wire->config.staff, (uint32_t)(a - a->wire->agents), now_wall_ms(a->wire));
    loop_timer_stop(a->wire->config.loop, &a->leg->timer);
    call_line_end(a->leg->call, 0, 16, ENDED_BY_CALLEE);
}

static void agent_answers(struct wire_call *k)
{
    struct wire *w = k->wire;
    uint64_t now = now_wall_ms(w), leaves = WINDOW_NEVER;

    k->agent->talking = k->agent->means_to_leave = false;
    if (staff_comes(w->config.staff, (uint32_t)(k->agent - w->agents), now, &leaves) &&
        leaves != WINDOW_NEVER)
        loop_timer(w->config.loop, &k->agent->leave, leaves - now, on_leave);
}

static void plan_agent(struct wire_call *k)
{
    struct wire *w = k->wire;
    uint64_t leaves;

    k->agent->leg = k;
    if (staff_comes(w->config.staff, (uint32_t)(k->agent - w->agents), now_wall_ms(w), &leaves))
        add(k, AGENT_MS, STEP_ANSWER);
    else
        refusal(k, AGENT_GONE_MS, 480, 0);
}

uint32_t wire_wrap_up_ms(void *wire, uint32_t agent)
{
    struct wire *w = wire;
    struct wire_agent *a = &w->agents[agent];

    a->talking = false;
    if (a->means_to_leave && a->leg)
        loop_timer(w->config.loop, &a->leave, LEAVE_MS, on_leave);
    return staff_wrap_up_ms(w->config.staff, agent);
}

/* ---- what we do ---- */

static struct wire_agent *agent_of(struct wire *w, const char *uri)
{
    const struct campaign *c = w->config.campaign;

    for (uint32_t i = 0; i < c->agent_count; i++)
        if (strcmp(c->agents[i].uri, uri) == 0)
            return &w->agents[i];
    return NULL;
}

/* "sip:+12025550111@…": the number. */
static struct slice number_of(const char *uri)
{
    const char *from = strchr(uri, ':'), *to = strchr(uri, '@');

    if (!from || !to || to < from)
        return slice_cstr(uri);
    return slice_of(from + 1, (size_t)(to - from - 1));
}

static void on_dialled(void *arg, struct call *c, const struct call_dial *dial, void **own)
{
    struct wire *w = arg;
    struct wire_call *k = pool_get(&w->calls); /* as many as calls may live */

    *own = k;
    k->wire = w;
    k->call = c;
    timer_init(&k->timer);
    k->agent = agent_of(w, dial->to_uri);
    if (k->agent) {
        plan_agent(k);
    } else {
        people_fate(w->config.people, number_of(dial->to_uri), now_wall_ms(w), &k->fate);
        w->stats.dialled++;
        w->stats.by_fate[k->fate.kind]++;
        plan_callee(k);
    }
    go_on(k);
}

static void on_hung_up(void *arg, struct call *c)
{
    (void)arg;
    replace(call_line_own(c), END_MS, STEP_END);
}

static void on_bridged(void *arg, struct call *a, struct call *b)
{
    struct wire_call *one = call_line_own(a), *other = call_line_own(b);
    struct wire_call *callee = one->agent ? other : one, *agent = one->agent ? one : other;

    (void)arg;
    if (callee->agent || !agent->agent)
        return;
    agent->agent->talking = true;
    replace(callee, callee->fate.talk_ms ? callee->fate.talk_ms : 5000, STEP_LEAVE);
}

/* Whoever is played something listens, and then is as patient as before. */
static void on_plays(void *arg, struct call *c, uint32_t ms)
{
    struct wire_call *k = call_line_own(c);

    (void)arg;
    for (uint32_t i = k->next; i < k->steps; i++)
        if (k->plan[i].kind == STEP_LEAVE) {
            uint32_t until = call_age_ms(c) + ms + k->fate.patience_ms;

            memmove(k->plan + i, k->plan + i + 1, (--k->steps - i) * sizeof(k->plan[0]));
            add(k, until, STEP_LEAVE);
            go_on(k);
            return;
        }
}

static void on_freed(void *arg, struct call *c)
{
    struct wire *w = arg;
    struct wire_call *k = call_line_own(c);

    loop_timer_stop(w->config.loop, &k->timer);
    if (k->agent) {
        loop_timer_stop(w->config.loop, &k->agent->leave);
        k->agent->leg = NULL;
        k->agent->talking = k->agent->means_to_leave = false;
    }
    pool_put(&w->calls, k);
}

/* ---- opening ---- */

enum err wire_open(struct wire **out, const struct wire_config *config)
{
    struct wire *w = calloc(1, sizeof(*w));
    uint32_t agents = config->campaign->agent_count;

    *out = NULL;
    if (!w)
        return ERR_NOMEM;
    w->config = *config;
    w->line = (struct call_line){
        .seed = config->seed,
        .arg = w,
        .dialled = on_dialled,
        .hung_up = on_hung_up,
        .bridged = on_bridged,
        .plays = on_plays,
        .freed = on_freed,
    };
    w->agents = calloc(agents ? agents : 1, sizeof(*w->agents));
    if (!w->agents || pool_init(&w->calls, sizeof(struct wire_call), config->campaign->max_calls)) {
        wire_close(w);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < agents; i++) {
        w->agents[i].wire = w;
        timer_init(&w->agents[i].leave);
    }
    *out = w;
    return OK;
}

void wire_close(struct wire *w)
{
    if (!w)
        return;
    pool_fini(&w->calls);
    free(w->agents);
    free(w);
}

const struct call_line *wire_line(const struct wire *w)
{
    return &w->line;
}

const struct wire_stats *wire_stats(const struct wire *w)
{
    return &w->stats;
}

void wire_agents(const struct wire *w, uint32_t *talking, uint32_t *there)
{
    *talking = *there = 0;
    for (uint32_t i = 0; i < w->config.campaign->agent_count; i++) {
        const struct wire_agent *a = &w->agents[i];

        *there += a->leg && call_state(a->leg->call) == CALL_STATE_UP;
        *talking += a->talking;
    }
}
