/* After a reload that opens windows: leads that were put off to an opening of
 * the old ones come sooner. All tasks are looked at, a chunk at a time, and of
 * those that wait it is reckoned when they would be due by the old windows and
 * by the new, by the rules of the attempt they had last; what the rules made
 * them wait for they wait for still. Whoever comes too soon is put off again
 * when it is claimed, for hours, limits and lists are asked then as ever. One
 * question to Redis at a time, so a million leads are no burden; they only take
 * their minutes. */
#include "dialer/internal.h"

#include <stdlib.h>

#include "base/log.h"
#include "queue/forward.h"
#include "queue/look.h"
#include "report/input.h"

#define WAITING_MAX                                                                                \
    2048               /* of one chunk; an answer with more is a spoilt one                        \
                        */
#define SOONER_MS 1000 /* less is not worth moving */
#define AGAIN_MS  500
#define STEPS     128 /* a tick */

struct waiting {
    char id[QUEUE_ID_MAX + 1];
    uint64_t due_wall_ms, expires_wall_ms;
    struct place place;
    uint32_t tries, charged, number_count;
};

struct forward {
    const struct campaign *old;
    struct campaign now; /* new hours, the old one's rules; borrows from both */
    bool asking, from_the_start;
    uint32_t steps; /* of this tick */
    uint64_t cursor, again_ms, looked_at, moved, left_out;
    bool scanned; /* the chunk is here; cursor 0: it was the last */
    uint32_t count, at;
    struct waiting waiting[WAITING_MAX];
};

void forward_begin(struct dialer *d, const struct campaign *old)
{
    struct forward *f = d->forward;

    if (d->config.model)
        return;
    if (!f) {
        f = d->forward = calloc(1, sizeof(*f));
        if (!f)
            return;
        f->old = old;
    } /* else leads may still wait by the hours of before it: they are compared with */
    f->now = *d->campaign;
    memcpy(f->now.rules, f->old->rules, sizeof(f->now.rules));
    f->now.recordings = f->old->recordings;
    f->now.recording_rules = f->old->recording_rules;
    f->now.outcomes = f->old->outcomes;
    f->now.outcome_rules = f->old->outcome_rules;
    f->now.attempts = f->old->attempts;
    f->from_the_start = true;
}

void forward_end(struct dialer *d)
{
    free(d->forward);
    d->forward = NULL;
}

/* ---- one lead ---- */

static void step(struct dialer *d);

/* With the next one, or the same again. */
static void go_on(struct dialer *d, enum err e)
{
    struct forward *f = d->forward;

    f->asking = false;
    if (e == OK)
        f->at++;
    else
        f->again_ms = loop_now_ms(d->loop) + AGAIN_MS;
}

static void on_moved(void *arg, enum err e, bool moved)
{
    struct dialer *d = arg;

    if (e == ERR_CANCELLED)
        return;
    d->forward->moved += moved;
    go_on(d, e);
    step(d);
}

static void move(struct dialer *d, const struct waiting *w, uint64_t to_wall_ms)
{
    struct forward *f = d->forward;

    f->asking = queue_bring_forward(d->queue, slice_cstr(w->id), w->due_wall_ms, to_wall_ms,
                                    on_moved, d) == OK;
    if (!f->asking)
        go_on(d, ERR_FULL);
}

static uint64_t opens(const struct campaign *c, const struct waiting *w, uint64_t wall_ms)
{
    struct calendar calendar;

    place_calendar(c, &w->place, &calendar);
    return calendar_next(&calendar, wall_ms);
}

/* old, now: when it would be due by each. */
static void compare(struct dialer *d, const struct waiting *w, uint64_t old, uint64_t now)
{
    uint64_t wall = clock_wall_ms(d->loop->clock);

    if (now < wall)
        now = opens(&d->forward->now, w, wall);
    if (now < old && now + SOONER_MS < w->due_wall_ms)
        move(d, w, now);
    else
        go_on(d, OK);
}

static struct slice text_at(const struct input *o, const char *name)
{
    const char *text = input_text(input_get(o, name));

    return slice_cstr(text ? text : "");
}

/* The recording that was heard last, as rules know it. */
static struct slice known_of(const struct input *record)
{
    const struct input *evidence = input_get(record, "evidence");
    struct slice id = SLICE_NONE;

    for (size_t i = 0; i < input_count(evidence); i++) {
        struct slice one = text_at(input_at(evidence, i), "id");
        id = one.len ? one : id;
    }
    return id;
}

/* What was decided after it, by old hours and by new. False: nothing that can
 * be reckoned. */
static bool reckon(struct dialer *d, const struct waiting *w, const struct input *record,
                   uint64_t *old, uint64_t *now)
{
    uint64_t place = input_u64(input_get(record, "number_place"));
    uint64_t invite = input_u64(input_get(record, "invite_ms"));
    struct rules_input in = {
        .label = known_of(record),
        .outcome = text_at(record, "outcome"),
        .attempt = w->charged,
        .tries = w->tries,
        .now_wall_ms = invite + input_u64(input_get(input_get(record, "times"), "end")),
        .expires_wall_ms = w->expires_wall_ms,
        .place = &w->place,
        .number_at = place ? (uint32_t)place - 1 : 0,
        .number_count = w->number_count,
    };
    struct rules_decision by_old, by_now;

    if (!invite || result_parse(text_at(record, "result"), &in.result) != OK ||
        delivery_parse(text_at(record, "delivery"), &in.delivery) != OK)
        return false;
    rules_decide(d->forward->old, &in, &by_old);
    rules_decide(&d->forward->now, &in, &by_now);
    *old = by_old.finish ? WINDOW_NEVER : by_old.retry_wall_ms;
    *now = by_now.retry_wall_ms;
    return !by_now.finish;
}

static void on_attempts(void *arg, enum err e, const struct queue_attempt_text *a, uint32_t n)
{
    struct dialer *d = arg;
    uint64_t old, now;

    if (e == ERR_CANCELLED)
        return;
    d->forward->asking = false;
    const struct waiting *w = &d->forward->waiting[d->forward->at];
    bool last = e == OK && n && !a[n - 1].open && a[n - 1].number == w->tries;
    struct input *record = last ? input_parse(a[n - 1].text) : NULL;

    if (record && reckon(d, w, record, &old, &now))
        compare(d, w, old, now);
    else
        go_on(d, e);
    input_free(record);
    step(d);
}

static void look_at_next(struct dialer *d)
{
    struct forward *f = d->forward;
    const struct waiting *w = &f->waiting[f->at];
    uint64_t wall = clock_wall_ms(d->loop->clock);

    f->looked_at++;
    if (w->tries == 0) { /* nothing but hours, or a call-back's time */
        compare(d, w, opens(f->old, w, wall), opens(&f->now, w, wall));
        return;
    }
    f->asking = queue_attempts(d->queue, slice_cstr(w->id), on_attempts, d) == OK;
    if (!f->asking)
        go_on(d, ERR_FULL);
}

/* ---- all of them ---- */

static void on_task(void *arg, const struct queue_stands *t)
{
    struct dialer *d = arg;
    struct forward *f = d->forward;

    if (t->malformed || t->stands != TASK_WAITS ||
        t->due_wall_ms < clock_wall_ms(d->loop->clock) + SOONER_MS)
        return;
    if (f->count == WAITING_MAX) {
        f->left_out++;
        return;
    }
    struct waiting *w = &f->waiting[f->count++];

    memcpy(w->id, t->task.id, sizeof(w->id));
    w->due_wall_ms = t->due_wall_ms;
    w->expires_wall_ms = t->task.expires_wall_ms;
    w->tries = t->task.tries;
    w->charged = t->task.charged;
    w->number_count = t->task.number_count;
    feed_place(d, &t->task, &w->place);
}

static void on_chunk(void *arg, enum err e, uint64_t next)
{
    struct dialer *d = arg;
    struct forward *f = d->forward;

    if (e == ERR_CANCELLED)
        return;
    f->asking = false;
    if (e == OK) {
        f->scanned = true;
        f->cursor = next;
    } else {
        f->count = 0;
        f->again_ms = loop_now_ms(d->loop) + AGAIN_MS;
    }
    step(d);
}

static void scan_on(struct dialer *d)
{
    struct forward *f = d->forward;

    if (f->scanned && f->cursor == 0) {
        log_info("dialer", "leads that waited for the hours of before the reload come sooner",
                 "leads=%llu looked_at=%llu left_out=%llu", (unsigned long long)f->moved,
                 (unsigned long long)f->looked_at, (unsigned long long)f->left_out);
        forward_end(d);
        return;
    }
    f->count = f->at = 0;
    f->asking = queue_scan(d->queue, f->cursor, on_task, on_chunk, d) == OK;
    if (!f->asking)
        f->again_ms = loop_now_ms(d->loop) + AGAIN_MS;
}

static void step(struct dialer *d)
{
    struct forward *f;

    while ((f = d->forward) && !f->asking && f->steps < STEPS && d->stage == DIALER_RUNNING &&
           queue_up(d->queue) && loop_now_ms(d->loop) >= f->again_ms) {
        f->steps++;
        if (f->from_the_start) {
            f->from_the_start = f->scanned = false;
            f->cursor = 0;
            f->count = f->at = 0;
        }
        if (f->at < f->count)
            look_at_next(d);
        else
            scan_on(d);
    }
}

void forward_look(struct dialer *d)
{
    if (!d->forward)
        return;
    d->forward->steps = 0;
    step(d);
}
