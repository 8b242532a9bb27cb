/* Builds of the hot loops: one for every machine, one for AVX2 and, of a few, one for AVX-512.
 * Which runs is chosen when the program starts.
 *
 * A loop is written once, as a WIDE_BODY function of the compiler's own vectors (or of integers),
 * and WIDE_BUILD makes NAME_portable and NAME_avx2 of it, or it is written for each in whole
 * numbers. No build contracts a multiplication and an addition (the room is compiled with
 * -ffp-contract=off), so all compute the same bits, which tests/dsp/wide_test.c holds them to.
 * Function pointers and not ifuncs, since resolvers run before the sanitizers' runtimes. */
#ifndef PEAL_DSP_WIDE_H
#define PEAL_DSP_WIDE_H

#define WIDE_BODY static inline __attribute__((always_inline)) void

#ifdef __x86_64__
#define WIDE_AVX2   __attribute__((target("avx2")))
#define WIDE_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define WIDE_BUILD(name, params, args)                                                             \
    static void name##_portable params                                                             \
    {                                                                                              \
        name##_body args;                                                                          \
    }                                                                                              \
    WIDE_AVX2 static void name##_avx2 params                                                       \
    {                                                                                              \
        name##_body args;                                                                          \
    }
#define WIDE_PICK(name) (wide_in_use ? name##_avx2 : name##_portable)
#define WIDE_PICK_3(name)                                                                          \
    (wide_in_use == WIDE_IS_AVX512 ? name##_avx512 : wide_in_use ? name##_avx2 : name##_portable)
#else
#define WIDE_BUILD(name, params, args)                                                             \
    static void name##_portable params                                                             \
    {                                                                                              \
        name##_body args;                                                                          \
    }
#define WIDE_PICK(name)   name##_portable
#define WIDE_PICK_3(name) name##_portable
#endif

enum wide { WIDE_IS_PORTABLE, WIDE_IS_AVX2, WIDE_IS_AVX512 };

/* The build that runs. Read in every block, written before there are legs. */
extern enum wide wide_in_use;

/* For tests and comparisons: the widest build that the machine has, up to this one, runs from now
 * on. Returns which. Not while legs are worked on. */
enum wide wide_allow(enum wide widest);

#endif
