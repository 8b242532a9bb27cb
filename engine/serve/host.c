/* What flows get from the service (flow/host.h): legs to the trunk with a record each, agents,
 * hours.
 *
 * A leg has the lead of its visit and the next attempt number: one call's records stand together,
 * attempt 1 is the call that came in. It may outlive its visit and the file it began under. */
#include "serve/internal.h"

#include <stdio.h>

#include "base/log.h"
#include "campaign/zone.h"
#include "flow/host.h"
#include "media/sound.h"

struct leg {
    struct serve *serve;
    struct book *book;
    struct call_record record;
};

/* ---- legs ---- */

static void *leg_begins(void *arg, struct flow *f, const char *to, const char *shown)
{
    struct serve *s = arg;
    struct visit *v = flow_arg(f);
    struct leg *leg = pool_get(&s->legs);
    struct call_record *r = leg ? &leg->record : NULL;

    if (!leg)
        return NULL;
    leg->serve = s;
    leg->book = v->book;
    leg->book->calls++;
    call_record_init(r);
    memcpy(r->campaign, v->record.campaign, sizeof r->campaign);
    memcpy(r->lead, v->record.lead, sizeof r->lead);
    r->attempt = 1 + ++v->legs;
    snprintf(r->number, sizeof r->number, "%.39s", to);
    snprintf(r->caller_id, sizeof r->caller_id, "%.39s", shown);
    return leg;
}

static void leg_over(void *arg, void *token, struct call *call)
{
    struct serve *s = arg;
    struct leg *leg = token;
    struct book *b = leg->book;

    if (call) {
        bool answered = call_mark_at(call, MARK_ANSWERED) != CALL_TIME_NONE;

        /* Nobody judged what answered: it was put through. */
        leg->record.result = answered ? RESULT_UNKNOWN : result_decide(call_record_of(call));
        leg->record.delivery = answered ? DELIVERY_TRANSFERRED : DELIVERY_NONE;
        visit_put_record(s, call, &leg->record);
    }
    pool_put(&s->legs, leg);
    b->calls--;
    s->look_at_books = true;
}

/* ---- agents ---- */

static void connect_agent(struct visit *v, struct agent *agent)
{
    enum err e = desk_connect(v->serve->desk, agent, v->call);

    list_remove(&v->waiting_node);
    if (e != OK) {
        log_warn("serve", "an agent could not be connected", "agent=%s error=%s", agent_name(agent),
                 err_name(e));
        flow_agent_left(v->flow);
        return;
    }
    v->agent = agent;
    v->record.delivery = DELIVERY_CONNECTED;
    snprintf(v->record.agent, sizeof v->record.agent, "%.31s", agent_name(agent));
    flow_agent_joined(v->flow, agent_name(agent));
}

/* Who waits the longest for a group in which somebody is free; NULL: nobody. */
static struct visit *to_be_served(struct serve *s, struct agent **agent)
{
    list_each(n, next, &s->waiting)
    {
        struct visit *v = container_of(n, struct visit, waiting_node);

        if ((*agent = desk_longest_ready(s->desk, v->group)))
            return v;
    }
    return NULL;
}

static void offer_agents(struct serve *s)
{
    struct visit *v;
    struct agent *agent;

    while ((v = to_be_served(s, &agent)))
        connect_agent(v, agent);
}

/* The groups are those the service was started with, like the agents. */
static enum err agent_want(void *arg, struct flow *f, struct slice group)
{
    struct serve *s = arg;
    struct visit *v = flow_arg(f);

    if (!s->desk || desk_counts(s->desk).total == 0)
        return ERR_NOT_FOUND;
    v->group = agent_groups_find(&s->groups, group);
    if (group.len && !v->group)
        return ERR_INVALID;
    snprintf(v->record.group, sizeof v->record.group, "%s", agent_group_name(&s->groups, v->group));
    list_push_back(&s->waiting, &v->waiting_node);
    offer_agents(s);
    return OK;
}

static void agent_drop(void *arg, struct flow *f)
{
    struct serve *s = arg;
    struct visit *v = flow_arg(f);
    struct agent *agent = v->agent;

    list_remove(&v->waiting_node);
    v->agent = NULL;
    if (agent)
        desk_callee_left(s->desk, agent);
}

static void on_agent_state(void *arg, struct agent *a, enum agent_state was)
{
    struct serve *s = arg;

    (void)was;
    supervise_agent(&s->supervision, a);
    if (agent_state(a) == AGENT_READY)
        offer_agents(s);
}

static void on_talk_ended(void *arg, struct agent *a, struct call *callee, bool by_agent)
{
    struct serve *s = arg;

    (void)callee;
    if (!by_agent)
        return; /* agent_drop told the desk */
    list_each(n, next, &s->live)
    {
        struct visit *v = container_of(n, struct visit, node);

        if (v->agent != a)
            continue;
        v->agent = NULL;
        flow_agent_left(v->flow);
        return;
    }
}

static void on_talk_key(void *arg, struct agent *a, struct call *callee, char digit)
{
    const struct serve *s = arg;

    (void)callee;
    if (digit == s->book->numbers->hold.key)
        desk_park(a, !desk_is_parked(a), s->hold_music);
}

enum err host_open_desk(struct serve *s, const struct numbers *n, char *error)
{
    static const struct desk_handler handler = {
        .state = on_agent_state, .talk_ended = on_talk_ended, .talk_key = on_talk_key};
    char why[SOUND_ERROR_MAX];

    if (n->hold.music[0] &&
        sound_load(call_env_sounds(s->env), n->hold.music, &s->hold_music, why) != OK) {
        snprintf(error, SERVE_ERROR_MAX, "hold: music: %s", why);
        return ERR_INVALID;
    }
    enum err e = desk_open(&s->desk, s->env, &handler, s);

    s->groups = n->groups;
    for (uint32_t i = 0; i < n->agent_count && e == OK; i++) {
        struct desk_agent_config agent = {
            .name = n->agent[i].name,
            .uri = n->agent[i].uri,
            .from_user = "peal",
            .wrap_up_ms = n->agent[i].wrap_up_ms,
            .codecs = n->agent[i].codecs,
            .groups = n->agent[i].groups,
        };

        e = desk_add(s->desk, &agent, NULL);
    }
    supervise_init(&s->supervision, s->loop, s->desk, n->supervision_pin);
    if (e != OK)
        snprintf(error, SERVE_ERROR_MAX, "the agents' legs cannot be set up: %s", err_name(e));
    return e;
}

/* ---- hours ---- */

static enum err is_open(void *arg, struct flow *f, const char *name, bool *open)
{
    struct serve *s = arg;
    const struct visit *v = flow_arg(f);
    const struct numbers *n = v->book->numbers;

    for (uint32_t i = 0; i < n->hours_count; i++)
        if (strcmp(n->hours[i].name, name) == 0) {
            *open = windows_open_at(&n->hours[i].windows, n->zone, clock_wall_ms(s->loop->clock));
            return OK;
        }
    return ERR_NOT_FOUND;
}

void host_init(struct serve *s, const struct numbers *n, struct flow_host *host)
{
    *host = (struct flow_host){
        .arg = s,
        .trunk = n->trunk.address,
        .trunk_tcp = n->trunk.tcp,
        .trunk_tls = n->trunk.tls,
        .trunk_srtp = (enum call_srtp)n->trunk.srtp,
        .trunk_codecs = n->trunk.codecs,
        .trunk_user = n->trunk.user[0] ? n->trunk.user : NULL,
        .trunk_password = n->trunk.user[0] ? n->trunk.password : NULL,
        .leg_begins = leg_begins,
        .leg_over = leg_over,
        .agent_want = agent_want,
        .agent_drop = agent_drop,
        .is_open = is_open,
    };
}

enum err host_open_legs(struct serve *s, const struct numbers *n)
{
    return pool_init(&s->legs, sizeof(struct leg), n->calls);
}
