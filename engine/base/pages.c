/* Memory by mmap. The leak checker does not look inside such memory by itself, so it is told: an
 * object reachable only through a hash table is not a leak. */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

void *pages_get(size_t bytes)
{
    void *p;

    if (bytes == 0)
        return NULL;
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
#ifdef WITH_ASAN
    __lsan_register_root_region(p, bytes);
#endif
    return p;
}

void pages_put(void *p, size_t bytes)
{
    if (!p)
        return;
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(p, bytes);
    __lsan_unregister_root_region(p, bytes);
#endif
    munmap(p, bytes);
}

void pages_drop(void *p, size_t bytes)
{
    madvise(p, bytes, MADV_DONTNEED);
}

void pages_close(void *p, size_t bytes)
{
#ifdef WITH_ASAN
    __asan_poison_memory_region(p, bytes);
#else
    (void)p;
    (void)bytes;
#endif
}

void pages_open(void *p, size_t bytes)
{
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(p, bytes);
#else
    (void)p;
    (void)bytes;
#endif
}
