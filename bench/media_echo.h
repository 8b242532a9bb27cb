/* The peer of peal-bench media: a bare io_uring echo. A thread on one core receives on one
 * connected socket a leg into a ring of buffers and sends each packet back out of the buffer it
 * came in; it looks at nothing. Control thread: everything here. */
#ifndef PEAL_BENCH_MEDIA_ECHO_H
#define PEAL_BENCH_MEDIA_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "io/addr.h"

#define ECHO_LEGS_MAX 6000

enum echo_way {
    ECHO_AT_ONCE,  /* multishot receives; wakes for each packet */
    ECHO_BATCHED,  /* multishot receives; wakes for a millisecond's packets */
    ECHO_BY_CLOCK, /* each socket is read once in 20 ms, as the engine reads its legs */
    ECHO_WAYS
};
const char *echo_way_name(enum echo_way way);

struct echo;

struct echo *echo_new(enum echo_way way, uint32_t core); /* NULL: no memory */
/* A leg more, that talks with `to`; *local: where it listens. Before echo_start. */
bool echo_add(struct echo *e, const struct addr *to, struct addr *local);
/* Instead of back, each packet goes out on the other leg of its pair: (0, 1), (2, 3) …; before
 * echo_start. */
void echo_relay(struct echo *e);
bool echo_start(struct echo *e);
/* Packets sent back, and the thread's CPU time, up to a moment ago. */
uint64_t echo_packets(const struct echo *e);
uint64_t echo_cpu_us(const struct echo *e);
void echo_free(struct echo *e); /* stops it first */

#endif
