/* The dialer's life: the tick that launches calls, and its end. */
#include "dialer/internal.h"

#include <stdio.h>

#include "dialer/import.h"
#include "dialer/lists.h"
#include "dialer/reconcile.h"

#define TICK_MS 50
/* On a virtual clock: fewer looks, so that more questions to Redis leave together. */
#define TICK_VIRTUAL_MS 200
#define QUIET_MS        60000 /* at most between two looks (is_quiet) */
#define RENEW_EVERY_MS  (DIALER_LEASE_MS / 3)
#define HOPELESS_MAX    64
#define RECORDS_WAIT_MS 30000 /* of real time, on a virtual clock */
/* Legs and registrations that do not clear by then (a far side that is away) are left to clear by
 * themselves. */
#define LEAVE_MS 5000

static uint32_t attempts_room(const struct dialer *d)
{
    return d->attempts.capacity - d->attempts.used + d->stock_count;
}

static bool makes_no_calls(const struct dialer *d)
{
    return d->stage != DIALER_RUNNING || d->queue_away || control_holds(d) ||
           !health_admits(d->health);
}

static void launch_of(struct dialer *d, struct lane *l)
{
    uint32_t room = trunks_room(d), free_attempts = attempts_room(d);
    struct pacing_limits limits = {
        .tasks_ready =
            (d->counts_known ? (uint32_t)d->counts.due : 0) + l->stock_count + l->offers_accepted,
        .trunk_room = room < free_attempts ? room : free_attempts,
        .record_room = records_room(d->records),
        .stopping = makes_no_calls(d),
    };
    struct pacing_advice advice;
    struct attempt *a;
    float scores[PACING_PICKS_MAX];
    uint32_t choice = scores_choice(l);

    if (choice && l->stock_count) {
        limits.scores = scores;
        limits.score_count = scores_list(l, scores, PACING_PICKS_MAX);
    }
    l->wanted = 0;
    pacing_ask(l->pacing, l->offers_accepted);
    pacing_launch(l->pacing, loop_now_ms(d->loop), &limits, &advice);
    if (d->stage == DIALER_RUNNING && !d->queue_away && control_at_limit(d))
        snprintf(advice.reason, sizeof(advice.reason),
                 "held to the limits of the campaign and its trunks, all engines together");
    watch_advice(d, l, &advice);
    if (limits.stopping)
        return;
    if (d->policy.mode == PACING_PREVIEW) {
        preview_dial(d, l, advice.launch);
        return;
    }
    if (advice.launch + choice > l->stock_count)
        l->wanted = advice.launch + choice - l->stock_count;
    while (advice.launch-- > 0 && (a = feed_next(d, l)))
        feed_dial(a);
}

/* The lanes take turns at being the first whom the common limits leave something. */
static void launch(struct dialer *d)
{
    lanes_balance(d);
    for (uint32_t i = 0; i < d->lane_count; i++)
        launch_of(d, &d->lanes[(d->lane_turn + i) % d->lane_count]);
    d->lane_turn++;
    if (makes_no_calls(d))
        return;
    if (d->policy.mode == PACING_PREVIEW)
        preview_offer(d);
    feed_claim(d);
}

/* Rings that no agent is expected for are given up, where the campaign allows it. */
static void give_up_hopeless(struct dialer *d)
{
    uint32_t calls[HOPELESS_MAX];

    for (uint32_t k = 0; k < d->lane_count; k++) {
        uint32_t n = pacing_hopeless(d->lanes[k].pacing, loop_now_ms(d->loop), calls, HOPELESS_MAX);

        for (uint32_t i = 0; i < n; i++) {
            struct attempt *a = pool_at(&d->attempts, calls[i]);

            if (a->phase == ATTEMPT_RINGING)
                attempt_hang_up(a);
        }
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
    supervise_end(&d->supervision);
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
    bool wanted = d->policy.mode == PACING_AGENTLESS || lanes_work(d);

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
    stops_look(d);
    steer(d);
    if (d->stage == DIALER_RUNNING) {
        give_up_hopeless(d);
        launch(d);
    }
    settle_safe_records(d);
    reconcile_safe_records(d);
    publish_look(d);
    forward_look(d);
    if (!d->config.model || is_quiet(d))
        feed_count(d);
    watch_draw(d, false);
    if (d->stage <= DIALER_STOPPING && everything_done(d) && publish_done(d))
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

void dialer_look_soon(struct dialer *d)
{
    if (d->config.model && timer_running(&d->tick) &&
        d->tick.due_ms > loop_now_ms(d->loop) + TICK_MS)
        loop_timer(d->loop, &d->tick, TICK_MS, on_tick);
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

const char *dialer_redis_url(const struct dialer *d)
{
    return d->server ? redis_server_url(d->server) : d->config.redis_url;
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
    if (e == OK)
        e = import_leads(d, error);
    if (e != OK)
        return e;
    lists_share(d->queue, d->campaign, 0);
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
