/* Bytes that end right before a page that cannot be touched, so that a parser which reads one byte
 * too many crashes in every build. Four places in turn: what guard_place gave is good until the
 * fourth call after it. For tests; single thread. */
#ifndef PEAL_TESTS_GUARD_H
#define PEAL_TESTS_GUARD_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD_PLACES 4
#define GUARD_MAX    (1u << 18)

static inline char *guard_map(void)
{
    const size_t page = 65536; /* a multiple of every page size in use */
    char *at =
        mmap(NULL, GUARD_MAX + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || mprotect(at + GUARD_MAX, page, PROT_NONE) != 0)
        abort();
    return at + GUARD_MAX;
}

/* A writable copy of the bytes, its end at the guard. len at most GUARD_MAX. */
static inline char *guard_place(const void *bytes, size_t len)
{
    static char *ends[GUARD_PLACES];
    static unsigned turn;
    char **end = &ends[turn++ % GUARD_PLACES];
    if (len > GUARD_MAX)
        abort();
    if (!*end)
        *end = guard_map();
    if (len)
        memcpy(*end - len, bytes, len);
    return *end - len;
}

#endif
