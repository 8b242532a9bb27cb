/* What is known of a lead beside its state: dated comment lines, which are appended and never
 * rewritten; a mark; a changed priority; and the caller id that was shown last, where another one
 * is wanted next. Told together with a completion, before it, so that what is claimed next has it.
 *
 * Keys: {campaign}:comments (hash ID/ATTEMPT → line; attempt 0: without dialling), and in the
 * task's state :s:ID the fields mark, prio and cid. Loop thread only. */
#ifndef PEAL_QUEUE_NOTE_H
#define PEAL_QUEUE_NOTE_H

#include "queue/queue.h"

#define QUEUE_MARK_MAX    63
#define QUEUE_COMMENT_MAX 255

struct queue_note {
    uint32_t attempt;       /* 0: the lead was not dialled */
    struct slice comment;   /* "": none. A line that is there already stays as it is */
    struct slice mark;      /* "": none */
    struct slice caller_id; /* not to be shown next; "": any */
    int32_t priority;       /* what the lead's changes by, once an attempt; 0: nothing */
};

/* Repeats by itself and may be repeated. ERR_TOO_LONG, ERR_FULL; done may be NULL. */
enum err queue_note(struct queue *q, struct slice id, const struct queue_note *n,
                    queue_done_fn *done, void *arg);

/* All comment lines of a lead, in the order of attempts; valid during the call only. */
typedef void queue_comments_fn(void *arg, enum err e, const struct slice *lines, uint32_t n);
enum err queue_comments(struct queue *q, struct slice id, queue_comments_fn *done, void *arg);

#endif
