/* Tasks from the queue: claimed ahead in small numbers, checked against their calling window, asked
 * for at the gate (gate.c), put on record in Redis, launched. Leases of everything alive are
 * renewed here. */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"
#include "dialer/reconcile.h"

#define CLAIM_EMPTY_PAUSE_MS 200 /* nothing was due: ask again after this */
#define LOST_AGAIN_MS        10000 /* by then its call's completion has been said again, or it comes */
/* Other engines are connected again by then, though a sentinel may have named the old master to one
 * for a second or two, so that it tries that and waits again (REDIS_RETRY_MAX_MS). */
#define SETTLE_MS    6000
#define ASK_AGAIN_MS 500 /* Redis did not answer the gate's question or record it */

/* ---- claiming ---- */

static void give_back(struct attempt *a)
{
    gate_take_back(a);
    preview_over(a);
    list_remove(&a->node);
    loop_timer_stop(a->dialer->loop, &a->timer);
    pool_put(&a->dialer->attempts, a);
}

static void complete_undialled(struct dialer *d, const struct queue_task *task,
                               enum queue_outcome outcome, uint64_t retry_wall_ms,
                               const char *status)
{
    struct queue_completion c = {
        .outcome = outcome,
        .retry_wall_ms = retry_wall_ms,
        .status = slice_cstr(status),
        .avoid_trunk = task->avoid_trunk,
    };
    enum err e = queue_complete(d->queue, task, &c, NULL, NULL);

    if (e != OK) /* the lease runs out and the task comes back by itself */
        log_warn("dialer", "a task could not be given back", "task=%s error=%s", task->id,
                 err_name(e));
}

void feed_place(struct dialer *d, const struct queue_task *task, struct place *out)
{
    place_read(out, slice_cstr(task->zone), slice_cstr(task->fields), d->zones);
    place_of_number(out, d->campaign, queue_task_number(task), d->zones,
                    clock_wall_ms(d->loop->clock));
}

static enum result hold(struct dialer *d, const struct queue_task *task, uint64_t *when)
{
    struct place place;

    if (!queue_task_number(task)[0]) /* an import has taken its numbers away meanwhile */
        return RESULT_MISSING_NUMBER;
    feed_place(d, task, &place);
    return rules_may_dial(d->campaign, &place, task->charged, task->expires_wall_ms,
                          clock_wall_ms(d->loop->clock), when);
}

/* False: the task is not to be dialled now, and has been given back or finished. */
static bool may_dial(struct dialer *d, const struct queue_task *task)
{
    uint64_t when = 0;
    enum result why = hold(d, task, &when);

    if (why == RESULT_NONE)
        return true;
    if (why == RESULT_OUT_OF_WINDOW && when != WINDOW_NEVER) {
        complete_undialled(d, task, QUEUE_RETRY, when, "");
    } else {
        const char *status = d->campaign->rules[why].finish;

        complete_undialled(d, task, QUEUE_FINISH, 0, status[0] ? status : STATUS_NOT_DIALLED);
        d->run->not_dialled++;
    }
    return false;
}

/* Redis was told of this lead's call and has lost it (a fail-over, a torn file): the call is still
 * in the air, or its record is in our journal. True: the task is not dialled. */
static bool was_lost(struct dialer *d, const struct queue_task *task)
{
    list_each(n, next, &d->live)
    {
        const struct attempt *a = container_of(n, struct attempt, node);

        if (strcmp(a->task.id, task->id) == 0) {
            complete_undialled(d, task, QUEUE_RETRY, clock_wall_ms(d->loop->clock) + LOST_AGAIN_MS,
                               "");
            return true;
        }
    }
    return reconcile_known(d, task);
}

static void on_claimed(void *arg, enum err e, const struct queue_task *tasks, uint32_t n)
{
    struct dialer *d = arg;

    d->claiming = false;
    if (e == OK)
        lanes_claimed(d, d->claimed, n, CLAIM_EMPTY_PAUSE_MS);
    else
        lanes_claimed(d, 0, 0, CLAIM_EMPTY_PAUSE_MS);
    for (uint32_t i = 0; i < n; i++) {
        struct attempt *a = NULL;
        bool wanted = d->stage == DIALER_RUNNING && !control_holds(d);

        if (was_lost(d, &tasks[i]) || (wanted && !may_dial(d, &tasks[i])))
            continue;
        if (wanted)
            a = pool_get(&d->attempts);
        if (!a) {
            complete_undialled(d, &tasks[i], QUEUE_RELEASE, 0, "");
            continue;
        }
        a->dialer = d;
        a->task = tasks[i];
        a->lane = lane_of(d, &tasks[i]);
        timer_init(&a->timer);
        list_node_init(&a->waiting_node);
        call_record_init(&a->record);
        a->record.claimed_wall_ms = clock_wall_ms(d->loop->clock);
        scores_take_in(a);
        a->lane->stock_count++;
        d->stock_count++;
    }
}

void feed_claim(struct dialer *d)
{
    uint32_t room = d->attempts.capacity - d->attempts.used, wanted;

    if (d->claiming || !queue_up(d->queue))
        return;
    wanted = lanes_wanted(d);
    if (wanted > QUEUE_CLAIM_MAX)
        wanted = QUEUE_CLAIM_MAX;
    if (wanted > room)
        wanted = room;
    if (d->lane_count > 1)
        lanes_share(d);
    d->claimed = wanted;
    if (wanted && queue_claim(d->queue, wanted, on_claimed, d) == OK)
        d->claiming = true;
}

struct attempt *feed_next(struct dialer *d, struct lane *l)
{
    struct list_node *n = scores_next(d, l);

    if (!n)
        return NULL;
    list_remove(n);
    l->stock_count--;
    d->stock_count--;
    return container_of(n, struct attempt, node);
}

void feed_release_stock(struct dialer *d)
{
    struct attempt *a;

    for (uint32_t i = 0; i < d->lane_count; i++)
        while ((a = feed_next(d, &d->lanes[i])))
            feed_return(a, 0);
}

void feed_return(struct attempt *a, uint64_t due_wall_ms)
{
    complete_undialled(a->dialer, &a->task, due_wall_ms ? QUEUE_RETRY : QUEUE_RELEASE, due_wall_ms,
                       "");
    give_back(a);
}

/* ---- putting the attempt on record, then dialling ---- */

/* The last look at the clock: a lead may have waited in the stock, at an agent's preview or for
 * Redis until its window closed, or the wall clock was set. */
static bool still_open(struct attempt *a)
{
    uint64_t when = 0;

    return hold(a->dialer, &a->task, &when) != RESULT_OUT_OF_WINDOW;
}

/* On record but not dialled: settled like any attempt, so the books show why. */
static void settle_undialled(struct attempt *a, enum result why)
{
    a->record.result = why;
    attempt_unreserve(a);
    preview_over(a);
    settle(a);
}

static void drop(struct attempt *a)
{
    attempt_unreserve(a);
    give_back(a);
}

/* Not on record yet, and its window is closed: back to the queue until it opens. */
static void put_off(struct attempt *a)
{
    may_dial(a->dialer, &a->task); /* says when, and gives the task back */
    drop(a);
}

static void on_recorded(void *arg, enum err e)
{
    struct attempt *a = arg;
    struct dialer *d = a->dialer;

    switch (e) {
    case OK:
        if (!still_open(a)) {
            log_warn("dialer", "the calling window closed before the call left", "lead=%s",
                     a->task.id);
            settle_undialled(a, RESULT_OUT_OF_WINDOW);
            return;
        }
        e = attempt_launch(a);
        if (e == OK)
            return;
        log_warn("dialer", "a call could not be started", "lead=%s error=%s", a->task.id,
                 err_name(e));
        settle_undialled(a, RESULT_OUR_FAULT);
        return;
    case ERR_CLOSED:
    case ERR_TIMEOUT:
    case ERR_FULL:
        feed_ask_again(a); /* not known whether it is on record: asking again is safe */
        return;
    case ERR_CANCELLED:
        return;     /* the queue is being closed */
    case ERR_AGAIN: /* the campaign does not run any more, or has its calls */
        control_refused(d);
        attempt_unreserve(a);
        feed_return(a, 0);
        return;
    default:
        log_warn("dialer", "a task is not ours to dial any more", "lead=%s error=%s", a->task.id,
                 err_name(e));
        drop(a);
    }
}

static void on_ask_again(struct timer *t)
{
    struct attempt *a = container_of(t, struct attempt, timer);

    if (a->passed)
        feed_record(a);
    else
        gate_ask(a);
}

void feed_ask_again(struct attempt *a)
{
    loop_timer(a->dialer->loop, &a->timer, ASK_AGAIN_MS, on_ask_again);
}

/* What the campaign and its trunk allow, all engines together. */
static void caps_of(const struct attempt *a, struct queue_caps *caps)
{
    const struct dialer *d = a->dialer;
    const struct campaign_trunk *k = d->trunks[a->trunk].config;

    *caps = (struct queue_caps){.concurrent = d->policy.concurrent,
                                .calls_per_second = d->policy.calls_per_second,
                                .trunk = slice_cstr(k->name),
                                .trunk_calls = k->max_calls,
                                .trunk_calls_per_second = k->calls_per_second};
}

void feed_record(struct attempt *a)
{
    struct queue_caps caps;

    caps_of(a, &caps);
    enum err e = queue_attempt_capped(a->dialer->queue, &a->task, a->record.attempt,
                                      slice_cstr(a->record.call_id), &caps, on_recorded, a);

    if (e != OK)
        feed_ask_again(a);
}

void feed_describe_number(const struct queue_task *task, struct call_record *r)
{
    if (task->number_at >= task->number_count)
        return;
    const struct queue_number *n = &task->numbers[task->number_at];

    slice_copy(slice_cstr(n->number), r->number, sizeof(r->number));
    slice_copy(slice_cstr(n->kind), r->number_kind, sizeof(r->number_kind));
    r->number_place = (uint8_t)(task->number_at + 1);
}

static void describe(struct attempt *a)
{
    struct dialer *d = a->dialer;
    struct call_record *r = &a->record;

    slice_copy(slice_cstr(d->campaign->name), r->campaign, sizeof(r->campaign));
    slice_copy(slice_cstr(a->task.id), r->lead, sizeof(r->lead));
    feed_describe_number(&a->task, r);
    r->attempt = a->task.tries + 1;
    r->score = a->score;
    call_new_id(d->env, r->call_id, sizeof(r->call_id));
}

void feed_dial(struct attempt *a)
{
    struct dialer *d = a->dialer;

    describe(a);
    list_push_back(&d->live, &a->node);
    a->phase = ATTEMPT_CLAIMED;
    if (control_holds(d)) {
        feed_return(a, 0);
        return;
    }
    if (!still_open(a)) {
        put_off(a);
        return;
    }
    if (!attempt_reserve(a)) {
        feed_return(a, 0);
        return;
    }
    gate_ask(a);
}

/* ---- keeping ---- */

static void on_renewed(void *arg, enum err e, const struct queue_lease *lost, uint32_t n)
{
    (void)arg;
    (void)e;
    for (uint32_t i = 0; i < n; i++)
        log_warn("dialer", "a lease was lost: another engine settles this task", "task=%s",
                 lost[i].id);
}

struct renewal {
    struct dialer *dialer;
    struct queue_lease leases[QUEUE_RENEW_MAX];
    uint32_t count;
};

/* Refused (ERR_FULL): the next round, long before the leases run out. */
static void send_renewal(struct renewal *r)
{
    if (r->count)
        queue_renew(r->dialer->queue, r->leases, r->count, on_renewed, r->dialer);
    r->count = 0;
}

static void renew_each(struct renewal *r, const struct list *of)
{
    list_each(node, next, of)
    {
        const struct attempt *a = container_of(node, struct attempt, node);

        if (a->completing)
            continue; /* by the time it is renewed it has no lease any more: that is no loss */
        struct queue_lease *l = &r->leases[r->count++];

        memcpy(l->id, a->task.id, sizeof(l->id));
        l->token = a->task.token;
        if (r->count == QUEUE_RENEW_MAX)
            send_renewal(r);
    }
}

static void renew_all(struct dialer *d)
{
    static struct renewal r; /* control thread only */

    r.dialer = d;
    renew_each(&r, &d->live);
    renew_each(&r, &d->settling);
    for (uint32_t i = 0; i < d->lane_count; i++)
        renew_each(&r, &d->lanes[i].stock);
    renew_each(&r, &d->offers);
    send_renewal(&r);
}

void feed_renew(struct dialer *d)
{
    if (!queue_up(d->queue))
        return;
    renew_all(d);
    reconcile_ask(d);
}

static void on_counted(void *arg, enum err e, const struct queue_counts *counts)
{
    struct dialer *d = arg;

    d->counting = false;
    if (e != OK)
        return;
    d->counts = *counts;
    d->counts_known = true;
}

void feed_count(struct dialer *d)
{
    if (d->counting || !queue_up(d->queue) ||
        loop_now_ms(d->loop) < d->counted_ms + DIALER_COUNT_EVERY_MS)
        return;
    d->counted_ms = loop_now_ms(d->loop);
    d->counting = queue_count(d->queue, on_counted, d) == OK;
}

/* ---- the connection ---- */

static void on_queue_state(void *arg, bool up, const char *why)
{
    struct dialer *d = arg;

    d->queue_away = !up;
    if (!up)
        log_warn("dialer", "Redis is away: live calls go on, no new ones are made", "why=\"%s\"",
                 why);
    else if (d->counts_known) {
        log_warn("dialer", "Redis is back", "%s", "");
        renew_all(d); /* leases may have run out: before any engine may look for such (SETTLE_MS) */
    }
}

enum err feed_connect(struct dialer *d, char *error)
{
    struct queue_config config = {
        .loop = d->loop,
        .url = d->config.redis_url,
        .campaign = d->campaign->name,
        .engine = d->engine,
        .lease_ms = DIALER_LEASE_MS,
        .settle_ms =
            d->config.redis_url ? SETTLE_MS : 0, /* ours syncs each command, for us alone */
        .on_state = on_queue_state,
        .arg = d,
    };
    char why[REDIS_SERVER_ERROR_MAX];
    enum err e = OK;

    d->queue_away = true;
    if (!config.url) {
        e = redis_server_open(&d->server, d->config.data_dir, why);
        if (e != OK) {
            snprintf(error, DIALER_ERROR_MAX, "%s", why);
            return e;
        }
        config.url = redis_server_url(d->server);
        config.server = d->server;
    }
    e = queue_open(&d->queue, &config);
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX,
                 "the Redis URL '%s' cannot be used; redis://[:PASSWORD@]HOST:PORT[/DB] and "
                 "unix:/PATH are accepted",
                 config.url);
    return e;
}

void feed_disconnect(struct dialer *d)
{
    if (d->queue)
        queue_close(d->queue);
    if (d->server)
        redis_server_close(d->server);
    d->queue = NULL;
    d->server = NULL;
}
