/* Steering a run by hand, and as one of several processes. */
#include "sim/run.h"

#include <stdio.h>

static void on_tempo(void *arg, double x, bool paused)
{
    struct run *r = arg;
    uint64_t now = clock_us(r->host.loop.clock);

    tempo_set(&r->tempo, now, x, paused);
    for (uint32_t i = 0; i < r->opened; i++)
        calling_retime(&r->calling[i]);
    if (r->steered_count < RUN_STEERED_MAX)
        r->steered[r->steered_count++] =
            (struct run_steered){((double)now - (double)r->outcome.began_us) / 1e6, x, paused};
}

static void on_stop(void *arg)
{
    struct run *r = arg;

    run_begin_end(r);
    run_tell_to_end(r);
    outcome_error(&r->outcome, "the run was stopped by hand before its end");
}

static void put_status(void *arg, struct json *j)
{
    const struct run *r = arg;
    uint64_t planned = 0, started = 0, succeeded = 0, failed = 0;

    for (uint32_t i = 0; i < r->opened; i++) {
        planned += r->calling[i].planned;
        started += r->calling[i].started;
        succeeded += r->calling[i].succeeded;
        failed += r->calling[i].failed;
    }
    json_cstr(j, "suite", r->suite->name);
    json_u64(j, "seed", r->suite->seed);
    json_u64(j, "planned", planned);
    json_u64(j, "started", started);
    json_u64(j, "succeeded", succeeded);
    json_u64(j, "failed", failed);
    json_u64(j, "active", call_env_count(r->host.env));
    json_bool(j, "ending", r->ending);
    if (r->crowd) {
        json_u64(j, "part", crowd_part(r->crowd));
        json_u64(j, "parts", crowd_parts(r->crowd));
    }
}

static const struct steer_handler steer_handler = {on_tempo, on_stop, put_status};

int run_open_steer(struct run *r, const struct run_arguments *a)
{
    const struct steer_config config = {a->control, a->keys, &steer_handler, r};
    char error[160];

    if (steer_open(&r->steer, &r->host.loop, &config, error) == OK)
        return SIM_PASS;
    fprintf(stderr, RUN_PROGRAM ": --control %s\n", error);
    return SIM_CONFIG;
}

/* How the coordinator wants it. */
void run_on_crowd_look(struct timer *t)
{
    struct run *r = container_of(t, struct run, crowd_look);
    bool paused, stop;
    double x;

    if (crowd_steered(r->crowd, &x, &paused, &stop)) {
        steer_note(r->steer, x, paused);
        on_tempo(r, x, paused);
        if (stop)
            on_stop(r);
    }
    uint32_t lost = crowd_lost_parts(r->crowd);
    if (lost != r->lost) {
        r->lost = lost;
        outcome_error(&r->outcome,
                      "%u of the %u processes of this run are gone: this is a part of a run that "
                      "is not whole",
                      lost, crowd_parts(r->crowd));
    }
    /* Whoever answers stays until nobody calls any more. */
    if (r->over == r->suite->caller_groups && (!r->answers || crowd_all_done(r->crowd)))
        run_begin_end(r);
    loop_timer(&r->host.loop, t, RUN_CROWD_LOOK_MS, run_on_crowd_look);
}

int run_crowd_failed(const char *error)
{
    fprintf(stderr, RUN_PROGRAM ": %s\n", error);
    return SIM_CONFIG;
}

int run_join(struct run *r, const struct run_arguments *a)
{
    const struct crowd_config config = {a->redis, a->meeting, r->suite->seed,
                                        r->suite->fingerprint};
    char error[CROWD_ERROR_MAX];

    r->answers = r->suite->answers;
    if (!a->redis)
        return SIM_PASS;
    if (crowd_join(&r->crowd, &config, r->host.listen, error) != OK)
        return run_crowd_failed(error);
    if (crowd_part(r->crowd) != 0)
        r->answers = false; /* the first one answers for all */
    return SIM_PASS;
}

int run_leave(struct run *r, int code)
{
    struct crowd_result result = {.part = crowd_part(r->crowd), .code = code};
    char error[CROWD_ERROR_MAX];

    r->left = true;
    if (r->answers)
        result.answered_calls = r->outcome.group[0].calls;
    for (uint32_t i = 0; i < r->opened; i++) {
        const struct calling *k = &r->calling[i];
        result.group[result.groups++] =
            (struct crowd_group){k->planned, k->started, k->succeeded, k->failed, k->not_started};
    }
    return crowd_leave(r->crowd, &result, error) == OK ? SIM_PASS : run_crowd_failed(error);
}
