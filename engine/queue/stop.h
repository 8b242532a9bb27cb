/* Leads stopped by an event outside ("picked up", "paid"): no call after that, and a call that is
 * under way is ended by the engine that has it (functions_stop.c). Any program with the same Redis
 * may say so: FCALL pealVERSION_stop 1 {CAMPAIGN} ID WHY (QUEUE_VERSION), or peal leads stop.
 *
 * Keys: {campaign}:stops (list of ids, the latest 10,000), `stops` in :meta (how many ever), `stop`
 * in the task's state (why). Loop thread only. */
#ifndef PEAL_QUEUE_STOP_H
#define PEAL_QUEUE_STOP_H

#include "queue/queue.h"

#define STOP_WHY_MAX   159
#define STOP_NEWS_MAX  1000
#define STOP_NONE_SEEN UINT64_MAX

enum queue_stopped {
    STOP_UNKNOWN,   /* there is no such lead */
    STOP_DONE,      /* it was finished already */
    STOP_FINISHED,  /* it is now: with the status `cancelled` */
    STOP_IN_THE_AIR /* a call is under way; its engine ends it */
};
typedef void queue_stopped_fn(void *arg, enum err e, enum queue_stopped what);
/* May be repeated. ERR_TOO_LONG; ERR_INVALID: no id. */
enum err queue_stop(struct queue *q, struct slice id, struct slice why, queue_stopped_fn *done,
                    void *arg);

/* Those stopped since `seen` were, the oldest STOP_NEWS_MAX of them; `seen` is what to ask with next
 * time. STOP_NONE_SEEN: only how many there are, to begin with. ids valid during the call only. */
typedef void queue_stops_fn(void *arg, enum err e, uint64_t seen, const struct slice *ids,
                            uint32_t n);
enum err queue_stops(struct queue *q, uint64_t seen, queue_stops_fn *done, void *arg);

#endif
