/* Which build of the hot loops this machine runs; see wide.h. */
#include "dsp/wide.h"

enum wide wide_in_use;

enum wide wide_allow(enum wide widest)
{
    wide_in_use = WIDE_IS_PORTABLE;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (widest >= WIDE_IS_AVX2 && __builtin_cpu_supports("avx2"))
        wide_in_use = WIDE_IS_AVX2;
    if (widest >= WIDE_IS_AVX512 && wide_in_use && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        wide_in_use = WIDE_IS_AVX512;
#else
    (void)widest;
#endif
    return wide_in_use;
}

__attribute__((constructor)) static void choose(void)
{
    wide_allow(WIDE_IS_AVX512);
}
