/* Importing: the reader gives a lead, the queue's pipeline takes it or asks to wait, the loop turns
 * meanwhile. */
#include "dialer/import.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "campaign/lists.h"
#include "campaign/number_plan.h"
#include "campaign/place.h"
#include "campaign/rules.h"
#include "dialer/import_internal.h"
#include "dialer/import_numbers.h"
#include "dialer/internal.h"
#include "dialer/lists.h"
#include "queue/import.h"
#include "queue/note.h"

#define PROGRESS_EVERY 2000 /* leads: then a look at the clock */
#define PROGRESS_MS    200
#define BAR            30
#define FINISH_WAIT_MS 600000

_Static_assert(LEADS_NUMBERS_MAX == QUEUE_NUMBERS_MAX && LEADS_KIND_MAX == QUEUE_KIND_MAX,
               "a task holds what a lead can have");

static uint64_t now_ms(const struct import *in)
{
    return clock_ms(in->config->loop->clock);
}

bool import_stop_asked(const struct import *in)
{
    return in->config->stop_asked && atomic_load(in->config->stop_asked);
}

/* ---- what is shown meanwhile ---- */

static void show(struct import *in)
{
    uint64_t now = now_ms(in), bytes = in->bytes_before + leads_stats_of(in->leads)->bytes;
    double seconds = (double)(now - in->started_ms) / 1000;
    char bar[BAR + 1];

    if (now - in->shown_ms < PROGRESS_MS)
        return;
    in->shown_ms = now;
    fprintf(stderr, "\r\033[K%llu leads, %.0f/s", (unsigned long long)in->count,
            (double)in->count / (seconds > 0 ? seconds : 1));
    if (in->bytes_all == 0)
        return;
    double part = (double)bytes / (double)in->bytes_all;

    part = part < 1 ? part : 1;
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(part * BAR) ? '=' : ' ';
    bar[BAR] = '\0';
    fprintf(stderr, "  [%s] %3.0f %%", bar, part * 100);
    if (part > 0.02)
        fprintf(stderr, ", %.0f s left", seconds * (1 - part) / part);
}

static void add_read(struct leads_stats *sum, const struct leads_stats *s)
{
    sum->rows += s->rows;
    sum->leads += s->leads;
    sum->rejected += s->rejected;
    sum->missing_number += s->missing_number;
    sum->invalid_number += s->invalid_number;
    sum->bad_numbers += s->bad_numbers;
    sum->bytes += s->bytes;
    sum->lines += s->lines;
}

/* ---- one lead ---- */

static void put_reject(struct import *in, const char *reason)
{
    snprintf(in->refused, sizeof(in->refused), "%s", reason);
    if (in->rejects.path)
        import_rejects_put(&in->rejects, in->leads, leads_line(in->leads), reason);
}

/* True: a number of it is another lead's. Else its numbers are its own from now on. */
static enum err look_at_numbers(struct import *in, const struct lead *lead, bool *other)
{
    struct slice id = slice_cstr(lead->id);
    enum err e = OK;

    *other = false;
    for (uint32_t i = 0; i < lead->number_count && !*other; i++)
        *other = import_numbers_is_others(in->numbers, slice_cstr(lead->numbers[i].number), id);
    for (uint32_t i = 0; i < lead->number_count && !*other && e == OK; i++)
        e = import_numbers_take(in->numbers, slice_cstr(lead->numbers[i].number), id, other);
    return e;
}

/* The lead's own clock: its zone's, else its number's when that is certain, else the campaign's. */
static const struct zone *clock_of(struct import *in, const struct lead *lead,
                                   const struct place *place)
{
    const char *names[NUMBER_ZONES_MAX];
    const struct zone *z = NULL;

    if (place->zone_count)
        return place->zones[0];
    if (lead->number_count && number_zones(lead->numbers[0].number, names) == 1)
        z = zone_cache_get(in->config->zones, slice_cstr(names[0]));
    return z ? z : in->config->campaign->zone;
}

static void fill(struct import *in, const struct lead *lead, struct queue_lead *task)
{
    struct place place = {0};

    *task = (struct queue_lead){
        .id = slice_cstr(lead->id),
        .name = lead->name,
        .zone = lead->zone,
        .fields = lists_name_in(in->list, lead->fields, in->fields, sizeof(in->fields)),
        .priority = lead->priority};
    for (uint32_t i = 0; i < lead->number_count; i++) {
        task->numbers[i].number = slice_cstr(lead->numbers[i].number);
        task->numbers[i].kind = slice_cstr(lead->numbers[i].kind);
    }
    if (lead->zone.len) {
        place_read(&place, lead->zone, SLICE_NONE, in->config->zones);
        if (place.zone_count == 0) {
            task->zone = SLICE_NONE;
            in->result->unknown_zones++;
        }
    }
    if (lead->expires.there)
        task->expires_wall_ms = lead_until_ms(&lead->expires, clock_of(in, lead, &place));
    task->due_wall_ms = lead_from_ms(&lead->call_back, in->config->campaign->zone);
    lists_line_up(in->config->campaign, in->list, task);
}

/* What the rules leave with a lead that is finished without a call. */
static enum err note_undialled(struct import *in, const struct lead *lead,
                               const struct rules_decision *decision)
{
    const struct queue_note note = {.comment = slice_cstr(decision->comment),
                                    .mark = slice_cstr(decision->mark)};
    enum err e;

    if (!note.comment.len && !note.mark.len)
        return OK;
    while ((e = queue_note(in->config->queue, slice_cstr(lead->id), &note, NULL, NULL)) ==
           ERR_FULL) {
        loop_turn(in->config->loop, IMPORT_TURN_US);
        if (import_stop_asked(in))
            return ERR_CANCELLED;
    }
    return e;
}

static enum err finish_undialled(struct import *in, const struct lead *lead,
                                 struct rules_decision *decision)
{
    char reason[LEADS_REASON_MAX];
    struct place place;
    const struct rules_input rules = {.result = lead->result,
                                      .now_wall_ms = clock_wall_ms(in->config->loop->clock),
                                      .place = &place};

    place_read(&place, lead->zone, lead->fields, in->config->zones);
    rules_decide(in->config->campaign, &rules, decision);
    if (in->config->undialled)
        in->config->undialled(in->config->arg, lead, decision);
    if (lead->result == RESULT_MISSING_NUMBER)
        snprintf(reason, sizeof(reason), "it has no number");
    else
        snprintf(reason, sizeof(reason), "number '" SLICE_FMT "': %s",
                 SLICE_ARG(
                     slice_of(lead->bad_text.p, lead->bad_text.len < 40 ? lead->bad_text.len : 40)),
                 lead->why);
    put_reject(in, reason);
    return note_undialled(in, lead, decision);
}

enum err import_put_lead(struct import *in, const struct lead *lead)
{
    struct queue_lead task;
    struct rules_decision decision;
    bool other = false;
    enum err e = in->numbers ? look_at_numbers(in, lead, &other) : OK;

    in->refused[0] = '\0';
    in->left_out = other;
    if (e)
        return e;
    if (other) {
        in->result->same_number++;
        put_reject(in, "another lead has this number");
        return OK;
    }
    fill(in, lead, &task);
    if (lead->result != RESULT_NONE) {
        if ((e = finish_undialled(in, lead, &decision)) != OK)
            return e;
        task.status = slice_cstr(decision.finish ? decision.status : STATUS_INVALID);
    }
    while ((e = queue_add(in->config->queue, &task)) == ERR_AGAIN) {
        loop_turn(in->config->loop, IMPORT_TURN_US);
        if (import_stop_asked(in))
            return ERR_CANCELLED;
    }
    if (e == ERR_TOO_LONG || e == ERR_INVALID) {
        in->result->too_long++;
        in->left_out = true;
        put_reject(in, "a text is longer than a task takes (name 127 bytes, zone 47, fields 4000)");
        return OK;
    }
    if (++in->count % PROGRESS_EVERY == 0 && in->config->shows_progress)
        show(in);
    return e;
}

static enum err on_lead(void *arg, const struct lead *lead)
{
    return import_put_lead(arg, lead);
}

static void on_rejected(void *arg, uint64_t line, const char *reason)
{
    struct import *in = arg;

    import_rejects_put(&in->rejects, in->leads, line, reason);
}

/* ---- one file ---- */

static void name_rejects(struct import *in, const char *path)
{
    if (in->config->rejects_path)
        snprintf(in->rejects_path, sizeof(in->rejects_path), "%s", in->config->rejects_path);
    else
        snprintf(in->rejects_path, sizeof(in->rejects_path), "%s.rejected.csv",
                 strcmp(path, "-") == 0 ? "leads" : path);
}

static void close_rejects(struct import *in)
{
    in->result->rejects += in->rejects.rows;
    if (in->rejects.rows && !in->rejects.failed)
        snprintf(in->result->rejects_path, sizeof(in->result->rejects_path), "%s",
                 in->rejects.path);
    import_rejects_close(&in->rejects);
    in->rejects = (struct import_rejects){.path = in->rejects_path};
}

/* Fed line by line, each is answered: there is no file of rejects that was not asked for. */
static enum err read_leads(struct import *in, const char *path, bool fed)
{
    if (!fed && (!in->config->rejects_path || !in->rejects.path)) {
        name_rejects(in, path);
        in->rejects = (struct import_rejects){.path = in->rejects_path};
    } else if (fed && in->config->rejects_path) {
        in->rejects.path = in->config->rejects_path;
    }
    in->result->fed = fed;
    return fed ? import_feed(in) : leads_each(in->leads, on_lead, on_rejected, in);
}

static enum err read_opened(struct import *in, const char *path, bool fed)
{
    enum err e = read_leads(in, path, fed);

    if (e == ERR_IO && import_stop_asked(in))
        e = ERR_CANCELLED;
    if (e != OK && !in->error[0])
        snprintf(in->error, IMPORT_ERROR_MAX, "%s: reading stopped at line %llu (%s)", path,
                 (unsigned long long)leads_line(in->leads), err_name(e));
    add_read(&in->result->read, leads_stats_of(in->leads));
    in->bytes_before += leads_stats_of(in->leads)->bytes;
    leads_close(in->leads);
    in->leads = NULL;
    if (!in->config->rejects_path)
        close_rejects(in);
    return e;
}

static enum err import_file(struct import *in, const char *path)
{
    char why[LEADS_REASON_MAX] = "";
    struct import_input input = {.import = in};
    const struct number_country *home = in->config->campaign->country;
    bool standard_input = strcmp(path, "-") == 0;
    enum err e = standard_input ? import_input_open(&in->leads, &input, home, why)
                                : leads_open(&in->leads, path, home, why);

    if (e != OK) {
        snprintf(in->error, IMPORT_ERROR_MAX, "%s", why);
        return import_stop_asked(in) ? ERR_CANCELLED : e;
    }
    return read_opened(in, path, standard_input && input.json && in->config->answers);
}

static enum err import_text(struct import *in)
{
    char why[LEADS_REASON_MAX] = "";
    const struct import_config *c = in->config;
    enum err e = leads_open_memory(&in->leads, c->text, c->campaign->country, why);

    if (e != OK)
        snprintf(in->error, IMPORT_ERROR_MAX, "%s", why);
    in->list = c->lists ? c->lists[0] : NULL;
    return e != OK ? e : read_opened(in, "the leads", c->answers != NULL);
}

/* ---- questions to the queue, waited for ---- */

static enum err wait_for(struct import *in, enum err asked)
{
    uint64_t until = now_ms(in) + FINISH_WAIT_MS;
    enum err e = asked;

    while (e == OK && !in->answered) {
        loop_turn(in->config->loop, IMPORT_TURN_US);
        if (in->answered)
            break;
        if (now_ms(in) > until)
            e = ERR_TIMEOUT;
        if (import_stop_asked(in))
            e = ERR_CANCELLED;
    }
    in->answered = false;
    return e ? e : in->answer;
}

static void on_finished(void *arg, enum err e)
{
    struct import *in = arg;

    in->answer = e;
    in->answered = true;
}

static void on_numbers(void *arg, enum err e, const struct queue_numbers *page, uint32_t n,
                       bool last)
{
    struct import *in = arg;

    (void)last;
    for (uint32_t i = 0; i < n && e == OK; i++) {
        struct slice rest = page[i].numbers, one, number, kind;
        bool more = rest.len > 0, other;

        while (more && e == OK) {
            more = slice_cut(rest, ',', &one, &rest);
            slice_cut(one, ' ', &number, &kind);
            e = import_numbers_take(in->numbers, number, page[i].id, &other);
        }
    }
    in->answer = e;
    in->answered = true;
}

static enum err learn_numbers(struct import *in)
{
    enum err e = import_numbers_open(&in->numbers);

    do {
        if (e == OK)
            e = wait_for(in, queue_numbers(in->config->queue, &in->cursor, on_numbers, in));
    } while (e == OK && in->cursor);
    if (e != OK)
        snprintf(in->error, IMPORT_ERROR_MAX, "the numbers in Redis cannot be read (%s): %s",
                 err_name(e), queue_error(in->config->queue));
    return e;
}

/* A feed that was ended by a signal has nothing to wait for: each lead was. */
static enum err finish(struct import *in)
{
    struct queue *q = in->config->queue;
    enum err e = queue_idle(q) ? OK : wait_for(in, queue_add_finish(q, on_finished, in));

    if (e == OK || e == ERR_IO) /* of this import, not of one before */
        e = queue_add_stats_of(q)->failed > in->failed_before ? ERR_IO : OK;
    if (e != OK)
        snprintf(in->error, IMPORT_ERROR_MAX, "the leads could not be put into Redis (%s): %s",
                 err_name(e), queue_error(q));
    return e;
}

/* ---- all of it ---- */

static uint64_t size_of_all(const struct import_config *c)
{
    uint64_t sum = 0;
    struct stat st;

    for (uint32_t i = 0; i < c->path_count; i++) {
        if (stat(c->paths[i], &st) != 0 || !S_ISREG(st.st_mode))
            return 0;
        sum += (uint64_t)st.st_size;
    }
    return sum;
}

enum err import_files(const struct import_config *config, struct import_result *result, char *error)
{
    struct import in = {.config = config, .result = result, .error = error};
    const struct queue_add_stats before = *queue_add_stats_of(config->queue);
    enum err e = OK;

    *result = (struct import_result){0};
    in.failed_before = before.failed;
    in.started_ms = now_ms(&in);
    in.bytes_all = config->shows_progress ? size_of_all(config) : 0;
    queue_add_updates(config->queue, config->updates);
    if (config->by_number)
        e = learn_numbers(&in);
    for (uint32_t i = 0; i < config->path_count && e == OK; i++) {
        in.list = config->lists ? config->lists[i] : NULL;
        e = import_file(&in, config->paths[i]);
    }
    if (e == OK && config->text.len)
        e = import_text(&in);
    close_rejects(&in);
    if (e != ERR_CANCELLED && !(e && in.error[0] && in.count == 0)) {
        enum err last = finish(&in);

        e = e ? e : last;
    }
    if (e == ERR_CANCELLED)
        queue_add_leave(config->queue);
    const struct queue_add_stats *now = queue_add_stats_of(config->queue);

    result->added = now->added - before.added;
    result->updated = now->updated - before.updated;
    result->known = now->duplicates - before.duplicates;
    result->seconds = (double)(now_ms(&in) - in.started_ms) / 1000;
    import_numbers_close(in.numbers);
    if (config->shows_progress)
        fputs("\r\033[K", stderr);
    return e;
}

static unsigned long long n(uint64_t v)
{
    return v;
}

void import_say(const struct import_result *r, FILE *to)
{
    fprintf(to, "%llu rows read in %.1f s: %llu new leads", n(r->read.rows), r->seconds,
            n(r->added));
    if (r->updated)
        fprintf(to, ", %llu changed", n(r->updated));
    if (r->known)
        fprintf(to, ", %llu known already and left as they are", n(r->known));
    fputs(".\n", to);
    if (r->read.missing_number || r->read.invalid_number)
        fprintf(to,
                "%llu have no number and %llu no valid one: they are finished without a call.\n",
                n(r->read.missing_number), n(r->read.invalid_number));
    if (r->read.bad_numbers)
        fprintf(to, "%llu invalid numbers are left out of leads that have others.\n",
                n(r->read.bad_numbers));
    if (r->unknown_zones)
        fprintf(to, "%llu name a time zone that is none: their numbers tell it instead.\n",
                n(r->unknown_zones));
    if (r->same_number)
        fprintf(to, "%llu are left out: another lead has their number.\n", n(r->same_number));
    if (r->read.rejected || r->too_long)
        fprintf(to, "%llu bad rows are left out.\n", n(r->read.rejected + r->too_long));
    if (r->rejects_path[0])
        fprintf(to, "What cannot be dialled is in %s, with line and reason.\n", r->rejects_path);
}

/* ---- of peal run ---- */

static void keep_undialled(void *arg, const struct lead *lead,
                           const struct rules_decision *decision)
{
    struct dialer *d = arg;
    struct call_record r;

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
        loop_turn(d->loop, IMPORT_TURN_US);
    d->records_given++;
    d->look.results[r.result]++;
}

enum err import_leads(struct dialer *d, char *error)
{
    char rejects[IMPORT_PATH_MAX];
    struct campaign_source sources[CAMPAIGN_SOURCES_MAX];
    const char *paths[CAMPAIGN_SOURCES_MAX];
    const struct campaign_list *lists[CAMPAIGN_SOURCES_MAX];
    uint32_t count = campaign_sources(d->campaign, d->config.leads_path, sources);
    struct import_result r;
    const struct import_config config = {
        .loop = d->loop,
        .queue = d->queue,
        .campaign = d->campaign,
        .zones = d->zones,
        .paths = paths,
        .path_count = count,
        .lists = lists,
        .rejects_path = rejects,
        .shows_progress = !d->config.quiet && isatty(STDERR_FILENO),
        .stop_asked = &d->stop_asked,
        .undialled = keep_undialled,
        .arg = d,
    };

    _Static_assert(IMPORT_ERROR_MAX <= DIALER_ERROR_MAX, "its sentences fit");
    for (uint32_t i = 0; i < count; i++) {
        paths[i] = sources[i].path;
        lists[i] = sources[i].list;
    }
    if (count == 0) /* only what the queue holds */
        return OK;
    snprintf(rejects, sizeof(rejects), "%s/rejected.csv", d->config.data_dir);
    enum err e = import_files(&config, &r, error);

    d->run->rejected_rows += r.read.rejected + r.too_long;
    if (!d->config.quiet || r.rejects)
        import_say(&r, stderr);
    return e;
}
