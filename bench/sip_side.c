/* A calling or answering side: see sip_side.h. Calls are started by a 1 ms timer, as many as the
 * plan says are due; the oldest calls beyond in_air are hung up there too. */
#include "bench/sip_side.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"

#define SDP                                                                                        \
    "v=0\r\no=peal 3921 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"              \
    "m=audio 40000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"                                      \
    "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n"

#define CALLS_A_TICK 512 /* then what came meanwhile has its turn */

static void count(_Atomic uint64_t *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static void hang_up_beyond(struct sip_side *s, uint32_t wanted)
{
    while (s->air_count > wanted) {
        struct sip_session *oldest = s->air[s->air_head];
        s->air_head = (s->air_head + 1) % SIP_SIDE_AIR_MAX;
        s->air_count--;
        sip_session_end(oldest, 0, NULL);
    }
}

static void caller_event(void *arg, struct sip_session *call, const struct sip_event *e)
{
    struct sip_side *s = arg;

    if (e->kind == SIP_EV_ANSWERED) {
        count(&s->answered, 1);
        if (s->air_count == SIP_SIDE_AIR_MAX)
            hang_up_beyond(s, SIP_SIDE_AIR_MAX - 1);
        s->air[(s->air_head + s->air_count++) % SIP_SIDE_AIR_MAX] = call;
        hang_up_beyond(s, atomic_load_explicit(&s->in_air_wanted, memory_order_relaxed));
    } else if (e->kind == SIP_EV_ENDED) {
        /* A call of ours ends by us, answered: all else is a failure. */
        if (!sip_session_is_answered(call) || e->by != SIP_BY_US || e->code)
            count(&s->failed, 1);
        count(&s->ended, 1);
        sip_session_release(call);
    }
}

static void callee_event(void *arg, struct sip_session *call, const struct sip_event *e)
{
    struct sip_side *s = arg;

    if (e->kind == SIP_EV_ENDED) {
        if (e->by != SIP_BY_FAR_SIDE)
            count(&s->failed, 1);
        count(&s->ended, 1);
        sip_session_release(call);
    } else if (e->kind == SIP_EV_CONFIRMED) {
        count(&s->answered, 1);
    }
}

static void callee_incoming(void *arg, struct sip_session *call)
{
    count(&((struct sip_side *)arg)->started, 1);
    sip_session_set_handler(call, callee_event, arg);
    sip_session_progress(call, 180, SLICE_NONE, false);
    sip_session_accept(call, SLICE(SDP));
}

static void call_one(struct sip_side *s, const char *uri, const char *from)
{
    struct sip_invite p = {.request_uri = uri,
                           .from_uri = from,
                           .contact_user = "bench",
                           .to.addr = s->to,
                           .sdp = SLICE(SDP)};
    struct sip_session *call;

    if (sip_invite(s->ua, &p, caller_event, s, &call) == OK)
        count(&s->started, 1);
    else
        count(&s->not_made, 1);
}

static void call_due(struct sip_side *s, uint64_t from_us)
{
    uint64_t now = clock_us(s->loop.clock), due;
    char uri[96], from[96], host[ADDR_TEXT_MAX];

    if (from_us != s->plan_seen_us) {
        s->plan_seen_us = from_us;
        s->plan_started = 0;
    }
    if (now <= from_us)
        return;
    due = (now - from_us) * atomic_load(&s->rate) / 1000000;
    if (due - s->plan_started > atomic_load_explicit(&s->behind_max, memory_order_relaxed))
        atomic_store_explicit(&s->behind_max, due - s->plan_started, memory_order_relaxed);
    snprintf(uri, sizeof uri, "sip:+12025550100@%s", addr_format(&s->to, host, sizeof host));
    snprintf(from, sizeof from, "sip:+12025550111@%s",
             addr_format(sip_ua_local(s->ua), host, sizeof host));
    for (uint32_t burst = 0; s->plan_started < due && burst < CALLS_A_TICK;
         burst++, s->plan_started++)
        call_one(s, uri, from);
}

static void on_tick(struct timer *t)
{
    struct sip_side *s = container_of(t, struct sip_side, tick);
    uint64_t from_us = atomic_load(&s->plan_from_us);

    if (atomic_load(&s->stop)) {
        loop_stop(&s->loop);
        return;
    }
    if (s->calls) {
        if (from_us)
            call_due(s, from_us);
        hang_up_beyond(s, atomic_load(&s->in_air_wanted));
        atomic_store_explicit(&s->in_air, s->air_count, memory_order_relaxed);
    }
    loop_timer(&s->loop, &s->tick, 1, on_tick);
}

/* The ring belongs to the thread that made it, so everything is made and ended here. */
static bool open_here(struct sip_side *s)
{
    struct sip_ua_config c = {.max_sessions = s->max_sessions,
                              /* Under this load the oldest finished ones make room: they
                                 linger a second or two instead of 32. */
                              .max_transactions = s->max_sessions,
                              .incoming = s->calls ? NULL : callee_incoming,
                              .arg = s};

    if (addr_parse(SLICE("127.0.0.1"), 0, &c.local) != OK || loop_init(&s->loop, NULL) != OK)
        return false;
    if (sip_ua_open(&s->ua, &s->loop, &c) == OK) {
        s->local = *sip_ua_local(s->ua);
        return true;
    }
    loop_fini(&s->loop);
    return false;
}

static void *run(void *arg)
{
    struct sip_side *s = arg;

    bench_pin(s->core);
    if (!open_here(s)) {
        fputs("peal-bench: sip: cannot open a user agent on 127.0.0.1\n", stderr);
        atomic_store(&s->ready, 2);
        return NULL;
    }
    timer_init(&s->tick);
    loop_timer(&s->loop, &s->tick, 1, on_tick);
    atomic_store(&s->ready, 1);
    loop_run(&s->loop);
    s->stats = *sip_ua_stats(s->ua);
    sip_ua_close(s->ua);
    loop_turn(&s->loop, 1000);
    loop_fini(&s->loop);
    return NULL;
}

struct sip_side *sip_side_open(bool calls, uint32_t core, const struct addr *to,
                               uint32_t max_sessions)
{
    struct sip_side *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->calls = calls;
    s->core = core;
    s->max_sessions = max_sessions;
    if (to)
        s->to = *to;
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        free(s);
        return NULL;
    }
    while (!atomic_load(&s->ready))
        sched_yield();
    if (atomic_load(&s->ready) == 1)
        return s;
    pthread_join(s->thread, NULL);
    free(s);
    return NULL;
}

void sip_side_stop(struct sip_side *s)
{
    if (s && !atomic_exchange(&s->stop, 1))
        pthread_join(s->thread, NULL);
}

void sip_side_close(struct sip_side *s)
{
    sip_side_stop(s);
    free(s);
}

void sip_side_plan(struct sip_side *s, uint32_t rate, uint32_t in_air)
{
    atomic_store(&s->plan_from_us, 0);
    atomic_store(&s->rate, rate);
    atomic_store(&s->in_air_wanted, in_air);
    if (rate)
        atomic_store(&s->behind_max, 0);
    atomic_store(&s->plan_from_us, rate ? bench_now_us() : 0);
}
