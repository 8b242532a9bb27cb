/* A lead that waits is to be looked at sooner than it was put off to, because
 * what held it (hours that were narrower) does not hold any more. Loop thread
 * only. */
#ifndef PEAL_QUEUE_FORWARD_H
#define PEAL_QUEUE_FORWARD_H

#include "queue/queue.h"

typedef void queue_forward_fn(void *arg, enum err e, bool moved);
/* Due at to_wall_ms, if it still waits for was_wall_ms; not before its
 * call-back's time, nor later than it was due. Its place among those of one
 * instant stays. */
enum err queue_bring_forward(struct queue *q, struct slice id, uint64_t was_wall_ms,
                             uint64_t to_wall_ms, queue_forward_fn *done, void *arg);

#endif
