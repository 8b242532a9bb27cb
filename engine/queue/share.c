/* Presence and the shared number, asked and answered. Doubles go as text of 17 digits: the same
 * number comes back. */
#include "queue/share.h"

#include <hiredis/hiredis.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/internal.h"

#define ENGINE_WORDS 4

static bool read_number(const redisReply *reply, double *out)
{
    char text[40], *end;

    if (!answer_is_text(reply) || reply->len == 0 ||
        slice_copy(answer_text(reply), text, sizeof(text)))
        return false;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct queue_engine *)a)->name, ((const struct queue_engine *)b)->name);
}

static bool read_engine(redisReply *const *e, struct queue_engine *out)
{
    if (!answer_is_text(e[0]) || slice_copy(answer_text(e[0]), out->name, sizeof(out->name)) ||
        !answer_is_number(e[1]) || !answer_is_number(e[2]) || !answer_is_number(e[3]))
        return false;
    out->agents = (uint32_t)answer_number(e[1]);
    out->calls = (uint32_t)answer_number(e[2]);
    out->gone = answer_number(e[3]) != 0;
    return true;
}

/* Self comes first; beyond the table, engines are left out (they still spend from the number). */
static bool read_shared(const redisReply *reply, struct queue_shared *s)
{
    redisReply *const *e = (redisReply *const *)reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 + ENGINE_WORDS ||
        (reply->elements - 1) % ENGINE_WORDS != 0 || !read_number(e[0], &s->number))
        return false;
    for (size_t i = 1; i < reply->elements && s->engines < QUEUE_ENGINES_MAX; i += ENGINE_WORDS)
        if (!read_engine(e + i, &s->engine[s->engines++]))
            return false;
    s->engine[0].self = true;
    qsort(s->engine, s->engines, sizeof(s->engine[0]), by_name);
    return true;
}

static void on_shared(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_shared s = {0};

    if (!e && !read_shared(reply, &s))
        e = answer_unexpected(q);
    ((queue_shared_fn *)r->done)(r->arg, e, &s);
}

static struct slice real(char text[NUMBER_CAP + 8], double x)
{
    /* Lua reads no "inf". */
    int n = snprintf(text, NUMBER_CAP + 8, "%.17g", fmin(fmax(x, -1e300), 1e300));

    return slice_of(text, (size_t)n);
}

enum err queue_share(struct queue *q, const struct queue_presence *p, queue_shared_fn *done,
                     void *arg)
{
    struct slice argv[CALL_WORDS];
    char lease[NUMBER_CAP], now[NUMBER_CAP], agents[NUMBER_CAP], calls[NUMBER_CAP];
    char moved[NUMBER_CAP + 8], ceiling[NUMBER_CAP + 8], start[NUMBER_CAP + 8];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("share"));

    argv[n++] = slice_cstr(q->self);
    argv[n++] = queue_decimal(lease, p->lease_ms ? p->lease_ms : QUEUE_PRESENCE_MS);
    argv[n++] = queue_now(q, now);
    argv[n++] = queue_decimal(agents, p->agents);
    argv[n++] = queue_decimal(calls, p->calls);
    argv[n++] = real(moved, p->moved);
    argv[n++] = real(ceiling, p->ceiling);
    argv[n++] = real(start, p->start);
    return queue_ask(q, on_shared, (queue_any_fn *)done, arg, n, argv);
}
