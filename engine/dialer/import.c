/* Importing: the reader gives a lead, the queue's pipeline takes it or asks to wait, the loop turns
 * meanwhile. Importing a file again adds nothing: tasks are known by their ids. */
#include "dialer/import.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "campaign/leads.h"
#include "dialer/internal.h"

#define PROGRESS_EVERY 5000 /* leads */
#define TURN_US        5000
#define FINISH_WAIT_MS 600000

_Static_assert(LEADS_NUMBERS_MAX == QUEUE_NUMBERS_MAX && LEADS_KIND_MAX == QUEUE_KIND_MAX,
               "a task holds what a lead can have");

struct import {
    struct dialer *dialer;
    FILE *rejects; /* opened with the first bad row */
    char rejects_path[CAMPAIGN_PATH_MAX + 16];
    bool shows_progress, finished;
    enum err result;
    uint64_t count;
};

static void progress(struct import *in)
{
    if (in->shows_progress && in->count % PROGRESS_EVERY == 0)
        fprintf(stderr, "\rimporting: %llu leads", (unsigned long long)in->count);
}

/* Finished without a call: its record, and what the rules leave with the lead. */
static enum err keep_undialled(struct dialer *d, const struct lead *lead,
                               struct rules_decision *decision)
{
    struct call_record r;
    struct place place;
    const struct rules_input in = {
        .result = lead->result,
        .now_wall_ms = clock_wall_ms(d->loop->clock),
        .place = &place,
    };
    struct queue_note note = {0};
    enum err e = OK;

    place_read(&place, lead->zone, lead->fields, d->zones);
    rules_decide(d->campaign, &in, decision);

    call_record_init(&r);
    slice_copy(slice_cstr(d->campaign->name), r.campaign, sizeof(r.campaign));
    slice_copy(slice_cstr(lead->id), r.lead, sizeof(r.lead));
    if (slice_copy(lead->number_text, r.number, sizeof(r.number)) != OK)
        slice_copy(slice_of(lead->number_text.p, sizeof(r.number) - 1), r.number, sizeof(r.number));
    r.result = lead->result;
    slice_copy(slice_cstr(decision->mark), r.mark, sizeof(r.mark));
    slice_copy(slice_cstr(decision->comment), r.comment, sizeof(r.comment));
    r.claimed_wall_ms = r.invite_wall_ms = clock_wall_ms(d->loop->clock);
    while (records_put(d->records, &r) != OK)
        loop_turn(d->loop, TURN_US);
    d->records_given++;
    d->look.results[r.result]++;
    note.comment = slice_cstr(decision->comment);
    note.mark = slice_cstr(decision->mark);
    if (!note.comment.len && !note.mark.len)
        return OK;
    while ((e = queue_note(d->queue, slice_cstr(lead->id), &note, NULL, NULL)) == ERR_FULL) {
        loop_turn(d->loop, TURN_US);
        if (atomic_load(&d->stop_asked))
            return ERR_CANCELLED;
    }
    return e;
}

static enum err on_lead(void *arg, const struct lead *lead)
{
    struct import *in = arg;
    struct dialer *d = in->dialer;
    struct rules_decision decision;
    struct queue_lead task = {
        .id = slice_cstr(lead->id),
        .name = lead->name,
        .zone = lead->zone,
        .fields = lead->fields,
        .priority = lead->priority,
    };
    enum err e;

    for (uint32_t i = 0; i < lead->number_count; i++) {
        task.numbers[i].number = slice_cstr(lead->numbers[i].number);
        task.numbers[i].kind = slice_cstr(lead->numbers[i].kind);
    }
    if (lead->result != RESULT_NONE) {
        e = keep_undialled(d, lead, &decision);
        if (e != OK)
            return e;
        task.status = slice_cstr(decision.finish ? decision.status : STATUS_INVALID);
    }
    while ((e = queue_add(d->queue, &task)) == ERR_AGAIN) {
        loop_turn(d->loop, TURN_US);
        if (atomic_load(&d->stop_asked))
            return ERR_CANCELLED;
    }
    in->count++;
    progress(in);
    return e == ERR_TOO_LONG ? OK : e;
}

static void on_rejected(void *arg, uint64_t line, const char *reason)
{
    struct import *in = arg;

    in->dialer->run->rejected_rows++;
    if (!in->rejects) {
        in->rejects = fopen(in->rejects_path, "w");
        if (!in->rejects)
            return;
        fputs("line,reason\n", in->rejects);
    }
    fprintf(in->rejects, "%llu,\"%s\"\n", (unsigned long long)line, reason);
}

static void on_finished(void *arg, enum err e)
{
    struct import *in = arg;

    in->result = e;
    in->finished = true;
}

static enum err finish(struct import *in, char *error)
{
    struct dialer *d = in->dialer;
    uint64_t until = clock_ms(d->loop->clock) + FINISH_WAIT_MS;
    enum err e = queue_add_finish(d->queue, on_finished, in);

    while (e == OK && !in->finished) {
        loop_turn(d->loop, TURN_US);
        if (clock_ms(d->loop->clock) > until)
            e = ERR_TIMEOUT;
        if (atomic_load(&d->stop_asked))
            e = ERR_CANCELLED;
    }
    if (e == OK)
        e = in->result;
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "the leads could not be put into Redis (%s): %s",
                 err_name(e), queue_error(d->queue));
    return e;
}

static void say(const struct import *in, const struct leads_stats *s)
{
    const struct queue_add_stats *added = queue_add_stats_of(in->dialer->queue);

    if (in->shows_progress)
        fputs("\r", stderr);
    if (s->rejected)
        fprintf(stderr, "%llu bad rows are left out; lines and reasons: %s\n",
                (unsigned long long)s->rejected, in->rejects_path);
    if (!in->dialer->config.quiet)
        fprintf(stderr,
                "imported %llu leads (%llu new, %llu known; %llu without a usable number)\n",
                (unsigned long long)s->leads, (unsigned long long)added->added,
                (unsigned long long)added->duplicates,
                (unsigned long long)(s->missing_number + s->invalid_number));
}

enum err import_leads(struct dialer *d, char *error)
{
    struct import in = {.dialer = d};
    char why[LEADS_REASON_MAX] = "";
    struct leads *leads;

    in.shows_progress = !d->config.quiet && isatty(STDERR_FILENO);
    snprintf(in.rejects_path, sizeof(in.rejects_path), "%s/rejected.csv", d->config.data_dir);
    enum err e = leads_open(&leads, d->config.leads_path, d->campaign->country, why);
    if (e != OK) {
        snprintf(error, DIALER_ERROR_MAX, "%s", why);
        return e;
    }
    e = leads_each(leads, on_lead, on_rejected, &in);
    if (e == OK)
        e = finish(&in, error);
    else if (!error[0])
        snprintf(error, DIALER_ERROR_MAX, "%s: reading stopped at line %llu (%s)",
                 d->config.leads_path, (unsigned long long)leads_line(leads), err_name(e));
    say(&in, leads_stats_of(leads));
    if (in.rejects)
        fclose(in.rejects);
    leads_close(leads);
    return e;
}
