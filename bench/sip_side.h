/* One side of a SIP measurement: a user agent with a loop and a thread of its own, pinned to one
 * core, that either answers every call at once or makes calls at an even rate and keeps a number of
 * them in the air. */
#ifndef PEAL_BENCH_SIP_SIDE_H
#define PEAL_BENCH_SIP_SIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "io/loop.h"
#include "sip/session.h"

#define SIP_SIDE_AIR_MAX 65536

struct sip_side {
    struct loop loop;
    struct sip_ua *ua;
    pthread_t thread;
    uint32_t core;
    bool calls; /* this side calls */
    struct addr to, local;
    uint32_t max_sessions;
    struct sip_ua_stats stats; /* after sip_side_stop */
    _Atomic uint32_t ready, stop;

    /* The caller's plan, written before it is set going. */
    _Atomic uint32_t rate, in_air_wanted;
    _Atomic uint64_t plan_from_us; /* 0: no calls are made */
    /* What came of it. */
    _Atomic uint64_t started, answered, failed, ended, not_made, behind_max;
    _Atomic uint64_t in_air;

    uint64_t plan_seen_us, plan_started;
    struct sip_session *air[SIP_SIDE_AIR_MAX]; /* answered, oldest first */
    uint32_t air_head, air_count;
    struct timer tick;
};

/* A side with sockets on 127.0.0.1. NULL: said on stderr. */
struct sip_side *sip_side_open(bool calls, uint32_t core, const struct addr *to,
                               uint32_t max_sessions);
void sip_side_stop(struct sip_side *s); /* joins the thread; counters and stats stay */
void sip_side_close(struct sip_side *s);
/* Call that many a second from now on, hanging up the oldest when more than in_air are up. rate 0:
 * make no more and hang up all. */
void sip_side_plan(struct sip_side *s, uint32_t rate, uint32_t in_air);

#endif
