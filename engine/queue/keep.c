/* What Redis has acknowledged and may yet forget: a replica that takes over lacks what its master
 * did last, and a file that was cut short lacks its end. So attempts that are open and completions
 * of the last half minute are kept, and said again, in their order, when Redis is back. Each is
 * repeatable: where nothing was lost, nothing happens; where something was, functions.c puts the
 * attempt on record once more (with the lease, while its call lives) or closes it. */
#include <stdlib.h>

#include "queue/internal.h"

#define KEEP_MS        30000
#define KEEP_BYTES_MAX (8 * 1024 * 1024)
#define KEEP_MAX       4096 /* of each sort; the oldest goes first */

struct kept {
    struct list_node node;
    enum request_kind kind;
    uint64_t at_ms;
    char *resp;
    uint32_t len;
    char task[QUEUE_ID_MAX + 1];
};

static void forget(struct keep *k, struct kept *one)
{
    list_remove(&one->node);
    k->bytes -= one->len;
    *(one->kind == REQUEST_ATTEMPT ? &k->open_count : &k->done_count) -= 1;
    free(one->resp);
    free(one);
}

static struct kept *oldest(struct list *l)
{
    struct list_node *n = list_first(l);

    return n ? container_of(n, struct kept, node) : NULL;
}

static void make_room(struct keep *k, uint64_t now_ms)
{
    struct kept *one;

    while ((one = oldest(&k->done)) &&
           (one->at_ms + KEEP_MS < now_ms || k->done_count > KEEP_MAX || k->bytes > KEEP_BYTES_MAX))
        forget(k, one);
    while (k->open_count > KEEP_MAX)
        forget(k, oldest(&k->open));
}

/* Takes the request's command over. */
static void keep(struct queue *q, struct request *r, struct list *to, uint32_t *count)
{
    struct kept *one = r->resp ? malloc(sizeof(*one)) : NULL;

    if (!one)
        return;
    *one = (struct kept){
        .kind = r->kind, .at_ms = clock_ms(&q->keep.clock), .resp = r->resp, .len = r->resp_len};
    slice_copy(slice_cstr(r->task), one->task, sizeof(one->task));
    list_node_init(&one->node);
    list_push_back(to, &one->node);
    ++*count;
    q->keep.bytes += one->len;
    r->resp = NULL;
    make_room(&q->keep, one->at_ms);
}

void keep_init(struct queue *q)
{
    clock_init_real(&q->keep.clock);
    list_init(&q->keep.open);
    list_init(&q->keep.done);
}

void keep_fini(struct queue *q)
{
    struct kept *one;

    while ((one = oldest(&q->keep.open)))
        forget(&q->keep, one);
    while ((one = oldest(&q->keep.done)))
        forget(&q->keep, one);
}

static void close_attempt(struct queue *q, const char *task)
{
    list_each(n, next, &q->keep.open)
    {
        struct kept *one = container_of(n, struct kept, node);

        if (strcmp(one->task, task) == 0)
            forget(&q->keep, one);
    }
}

void keep_answered(struct queue *q, struct request *r, enum err e)
{
    if (r->kind == REQUEST_COMPLETE)
        close_attempt(q, r->task);
    if (e != OK)
        return;
    if (r->kind == REQUEST_COMPLETE)
        keep(q, r, &q->keep.done, &q->keep.done_count);
    else if (r->kind == REQUEST_ATTEMPT && r->done) /* not one that was said again: it is kept */
        keep(q, r, &q->keep.open, &q->keep.open_count);
}

/* False: no room for more requests; what is left is not said. */
static bool say(struct queue *q, const struct kept *one, struct list *to)
{
    struct request *r = queue_request(q, one->kind, NULL, NULL);

    if (!r)
        return false;
    r->resp = malloc(one->len);
    if (!r->resp) {
        queue_request_free(r);
        return false;
    }
    memcpy(r->resp, one->resp, one->len);
    r->resp_len = one->len;
    r->repeats = true;
    slice_copy(slice_cstr(one->task), r->task, sizeof(r->task));
    list_push_back(to, &r->node);
    return true;
}

void keep_say_again(struct queue *q)
{
    struct list said;
    struct list_node *n;
    struct kept *one;

    list_init(&said);
    make_room(&q->keep, clock_ms(&q->keep.clock));
    list_each(node, next, &q->keep.open)
    {
        if (!say(q, container_of(node, struct kept, node), &said))
            break;
    }
    /* Completions before: of one task, the earlier attempt's comes first. They are kept anew when
     * they are answered. */
    struct list all;
    list_init(&all);
    while ((one = oldest(&q->keep.done))) {
        say(q, one, &all);
        forget(&q->keep, one);
    }
    while ((n = list_pop_front(&said)))
        list_push_back(&all, n);
    while ((n = list_pop_front(&q->unsent)))
        list_push_back(&all, n);
    while ((n = list_pop_front(&all)))
        list_push_back(&q->unsent, n);
}
