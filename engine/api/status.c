/* Counting a campaign. */
#include "api/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "campaign/abandonment.h"
#include "queue/ledger.h"

#define SEEN_FIRST (1u << 16)

struct counting {
    struct status status; /* first: it is given out */
    struct view *view;
    uint64_t next;
    uint64_t *seen; /* hashes of ids: a scan may tell a task twice */
    uint32_t seen_cap;
    bool full;
};

static void add(struct status_tally *t, const char *name, uint64_t n)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (strcmp(t->at[i].name, name) == 0) {
            t->at[i].n += n;
            return;
        }
    if (t->n == STATUS_NAMES_MAX) {
        t->others += n;
        return;
    }
    snprintf(t->at[t->n].name, sizeof(t->at[t->n].name), "%s", name);
    t->at[t->n++].n = n;
}

/* ---- each lead once ---- */

static bool place_of(const uint64_t *seen, uint32_t cap, uint64_t h, uint32_t *at)
{
    for (*at = (uint32_t)h & (cap - 1); seen[*at] && seen[*at] != h;)
        *at = (*at + 1) & (cap - 1);
    return seen[*at] == h;
}

static bool grow(struct counting *c)
{
    uint32_t cap = c->seen_cap ? c->seen_cap * 2 : SEEN_FIRST, at;
    uint64_t *bigger = calloc(cap, sizeof(*bigger));

    if (!bigger)
        return false;
    for (uint32_t i = 0; i < c->seen_cap; i++)
        if (c->seen[i]) {
            place_of(bigger, cap, c->seen[i], &at);
            bigger[at] = c->seen[i];
        }
    free(c->seen);
    c->seen = bigger;
    c->seen_cap = cap;
    return true;
}

static bool is_new(struct counting *c, const char *id)
{
    static const struct hash_seed seed = {0x7065616c, 0x73746174};
    uint64_t h = hash_bytes(seed, id, strlen(id)) | 1; /* 0 is no entry */
    uint32_t at;

    if (c->status.leads * 2 >= c->seen_cap && !grow(c)) {
        c->full = true;
        return false;
    }
    if (place_of(c->seen, c->seen_cap, h, &at))
        return false;
    c->seen[at] = h;
    return true;
}

static void earliest(uint64_t *first, uint64_t wall_ms)
{
    if (wall_ms != WINDOW_NEVER && (*first == 0 || wall_ms < *first))
        *first = wall_ms;
}

static void count_open(struct counting *c, const struct queue_stands *t)
{
    uint64_t when;

    if (standing_list_rests(&c->view->standing, t)) {
        c->status.rests++;
        return;
    }
    if (t->stands == TASK_WAITS && t->due_wall_ms > c->view->now_wall_ms) {
        c->status.waits++;
        earliest(&c->status.next_due_ms, t->due_wall_ms);
        return;
    }
    switch (standing_rule(&c->view->standing, &t->task, c->view->now_wall_ms, &when)) {
    case REASON_WINDOW:
        c->status.window++;
        earliest(&c->status.next_window_ms, when);
        break;
    case REASON_SPENT:
        c->status.spent++;
        break;
    case REASON_EXPIRED:
        c->status.expired++;
        break;
    default:
        c->status.ready++;
    }
}

static void on_lead(void *arg, const struct queue_stands *t)
{
    struct counting *c = arg;

    if (!is_new(c, t->task.id))
        return;
    c->status.leads++;
    if (t->stands == TASK_DONE) {
        c->status.done++;
        add(&c->status.statuses, t->status, 1);
    } else if (t->stands == TASK_LEASED) {
        c->status.leased++;
        add(&c->status.held_by, t->engine, 1);
    } else if (t->malformed) {
        c->status.malformed++;
    } else {
        count_open(c, t);
    }
}

static void on_chunk(void *arg, enum err e, uint64_t next)
{
    struct counting *c = arg;

    ask_on_done(c->view->ask, e);
    c->next = next;
}

static void on_result(void *arg, struct slice result, uint64_t n)
{
    struct counting *c = arg;
    char name[QUEUE_ENGINE_MAX + 1];

    c->status.attempts += n;
    if (slice_copy(result, name, sizeof(name)) == OK)
        add(&c->status.results, name, n);
    else
        c->status.results.others += n;
}

static void on_sums(void *arg, enum err e, const struct queue_ledger *l)
{
    struct counting *c = arg;

    ask_on_done(c->view->ask, e);
    for (uint32_t i = 0; i < l->days; i++) {
        c->status.live += (double)l->day[i].live + (double)l->day[i].false_ppm / 1e6;
        c->status.abandoned += (double)l->day[i].abandoned + (double)l->day[i].false_ppm / 1e6;
    }
}

static int most_first(const void *a, const void *b)
{
    const struct status_tally *none = NULL;
    const __typeof__(none->at[0]) *x = a, *y = b;

    return x->n != y->n ? (x->n < y->n ? 1 : -1) : strcmp(x->name, y->name);
}

static void sort(struct status_tally *t)
{
    qsort(t->at, t->n, sizeof(t->at[0]), most_first);
}

static bool count_all(struct counting *c)
{
    struct ask *ask = c->view->ask;
    const struct zone *zone = c->view->campaign ? c->view->campaign->zone : NULL;
    int32_t today = zone ? abandonment_day_of(zone, c->view->now_wall_ms)
                         : (int32_t)(c->view->now_wall_ms / 86400000);

    do {
        if (!ask_wait(ask, queue_scan(ask->queue, c->next, on_lead, on_chunk, c)))
            return false;
    } while (c->next);
    do {
        if (!ask_wait(ask, queue_results(ask->queue, c->next, on_result, on_chunk, c)))
            return false;
    } while (c->next);
    sort(&c->status.held_by);
    sort(&c->status.statuses);
    sort(&c->status.results);
    if (c->full)
        ask->e = ERR_NOMEM;
    return !c->full && ask_wait(ask, queue_ledger_sums(ask->queue, today - ABANDONMENT_DAYS + 1,
                                                       ABANDONMENT_DAYS, on_sums, c));
}

struct status *status_count(struct view *view)
{
    struct counting *c = calloc(1, sizeof(*c));

    if (!c) {
        view->ask->e = ERR_NOMEM;
        return NULL;
    }
    c->view = view;
    c->status.view = view;
    bool good = count_all(c);

    free(c->seen);
    if (good)
        return &c->status;
    free(c);
    return NULL;
}

double status_abandoned_percent(const struct status *s)
{
    return s->live > 0 ? 100 * s->abandoned / s->live : 0;
}

/* ---- as JSON ---- */

static void put_tally(struct json *j, const char *name, const struct status_tally *t)
{
    json_begin_object(j, name);
    for (uint32_t i = 0; i < t->n; i++)
        json_u64(j, t->at[i].name, t->at[i].n);
    if (t->others)
        json_u64(j, "others", t->others);
    json_end(j);
}

static void put_engines(struct json *j, const struct status *c)
{
    json_begin_array(j, "engines");
    for (uint32_t i = 0; i < c->view->engines; i++) {
        const struct queue_engine_told *e = &c->view->engine[i];

        json_begin_object(j, NULL);
        json_cstr(j, "name", e->name);
        json_bool(j, "gone", e->gone);
        json_u64(j, "agents", e->agents);
        json_u64(j, "calls", e->calls);
        view_put_instant(j, "seen", e->seen_wall_ms);
        json_cstr(j, "trouble", e->trouble[0] ? e->trouble : NULL);
        json_end(j);
    }
    json_end(j);
}

void status_json(const struct status *c, struct json *j)
{
    const struct queue_control *k = &c->view->control;

    json_begin_object(j, NULL);
    json_cstr(j, "campaign", c->view->name);
    view_put_instant(j, "at", c->view->now_wall_ms);
    view_put_state(j, k);
    json_begin_object(j, "leads");
    json_u64(j, "all", c->leads);
    json_u64(j, "ready", c->ready);
    json_u64(j, "waits", c->waits);
    json_u64(j, "outside_window", c->window);
    json_u64(j, "spent", c->spent);
    json_u64(j, "expired", c->expired);
    json_u64(j, "list_rests", c->rests);
    json_u64(j, "malformed", c->malformed);
    json_u64(j, "leased", c->leased);
    json_u64(j, "finished", c->done);
    view_put_instant(j, "next_due", c->next_due_ms);
    view_put_instant(j, "next_window", c->next_window_ms);
    json_end(j);
    put_tally(j, "leased_by", &c->held_by);
    put_tally(j, "finished_as", &c->statuses);
    json_u64(j, "attempts", c->attempts);
    put_tally(j, "attempts_by_result", &c->results);
    put_engines(j, c);
    json_begin_object(j, "abandonment_30_days");
    json_num(j, "live", c->live);
    json_num(j, "abandoned", c->abandoned);
    json_num(j, "percent", status_abandoned_percent(c));
    json_end(j);
    json_end(j);
}
