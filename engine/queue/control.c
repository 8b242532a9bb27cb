/* The campaign's state, asked, ordered and answered. */
#include "queue/control.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "queue/internal.h"

#define CAMPAIGNS_KEY "peal:campaigns"
#define CONTROL_PARTS 8
#define ENGINE_PARTS  6

static const char *const states[] = {"running", "paused", "draining", "stopped"};
static const char *const orders[] = {"pause", "resume", "drain", "stop", "stop now", "reload"};
static const char *const answers[] = {"changed", "already", "refused"};

const char *control_state_name(enum control_state s)
{
    return states[s];
}

const char *control_order_name(enum control_order o)
{
    return orders[o];
}

static bool take_word(const redisReply *reply, const char *const *words, size_t n, uint32_t *out)
{
    if (!answer_is_text(reply))
        return false;
    for (*out = 0; *out < n; (*out)++)
        if (slice_eq(answer_text(reply), slice_cstr(words[*out])))
            return true;
    return false;
}

static bool take_u64(const redisReply *reply, uint64_t *out)
{
    return answer_is_text(reply) && slice_u64(answer_text(reply), UINT64_MAX, out) == OK;
}

static bool take_text(const redisReply *reply, char *dst, size_t cap)
{
    return answer_is_text(reply) && slice_copy(answer_text(reply), dst, cap) == OK;
}

static bool read_control(redisReply *const *e, struct queue_control *c)
{
    uint64_t now;
    uint32_t state;

    *c = (struct queue_control){0};
    if (!take_word(e[0], states, 4, &state) || !take_u64(e[1], &c->since_wall_ms) ||
        !take_text(e[2], c->who, sizeof(c->who)) || !take_text(e[3], c->why, sizeof(c->why)) ||
        !take_u64(e[4], &now) || !take_u64(e[5], &c->version) || !take_u64(e[6], &c->reloads) ||
        !take_text(e[7], c->file, sizeof(c->file)))
        return false;
    c->state = (enum control_state)state;
    c->at_once = now != 0;
    return true;
}

static bool is_list(const redisReply *reply, size_t least)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= least;
}

static void on_control(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_control c = {0};

    if (!e &&
        (!is_list(reply, CONTROL_PARTS) || !read_control((redisReply *const *)reply->element, &c)))
        e = answer_unexpected(q);
    ((queue_control_fn *)r->done)(r->arg, e, &c);
}

enum err queue_control_look(struct queue *q, queue_control_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    return queue_ask(q, on_control, (queue_any_fn *)done, arg, queue_call_words(q, argv, QUEUE_FUNCTION("controlled")), argv);
}

static void on_ordered(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_control c = {0};
    uint32_t answer = CONTROL_REFUSED;

    if (!e &&
        (!is_list(reply, 1 + CONTROL_PARTS) || !take_word(reply->element[0], answers, 3, &answer) ||
         !read_control((redisReply *const *)reply->element + 1, &c)))
        e = answer_unexpected(q);
    ((queue_ordered_fn *)r->done)(r->arg, e, (enum control_answer)answer, &c);
}

static bool is_plain(struct slice text, uint32_t most)
{
    for (uint32_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] < 0x20)
            return false;
    return text.len <= most;
}

enum err queue_control_order(struct queue *q, enum control_order o, struct slice who,
                             struct slice why, queue_ordered_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char now[NUMBER_CAP];

    if ((unsigned)o >= CONTROL_ORDERS || !is_plain(who, CONTROL_WHO_MAX) ||
        !is_plain(why, CONTROL_WHY_MAX))
        return ERR_INVALID;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("order"));

    argv[n++] = slice_cstr(orders[o]);
    argv[n++] = who;
    argv[n++] = why;
    argv[n++] = queue_now(q, now);
    return queue_ask(q, on_ordered, (queue_any_fn *)done, arg, n, argv);
}

enum err queue_control_tell(struct queue *q, uint64_t version, bool followed, struct slice sentence,
                            queue_done_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char number[NUMBER_CAP];

    if (!is_plain(sentence, CONTROL_TOLD_MAX))
        return ERR_INVALID;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("told"));

    argv[n++] = slice_cstr(q->self);
    argv[n++] = queue_decimal(number, version);
    argv[n++] = followed ? SLICE("1") : SLICE("0");
    argv[n++] = sentence;
    return queue_ask(q, queue_on_status, (queue_any_fn *)done, arg, n, argv);
}

enum err queue_control_trouble(struct queue *q, struct slice sentence, queue_done_fn *done,
                               void *arg)
{
    struct slice argv[CALL_WORDS];

    if (!is_plain(sentence, CONTROL_TOLD_MAX))
        return ERR_INVALID;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("trouble"));

    argv[n++] = slice_cstr(q->self);
    argv[n++] = sentence;
    return queue_ask(q, queue_on_status, (queue_any_fn *)done, arg, n, argv);
}

static void on_listed(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    if (e)
        log_warn("queue", "the campaign could not be put on the list of campaigns", "error=%s",
                 reply && reply->type == REDIS_REPLY_ERROR ? reply->str : err_name(e));
    (void)q;
    (void)r;
}

/* In a slot of its own, so in a command of its own. */
static enum err list_campaign(struct queue *q)
{
    const struct slice argv[] = {SLICE("SADD"), SLICE(CAMPAIGNS_KEY),
                                 slice_cstr(q->config.campaign)};
    return queue_ask(q, on_listed, NULL, NULL, 3, argv);
}

static void on_campaigns(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct slice *name = NULL;
    uint32_t n = 0;

    if (!e && !is_list(reply, 0))
        e = answer_unexpected(q);
    if (!e && !(name = calloc(reply->elements + 1, sizeof(*name))))
        e = ERR_NOMEM;
    for (size_t i = 0; !e && i < reply->elements; i++)
        if (answer_is_text(reply->element[i]))
            name[n++] = answer_text(reply->element[i]);
    ((queue_campaigns_fn *)r->done)(r->arg, e, name, n);
    free(name);
}

enum err queue_campaigns(struct queue *q, queue_campaigns_fn *done, void *arg)
{
    const struct slice argv[] = {SLICE("SMEMBERS"), SLICE(CAMPAIGNS_KEY)};
    return queue_ask(q, on_campaigns, (queue_any_fn *)done, arg, 2, argv);
}

enum err queue_control_file(struct queue *q, struct slice path, queue_done_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];

    if (path.len > CONTROL_FILE_MAX)
        return ERR_TOO_LONG;
    enum err e = list_campaign(q);

    if (e)
        return e;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("file"));

    argv[n++] = path;
    return queue_ask(q, queue_on_status, (queue_any_fn *)done, arg, n, argv);
}

enum err queue_leave(struct queue *q, queue_done_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char now[NUMBER_CAP];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("leave"));

    argv[n++] = slice_cstr(q->self);
    argv[n++] = queue_now(q, now);
    return queue_ask(q, queue_on_status, (queue_any_fn *)done, arg, n, argv);
}

/* ---- engines ---- */

/* "version 0x1f 0/1 0x1f sentence", or nothing. */
static bool read_told(struct slice text, struct queue_engine_told *t)
{
    struct slice version, followed;

    if (text.len == 0)
        return true;
    if (!slice_cut(text, '\x1f', &version, &text) || !slice_cut(text, '\x1f', &followed, &text) ||
        slice_u64(version, UINT64_MAX, &t->version))
        return false;
    t->followed = slice_eq(followed, SLICE("1"));
    return slice_copy(text, t->sentence, sizeof(t->sentence)) == OK;
}

static bool read_engine(redisReply *const *e, uint64_t now, struct queue_engine_told *t)
{
    if (!take_text(e[0], t->name, sizeof(t->name)) || !answer_is_number(e[1]) ||
        !answer_is_number(e[2]) || !answer_is_number(e[3]) || !answer_is_text(e[4]) ||
        !take_text(e[5], t->trouble, sizeof(t->trouble)))
        return false;
    uint64_t ends = answer_number(e[3]);

    t->agents = (uint32_t)answer_number(e[1]);
    t->calls = (uint32_t)answer_number(e[2]);
    t->seen_wall_ms = ends > QUEUE_PRESENCE_MS ? ends - QUEUE_PRESENCE_MS : 0;
    t->gone = ends < now;
    return read_told(answer_text(e[4]), t);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct queue_engine_told *)a)->name,
                  ((const struct queue_engine_told *)b)->name);
}

static void on_engines(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_engine_told *engine = calloc(QUEUE_ENGINES_MAX, sizeof(*engine));
    uint64_t now = 0;
    uint32_t n = 0;

    if (!e && !engine)
        e = ERR_NOMEM;
    if (!e && (!is_list(reply, 1) || (reply->elements - 1) % ENGINE_PARTS != 0 ||
               !answer_is_number(reply->element[0])))
        e = answer_unexpected(q);
    if (!e)
        now = answer_number(reply->element[0]);
    for (size_t i = 1; !e && i < reply->elements && n < QUEUE_ENGINES_MAX; i += ENGINE_PARTS)
        if (!read_engine((redisReply *const *)reply->element + i, now, &engine[n++]))
            e = answer_unexpected(q);
    if (!e)
        qsort(engine, n, sizeof(*engine), by_name);
    ((queue_engines_fn *)r->done)(r->arg, e, engine, e ? 0 : n, now);
    free(engine);
}

enum err queue_engines(struct queue *q, queue_engines_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char now[NUMBER_CAP];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("engines"));

    argv[n++] = queue_now(q, now);
    return queue_ask(q, on_engines, (queue_any_fn *)done, arg, n, argv);
}

/* ---- the audit ---- */

static bool read_line(const redisReply *reply, struct queue_audit_line *l)
{
    struct slice text, at, order, who;

    if (!answer_is_text(reply))
        return false;
    text = answer_text(reply);
    return slice_cut(text, '\x1f', &at, &text) && slice_cut(text, '\x1f', &order, &text) &&
           slice_cut(text, '\x1f', &who, &text) &&
           slice_u64(at, UINT64_MAX, &l->at_wall_ms) == OK &&
           slice_copy(order, l->order, sizeof(l->order)) == OK &&
           slice_copy(who, l->who, sizeof(l->who)) == OK &&
           slice_copy(text, l->why, sizeof(l->why)) == OK;
}

static void on_audit(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_audit_line *line = NULL;
    uint32_t n = 0;

    if (!e && (!is_list(reply, 0) || reply->elements > AUDIT_READ_MAX))
        e = answer_unexpected(q);
    if (!e && !(line = calloc(reply->elements + 1, sizeof(*line))))
        e = ERR_NOMEM;
    for (; !e && n < reply->elements; n++)
        if (!read_line(reply->element[n], &line[n]))
            e = answer_unexpected(q);
    ((queue_audit_fn *)r->done)(r->arg, e, line, e ? 0 : n);
    free(line);
}

enum err queue_audit(struct queue *q, uint32_t most, queue_audit_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char number[NUMBER_CAP];

    if (most == 0 || most > AUDIT_READ_MAX)
        return ERR_INVALID;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("audit"));

    argv[n++] = queue_decimal(number, most);
    return queue_ask(q, on_audit, (queue_any_fn *)done, arg, n, argv);
}
