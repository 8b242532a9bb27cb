/* Recordings made frame by frame, for tests of what a library and its listeners do with bits. */
#ifndef PEAL_TESTS_DSP_FRAMES_H
#define PEAL_TESTS_DSP_FRAMES_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/prints_inner.h"

/* Reliable bits of a frame that no key finds, as four of each table's are weak; and of one that
 * the first table's key finds alone, or the second's. */
#define FRAMES_KEYLESS 0xffff0f0fu
#define FRAMES_FIRST   0xfffff0ffu
#define FRAMES_SECOND  0xffff0ff0u

static inline uint32_t frames_random(uint32_t *seed)
{
    uint32_t x = *seed += 0x9e3779b9u;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    return x ^ x >> 16;
}

/* Frames of any bits, which no key finds. */
static inline void frames_fill(struct print_frame *f, unsigned n, uint32_t seed)
{
    for (unsigned i = 0; i < n; i++)
        f[i] = (struct print_frame){.bits = frames_random(&seed), .mask = FRAMES_KEYLESS};
}

/* Adds a copy of them as a recording of that number. */
static inline enum err frames_put(struct prints *p, unsigned number, const char *result,
                                  const struct print_frame *f, unsigned n)
{
    char error[PRINTS_ERROR_MAX];
    struct prints_info info = {.language = "en"};
    struct print_frame *copy = malloc(n * sizeof *copy);
    cr_assert_not_null(copy);
    memcpy(copy, f, n * sizeof *copy);
    snprintf(info.id, sizeof info.id, "r%u", number);
    snprintf(info.result, sizeof info.result, "%s", result);
    return prints_take(p, &info, copy, n, error);
}

#endif
