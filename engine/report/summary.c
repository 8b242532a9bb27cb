/* One pass over the simulator's truth, one over the call records, then the books are balanced. */
#include "report/summary.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "campaign/abandonment.h"
#include "report/input.h"
#include "report/join.h"
#include "report/timeline.h"

#define DEFAULT_LIMIT_MS 2000

struct building {
    struct summary *s;
    const struct summary_inputs *in;
    struct join join;
    struct timeline timeline;
    struct key_set attempts, leads;
    enum err e;
};

__attribute__((format(printf, 2, 3))) static void unbalanced(struct summary *s, const char *fmt,
                                                             ...)
{
    va_list args;

    s->balance_ok = false;
    if (s->reason_count == SUMMARY_REASONS_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(s->reasons[s->reason_count++], sizeof(s->reasons[0]), fmt, args);
    va_end(args);
}

static uint32_t mark_of(const struct input *times, enum call_mark m)
{
    const struct input *v = input_get(times, call_mark_name(m));

    return input_is_number(v) ? (uint32_t)input_u64(v) : CALL_TIME_NONE;
}

/* As much of the record as the account of abandonment needs. */
static void read_record(const struct input *v, struct call_record *r)
{
    const struct input *times = input_get(v, "times");
    const char *by = input_text(input_get(v, "ended_by"));

    call_record_init(r);
    for (int m = 0; m < MARK_COUNT; m++)
        r->at_ms[m] = mark_of(times, (enum call_mark)m);
    if (result_parse(slice_cstr(input_text(input_get(v, "result"))), &r->result))
        r->result = RESULT_NONE;
    if (delivery_parse(slice_cstr(input_text(input_get(v, "delivery"))), &r->delivery))
        r->delivery = DELIVERY_NONE;
    if (by && strcmp(by, call_ender_name(ENDED_BY_US)) == 0)
        r->ended_by = ENDED_BY_US;
    r->abandoned_strict = input_bool(input_get(v, "abandoned"));
    r->invite_wall_ms = input_u64(input_get(v, "invite_ms"));
    r->by_flow = input_bool(input_get(v, "by_flow"));
    slice_copy(slice_cstr(input_text(input_get(v, "group"))), r->group, sizeof(r->group));
    r->answer_to_agent_ms = CALL_TIME_NONE;
    if (input_is_number(input_get(v, "answer_to_agent_ms")))
        r->answer_to_agent_ms = (uint32_t)input_u64(input_get(v, "answer_to_agent_ms"));
}

static void add_delay(struct hist *h, uint32_t *bins, uint64_t ms)
{
    uint64_t bin = ms / SUMMARY_BIN_MS;

    hist_add(h, ms);
    if (bins)
        bins[bin < SUMMARY_BINS ? bin : SUMMARY_BINS - 1]++;
}

static void add_between(struct hist *h, uint32_t *bins, uint32_t from, uint32_t to)
{
    if (from != CALL_TIME_NONE && to != CALL_TIME_NONE && to >= from)
        add_delay(h, bins, to - from);
}

static void add_delays(struct summary *s, const struct call_record *r)
{
    const uint32_t *at = r->at_ms;

    /* An agent whom the callee asked a flow for is nobody they waited for since the answer. */
    if (r->answer_to_agent_ms != CALL_TIME_NONE && !r->by_flow)
        add_delay(&s->answer_to_agent_ms, s->answer_to_agent_bins, r->answer_to_agent_ms);
    if (!r->by_flow)
        add_between(&s->greeting_to_agent_ms, s->greeting_to_agent_bins, at[MARK_GREETING_END],
                    at[MARK_AGENT_HEARD]);
    add_between(&s->answer_to_verdict_ms, s->answer_to_verdict_bins, at[MARK_ANSWERED],
                at[MARK_VERDICT]);
    add_between(&s->ring_ms, NULL, at[MARK_RINGING],
                at[MARK_ANSWERED] != CALL_TIME_NONE ? at[MARK_ANSWERED] : at[MARK_END]);
    add_between(&s->talk_ms, NULL, at[MARK_AGENT_HEARD], at[MARK_END]);
    add_between(&s->setup_ms, NULL, 0, at[MARK_RINGING]);
}

static struct summary_group *group_of(struct summary *s, const char *name)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        if (strcmp(s->groups[i].name, name) == 0)
            return &s->groups[i];
    if (s->group_count == SUMMARY_GROUPS_MAX)
        return NULL;
    struct summary_group *g = &s->groups[s->group_count++];
    *g = (struct summary_group){0};
    slice_copy(slice_cstr(name), g->name, sizeof(g->name));
    return g;
}

static void add_abandonment(struct summary *s, const struct call_record *r)
{
    struct summary_group *g = r->group[0] ? group_of(s, r->group) : NULL;
    uint64_t live = s->live, abandoned = s->abandoned;

    uint32_t limit =
        s->has_run && s->run.abandonment_limit_ms ? s->run.abandonment_limit_ms : DEFAULT_LIMIT_MS;

    switch (abandonment_judge(r, limit)) {
    case ABANDONMENT_ABANDONED:
        s->abandoned++;
        s->live++;
        break;
    case ABANDONMENT_SERVED:
        s->live++;
        break;
    case ABANDONMENT_LEFT:
        s->callee_left++;
        break;
    case ABANDONMENT_NOT_LIVE:
        break;
    }
    if (g) {
        g->live += s->live - live;
        g->abandoned += s->abandoned - abandoned;
        g->connected += r->delivery == DELIVERY_CONNECTED;
    }
}

static uint64_t wall_of(const struct call_record *r, enum call_mark m)
{
    return r->at_ms[m] == CALL_TIME_NONE ? 0 : r->invite_wall_ms + r->at_ms[m];
}

static void add_to_timeline(struct building *b, const struct call_record *r)
{
    const struct timeline_call c = {r->invite_wall_ms, wall_of(r, MARK_ANSWERED),
                                    wall_of(r, MARK_AGENT_HEARD), wall_of(r, MARK_END)};

    if (!b->e)
        b->e = timeline_add(&b->timeline, &c);
}

/* What the simulator played for this call, counted into the confusion matrix. */
static const char *add_truth(struct building *b, const struct input *v, enum result result)
{
    struct summary *s = b->s;
    struct join_entry *e = join_find(&b->join, input_text(input_get(v, "call_id")));
    enum result expected;

    if (!e) {
        s->without_truth += s->has_truth;
        return "";
    }
    e->recorded = true;
    if (e->truth >= SUMMARY_TRUTHS_MAX)
        return "";
    struct summary_truth *t = &s->truths[e->truth];
    t->by_result[result]++;
    if (result_parse(slice_cstr(t->name), &expected) == OK) {
        s->verdict_total++;
        s->verdict_right += expected == result;
    }
    return t->name;
}

static void read_call(void *arg, const struct input *v, struct slice line)
{
    struct building *b = arg;
    struct summary *s = b->s;
    struct slice campaign = slice_cstr(input_text(input_get(v, "campaign")));
    struct slice lead = slice_cstr(input_text(input_get(v, "lead")));
    uint32_t attempt = (uint32_t)input_u64(input_get(v, "attempt"));
    struct call_record r;

    (void)line;
    if (b->e)
        return;
    if (!input_text(input_get(v, "result"))) {
        s->bad_lines++;
        return;
    }
    enum err e = key_set_add(&b->attempts, key_of(campaign, lead, attempt));
    if (e == ERR_EXISTS) {
        s->duplicates++;
        return;
    }
    if (!e)
        e = key_set_add(&b->leads, key_of(campaign, lead, UINT32_MAX));
    if (e == ERR_NOMEM)
        b->e = e;
    if (!s->campaign[0])
        slice_copy(campaign, s->campaign, sizeof(s->campaign));
    read_record(v, &r);
    s->results[r.result]++;
    if (attempt == 0 || r.invite_wall_ms == 0) { /* numbers that cannot be dialled, and the like */
        s->not_dialled++;
        return;
    }
    s->attempts++;
    s->deliveries[r.delivery]++;
    add_delays(s, &r);
    add_abandonment(s, &r);
    add_to_timeline(b, &r);
    calibration_add(&s->calibration, input_num(input_get(v, "score")), &r);
    const struct input *media = input_get(v, "media");
    s->rtp_received += input_u64(input_get(media, "received"));
    s->rtp_lost += input_u64(input_get(media, "lost"));
    trunks_add(&s->trunks, v);
    const char *truth = add_truth(b, v, r.result);
    if (b->in->each)
        b->in->each(b->in->arg, v, truth);
}

static void count_unrecorded(struct building *b)
{
    for (uint64_t i = 0; i < b->join.capacity; i++) {
        const struct join_entry *e = &b->join.entries[i];
        if ((!e->key.a && !e->key.b) || e->recorded)
            continue;
        b->s->unrecorded++;
        if (e->truth < SUMMARY_TRUTHS_MAX)
            b->s->truths[e->truth].unrecorded++;
    }
}

typedef unsigned long long ull;

static void balance_run(struct summary *s)
{
    const struct run *r = &s->run;

    if (r->leads != r->finished + r->pending)
        unbalanced(s, "leads %llu are not finished %llu + pending %llu", (ull)r->leads,
                   (ull)r->finished, (ull)r->pending);
    if (r->attempts_redis != s->attempts)
        unbalanced(s, "attempts in Redis %llu, but %llu in the call records",
                   (ull)r->attempts_redis, (ull)s->attempts);
    if (r->records_failed)
        unbalanced(s, "%llu call records could not be written", (ull)r->records_failed);
    if (s->has_truth && r->attempts_redis != s->simulator_calls)
        unbalanced(s, "attempts in Redis %llu, but the simulator saw %llu calls",
                   (ull)r->attempts_redis, (ull)s->simulator_calls);
}

static void balance(struct summary *s)
{
    s->balance_ok = true;
    if (!s->has_run && !s->has_truth)
        unbalanced(s, "nothing to balance against: neither run.json nor the simulator's truth was "
                      "given");
    if (s->has_run)
        balance_run(s);
    if (s->without_truth)
        unbalanced(s, "%llu attempts never reached the simulator", (ull)s->without_truth);
    if (s->unrecorded)
        unbalanced(s, "%llu calls the simulator saw have no call record", (ull)s->unrecorded);
    if (s->duplicates)
        unbalanced(s, "%llu attempts are recorded twice", (ull)s->duplicates);
    if (s->bad_lines)
        unbalanced(s, "%llu lines of the records or of the truth cannot be read",
                   (ull)s->bad_lines);
}

/* The simulator's summary: "lateness_p99_ms", or "lateness_ms"/"lateness_us" with a "p99". */
static void read_simulator(struct summary *s, const char *path)
{
    struct input *v;
    char ignored[SUMMARY_ERROR_MAX];

    s->lateness_p99_ms = -1;
    if (!path || input_load(&v, path, ignored, sizeof(ignored)))
        return;
    const struct input *plain = input_get(v, "lateness_p99_ms");
    const struct input *ms = input_get(input_get(v, "lateness_ms"), "p99");
    const struct input *us = input_get(input_get(v, "lateness_us"), "p99");
    const struct input *plain_us = input_get(v, "lateness_p99_us");
    if (input_is_number(plain) || input_is_number(ms))
        s->lateness_p99_ms = input_num(input_is_number(plain) ? plain : ms);
    else if (input_is_number(us) || input_is_number(plain_us))
        s->lateness_p99_ms = input_num(input_is_number(us) ? us : plain_us) / 1000.0;
    const struct input *valid = input_get(v, "valid");
    s->simulator_invalid =
        input_bool(input_get(v, "invalid")) || (input_is_bool(valid) && !input_bool(valid));
    const char *why = input_text(input_get(v, "invalid_why"));
    if (s->simulator_invalid && why)
        snprintf(s->simulator_why, sizeof(s->simulator_why), "%.190s", why);
    s->has_simulator = true;
    input_free(v);
}

static void settle(struct building *b)
{
    struct summary *s = b->s;

    s->leads = s->has_run ? s->run.leads : b->leads.count;
    s->finished = s->run.finished;
    s->pending = s->run.pending;
    if (s->has_run) {
        slice_copy(slice_cstr(s->run.campaign), s->campaign, sizeof(s->campaign));
        if (s->run.peak_concurrent)
            s->peak_concurrent = s->run.peak_concurrent;
        if (s->run.rtp_received) {
            s->rtp_received = s->run.rtp_received;
            s->rtp_lost = s->run.rtp_lost;
        }
    }
    s->abandonment_percent = s->live ? 100.0 * (double)s->abandoned / (double)s->live : 0.0;
    balance(s);
}

static enum err read_inputs(struct building *b, char *error)
{
    const struct summary_inputs *in = b->in;
    struct summary *s = b->s;
    struct input_lines counts;
    enum err e = OK;

    if (in->run) {
        e = run_read(&s->run, in->run, error);
        s->has_run = e == OK;
    }
    if (!e && in->truth) {
        s->has_truth = true;
        e = join_read(&b->join, s, in->truth, error);
    }
    read_simulator(s, in->simulator);
    if (e)
        return e;
    e = input_each_line(in->calls, SUMMARY_LINE_MAX, read_call, b, &counts);
    s->torn_lines += counts.torn;
    s->bad_lines += counts.bad;
    if (!e)
        e = b->e;
    if (!e)
        e = timeline_sum(&b->timeline, s);
    if (e)
        snprintf(error, SUMMARY_ERROR_MAX, "%.300s: the call records cannot be read: %s", in->calls,
                 err_name(e));
    return e;
}

enum err summary_build(struct summary *s, const struct summary_inputs *in, char *error)
{
    struct building b = {.s = s, .in = in};

    memset(s, 0, sizeof(*s));
    error[0] = '\0';
    enum err e = key_set_init(&b.attempts);
    if (!e)
        e = key_set_init(&b.leads);
    if (e)
        snprintf(error, SUMMARY_ERROR_MAX, "no memory for the report");
    else
        e = read_inputs(&b, error);
    if (!e) {
        count_unrecorded(&b);
        settle(&b);
    }
    join_fini(&b.join);
    timeline_fini(&b.timeline);
    key_set_fini(&b.attempts);
    key_set_fini(&b.leads);
    return e;
}
