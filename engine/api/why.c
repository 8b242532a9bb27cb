/* Finding a lead, asking what holds it. */
#include "api/why.h"

#include <stdlib.h>
#include <string.h>

#include "queue/dnc.h"
#include "report/input.h"

struct asking {
    struct view *view;
    const char *lead;
    struct queue_stands *found; /* WHY_FOUND_MAX */
    uint32_t count, left_out;
    uint64_t next;
    struct queue_gate_answer gate;
    struct place_limit limits[PLACE_LIMITS_MAX];
    struct standing_more more;
    char attempts_text[64 * 1024];
    struct queue_attempt_text attempts[LOOK_ATTEMPTS_MAX];
    uint32_t attempt_count;
};

static void keep(struct asking *a, const struct queue_stands *t)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (strcmp(a->found[i].task.id, t->task.id) == 0)
            return; /* a scan may tell a task twice */
    if (a->count < WHY_FOUND_MAX)
        a->found[a->count++] = *t;
    else
        a->left_out++;
}

static void on_look(void *arg, enum err e, const struct queue_stands *t)
{
    struct asking *a = arg;

    ask_on_done(a->view->ask, e);
    if (t)
        keep(a, t);
}

static void on_each(void *arg, const struct queue_stands *t)
{
    keep(arg, t);
}

static void on_chunk(void *arg, enum err e, uint64_t next)
{
    struct asking *a = arg;

    ask_on_done(a->view->ask, e);
    a->next = next;
}

/* The texts are the answer's: kept until the next question. */
static void on_attempts(void *arg, enum err e, const struct queue_attempt_text *t, uint32_t n)
{
    struct asking *a = arg;
    size_t used = 0;

    ask_on_done(a->view->ask, e);
    a->attempt_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct queue_attempt_text *k = &a->attempts[a->attempt_count];

        if (t[i].text.len > sizeof(a->attempts_text) - used) { /* drop the oldest: start again */
            a->attempt_count = 0;
            used = 0;
            k = &a->attempts[0];
        }
        *k = t[i];
        if (t[i].text.len)
            memcpy(a->attempts_text + used, t[i].text.p, t[i].text.len);
        k->text = slice_of(a->attempts_text + used, t[i].text.len);
        used += t[i].text.len;
        a->attempt_count++;
    }
}

static void on_gate(void *arg, enum err e, const struct queue_gate_answer *g)
{
    struct asking *a = arg;

    ask_on_done(a->view->ask, e);
    a->gate = *g;
}

static bool find(struct asking *a)
{
    struct ask *to = a->view->ask;
    char number[NUMBER_E164_MAX] = "";
    const struct number_country *home =
        a->view->campaign ? a->view->campaign->country : number_country_find(SLICE("us"));

    a->count = a->left_out = 0;
    if (!ask_wait(to, queue_look(to->queue, slice_cstr(a->lead), on_look, a)))
        return false;
    if (a->count || number_normalise(slice_cstr(a->lead), home, number, NULL) != OK)
        return true;
    a->next = 0;
    do {
        if (!ask_wait(to, queue_find(to->queue, slice_cstr(number), a->next, on_each, on_chunk, a)))
            return false;
    } while (a->next);
    return true;
}

/* "since 0x1f until 0x1f who 0x1f why", or an import's, which has its list before who. */
static void read_entry(struct standing_more *m, struct slice text, bool import)
{
    struct slice since, word, who, why;

    if (!slice_cut(text, '\x1f', &since, &text) || !slice_cut(text, '\x1f', &word, &text) ||
        (import && !slice_cut(text, '\x1f', &word, &text)))
        return;
    slice_cut(text, '\x1f', &who, &text);
    slice_cut(text, '\x1f', &why, &text);
    if (slice_u64(since, UINT64_MAX, &m->listed_wall_ms) != OK ||
        slice_copy(who, m->listed_by, sizeof(m->listed_by)) != OK ||
        slice_copy(why, m->listed_why, sizeof(m->listed_why)) != OK)
        m->listed_wall_ms = 0;
}

struct listed {
    struct asking *a;
    bool import;
    uint64_t number; /* of the import */
};

static void on_entry(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct listed *l = arg;

    ask_on_done(l->a->view->ask, e);
    if (e == OK && n == 1)
        read_entry(&l->a->more, texts[0], l->import);
}

static void on_lists(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct listed *l = arg;

    ask_on_done(l->a->view->ask, e);
    for (uint32_t i = 3; e == OK && i + 2 < n; i += 3) {
        if (slice_eq(texts[i + 1], SLICE("note")))
            read_entry(&l->a->more, texts[i + 2], false);
        else if (slice_eq(texts[i + 1], SLICE("bulk")) &&
                 slice_u64(texts[i + 2], UINT32_MAX, &l->number) == OK)
            l->import = true;
    }
}

/* Since when it is on its list, and by whom. */
static bool ask_list(struct asking *a, const char *number)
{
    struct ask *to = a->view->ask;
    struct listed l = {.a = a};
    struct slice list = slice_cstr(a->gate.list);

    if (a->gate.prefix[0])
        return ask_wait(
            to, queue_dnc_about_prefix(to->queue, list, slice_cstr(a->gate.prefix), on_entry, &l));
    return ask_wait(to, queue_dnc_look(to->queue, slice_cstr(number), &list, 1, on_lists, &l)) &&
           (!l.import ||
            ask_wait(to, queue_dnc_about_import(to->queue, (uint32_t)l.number, on_entry, &l)));
}

static bool ask_gate(struct asking *a, const struct queue_task *t)
{
    struct ask *to = a->view->ask;
    const char *number = queue_task_number(t);
    struct queue_gate_limit limits[GATE_LIMITS_MAX];
    struct queue_gate_ask ask = {.number = slice_cstr(number),
                                 .campaign = slice_cstr(a->view->name),
                                 .limits = limits,
                                 .peek = true};

    a->more.limits = a->limits;
    a->more.limit_count = standing_limits(&a->view->standing, t, a->limits);
    for (uint32_t i = 0; i < a->more.limit_count && i < GATE_LIMITS_MAX; i++)
        limits[ask.limit_count++] =
            (struct queue_gate_limit){.since_wall_ms = a->limits[i].since_wall_ms,
                                      .most = a->limits[i].calls,
                                      .until_wall_ms = a->limits[i].until_wall_ms};
    a->more.gate = NULL;
    if (!number[0])
        return true;
    enum err asked = queue_gate(to->queue, &ask, on_gate, a);

    if (asked == ERR_INVALID)
        return true;
    if (!ask_wait(to, asked))
        return false;
    a->more.gate = &a->gate;
    return (a->gate.verdict != GATE_DNC && a->gate.verdict != GATE_OWN) || ask_list(a, number);
}

static bool explain(struct asking *a, const struct queue_stands *t, struct reasons *reasons)
{
    struct ask *to = a->view->ask;

    a->more = (struct standing_more){
        .control = &a->view->control, .engines = a->view->engine, .engine_count = a->view->present};
    if (!ask_wait(to, queue_attempts(to->queue, slice_cstr(t->task.id), on_attempts, a)) ||
        !ask_gate(a, &t->task))
        return false;
    if (a->attempt_count)
        a->more.last = &a->attempts[a->attempt_count - 1];
    standing_explain(&a->view->standing, t, &a->more, reasons);
    return true;
}

static bool ask_each(struct asking *a, why_fn *each, void *arg)
{
    struct reasons reasons;

    if (!find(a))
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!explain(a, &a->found[i], &reasons))
            return false;
        const struct why w = {a->view, &a->found[i], &reasons, a->attempts, a->attempt_count};

        each(arg, &w);
    }
    return true;
}

bool why_ask(struct view *view, const char *lead, why_fn *each, void *arg, struct why_counts *n)
{
    struct asking *a = calloc(1, sizeof(*a));
    bool good = a && (a->found = calloc(WHY_FOUND_MAX, sizeof(*a->found)));

    *n = (struct why_counts){0};
    if (good) {
        a->view = view;
        a->lead = lead;
        good = ask_each(a, each, arg);
        *n = (struct why_counts){a->count, a->left_out};
        free(a->found);
    } else {
        view->ask->e = ERR_NOMEM;
    }
    free(a);
    return good;
}

/* ---- as JSON ---- */

static void put_attempt(struct json *j, const struct queue_attempt_text *t)
{
    struct input *r = t->open ? NULL : input_parse(t->text);

    json_begin_object(j, NULL);
    json_u64(j, "attempt", t->number);
    json_bool(j, "open", t->open);
    view_put_instant(j, "at", t->open ? t->open_ms : input_u64(input_get(r, "invite_ms")));
    json_cstr(j, "result", input_text(input_get(r, "result")));
    json_cstr(j, "delivery", input_text(input_get(r, "delivery")));
    json_cstr(j, "number", input_text(input_get(r, "number")));
    json_end(j);
    input_free(r);
}

void why_json(const struct why *w, struct json *j)
{
    static const char *const stands[] = {"fresh", "waits", "leased", "done"};
    const struct queue_stands *t = w->stands;
    const struct reasons *r = w->reasons;

    json_begin_object(j, NULL);
    json_cstr(j, "campaign", w->view->name);
    json_cstr(j, "lead", t->task.id);
    json_begin_array(j, "numbers");
    for (uint32_t i = 0; i < t->task.number_count; i++)
        json_cstr(j, NULL, t->task.numbers[i].number);
    json_end(j);
    json_cstr(j, "stands", stands[t->stands]);
    json_cstr(j, "status", t->stands == TASK_DONE ? t->status : NULL);
    view_put_instant(j, "next", r->next_wall_ms);
    view_put_instant(j, "next_if_it_runs", r->next_if_run_wall_ms);
    json_begin_array(j, "reasons");
    for (uint32_t i = 0; i < r->count; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "reason", reason_name(r->at[i].kind));
        view_put_instant(j, "until", r->at[i].until_wall_ms);
        json_cstr(j, "sentence", r->at[i].text);
        json_end(j);
    }
    json_end(j);
    json_u64(j, "tries", t->task.tries);
    json_u64(j, "charged", t->task.charged);
    json_begin_array(j, "attempts");
    for (uint32_t i = 0; i < w->attempt_count; i++)
        put_attempt(j, &w->attempts[i]);
    json_end(j);
    json_end(j);
}
