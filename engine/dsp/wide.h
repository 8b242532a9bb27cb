/* Two builds of a hot loop: one for every machine and one for AVX2, chosen when the program starts.
 *
 * The loop is written once, as a WIDE_BODY function of the compiler's own vectors (or of integers),
 * and WIDE_BUILD makes NAME_portable and NAME_avx2 of it. AVX2 is asked for without FMA, so nothing
 * can be contracted: both compute the same bits, which tests/dsp/wide_test.c holds them to.
 * Function pointers and not ifuncs, since resolvers run before the sanitizers' runtimes. */
#ifndef PEAL_DSP_WIDE_H
#define PEAL_DSP_WIDE_H

#include <stdbool.h>

#define WIDE_BODY static inline __attribute__((always_inline)) void

#ifdef __x86_64__
#define WIDE_BUILD(name, params, args)                                                             \
    static void name##_portable params                                                             \
    {                                                                                              \
        name##_body args;                                                                          \
    }                                                                                              \
    __attribute__((target("avx2"))) static void name##_avx2 params                                 \
    {                                                                                              \
        name##_body args;                                                                          \
    }
#define WIDE_PICK(name) (wide_in_use ? name##_avx2 : name##_portable)
#else
#define WIDE_BUILD(name, params, args)                                                             \
    static void name##_portable params                                                             \
    {                                                                                              \
        name##_body args;                                                                          \
    }
#define WIDE_PICK(name) name##_portable
#endif

/* Whether the wide builds run. Read in every block, written before there are legs. */
extern bool wide_in_use;

/* For tests and comparisons: false keeps to the portable builds; true goes back to the machine's
 * best. Returns whether the wide ones run now. Not while legs are worked on. */
bool wide_allow(bool allowed);

#endif
