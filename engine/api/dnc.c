/* Texts, and questions to the lists. */
#include "api/dnc.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/view.h"
#include "campaign/ledger.h"

#define SEPARATOR '\x1f'
#define DAY_MS    86400000ll

/* ---- texts ---- */

static enum err wrong(char *says, struct slice text, const char *accepted)
{
    snprintf(says, DNC_SAYS_MAX, "'%.*s' is not accepted; accepted: %s",
             (int)(text.len < 60 ? text.len : 60), text.p ? text.p : "", accepted);
    return ERR_INVALID;
}

enum err dnc_read_list(struct slice text, char list[GATE_LIST_MAX + 1], char says[DNC_SAYS_MAX])
{
    struct slice word, name;
    int n;

    slice_cut(text, ' ', &word, &name);
    if (slice_eq(text, SLICE("global"))) {
        n = snprintf(list, GATE_LIST_MAX + 1, "%s", GATE_LIST_GLOBAL);
    } else if (slice_eq(text, SLICE("own"))) {
        n = snprintf(list, GATE_LIST_MAX + 1, "%s", GATE_LIST_OWN);
    } else if (slice_eq(word, SLICE("campaign")) && name.len) {
        n = snprintf(list, GATE_LIST_MAX + 1, "c:%.*s", SLICE_ARG(name));
    } else if (slice_eq(word, SLICE("channel"))) {
        if (!slice_eq(name, SLICE("phone")) && !slice_eq(name, SLICE("text")) &&
            !slice_eq(name, SLICE("mail")))
            return wrong(says, name, "phone, text, mail");
        n = snprintf(list, GATE_LIST_MAX + 1, "ch:%.*s", SLICE_ARG(name));
    } else {
        return wrong(says, text,
                     "global, own, campaign NAME, channel phone, channel text, channel mail");
    }
    return n > GATE_LIST_MAX ? wrong(says, text, "names of 69 bytes at most") : OK;
}

enum err dnc_read_until(struct slice text, uint64_t *wall_ms, char says[DNC_SAYS_MAX])
{
    unsigned hour = 24, minute = 0, second = 0;
    char time[16] = "";
    struct slice date, rest;
    int32_t day;
    int read = 0;

    if (slice_cut(text, 'T', &date, &rest) &&
        (slice_copy(rest, time, sizeof(time)) != OK ||
         ((sscanf(time, "%2u:%2uZ%n", &hour, &minute, &read) != 2 || read != (int)rest.len) &&
          (sscanf(time, "%2u:%2u:%2uZ%n", &hour, &minute, &second, &read) != 3 ||
           read != (int)rest.len))))
        hour = 99;
    if (ledger_date_parse(date, &day) != OK || day < 0 || hour > 24 || minute > 59 || second > 59)
        return wrong(says, text, "2026-12-31, 2026-12-31T18:00Z (UTC)");
    *wall_ms = (uint64_t)(day * DAY_MS + ((int64_t)hour * 3600 + minute * 60 + second) * 1000);
    return OK;
}

static enum err read_prefix(struct slice text, char digits[NUMBER_E164_MAX], char *says)
{
    struct slice from = slice_from(text, text.p[0] == '+');
    uint32_t n = 0;

    while (n < from.len && from.p[n] >= '0' && from.p[n] <= '9')
        n++;
    if (n + 1 != from.len || n == 0 || n > GATE_DIGITS_MAX || from.p[0] == '0')
        return wrong(says, text, "digits of the international form and one '*', as in '+1900*'");
    memcpy(digits, from.p, n);
    digits[n] = '\0';
    return OK;
}

enum err dnc_read_number(struct slice text, const struct number_country *home,
                         char digits[NUMBER_E164_MAX], struct queue_dnc_entry *entry,
                         char says[DNC_SAYS_MAX])
{
    const char *why = NULL;

    entry->prefix = text.len > 0 && text.p[text.len - 1] == '*';
    if (entry->prefix) {
        if (read_prefix(text, digits, says) != OK)
            return ERR_INVALID;
    } else if (number_normalise(text, home, digits, &why) != OK) {
        snprintf(says, DNC_SAYS_MAX, "'%.*s' is no number: %s",
                 (int)(text.len < 60 ? text.len : 60), text.p ? text.p : "",
                 !home && (!text.len || text.p[0] != '+') ? "it has no +, and no country is named"
                                                          : why);
        return ERR_INVALID;
    }
    entry->number = slice_cstr(digits);
    return OK;
}

/* ---- changes ---- */

struct changing {
    struct ask *ask;
    bool *changed;
};

static void on_changed(void *arg, enum err e, bool did)
{
    struct changing *c = arg;

    *c->changed = did;
    ask_on_done(c->ask, e);
}

bool dnc_change(struct ask *ask, const struct queue_dnc_entry *entry, bool adds, bool *changed)
{
    struct changing c = {ask, changed};

    *changed = false;
    return ask_wait(ask, adds ? queue_dnc_add(ask->queue, entry, on_changed, &c)
                              : queue_dnc_remove(ask->queue, entry, on_changed, &c));
}

/* ---- looking ---- */

struct listing {
    struct ask *ask;
    struct dnc_lists *lists;
};

static void on_lists(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct listing *l = arg;

    for (uint32_t i = 0; e == OK && i < n && i < DNC_LISTS_MAX; i++)
        if (slice_copy(texts[i], l->lists->text[l->lists->count], sizeof(l->lists->text[0])) ==
            OK) {
            l->lists->name[l->lists->count] = slice_cstr(l->lists->text[l->lists->count]);
            l->lists->count++;
        }
    ask_on_done(l->ask, e == OK && n > DNC_LISTS_MAX ? ERR_TOO_LONG : e);
}

struct dnc_lists *dnc_lists_read(struct ask *ask)
{
    struct listing l = {ask, calloc(1, sizeof(*l.lists))};

    if (l.lists && ask_wait(ask, queue_dnc_lists(ask->queue, on_lists, &l)))
        return l.lists;
    if (!l.lists)
        ask->e = ERR_NOMEM;
    free(l.lists);
    return NULL;
}

struct looking {
    struct ask *ask;
    struct dnc_found *found;
    struct dnc_holder *holder; /* whose text is asked for */
    uint32_t most;
    bool import;
};

static void copy(struct slice text, char *dst, size_t cap)
{
    if (slice_copy(text, dst, cap) != OK)
        slice_copy(slice_of(text.p, cap - 1), dst, cap);
}

/* "since 0x1f until 0x1f who 0x1f why", or an import's: its list before who, its file at the end.
 */
static void read_entry(struct dnc_holder *h, struct slice text, bool import)
{
    struct slice since, until, word, who, why;

    slice_cut(text, SEPARATOR, &since, &text);
    slice_cut(text, SEPARATOR, &until, &text);
    if (import)
        slice_cut(text, SEPARATOR, &word, &text);
    slice_cut(text, SEPARATOR, &who, &text);
    if (import) {
        slice_cut(text, SEPARATOR, &why, &word);
        copy(word, h->file, sizeof(h->file));
    } else {
        why = text;
    }
    slice_u64(since, UINT64_MAX, &h->since_wall_ms);
    slice_u64(until, UINT64_MAX, &h->until_wall_ms);
    copy(who, h->who, sizeof(h->who));
    copy(why, h->why, sizeof(h->why));
}

static void on_entry(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct looking *l = arg;

    if (e == OK && n == 1)
        read_entry(l->holder, texts[0], l->import);
    ask_on_done(l->ask, e);
}

static void on_look(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct looking *l = arg;
    struct dnc_found *f = l->found;

    if (e == OK && n < 3)
        e = ERR_IO;
    if (e == OK) {
        slice_u64(texts[0], UINT64_MAX, &f->calls);
        slice_u64(texts[1], UINT64_MAX, &f->locked_until_wall_ms);
        copy(texts[2], f->locked_why, sizeof(f->locked_why));
    }
    for (uint32_t i = 3; e == OK && i + 2 < n && f->holders < l->most; i += 3) {
        struct dnc_holder *h = &f->holder[f->holders++];

        copy(texts[i], h->list, sizeof(h->list));
        if (slice_eq(texts[i + 1], SLICE("note")))
            read_entry(h, texts[i + 2], false);
        else if (slice_eq(texts[i + 1], SLICE("bulk")))
            slice_u32(texts[i + 2], &h->import);
        else
            copy(texts[i + 2], h->prefix, sizeof(h->prefix));
    }
    ask_on_done(l->ask, e);
}

/* What imports and prefixes are told with, which lies elsewhere. */
static bool ask_more(struct looking *l)
{
    struct ask *ask = l->ask;

    for (uint32_t i = 0; i < l->found->holders; i++) {
        struct dnc_holder *h = l->holder = &l->found->holder[i];

        l->import = h->import != 0;
        if (h->import && !ask_wait(ask, queue_dnc_about_import(ask->queue, h->import, on_entry, l)))
            return false;
        if (h->prefix[0] &&
            !ask_wait(ask, queue_dnc_about_prefix(ask->queue, slice_cstr(h->list),
                                                  slice_cstr(h->prefix), on_entry, l)))
            return false;
    }
    return true;
}

struct dnc_found *dnc_look_up(struct ask *ask, const char *number)
{
    struct dnc_lists *lists = dnc_lists_read(ask);
    struct looking l = {.ask = ask};

    if (!lists)
        return NULL;
    l.most = 3 * lists->count; /* by itself, by an import and by a prefix */
    l.found = calloc(1, sizeof(*l.found) + l.most * sizeof(l.found->holder[0]));
    bool good = l.found != NULL;

    if (good) {
        copy(slice_cstr(number), l.found->number, sizeof(l.found->number));
        good = ask_wait(ask, queue_dnc_look(ask->queue, slice_cstr(number), lists->name,
                                            lists->count, on_look, &l)) &&
               ask_more(&l);
    } else {
        ask->e = ERR_NOMEM;
    }
    free(lists);
    if (good)
        return l.found;
    free(l.found);
    return NULL;
}

void dnc_found_json(const struct dnc_found *f, struct json *j)
{
    char words[128];

    json_begin_object(j, NULL);
    json_cstr(j, "number", f->number);
    json_bool(j, "listed", f->holders > 0);
    json_begin_array(j, "lists");
    for (uint32_t i = 0; i < f->holders; i++) {
        const struct dnc_holder *h = &f->holder[i];

        gate_list_words(slice_cstr(h->list), words, sizeof(words));
        json_begin_object(j, NULL);
        json_cstr(j, "list", words);
        json_cstr(j, "prefix", h->prefix[0] ? h->prefix : NULL);
        json_cstr(j, "file", h->file[0] ? h->file : NULL);
        view_put_instant(j, "since", h->since_wall_ms);
        view_put_instant(j, "until", h->until_wall_ms);
        json_cstr(j, "who", h->who);
        json_cstr(j, "why", h->why);
        json_end(j);
    }
    json_end(j);
    view_put_instant(j, "locked_until", f->locked_until_wall_ms);
    json_cstr(j, "locked_why", f->locked_why[0] ? f->locked_why : NULL);
    json_u64(j, "calls_35_days", f->calls);
    json_end(j);
}
