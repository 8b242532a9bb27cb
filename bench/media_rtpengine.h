/* rtpengine as a peer of peal-bench media: the Debian package's daemon in user space (no kernel
 * table) on loopback, on one core, told of pairs of legs by its ng protocol over UDP. */
#ifndef PEAL_BENCH_MEDIA_RTPENGINE_H
#define PEAL_BENCH_MEDIA_RTPENGINE_H

#include "bench/bench.h"
#include "io/addr.h"

#define RTPENGINE_PORTS 47000 /* up to 59999, apart from the other sides' */

struct rtpengine {
    struct bench_child child;
    int control; /* socket; -1: none */
    uint32_t cookie;
};

bool rtpengine_installed(void);
/* Starts it and waits until it answers. False: it did not, which is said; stop it all the same. */
bool rtpengine_start(struct rtpengine *r, int core);
/* Introduces a pair of legs that listen at a and b; *from_a, *from_b: where each of them must send. */
bool rtpengine_pair(struct rtpengine *r, uint32_t number, const struct addr *a,
                    const struct addr *b, struct addr *from_a, struct addr *from_b);
uint64_t rtpengine_cpu_us(const struct rtpengine *r); /* of all its threads */
void rtpengine_stop(struct rtpengine *r);

#endif
