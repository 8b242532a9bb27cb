/* Captured packets sent again: what the file says of them arrives, in its order and never before
 * its time, under the leg's own numbers; and nothing else does. */
#include <criterion/criterion.h>
#include <poll.h>

#include "media/packets.h"
#include "media_kit.h"

#define DUMP_MAX 65536

struct dump {
    uint8_t p[DUMP_MAX];
    size_t len;
};

static void dump_open(struct dump *d)
{
    static const char head[] = "#!rtpplay1.0 10.0.0.1/4000\n";

    memset(d, 0, sizeof *d);
    memcpy(d->p, head, sizeof head - 1);
    d->len = sizeof head - 1 + 16;
}

static void dump_add(struct dump *d, uint32_t at_ms, uint8_t pt, uint32_t ssrc, uint16_t seq,
                     uint32_t ts, uint8_t fill, size_t n)
{
    uint8_t *p = d->p + d->len;

    rtp_put16(p, (uint16_t)(n + 20));
    rtp_put16(p + 2, (uint16_t)(n + 12));
    rtp_put32(p + 4, at_ms);
    rtp_write_header(p + 8, pt, false, seq, ts, ssrc);
    memset(p + 20, fill, n);
    d->len += n + 20;
}

static const struct packets *parsed(const struct dump *d)
{
    char why[PACKETS_ERROR_MAX] = "";
    const struct packets *p = NULL;

    cr_assert_eq(packets_parse(d->p, d->len, &p, why), OK, "%s", why);
    return p;
}

/* The next packet at the far end; turns the loop until it is there. */
static struct rtp_packet next(struct kit *k, struct kit_source *far_end, uint8_t *bytes)
{
    uint64_t limit = kit_now_ms() + KIT_LIMIT_MS;
    struct rtp_packet r = {0};

    while (kit_now_ms() < limit) {
        ssize_t n = recv(far_end->fd, bytes, 1500, MSG_DONTWAIT);

        if (n > 0) {
            cr_assert_eq(rtp_parse(bytes, (size_t)n, &r), OK);
            return r;
        }
        loop_turn(&k->loop, 2000);
    }
    cr_assert_fail("no packet came");
    return r;
}

static void nothing_more(struct kit *k, struct kit_source *far_end)
{
    uint8_t byte;

    kit_run_ms(k, 100);
    cr_assert_eq(recv(far_end->fd, &byte, 1, MSG_DONTWAIT), -1, "a packet that nobody asked for");
}

static void connected(struct kit *k, struct heard_leg *h, struct kit_source *far_end,
                      struct media_remote remote)
{
    kit_open(k, 1);
    kit_source(far_end, "127.0.0.1");
    kit_leg(k, h, false);
    media_leg_hush(h->leg, true);
    remote.rtp = far_end->addr;
    cr_assert_eq(media_leg_set_remote(h->leg, &remote), OK);
}

static void ends(struct kit *k, struct heard_leg *h, struct kit_source *far_end)
{
    kit_close_leg(k, h);
    close(far_end->fd);
    kit_close(k);
}

Test(packets, arrive_as_they_were_captured)
{
    /* 2 and 3 change places, 4 is lost, the last comes after a pause. */
    static const uint32_t at[] = {0, 20, 41, 43, 80, 400};
    static const uint16_t seq[] = {65534, 65535, 1, 0, 3, 4};
    struct media_remote remote = {
        .codec = MEDIA_PCMU, .payload_type = 0, .event_pt = 101, .direction = MEDIA_SENDRECV};
    struct kit_source far_end;
    struct heard_leg h;
    struct kit k;
    struct dump d;
    uint8_t bytes[1500];

    dump_open(&d);
    for (int i = 0; i < 6; i++)
        dump_add(&d, at[i], 0, 7, seq[i], 1000u + (uint16_t)(seq[i] - 65534) * 160u,
                 (uint8_t)(10 + i), (size_t)(100 + i));
    const struct packets *p = parsed(&d);

    connected(&k, &h, &far_end, remote);
    uint64_t begun = kit_now_ms();

    cr_assert_eq(media_leg_play_packets(h.leg, p, 8000, 5), OK);
    struct rtp_packet first = next(&k, &far_end, bytes);

    cr_assert_eq(first.payload_len, 100u);
    for (int i = 1; i < 6; i++) {
        struct rtp_packet r = next(&k, &far_end, bytes);

        cr_assert_eq((uint16_t)(r.seq - first.seq), (uint16_t)(seq[i] - seq[0]), "packet %d", i);
        cr_assert_eq(r.timestamp - first.timestamp, (uint16_t)(seq[i] - seq[0]) * 160u);
        cr_assert(r.ssrc == first.ssrc && r.ssrc != 7, "the leg's own SSRC");
        cr_assert(r.payload_len == 100u + (uint32_t)i && r.payload[0] == 10 + i);
        cr_assert_geq(kit_now_ms() + 1, begun + at[i], "packet %d came before its time", i);
    }
    cr_assert(kit_until(&k, &h.played, 1, KIT_LIMIT_MS));
    cr_assert(h.last_cookie == 5 && h.last_err == OK);
    nothing_more(&k, &far_end);
    packets_unref(p);
    ends(&k, &h, &far_end);
    cr_assert_eq(h.stats.sent, 6u);
}

Test(packets, go_on_where_the_last_file_and_a_key_ended)
{
    struct media_remote remote = {
        .codec = MEDIA_PCMA, .payload_type = 8, .event_pt = 101, .direction = MEDIA_SENDRECV};
    struct kit_source far_end;
    struct heard_leg h;
    struct kit k;
    struct dump d;
    uint8_t bytes[1500];
    uint16_t seq = 0;
    uint32_t ts = 0;

    dump_open(&d);
    for (int i = 0; i < 3; i++)
        dump_add(&d, (uint32_t)i * 20, 0, 7, (uint16_t)(50 + i), (uint32_t)i * 160, 0x00, 160);
    const struct packets *p = parsed(&d);

    connected(&k, &h, &far_end, remote);
    cr_assert_eq(media_leg_play_packets(h.leg, p, 8000, 1), OK);
    cr_assert_eq(media_leg_dtmf(h.leg, SLICE("7"), false, 60, 60, 2), OK);
    cr_assert_eq(media_leg_play_packets(h.leg, p, 8000, 3), OK);
    packets_unref(p); /* the leg has its own references */
    int audio = 0, keys = 0;

    while (audio < 6) {
        struct rtp_packet r = next(&k, &far_end, bytes);

        cr_assert(audio + keys == 0 || (uint16_t)(r.seq - seq) == 1, "sequence numbers go on");
        if (r.payload_type == 101) {
            cr_assert(audio == 3 && r.payload[0] == 7);
            keys++;
        } else {
            cr_assert(audio == 0 || (int32_t)(r.timestamp - ts) >= 160);
            cr_assert_eq(r.payload_type, 8, "the law of this call");
            cr_assert_eq(r.payload[0], 0x2a, "the loudest of µ-law as A-law, no silence of ours");
            ts = r.timestamp;
            audio++;
        }
        seq = r.seq;
    }
    cr_assert_geq(keys, 3);
    cr_assert(kit_until(&k, &h.played, 3, KIT_LIMIT_MS));
    cr_assert(h.cookies[0] == 1 && h.cookies[1] == 2 && h.cookies[2] == 3);
    ends(&k, &h, &far_end);
}

Test(packets, of_another_payload_go_only_where_it_was_agreed)
{
    struct media_remote remote = {.codec = MEDIA_PCMU,
                                  .payload_type = 111,
                                  .event_pt = 101,
                                  .direction = MEDIA_SENDRECV,
                                  .opaque = true};
    struct kit_source far_end;
    struct heard_leg h;
    struct kit k;
    struct dump d;
    uint8_t bytes[1500];

    dump_open(&d);
    dump_add(&d, 0, 96, 7, 1, 0, 3, 33);
    dump_add(&d, 20, 96, 7, 2, 960, 4, 44);
    const struct packets *p = parsed(&d);

    connected(&k, &h, &far_end, remote);
    cr_assert_eq(media_leg_play_packets(h.leg, p, 48000, 1), OK);
    struct rtp_packet one = next(&k, &far_end, bytes), two = next(&k, &far_end, bytes);

    cr_assert(one.payload_type == 111 && one.payload_len == 33);
    cr_assert(two.payload_type == 111 && two.payload_len == 44);
    cr_assert_eq(two.timestamp - one.timestamp, 960u);
    /* Agreed on G.711 from now on: they cannot be sent. */
    remote.opaque = false;
    remote.payload_type = 0;
    remote.rtp = far_end.addr;
    cr_assert_eq(media_leg_set_remote(h.leg, &remote), OK);
    cr_assert_eq(media_leg_play_packets(h.leg, p, 48000, 2), OK);
    cr_assert(kit_until(&k, &h.played, 2, KIT_LIMIT_MS));
    nothing_more(&k, &far_end);
    packets_unref(p);
    ends(&k, &h, &far_end);
    cr_assert(h.stats.sent == 2 && h.stats.send_failed == 2);
}

Test(packets, that_are_stopped_end_cancelled)
{
    struct media_remote remote = {
        .codec = MEDIA_PCMU, .payload_type = 0, .event_pt = 101, .direction = MEDIA_SENDRECV};
    struct kit_source far_end;
    struct heard_leg h;
    struct kit k;
    struct dump d;
    uint8_t bytes[1500];

    dump_open(&d);
    dump_add(&d, 0, 0, 7, 1, 0, 3, 160);
    dump_add(&d, 3600000, 0, 7, 2, 960, 4, 160);
    const struct packets *p = parsed(&d);

    connected(&k, &h, &far_end, remote);
    cr_assert_eq(media_leg_play_packets(h.leg, p, 8000, 1), OK);
    next(&k, &far_end, bytes);
    media_leg_stop(h.leg);
    cr_assert(kit_until(&k, &h.played, 1, KIT_LIMIT_MS));
    cr_assert_eq(h.last_err, ERR_CANCELLED);
    packets_unref(p);
    ends(&k, &h, &far_end);
}

Test(packets, a_change_of_ssrc_is_smoothed_over)
{
    struct dump d;

    dump_open(&d);
    dump_add(&d, 0, 0, 1, 500, 7000, 1, 20);
    dump_add(&d, 20, 0, 1, 501, 7160, 2, 20);
    dump_add(&d, 60, 0, 2, 9, 100, 3, 20);
    dump_add(&d, 80, 0, 2, 10, 260, 4, 20);
    const struct packets *p = parsed(&d);

    cr_assert_eq(p->count, 4u);
    cr_assert(p->packet[2].seq == 2 && p->packet[3].seq == 3);
    cr_assert(p->packet[2].timestamp == 480 && p->packet[3].timestamp == 640);
    packets_unref(p);
}

Test(packets, files_that_are_none_are_refused_with_a_sentence)
{
    char why[PACKETS_ERROR_MAX] = "";
    const struct packets *p;
    struct dump d;

    cr_assert_eq(packets_parse((const uint8_t *)"RIFF", 4, &p, why), ERR_INVALID);
    cr_assert(strstr(why, "no rtpdump file"), "%s", why);
    dump_open(&d);
    cr_assert_eq(packets_parse(d.p, d.len, &p, why), ERR_INVALID);
    cr_assert_str_eq(why, "there is no RTP packet in it");
    cr_assert_eq(packets_load("/nowhere/x.rtpdump", &p, why), ERR_NOT_FOUND);
}
