/* run.json: one table of members drives both writing and reading, so they cannot drift apart. */
#include "report/run.h"

#include <stddef.h>
#include <stdlib.h>

#include "report/input.h"
#include "report/output.h"

#define RUN_JSON_MAX (512 * 1024)

_Static_assert(RUN_ERROR_MAX >= OUTPUT_ERROR_MAX, "errors of the output fit");

enum member_kind { MEMBER_U64, MEMBER_U32, MEMBER_BOOL, MEMBER_DOUBLE, MEMBER_TEXT };
struct member {
    const char *name;
    size_t at, size;
    enum member_kind kind;
};

#define U64(m)                                                                                     \
    {                                                                                              \
#m, offsetof(struct run, m), 0, MEMBER_U64                                                 \
    }
#define U32(m)                                                                                     \
    {                                                                                              \
#m, offsetof(struct run, m), 0, MEMBER_U32                                                 \
    }
static const struct member members[] = {
    {"campaign", offsetof(struct run, campaign), sizeof(((struct run *)0)->campaign), MEMBER_TEXT},
    {"version", offsetof(struct run, version), sizeof(((struct run *)0)->version), MEMBER_TEXT},
    U64(started_wall_ms),
    U64(ended_wall_ms),
    {"interrupted", offsetof(struct run, interrupted), 0, MEMBER_BOOL},
    U64(leads),
    U64(finished),
    U64(pending),
    U64(rejected_rows),
    U64(not_dialled),
    U64(skipped),
    U64(attempts_redis),
    U64(attempts_launched),
    U64(reconciled),
    U64(live),
    U64(abandoned),
    {"abandonment_cap_percent", offsetof(struct run, abandonment_cap_percent), 0, MEMBER_DOUBLE},
    U32(abandonment_limit_ms),
    U32(peak_concurrent),
    U32(agents),
    U64(rtp_received),
    U64(rtp_lost),
    U64(records_written),
    U64(records_failed),
    U64(recordings),
    U64(recordings_failed),
    U64(one_way_calls),
    U64(silent_calls),
    U64(late_times),
    U64(late_seconds),
    U32(sample_step_s),
};
#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

/* A sample is an array of numbers in this order. */
static const size_t sample_at[] = {offsetof(struct run_sample, at_s),
                                   offsetof(struct run_sample, dialling),
                                   offsetof(struct run_sample, ringing),
                                   offsetof(struct run_sample, answered),
                                   offsetof(struct run_sample, waiting),
                                   offsetof(struct run_sample, connected),
                                   offsetof(struct run_sample, agents_free),
                                   offsetof(struct run_sample, agents_talking),
                                   offsetof(struct run_sample, agents_wrapping),
                                   offsetof(struct run_sample, agents_out),
                                   offsetof(struct run_sample, expected_tenths),
                                   offsetof(struct run_sample, theta_bp),
                                   offsetof(struct run_sample, risk_bp),
                                   offsetof(struct run_sample, live),
                                   offsetof(struct run_sample, abandoned)};
#define SAMPLE_NUMBERS (sizeof(sample_at) / sizeof(sample_at[0]))

static const struct {
    const char *name;
    size_t at;
} agent_members[] = {{"calls", offsetof(struct run_agent, calls)},
                     {"free_ms", offsetof(struct run_agent, free_ms)},
                     {"talking_ms", offsetof(struct run_agent, talking_ms)},
                     {"wrapping_ms", offsetof(struct run_agent, wrapping_ms)},
                     {"out_ms", offsetof(struct run_agent, out_ms)}};
#define AGENT_MEMBERS (sizeof(agent_members) / sizeof(agent_members[0]))

void run_init(struct run *r)
{
    memset(r, 0, sizeof(*r));
    r->sample_step_s = 1;
}

void run_sample_add(struct run *r, const struct run_sample *s)
{
    if (r->sample_step_s == 0)
        r->sample_step_s = 1;
    if (s->at_s % r->sample_step_s != 0)
        return;
    if (r->sample_count == RUN_SAMPLES_MAX) {
        uint32_t kept = 0;
        r->sample_step_s *= 2;
        for (uint32_t i = 0; i < r->sample_count; i++) {
            if (r->samples[i].at_s % r->sample_step_s == 0)
                r->samples[kept++] = r->samples[i];
        }
        r->sample_count = kept;
        if (s->at_s % r->sample_step_s != 0 || kept == RUN_SAMPLES_MAX)
            return;
    }
    r->samples[r->sample_count++] = *s;
}

static void write_member(struct json *j, const struct run *r, const struct member *m)
{
    const char *p = (const char *)r + m->at;

    switch (m->kind) {
    case MEMBER_U64:
        json_u64(j, m->name, *(const uint64_t *)(const void *)p);
        break;
    case MEMBER_U32:
        json_u64(j, m->name, *(const uint32_t *)(const void *)p);
        break;
    case MEMBER_BOOL:
        json_bool(j, m->name, *(const bool *)(const void *)p);
        break;
    case MEMBER_DOUBLE:
        json_num(j, m->name, *(const double *)(const void *)p);
        break;
    case MEMBER_TEXT:
        json_cstr(j, m->name, p);
        break;
    }
}

static void write_agents(struct json *j, const struct run *r)
{
    json_begin_array(j, "agent");
    for (uint32_t i = 0; i < r->agent_listed && i < RUN_AGENTS_MAX; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "name", r->agent[i].name);
        for (size_t k = 0; k < AGENT_MEMBERS; k++)
            json_u64(j, agent_members[k].name,
                     *(const uint64_t *)(const void *)((const char *)&r->agent[i] +
                                                       agent_members[k].at));
        json_end(j);
    }
    json_end(j);
}

static void write_samples(struct json *j, const struct run *r)
{
    json_begin_array(j, "samples");
    for (uint32_t i = 0; i < r->sample_count && i < RUN_SAMPLES_MAX; i++) {
        json_begin_array(j, NULL);
        for (size_t k = 0; k < SAMPLE_NUMBERS; k++)
            json_u64(
                j, NULL,
                *(const uint32_t *)(const void *)((const char *)&r->samples[i] + sample_at[k]));
        json_end(j);
    }
    json_end(j);
}

enum err run_write(const struct run *r, const char *path, char *error)
{
    char *text = malloc(RUN_JSON_MAX);
    struct buf b = buf_on(text, text ? RUN_JSON_MAX : 0);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        write_member(&j, r, &members[i]);
    write_agents(&j, r);
    write_samples(&j, r);
    json_end(&j);
    buf_putc(&b, '\n');
    enum err e = buf_end(&b);
    if (e)
        snprintf(error, RUN_ERROR_MAX, "%.160s: no memory to write it", path);
    else
        e = output_write(path, buf_slice(&b), error);
    free(text);
    return e;
}

static void read_member(struct run *r, const struct member *m, const struct input *v)
{
    char *p = (char *)r + m->at;
    const char *text = input_text(v);

    switch (m->kind) {
    case MEMBER_U64:
        *(uint64_t *)(void *)p = input_u64(v);
        break;
    case MEMBER_U32:
        *(uint32_t *)(void *)p = (uint32_t)input_u64(v);
        break;
    case MEMBER_BOOL:
        *(bool *)(void *)p = input_bool(v);
        break;
    case MEMBER_DOUBLE:
        *(double *)(void *)p = input_num(v);
        break;
    case MEMBER_TEXT:
        if (text)
            slice_copy(slice_cstr(text), p, m->size);
        break;
    }
}

static void read_agents(struct run *r, const struct input *list)
{
    for (size_t i = 0; i < input_count(list) && r->agent_listed < RUN_AGENTS_MAX; i++) {
        const struct input *v = input_at(list, i);
        struct run_agent *a = &r->agent[r->agent_listed++];
        slice_copy(slice_cstr(input_text(input_get(v, "name"))), a->name, sizeof(a->name));
        for (size_t k = 0; k < AGENT_MEMBERS; k++)
            *(uint64_t *)(void *)((char *)a + agent_members[k].at) =
                input_u64(input_get(v, agent_members[k].name));
    }
}

static void read_samples(struct run *r, const struct input *list)
{
    for (size_t i = 0; i < input_count(list) && r->sample_count < RUN_SAMPLES_MAX; i++) {
        struct run_sample *s = &r->samples[r->sample_count++];
        for (size_t k = 0; k < SAMPLE_NUMBERS; k++)
            *(uint32_t *)(void *)((char *)s + sample_at[k]) =
                (uint32_t)input_u64(input_at(input_at(list, i), k));
    }
}

enum err run_read(struct run *r, const char *path, char *error)
{
    struct input *root;
    enum err e = input_load(&root, path, error, RUN_ERROR_MAX);

    run_init(r);
    if (e)
        return e;
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        const struct input *v = input_get(root, members[i].name);
        if (v)
            read_member(r, &members[i], v);
    }
    read_agents(r, input_get(root, "agent"));
    read_samples(r, input_get(root, "samples"));
    input_free(root);
    return OK;
}
