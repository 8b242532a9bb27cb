/* The numbers of leads that are there, a page at a time. */
#include "queue/import.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "queue/internal.h"

struct page {
    uint64_t *cursor;
    queue_numbers_fn *done;
    void *arg;
};

static enum err read_page(struct queue *q, const redisReply *reply, uint64_t *cursor,
                          struct queue_numbers *out, uint32_t *count)
{
    redisReply *const *e = (redisReply *const *)reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 1 || !answer_is_text(e[0]) ||
        slice_u64(answer_text(e[0]), UINT64_MAX, cursor))
        return answer_unexpected(q);
    for (size_t i = 1; i < reply->elements; i += 2) {
        if (!answer_is_text(e[i]) || !answer_is_text(e[i + 1]))
            return answer_unexpected(q);
        out[*count].id = answer_text(e[i]);
        out[(*count)++].numbers = answer_text(e[i + 1]);
    }
    return OK;
}

static void on_page(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct page p = *(struct page *)r->arg;
    struct queue_numbers *list = NULL;
    uint32_t n = 0;

    free(r->arg);
    if (!e && !(list = calloc(reply->elements / 2 + 1, sizeof(*list))))
        e = ERR_NOMEM;
    if (!e)
        e = read_page(q, reply, p.cursor, list, &n);
    p.done(p.arg, e, list, e ? 0 : n, !e && *p.cursor == 0);
    free(list);
}

enum err queue_numbers(struct queue *q, uint64_t *cursor, queue_numbers_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char text[NUMBER_CAP];
    struct page *p = malloc(sizeof(*p));
    struct request *r = p ? queue_request(q, REQUEST_OTHER, NULL, p) : NULL;

    if (!r) {
        free(p);
        return ERR_FULL;
    }
    *p = (struct page){cursor, done, arg};
    r->answered = on_page;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("numbers"));

    argv[n++] = queue_decimal(text, *cursor);
    enum err e = queue_send_now(r, n, argv);

    if (e)
        free(p);
    return e;
}
