/* One media worker: a thread, its loop, its legs' streams spread over 20 slots of 1 ms.
 *
 * Slot k of the steady clock's millisecond t (t mod 20 = k) first reads the sockets of its streams
 * and sends for them, all in one submission, then takes a block from each jitter buffer and lets
 * the detectors run over the batch. What comes is not wanted before the next slot, so nobody is
 * woken for it; the kernel's time stamps tell when it came. Only bridged streams wait for packets,
 * to hand them on at once.
 *
 * Deadlines are absolute, so a late slot delays nothing after it; a worker more than
 * WORKER_BEHIND_MAX_MS behind leaves whole rounds out and counts them.
 *
 * A send is handed to the kernel with MSG_DONTWAIT, so it has read the bytes when the submission
 * returns: packets are built in one arena that starts anew then, and received buffers that are
 * relayed are given back then. Successful sends post no completion.
 *
 * Everything here but the rings and `shared` belongs to the worker's thread. */
#ifndef PEAL_MEDIA_WORKER_H
#define PEAL_MEDIA_WORKER_H

#include <pthread.h>
#include <semaphore.h>

#include "base/pool.h"
#include "base/ring.h"
#include "base/rng.h"
#include "dsp/dsp.h"
#include "io/bufring.h"
#include "media/codec_load.h"
#include "media/media.h"
#include "media/message.h"
#include "media/shared.h"

#define WORKER_SLOTS         20
#define WORKER_SLOT_US       1000
#define WORKER_BEHIND_MAX_MS 400
#define WORKER_BATCH         64 /* blocks handed to the detectors together */
#define WORKER_ARENA_BYTES   (256 * 1024)
#define WORKER_HELD_MAX      1024 /* received buffers waiting for their relayed send */
#define WORKER_RECEIVE_BYTES 1088 /* a buffer: recvmsg header, name, time stamp, datagram */
#define WORKER_PUBLISH_US    250000

/* Counters of one worker; added up by media_metrics. */
struct worker_counters {
    uint64_t rtp_received, rtp_sent, rtp_relayed, rtp_invalid, rtp_rejected, rtcp_received,
        rtcp_sent, rtcp_invalid, send_failed, receive_starved, concealed, late, discarded, ticks,
        srtp_forged, srtp_replayed, srtp_unsealed, shared_received, shared_sent, ticks_skipped,
        events_dropped, cpu_us, at_us;
    uint32_t restarts; /* of the histograms, as far as the worker has heard */
    struct hist late_us, work_us;
};

/* Counters change hands: who turns FREE or FULL into BUSY may touch them; neither side waits. */
enum { SHARED_FREE, SHARED_FULL, SHARED_BUSY };
struct worker_shared {
    _Atomic uint32_t state;
    _Atomic uint32_t restarts; /* asked for by the control thread */
    struct worker_counters counters;
};

struct slot {
    struct stream **stream;
    uint32_t count;
};

struct worker {
    struct loop loop;
    struct bufring buffers;
    struct rng rng;
    struct loop_op send_op; /* of all RTP sends: failures only */
    struct msghdr receive_shape;
    struct list streams;
    struct pool mixes;
    struct list impaired; /* streams with packets on their way, see impair.h */
    struct list timed;    /* streams that play captured packets */
    struct codec_load codec_load;
    struct slot slot[WORKER_SLOTS];
    uint32_t active;        /* streams in slots */
    uint64_t next_slot;     /* absolute number: milliseconds of the steady clock */
    uint64_t now_us;        /* of this turn */
    uint64_t slot_us;       /* deadline of the slot being worked on */
    uint64_t real_ahead_us; /* of our clock: the one that stamps packets; modulo 2^64 */
    bool quitting, count_foreign, realtime, told;
    bool fixed_files; /* the ring has a table with a place for each leg's RTP socket */
    bool direct;      /* … and behind those one for its RTCP socket (stream_direct.c) */

    uint8_t *arena;
    uint32_t arena_used;
    uint16_t held[WORKER_HELD_MAX];
    uint32_t held_count;

    struct dsp_block block[WORKER_BATCH];
    struct stream *block_of[WORKER_BATCH];
    struct dsp_event heard[WORKER_BATCH * DSP_EVENTS_PER_LEG_MAX];
    uint32_t blocks;

    struct shared_socket socket; /* see shared.h */
    struct addr socket_local;    /* its address; unset: none */
    uint8_t socket_dscp;

    struct worker_counters count;
    uint64_t published_us;

    struct worker_shared shared;
    struct ring_spsc commands, messages;
    uint32_t messages_spare; /* droppable ones wait at most so many */
    struct loop *control;
    uint32_t max_legs, index, core; /* core + 1; 0: not pinned */
    pthread_t thread;
    sem_t ready;
    sem_t may_end; /* the control thread touches the loop no more */
    enum err started;
};

/* Takes the shared counters; false: the other side has them just now (or they are not full). */
static inline bool worker_shared_take(struct worker_shared *s, bool only_full)
{
    uint32_t was = SHARED_FULL, free_now = SHARED_FREE;

    return atomic_compare_exchange_strong_explicit(&s->state, &was, SHARED_BUSY,
                                                   memory_order_acquire, memory_order_relaxed) ||
           (!only_full &&
            atomic_compare_exchange_strong_explicit(&s->state, &free_now, SHARED_BUSY,
                                                    memory_order_acquire, memory_order_relaxed));
}

static inline void worker_shared_give(struct worker_shared *s, uint32_t state)
{
    atomic_store_explicit(&s->state, state, memory_order_release);
}

/* Starts the thread and waits until its loop runs. */
enum err worker_start(struct worker *w);
/* After COMMAND_QUIT, the last command: joins and frees what the worker holds. */
void worker_join(struct worker *w);

/* Sends a message up. owed: never dropped (see message.h). */
void worker_tell(struct worker *w, const struct message *m, bool owed);
/* Bytes for a packet that is sent in this submission. */
void *worker_arena(struct worker *w, uint32_t bytes);
/* The received buffer is given back after this submission. */
void worker_hold(struct worker *w, uint16_t buffer);
/* Submits, and delivers what ended at once: reads without waiting. Not from inside a callback. */
void worker_read(struct worker *w);
/* What captured packets are due (send_packets.c). */
void worker_send_timed(struct worker *w);
/* Puts a stream into the least filled slot, and takes it out. */
void worker_slot_in(struct worker *w, struct stream *s);
void worker_slot_out(struct worker *w, struct stream *s);

#endif
