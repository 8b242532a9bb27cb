/* Reading what Redis answers: every reply is checked for its form, for another program (or another
 * version) may write to our keys. What no function of ours gives is ERR_IO with a sentence. */
#include <hiredis/hiredis.h>
#include <string.h>

#include "base/log.h"
#include "queue/internal.h"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool answer_is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

bool answer_is_number(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER;
}

uint64_t answer_number(const redisReply *reply)
{
    return reply->integer > 0 ? (uint64_t)reply->integer : 0;
}

struct slice answer_text(const redisReply *reply)
{
    return slice_of(reply->str, reply->len);
}

enum err answer_error(struct queue *q, const redisReply *reply)
{
    if (!reply)
        return q->closing ? ERR_CANCELLED : ERR_CLOSED;
    if (reply->type != REDIS_REPLY_ERROR)
        return OK;
    if (starts(reply->str, "STALE"))
        return ERR_REFUSED;
    if (starts(reply->str, "NOTASK"))
        return ERR_NOT_FOUND;
    if (starts(reply->str, "STATE"))
        return ERR_STATE;
    if (starts(reply->str, "FULL"))
        return ERR_FULL;
    if (starts(reply->str, "HELD"))
        return ERR_AGAIN;
    if (!queue_try_later(q, reply)) {
        queue_say(q, "Redis refuses a command of the queue", reply->str);
        log_error("queue", q->error, "%s", "");
    }
    return ERR_IO;
}

enum err answer_unexpected(struct queue *q)
{
    queue_say(
        q, "Redis gave an answer that makes no sense; is another program writing to our keys?", "");
    log_error("queue", q->error, "key=%s", q->key);
    return ERR_IO;
}

/* "open" 0x1f engine 0x1f call id 0x1f time 0x1f number, as functions.c writes it. */
static void read_open(struct slice text, struct queue_task *t)
{
    struct slice word, engine, call, at, number, name, run;

    slice_cut(text, TASK_SEPARATOR, &word, &text);
    slice_cut(text, TASK_SEPARATOR, &engine, &text);
    slice_cut(text, TASK_SEPARATOR, &call, &text);
    slice_cut(text, TASK_SEPARATOR, &at, &number);
    slice_cut(engine, '#', &name, &run);
    slice_copy(name, t->open_engine, sizeof(t->open_engine));
    slice_copy(call, t->open_call_id, sizeof(t->open_call_id));
    slice_copy(number, t->open_number, sizeof(t->open_number));
    if (slice_u64(at, UINT64_MAX, &t->open_wall_ms))
        t->open_wall_ms = 0;
}

/* One entry: id, token, tries, charged, trunk, payload, open attempt, its note, place of the
 * number. ERR_INVALID when
 * it is no entry at all; *whole false when only the payload is spoilt. */
enum err answer_task(const redisReply *reply, struct queue_task *t, bool *whole)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 11)
        return ERR_INVALID;
    redisReply *const *e = (redisReply *const *)reply->element;

    if (!answer_is_text(e[0]) || !answer_is_text(e[1]) || !answer_is_number(e[2]) ||
        !answer_is_number(e[3]) || !answer_is_number(e[4]) || !answer_is_text(e[5]) ||
        !answer_is_number(e[6]) || !answer_is_text(e[7]) || !answer_is_number(e[8]) ||
        !answer_is_number(e[9]) || !answer_is_text(e[10]))
        return ERR_INVALID;
    memset(t, 0, sizeof(*t));
    if (e[0]->len == 0 || slice_copy(answer_text(e[0]), t->id, sizeof(t->id)) ||
        slice_u64(answer_text(e[1]), UINT64_MAX, &t->token))
        return ERR_INVALID;
    t->tries = (uint32_t)answer_number(e[2]);
    t->charged = (uint32_t)answer_number(e[3]);
    t->avoid_trunk = e[4]->integer < 0 ? QUEUE_NO_TRUNK : (uint32_t)e[4]->integer;
    t->open_attempt = (uint32_t)answer_number(e[6]);
    if (t->open_attempt)
        read_open(answer_text(e[7]), t);
    *whole = task_unpack(answer_text(e[5]), t) == OK;
    t->priority += (int32_t)(e[9]->integer % (2 * QUEUE_PRIORITY_MAX));
    if (slice_copy(answer_text(e[10]), t->avoid_caller_id, sizeof(t->avoid_caller_id)))
        t->avoid_caller_id[0] = '\0';
    /* An update may have taken numbers away meanwhile. */
    t->number_at = answer_number(e[8]) < t->number_count ? (uint32_t)answer_number(e[8]) : 0;
    return OK;
}

/* A task that nobody can read must not come round for ever. */
static void finish_malformed(struct queue *q, const struct queue_task *t)
{
    const struct queue_completion c = {.outcome = QUEUE_FINISH,
                                       .attempt = t->open_attempt,
                                       .status = SLICE("malformed"),
                                       .avoid_trunk = QUEUE_NO_TRUNK};

    q->malformed++;
    log_error("queue", "a task in Redis cannot be read and is finished as malformed",
              "key=%s id=%s", q->key, t->id);
    queue_complete(q, t, &c, NULL, NULL);
}

enum err answer_tasks(struct queue *q, const redisReply *list, uint32_t *count)
{
    uint32_t n = 0;

    *count = 0;
    if (list->type != REDIS_REPLY_ARRAY || list->elements > QUEUE_CLAIM_MAX)
        return answer_unexpected(q);
    for (size_t i = 0; i < list->elements; i++) {
        bool whole;

        if (answer_task(list->element[i], &q->tasks[n], &whole))
            return answer_unexpected(q);
        if (whole)
            n++;
        else
            finish_malformed(q, &q->tasks[n]);
    }
    *count = n;
    return OK;
}

enum err answer_counts(struct queue *q, const redisReply *reply, struct queue_counts *c)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 7)
        return answer_unexpected(q);
    for (size_t i = 0; i < 7; i++)
        if (!answer_is_number(reply->element[i]))
            return answer_unexpected(q);
    redisReply *const *e = (redisReply *const *)reply->element;

    c->total = answer_number(e[0]);
    c->due = answer_number(e[1]) + answer_number(e[2]);
    c->waiting = answer_number(e[3]);
    c->leased = answer_number(e[4]);
    c->attempts = answer_number(e[5]);
    c->next_due_wall_ms = answer_number(e[6]);
    for (size_t i = 7; i + 1 < reply->elements; i += 2) {
        if (!answer_is_text(e[i]) || !answer_is_number(e[i + 1]))
            return answer_unexpected(q);
        uint64_t n = answer_number(e[i + 1]);

        c->finished += n;
        if (c->statuses == QUEUE_STATUSES) {
            c->other_status += n;
            continue;
        }
        slice_copy(answer_text(e[i]), c->status[c->statuses].name, sizeof(c->status[0].name));
        c->status[c->statuses++].count = n;
    }
    return OK;
}
