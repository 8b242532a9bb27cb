/* peal-bench media --case churn: what opening and closing legs leaves behind. */
#ifndef PEAL_BENCH_MEDIA_CHURN_H
#define PEAL_BENCH_MEDIA_CHURN_H

#include "bench/bench.h"

void bench_media_churn(struct bench *b);

#endif
