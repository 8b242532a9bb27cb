/* The set of a core by its number, for pinning children. */
#ifndef PEAL_BENCH_CORES_H
#define PEAL_BENCH_CORES_H

#include <sched.h>

/* The nth of the cores this process was given (modulo their number); all of them when negative. */
cpu_set_t bench_core_set(int nth);

#endif
