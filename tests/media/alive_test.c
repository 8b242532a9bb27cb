/* Signs of life of a leg that has nothing to send (RFC 6263), and a NAT that gives its far end
 * another port in the middle of a call. */
#include <criterion/criterion.h>

#include "media_kit.h"

static void open_kit(struct kit *k, uint32_t alive_ms)
{
    kit_open_as(k, (struct media_config){.workers = 1, .max_legs = 8, .keep_alive_ms = alive_ms});
}

static uint32_t heard(struct kit_source *s, uint32_t *empty, uint8_t *pt)
{
    uint8_t p[400];
    uint32_t n = 0;
    ssize_t len;

    while ((len = recv(s->fd, p, sizeof(p), MSG_DONTWAIT)) > 0) {
        n++;
        if (len == RTP_HEADER_BYTES) {
            (*empty)++;
            *pt = p[1] & 0x7f;
        }
    }
    return n;
}

static void hushed(uint32_t alive_ms, enum media_direction direction, uint32_t *all,
                   uint32_t *empty, uint8_t *pt)
{
    struct kit_source far_end;
    struct heard_leg h;
    struct kit k;

    *all = *empty = 0;
    kit_source(&far_end, "127.0.0.1");
    open_kit(&k, alive_ms);
    kit_leg(&k, &h, false);
    struct media_remote r = kit_remote(&far_end.addr, MEDIA_PCMU);

    r.direction = (uint8_t)direction;
    r.rtcp = far_end.addr; /* not to RTP's port */
    addr_set_port(&r.rtcp, 9);
    media_leg_hush(h.leg, true);
    cr_assert_eq(media_leg_set_remote(h.leg, &r), OK);
    for (int i = 0; i < 200 && *empty < 3; i++) {
        kit_run_ms(&k, 20);
        *all += heard(&far_end, empty, pt);
        if (!alive_ms && i == 30)
            break;
    }
    kit_close_leg(&k, &h);
    cr_expect_geq(h.stats.kept_alive, *empty);
    kit_close(&k);
    close(far_end.fd);
}

Test(alive, a_hushed_leg_is_heard_of_now_and_then)
{
    uint32_t all, empty;
    uint8_t pt = 0;

    hushed(60, MEDIA_SENDRECV, &all, &empty, &pt);
    cr_expect_geq(empty, 3);
    cr_expect_eq(all, empty, "and of nothing else");
    cr_expect(pt > 95 && pt != 101, "payload type %u was agreed on", pt);
}

Test(alive, so_is_one_that_only_listens)
{
    uint32_t all, empty;
    uint8_t pt = 0;

    hushed(60, MEDIA_RECEIVE, &all, &empty, &pt);
    cr_expect_geq(empty, 3);
}

Test(alive, unless_it_was_not_asked_for)
{
    uint32_t all, empty;
    uint8_t pt = 0;

    hushed(0, MEDIA_SENDRECV, &all, &empty, &pt);
    cr_expect_eq(all, 0);
}

/* Ours are understood by ourselves: no audio, no fault, and the far end is there. */
Test(alive, a_sign_of_life_is_neither_audio_nor_a_fault)
{
    struct kit_source far_end;
    struct heard_leg h;
    struct kit k;

    kit_source(&far_end, "127.0.0.1");
    open_kit(&k, 0);
    kit_leg(&k, &h, false);
    struct media_remote r = kit_remote(&far_end.addr, MEDIA_PCMU);

    uint32_t empty = 0, said = 0;
    uint8_t pt;

    cr_assert_eq(media_leg_set_remote(h.leg, &r), OK);
    for (int i = 0; i < 200 && !said; i++) { /* it knows whom it hears once it speaks to them */
        kit_run_ms(&k, 20);
        said = heard(&far_end, &empty, &pt);
    }
    for (uint16_t i = 0; i < 5; i++) {
        uint8_t p[RTP_HEADER_BYTES];

        rtp_write_header(p, 127, false, i, 160u * i, 7);
        sendto(far_end.fd, p, sizeof(p), 0, &media_leg_local(h.leg)->sa,
               sizeof(struct sockaddr_in));
        kit_run_ms(&k, 20);
    }
    cr_assert(kit_until(&k, &h.first_rtp, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 60);
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.invalid, 0);
    cr_expect_eq(h.stats.received, 5);
    cr_expect_eq(h.stats.lost, 0);
    kit_close(&k);
    close(far_end.fd);
}

/* A NAT's table is made anew: the same far end comes from another port. It is heard and answered
 * there; the audio between is lost, the call is not. */
Test(nat, another_port_in_the_middle_of_a_call)
{
    struct kit_source before, after;
    struct heard_leg h;
    struct kit k;
    uint32_t empty = 0, answered = 0;
    uint8_t pt;

    kit_source(&before, "127.0.0.1");
    kit_source(&after, "127.0.0.1");
    open_kit(&k, 0);
    kit_leg(&k, &h, false);
    struct media_remote r = kit_remote(&before.addr, MEDIA_PCMU);

    cr_assert_eq(media_leg_set_remote(h.leg, &r), OK);
    for (int i = 0; i < 20; i++) {
        kit_say(&before, media_leg_local(h.leg));
        kit_run_ms(&k, 20);
    }
    after.ssrc = before.ssrc;
    after.seq = before.seq;
    after.ts = before.ts;
    for (int i = 0; i < 300 && answered < 5; i++) {
        kit_say(&after, media_leg_local(h.leg));
        kit_run_ms(&k, 20);
        answered += heard(&after, &empty, &pt);
    }
    cr_expect_geq(answered, 5);
    kit_close_leg(&k, &h);
    cr_expect(addr_eq(&h.stats.latched, &after.addr));
    cr_expect_eq(h.timeouts, 0);
    kit_close(&k);
    close(before.fd);
    close(after.fd);
}
