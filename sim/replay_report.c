/* The report of a replay, in the files of a suite's run (sim/report.h): a group for each side that
 * is played. A call that went otherwise than in the capture has failed a check, at its row of
 * calls.csv. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/replay_run.h"

static void add_group(struct replay *s, const char *name, enum replay_side side)
{
    struct outcome *o = &s->outcome;

    s->group[side] = o->groups;
    o->group[o->groups++] = (struct outcome_group){
        .name = name,
        .file = s->list_path,
        .line = 1,
        .answering = side == REPLAY_CALLEE,
        .planned = side == REPLAY_CALLER ? s->list.count : 0,
        .min_success = 100,
        .passed = true,
    };
}

int replay_report_folder(struct replay *s)
{
    const struct replay_arguments *a = s->a;
    struct stat from, to;

    if (!a->report)
        return SIM_PASS;
    if (stat(a->dir, &from) == 0 && stat(a->report, &to) == 0 && from.st_dev == to.st_dev &&
        from.st_ino == to.st_ino) {
        fprintf(stderr,
                REPLAY_PROGRAM ": --report %s: it is the import itself, whose calls.csv would be "
                               "written over; give another folder\n",
                a->report);
        return SIM_CONFIG;
    }
    return report_place(&s->place, REPLAY_PROGRAM, a->report, "truth.jsonl");
}

void replay_report_begin(struct replay *s)
{
    struct outcome *o = &s->outcome;

    snprintf(s->list_path, sizeof s->list_path, "%s/calls.csv", s->a->dir);
    o->suite = s->a->dir;
    o->path = s->list_path;
    o->program = REPLAY_PROGRAM;
    o->seed = s->a->seed;
    o->rt = s->host.rt;
    o->began_us = s->start_us;
    o->started_wall_ms = clock_wall_ms(s->host.loop.clock);
    if (s->a->to)
        add_group(s, "callers", REPLAY_CALLER);
    if (s->a->listen)
        add_group(s, "callees", REPLAY_CALLEE);
}

/* The flow's report with what the comparison found as one more failed check, the first of them:
 * where there are more than it holds, the last text goes. */
static const struct flow_report *judged(struct replay *s, const struct replay_leg *leg,
                                        const struct flow_report *report, const char *difference)
{
    struct flow_report *r = &s->judged;

    if (!difference[0])
        return report;
    *r = *report;
    memmove(r->failed[1], r->failed[0], sizeof r->failed - sizeof r->failed[0]);
    snprintf(r->failed[0], sizeof r->failed[0], "%.200s:%u: %.100s", s->list_path,
             (unsigned)(leg->call - s->list.call) + 2, difference);
    r->checks_failed++;
    return r;
}

void replay_report_add(struct replay *s, const struct replay_leg *leg, struct call *c,
                       const struct flow_report *report, const char *difference)
{
    uint32_t at = (uint32_t)(leg->call - s->list.call);
    struct outcome_source from = {
        .group = s->group[leg->side],
        .leg = at + 1,
        .n = at + 1,
        .number = leg->number,
        .caller = leg->caller,
        .attempt = leg->side == REPLAY_CALLEE ? leg->call->answered : 1,
        .row = rows_at(s->list.rows, at),
        .row_count = rows_columns(s->list.rows),
        .intended_us =
            leg->side == REPLAY_CALLER ? s->start_us + leg->call->planned_us : leg->started_us,
        .started_us = leg->started_us,
        .wall_ms = leg->wall_ms,
        .succeeded = !difference[0],
    };

    outcome_add(&s->outcome, &from, call_record_of(c), judged(s, leg, report, difference));
}

int replay_report_finish(struct replay *s, const struct lateness_result *late, int verdict)
{
    struct outcome *o = &s->outcome;
    struct report_files files = {s->a->report, s->a->junit};

    o->lateness = *late;
    if (s->a->to) {
        struct outcome_group *g = &o->group[s->group[REPLAY_CALLER]];

        g->not_started = s->not_started;
        g->passed = g->passed && !s->not_started;
    }
    if (s->not_started)
        outcome_error(o, "%s:1: %u of %u calls could not be started", s->list_path, s->not_started,
                      s->list.count);
    return report_finish(o, &files, clock_us(s->host.loop.clock), verdict);
}
