/* The event loop: one io_uring, one timer wheel, one clock, one thread.
 *
 * Everything asynchronous is a `struct loop_op` embedded by its owner: it is submitted with an SQE
 * and gets its completions through `done`. With CQE_F_MORE (multishot) it stays armed. An op must
 * stay alive until its final completion. Batches: SQEs made by callbacks go to the kernel together
 * when the loop next waits.
 *
 * Ring set-up: SINGLE_ISSUER, DEFER_TASKRUN, COOP_TASKRUN where the kernel has them; buffer rings
 * for multishot receive are written over the raw structs, since liburing 2.3 has no helper. */
#ifndef PEAL_IO_LOOP_H
#define PEAL_IO_LOOP_H

#include <liburing.h>

#include "base/clock.h"
#include "base/err.h"
#include "io/wheel.h"

struct loop_op;
/* res: bytes or -errno; cqe_flags: IORING_CQE_F_* (MORE: further completions will follow). */
typedef void loop_done_fn(struct loop_op *op, int32_t res, uint32_t cqe_flags);

struct loop_op {
    loop_done_fn *done;
};

/* How long before its completion is delivered an op is shown to loop_set_ahead's function. */
enum loop_ahead { LOOP_AHEAD_FAR, LOOP_AHEAD_NEAR };

struct loop_config {
    uint32_t entries;      /* SQ entries; 0: 1024 */
    struct clock *clock;   /* NULL: a real clock of the loop's own */
    bool taskrun_any_thread; /* true: no SINGLE_ISSUER/DEFER_TASKRUN (loop made on another thread) */
};

/* A moment to the microsecond, where the wheel's millisecond is too coarse: the loop sleeps until it
 * and does not spin. A list of few (each turn looks at all of them); real clocks only. The owner
 * embeds it. */
struct loop_alarm {
    struct list_node node;
    uint64_t at_us;
    void (*ring)(struct loop_alarm *a);
};

struct loop {
    struct io_uring ring;
    struct wheel wheel;
    struct list alarms;
    struct clock own_clock;
    struct clock *clock;
    uint64_t now_us;  /* clock read once per turn */
    bool stopping, in_turn;
    uint32_t inflight; /* ops awaiting their final completion */
    int wake_fd;       /* eventfd, see loop_wake */
    uint64_t wake_value;
    struct loop_op wake_op;
    _Atomic uint32_t wake_pending;
    void (*on_wake)(void *arg); /* called on the loop's thread after loop_wake */
    void *on_wake_arg;
    struct list turn_hooks; /* see loop_hook */
    void (*on_ahead)(struct loop_op *op, enum loop_ahead ahead); /* see loop_set_ahead */
    bool (*settled)(void *arg); /* see loop_set_virtual */
    void *settled_arg;
    uint64_t turns, completions, sq_full;
    uint16_t next_group; /* see loop_buffer_group */
};

/* Called once a turn, after completions and timers, before what they queued is submitted: the place
 * to flush batches. A hook may remove itself, and no other. */
struct loop_hook {
    struct list_node node;
    void (*run)(struct loop_hook *h);
};

/* config may be NULL. ERR_UNSUPPORTED: the kernel has no io_uring (or forbids it); ERR_NOMEM: locked
 * memory or descriptors ran out. Either is logged with its cause. */
enum err loop_init(struct loop *l, const struct loop_config *config);
/* Waits (2 s at most) for the ops of owners that were closed just before. */
void loop_fini(struct loop *l);

/* On a virtual clock, loop_run moves the clock itself: to the next timer, and only while `settled`
 * says that nothing is under way that may still bring something at the present instant (a question
 * without its answer, a record not yet written). Until then it waits for completions and no timer
 * fires, so what happens does not depend on how fast the world outside is. Ends when no timer is
 * left. NULL: the clock stands (see loop_run). */
void loop_set_virtual(struct loop *l, bool (*settled)(void *arg), void *arg);

/* Runs until loop_stop. loop_turn does one round: hooks, submit, wait at most wait_us (0: does not
 * wait), completions until there are none, timers. On a virtual clock the loop waits for completions
 * only: whoever moves the clock sees to it that timers fire, by loop_turn(l, 0). */
void loop_run(struct loop *l);
void loop_turn(struct loop *l, uint64_t wait_us);
void loop_stop(struct loop *l); /* from the loop's thread */
/* Submits what is queued and delivers the completions that are there at once, without waiting and
 * without timers: for operations that end where they are submitted (MSG_DONTWAIT). Not from inside
 * a callback. */
void loop_submit_and_reap(struct loop *l);

/* An SQE tied to op (submits what is queued when the ring is full). Never NULL. The caller fills
 * it by io_uring_prep_*; op's completions go to op->done. op NULL: completions are ignored. */
struct io_uring_sqe *loop_sqe(struct loop *l, struct loop_op *op);
/* Asks the kernel to cancel op; op still gets its final completion (-ECANCELED or its result). */
void loop_cancel(struct loop *l, struct loop_op *op);

/* Counts from the present turn's now_us; outside of a turn, from the clock. */
void loop_timer(struct loop *l, struct timer *t, uint64_t delay_ms, timer_fn *fire);
void loop_timer_stop(struct loop *l, struct timer *t);

void loop_alarm_init(struct loop_alarm *a); /* required before the first set or stop */
/* Rings once, after completions and timers of the turn that the moment falls in, at once when it is
 * past; set again it is moved, also from its own ring(), which then rings in a later turn. */
void loop_alarm_set(struct loop *l, struct loop_alarm *a, uint64_t at_us,
                    void (*ring)(struct loop_alarm *a));
void loop_alarm_stop(struct loop_alarm *a); /* safe on one that is not set */

/* From any thread, and from signal handlers: on_wake will run on the loop's thread soon. Many wakes
 * become one. */
void loop_set_wake(struct loop *l, void (*on_wake)(void *arg), void *arg);
void loop_wake(struct loop *l);

/* When completions wait in numbers, ahead is shown each op twice before its turn, to fetch into the
 * caches what the turn will need; it must change nothing. NULL: nobody. */
void loop_set_ahead(struct loop *l, void (*ahead)(struct loop_op *op, enum loop_ahead ahead));

/* A group number for a buffer ring, unique in this loop, from 0x8000 up; lower numbers are free for
 * those who number their own. */
uint16_t loop_buffer_group(struct loop *l);

void loop_hook_add(struct loop *l, struct loop_hook *h);
void loop_hook_remove(struct loop_hook *h);

static inline uint64_t loop_now_ms(const struct loop *l) { return l->now_us / 1000; }

#endif
