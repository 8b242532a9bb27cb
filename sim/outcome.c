/* Collecting what became of a run. */
#include "sim/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/truth.h"

void outcome_init(struct outcome *o)
{
    *o = (struct outcome){.verdict = SIM_PASS};
    arena_init(&o->arena, OUTCOME_BYTES_MAX);
}

void outcome_fini(struct outcome *o)
{
    arena_fini(&o->arena);
    worst_fini(&o->worst);
    free(o->call);
    o->call = NULL;
}

/* An empty text where there is no room: the arena has counted it. */
static const char *text(struct outcome *o, const char *s)
{
    const char *copy = s[0] ? arena_strdup(&o->arena, slice_cstr(s)) : "";

    return copy ? copy : "";
}

static const void *copy(struct outcome *o, const void *p, size_t bytes, uint32_t *count)
{
    void *to = *count ? arena_get(&o->arena, bytes * *count) : NULL;

    if (to)
        memcpy(to, p, bytes * *count);
    else
        *count = 0;
    return to;
}

static struct outcome_call *next_call(struct outcome *o)
{
    if (o->calls == o->calls_cap) {
        uint32_t cap = o->calls_cap ? o->calls_cap * 2 : 1024;
        if (cap > OUTCOME_CALLS_MAX)
            cap = OUTCOME_CALLS_MAX;
        struct outcome_call *more = cap > o->calls ? realloc(o->call, cap * sizeof *more) : NULL;
        if (!more)
            return NULL;
        o->call = more;
        o->calls_cap = cap;
    }
    return &o->call[o->calls++];
}

static void count(struct outcome_group *g, const struct outcome_source *from,
                  const struct flow_report *r)
{
    g->calls++;
    if (from->succeeded)
        g->succeeded++;
    else
        g->failed++;
    if (r->checks_failed || r->outcome == FLOW_ERROR)
        g->passed = false;
}

static void put_lists(struct outcome *o, struct outcome_call *c, const struct call_record *record,
                      const struct flow_report *r)
{
    uint32_t failed = r->checks_failed < FLOW_CHECKS_MAX ? r->checks_failed : FLOW_CHECKS_MAX;

    c->evidence_count = record->evidence_count;
    c->evidence = copy(o, record->evidence, sizeof *record->evidence, &c->evidence_count);
    c->marks_count = r->marks_count;
    c->marks = copy(o, r->marks, sizeof *r->marks, &c->marks_count);
    c->heard_count = r->heard_count;
    c->heard = copy(o, r->heard, sizeof *r->heard, &c->heard_count);
    const char **texts = failed ? arena_get(&o->arena, failed * sizeof *texts) : NULL;
    c->failed_count = texts ? failed : 0;
    for (uint32_t i = 0; i < c->failed_count; i++)
        texts[i] = text(o, r->failed[i]);
    c->failed = texts;
}

static uint64_t since(const struct outcome *o, uint64_t us)
{
    return us > o->began_us ? us - o->began_us : 0;
}

/* Of a call that nobody will ask for, so that another's can be kept. */
static void drop_audio(struct outcome *o, struct outcome_call *c)
{
    if (!o->rt || !c->audio_kept || unlink(c->recording) != 0)
        return;
    c->audio_kept = false;
    c->recording = "";
    flow_audio_dropped(o->rt);
}

void outcome_add(struct outcome *o, const struct outcome_source *from,
                 const struct call_record *record, const struct flow_report *r)
{
    count(&o->group[from->group], from, r);
    struct outcome_call *c = next_call(o);
    if (!c) {
        o->calls_dropped++;
        return;
    }
    *c = (struct outcome_call){
        .group = from->group,
        .n = from->n,
        .leg = from->leg,
        .seed = o->seed,
        .kind = flow_script_kind(r->script),
        .script = flow_script_path(r->script),
        .name = flow_script_name(r->script),
        .number = text(o, from->number),
        .caller = text(o, from->caller),
        .attempt = from->attempt,
        .row = from->row,
        .row_count = from->row_count,
        .intended_us = since(o, from->intended_us),
        .started_us = since(o, from->started_us),
        .wall_ms = from->wall_ms,
        .call_id = text(o, record->call_id),
        .truth = text(o, truth_seen(r) ? truth_seen(r) : ""),
        .succeeded = from->succeeded,
        .outcome = r->outcome,
        .code = r->code,
        .q850 = r->q850,
        .by = r->by,
        .checks_passed = r->checks_passed,
        .checks_failed = r->checks_failed,
        .error = text(o, r->error),
        .media = record->media,
        .source = r->script,
        .recording = text(o, record->recording),
        .audio_kept = r->audio_kept,
    };
    sip_times_read(&c->sip, r->trace);
    memcpy(c->at_ms, record->at_ms, sizeof c->at_ms);
    put_lists(o, c, record, r);
    uint32_t out = worst_offer(&o->worst, o->calls - 1, c, r->trace);
    if (out != WORST_NONE)
        drop_audio(o, &o->call[out]);
}

void outcome_error(struct outcome *o, const char *fmt, ...)
{
    char line[300];
    va_list ap;

    if (o->errors == OUTCOME_ERRORS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    o->error[o->errors++] = text(o, line);
}
