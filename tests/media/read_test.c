/* Reading by the clock: nothing is lost by not waiting for it, and times are those of the wire. */
#include <criterion/criterion.h>

#include "media_kit.h"

/* Sending took longer than this: the time that was noted before it is not when it left. */
#define SENT_AT_ONCE_US 300
#define CLEAN_WANTED    120 /* in a row: then what came before is forgotten (RFC 3550 6.4.1: 1/16) */
#define SENT_MAX        4000

static void open_leg(struct kit *k, struct heard_leg *h, const struct addr *remote)
{
    struct media_remote r = kit_remote(remote, MEDIA_PCMU);

    kit_leg(k, h, false);
    cr_assert_eq(media_leg_set_remote(h->leg, &r), OK);
    kit_run_ms(k, 40);
}

/* Each packet's timestamp is its sending time, and it leaves at any time within a slot: all jitter
 * would be ours. */
Test(reading, jitter_is_of_the_wire_and_not_of_the_slots)
{
    struct kit_source far;
    struct heard_leg h;
    struct clock real;
    struct kit k;
    uint32_t clean = 0;

    clock_init_real(&real);
    kit_source(&far, "127.0.0.1");
    kit_open(&k, 1);
    open_leg(&k, &h, &far.addr);
    for (int i = 0; i < SENT_MAX && clean < CLEAN_WANTED; i++) {
        uint64_t before_us = clock_us(&real);

        far.ts = (uint32_t)(before_us / 125);
        kit_say(&far, media_leg_local(h.leg));
        clean = clock_us(&real) - before_us < SENT_AT_ONCE_US ? clean + 1 : 0;
        usleep((useconds_t)(3000 + i * 1700 % 9000));
    }
    kit_close_leg(&k, &h);
    cr_expect_geq(h.stats.received, CLEAN_WANTED);
    cr_expect_lt(h.stats.jitter_us, 1000, "%u us", h.stats.jitter_us);
    kit_close(&k);
    close(far.fd);
}

Test(reading, what_came_just_before_the_end_counts)
{
    struct kit_source far;
    struct heard_leg h;
    struct kit k;

    kit_source(&far, "127.0.0.1");
    kit_open(&k, 1);
    for (uint64_t round = 1; round <= 20; round++) {
        open_leg(&k, &h, &far.addr);
        for (uint64_t i = 0; i < round; i++)
            kit_say(&far, media_leg_local(h.leg));
        kit_close_leg(&k, &h);
        cr_expect_eq(h.stats.received, round, "%lu of %lu", (unsigned long)h.stats.received,
                     (unsigned long)round);
    }
    kit_close(&k);
    close(far.fd);
}

/* More than the kernel takes in one go (32), at once and again. */
Test(reading, a_burst_is_read_whole)
{
    struct kit_source far;
    struct heard_leg h;
    struct kit k;

    kit_source(&far, "127.0.0.1");
    kit_open(&k, 1);
    open_leg(&k, &h, &far.addr);
    for (int burst = 0; burst < 5; burst++) {
        for (int i = 0; i < 150; i++)
            kit_say(&far, media_leg_local(h.leg));
        kit_run_ms(&k, 60);
    }
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 750, "%lu", (unsigned long)h.stats.received);
    cr_expect_eq(h.stats.lost, 0);
    kit_close(&k);
    close(far.fd);
}

/* A bridged leg waits for packets, one that is alone does not: between the two nothing is lost. */
Test(reading, bridges_come_and_go_without_loss)
{
    struct kit_source far, other;
    struct heard_leg a, b;
    struct kit k;
    uint64_t said = 0;

    kit_source(&far, "127.0.0.1");
    kit_source(&other, "127.0.0.1");
    kit_open(&k, 1);
    open_leg(&k, &a, &far.addr);
    open_leg(&k, &b, &other.addr);
    for (int turn = 0; turn < 30; turn++) {
        if (turn % 2)
            media_unbridge(a.leg);
        else
            cr_assert_eq(media_bridge(a.leg, b.leg), OK);
        for (int i = 0; i < turn % 7 + 1; i++, said++) {
            kit_say(&far, media_leg_local(a.leg));
            kit_run_ms(&k, (uint64_t)(turn % 4) * 3);
        }
    }
    kit_run_ms(&k, 60);
    kit_close_leg(&k, &a);
    kit_close_leg(&k, &b);
    cr_expect_eq(a.stats.received, said, "%lu of %lu", (unsigned long)a.stats.received,
                 (unsigned long)said);
    cr_expect_gt(b.stats.relayed, 0);
    kit_close(&k);
    close(far.fd);
    close(other.fd);
}

/* What the old far end sent before the new one was named must not be taken for a NAT's other port.
 */
Test(reading, the_old_far_end_does_not_win_the_latch_again)
{
    struct kit_source before, after;
    struct heard_leg h;
    struct kit k;

    kit_source(&before, "127.0.0.1");
    kit_source(&after, "127.0.0.1");
    kit_open(&k, 1);
    for (int round = 0; round < 10; round++) {
        open_leg(&k, &h, &before.addr);
        for (int i = 0; i < 8; i++)
            kit_say(&before, media_leg_local(h.leg));
        struct media_remote r = kit_remote(&after.addr, MEDIA_PCMU);

        cr_assert_eq(media_leg_set_remote(h.leg, &r), OK);
        kit_run_ms(&k, 30);
        for (int i = 0; i < 8; i++)
            kit_say(&after, media_leg_local(h.leg));
        kit_close_leg(&k, &h);
        cr_expect_eq(h.stats.received, 16, "%lu", (unsigned long)h.stats.received);
        cr_expect(addr_eq(&h.stats.latched, &after.addr));
    }
    kit_close(&k);
    close(before.fd);
    close(after.fd);
}
