/* A queue of the bench's own: a folder in /tmp, a loop, a private redis-server, one engine. */
#ifndef PEAL_BENCH_OWN_QUEUE_H
#define PEAL_BENCH_OWN_QUEUE_H

#include "bench/bench.h"
#include "queue/queue.h"
#include "queue/server.h"

struct own_queue {
    struct bench *bench;
    const char *what; /* names the bench in messages */
    char folder[64];
    struct loop loop;
    struct redis_server *server;
    struct queue *queue;
    bool up;
};

/* false: bench_fail has been told. */
bool own_queue_begin(struct own_queue *q, struct bench *b, const char *what);
void own_queue_end(struct own_queue *q); /* deletes the folder */

/* The server in a folder below ours, and the queue on it. */
bool own_queue_open(struct own_queue *q, const char *folder);
void own_queue_close(struct own_queue *q);

/* Turns the loop until the flag is set; false: it was not within ten minutes. */
bool own_queue_until(struct own_queue *q, const bool *flag);

#endif
