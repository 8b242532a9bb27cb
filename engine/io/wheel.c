/* A timer's level is that of the highest byte in which its due time differs from the present, and
 * its slot is that byte of the due time. So all timers due at one millisecond are always in one
 * list, in the order in which they were started, and a cascade (a slot of level k spread over the
 * lower levels when its time begins) keeps that order. A bitmap a level finds the next occupied
 * slot, so an idle wheel jumps over hours in a few steps. */
#include "io/wheel.h"

#include <assert.h>

#define DELAY_MAX_MS UINT64_C(0x100000000)

static uint32_t slot_of(uint64_t ms, uint32_t level)
{
    return (uint32_t)(ms >> (8 * level)) & (WHEEL_SLOTS - 1);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    *w = (struct wheel){.now_ms = now_ms};
    list_init(&w->due);
    list_init(&w->firing);
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++)
        for (uint32_t i = 0; i < WHEEL_SLOTS; i++)
            list_init(&w->slot[level][i]);
}

void timer_init(struct timer *t)
{
    list_node_init(&t->node);
    t->due_ms = 0;
    t->fire = NULL;
}

static void place(struct wheel *w, struct timer *t)
{
    if (t->due_ms <= w->now_ms) {
        list_push_back(&w->due, &t->node);
        return;
    }
    uint32_t level = (uint32_t)(63 - __builtin_clzll(t->due_ms ^ w->now_ms)) / 8;

    /* Past 2^40 ms only the next slot of the top level can be meant: delays are at most 2^32. */
    if (level >= WHEEL_LEVELS)
        level = WHEEL_LEVELS - 1;
    uint32_t slot = slot_of(t->due_ms, level);

    list_push_back(&w->slot[level][slot], &t->node);
    w->occupied[level][slot / 64] |= UINT64_C(1) << (slot % 64);
}

/* Unlinks t and, when it was the last of its slot, clears the slot's bit. */
static void unplace(struct wheel *w, struct timer *t)
{
    struct list_node *alone = t->node.prev == t->node.next ? t->node.next : NULL;

    list_remove(&t->node);
    struct list *head = (struct list *)alone;
    struct list *first = &w->slot[0][0];

    if (!head || head < first || head >= first + WHEEL_LEVELS * WHEEL_SLOTS)
        return;
    uint32_t index = (uint32_t)(head - first), slot = index % WHEEL_SLOTS;

    w->occupied[index / WHEEL_SLOTS][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

void timer_start(struct wheel *w, struct timer *t, uint64_t delay_ms, timer_fn *fire)
{
    assert(fire);
    if (list_linked(&t->node))
        unplace(w, t);
    else
        w->count++;
    t->due_ms = w->now_ms + (delay_ms > DELAY_MAX_MS ? DELAY_MAX_MS : delay_ms);
    t->fire = fire;
    place(w, t);
}

void timer_start_at(struct wheel *w, struct timer *t, uint64_t due_ms, timer_fn *fire)
{
    timer_start(w, t, due_ms > w->now_ms ? due_ms - w->now_ms : 0, fire);
}

void timer_stop(struct wheel *w, struct timer *t)
{
    if (!list_linked(&t->node))
        return;
    unplace(w, t);
    w->count--;
}

/* How many slots after `from` the first occupied one is, going round (1…256); 0 when none. */
static uint32_t next_occupied(const uint64_t bits[WHEEL_SLOTS / 64], uint32_t from)
{
    for (uint32_t step = 1; step <= WHEEL_SLOTS;) {
        uint32_t slot = (from + step) % WHEEL_SLOTS;
        uint64_t word = bits[slot / 64] >> (slot % 64);

        if (word) {
            step += (uint32_t)__builtin_ctzll(word);
            return step <= WHEEL_SLOTS ? step : 0;
        }
        step += 64 - slot % 64;
    }
    return 0;
}

/* When the next slot, of any level, begins; false when all are empty. */
static bool next_event(const struct wheel *w, uint64_t *at_ms)
{
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
        uint32_t step = next_occupied(w->occupied[level], slot_of(w->now_ms, level));

        if (step) { /* slots of higher levels begin no sooner */
            *at_ms = ((w->now_ms >> (8 * level)) + step) << (8 * level);
            return true;
        }
    }
    return false;
}

/* Moves to a time no later than the next event, and gathers what is due there. */
static void move_to(struct wheel *w, uint64_t now_ms)
{
    w->now_ms = now_ms;
    for (uint32_t level = WHEEL_LEVELS; level-- > 0;) {
        uint32_t slot = slot_of(now_ms, level);
        uint64_t bit = UINT64_C(1) << (slot % 64);

        if (!(w->occupied[level][slot / 64] & bit))
            continue;
        w->occupied[level][slot / 64] &= ~bit;
        struct list_node *n;

        while ((n = list_pop_front(&w->slot[level][slot])))
            place(w, container_of(n, struct timer, node));
    }
}

void wheel_collect(struct wheel *w, uint64_t now_ms)
{
    uint64_t at;

    while (next_event(w, &at) && at <= now_ms)
        move_to(w, at);
    if (now_ms > w->now_ms)
        w->now_ms = now_ms;
}

uint32_t wheel_fire(struct wheel *w)
{
    struct list_node *n;
    uint32_t fired = 0;

    assert(list_empty(&w->firing)); /* not from inside a fire() */
    while ((n = list_pop_front(&w->due)))
        list_push_back(&w->firing, n);
    while ((n = list_pop_front(&w->firing))) {
        struct timer *t = container_of(n, struct timer, node);

        w->count--;
        fired++;
        t->fire(t);
    }
    return fired;
}

uint32_t wheel_advance(struct wheel *w, uint64_t now_ms)
{
    uint32_t fired = wheel_fire(w);
    uint64_t at;

    while (w->now_ms < now_ms) {
        if (!list_empty(&w->due)) /* restarted with 0 ms inside fire() */
            at = w->now_ms + 1;
        else if (!next_event(w, &at) || at > now_ms)
            at = now_ms;
        move_to(w, at);
        fired += wheel_fire(w);
    }
    return fired;
}

uint64_t wheel_next_ms(const struct wheel *w)
{
    uint64_t at;

    if (!list_empty(&w->due))
        return 0;
    return next_event(w, &at) ? at - w->now_ms : UINT64_MAX;
}
