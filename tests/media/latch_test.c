/* Where packets may come from: SDP's address, a NAT's other port, strangers before and after. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/mix.h"
#include "media_kit.h"

/* Sends n packets, 20 ms apart. */
static void source_talk(struct kit *k, struct kit_source *s, const struct heard_leg *h, int n)
{
    for (int i = 0; i < n; i++) {
        kit_say(s, media_leg_local(h->leg));
        kit_run_ms(k, 20);
    }
}

static void open_leg(struct kit *k, struct heard_leg *h, const struct addr *remote, bool count)
{
    struct media_remote r = kit_remote(remote, MEDIA_PCMU);

    kit_open_as(k, (struct media_config){.workers = 1, .max_legs = 8, .count_foreign = count});
    kit_leg(k, h, false);
    cr_assert_eq(media_leg_set_remote(h->leg, &r), OK);
    kit_run_ms(k, 40);
}

static void injected(bool count)
{
    struct kit_source good, evil;
    struct heard_leg h;
    struct kit k;

    kit_source(&good, "127.0.0.1");
    kit_source(&evil, "127.0.0.2");
    open_leg(&k, &h, &good.addr, count);
    source_talk(&k, &evil, &h, 3);
    cr_expect_eq(h.first_rtp, 0, "a stranger is not taken at once");
    source_talk(&k, &good, &h, 3);
    cr_assert(kit_until(&k, &h.first_rtp, 1, KIT_LIMIT_MS));
    for (int i = 0; i < 40; i++) {
        kit_say(&evil, media_leg_local(h.leg));
        source_talk(&k, &good, &h, 1);
    }
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 43, "%lu", (unsigned long)h.stats.received);
    cr_expect(addr_eq(&h.stats.latched, &good.addr));
    cr_expect_eq(h.stats.rejected, count ? 43 : 3, "%lu", (unsigned long)h.stats.rejected);
    cr_expect_eq(h.stats.lost, 0);
    kit_close(&k);
    close(good.fd);
    close(evil.fd);
}

Test(latch, strangers_are_rejected_and_counted)
{
    injected(true);
}
Test(latch, strangers_are_dropped_by_the_kernel)
{
    injected(false);
}

Test(latch, other_port_of_the_same_address_is_believed)
{
    struct kit_source sdp, nat;
    struct heard_leg h;
    struct kit k;

    kit_source(&sdp, "127.0.0.1");
    kit_source(&nat, "127.0.0.1");
    open_leg(&k, &h, &sdp.addr, false);
    source_talk(&k, &nat, &h, 10);
    kit_run_ms(&k, 60);
    char byte[400];

    cr_expect_eq(h.first_rtp, 1);
    while (recv(nat.fd, byte, sizeof(byte), MSG_DONTWAIT) > 0)
        ;
    kit_run_ms(&k, 60);
    cr_expect_gt(recv(nat.fd, byte, sizeof(byte), MSG_DONTWAIT), 0, "we answer where it came from");
    kit_close_leg(&k, &h);
    cr_expect(addr_eq(&h.stats.latched, &nat.addr));
    kit_close(&k);
    close(sdp.fd);
    close(nat.fd);
}

Test(latch, stranger_is_believed_only_when_sdp_stays_silent)
{
    struct kit_source sdp, other;
    struct heard_leg h;
    struct kit k;

    kit_source(&sdp, "127.0.0.1");
    kit_source(&other, "127.0.0.3");
    open_leg(&k, &h, &sdp.addr, false);
    source_talk(&k, &other, &h, 10);
    cr_expect_eq(h.first_rtp, 0, "after 200 ms not yet");
    source_talk(&k, &other, &h, 20);
    cr_expect_eq(h.first_rtp, 1);
    kit_close_leg(&k, &h);
    cr_expect(addr_eq(&h.stats.latched, &other.addr));
    kit_close(&k);
    close(sdp.fd);
    close(other.fd);
}

Test(latch, same_source_may_move_once_the_old_place_is_silent)
{
    struct kit_source old, new, evil;
    struct heard_leg h;
    struct kit k;

    kit_source(&old, "127.0.0.1");
    kit_source(&new, "127.0.0.4");
    kit_source(&evil, "127.0.0.5");
    open_leg(&k, &h, &old.addr, false);
    source_talk(&k, &old, &h, 5);
    kit_run_ms(&k, 800);
    source_talk(&k, &evil, &h, 10);
    new.ssrc = old.ssrc;
    new.seq = old.seq;
    new.ts = old.ts;
    source_talk(&k, &new, &h, 10);
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 15, "%lu", (unsigned long)h.stats.received);
    cr_expect_eq(h.stats.rejected, 10);
    cr_expect(addr_eq(&h.stats.latched, &new.addr));
    kit_close(&k);
    close(old.fd);
    close(new.fd);
    close(evil.fd);
}

Test(latch, garbage_is_counted_and_harmless)
{
    struct kit_source good;
    struct heard_leg h;
    struct kit k;
    uint8_t junk[1400];

    kit_source(&good, "127.0.0.1");
    open_leg(&k, &h, &good.addr, false);
    for (int i = 0; i < 200; i++) {
        size_t n = (size_t)(i * 7 % 1400);
        struct addr rtcp = *media_leg_local(h.leg);

        for (size_t j = 0; j < n; j++)
            junk[j] = (uint8_t)(i * 31 + (int)j * 17);
        junk[0] &= 0x3f; /* never version 2 */
        sendto(good.fd, junk, n, 0, &media_leg_local(h.leg)->sa, addr_len(&good.addr));
        addr_set_port(&rtcp, (uint16_t)(addr_port(&rtcp) + 1));
        sendto(good.fd, junk, n, 0, &rtcp.sa, addr_len(&rtcp));
        if (i % 20 == 0)
            kit_run_ms(&k, 5);
    }
    source_talk(&k, &good, &h, 5);
    struct media_metrics m;

    kit_run_ms(&k, 600);
    media_metrics(k.media, &m);
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 5);
    cr_expect_geq(h.stats.invalid, 190, "%lu", (unsigned long)h.stats.invalid);
    cr_expect_geq(m.rtcp_invalid, 140, "%lu", (unsigned long)m.rtcp_invalid);
    kit_close(&k);
    close(good.fd);
}

Test(latch, unreachable_far_end_does_not_disturb)
{
    struct kit_source gone;
    struct heard_leg h, other;
    struct kit k;

    kit_source(&gone, "127.0.0.1");
    open_leg(&k, &h, &gone.addr, false);
    source_talk(&k, &gone, &h, 3);
    close(gone.fd); /* from now on ICMP errors come back */
    kit_run_ms(&k, 500);
    kit_leg(&k, &other, false);
    kit_close_pair(&k, &h, &other);
    cr_expect_gt(h.stats.sent, 20);
    kit_close(&k);
}

static void say_evil(struct kit_source *s, const struct addr *to)
{
    uint8_t p[172];

    rtp_write_header(p, 0, false, s->seq++, s->ts, s->ssrc);
    s->ts += 160;
    memset(p + 12, 0x11, 160);
    sendto(s->fd, p, sizeof(p), 0, &to->sa, addr_len(to));
}

/* Loud bytes that a far end got, and packets in all. */
static void count_evil(const struct kit_source *s, uint32_t *packets, uint32_t *evil)
{
    uint8_t p[400];
    ssize_t n;

    while ((n = recv(s->fd, p, sizeof(p), MSG_DONTWAIT)) > 0) {
        ++*packets;
        for (ssize_t i = 12; i < n; i++)
            *evil += p[i] == 0x11;
    }
}

/* While legs are bridged, and while they are in a mix, a stranger's packets to one of them reach
 * none of the others. */
Test(latch, strangers_are_not_heard_across_a_bridge_or_a_mix)
{
    struct kit_source far[3], evil;
    struct heard_leg leg[3];
    struct kit k;
    uint32_t packets = 0, heard = 0, said = 0;

    kit_open_as(&k, (struct media_config){.workers = 2, .max_legs = 8, .count_foreign = true});
    kit_source(&evil, "127.0.0.2");
    for (int i = 0; i < 3; i++) {
        kit_source(&far[i], "127.0.0.1");
        struct media_remote r = kit_remote(&far[i].addr, MEDIA_PCMU);

        kit_leg(&k, &leg[i], false);
        cr_assert_eq(media_leg_set_remote(leg[i].leg, &r), OK);
    }
    for (int step = 0; step < 60; step++) {
        if (step == 5)
            cr_assert_eq(media_bridge(leg[0].leg, leg[1].leg), OK);
        if (step == 30)
            cr_assert_eq(media_mix_join(leg[2].leg, leg[0].leg, MIX_TALKS), OK);
        for (int i = 0; i < 3; i++)
            kit_say(&far[i], media_leg_local(leg[i].leg));
        kit_run_ms(&k, 10);
        if (step >= 5) { /* its far end is known by now */
            say_evil(&evil, media_leg_local(leg[0].leg));
            said++;
        }
        kit_run_ms(&k, 10);
    }
    kit_run_ms(&k, 200);
    for (int i = 0; i < 3; i++)
        count_evil(&far[i], &packets, &heard);
    for (int i = 0; i < 3; i++)
        kit_close_leg(&k, &leg[i]);
    cr_expect_gt(packets, 60);
    cr_expect_eq(heard, 0, "%u of a stranger's bytes", heard);
    cr_expect_eq(leg[0].stats.rejected, said, "%lu of %u", (unsigned long)leg[0].stats.rejected,
                 said);
    /* The first may come before the leg's thread knows its far end; after that, all of them. */
    cr_expect_geq(leg[0].stats.received, said);
    cr_expect_eq(leg[0].stats.lost, 0);
    for (int i = 0; i < 3; i++)
        close(far[i].fd);
    close(evil.fd);
    kit_close(&k);
}
