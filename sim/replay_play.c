/* Both sides of a replay: callers by the plan, callees by the number that is called. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sim/law.h"
#include "sim/replay_run.h"
#include "sip/uri.h"

#define URI_MAX   256
#define DRAIN_MS  3000
#define BURST_MAX 64

static void finish_if_done(struct replay *s)
{
    bool callers = !s->a->to || s->finished + s->not_started == s->list.count ||
                   (s->stopping && s->finished == s->started);
    bool callees = !s->a->listen || s->ended == s->answered;

    if (callers && callees && (s->a->to || s->stopping))
        loop_stop(&s->host.loop);
}

static void on_flow_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct replay_leg *leg = arg;
    struct replay *s = leg->replay;
    struct truth_call who = {leg->number, leg->caller, 1, leg->wall_ms};
    struct replay_result r;

    replay_compare(leg->call, leg->side, c, report, &r);
    if (leg->side == REPLAY_CALLER)
        s->finished++;
    else
        s->ended++;
    if (!s->stopping)
        replay_tell(s, leg, c, &r, report);
    truth_write(&s->host.truth, &who, call_record_of(c), report);
    call_release(c);
    pool_put(&s->legs, leg);
    finish_if_done(s);
}

static struct replay_leg *leg_for(struct replay *s, struct replay_call *k, enum replay_side side)
{
    struct replay_leg *leg = pool_get(&s->legs);

    if (!leg)
        return NULL;
    leg->replay = s;
    leg->call = k;
    leg->side = side;
    leg->wall_ms = clock_wall_ms(s->host.loop.clock);
    leg->started_us = clock_us(s->host.loop.clock);
    return leg;
}

static enum err start_flow(struct replay *s, struct replay_leg *leg, struct call *c)
{
    uint32_t at = (uint32_t)(leg->call - s->list.call);
    struct flow_start start = {
        .script = leg->side == REPLAY_CALLER ? s->caller.script[at] : s->callee.script[at],
        .call = c,
        .leg = at + 1,
        .attempt = 1,
        .row = rows_at(s->list.rows, at),
        .row_count = rows_columns(s->list.rows),
        .on_end = on_flow_end,
        .arg = leg,
    };

    return flow_start(s->host.rt, &start, NULL);
}

/* ---- callees ---- */

static void on_refused(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    if (e->kind == CALL_EV_ENDED)
        call_release(c);
}

void replay_on_incoming(void *arg, struct call *c)
{
    struct replay *s = arg;
    struct slice number = call_called_number(c);
    struct replay_call *k =
        s->stopping || !s->a->listen ? NULL : replay_list_answer(&s->list, number);
    struct replay_leg *leg = k ? leg_for(s, k, REPLAY_CALLEE) : NULL;

    if (leg) {
        slice_copy(number, leg->number, sizeof leg->number);
        slice_copy(call_caller_number(c), leg->caller, sizeof leg->caller);
        s->answered++;
        if (start_flow(s, leg, c) == OK)
            return;
        s->answered--;
        pool_put(&s->legs, leg);
    }
    s->refused++;
    call_set_handler(c, on_refused, s);
    call_reject(c, k ? 503 : 404, NULL, 0);
}

/* ---- callers ---- */

static void on_early(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    (void)c;
    (void)e;
}

static enum err dial(struct replay *s, struct replay_leg *leg)
{
    const struct replay_call *k = leg->call;
    char uri[URI_MAX], number[REPLAY_NUMBER_MAX * 3];
    struct buf b = buf_on(number, sizeof number - 1);
    struct call *c = NULL;

    sip_user_write_escaped(&b, slice_cstr(k->number));
    number[b.len] = '\0';
    if (buf_end(&b) != OK || (size_t)snprintf(uri, sizeof uri, "sip:%s%s%s", number,
                                              number[0] ? "@" : "", s->a->to) >= sizeof uri)
        return ERR_TOO_LONG;
    snprintf(leg->number, sizeof leg->number, "%s", k->number);
    snprintf(leg->caller, sizeof leg->caller, "%s", k->caller);
    struct call_dial dial = {
        .to_uri = uri,
        .from_user = k->caller[0] ? k->caller : NULL,
        .tcp = k->tcp,
        .late_offer = k->late_offer,
        .payload = k->payload.name ? &k->payload : NULL,
    };
    enum err e = call_dial(s->host.env, &dial, on_early, leg, &c);

    if (e == OK) {
        e = start_flow(s, leg, c);
        if (e != OK)
            call_release(c);
    }
    return e;
}

static void start_one(struct replay *s, struct replay_call *k, uint64_t now_us)
{
    struct replay_leg *leg = leg_for(s, k, REPLAY_CALLER);
    enum err e = leg ? dial(s, leg) : ERR_FULL;

    hist_add(&s->start_late_us, now_us - (s->start_us + k->planned_us));
    if (e == OK) {
        s->started++;
        return;
    }
    if (leg)
        pool_put(&s->legs, leg);
    s->not_started++;
    log_warn("sim", "a call could not be started", "call=%s error=%s", k->name, err_name(e));
}

void replay_on_next(struct loop_alarm *a)
{
    struct replay *s = container_of(a, struct replay, next);

    for (int i = 0; i < BURST_MAX && !s->stopping; i++) {
        uint32_t at = s->started + s->not_started;
        uint64_t now_us = clock_us(s->host.loop.clock);

        if (at == s->list.count) {
            finish_if_done(s);
            return;
        }
        uint64_t due_us = s->start_us + s->list.call[at].planned_us;

        if (due_us > now_us) {
            loop_alarm_set(&s->host.loop, a, due_us, replay_on_next);
            return;
        }
        start_one(s, &s->list.call[at], now_us);
    }
    loop_alarm_set(&s->host.loop, a, 0, replay_on_next);
}

static int by_start(const void *a, const void *b)
{
    const struct replay_call *x = a, *y = b;

    if (x->start_s != y->start_s)
        return x->start_s < y->start_s ? -1 : 1;
    return strcmp(x->name, y->name);
}

int replay_plan(struct replay *s)
{
    const struct law_spec spec = {.rate = s->a->rate, .calls = s->list.count, .seed = s->a->seed};
    char error[LAW_ERROR_MAX];
    struct law law;

    for (uint32_t i = 1; i < s->list.count; i++)
        if (by_start(&s->list.call[i - 1], &s->list.call[i]) > 0) {
            fprintf(stderr,
                    REPLAY_PROGRAM
                    ": %s/calls.csv: row %u starts before the row above it: order the rows "
                    "by start_s\n",
                    s->a->dir, i + 1);
            return SIM_CONFIG;
        }
    if (s->a->rate && law_parse(&law, &spec, error) != OK) {
        fprintf(stderr, REPLAY_PROGRAM ": %s\n", error);
        return SIM_CONFIG;
    }
    for (uint32_t i = 0; i < s->list.count; i++) {
        struct replay_call *k = &s->list.call[i];

        k->planned_us = s->a->rate ? law_next(&law)
                                   : (uint64_t)(k->start_s * 1e6 * 100 / (double)s->a->speed + 0.5);
    }
    return SIM_PASS;
}

/* ---- the end ---- */

static void on_drain(struct timer *t)
{
    loop_stop(&container_of(t, struct replay, drain)->host.loop);
}

static void end(struct replay *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    flow_stop_all(s->host.rt);
    loop_timer(&s->host.loop, &s->drain, DRAIN_MS, on_drain);
    finish_if_done(s);
}

void replay_on_signal(void *arg, uint32_t count)
{
    struct replay *s = arg;

    end(s);
    if (count > 1)
        loop_stop(&s->host.loop);
}

void replay_on_duration(struct timer *t)
{
    end(container_of(t, struct replay, duration));
}
