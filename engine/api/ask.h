/* Questions to a campaign's Redis, asked one after the other, each waited for while the loop turns:
 * how commands and the API's thread ask, never the thread that has calls. Owning thread only. */
#ifndef PEAL_API_ASK_H
#define PEAL_API_ASK_H

#include "io/loop.h"
#include "queue/queue.h"

#define ASK_WAIT_MS   15000 /* for Redis to say anything */
#define ASK_ERROR_MAX 256

struct ask {
    struct loop *loop;
    struct queue *queue; /* NULL after a question that was not answered in time */
    const _Atomic uint64_t
        *until_ms;    /* by the loop's clock: ends waiting early; NULL, 0: nothing does */
    uint32_t wait_ms; /* 0: ASK_WAIT_MS */
    bool answered; /* a callback (whose arg leads here) sets it, and e, when its answer has come */
    enum err e;
    char error[ASK_ERROR_MAX]; /* Redis' own word, after false */
};

/* Turns the loop until the question's callback has set `answered`; asked: what asking gave. False:
 * there was none, or an error (a->e). After ERR_TIMEOUT the queue is closed, so that no late answer
 * comes to an asker who is gone. */
bool ask_wait(struct ask *a, enum err asked);
/* Turns the loop until Redis is there. False: a->error. */
bool ask_until_up(struct ask *a);
void ask_on_done(void *arg, enum err e); /* a queue_done_fn; arg: the struct ask */

#endif
