/* What an import asks of the queue beyond adding: leads that are there already, and whose numbers
 * they are. Loop thread only. */
#ifndef PEAL_QUEUE_IMPORT_H
#define PEAL_QUEUE_IMPORT_H

#include "queue/queue.h"

/* From now on queue_add changes a lead that is there already (by id): its numbers, name, zone,
 * fields, expiry and priority; not its attempts, its state, nor its turn among those of its
 * priority. One that was finished as invalid by an import and never dialled is fresh again when it
 * has a usable number now; one that has none any more is finished. A due_wall_ms (a call-back) moves
 * a lead there: one that waits, for its turn or for another time; and one that is finished, which is
 * opened again with all of its attempts before it (their numbers go on). Not a lead that an engine
 * has just now; and an instant that is past moves only who still waits for the call-back told
 * before, so a list may come again. Before the first queue_add. */
void queue_add_updates(struct queue *q, bool updates);

/* Some leads' numbers, "+12025550123 mobile,+12025550124", until the end of all of them (e OK with
 * last), or an error. Valid during the call only. */
struct queue_numbers {
    struct slice id, numbers;
};
typedef void queue_numbers_fn(void *arg, enum err e, const struct queue_numbers *page, uint32_t n,
                              bool last);
/* One page; cursor 0 first. *cursor is set before done is called. Leads that are added meanwhile
 * may be left out or told twice. */
enum err queue_numbers(struct queue *q, uint64_t *cursor, queue_numbers_fn *done, void *arg);

#endif
