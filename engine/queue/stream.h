/* Finished attempts' records as a Redis stream, for programs that want them as
 * they happen.
 *
 * {campaign}:stream:NAME   entries: id (CAMPAIGN/LEAD/ATTEMPT), engine, record
 * (JSON) {campaign}:streamed      hash, "ENGINE NAME" → how far that engine's
 * journal is in the stream
 *
 * Adding and moving that mark is one step, taken only from where the engine
 * believes the mark to be: asked again, nothing is added twice. A Redis that
 * lost its last commands lost both, and gets them again; who read the lost ones
 * knows them by their id. Loop thread only. */
#ifndef PEAL_QUEUE_STREAM_H
#define PEAL_QUEUE_STREAM_H

#include "queue/queue.h"

#define QUEUE_STREAM_NAME_MAX 63
#define QUEUE_STREAM_BATCH    16
#define QUEUE_STREAM_MARK_MAX 511

struct queue_stream_entry {
    struct slice id, record;
};
struct queue_stream_batch {
    struct slice stream;
    uint32_t keep;         /* the stream's latest entries, of all engines */
    struct slice from, to; /* the mark before, "" at the beginning, and after; any texts */
    const struct queue_stream_entry *entries;
    uint32_t count; /* QUEUE_STREAM_BATCH at most */
};

/* at: the mark as it is now; not `to`: nothing was added, for it was not
 * `from`. */
typedef void queue_streamed_fn(void *arg, enum err e, struct slice at);

/* Now or not at all; after ERR_CLOSED or ERR_TIMEOUT it is not known whether it
 * was done. */
enum err queue_stream_add(struct queue *q, const struct queue_stream_batch *b,
                          queue_streamed_fn *done, void *arg);
/* Where the mark is. */
enum err queue_stream_mark(struct queue *q, struct slice stream, queue_streamed_fn *done,
                           void *arg);

#endif
