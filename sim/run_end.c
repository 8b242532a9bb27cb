/* How a run ends, and what is said of it. */
#include "sim/run.h"

#include <stdio.h>

#include "sim/plan.h"
#include "sim/report.h"

#define STOP_MS 3000 /* for calls to end once they are told to */
#define LOOK_MS 10

/* ---- the end: callers are over → calls may end by themselves → they are told to → stop ---- */

static void on_stop_limit(struct timer *t)
{
    loop_stop(&container_of(t, struct run, drain)->host.loop);
}

void run_tell_to_end(struct run *r)
{
    if (r->told)
        return;
    r->told = true;
    answering_stop(&r->answering);
    flow_stop_all(r->host.rt);
    for (uint32_t i = 0; i < r->opened; i++)
        calling_stop(&r->calling[i]);
    loop_timer(&r->host.loop, &r->drain, STOP_MS, on_stop_limit);
}

static void on_drain_limit(struct timer *t)
{
    run_tell_to_end(container_of(t, struct run, drain));
}

/* Nothing is under way any more: the run is over. */
static void on_look(struct timer *t)
{
    struct run *r = container_of(t, struct run, look);

    if (call_env_count(r->host.env) == 0)
        loop_stop(&r->host.loop);
    else
        loop_timer(&r->host.loop, t, LOOK_MS, on_look);
}

void run_begin_end(struct run *r)
{
    if (r->ending)
        return;
    r->ending = true;
    loop_timer(&r->host.loop, &r->drain, r->suite->drain_ms, on_drain_limit);
    loop_timer(&r->host.loop, &r->look, LOOK_MS, on_look);
}

void run_on_over(void *arg, struct calling *k)
{
    struct run *r = arg;

    (void)k;
    if (++r->over < r->suite->caller_groups)
        return;
    if (r->crowd)
        crowd_done(r->crowd); /* see run_on_crowd_look */
    else
        run_begin_end(r);
}

void run_on_duration(struct timer *t)
{
    run_begin_end(container_of(t, struct run, end));
}

void run_on_signal(void *arg, uint32_t count)
{
    struct run *r = arg;

    if (count > 1) {
        loop_stop(&r->host.loop);
        return;
    }
    run_begin_end(r);
    run_tell_to_end(r);
    outcome_error(&r->outcome, "the run was stopped by a signal before its end");
}

/* ---- judging ---- */

static void judge_groups(struct run *r)
{
    struct outcome *o = &r->outcome;

    for (uint32_t i = 0, k = 0; i < o->groups; i++) {
        struct outcome_group *g = &o->group[i];
        if (g->answering) {
            if (!r->crowd && g->calls < r->suite->at_least) {
                g->passed = false;
                outcome_error(o, "%s:%u: %llu calls came to the callees, at_least asks for %llu",
                              g->file, g->line, (unsigned long long)g->calls,
                              (unsigned long long)r->suite->at_least);
            }
            continue;
        }
        g->not_started = r->calling[k++].not_started;
        if (r->crowd)
            continue; /* the coordinator judges what all have made */
        if ((double)g->succeeded * 100 < g->min_success * (double)g->planned) {
            g->passed = false;
            outcome_error(
                o, "%s:%u: callers %s: %llu of %llu calls succeeded, below min_success %g %%",
                g->file, g->line, g->name, (unsigned long long)g->succeeded,
                (unsigned long long)g->planned, g->min_success);
        }
    }
}

static void add_run(void *arg, struct json *j)
{
    const struct run *r = arg;

    json_cstr(j, "suite", r->suite->name);
    json_u64(j, "seed", r->suite->seed);
    json_cstr(j, "listen", r->host.listen);
    json_u64(j, "refused", r->answering.refused);
    if (r->crowd) {
        json_u64(j, "part", crowd_part(r->crowd));
        json_u64(j, "parts", crowd_parts(r->crowd));
    }
    json_begin_array(j, "steered");
    for (uint32_t i = 0; i < r->steered_count; i++) {
        json_begin_object(j, NULL);
        json_num(j, "at_s", r->steered[i].at_s);
        json_num(j, "rate", r->steered[i].x);
        json_bool(j, "paused", r->steered[i].paused);
        json_end(j);
    }
    json_end(j);
    json_begin_array(j, "groups");
    for (uint32_t i = 0; i < r->opened; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "name", r->suite->callers[i].name);
        calling_json(&r->calling[i], j);
        json_end(j);
    }
    json_end(j);
}

static void say(const struct run *r)
{
    const struct outcome *o = &r->outcome;

    for (uint32_t i = 0; i < r->opened; i++) {
        printf("%s: ", r->suite->callers[i].name);
        calling_say(&r->calling[i]);
    }
    if (r->answers)
        printf(RUN_CALLEES ": %llu calls came, %llu refused\n",
               (unsigned long long)o->group[0].calls, (unsigned long long)r->answering.refused);
    printf(RUN_PROGRAM ": %s: %s, seed %llu, %.1f s\n", r->suite->name,
           o->verdict == SIM_PASS      ? "passed"
           : o->verdict == SIM_INVALID ? "RUN INVALID"
                                       : "FAILED",
           (unsigned long long)r->suite->seed, o->seconds);
}

static int path_in(const char *dir, const char *name, char *dst, size_t cap)
{
    if ((size_t)snprintf(dst, cap, "%s/%s", dir, name) < cap)
        return SIM_PASS;
    fprintf(stderr, RUN_PROGRAM ": --report: the path is too long\n");
    return SIM_CONFIG;
}

int run_write_plan(const struct run *r, const char *dir)
{
    char path[400];
    int rc = path_in(dir, "plan.jsonl", path, sizeof path);

    return rc == SIM_PASS ? plan_write(path, &r->outcome, r->calling, r->starts_us, r->opened) : rc;
}

static int write_truth(const struct run *r, const char *dir)
{
    char path[400];
    int rc = path_in(dir, "truth.jsonl", path, sizeof path);

    return rc == SIM_PASS ? plan_write_truth(path, &r->outcome) : rc;
}

int run_finish(struct run *r, const struct run_arguments *a)
{
    struct outcome *o = &r->outcome;
    struct report_files files = {a->report, a->junit};
    uint64_t ended_us = clock_us(r->host.loop.clock);

    judge_groups(r);
    int rc = host_finish(&r->host, a->report ? r->place.summary : NULL, add_run, r, &o->lateness);
    if (rc == SIM_PASS && o->errors)
        rc = SIM_FAILED;
    if (r->lost && rc == SIM_FAILED)
        rc = SIM_INVALID;
    for (uint32_t i = 0; i < o->errors; i++)
        fprintf(stderr, RUN_PROGRAM ": %s\n", o->error[i]);
    rc = report_finish(o, &files, ended_us, rc);
    if (a->report && write_truth(r, a->report) != SIM_PASS)
        rc = SIM_CONFIG;
    if (r->crowd && run_leave(r, rc) != SIM_PASS)
        rc = SIM_CONFIG;
    if (!a->quiet)
        say(r);
    return rc;
}
