/* What really leaves a leg: numbers, timestamps, markers and times, as a far end that we did not
 * write would see them. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/rtp.h"
#include "media_kit.h"

#define SEEN_MAX 2000

struct seen {
    uint16_t seq;
    uint32_t ts, ssrc;
    uint8_t pt, payload[4], last;
    bool marker;
    uint32_t len;
};

struct far_end {
    int fd;
    struct addr addr;
    struct seen seen[SEEN_MAX];
    uint32_t count;
    uint16_t seq;
    uint32_t ts;
};

static void far_open(struct far_end *f)
{
    socklen_t len = sizeof(f->addr.in6);

    memset(f, 0, sizeof(*f));
    addr_from_host(slice_cstr("127.0.0.1"), 0, &f->addr);
    f->fd = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert_eq(bind(f->fd, &f->addr.sa, addr_len(&f->addr)), 0);
    getsockname(f->fd, &f->addr.sa, &len);
}

static void far_say(struct far_end *f, const struct heard_leg *to, int n)
{
    uint8_t p[172];

    for (int i = 0; i < n; i++) {
        rtp_write_header(p, 0, false, f->seq++, f->ts, 77);
        f->ts += 160;
        memset(p + 12, 0x31, 160);
        sendto(f->fd, p, sizeof(p), 0, &media_leg_local(to->leg)->sa, addr_len(&f->addr));
    }
}

static void far_collect(struct far_end *f)
{
    uint8_t p[600];
    struct rtp_packet r;
    ssize_t n;

    while (f->count < SEEN_MAX && (n = recv(f->fd, p, sizeof(p), MSG_DONTWAIT)) > 0) {
        cr_assert_eq(rtp_parse(p, (size_t)n, &r), OK);
        struct seen *s = &f->seen[f->count++];

        *s = (struct seen){.seq = r.seq,
                           .ts = r.timestamp,
                           .ssrc = r.ssrc,
                           .pt = r.payload_type,
                           .marker = r.marker,
                           .len = r.payload_len};
        s->last = r.payload_len ? r.payload[r.payload_len - 1] : 0;
        memcpy(s->payload, r.payload, r.payload_len < 4 ? r.payload_len : 4);
    }
}

static void far_leg(struct kit *k, struct far_end *f, struct heard_leg *h)
{
    struct media_remote r;

    far_open(f);
    r = kit_remote(&f->addr, MEDIA_PCMU);
    kit_leg(k, h, false);
    cr_assert_eq(media_leg_set_remote(h->leg, &r), OK);
}

/* Numbers go up by one, timestamps always up, one SSRC. */
static void expect_in_order(const struct far_end *f)
{
    for (uint32_t i = 1; i < f->count; i++) {
        const struct seen *s = &f->seen[i], *before = s - 1;

        cr_assert_eq((uint16_t)(s->seq - before->seq), 1, "packet %u", i);
        cr_assert_eq(s->ssrc, before->ssrc);
        if (s->pt != 101 || before->pt != 101)
            cr_assert_gt((int32_t)(s->ts - before->ts), 0, "packet %u: %d", i,
                         (int32_t)(s->ts - before->ts));
    }
}

Test(wire, silence_is_sent_every_20_ms)
{
    struct far_end f;
    struct heard_leg h;
    struct kit k;

    kit_open(&k, 1);
    far_leg(&k, &f, &h);
    kit_run_ms(&k, 2000);
    far_collect(&f);
    kit_close_leg(&k, &h);
    expect_in_order(&f);
    cr_expect(f.count >= 95 && f.count <= 101, "%u packets in 2 s", f.count);
    cr_expect(f.seen[0].marker, "the first one begins a spurt");
    for (uint32_t i = 1; i < f.count; i++) {
        cr_expect_not(f.seen[i].marker);
        cr_expect_eq((f.seen[i].ts - f.seen[i - 1].ts) % 160, 0);
        cr_expect_eq(f.seen[i].len, 160);
        cr_expect_eq(f.seen[i].payload[0], 0xff);
    }
    /* 2 s of audio in 2 s, whatever the machine was doing. */
    cr_expect_float_eq((double)(f.seen[f.count - 1].ts - f.seen[0].ts) / 8000, 2.0, 0.1);
    close(f.fd);
    kit_close(&k);
}

Test(wire, a_key_is_seven_packets_of_one_timestamp)
{
    struct far_end f;
    struct heard_leg h;
    struct kit k;
    uint32_t events = 0, ends = 0, first = 0;

    kit_open(&k, 1);
    far_leg(&k, &f, &h);
    kit_run_ms(&k, 100);
    cr_assert_eq(media_leg_dtmf(h.leg, slice_cstr("#"), false, 100, 100, 1), OK);
    cr_assert(kit_until(&k, &h.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 100);
    far_collect(&f);
    kit_close_leg(&k, &h);
    expect_in_order(&f);
    for (uint32_t i = 0; i < f.count; i++) {
        const struct seen *s = &f.seen[i];

        if (s->pt != 101)
            continue;
        first = events ? first : i;
        cr_expect_eq(s->ts, f.seen[first].ts);
        cr_expect_eq(s->marker, events == 0);
        cr_expect_eq(s->len, 4);
        cr_expect_eq(s->payload[0], 11, "#");
        cr_expect_eq(rtp_get16(s->payload + 2), (events < 5 ? events + 1 : 5) * 160);
        ends += s->payload[1] >> 7;
        events++;
    }
    cr_expect_eq(events, 7, "%u", events);
    cr_expect_eq(ends, 3);
    cr_expect(f.seen[first + 7].marker, "audio begins anew");
    close(f.fd);
    kit_close(&k);
}

Test(wire, a_stopped_key_is_ended)
{
    struct far_end f;
    struct heard_leg h;
    struct kit k;
    uint32_t ends = 0;

    kit_open(&k, 1);
    far_leg(&k, &f, &h);
    cr_assert_eq(media_leg_dtmf(h.leg, slice_cstr("1"), false, 4000, 100, 1), OK);
    kit_run_ms(&k, 300);
    media_leg_stop(h.leg);
    cr_assert(kit_until(&k, &h.cancelled, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 100);
    far_collect(&f);
    kit_close_leg(&k, &h);
    for (uint32_t i = 0; i < f.count; i++)
        ends += f.seen[i].pt == 101 && f.seen[i].payload[1] >> 7;
    cr_expect_eq(ends, 3);
    close(f.fd);
    kit_close(&k);
}

Test(wire, a_relay_that_ran_ahead_leaves_timestamps_in_order)
{
    struct far_end a, b;
    struct heard_leg la, lb;
    struct kit k;

    kit_open(&k, 1);
    far_leg(&k, &a, &la);
    far_leg(&k, &b, &lb);
    kit_run_ms(&k, 100);
    cr_assert_eq(media_bridge(la.leg, lb.leg), OK);
    kit_run_ms(&k, 20);
    far_say(&a, &la, 30); /* 600 ms of audio at once */
    cr_assert(kit_until(&k, &lb.bridged, 1, KIT_LIMIT_MS));
    media_unbridge(la.leg);
    kit_run_ms(&k, 200);
    far_collect(&b);
    kit_close_pair(&k, &la, &lb);
    uint32_t relayed = 0;

    for (uint32_t i = 0; i < b.count; i++)
        relayed += b.seen[i].last == 0x31; /* the first bytes of a relay may be mended */
    cr_expect_eq(relayed, 30, "%u", relayed);
    expect_in_order(&b);
    close(a.fd);
    close(b.fd);
    kit_close(&k);
}

Test(wire, a_relay_shows_loss_as_it_is)
{
    struct far_end a, b;
    struct heard_leg la, lb;
    struct kit k;
    uint32_t gaps = 0;

    kit_open(&k, 1);
    far_leg(&k, &a, &la);
    far_leg(&k, &b, &lb);
    cr_assert_eq(media_bridge(la.leg, lb.leg), OK);
    for (int i = 0; i < 40; i++) {
        if (i % 10 == 9) {
            a.seq++;
            a.ts += 160;
        } else {
            far_say(&a, &la, 1);
        }
        kit_run_ms(&k, 20);
    }
    far_collect(&b);
    kit_close_pair(&k, &la, &lb);
    for (uint32_t i = 1; i < b.count; i++)
        if (b.seen[i].payload[0] == 0x31 && b.seen[i - 1].payload[0] == 0x31)
            gaps += (uint16_t)(b.seen[i].seq - b.seen[i - 1].seq) == 2 &&
                    b.seen[i].ts - b.seen[i - 1].ts == 320;
    cr_expect_eq(gaps, 3, "%u of the three gaps inside are visible", gaps);
    cr_expect_eq(la.stats.lost, 3);
    close(a.fd);
    close(b.fd);
    kit_close(&k);
}
