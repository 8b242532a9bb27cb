/* The lists' questions and changes. A change is a chain: on record in "{peal-dnc}", then made in
 * the number's tag (a prefix: in every tag), then the version is raised. */
#include "queue/dnc.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "queue/gate_internal.h"

#define TEXTS_MAX  (16 + 8 * DNC_READ_MAX)
#define CALL_MOST  (16 + DNC_LISTS_MAX)
#define SALT_BYTES 16

/* ---- changes ---- */

struct change {
    struct queue *queue;
    struct queue_dnc_entry entry;
    bool add, changed;
    uint32_t waiting; /* tags that have not answered */
    enum err e;
    queue_dnc_fn *done;
    void *arg;
    char list[GATE_LIST_MAX + 1], number[GATE_DIGITS_MAX + 2], who[GATE_WHO_MAX + 1],
        why[GATE_WHY_MAX + 1];
};

/* Nothing in a text may look like a separator or break a line. */
static enum err keep(struct slice from, char *to, size_t cap, struct slice *out)
{
    enum err e = slice_copy(from, to, cap);

    for (char *p = to; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    *out = slice_cstr(to);
    return e;
}

static enum err keep_entry(struct change *c, const struct queue_dnc_entry *from)
{
    enum err e = OK;

    c->entry = *from;
    if (from->list.len == 0)
        return ERR_INVALID;
    if ((e = keep(from->list, c->list, sizeof(c->list), &c->entry.list)) ||
        (e = keep(from->number, c->number, sizeof(c->number), &c->entry.number)) ||
        (e = keep(from->who, c->who, sizeof(c->who), &c->entry.who)))
        return e;
    return keep(from->why, c->why, sizeof(c->why), &c->entry.why);
}

static void end(struct change *c, enum err e)
{
    c->done(c->arg, e, e == OK && c->changed);
    free(c);
}

static void on_told(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    if (!e && reply->type != REDIS_REPLY_STATUS)
        e = answer_unexpected(q);
    end(r->arg, e);
}

static void tell(struct change *c)
{
    struct slice argv[4];
    uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("dnc_changed"), DNC_BOOK);
    enum err e = queue_ask(c->queue, on_told, NULL, c, n, argv);

    if (e)
        end(c, e);
}

static void on_made(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct change *c = r->arg;

    if (!e && !answer_is_number(reply))
        e = answer_unexpected(q);
    if (e) {
        end(c, e);
        return;
    }
    c->changed = answer_number(reply) > 0;
    tell(c);
}

static void on_noted(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct change *c = r->arg;
    struct slice argv[12];
    char until[NUMBER_CAP], now[NUMBER_CAP];
    struct gate_place at;
    struct gate_words w;

    (void)reply;
    if (e || (e = gate_place_of(c->entry.number, &at))) {
        end(c, e);
        return;
    }
    gate_words(&w, &at);
    uint32_t n = gate_call_words(
        argv, c->add ? QUEUE_FUNCTION("dnc_hold") : QUEUE_FUNCTION("dnc_drop"), w.key);

    argv[n++] = c->entry.list;
    argv[n++] = slice_cstr(w.number);
    argv[n++] = slice_of(w.e, sizeof(w.e));
    argv[n++] = slice_cstr(w.group);
    argv[n++] = queue_now(q, now);
    argv[n++] = queue_decimal(until, c->entry.until_wall_ms);
    argv[n++] = c->entry.who;
    argv[n++] = c->entry.why;
    e = queue_ask(q, on_made, NULL, c, n, argv);
    if (e)
        end(c, e);
}

static enum err note(struct queue *q, struct slice what, const struct queue_dnc_entry *entry,
                     struct slice more, queue_answered_fn *answered, queue_any_fn *done, void *arg)
{
    struct slice argv[12];
    char until[NUMBER_CAP], now[NUMBER_CAP];
    uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("dnc_note"), DNC_BOOK);

    argv[n++] = queue_now(q, now);
    argv[n++] = what;
    argv[n++] = entry->list;
    argv[n++] = entry->number;
    argv[n++] = entry->who;
    argv[n++] = entry->why;
    argv[n++] = queue_decimal(until, entry->until_wall_ms);
    argv[n++] = more;
    return queue_ask(q, answered, done, arg, n, argv);
}

/* ---- a prefix, copied into every tag ---- */

static void on_copied(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct change *c = r->arg;

    if (!e && reply->type != REDIS_REPLY_STATUS)
        e = answer_unexpected(q);
    if (e)
        c->e = e;
    if (--c->waiting)
        return;
    if (c->e)
        end(c, c->e);
    else
        tell(c);
}

static void on_prefix(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct change *c = r->arg;
    struct slice argv[6];
    char key[24];

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
               !answer_is_number(reply->element[0]) || !answer_is_text(reply->element[1])))
        e = answer_unexpected(q);
    if (e) {
        end(c, e);
        return;
    }
    c->changed = answer_number(reply->element[0]) > 0;
    c->waiting = 1; /* ours, while they are being sent */
    for (uint32_t tag = 0; tag < GATE_TAGS && !c->e; tag++) {
        snprintf(key, sizeof(key), "{peal-n-%04u}", tag);
        uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("dnc_copy"), key);

        argv[n++] = c->entry.list;
        argv[n++] = answer_text(reply->element[1]);
        c->e = queue_ask(q, on_copied, NULL, c, n, argv);
        c->waiting += c->e == OK;
    }
    if (--c->waiting == 0) /* none could be sent */
        end(c, c->e);
}

static bool is_prefix(struct slice digits)
{
    if (digits.len == 0 || digits.len > GATE_DIGITS_MAX || digits.p[0] == '0')
        return false;
    for (uint32_t i = 0; i < digits.len; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
    return true;
}

static enum err change_prefix(struct change *c)
{
    struct slice argv[12];
    char until[NUMBER_CAP], now[NUMBER_CAP];
    uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("dnc_prefix"), DNC_BOOK);

    argv[n++] = queue_now(c->queue, now);
    argv[n++] = c->add ? SLICE("add") : SLICE("remove");
    argv[n++] = c->entry.list;
    argv[n++] = c->entry.number;
    argv[n++] = c->entry.who;
    argv[n++] = c->entry.why;
    argv[n++] = queue_decimal(until, c->entry.until_wall_ms);
    return queue_ask(c->queue, on_prefix, NULL, c, n, argv);
}

static enum err change(struct queue *q, bool add, const struct queue_dnc_entry *entry,
                       queue_dnc_fn *done, void *arg)
{
    struct change *c = calloc(1, sizeof(*c));
    struct gate_place at;

    if (!c)
        return ERR_NOMEM;
    c->queue = q;
    c->add = add;
    c->done = done;
    c->arg = arg;
    enum err e = keep_entry(c, entry);

    if (!e && (entry->prefix ? !is_prefix(entry->number) : gate_place_of(entry->number, &at) != OK))
        e = ERR_INVALID;
    if (!e)
        e = entry->prefix ? change_prefix(c)
                          : note(q, add ? SLICE("add") : SLICE("remove"), &c->entry, SLICE(""),
                                 on_noted, NULL, c);
    if (e)
        free(c);
    return e;
}

enum err queue_dnc_add(struct queue *q, const struct queue_dnc_entry *entry, queue_dnc_fn *done,
                       void *arg)
{
    return change(q, true, entry, done, arg);
}

enum err queue_dnc_remove(struct queue *q, const struct queue_dnc_entry *entry, queue_dnc_fn *done,
                          void *arg)
{
    return change(q, false, entry, done, arg);
}

/* ---- millions ---- */

static void on_begun(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    if (!e && (!answer_is_number(reply) || reply->integer < 1 || reply->integer > DNC_IMPORTS_MAX))
        e = answer_unexpected(q);
    ((queue_dnc_begun_fn *)r->done)(r->arg, e, e ? 0 : (uint32_t)reply->integer);
}

enum err queue_dnc_import(struct queue *q, const struct queue_dnc_entry *about,
                          queue_dnc_begun_fn *done, void *arg)
{
    struct slice argv[12];
    char until[NUMBER_CAP], now[NUMBER_CAP];

    if (about->list.len == 0 || about->list.len > GATE_LIST_MAX || about->who.len > GATE_WHO_MAX ||
        about->why.len > GATE_WHY_MAX || about->number.len > DNC_FILE_MAX)
        return about->list.len ? ERR_TOO_LONG : ERR_INVALID;
    uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("dnc_import"), DNC_BOOK);

    argv[n++] = queue_now(q, now);
    argv[n++] = about->list;
    argv[n++] = about->number;
    argv[n++] = about->who;
    argv[n++] = about->why;
    argv[n++] = queue_decimal(until, about->until_wall_ms);
    return queue_ask(q, on_begun, (queue_any_fn *)done, arg, n, argv);
}

static void on_filled(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    uint32_t changed = 0, unchanged = 0;

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
               !answer_is_number(reply->element[0]) || !answer_is_number(reply->element[1])))
        e = answer_unexpected(q);
    if (!e) {
        changed = (uint32_t)answer_number(reply->element[0]);
        unchanged = (uint32_t)answer_number(reply->element[1]);
    }
    ((queue_dnc_filled_fn *)r->done)(r->arg, e, changed, unchanged);
}

enum err queue_dnc_fill(struct queue *q, struct slice list, uint32_t import, uint64_t until_wall_ms,
                        const struct gate_place *numbers, uint32_t n, queue_dnc_filled_fn *done,
                        void *arg)
{
    struct slice argv[7 + 2 * GATE_GROUPS];
    char until[NUMBER_CAP], mark[NUMBER_CAP], group[GATE_GROUPS][8];
    char bytes[DNC_FILL_MAX * 8];
    struct gate_words w;

    if (n == 0 || n > DNC_FILL_MAX || import > DNC_IMPORTS_MAX || list.len == 0 ||
        list.len > GATE_LIST_MAX)
        return ERR_INVALID;
    gate_words(&w, numbers);
    uint32_t words = gate_call_words(argv, QUEUE_FUNCTION("dnc_fill"), w.key), groups = 0;

    argv[words++] = list;
    argv[words++] = queue_decimal(until, until_wall_ms);
    argv[words++] = queue_decimal(mark, import);
    for (uint32_t i = 0; i < n; i++) {
        if (numbers[i].tag != numbers->tag || (i && numbers[i].group < numbers[i - 1].group))
            return ERR_INVALID;
        if (i == 0 || numbers[i].group != numbers[i - 1].group) {
            snprintf(group[groups], sizeof(group[0]), "%u", numbers[i].group);
            argv[words++] = slice_cstr(group[groups++]);
            argv[words++] = slice_of(bytes + 8 * (size_t)i, 0);
        }
        gate_pack(numbers[i].number, import, bytes + 8 * (size_t)i);
        argv[words - 1].len += 8;
    }
    return queue_ask(q, on_filled, (queue_any_fn *)done, arg, words, argv);
}

enum err queue_dnc_note(struct queue *q, struct slice what, const struct queue_dnc_entry *about,
                        struct slice more, queue_done_fn *done, void *arg)
{
    return note(q, what, about, more, queue_on_status, (queue_any_fn *)done, arg);
}

/* ---- asking ---- */

static void on_texts(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct slice *texts = NULL;
    uint32_t n = 0;

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements > TEXTS_MAX))
        e = answer_unexpected(q);
    if (!e && !(texts = calloc(reply->elements + 1, sizeof(*texts))))
        e = ERR_NOMEM;
    for (; !e && n < reply->elements; n++) {
        if (!answer_is_text(reply->element[n]))
            e = answer_unexpected(q);
        else
            texts[n] = answer_text(reply->element[n]);
    }
    ((queue_dnc_texts_fn *)r->done)(r->arg, e, texts, e ? 0 : n);
    free(texts);
}

/* FCALL function key words…, lists… */
enum err dnc_ask(struct queue *q, const char *function, const char *key, const struct slice *words,
                 uint32_t n, const struct slice *lists, uint32_t list_count,
                 queue_dnc_texts_fn *done, void *arg)
{
    struct slice argv[CALL_MOST];

    if (list_count > DNC_LISTS_MAX)
        return ERR_INVALID;
    uint32_t words_n = gate_call_words(argv, function, key);

    for (uint32_t i = 0; i < n; i++)
        argv[words_n++] = words[i];
    for (uint32_t i = 0; i < list_count; i++)
        argv[words_n++] = lists[i];
    return queue_ask(q, on_texts, (queue_any_fn *)done, arg, words_n, argv);
}

enum err queue_dnc_lists(struct queue *q, queue_dnc_texts_fn *done, void *arg)
{
    return dnc_ask(q, QUEUE_FUNCTION("dnc_lists"), DNC_BOOK, NULL, 0, NULL, 0, done, arg);
}

enum err queue_dnc_look(struct queue *q, struct slice number, const struct slice *lists, uint32_t n,
                        queue_dnc_texts_fn *done, void *arg)
{
    struct gate_place at;
    struct gate_words w;
    char now[NUMBER_CAP];

    if (gate_place_of(number, &at))
        return ERR_INVALID;
    gate_words(&w, &at);
    const struct slice words[] = {slice_of(w.e, sizeof(w.e)), slice_cstr(w.group),
                                  slice_cstr(w.number), queue_now(q, now)};

    return dnc_ask(q, QUEUE_FUNCTION("dnc_look"), w.key, words, 4, lists, n, done, arg);
}

enum err queue_dnc_about_import(struct queue *q, uint32_t import, queue_dnc_texts_fn *done,
                                void *arg)
{
    char text[NUMBER_CAP];
    const struct slice words[] = {SLICE("imports"), queue_decimal(text, import)};

    return dnc_ask(q, QUEUE_FUNCTION("dnc_about"), DNC_BOOK, words, 2, NULL, 0, done, arg);
}

enum err queue_dnc_about_prefix(struct queue *q, struct slice list, struct slice prefix,
                                queue_dnc_texts_fn *done, void *arg)
{
    char field[GATE_LIST_MAX + GATE_DIGITS_MAX + 2];

    if (list.len > GATE_LIST_MAX || prefix.len > GATE_DIGITS_MAX)
        return ERR_TOO_LONG;
    int n = snprintf(field, sizeof(field), "%.*s\x1f%.*s", SLICE_ARG(list), SLICE_ARG(prefix));
    const struct slice words[] = {SLICE("prefixes"), slice_of(field, (size_t)n)};

    return dnc_ask(q, QUEUE_FUNCTION("dnc_about"), DNC_BOOK, words, 2, NULL, 0, done, arg);
}

enum err queue_dnc_counts(struct queue *q, uint32_t tag, const struct slice *lists, uint32_t n,
                          queue_dnc_texts_fn *done, void *arg)
{
    char key[24];

    snprintf(key, sizeof(key), "{peal-n-%04u}", tag);
    return dnc_ask(q, QUEUE_FUNCTION("dnc_counts"), key, NULL, 0, lists, n, done, arg);
}

enum err queue_dnc_prefix_counts(struct queue *q, const struct slice *lists, uint32_t n,
                                 queue_dnc_texts_fn *done, void *arg)
{
    return dnc_ask(q, QUEUE_FUNCTION("dnc_prefix_counts"), DNC_BOOK, NULL, 0, lists, n, done, arg);
}

enum err queue_dnc_log(struct queue *q, uint32_t count, queue_dnc_texts_fn *done, void *arg)
{
    char text[NUMBER_CAP];

    if (count == 0 || count > DNC_READ_MAX)
        return ERR_INVALID;
    const struct slice words[] = {queue_decimal(text, count)};

    return dnc_ask(q, QUEUE_FUNCTION("dnc_log"), DNC_BOOK, words, 1, NULL, 0, done, arg);
}

enum err queue_dnc_version(struct queue *q, queue_dnc_texts_fn *done, void *arg)
{
    return dnc_ask(q, QUEUE_FUNCTION("dnc_version"), DNC_BOOK, NULL, 0, NULL, 0, done, arg);
}

/* ---- erasing ---- */

enum err queue_dnc_erase(struct queue *q, struct slice number, const struct slice *lists,
                         uint32_t n, queue_dnc_texts_fn *done, void *arg)
{
    struct gate_place at;
    struct gate_words w;

    if (gate_place_of(number, &at))
        return ERR_INVALID;
    gate_words(&w, &at);
    const struct slice words[] = {slice_of(w.e, sizeof(w.e)), slice_cstr(w.group),
                                  slice_cstr(w.number)};

    return dnc_ask(q, QUEUE_FUNCTION("dnc_erase"), w.key, words, 3, lists, n, done, arg);
}

enum err queue_dnc_note_erased(struct queue *q, struct slice number, struct slice who,
                               struct slice why, struct slice more, queue_dnc_texts_fn *done,
                               void *arg)
{
    char now[NUMBER_CAP], salt[SALT_BYTES];

    if (who.len > GATE_WHO_MAX || why.len > GATE_WHY_MAX || more.len > DNC_MORE_MAX)
        return ERR_TOO_LONG;
    rng_system(salt, sizeof(salt));
    const struct slice words[] = {
        queue_now(q, now), number, slice_of(salt, sizeof(salt)), who, why, more};

    return dnc_ask(q, QUEUE_FUNCTION("dnc_note_erased"), DNC_BOOK, words, 6, NULL, 0, done, arg);
}
