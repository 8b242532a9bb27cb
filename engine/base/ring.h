/* Bounded rings of small fixed-size messages between threads. Lock-free; a full ring refuses and
 * counts (the counter is a metric). ring_spsc: one producer, one consumer. ring_mpsc: any number
 * of producers, one consumer. Messages are copied in and out. */
#ifndef PEAL_BASE_RING_H
#define PEAL_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RING_CACHE_LINE 64

struct ring_spsc {
    unsigned char *mem;
    size_t message_size;
    uint32_t mask;
    _Alignas(RING_CACHE_LINE) _Atomic uint32_t head; /* consumer */
    uint32_t tail_seen;
    _Alignas(RING_CACHE_LINE) _Atomic uint32_t tail; /* producer */
    uint32_t head_seen;
    _Atomic uint64_t refused;
};

/* capacity is rounded up to a power of two. */
enum err ring_spsc_init(struct ring_spsc *r, size_t message_size, uint32_t capacity);
void ring_spsc_fini(struct ring_spsc *r);
bool ring_spsc_push(struct ring_spsc *r, const void *message); /* false: full, counted */
bool ring_spsc_pop(struct ring_spsc *r, void *message);        /* false: empty */
/* The consumer's look ahead: the nth message that waits (0: the next), in its place, where it may
 * be changed; NULL: there are fewer. */
void *ring_spsc_waiting(struct ring_spsc *r, uint32_t n);

struct ring_mpsc {
    unsigned char *mem; /* cells: sequence number, then the message */
    size_t message_size, cell_size;
    uint32_t mask;
    _Alignas(RING_CACHE_LINE) _Atomic uint32_t tail;
    _Alignas(RING_CACHE_LINE) uint32_t head;
    _Atomic uint64_t refused;
};

enum err ring_mpsc_init(struct ring_mpsc *r, size_t message_size, uint32_t capacity);
void ring_mpsc_fini(struct ring_mpsc *r);
bool ring_mpsc_push(struct ring_mpsc *r, const void *message);
bool ring_mpsc_pop(struct ring_mpsc *r, void *message);

#endif
