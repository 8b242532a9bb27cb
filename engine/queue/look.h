/* Tasks looked at without taking them: one by its id, those of a number, or all of them in chunks,
 * so that nobody waits long for Redis. What is told was so at one instant for each task, not for
 * all of them together. Loop thread only. */
#ifndef PEAL_QUEUE_LOOK_H
#define PEAL_QUEUE_LOOK_H

#include "queue/queue.h"

#define LOOK_CHUNK        250  /* tasks a question, about */
#define LOOK_FIND_CHUNK   1000 /* tasks searched a question, about */
#define LOOK_ATTEMPTS_MAX 1000 /* of one task, the latest */

enum task_stands {
    TASK_FRESH,  /* never called; goes in the line of its list */
    TASK_WAITS,  /* for due_wall_ms, or may be claimed when that is over */
    TASK_LEASED, /* an engine has it */
    TASK_DONE    /* with a status */
};

struct queue_stands {
    struct queue_task task; /* token 0 */
    enum task_stands stands;
    uint64_t ahead;                    /* FRESH, queue_look only: tasks of its list before it */
    char list[QUEUE_LIST_MAX + 2];     /* likewise; "": of none. "+NAME": it was called, is due
                                          and held (QUEUE_HELD) */
    uint64_t due_wall_ms;              /* WAITS */
    uint64_t lease_wall_ms;            /* LEASED: its end */
    char engine[QUEUE_ENGINE_MAX + 1]; /* LEASED */
    char status[QUEUE_STATUS_MAX + 1]; /* DONE */
    bool malformed;                    /* its payload cannot be read: task has its id only */
};

/* t: NULL when there is no such task; valid during the call only. */
typedef void queue_look_fn(void *arg, enum err e, const struct queue_stands *t);
enum err queue_look(struct queue *q, struct slice id, queue_look_fn *done, void *arg);

/* Chunk by chunk: from 0, then from what `done` gives as next, until that is 0 again. `each` is
 * called for every task of the chunk, then `done`. A task may come twice. */
typedef void queue_each_fn(void *arg, const struct queue_stands *t);
typedef void queue_chunk_fn(void *arg, enum err e, uint64_t next);
enum err queue_scan(struct queue *q, uint64_t from, queue_each_fn *each, queue_chunk_fn *done,
                    void *arg);
/* The same, of the tasks that have this number. */
enum err queue_find(struct queue *q, struct slice number, uint64_t from, queue_each_fn *each,
                    queue_chunk_fn *done, void *arg);

struct queue_attempt_text {
    uint32_t number;
    bool open;         /* not closed yet */
    uint64_t open_ms;  /* open: when it was recorded */
    struct slice text; /* closed: its record, JSON; may be empty */
};
typedef void queue_attempts_fn(void *arg, enum err e, const struct queue_attempt_text *a,
                               uint32_t n);
/* The attempts on record, oldest first. */
enum err queue_attempts(struct queue *q, struct slice id, queue_attempts_fn *done, void *arg);

/* How many attempts on record have which result, chunk by chunk like queue_scan; "open" for those
 * not closed yet. */
typedef void queue_result_fn(void *arg, struct slice result, uint64_t n);
enum err queue_results(struct queue *q, uint64_t from, queue_result_fn *each, queue_chunk_fn *done,
                       void *arg);

#endif
