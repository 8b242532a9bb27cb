/* Measuring our own lateness. */
#include "sim/lateness.h"

#include <stdio.h>

#define PERIOD_US   10000
#define MEDIA_TICKS 50   /* the workers offer new figures twice a second */
#define MISSED_MAX  6000 /* ticks counted after one stop: a minute */

/* A stop is felt by everything that was due in it, so each tick that was missed counts with what it
 * was late by; counted once, a second's stop would be one value in thousands. */
static void count(struct lateness *l, uint64_t late_us)
{
    uint32_t n = 0;

    do {
        hist_add(&l->control_us, late_us);
        late_us = late_us > PERIOD_US ? late_us - PERIOD_US : 0;
    } while (late_us > 0 && ++n < MISSED_MAX);
}

static void on_tick(struct timer *t)
{
    struct lateness *l = container_of(t, struct lateness, timer);
    uint64_t now = clock_us(l->loop->clock);

    count(l, now > l->next_us ? now - l->next_us : 0);
    if (++l->ticks % MEDIA_TICKS == 0)
        media_metrics(call_env_media(l->env), &l->media);
    l->next_us += PERIOD_US;
    if (l->next_us <= now) /* what was missed is counted */
        l->next_us = now + PERIOD_US;
    loop_timer(l->loop, &l->timer, (l->next_us - now) / 1000, on_tick);
}

void lateness_start(struct lateness *l, struct loop *loop, struct call_env *env)
{
    *l = (struct lateness){.loop = loop, .env = env};
    hist_reset(&l->control_us);
    hist_reset(&l->plan_us);
    timer_init(&l->timer);
    l->next_us = clock_us(loop->clock) + PERIOD_US;
    loop_timer(loop, &l->timer, PERIOD_US / 1000, on_tick);
}

void lateness_stop(struct lateness *l)
{
    loop_timer_stop(l->loop, &l->timer);
}

void lateness_plan(struct lateness *l, uint64_t late_us)
{
    hist_add(&l->plan_us, late_us);
}

static double ms(const struct hist *h, double q)
{
    return (double)hist_quantile(h, q) / 1000.0;
}

void lateness_judge(struct lateness *l, uint64_t limit_ms, struct lateness_result *out)
{
    uint64_t until_us = clock_us(l->loop->clock) + LATENESS_SETTLE_MS * 1000;

    lateness_stop(l);
    media_metrics(call_env_media(l->env), &l->media); /* makes room for newer ones */
    while (clock_us(l->loop->clock) < until_us)
        loop_turn(l->loop, 10000);
    media_metrics(call_env_media(l->env), &l->media);
    const struct media_metrics *m = &l->media;
    *out = (struct lateness_result){
        .control_p50_ms = ms(&l->control_us, 0.5),
        .control_p99_ms = ms(&l->control_us, 0.99),
        .control_max_ms = (double)l->control_us.max / 1000.0,
        .media_p50_ms = ms(&m->tick_late_us, 0.5),
        .media_p99_ms = ms(&m->tick_late_us, 0.99),
        .media_max_ms = (double)m->tick_late_us.max / 1000.0,
        .plan_p50_ms = ms(&l->plan_us, 0.5),
        .plan_p99_ms = ms(&l->plan_us, 0.99),
        .plan_max_ms = (double)l->plan_us.max / 1000.0,
        .slots = m->ticks,
        .slots_skipped = m->ticks_skipped,
        .valid = true,
    };
    double worst = out->control_p99_ms;
    const char *where = "signalling";
    if (out->media_p99_ms > worst) {
        worst = out->media_p99_ms;
        where = "audio";
    }
    if (l->plan_us.count >= LATENESS_PLAN_MIN && out->plan_p99_ms > worst) {
        worst = out->plan_p99_ms;
        where = "plan of calls";
    }
    if (worst <= (double)limit_ms)
        return;
    out->valid = false;
    snprintf(out->why, sizeof out->why,
             "the simulator itself was late: p99 %.1f ms in its %s, the limit is %llu ms", worst,
             where, (unsigned long long)limit_ms);
}

void lateness_json(const struct lateness_result *r, struct json *j)
{
    json_begin_object(j, "lateness_ms");
    json_num(j, "p50", r->media_p50_ms > r->control_p50_ms ? r->media_p50_ms : r->control_p50_ms);
    json_num(j, "p99", r->media_p99_ms > r->control_p99_ms ? r->media_p99_ms : r->control_p99_ms);
    json_num(j, "max", r->media_max_ms > r->control_max_ms ? r->media_max_ms : r->control_max_ms);
    json_num(j, "control_p99", r->control_p99_ms);
    json_num(j, "media_p99", r->media_p99_ms);
    json_num(j, "plan_p99", r->plan_p99_ms);
    json_u64(j, "media_slots", r->slots);
    json_u64(j, "media_slots_skipped", r->slots_skipped);
    json_end(j);
}
