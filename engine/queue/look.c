/* Tasks as they stand, asked and answered. */
#include "queue/look.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "queue/internal.h"

#define STANDS_PARTS 5
#define OPEN_TEXT    "open\x1f"

static bool take_cursor(const redisReply *reply, uint64_t *out)
{
    return answer_is_text(reply) && slice_u64(answer_text(reply), UINT64_MAX, out) == OK;
}

static bool take_stands(const redisReply *reply, enum task_stands *out)
{
    static const char *const words[] = {"fresh", "waits", "leased", "done"};

    for (uint32_t i = 0; answer_is_text(reply) && i < 4; i++)
        if (slice_eq(answer_text(reply), slice_cstr(words[i]))) {
            *out = (enum task_stands)i;
            return true;
        }
    return false;
}

static bool read_stands(const redisReply *reply, struct queue_stands *t)
{
    struct slice name, run;
    bool whole;

    memset(t, 0, sizeof(*t));
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != STANDS_PARTS)
        return false;
    redisReply *const *e = (redisReply *const *)reply->element;

    if (answer_task(e[0], &t->task, &whole) || !take_stands(e[1], &t->stands) ||
        !answer_is_number(e[2]) || !answer_is_text(e[3]) || !answer_is_text(e[4]))
        return false;
    t->malformed = !whole;
    if (t->stands == TASK_WAITS)
        t->due_wall_ms = answer_number(e[2]);
    if (t->stands == TASK_LEASED)
        t->lease_wall_ms = answer_number(e[2]);
    slice_cut(answer_text(e[3]), '#', &name, &run);
    return slice_copy(name, t->engine, sizeof(t->engine)) == OK &&
           slice_copy(answer_text(e[4]), t->status, sizeof(t->status)) == OK;
}

static void on_look(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_stands *t = NULL;

    if (!e && reply->type != REDIS_REPLY_ARRAY)
        e = answer_unexpected(q);
    if (!e && reply->elements) {
        t = calloc(1, sizeof(*t));
        if (!t)
            e = ERR_NOMEM;
        else if (reply->elements != 3 || !answer_is_number(reply->element[0]) ||
                 !read_stands(reply->element[1], t) || !answer_is_text(reply->element[2]) ||
                 slice_copy(answer_text(reply->element[2]), t->list, sizeof(t->list)))
            e = answer_unexpected(q);
        else if (t->stands == TASK_FRESH)
            t->ahead = answer_number(reply->element[0]);
    }
    ((queue_look_fn *)r->done)(r->arg, e, e ? NULL : t);
    free(t);
}

enum err queue_look(struct queue *q, struct slice id, queue_look_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("look"));

    argv[n++] = id;
    return queue_ask(q, on_look, (queue_any_fn *)done, arg, n, argv);
}

/* ---- all of them, or those of a number ---- */

struct scan {
    queue_each_fn *each;
    queue_chunk_fn *done;
    void *arg;
    char number[QUEUE_NUMBER_MAX + 1]; /* "": all */
};

/* The search in Redis is for the text anywhere in the payload. */
static bool has_number(const struct queue_task *t, const char *number)
{
    if (!number[0])
        return true;
    for (uint32_t i = 0; i < t->number_count; i++)
        if (strcmp(t->numbers[i].number, number) == 0)
            return true;
    return false;
}

static void on_chunk(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct scan *s = r->arg;
    struct queue_stands *t = NULL;
    uint64_t next = 0;

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
               !take_cursor(reply->element[0], &next)))
        e = answer_unexpected(q);
    if (!e && !(t = malloc(sizeof(*t))))
        e = ERR_NOMEM;
    for (size_t i = 1; !e && i < reply->elements; i++) {
        if (!read_stands(reply->element[i], t))
            e = answer_unexpected(q);
        else if (has_number(&t->task, s->number))
            s->each(s->arg, t);
    }
    free(t);
    s->done(s->arg, e, next);
    free(s);
}

static enum err ask_chunk(struct queue *q, struct slice number, uint32_t count, uint64_t from,
                          const struct scan *scan)
{
    struct slice argv[CALL_WORDS];
    char cursor[NUMBER_CAP], chunk[NUMBER_CAP];
    struct scan *s = malloc(sizeof(*s));
    struct request *r = s ? queue_request(q, REQUEST_OTHER, NULL, s) : NULL;

    if (!r) {
        free(s);
        return s ? ERR_FULL : ERR_NOMEM;
    }
    *s = *scan;
    r->answered = on_chunk;
    if (slice_copy(number, s->number, sizeof(s->number))) {
        free(s);
        queue_request_free(r);
        return ERR_TOO_LONG;
    }
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("scan"));

    argv[n++] = queue_decimal(cursor, from);
    argv[n++] = queue_decimal(chunk, count);
    argv[n++] = number;
    enum err e = queue_send_now(r, n, argv);

    if (e)
        free(s);
    return e;
}

enum err queue_scan(struct queue *q, uint64_t from, queue_each_fn *each, queue_chunk_fn *done,
                    void *arg)
{
    return ask_chunk(q, (struct slice){0}, LOOK_CHUNK, from,
                     &(struct scan){.each = each, .done = done, .arg = arg});
}

enum err queue_find(struct queue *q, struct slice number, uint64_t from, queue_each_fn *each,
                    queue_chunk_fn *done, void *arg)
{
    if (number.len == 0)
        return ERR_INVALID;
    return ask_chunk(q, number, LOOK_FIND_CHUNK, from,
                     &(struct scan){.each = each, .done = done, .arg = arg});
}

/* ---- the attempts of one ---- */

/* "open" 0x1f engine 0x1f call id 0x1f time …, or a record. */
static bool read_attempt(redisReply *const *e, struct queue_attempt_text *a)
{
    struct slice rest, word, at;

    if (!answer_is_number(e[0]) || !answer_is_text(e[1]))
        return false;
    *a = (struct queue_attempt_text){.number = (uint32_t)answer_number(e[0]),
                                     .text = answer_text(e[1])};
    if (!slice_starts(a->text, slice_cstr(OPEN_TEXT)))
        return true;
    rest = slice_from(a->text, sizeof(OPEN_TEXT) - 1);
    a->open = true;
    a->text = (struct slice){0};
    slice_cut(rest, '\x1f', &word, &rest); /* engine */
    slice_cut(rest, '\x1f', &word, &rest); /* call id */
    slice_cut(rest, '\x1f', &at, &rest);
    if (slice_u64(at, UINT64_MAX, &a->open_ms))
        a->open_ms = 0;
    return true;
}

static void on_attempts(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_attempt_text *a = NULL;
    uint32_t n = 0;

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 0 ||
               reply->elements / 2 > LOOK_ATTEMPTS_MAX))
        e = answer_unexpected(q);
    if (!e && !(a = calloc(reply->elements + 1, sizeof(*a))))
        e = ERR_NOMEM;
    for (size_t i = 0; !e && i < reply->elements; i += 2)
        if (!read_attempt((redisReply *const *)reply->element + i, &a[n++]))
            e = answer_unexpected(q);
    ((queue_attempts_fn *)r->done)(r->arg, e, a, e ? 0 : n);
    free(a);
}

enum err queue_attempts(struct queue *q, struct slice id, queue_attempts_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("tried"));

    argv[n++] = id;
    return queue_ask(q, on_attempts, (queue_any_fn *)done, arg, n, argv);
}

/* ---- attempts by result ---- */

struct results {
    queue_result_fn *each;
    queue_chunk_fn *done;
    void *arg;
};

static void on_results(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct results *s = r->arg;
    uint64_t next = 0;

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 1 ||
               !take_cursor(reply->element[0], &next)))
        e = answer_unexpected(q);
    for (size_t i = 1; !e && i < reply->elements; i += 2) {
        if (!answer_is_text(reply->element[i]) || !answer_is_number(reply->element[i + 1]))
            e = answer_unexpected(q);
        else
            s->each(s->arg, answer_text(reply->element[i]), answer_number(reply->element[i + 1]));
    }
    s->done(s->arg, e, next);
    free(s);
}

enum err queue_results(struct queue *q, uint64_t from, queue_result_fn *each, queue_chunk_fn *done,
                       void *arg)
{
    struct slice argv[CALL_WORDS];
    char cursor[NUMBER_CAP], chunk[NUMBER_CAP];
    struct results *s = malloc(sizeof(*s));
    struct request *r = s ? queue_request(q, REQUEST_OTHER, NULL, s) : NULL;

    if (!r) {
        free(s);
        return s ? ERR_FULL : ERR_NOMEM;
    }
    *s = (struct results){each, done, arg};
    r->answered = on_results;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("results"));

    argv[n++] = queue_decimal(cursor, from);
    argv[n++] = queue_decimal(chunk, LOOK_CHUNK);
    enum err e = queue_send_now(r, n, argv);

    if (e)
        free(s);
    return e;
}
