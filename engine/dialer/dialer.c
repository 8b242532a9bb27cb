/* The dialer's life: opening its parts, the tick that launches calls, and its end. */
#include "dialer/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "dialer/import.h"
#include "dialer/reconcile.h"
#include "dsp/prints.h"
#include "flow/flow.h"
#include "io/limits.h"
#include "media/media.h"

#define TICK_MS 50
/* On a virtual clock: fewer looks, so that more questions to Redis leave together. */
#define TICK_VIRTUAL_MS    200
#define QUIET_MS           60000 /* at most between two looks (is_quiet) */
#define RENEW_EVERY_MS     (DIALER_LEASE_MS / 3)
#define FILES_PER_CALL     3 /* RTP, RTCP, recording */
#define FILES_BESIDE_CALLS 256
#define HOPELESS_MAX       64
#define AGENT_FROM_USER    "peal"
#define RECORDS_WAIT_MS    30000 /* of real time, on a virtual clock */
/* Legs and registrations that do not clear by then (a far side that is away) are left to clear by
 * themselves. */
#define LEAVE_MS 5000

static void on_tick(struct timer *t);

/* ---- agents ---- */

static enum agent_pace pace_of(enum agent_state s)
{
    switch (s) {
    case AGENT_READY:
        return AGENT_PACE_FREE;
    case AGENT_TALKING:
        return AGENT_PACE_TALKING;
    case AGENT_WRAP_UP:
        return AGENT_PACE_WRAPPING;
    case AGENT_OFFLINE:
    case AGENT_CALLING:
    case AGENT_STATE_COUNT:
        break;
    }
    return AGENT_PACE_OUT;
}

static uint32_t agent_number(const struct dialer *d, const struct agent *a)
{
    uint32_t i = 0;

    while (i < d->agent_count && d->agents[i].agent != a)
        i++;
    return i;
}

void dialer_pace(struct dialer *d, uint32_t agent, enum agent_pace pace)
{
    watch_agent(d, agent, pace);
    pacing_agent(d->pacing, agent, pace, loop_now_ms(d->loop));
}

static void on_agent_state(void *arg, struct agent *a, enum agent_state was)
{
    struct dialer *d = arg;
    uint32_t number = agent_number(d, a);

    if (number == d->agent_count)
        return;
    /* An agent who ended the talk by hanging up is called again: on the way back, not gone. Taken
     * for a break, the pacing would learn that most agents leave after a call, and dial for few. */
    if (was == AGENT_WRAP_UP && agent_state(a) == AGENT_CALLING)
        return;
    dialer_pace(d, number, pace_of(agent_state(a)));
    if (agent_state(a) != AGENT_READY && agent_state(a) != AGENT_TALKING)
        preview_agent_left(&d->agents[number]);
    if (agent_state(a) == AGENT_READY)
        attempt_offer_agent(d);
    if (agent_state(a) == AGENT_READY && d->config.model && timer_running(&d->tick) &&
        d->tick.due_ms > loop_now_ms(d->loop) + TICK_MS)
        loop_timer(d->loop, &d->tick, TICK_MS, on_tick);
}

static void on_talk_ended(void *arg, struct agent *a, struct call *callee, bool by_agent)
{
    (void)arg;
    (void)a;
    if (by_agent)
        attempt_agent_left(call_arg(callee));
}

static void on_agent_key(void *arg, struct agent *a, char digit)
{
    struct dialer *d = arg;
    uint32_t number = agent_number(d, a);

    if (number < d->agent_count)
        preview_key(&d->agents[number], digit);
}

static uint32_t on_wrap_up(void *arg, const struct agent *a)
{
    const struct dialer *d = arg;
    const struct dialer_model *m = d->config.model;

    return m ? m->wrap_up_ms(m->arg, agent_number(d, a)) : agent_wrap_up_ms(a);
}

static void on_talk_key(void *arg, struct agent *a, struct call *callee, char digit)
{
    (void)arg;
    (void)a;
    attempt_agent_chose(call_arg(callee), digit);
}

static enum err open_desk(struct dialer *d)
{
    static const struct desk_handler handler = {on_agent_state, on_talk_ended, on_agent_key,
                                                on_wrap_up, on_talk_key};
    const struct campaign *c = d->campaign;
    enum err e = desk_open(&d->desk, d->env, &handler, d);

    if (e != OK)
        return e;
    d->agents = calloc(c->agent_count ? c->agent_count : 1, sizeof(*d->agents));
    if (!d->agents)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < c->agent_count && e == OK; i++) {
        struct desk_agent_config agent = {
            .name = c->agents[i].name,
            .uri = c->agents[i].uri,
            .from_user = AGENT_FROM_USER,
            .wrap_up_ms = c->agents[i].wrap_up_ms,
        };

        e = desk_add(d->desk, &agent, &d->agents[i].agent);
        d->agents[i].dialer = d;
        timer_init(&d->agents[i].preview);
        d->agents[i].since_ms = loop_now_ms(d->loop);
        d->agent_count = i + 1;
        if (i < RUN_AGENTS_MAX) {
            snprintf(d->run->agent[i].name, sizeof(d->run->agent[i].name), "%s", agent.name);
            d->run->agent_listed = i + 1;
        }
    }
    d->run->agents = c->agent_count;
    return e;
}

/* ---- opening ---- */

static enum err make_folder(const char *path, char *error)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return OK;
    snprintf(error, DIALER_ERROR_MAX, "the folder %s cannot be made: %s", path, strerror(errno));
    return ERR_IO;
}

static enum err open_folders(struct dialer *d, char *error)
{
    enum err e = make_folder(d->config.data_dir, error);

    if (d->campaign->recording.dir[0])
        snprintf(d->config.recording_dir, sizeof(d->config.recording_dir), "%s",
                 d->campaign->recording.dir);
    else
        snprintf(d->config.recording_dir, sizeof(d->config.recording_dir), "%.400s/recordings",
                 d->config.data_dir);
    /* An unwritable recordings folder costs the recordings, not the campaign. */
    if (e == OK && d->campaign->recording.mode != RECORDING_OFF &&
        mkdir(d->config.recording_dir, 0755) != 0 && errno != EEXIST)
        log_warn("dialer", "the recordings folder cannot be made; calls go on without",
                 "path=%s errno=%d", d->config.recording_dir, errno);
    return e;
}

/* The engine's name in Redis: the same after a restart, so that it finds its own leases. */
static enum err name_engine(struct dialer *d, char *error)
{
    char path[CAMPAIGN_PATH_MAX + 16];
    uint64_t random;
    FILE *f;

    if (d->config.model) {
        snprintf(d->engine, sizeof(d->engine), "%s", d->config.model->engine);
        return OK;
    }
    snprintf(path, sizeof(path), "%s/engine-id", d->config.data_dir);
    f = fopen(path, "r");
    if (f) {
        bool found = fscanf(f, "%63s", d->engine) == 1;

        fclose(f);
        if (found)
            return OK;
    }
    rng_system(&random, sizeof(random));
    snprintf(d->engine, sizeof(d->engine), "engine-%016llx", (unsigned long long)random);
    f = fopen(path, "w");
    if (!f || fprintf(f, "%s\n", d->engine) < 0 || fclose(f) != 0) {
        snprintf(error, DIALER_ERROR_MAX, "%s cannot be written: %s", path, strerror(errno));
        return ERR_IO;
    }
    return OK;
}

static void raise_limits(const struct campaign *c)
{
    uint64_t wanted = (uint64_t)c->max_calls * FILES_PER_CALL + FILES_BESIDE_CALLS, got = 0;

    if (limits_raise_files(wanted, &got) != OK)
        log_warn("dialer", "the system allows fewer open files than max_calls may need",
                 "wanted=%llu allowed=%llu", (unsigned long long)wanted, (unsigned long long)got);
}

/* A trunk on TCP needs our own side of it: its Contact is for TCP, and so are ACK and BYE. */
static bool needs_tcp(const struct campaign *c)
{
    bool tcp = c->sip.tcp;

    for (uint32_t i = 0; i < c->trunk_count; i++)
        tcp = tcp || c->trunks[i].tcp;
    return tcp;
}

static enum err open_calls(struct dialer *d, char *error)
{
    const struct campaign *c = d->campaign;
    struct call_env_config env = {
        .loop = d->loop,
        .sip_local = c->sip.address,
        .tcp = needs_tcp(c),
        .media_local = c->media.address,
        .media_port_min = c->media.port_min,
        .media_port_max = c->media.port_max,
        .media_workers = c->media.workers,
        .max_calls = c->max_calls,
        .tone_plan = c->tone_plan,
        .line = d->config.model ? d->config.model->line : NULL,
    };
    char text[ADDR_TEXT_MAX];
    enum err e = OK;

    const struct dsp_plan *plan;

    if (dsp_plan_is_file(c->tone_plan))
        e = dsp_plan_open(c->tone_plan, &plan, error);
    if (e == OK && c->prints[0])
        e = prints_load(&d->prints, c->prints, error);
    if (e != OK)
        return e;
    env.prints = d->prints;
    e = call_env_open(&d->env, &env);

    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX,
                 "calls cannot be made from %s (%s): is another program using that address, and "
                 "are the media ports free?",
                 addr_format(&c->sip.address, text, sizeof(text)), err_name(e));
    return e;
}

static enum err load_sound(struct dialer *d, const char *path, const struct sound **out,
                           char *error)
{
    char why[SOUND_ERROR_MAX];

    *out = NULL;
    if (!path[0])
        return OK;
    enum err e = sound_load(call_env_sounds(d->env), path, out, why);
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "%s", why);
    return e;
}

static enum err load_sounds(struct dialer *d, char *error)
{
    enum err e = load_sound(d, d->campaign->abandonment.message, &d->safe_harbour, error);

    for (int i = 0; i < RESULT_COUNT && e == OK; i++)
        if (d->campaign->on[i].kind == TREAT_MESSAGE)
            e = load_sound(d, d->campaign->on[i].file, &d->messages[i], error);
    return e;
}

static enum err load_flows(struct dialer *d, char *error)
{
    struct flow_config config = {
        .loop = d->loop,
        .audio_root = d->campaign->folder, /* sounds of flows lie beside the campaign file */
        .record_dir = d->config.recording_dir,
        .max_flows = d->campaign->max_calls,
    };
    enum err e = OK;

    config.sounds = call_env_sounds(d->env);
    for (int i = 0; i < RESULT_COUNT && e == OK; i++) {
        char why[FLOW_TEXT_MAX] = "";

        if (d->campaign->on[i].kind != TREAT_FLOW)
            continue;
        if (!d->flow_runtime)
            e = flow_runtime_open(&d->flow_runtime, &config);
        if (e == OK)
            e = flow_script_load(d->flow_runtime, d->campaign->on[i].file, &d->flows[i], why);
        if (e != OK)
            snprintf(error, DIALER_ERROR_MAX, "%s", why);
    }
    return e;
}

static void unload_sounds(struct dialer *d)
{
    if (d->safe_harbour)
        sound_unref(d->safe_harbour);
    for (int i = 0; i < RESULT_COUNT; i++)
        if (d->messages[i])
            sound_unref(d->messages[i]);
}

static enum err open_records(struct dialer *d, char *error)
{
    char jsonl[CAMPAIGN_PATH_MAX + 16], sqlite[CAMPAIGN_PATH_MAX + 16], why[RECORDS_ERROR_MAX];
    struct records_config config = {.jsonl_path = jsonl,
                                    .sqlite_path = sqlite,
                                    .campaign = d->campaign->name,
                                    .zone = zone_name(d->campaign->zone)};

    snprintf(jsonl, sizeof(jsonl), "%s/calls.jsonl", d->config.data_dir);
    snprintf(sqlite, sizeof(sqlite), "%s/calls.sqlite", d->config.data_dir);
    if (d->config.model) {
        config.sqlite_path = NULL;
        config.unsynced = true;
    }
    enum err e = records_open(&d->records, &config, why);
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "%s", why);
    return e;
}

static enum err open_pacing(struct dialer *d)
{
    const struct campaign *c = d->campaign;

    struct pacing_config config = {
        .policy = d->policy,
        .max_calls = c->max_calls,
        .max_agents = c->agent_count ? c->agent_count : 1,
        .limit_ms = c->abandonment.limit_ms,
        .cap_percent = c->abandonment.cap_percent,
    };

    return pacing_open(&d->pacing, &config);
}

static void init_values(struct dialer *d)
{
    const struct campaign *c = d->campaign;

    dsp_amd_defaults(&d->amd);
    d->amd.initial_silence_ms = (uint16_t)c->analysis.initial_silence_ms;
    d->amd.greeting_ms = (uint16_t)c->analysis.greeting_ms;
    d->amd.after_greeting_ms = (uint16_t)c->analysis.after_greeting_ms;
    d->amd.total_ms = (uint16_t)c->analysis.total_ms;
    d->amd.limit_ms = (uint16_t)c->abandonment.limit_ms;
    d->policy = c->pacing;
    abandonment_init(&d->abandonment, c->zone, c->abandonment.limit_ms);
    ledger_init(d);
    list_init(&d->live);
    list_init(&d->waiting);
    list_init(&d->stock);
    list_init(&d->offers);
    list_init(&d->settling);
    timer_init(&d->tick);
    timer_init(&d->sample);
    timer_init(&d->renew);
    hist_reset(&d->answer_to_agent_ms);
    run_init(d->run);
    snprintf(d->run->campaign, sizeof(d->run->campaign), "%s", c->name);
    snprintf(d->look.campaign, sizeof(d->look.campaign), "%s", c->name);
    d->run->started_wall_ms = clock_wall_ms(d->loop->clock);
    d->run->abandonment_cap_percent = c->abandonment.cap_percent;
    d->run->abandonment_limit_ms = c->abandonment.limit_ms;
    d->started_us = clock_us(d->loop->clock);
}

static enum err open_parts(struct dialer *d, char *error)
{
    enum err e = open_folders(d, error);

    if (e == OK)
        e = name_engine(d, error);
    if (e == OK)
        e = open_records(d, error);
    if (e == OK)
        e = feed_connect(d, error);
    if (e == OK)
        e = open_calls(d, error);
    if (e == OK)
        e = load_sounds(d, error);
    if (e == OK)
        e = load_flows(d, error);
    if (e == OK)
        e = pool_init(&d->attempts, sizeof(struct attempt), d->campaign->max_calls);
    if (e == OK)
        e = reconcile_init(d);
    if (e == OK)
        e = open_pacing(d);
    if (e == OK)
        e = zone_cache_open(&d->zones);
    if (e == OK)
        e = trunks_open(d);
    if (e == OK)
        e = open_desk(d);
    if (e == OK)
        e = live_open(&d->view, 2, d->config.quiet);
    return e;
}

enum err dialer_open(struct dialer **out, const struct dialer_config *config, char *error)
{
    struct dialer *d = calloc(1, sizeof(*d));

    error[0] = '\0';
    if (!d || !(d->run = malloc(sizeof(*d->run)))) {
        free(d);
        snprintf(error, DIALER_ERROR_MAX, "out of memory");
        return ERR_NOMEM;
    }
    d->config = *config;
    d->campaign = config->campaign;
    d->loop = config->loop;
    init_values(d);
    raise_limits(d->campaign);
    enum err e = open_parts(d, error);
    if (e != OK) {
        if (!error[0])
            snprintf(error, DIALER_ERROR_MAX, "the dialer cannot start: %s", err_name(e));
        dialer_close(d);
        return e;
    }
    *out = d;
    return OK;
}

void dialer_close(struct dialer *d)
{
    if (!d)
        return;
    loop_timer_stop(d->loop, &d->tick);
    loop_timer_stop(d->loop, &d->sample);
    loop_timer_stop(d->loop, &d->renew);
    live_close(d->view);
    if (d->env) {
        if (d->flow_runtime)
            flow_runtime_close(d->flow_runtime);
        unload_sounds(d);
        list_each(n, next, &d->live)
            loop_timer_stop(d->loop, &container_of(n, struct attempt, node)->timer);
        for (uint32_t i = 0; i < d->agent_count; i++)
            loop_timer_stop(d->loop, &d->agents[i].preview);
        desk_close(d->desk);
        call_env_close(d->env);
    }
    prints_close(d->prints);
    feed_disconnect(d);
    if (d->records)
        records_close(d->records, NULL);
    pacing_close(d->pacing);
    zone_cache_close(d->zones);
    pool_fini(&d->attempts);
    reconcile_fini(d);
    for (uint32_t i = 0; i < d->reloads; i++)
        campaign_free(d->superseded[i]);
    free(d->ledger.replay);
    free(d->agents);
    free(d->run);
    free(d);
}

/* ---- running ---- */

static uint32_t attempts_room(const struct dialer *d)
{
    return d->attempts.capacity - d->attempts.used + d->stock_count;
}

static void launch(struct dialer *d)
{
    uint32_t room = trunks_room(d), free_attempts = attempts_room(d);
    struct pacing_limits limits = {
        .tasks_ready =
            (d->counts_known ? (uint32_t)d->counts.due : 0) + d->stock_count + d->offers_accepted,
        .trunk_room = room < free_attempts ? room : free_attempts,
        .record_room = records_room(d->records),
        .stopping = d->stage != DIALER_RUNNING || d->queue_away || control_holds(d),
    };
    struct pacing_advice advice;
    struct attempt *a;
    float scores[PACING_PICKS_MAX];
    uint32_t choice = scores_choice(d);

    if (choice && d->stock_count) {
        limits.scores = scores;
        limits.score_count = scores_list(d, scores, PACING_PICKS_MAX);
    }
    pacing_ask(d->pacing, d->offers_accepted);
    pacing_launch(d->pacing, loop_now_ms(d->loop), &limits, &advice);
    watch_advice(d, &advice);
    if (limits.stopping)
        return;
    if (d->policy.mode == PACING_PREVIEW) {
        preview_dial(d, advice.launch);
        preview_offer(d);
        return;
    }
    if (advice.launch + choice > d->stock_count)
        feed_claim(d, advice.launch + choice - d->stock_count);
    while (advice.launch-- > 0 && (a = feed_next(d)))
        feed_dial(a);
}

/* Rings that no agent is expected for are given up, where the campaign allows it. */
static void give_up_hopeless(struct dialer *d)
{
    uint32_t calls[HOPELESS_MAX];
    uint32_t n = pacing_hopeless(d->pacing, loop_now_ms(d->loop), calls, HOPELESS_MAX);

    for (uint32_t i = 0; i < n; i++) {
        struct attempt *a = pool_at(&d->attempts, calls[i]);

        if (a->phase == ATTEMPT_RINGING)
            attempt_hang_up(a);
    }
}

static bool everything_done(const struct dialer *d)
{
    if (!list_empty(&d->live) || !list_empty(&d->settling) || d->stock_count || d->claiming ||
        !list_empty(&d->offers) || !reconcile_idle(d))
        return false;
    if (d->stage == DIALER_STOPPING)
        return true;
    return d->counts_known && d->counts.due == 0 && d->counts.waiting == 0 && d->counts.leased == 0;
}

static void begin_leaving(struct dialer *d)
{
    d->stage = DIALER_LEAVING;
    d->leave_by_ms = loop_now_ms(d->loop) + LEAVE_MS;
    share_leave(d);
    desk_stop(d->desk);
    trunks_leave(d);
}

static bool everybody_left(const struct dialer *d)
{
    return desk_is_idle(d->desk) && trunks_left(d);
}

/* On a virtual clock: nothing is in the air, and nothing can be launched before a lead falls due or
 * an agent comes. A real clock has its work looked for all the time: other engines and commands
 * bring some, too. */
static bool is_quiet(const struct dialer *d)
{
    bool wanted = d->policy.mode == PACING_AGENTLESS || desk_longest_ready(d->desk);

    return d->config.model && d->stage == DIALER_RUNNING && list_empty(&d->live) &&
           list_empty(&d->settling) && !d->stock_count && !d->claiming && list_empty(&d->offers) &&
           reconcile_idle(d) && d->counts_known && !(d->counts.due && wanted);
}

static uint32_t next_look_ms(const struct dialer *d, uint32_t busy_ms)
{
    uint64_t now = clock_wall_ms(d->loop->clock), due = d->counts.next_due_wall_ms;

    if (!is_quiet(d) || (due && due <= now))
        return busy_ms;
    return due && due - now < QUIET_MS ? (uint32_t)(due - now) : QUIET_MS;
}

/* On a virtual clock: nothing is under way that belongs to the present instant. */
static bool is_settled(void *arg)
{
    struct dialer *d = arg;

    if (!queue_up(d->queue) || records_sync(d->records, RECORDS_WAIT_MS) != OK) {
        d->lost = true;
        loop_stop(d->loop);
        return true;
    }
    return queue_idle(d->queue);
}

static void on_tick(struct timer *t)
{
    struct dialer *d = container_of(t, struct dialer, tick);

    dialer_take_stop(d);
    if (d->stage == DIALER_DONE)
        return;
    control_look(d);
    steer(d);
    if (d->stage == DIALER_RUNNING) {
        give_up_hopeless(d);
        launch(d);
    }
    settle_safe_records(d);
    reconcile_safe_records(d);
    if (!d->config.model || is_quiet(d))
        feed_count(d);
    watch_draw(d, false);
    if (d->stage <= DIALER_STOPPING && everything_done(d))
        begin_leaving(d);
    if (d->stage == DIALER_LEAVING &&
        (everybody_left(d) || loop_now_ms(d->loop) >= d->leave_by_ms)) {
        d->stage = DIALER_DONE;
        loop_stop(d->loop);
        return;
    }
    loop_timer(d->loop, &d->tick, next_look_ms(d, d->config.model ? TICK_VIRTUAL_MS : TICK_MS),
               on_tick);
}

static void on_sample(struct timer *t)
{
    struct dialer *d = container_of(t, struct dialer, sample);

    ledger_ask(d);
    if (d->config.model)
        feed_count(d);
    share_tell(d);
    gate_watch(d);
    control_trouble(d);
    learned_account(d);
    watch_sample(d);
    loop_timer(d->loop, &d->sample, next_look_ms(d, 1000), on_sample);
}

static void on_renew(struct timer *t)
{
    struct dialer *d = container_of(t, struct dialer, renew);

    feed_renew(d);
    loop_timer(d->loop, &d->renew, RENEW_EVERY_MS, on_renew);
}

void dialer_begin_stopping(struct dialer *d, bool hang_up)
{
    if (d->stage == DIALER_RUNNING) {
        d->stage = DIALER_STOPPING;
        d->run->interrupted = true;
        feed_release_stock(d);
        preview_stop(d);
    }
    if (hang_up && d->stage == DIALER_STOPPING)
        attempt_hangup_all(d);
}

/* dialer_stop may come from a signal handler; what it asks for is done here, on the loop. */
void dialer_take_stop(struct dialer *d)
{
    uint32_t asked = atomic_load(&d->stop_asked);

    if (asked >= 1 && d->stage == DIALER_RUNNING)
        dialer_begin_stopping(d, d->campaign->drain == DRAIN_HANGUP);
    if (asked >= 2) { /* the far sides get their BYE or CANCEL; answers are not waited for */
        d->stage = DIALER_DONE;
        call_env_hangup_all(d->env);
        loop_stop(d->loop);
    }
}

const struct queue_counts *dialer_counts(const struct dialer *d)
{
    return &d->counts;
}

void dialer_stop(struct dialer *d)
{
    atomic_fetch_add(&d->stop_asked, 1);
    loop_wake(d->loop);
}

void dialer_reload(struct dialer *d)
{
    atomic_fetch_add(&d->reload_asked, 1);
    loop_wake(d->loop);
}

enum err dialer_run(struct dialer *d, char *error)
{
    enum err e = reconcile(d, error);

    error[0] = '\0';
    if (e == OK)
        e = control_start(d, error);
    if (e == OK)
        e = ledger_start(d, error);
    if (e == OK && d->config.leads_path)
        e = import_leads(d, error);
    if (e != OK)
        return e;
    learned_load(d);
    learned_account(d);
    share_tell(d);
    desk_start(d->desk);
    loop_timer(d->loop, &d->tick, 0, on_tick);
    loop_timer(d->loop, &d->sample, 1000, on_sample);
    loop_timer(d->loop, &d->renew, RENEW_EVERY_MS, on_renew);
    if (d->config.model)
        loop_set_virtual(d->loop, is_settled, d);
    loop_run(d->loop);
    loop_set_virtual(d->loop, NULL, NULL);
    loop_turn(d->loop, 0);
    if (d->lost) {
        snprintf(error, DIALER_ERROR_MAX,
                 "virtual time cannot go on without its Redis and its "
                 "records: %s",
                 queue_error(d->queue));
        return ERR_CLOSED;
    }
    watch_draw(d, true);
    learned_save(d);
    records_sync(d->records, 10000);
    return watch_write_run(d);
}
