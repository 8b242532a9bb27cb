/* The engines of one campaign: who is there, and the one number they all spend from.
 *
 * Each engine says about once a second what it has (queue_share), which is its lease of presence,
 * and hears of the others. One whose lease has run out is told as gone, to everybody, for an hour;
 * one that has left (queue_leave) is not told at all. The abandonment budget is one number, ln θ
 * (campaign/pacing_budget.h): what an engine's own answers have moved it by since it started is
 * given as a total, so that a question asked twice counts once.
 *
 * Keys: {campaign}:engines (hash name → lease end, engine#run, agents, calls, moved), :budget.
 * Loop thread only. */
#ifndef PEAL_QUEUE_SHARE_H
#define PEAL_QUEUE_SHARE_H

#include "queue/queue.h"

#define QUEUE_ENGINES_MAX 64
#define QUEUE_PRESENCE_MS 5000 /* default lease of presence */

struct queue_presence {
    uint32_t lease_ms; /* 0: QUEUE_PRESENCE_MS */
    uint32_t agents;   /* logged in */
    uint32_t calls;    /* in the air */
    double moved;      /* by own answers, since the start of this run */
    double ceiling;    /* the number is lowered to this; INFINITY: left as it is */
    double start;      /* its value, when there is none yet */
};

struct queue_engine {
    char name[QUEUE_ENGINE_MAX + 1];
    uint32_t agents, calls;
    bool self, gone;
};

struct queue_shared {
    double number;                                 /* with what was given in it */
    struct queue_engine engine[QUEUE_ENGINES_MAX]; /* by name, self among them */
    uint32_t engines;
};
/* s is valid during the call only. */
typedef void queue_shared_fn(void *arg, enum err e, const struct queue_shared *s);
enum err queue_share(struct queue *q, const struct queue_presence *p, queue_shared_fn *done,
                     void *arg);
/* Gives up the lease of presence; the last engine to leave a draining campaign stops it
 * (queue/control.h). */
enum err queue_leave(struct queue *q, queue_done_fn *done, void *arg);

#endif
