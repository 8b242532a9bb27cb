/* Callees and agents behind one SIP address. */
#include "sim/answering.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

#define NUMBER_MAX   64
#define CODE_REFUSED 503

struct leg {
    struct answering *answering;
    struct flow *flow;
    char number[NUMBER_MAX], caller[NUMBER_MAX];
    uint32_t attempt;
    uint64_t leg, started_us, started_wall_ms;
};

/* ---- calls ---- */

static void on_flow_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct leg *leg = arg;
    struct answering *a = leg->answering;
    struct truth_call who = {leg->number, leg->caller, leg->attempt, leg->started_wall_ms};

    truth_write(&a->host->truth, &who, call_record_of(c), report);
    if (a->outcome) {
        struct outcome_source from = {
            .group = a->group,
            .leg = leg->leg,
            .number = leg->number,
            .caller = leg->caller,
            .attempt = leg->attempt,
            .intended_us = leg->started_us,
            .started_us = leg->started_us,
            .wall_ms = leg->started_wall_ms,
            .succeeded = !report->checks_failed && report->outcome != FLOW_ERROR,
        };
        outcome_add(a->outcome, &from, call_record_of(c), report);
    }
    call_release(c);
    pool_put(&a->legs, leg);
}

static void on_refused(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    if (e->kind == CALL_EV_ENDED)
        call_release(c);
}

static void refuse(struct answering *a, struct call *c)
{
    a->refused++;
    call_set_handler(c, on_refused, a);
    call_reject(c, CODE_REFUSED, NULL, 42); /* switching equipment congestion */
}

/* The same leg number for the same call of the same number in every run. */
static uint64_t leg_number(struct slice number, uint32_t attempt)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a, 64 bits */

    for (uint32_t i = 0; i < number.len; i++)
        h = (h ^ (unsigned char)number.p[i]) * UINT64_C(1099511628211);
    return (h ^ attempt) * UINT64_C(1099511628211) >> 1; /* a Lua integer that is not negative */
}

static const struct flow_script *choose(struct answering *a, struct slice number, uint32_t attempt)
{
    double at_s = (double)(clock_us(a->host->loop.clock) - a->host->started_us) / 1e6;

    if (slice_starts(number, slice_cstr(mix_agent_prefix(a->mix))))
        return a->agent;
    return a->script[mix_draw(a->mix, a->seed, number, attempt, at_s)];
}

void answering_incoming(struct answering *a, struct call *c)
{
    struct leg *leg = a->stopping || !a->opened ? NULL : pool_get(&a->legs);
    char digits[NUMBER_MAX];

    if (!leg) {
        refuse(a, c);
        return;
    }
    struct slice number = call_called_number(c);
    struct slice who = mix_normalize(number, digits, sizeof digits);
    leg->answering = a;
    slice_copy(number, leg->number, sizeof leg->number);
    slice_copy(call_caller_number(c), leg->caller, sizeof leg->caller);
    leg->started_us = clock_us(a->host->loop.clock);
    leg->started_wall_ms = clock_wall_ms(a->host->loop.clock);
    leg->attempt = attempts_next(&a->attempts, who);
    leg->leg = leg_number(who, leg->attempt);
    wrongs_on_call(a->wrongs, c);
    wrongs_on_leg(a->wrongs, a->host->rt, leg->leg, c);
    struct flow_start start = {
        .script = choose(a, number, leg->attempt),
        .call = c,
        .leg = leg->leg,
        .attempt = leg->attempt,
        .on_end = on_flow_end,
        .arg = leg,
    };
    if (flow_start(a->host->rt, &start, &leg->flow) == OK)
        return;
    pool_put(&a->legs, leg);
    refuse(a, c);
}

void answering_stop(struct answering *a)
{
    a->stopping = true;
}

/* ---- start ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int answering_mix_of_folder(struct mix **out, const char *program, const char *dir)
{
    char *names[MIX_SCENARIOS_MAX], path[512];
    uint32_t n = 0;
    struct dirent *d;

    snprintf(path, sizeof path, "%s/callees", dir);
    DIR *folder = opendir(path);
    while (folder && n < MIX_SCENARIOS_MAX && (d = readdir(folder))) {
        size_t len = strlen(d->d_name);
        if (len > 4 && strcmp(d->d_name + len - 4, ".lua") == 0)
            names[n++] = strndup(d->d_name, len - 4);
    }
    if (folder)
        closedir(folder);
    qsort(names, n, sizeof *names, by_name);
    enum err e = n ? mix_equal(out, (const char *const *)names, n) : ERR_NOT_FOUND;
    for (uint32_t i = 0; i < n; i++)
        free(names[i]);
    if (e == OK)
        return SIM_PASS;
    fprintf(stderr, "%s: --scenarios %s: there are no scripts in its folder callees/\n", program,
            dir);
    return SIM_CONFIG;
}

/* "busy" is DIR/callees/busy.lua, "agents/agent" is DIR/agents/agent.lua. */
static bool load_script(struct answering *a, const char *dir, const char *name,
                        struct flow_script **out)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s%s.lua", dir, strchr(name, '/') ? "" : "callees/", name);
    return host_script(a->host, path, out);
}

static int load_scripts(struct answering *a, const char *dir)
{
    for (uint32_t i = 0; i < mix_scenario_count(a->mix); i++)
        if (!load_script(a, dir, mix_scenario(a->mix, i), &a->script[i]))
            return SIM_CONFIG;
    return load_script(a, dir, mix_agent_scenario(a->mix), &a->agent) ? SIM_PASS : SIM_CONFIG;
}

int answering_open(struct answering *a, struct host *host, const struct answering_config *config)
{
    *a = (struct answering){.host = host,
                            .mix = config->mix,
                            .seed = config->seed,
                            .wrongs = config->wrongs ? config->wrongs : mix_wrongs(config->mix),
                            .outcome = config->outcome,
                            .group = config->group};
    int rc = load_scripts(a, config->scenarios);
    if (rc == SIM_PASS &&
        (attempts_init(&a->attempts) != OK ||
         pool_init(&a->legs, sizeof(struct leg), (uint32_t)config->max_calls) != OK)) {
        fprintf(stderr, "%s: there is no memory for %llu calls\n", host->program,
                (unsigned long long)config->max_calls);
        rc = SIM_CONFIG;
    }
    a->opened = rc == SIM_PASS;
    return rc;
}

void answering_close(struct answering *a)
{
    if (a->legs.mem)
        pool_fini(&a->legs);
    if (a->attempts.table.buckets)
        attempts_fini(&a->attempts);
    a->opened = false;
}
