/* Telling Redis what is to be known of a lead, and asking for its comments. */
#include "queue/note.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#include "queue/internal.h"

#define COMMENTS_MAX 256 /* given out; the rest is left out */

enum err queue_note(struct queue *q, struct slice id, const struct queue_note *n,
                    queue_done_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char attempt[NUMBER_CAP], priority[16];

    if (n->comment.len > QUEUE_COMMENT_MAX || n->mark.len > QUEUE_MARK_MAX ||
        n->caller_id.len > QUEUE_CALLER_ID_MAX || id.len > QUEUE_ID_MAX)
        return ERR_TOO_LONG;
    if (id.len == 0)
        return ERR_INVALID;
    uint32_t words = queue_call_words(q, argv, QUEUE_FUNCTION("note"));

    snprintf(priority, sizeof(priority), "%d", (int)n->priority);
    argv[words++] = id;
    argv[words++] = queue_decimal(attempt, n->attempt);
    argv[words++] = n->comment;
    argv[words++] = n->mark;
    argv[words++] = n->caller_id;
    argv[words++] = slice_cstr(priority);
    return queue_ask_surely(q, queue_on_status, (queue_any_fn *)done, arg, words, argv);
}

static void told(struct queue *q, struct request *r, const struct redisReply *reply, enum err e)
{
    struct slice lines[COMMENTS_MAX];
    uint32_t n = 0;

    if (!e && reply->type != REDIS_REPLY_ARRAY)
        e = answer_unexpected(q);
    for (size_t i = 0; !e && i < reply->elements && n < COMMENTS_MAX; i++) {
        if (answer_is_text(reply->element[i]))
            lines[n++] = answer_text(reply->element[i]);
        else
            e = answer_unexpected(q);
    }
    ((queue_comments_fn *)r->done)(r->arg, e, lines, e ? 0 : n);
}

enum err queue_comments(struct queue *q, struct slice id, queue_comments_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    uint32_t words = queue_call_words(q, argv, QUEUE_FUNCTION("comments"));

    argv[words++] = id;
    return queue_ask(q, told, (queue_any_fn *)done, arg, words, argv);
}
