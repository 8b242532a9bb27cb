/* A leg that changes its worker again and again while its far end talks: every packet of it
 * arrives, and what the leg sends goes on without a gap, in numbers and in time. Other legs move
 * and play meanwhile. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "media/mix.h"
#include "media_kit.h"

#define OTHERS 12
#define MOVES  40

struct talker { /* on a thread of its own: it is not held up by the loop that moves the leg */
    struct kit_source source;
    struct addr to;
    atomic_bool stop;
    uint32_t said, heard, seq_gaps, ts_gaps, last_ts;
    uint16_t last_seq;
    pthread_t thread;
};

static void take_one(struct talker *t, const uint8_t *p, size_t len)
{
    struct rtp_packet r;

    if (rtp_parse(p, len, &r) != OK)
        return;
    if (t->heard++) {
        t->seq_gaps += (uint16_t)(r.seq - t->last_seq) != 1;
        t->ts_gaps += r.timestamp - t->last_ts != 160;
    }
    t->last_seq = r.seq;
    t->last_ts = r.timestamp;
}

static void *talk(void *arg)
{
    struct talker *t = arg;
    uint8_t p[400];
    ssize_t n;

    while (!atomic_load(&t->stop)) {
        kit_say(&t->source, &t->to);
        t->said++;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        while ((n = recv(t->source.fd, p, sizeof(p), MSG_DONTWAIT)) > 0)
            take_one(t, p, (size_t)n);
    }
    return NULL;
}

static void leg_at(struct kit *k, struct heard_leg *h, const struct addr *far)
{
    struct media_remote r = kit_remote(far, MEDIA_PCMU);

    kit_leg(k, h, false);
    cr_assert_eq(media_leg_set_remote(h->leg, &r), OK);
}

Test(move, loses_no_packet_and_leaves_no_gap)
{
    static struct heard_leg leg, post[2], other[OTHERS];
    static struct talker t;
    struct kit k;
    struct media_metrics m;

    kit_open(&k, 2);
    kit_source(&t.source, "127.0.0.1");
    for (int i = 0; i < 2; i++)
        leg_at(&k, &post[i], &t.source.addr); /* one on each worker; nobody talks to them */
    leg_at(&k, &leg, &t.source.addr);
    for (int i = 0; i < OTHERS; i += 2) {
        kit_leg(&k, &other[i], true);
        kit_leg(&k, &other[i + 1], true);
        kit_connect(&other[i], &other[i + 1], MEDIA_PCMU);
    }
    /* The posts stay silent, so that all that comes to the talker is the leg's. */
    media_leg_mute(post[0].leg, true);
    media_leg_mute(post[1].leg, true);
    t.to = *media_leg_local(leg.leg);
    cr_assert_eq(pthread_create(&t.thread, NULL, talk, &t), 0);
    cr_assert(kit_until(&k, &leg.first_rtp, 1, KIT_LIMIT_MS));
    for (int i = 0; i < MOVES; i++) {
        struct heard_leg *a = &other[i % OTHERS], *b = &other[(i * 5 + 3) % OTHERS];

        if (a != b)
            media_bridge(a->leg, b->leg);
        cr_assert_eq(media_bridge(leg.leg, post[i % 2].leg), OK);
        kit_run_ms(&k, 30 + (uint64_t)(i % 7) * 5);
        media_unbridge(leg.leg);
        if (i % 3 == 0) {
            cr_assert_eq(media_mix_join(leg.leg, post[(i + 1) % 2].leg, MIX_TALKS), OK);
            kit_run_ms(&k, 40);
            media_unbridge(leg.leg);
        }
        media_unbridge(a->leg);
    }
    kit_run_ms(&k, 200);
    atomic_store(&t.stop, true);
    pthread_join(t.thread, NULL);
    kit_run_ms(&k, 200);
    media_metrics(k.media, &m);
    kit_close_leg(&k, &leg);
    cr_expect_gt(m.moves, MOVES / 2);
    cr_expect_eq(leg.stats.received, t.said, "%lu of %u packets", (unsigned long)leg.stats.received,
                 t.said);
    cr_expect_eq(leg.stats.lost, 0);
    cr_expect_gt(t.heard, 50);
    cr_expect_eq(t.seq_gaps, 0, "%u of %u", t.seq_gaps, t.heard);
    /* Only a worker that was so late that it left rounds out may have left a gap. */
    if (m.ticks_skipped == 0)
        cr_expect_eq(t.ts_gaps, 0, "%u of %u", t.ts_gaps, t.heard);
    for (int i = 0; i < 2; i++)
        kit_close_leg(&k, &post[i]);
    for (int i = 0; i < OTHERS; i++)
        kit_close_leg(&k, &other[i]);
    close(t.source.fd);
    kit_close(&k);
}
