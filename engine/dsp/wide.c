/* Which build of the hot loops this machine runs; see wide.h. */
#include "dsp/wide.h"

bool wide_in_use;

bool wide_allow(bool allowed)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    wide_in_use = allowed && __builtin_cpu_supports("avx2");
#else
    (void)allowed;
#endif
    return wide_in_use;
}

__attribute__((constructor)) static void choose(void)
{
    wide_allow(true);
}
