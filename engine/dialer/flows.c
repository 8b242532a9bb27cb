/* Flows on answered calls: what a script sees of its lead, an agent for it, and the do-not-call
 * list it may write. */
#include "dialer/internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "flow/host.h"
#include "queue/dnc.h"

#define ROW_MAX 40 /* columns of a lead that a script sees; further ones are left out */

/* ---- the start ---- */

static void on_flow_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct attempt *a = arg;

    (void)c;
    a->flow = NULL;
    if (a->record.delivery == DELIVERY_NONE)
        a->record.delivery = DELIVERY_FLOW;
    if (report->error[0])
        log_warn("dialer", "the flow ended with an error", "lead=%s error=\"%s\"", a->record.lead,
                 report->error);
    if (report->call_ended)
        attempt_call_ended(a);
}

/* id, number, name and the list's own columns, and the campaign's language for leads that say none.
 * The texts are the document's. */
static uint32_t row_of(const struct attempt *a, json_t *fields, struct flow_field row[])
{
    const char *language = a->dialer->campaign->flows.language;
    bool speaks = json_is_string(json_object_get(fields, "language"));
    uint32_t n = 0;
    const char *key;
    json_t *value;

    row[n++] = (struct flow_field){"id", a->task.id};
    row[n++] = (struct flow_field){"number", a->record.number};
    row[n++] = (struct flow_field){"name", a->task.name};
    if (language[0] && !speaks)
        row[n++] = (struct flow_field){"language", language};
    json_object_foreach(fields, key, value)
    {
        bool own = strcmp(key, "id") != 0 && strcmp(key, "number") != 0 && strcmp(key, "name") != 0;

        if (n < ROW_MAX && own && json_is_string(value))
            row[n++] = (struct flow_field){key, json_string_value(value)};
    }
    return n;
}

enum err flows_start(struct attempt *a)
{
    struct dialer *d = a->dialer;
    struct flow_field row[ROW_MAX];
    json_t *fields = a->task.fields[0] ? json_loads(a->task.fields, 0, NULL) : NULL;
    struct flow_start start = {
        .script = d->flows[a->record.result],
        .call = a->call,
        .leg = d->run->attempts_launched,
        .attempt = a->record.attempt,
        .row = row,
        .row_count = row_of(a, fields, row),
        .on_end = on_flow_end,
        .arg = a,
    };
    enum err e = flow_start(d->flow_runtime, &start, &a->flow);

    json_decref(fields);
    a->record.by_flow = e == OK;
    return e;
}

/* ---- an agent ---- */

static enum err agent_want(void *arg, struct flow *f, struct slice name)
{
    struct dialer *d = arg;
    struct attempt *a = flow_arg(f);
    uint8_t group =
        name.len ? agent_groups_find(&d->campaign->groups, name)
                 : campaign_group_of(d->campaign, slice_cstr(a->task.fields), a->record.result);

    if (d->agent_count == 0)
        return ERR_NOT_FOUND;
    if (name.len && !group)
        return ERR_INVALID;
    attempt_wants(a, group);
    list_push_back(&d->waiting, &a->waiting_node);
    attempt_pace(a, PACING_WAITING);
    attempt_offer_agent(d);
    return OK;
}

static void agent_drop(void *arg, struct flow *f)
{
    struct dialer *d = arg;
    struct attempt *a = flow_arg(f);
    struct agent *agent = a->agent;

    list_remove(&a->waiting_node);
    a->agent = NULL;
    if (a->phase == ATTEMPT_CONNECTED)
        a->phase = ATTEMPT_FLOW;
    if (agent)
        desk_callee_left(d->desk, agent);
}

static void agent_heard(void *arg, struct flow *f)
{
    (void)arg;
    attempt_bridged(flow_arg(f));
}

/* ---- the do-not-call list ---- */

struct request_dnc {
    flow_answer_fn *answered;
    void *arg;
};

static void on_listed(void *arg, enum err e, bool changed)
{
    struct request_dnc *r = arg;
    const struct flow_answer answer = {.err = e, .kind = ANSWER_NUMBER, .number = changed};

    r->answered(r->arg, &answer);
    free(r);
}

/* A list by the name that people give it (peal dnc), as the gate knows it. */
static enum err list_of(const struct dialer *d, const char *name, char out[GATE_LIST_MAX + 1])
{
    bool channel =
        strcmp(name, "phone") == 0 || strcmp(name, "text") == 0 || strcmp(name, "mail") == 0;
    int n = -1;

    if (strcmp(name, "global") == 0)
        n = snprintf(out, GATE_LIST_MAX + 1, "%s", GATE_LIST_GLOBAL);
    else if (strcmp(name, "campaign") == 0)
        n = snprintf(out, GATE_LIST_MAX + 1, "c:%.60s", d->campaign->name);
    else if (channel)
        n = snprintf(out, GATE_LIST_MAX + 1, "ch:%s", name);
    return n > 0 ? OK : ERR_INVALID;
}

static enum err do_not_call(void *arg, struct flow *f, const char *name, flow_answer_fn *answered,
                            void *answered_arg)
{
    struct dialer *d = arg;
    const struct attempt *a = flow_arg(f);
    char list[GATE_LIST_MAX + 1];

    if (list_of(d, name, list) != OK)
        return ERR_INVALID;
    struct request_dnc *r = malloc(sizeof *r);
    struct queue_dnc_entry entry = {.list = slice_cstr(list),
                                    .number = slice_cstr(a->record.number),
                                    .who = SLICE("the callee"),
                                    .why = SLICE("by key, in the call")};

    if (!r)
        return ERR_NOMEM;
    *r = (struct request_dnc){answered, answered_arg};
    enum err e = queue_dnc_add(d->queue, &entry, on_listed, r);
    if (e != OK)
        free(r);
    return e;
}

void flows_host(struct dialer *d)
{
    d->flow_host = (struct flow_host){.arg = d,
                                      .agent_want = agent_want,
                                      .agent_drop = agent_drop,
                                      .agent_heard = agent_heard,
                                      .do_not_call = do_not_call};
}
