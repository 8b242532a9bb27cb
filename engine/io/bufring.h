/* A ring of provided buffers for multishot receive (io_uring_register_buf_ring, written over the
 * raw structs). Buffers given out must be put back with bufring_put as soon as they are read. */
#ifndef PEAL_IO_BUFRING_H
#define PEAL_IO_BUFRING_H

#include "io/loop.h"

struct bufring {
    struct loop *loop;
    struct io_uring_buf_ring *ring;
    unsigned char *mem;
    size_t ring_bytes, mem_bytes;
    uint32_t buffer_size, count;
    uint16_t tail;
    uint16_t group;
    uint64_t starved; /* completions with ENOBUFS, counted by users */
};

/* count must be a power of two ≤ 32768; buffer_size in bytes; group unique within the loop
 * (loop_buffer_group). Falls
 * back to half the count (and says so) where MEMLOCK is short. */
enum err bufring_init(struct bufring *b, struct loop *l, uint16_t group, uint32_t count,
                      uint32_t buffer_size);
void bufring_fini(struct bufring *b);
void *bufring_at(const struct bufring *b, uint16_t id);
void bufring_put(struct bufring *b, uint16_t id);

static inline uint16_t bufring_id(uint32_t cqe_flags)
{
    return (uint16_t)(cqe_flags >> IORING_CQE_BUFFER_SHIFT);
}

#endif
