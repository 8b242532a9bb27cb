/* The ledger's questions and what comes back. */
#include "queue/ledger.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/internal.h"

#define SUMS_WORDS 5 /* before the days */
#define DAY_WORDS  7

_Static_assert(sizeof(LEDGER_LETTERS) - 1 == DAY_WORDS - 2,
               "a day has its number and the estimate");

bool ledger_words(const struct queue_ledger_entry *e, struct slice *argv,
                  char numbers[4][NUMBER_CAP])
{
    size_t letters = strspn(e->counts, LEDGER_LETTERS);

    if (e->id.len == 0 || e->id.len > QUEUE_CALL_ID_MAX || e->text.len == 0 ||
        e->text.len > LEDGER_TEXT_MOST || e->counts[letters] || letters > strlen(LEDGER_LETTERS))
        return false;
    snprintf(numbers[0], NUMBER_CAP, "%d", e->bucket);
    snprintf(numbers[1], NUMBER_CAP, "%d", e->day);
    argv[0] = e->id;
    argv[1] = slice_cstr(numbers[0]);
    argv[2] = slice_cstr(numbers[1]);
    argv[3] = slice_cstr(e->counts);
    argv[4] = queue_decimal(numbers[2], e->false_ppm);
    argv[5] = queue_decimal(numbers[3], e->at_wall_ms);
    argv[6] = e->text;
    return true;
}

static bool is_list(const redisReply *reply, size_t least)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= least;
}

static bool take_int(const redisReply *reply, int32_t *out)
{
    if (!answer_is_number(reply) || reply->integer < INT32_MIN || reply->integer > INT32_MAX)
        return false;
    *out = (int32_t)reply->integer;
    return true;
}

/* ---- adding ---- */

static void on_added(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    uint32_t added = 0, refused = 0;

    if (!e && (!is_list(reply, 2) || !answer_is_number(reply->element[0]) ||
               !answer_is_number(reply->element[1])))
        e = answer_unexpected(q);
    if (!e) {
        added = (uint32_t)answer_number(reply->element[0]);
        refused = (uint32_t)answer_number(reply->element[1]);
    }
    if (r->done)
        ((queue_ledger_added_fn *)r->done)(r->arg, e, added, refused);
}

enum err queue_ledger_add(struct queue *q, const struct queue_ledger_entry *entries, uint32_t count,
                          queue_ledger_added_fn *done, void *arg)
{
    struct words {
        struct slice argv[5 + LEDGER_ADD_MAX * LEDGER_WORDS];
        char numbers[LEDGER_ADD_MAX][4][NUMBER_CAP];
    } * w;
    enum err e = OK;

    if (count == 0 || count > LEDGER_ADD_MAX)
        return ERR_INVALID;
    w = malloc(sizeof(*w));
    if (!w)
        return ERR_NOMEM;
    uint32_t n = queue_call_words(q, w->argv, QUEUE_FUNCTION("enter"));

    w->argv[n++] = slice_cstr(q->self);
    for (uint32_t i = 0; i < count && e == OK; i++, n += LEDGER_WORDS)
        if (!ledger_words(&entries[i], w->argv + n, w->numbers[i]))
            e = ERR_TOO_LONG;
    if (e == OK) {
        struct request *r = queue_request(q, REQUEST_OTHER, (queue_any_fn *)done, arg);

        if (r) {
            r->answered = on_added;
            e = queue_send_surely(r, n, w->argv);
        } else {
            e = ERR_FULL;
        }
    }
    free(w);
    return e;
}

/* ---- sums ---- */

static bool take_text_int(const redisReply *reply, int32_t none, int32_t *out)
{
    char text[16], *end;

    *out = none;
    if (!answer_is_text(reply) || slice_copy(answer_text(reply), text, sizeof(text)))
        return false;
    if (!text[0])
        return true;
    long n = strtol(text, &end, 10);
    *out = (int32_t)n;
    return *end == '\0' && n > INT32_MIN && n < INT32_MAX;
}

static bool take_text_u64(const redisReply *reply, uint64_t *out)
{
    *out = 0;
    return answer_is_text(reply) &&
           (reply->len == 0 || slice_u64(answer_text(reply), UINT64_MAX, out) == OK);
}

static bool read_day(redisReply *const *e, struct queue_ledger_day *d)
{
    uint64_t *const sums[] = {&d->live, &d->abandoned,   &d->messages,
                              &d->late, &d->callee_left, &d->false_ppm};

    if (!take_int(e[0], &d->day))
        return false;
    for (size_t i = 0; i < DAY_WORDS - 1; i++) {
        if (!answer_is_number(e[i + 1]))
            return false;
        *sums[i] = answer_number(e[i + 1]);
    }
    return true;
}

static bool read_sums(const redisReply *reply, struct queue_ledger *l)
{
    redisReply *const *e = (redisReply *const *)reply->element;

    if (!is_list(reply, SUMS_WORDS) || (reply->elements - SUMS_WORDS) % DAY_WORDS != 0 ||
        (reply->elements - SUMS_WORDS) / DAY_WORDS > LEDGER_DAYS_MAX ||
        !take_text_u64(e[0], &l->entries) || !take_text_int(e[1], INT32_MIN, &l->cut) ||
        !take_text_int(e[2], 1, &l->first) || !take_text_int(e[3], 0, &l->last) ||
        !take_text_u64(e[4], &l->last_wall_ms))
        return false;
    for (size_t i = SUMS_WORDS; i < reply->elements; i += DAY_WORDS)
        if (!read_day(e + i, &l->day[l->days++]))
            return false;
    return true;
}

static void on_sums(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    static const struct queue_ledger none = {.first = 1, .cut = INT32_MIN};
    struct queue_ledger *l = calloc(1, sizeof(*l));

    if (!e && !l)
        e = ERR_NOMEM;
    if (!e && !read_sums(reply, l))
        e = answer_unexpected(q);
    ((queue_ledger_fn *)r->done)(r->arg, e, e ? &none : l);
    free(l);
}

enum err queue_ledger_sums(struct queue *q, int32_t first_day, uint32_t days, queue_ledger_fn *done,
                           void *arg)
{
    struct slice argv[CALL_WORDS];
    char first[NUMBER_CAP], count[NUMBER_CAP];

    if (days == 0 || days > LEDGER_DAYS_MAX)
        return ERR_INVALID;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("sums"));

    snprintf(first, sizeof(first), "%d", first_day);
    argv[n++] = slice_cstr(q->self);
    argv[n++] = slice_cstr(first);
    argv[n++] = queue_decimal(count, days);
    return queue_ask(q, on_sums, (queue_any_fn *)done, arg, n, argv);
}

/* ---- buckets and their entries ---- */

static void on_buckets(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    int32_t *bucket = malloc(LEDGER_BUCKETS_MAX * sizeof(*bucket));
    uint32_t n = 0;

    if (!e && !bucket)
        e = ERR_NOMEM;
    if (!e && (!is_list(reply, 0) || reply->elements > LEDGER_BUCKETS_MAX))
        e = answer_unexpected(q);
    for (; !e && n < reply->elements; n++)
        if (!take_int(reply->element[n], &bucket[n]))
            e = answer_unexpected(q);
    ((queue_ledger_buckets_fn *)r->done)(r->arg, e, bucket, e ? 0 : n);
    free(bucket);
}

enum err queue_ledger_buckets(struct queue *q, queue_ledger_buckets_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    return queue_ask(q, on_buckets, (queue_any_fn *)done, arg, queue_call_words(q, argv, QUEUE_FUNCTION("buckets")), argv);
}

/* "PLACE 0x1f text" */
static bool read_text(const redisReply *reply, struct queue_ledger_text *t)
{
    struct slice place;

    return answer_is_text(reply) && slice_cut(answer_text(reply), '\x1f', &place, &t->text) &&
           slice_u64(place, UINT64_MAX, &t->place) == OK;
}

static void on_texts(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_ledger_text *texts = NULL;
    uint32_t n = 0;
    uint64_t next = 0;

    if (!e && (!is_list(reply, 1) || reply->elements - 1 > LEDGER_READ_MAX ||
               !take_text_u64(reply->element[0], &next)))
        e = answer_unexpected(q);
    if (!e && !(texts = calloc(reply->elements, sizeof(*texts))))
        e = ERR_NOMEM;
    for (; !e && n + 1 < reply->elements; n++)
        if (!read_text(reply->element[n + 1], &texts[n]))
            e = answer_unexpected(q);
    ((queue_ledger_texts_fn *)r->done)(r->arg, e, texts, e ? 0 : n, next);
    free(texts);
}

enum err queue_ledger_read(struct queue *q, int32_t bucket, uint64_t from,
                           queue_ledger_texts_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char which[NUMBER_CAP], cursor[NUMBER_CAP];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("entries"));

    snprintf(which, sizeof(which), "%d", bucket);
    argv[n++] = slice_cstr(which);
    argv[n++] = queue_decimal(cursor, from);
    return queue_ask(q, on_texts, (queue_any_fn *)done, arg, n, argv);
}

enum err queue_ledger_cut(struct queue *q, int32_t first, queue_done_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char bucket[NUMBER_CAP];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("cut"));

    snprintf(bucket, sizeof(bucket), "%d", first);
    argv[n++] = slice_cstr(bucket);
    return queue_ask(q, queue_on_status, (queue_any_fn *)done, arg, n, argv);
}
