/* Filling the queue: leads are written straight into batches of RESP arguments, and each batch is
 * one call of the function `add`. The head of the command, which tells how many arguments follow,
 * is put in front of them when the batch is full. A batch stays until it is acknowledged, so a lost
 * connection only sends it again; adding is idempotent by id. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "queue/import.h"
#include "queue/internal.h"

#define HEAD_BYTES (KEY_MAX + 96) /* kept free before the arguments */
#define HEAD_MAX   (64 + QUEUE_LIST_MAX + QUEUE_STATUS_MAX)
/* the largest one as arguments */
#define LEAD_BYTES (QUEUE_ID_MAX + TASK_PAYLOAD_MAX + HEAD_MAX + 96)

_Static_assert(BATCH_BYTES > HEAD_BYTES + LEAD_BYTES, "a batch must hold a lead");

enum err add_init(struct queue *q)
{
    list_init(&q->free_batches);
    list_init(&q->full_batches);
    q->batch_mem = malloc(BATCHES * sizeof(*q->batch_mem)); /* not touched before it is used */
    if (!q->batch_mem)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < BATCHES; i++) {
        struct batch *b = &q->batch_mem[i];

        list_node_init(&b->node);
        b->queue = q;
        b->leads = b->len = 0;
        b->sent = false;
        list_push_back(&q->free_batches, &b->node);
    }
    return OK;
}

void add_fini(struct queue *q)
{
    free(q->batch_mem);
}

bool add_idle(const struct queue *q)
{
    return list_empty(&q->full_batches) && (!q->filling || q->filling->leads == 0);
}

static void tell_added(struct queue *q)
{
    queue_done_fn *done = q->added;

    if (!q->finishing || !add_idle(q))
        return;
    q->finishing = false;
    q->added = NULL;
    if (!done)
        return;
    q->inside++;
    done(q->added_arg, q->add_stats.failed ? ERR_IO : OK);
    q->inside--;
}

static void give_room(struct queue *q)
{
    if (!q->add_refused || list_empty(&q->free_batches))
        return;
    q->add_refused = false;
    if (!q->room)
        return;
    q->inside++;
    q->room(q->room_arg);
    q->inside--;
}

static void batch_free(struct batch *b)
{
    b->leads = b->len = 0;
    b->sent = false;
    list_remove(&b->node);
    list_push_back(&b->queue->free_batches, &b->node);
}

static bool acknowledged(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 || reply->elements > 3)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
    return true;
}

static void replied(void *arg, const struct redisReply *reply)
{
    struct batch *b = arg;
    struct queue *q = b->queue;

    b->sent = false;
    q->batches_sent--;
    if (q->closing)
        return;
    if (!reply)
        return; /* stays in the list, and leaves again when Redis is back */
    if (queue_try_later(q, reply)) {
        queue_again_soon(q);
        return;
    }
    if (acknowledged(reply)) {
        q->add_stats.added += (uint64_t)reply->element[0]->integer;
        q->add_stats.duplicates += (uint64_t)reply->element[reply->elements - 1]->integer;
        if (reply->elements == 3)
            q->add_stats.updated += (uint64_t)reply->element[1]->integer;
    } else {
        q->add_stats.failed += b->leads;
        queue_say(q, "Redis refuses leads",
                  reply->type == REDIS_REPLY_ERROR ? reply->str : "it gave an unexpected answer");
        log_error("queue", q->error, "leads=%u", b->leads);
    }
    batch_free(b);
    add_pump(q);
    give_room(q);
    tell_added(q);
}

/* The command's head, right before its arguments; returns the whole. */
static struct slice complete_command(struct batch *b)
{
    const struct queue *q = b->queue;
    const char *function = b->updates ? QUEUE_FUNCTION("update") : QUEUE_FUNCTION("add");
    char head[HEAD_BYTES];
    int n = snprintf(head, sizeof(head),
                     "*%u\r\n$5\r\nFCALL\r\n$%zu\r\n%s\r\n$1\r\n1\r\n$%zu\r\n%s\r\n",
                     4 + 3 * b->leads, strlen(function), function, strlen(q->key), q->key);

    assert(n > 0 && n < (int)sizeof(head));
    char *start = b->bytes + HEAD_BYTES - n;

    memcpy(start, head, (size_t)n);
    return slice_of(start, (size_t)n + b->len);
}

void add_pump(struct queue *q)
{
    list_each(n, next, &q->full_batches)
    {
        struct batch *b = container_of(n, struct batch, node);

        if (b->sent)
            continue;
        if (q->batches_sent == BATCHES_SENT)
            return;
        enum err e = redis_send(q->redis, complete_command(b), replied, b);

        if (e == ERR_FULL)
            queue_again_soon(q);
        if (e)
            return;
        b->sent = true;
        q->batches_sent++;
    }
}

static void close_filling(struct queue *q)
{
    struct batch *b = q->filling;

    if (!b || b->leads == 0)
        return;
    q->filling = NULL;
    list_push_back(&q->full_batches, &b->node);
    add_pump(q);
}

static struct batch *filling(struct queue *q)
{
    struct batch *b = q->filling;

    if (b && (b->leads == BATCH_LEADS || b->len + HEAD_BYTES + LEAD_BYTES > BATCH_BYTES)) {
        close_filling(q);
        b = NULL;
    }
    if (!b) {
        struct list_node *n = list_pop_front(&q->free_batches);

        b = n ? container_of(n, struct batch, node) : NULL;
        if (b)
            b->updates = q->updates;
        q->filling = b;
    }
    return b;
}

/* "$len\r\n" */
static void put_length(struct buf *out, size_t len)
{
    buf_putc(out, '$');
    buf_u64(out, len);
    buf_puts(out, "\r\n");
}

static void put_word(struct buf *out, struct slice word)
{
    put_length(out, word.len);
    buf_put(out, word);
    buf_puts(out, "\r\n");
}

static int32_t cut_priority(int32_t p)
{
    if (p > QUEUE_PRIORITY_MAX)
        return QUEUE_PRIORITY_MAX;
    return p < -QUEUE_PRIORITY_MAX ? -QUEUE_PRIORITY_MAX : p;
}

enum err queue_add(struct queue *q, const struct queue_lead *lead)
{
    char payload_text[TASK_PAYLOAD_MAX], head[HEAD_MAX] = "";
    struct buf payload = buf_on(payload_text, sizeof(payload_text));
    enum err e = task_pack(lead, &payload);

    if (e)
        return e;
    assert(!payload.overflow);
    struct batch *b = filling(q);

    if (!b) {
        q->add_refused = true;
        return ERR_AGAIN;
    }
    if (lead->priority || lead->due_wall_ms || lead->status.len || lead->list.len || lead->order)
        snprintf(head, sizeof(head), "%d %llu %c %.*s %.*s", (int)cut_priority(lead->priority),
                 (unsigned long long)lead->due_wall_ms, "anr"[lead->order],
                 SLICE_ARG(lead->list.len ? lead->list : SLICE("-")), SLICE_ARG(lead->status));
    struct buf out = buf_on(b->bytes + HEAD_BYTES, BATCH_BYTES - HEAD_BYTES);

    out.len = b->len;
    put_word(&out, lead->id);
    put_word(&out, slice_cstr(head));
    put_word(&out, buf_slice(&payload));
    assert(!out.overflow);
    b->len = (uint32_t)out.len;
    b->leads++;
    q->add_stats.given++;
    return OK;
}

void queue_add_updates(struct queue *q, bool updates)
{
    q->updates = updates;
}

void queue_add_on_room(struct queue *q, void (*room)(void *arg), void *arg)
{
    q->room = room;
    q->room_arg = arg;
}

/* With nothing under way the answer still comes from the loop, not from inside the call. */
static void finish_soon(struct timer *t)
{
    tell_added(container_of(t, struct queue, finish));
}

enum err queue_add_finish(struct queue *q, queue_done_fn *done, void *arg)
{
    if (q->finishing)
        return ERR_STATE;
    close_filling(q);
    q->finishing = true;
    q->added = done;
    q->added_arg = arg;
    if (add_idle(q))
        loop_timer(q->loop, &q->finish, 0, finish_soon);
    return OK;
}

void queue_add_leave(struct queue *q)
{
    q->finishing = false;
    q->added = NULL;
}

const struct queue_add_stats *queue_add_stats_of(const struct queue *q)
{
    return &q->add_stats;
}
