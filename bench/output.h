/* The end of a run: rows as a table on stdout and as one JSON array. For main.c only. */
#ifndef PEAL_BENCH_OUTPUT_H
#define PEAL_BENCH_OUTPUT_H

#include <stdio.h>

#include "bench/bench.h"

void bench_print(const struct bench *b);
bool bench_write_json(const struct bench *b, FILE *f); /* false: not everything was written */

#endif
