/* The ring of free buffers is shared with the kernel: we write entries and then move the tail with
 * a release store; the kernel takes from its own head. */
#include "io/bufring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

#define COUNT_MAX   32768
#define COUNT_LEAST 16

static void *pages(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* One attempt with b->count buffers; 0 or -errno. */
static int try_init(struct bufring *b)
{
    b->ring_bytes = b->count * sizeof(struct io_uring_buf);
    b->mem_bytes = (size_t)b->count * b->buffer_size;
    b->ring = pages(b->ring_bytes);
    b->mem = pages(b->mem_bytes);
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)b->ring, .ring_entries = b->count, .bgid = b->group};
    int rc = b->ring && b->mem ? io_uring_register_buf_ring(&b->loop->ring, &reg, 0) : -ENOMEM;

    if (rc) {
        if (b->ring)
            munmap(b->ring, b->ring_bytes);
        if (b->mem)
            munmap(b->mem, b->mem_bytes);
    }
    return rc;
}

enum err bufring_init(struct bufring *b, struct loop *l, uint16_t group, uint32_t count,
                      uint32_t buffer_size)
{
    assert(count >= 1 && count <= COUNT_MAX && (count & (count - 1)) == 0 && buffer_size > 0);
    int rc;

    *b = (struct bufring){.loop = l, .group = group, .count = count, .buffer_size = buffer_size};
    while ((rc = try_init(b)) == -ENOMEM && b->count > COUNT_LEAST)
        b->count /= 2;
    if (rc) {
        log_error("io", "cannot register receive buffers", "buffers=%u bytes=%u error=\"%s\"",
                  b->count, b->buffer_size, strerror(-rc));
        *b = (struct bufring){0};
        return rc == -EEXIST ? ERR_EXISTS : rc == -ENOMEM ? ERR_NOMEM : ERR_IO;
    }
    if (b->count != count)
        log_warn("io", "little locked memory: fewer receive buffers; raise ulimit -l",
                 "wanted=%u got=%u", count, b->count);
    for (uint32_t id = 0; id < b->count; id++)
        bufring_put(b, (uint16_t)id);
    return OK;
}

void bufring_fini(struct bufring *b)
{
    if (!b->ring)
        return;
    io_uring_unregister_buf_ring(&b->loop->ring, b->group);
    munmap(b->ring, b->ring_bytes);
    munmap(b->mem, b->mem_bytes);
    b->ring = NULL;
}

void *bufring_at(const struct bufring *b, uint16_t id)
{
    assert(id < b->count);
    return b->mem + (size_t)id * b->buffer_size;
}

void bufring_put(struct bufring *b, uint16_t id)
{
    /* The tail of the shared ring lies over the first entry's `resv`: set the three fields only. */
    struct io_uring_buf *entry = (struct io_uring_buf *)b->ring + (b->tail & (b->count - 1));

    entry->addr = (uintptr_t)bufring_at(b, id);
    entry->len = b->buffer_size;
    entry->bid = id;
    b->tail++;
    __atomic_store_n(&b->ring->tail, b->tail, __ATOMIC_RELEASE);
}
