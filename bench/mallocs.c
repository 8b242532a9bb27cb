/* Counts allocations by standing before glibc's allocator: these functions win over those of the C
 * library for the whole program, its libraries included, and hand on to glibc's own names. Not
 * counting costs one relaxed load. Sanitizers stand there themselves, so with them nothing is
 * replaced and nothing is counted. */
#include "bench/bench.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define COUNTED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define COUNTED 0
#else
#define COUNTED 1
#endif
#else
#define COUNTED 1
#endif

enum mode { IDLE, ALL_THREADS, ONE_THREAD };

static _Atomic int mode;
static _Atomic uint64_t calls, bytes;
static pthread_t only; /* written while idle */

bool bench_mallocs_counted(void)
{
    return COUNTED;
}

void bench_mallocs_start(bool this_thread_only)
{
    only = pthread_self();
    calls = 0;
    bytes = 0;
    mode = this_thread_only ? ONE_THREAD : ALL_THREADS;
}

struct bench_mallocs bench_mallocs_stop(void)
{
    mode = IDLE;
    return (struct bench_mallocs){calls, bytes};
}

#if COUNTED

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static inline void count(size_t size)
{
    int now = atomic_load_explicit(&mode, memory_order_acquire);

    if (now == IDLE || (now == ONE_THREAD && !pthread_equal(only, pthread_self())))
        return;
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes, size, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count(n * size);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    count(size);
    return __libc_realloc(p, size);
}

void *memalign(size_t alignment, size_t size)
{
    count(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p;

    if (alignment % sizeof(void *) || (alignment & (alignment - 1)) || alignment == 0)
        return EINVAL;
    count(size);
    p = __libc_memalign(alignment, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

#endif
