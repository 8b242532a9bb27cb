/* The rings. Positions run freely over 32 bits and are masked on use, so full and empty differ.
 *
 * spsc: each side keeps a copy of the other's position and re-reads it only when the ring looks
 * full or empty: in steady flow the two cores exchange a cache line once a lap, not once a message.
 *
 * mpsc: after D. Vyukov's bounded queue. Each cell carries a sequence number: equal to the position
 * when free for it, position + 1 when filled. A producer takes a position by compare-and-swap and
 * publishes the cell by its sequence. A producer that was stopped in between makes the consumer see
 * an empty ring until it goes on; nothing is lost and order per producer is kept. */
#include "base/ring.h"

#include <string.h>

#include "base/pages.h"

#define RING_CAPACITY_MAX (1u << 30)
#define CELL_MESSAGE      8 /* offset of the message in an mpsc cell */

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 1;

    while (p < n)
        p *= 2;
    return p;
}

static bool plausible(size_t message_size, uint32_t capacity)
{
    return message_size > 0 && message_size <= UINT32_MAX && capacity > 0 &&
           capacity <= RING_CAPACITY_MAX;
}

enum err ring_spsc_init(struct ring_spsc *r, size_t message_size, uint32_t capacity)
{
    memset(r, 0, sizeof(*r));
    if (!plausible(message_size, capacity))
        return ERR_INVALID;
    r->mask = power_of_two(capacity) - 1;
    r->message_size = message_size;
    r->mem = pages_get(message_size * ((size_t)r->mask + 1));
    return r->mem ? OK : ERR_NOMEM;
}

void ring_spsc_fini(struct ring_spsc *r)
{
    pages_put(r->mem, r->message_size * ((size_t)r->mask + 1));
    r->mem = NULL;
}

bool ring_spsc_push(struct ring_spsc *r, const void *message)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (tail - r->head_seen > r->mask) {
        r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail - r->head_seen > r->mask) {
            atomic_fetch_add_explicit(&r->refused, 1, memory_order_relaxed);
            return false;
        }
    }
    memcpy(r->mem + (size_t)(tail & r->mask) * r->message_size, message, r->message_size);
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return true;
}

bool ring_spsc_pop(struct ring_spsc *r, void *message)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (head == r->tail_seen) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head == r->tail_seen)
            return false;
    }
    memcpy(message, r->mem + (size_t)(head & r->mask) * r->message_size, r->message_size);
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}

void *ring_spsc_waiting(struct ring_spsc *r, uint32_t n)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (r->tail_seen - head <= n)
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    if (r->tail_seen - head <= n)
        return NULL;
    return r->mem + (size_t)((head + n) & r->mask) * r->message_size;
}

static _Atomic uint32_t *cell_at(const struct ring_mpsc *r, uint32_t position)
{
    return (_Atomic uint32_t *)(void *)(r->mem + (size_t)(position & r->mask) * r->cell_size);
}

enum err ring_mpsc_init(struct ring_mpsc *r, size_t message_size, uint32_t capacity)
{
    memset(r, 0, sizeof(*r));
    if (!plausible(message_size, capacity))
        return ERR_INVALID;
    /* One cell cannot tell "filled" from "free for the next lap". */
    r->mask = power_of_two(capacity < 2 ? 2 : capacity) - 1;
    r->message_size = message_size;
    r->cell_size = (CELL_MESSAGE + message_size + 7) & ~(size_t)7;
    r->mem = pages_get(r->cell_size * ((size_t)r->mask + 1));
    if (!r->mem)
        return ERR_NOMEM;
    for (uint32_t i = 0; i <= r->mask; i++)
        atomic_init(cell_at(r, i), i);
    return OK;
}

void ring_mpsc_fini(struct ring_mpsc *r)
{
    pages_put(r->mem, r->cell_size * ((size_t)r->mask + 1));
    r->mem = NULL;
}

bool ring_mpsc_push(struct ring_mpsc *r, const void *message)
{
    uint32_t at = atomic_load_explicit(&r->tail, memory_order_relaxed);
    _Atomic uint32_t *cell;

    for (;;) {
        int32_t ahead;

        cell = cell_at(r, at);
        ahead = (int32_t)(atomic_load_explicit(cell, memory_order_acquire) - at);
        if (ahead < 0) {
            atomic_fetch_add_explicit(&r->refused, 1, memory_order_relaxed);
            return false;
        }
        if (ahead > 0)
            at = atomic_load_explicit(&r->tail, memory_order_relaxed);
        else if (atomic_compare_exchange_weak_explicit(&r->tail, &at, at + 1, memory_order_relaxed,
                                                       memory_order_relaxed))
            break;
    }
    memcpy((unsigned char *)(void *)cell + CELL_MESSAGE, message, r->message_size);
    atomic_store_explicit(cell, at + 1, memory_order_release);
    return true;
}

bool ring_mpsc_pop(struct ring_mpsc *r, void *message)
{
    _Atomic uint32_t *cell = cell_at(r, r->head);

    if (atomic_load_explicit(cell, memory_order_acquire) != r->head + 1)
        return false;
    memcpy(message, (unsigned char *)(void *)cell + CELL_MESSAGE, r->message_size);
    atomic_store_explicit(cell, r->head + r->mask + 1, memory_order_release);
    r->head++;
    return true;
}
