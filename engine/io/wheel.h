/* Timers of one loop: a hierarchical wheel with 1 ms slots. Start and stop are O(1), whatever the
 * number of timers. The caller embeds the timer; the wheel never allocates. Owning thread only.
 * The wheel reads no clock: wheel_advance tells it the time, so tests run it on a virtual one. */
#ifndef PEAL_IO_WHEEL_H
#define PEAL_IO_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_LEVELS 5
#define WHEEL_SLOTS 256 /* level k spans 256^(k+1) ms; delays beyond 2^32 ms are cut to that */

struct timer;
typedef void timer_fn(struct timer *t);

struct timer {
    struct list_node node;
    uint64_t due_ms;
    timer_fn *fire;
};

struct wheel {
    uint64_t now_ms;
    uint32_t count;
    struct list due, firing; /* due: to be fired by the next call that fires */
    uint64_t occupied[WHEEL_LEVELS][WHEEL_SLOTS / 64];
    struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now_ms);

void timer_init(struct timer *t); /* required before the first start or stop */
/* Restarts a running timer. Fires once, never inside this call, at the earliest delay_ms after the
 * wheel's present time. A fired timer is idle and may be started again from its own fire(). */
void timer_start(struct wheel *w, struct timer *t, uint64_t delay_ms, timer_fn *fire);
/* At an absolute time of the wheel, for what must not drift: a period's next turn is
 * t->due_ms + period, however late this one came. A time in the past is due at once. */
void timer_start_at(struct wheel *w, struct timer *t, uint64_t due_ms, timer_fn *fire);
void timer_stop(struct wheel *w, struct timer *t); /* Safe on an idle timer. */
static inline bool timer_running(const struct timer *t) { return list_linked(&t->node); }

/* Moves time forward and fires what is due, in order of due time (then of start); while a timer
 * fires, the wheel's present time is that timer's due time. A timer started with 0 ms at now_ms
 * waits for the next call. Returns how many fired. */
uint32_t wheel_advance(struct wheel *w, uint64_t now_ms);

/* The same in two steps, for a loop that handles its completions between them: wheel_collect moves
 * time and gathers what is due, wheel_fire fires what was gathered and not stopped since. */
void wheel_collect(struct wheel *w, uint64_t now_ms);
uint32_t wheel_fire(struct wheel *w);

/* Milliseconds until the wheel must be advanced again (0 when something is due); UINT64_MAX when
 * no timer runs. May be early (a cascade), never late. */
uint64_t wheel_next_ms(const struct wheel *w);

#endif
