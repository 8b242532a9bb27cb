/* The ledger of this campaign, as the running engine keeps it: what it enters, what it is told of
 * all engines' answers, and what it brings after a crash.
 *
 * `all` is the account of all engines as Redis last told it, with what was given to Redis since.
 * Redis answers in order: what was given before a question is in its answer, what was given after
 * it is kept in `since` and put on top. The journal is where entries come from: at the start its
 * answers since this engine's latest entry (and a day before that: calls end in another order than
 * they are answered) are entered again, which changes nothing where they are. */
#include "dialer/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "report/lookup.h"

#define DAY_MS       86400000u
#define AGAIN_MS     DAY_MS /* of the journal, before the latest entry */
#define START_WAIT_S 60
#define TURN_US      5000

void ledger_init(struct dialer *d)
{
    const struct campaign *c = d->campaign;

    abandonment_init(&d->ledger.all, c->zone, c->abandonment.limit_ms);
    abandonment_init(&d->ledger.since, c->zone, c->abandonment.limit_ms);
}

static void add_day(struct abandonment *a, const struct queue_ledger_day *from)
{
    const struct abandonment_day day = {.day = from->day,
                                        .live = (uint32_t)from->live,
                                        .abandoned = (uint32_t)from->abandoned,
                                        .messages = (uint32_t)from->messages,
                                        .late = (uint32_t)from->late,
                                        .callee_left = (uint32_t)from->callee_left,
                                        .false_ppm = from->false_ppm};

    abandonment_restore(a, &day);
}

/* ---- entering ---- */

bool ledger_line(struct dialer *d, const struct call_record *r, struct ledger_line *out)
{
    const struct campaign *c = d->campaign;
    struct buf text = buf_on(out->text, sizeof(out->text));
    struct ledger_entry e;

    if (!ledger_entry_of(r, c->abandonment.limit_ms, c->pacing.false_machines,
                         slice_cstr(d->engine), &e))
        return false;
    if (ledger_pack(&e, &text) != OK)
        return false; /* cannot be: the parts have their maxima */
    memcpy(out->call_id, e.call_id, sizeof(out->call_id));
    out->entry = (struct queue_ledger_entry){
        .id = slice_cstr(out->call_id),
        .text = buf_slice(&text),
        .bucket = (int32_t)(e.answered_wall_ms / DAY_MS),
        .day = abandonment_day_of(c->zone, e.answered_wall_ms),
        .counts = ledger_counts_of(e.what),
        .false_ppm = e.false_ppm,
        .at_wall_ms = e.answered_wall_ms,
    };
    return true;
}

void ledger_given(struct dialer *d, const struct queue_ledger_entry *e)
{
    const struct queue_ledger_day day = {.day = e->day,
                                         .live = strchr(e->counts, 'l') != NULL,
                                         .abandoned = strchr(e->counts, 'a') != NULL,
                                         .callee_left = strchr(e->counts, 'e') != NULL,
                                         .false_ppm = e->false_ppm};

    add_day(&d->ledger.all, &day);
    add_day(&d->ledger.since, &day);
}

/* ---- what all engines have entered ---- */

static void on_sums(void *arg, enum err e, const struct queue_ledger *l)
{
    struct dialer *d = arg;

    d->ledger.asking = false;
    if (e != OK)
        return; /* what was known stays, and what is given is added to it */
    abandonment_clear_days(&d->ledger.all);
    for (uint32_t i = 0; i < l->days; i++)
        add_day(&d->ledger.all, &l->day[i]);
    for (uint32_t i = 0; i < ABANDONMENT_DAYS; i++)
        if (d->ledger.since.days[i].day)
            abandonment_restore(&d->ledger.all, &d->ledger.since.days[i]);
    d->ledger.last_wall_ms = l->last_wall_ms;
    d->ledger.known = true;
}

static int32_t today(const struct dialer *d)
{
    return abandonment_day_of(d->campaign->zone, clock_wall_ms(d->loop->clock));
}

/* Buckets older than the campaign keeps them become their days' sums. */
static void drop_old(struct dialer *d)
{
    int32_t utc = (int32_t)(clock_wall_ms(d->loop->clock) / DAY_MS);
    int32_t first = utc - (int32_t)d->campaign->abandonment.keep_days;

    if (first == d->ledger.cut)
        return;
    if (queue_ledger_cut(d->queue, first, NULL, NULL) == OK)
        d->ledger.cut = first;
}

void ledger_ask(struct dialer *d)
{
    if (d->ledger.asking || !queue_up(d->queue))
        return;
    drop_old(d);
    if (queue_ledger_sums(d->queue, today(d) - ABANDONMENT_DAYS + 1, ABANDONMENT_DAYS + 1, on_sums,
                          d) != OK)
        return;
    d->ledger.asking = true;
    abandonment_clear_days(&d->ledger.since);
}

/* ---- from the journal ---- */

struct replay {
    struct dialer *dialer;
    struct ledger_line lines[LEDGER_ADD_MAX];
    struct queue_ledger_entry entries[LEDGER_ADD_MAX];
    uint32_t n, waiting;
    uint64_t added, refused;
    enum err e;
};

static void on_entered(void *arg, enum err e, uint32_t added, uint32_t refused)
{
    struct replay *r = arg;

    r->waiting--;
    r->added += added;
    r->refused += refused;
    if (e != OK)
        r->e = e;
}

static bool turn(struct dialer *d, uint64_t until_ms)
{
    loop_turn(d->loop, TURN_US);
    return clock_ms(d->loop->clock) < until_ms && !atomic_load(&d->stop_asked);
}

static uint64_t wait_until(const struct dialer *d)
{
    return clock_ms(d->loop->clock) + START_WAIT_S * 1000;
}

static void send_lines(struct replay *r)
{
    struct dialer *d = r->dialer;
    uint64_t until = wait_until(d);

    while (r->e == OK && r->waiting >= QUEUE_IN_FLIGHT_MAX / 2)
        if (!turn(d, until))
            r->e = ERR_TIMEOUT;
    if (r->n && r->e == OK) {
        r->e = queue_ledger_add(d->queue, r->entries, r->n, on_entered, r);
        r->waiting += r->e == OK;
    }
    r->n = 0;
}

static void on_answer(void *arg, const struct call_record *record)
{
    struct replay *r = arg;

    gate_lock_again(r->dialer, record);
    if (r->e != OK || !ledger_line(r->dialer, record, &r->lines[r->n]))
        return;
    r->entries[r->n] = r->lines[r->n].entry;
    if (++r->n == LEDGER_ADD_MAX)
        send_lines(r);
}

static enum err replay(struct dialer *d)
{
    uint64_t keep_ms = (uint64_t)d->campaign->abandonment.keep_days * DAY_MS;
    uint64_t now = clock_wall_ms(d->loop->clock), last = d->ledger.last_wall_ms;
    uint64_t from = now > keep_ms ? now - keep_ms : 0;
    struct replay *r = calloc(1, sizeof(*r));
    uint64_t until;

    if (!r)
        return ERR_NOMEM;
    r->dialer = d;
    if (last > AGAIN_MS && last - AGAIN_MS > from)
        from = last - AGAIN_MS;
    enum err e = lookup_answered(d->config.data_dir, d->campaign->name, from, on_answer, r);
    send_lines(r);
    until = wait_until(d);
    while (r->waiting && turn(d, until)) {
    }
    if (r->waiting) { /* `r` is still theirs: let the queue's end take the rest */
        d->ledger.replay = r;
        return ERR_TIMEOUT;
    }
    if (e == OK)
        e = r->e;
    if (r->added)
        log_warn("dialer", "live answers of the journal were not in the ledger and are now",
                 "entered=%llu", (unsigned long long)r->added);
    free(r);
    return e;
}

enum err ledger_start(struct dialer *d, char *error)
{
    uint64_t until = wait_until(d);
    enum err e = OK;

    for (int round = 0; round < 2 && e == OK; round++) { /* before the journal, and with it */
        d->ledger.known = false;
        do
            ledger_ask(d);
        while (!d->ledger.known && turn(d, until));
        if (!d->ledger.known)
            e = atomic_load(&d->stop_asked) ? ERR_CANCELLED : ERR_TIMEOUT;
        else if (round == 0 && !d->config.model)
            e = replay(d);
    }
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "the abandonment ledger cannot be read (%s): %s",
                 err_name(e), queue_error(d->queue));
    return e;
}
