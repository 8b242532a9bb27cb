/* Legs that speak SRTP: to each other, to a far end with keys of its own, across a bridge to plain
 * RTP, while keys change; and what the wire shows and a forger gets. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/control.h"
#include "media_kit.h"

static struct srtp_key key_of(enum srtp_suite suite, uint8_t seed)
{
    struct srtp_key key = {.suite = suite};

    for (uint32_t i = 0; i < sizeof(key.key); i++)
        key.key[i] = (uint8_t)(seed + i * 3);
    for (uint32_t i = 0; i < sizeof(key.salt); i++)
        key.salt[i] = (uint8_t)(seed + i * 5);
    return key;
}

static void secure_pair(struct heard_leg *a, struct heard_leg *b, enum srtp_suite suite,
                        uint8_t seed)
{
    struct srtp_key from_a = key_of(suite, seed), from_b = key_of(suite, (uint8_t)(seed + 100));

    cr_assert_eq(media_leg_set_keys(a->leg, &from_a, &from_b), OK);
    cr_assert_eq(media_leg_set_keys(b->leg, &from_b, &from_a), OK);
}

/* A far end of the test that seals and opens by itself. */
struct peer {
    struct kit_source source;
    struct srtp out, in;
};

static void peer_open(struct peer *p, struct heard_leg *h, enum srtp_suite suite)
{
    struct srtp_key mine = key_of(suite, 1), theirs = key_of(suite, 2);

    kit_source(&p->source, "127.0.0.1");
    cr_assert_eq(srtp_begin(&p->out, &mine), OK);
    cr_assert_eq(srtp_begin(&p->in, &theirs), OK);
    cr_assert_eq(media_leg_set_keys(h->leg, &theirs, &mine), OK);
}

static void peer_close(struct peer *p)
{
    srtp_end(&p->out);
    srtp_end(&p->in);
    close(p->source.fd);
}

static uint32_t peer_packet(struct peer *p, uint8_t *bytes)
{
    uint32_t n = 172;

    rtp_write_header(bytes, 0, false, p->source.seq++, p->source.ts, p->source.ssrc);
    p->source.ts += 160;
    memset(bytes + 12, 0x55, 160);
    cr_assert_eq(srtp_seal(&p->out, bytes, &n), SRTP_GOOD);
    return n;
}

static void send_to(int fd, const struct heard_leg *h, const uint8_t *p, uint32_t n)
{
    const struct addr *to = media_leg_local(h->leg);

    cr_assert_eq(sendto(fd, p, n, 0, &to->sa, addr_len(to)), (ssize_t)n);
}

static void point(struct heard_leg *h, const struct addr *to)
{
    struct media_remote r = kit_remote(to, MEDIA_PCMU);

    cr_assert_eq(media_leg_set_remote(h->leg, &r), OK);
}

/* Takes what has come; how many packets opened, or did not. */
static void peer_take(struct peer *p, uint32_t *opened, uint32_t *other)
{
    uint8_t bytes[400];
    ssize_t n;

    while ((n = recv(p->source.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        uint32_t len = (uint32_t)n;

        if (srtp_unseal(&p->in, bytes, &len) == SRTP_GOOD && len == 172 && bytes[12] == 0xff)
            ++*opened;
        else
            ++*other;
    }
}

/* Until the leg's first packet: its worker has the keys and knows the far end. */
static void peer_await(struct kit *k, struct peer *p)
{
    uint32_t opened = 0, other = 0;

    for (int i = 0; i < KIT_LIMIT_MS && !opened; i++) {
        kit_run_ms(k, 1);
        peer_take(p, &opened, &other);
    }
    cr_assert_gt(opened, 0);
}

/* Packets of a leg that the peer can open and that follow each other without a gap, out of `sent`
 * that the leg has made. */
static void drifting(int32_t ppm, uint32_t *opened, uint64_t *sent)
{
    struct media_impair clock = {.seed = 3, .drift_ppm = ppm};
    struct heard_leg h;
    struct peer p;
    struct kit k;
    uint32_t next = 0;

    *opened = 0;
    kit_open(&k, 1);
    kit_leg(&k, &h, true);
    peer_open(&p, &h, SRTP_AEAD_AES_128_GCM);
    cr_assert_eq(media_leg_impair(h.leg, &clock), OK);
    point(&h, &p.source.addr);
    while (*opened < 90) {
        uint8_t bytes[400];
        ssize_t n;

        kit_run_ms(&k, 20);
        while ((n = recv(p.source.fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
            uint32_t len = (uint32_t)n, seq = (uint32_t)bytes[2] << 8 | bytes[3];

            cr_assert_eq(srtp_unseal(&p.in, bytes, &len), SRTP_GOOD, "packet %u", *opened);
            cr_assert(*opened == 0 || seq == (next & 0xffff), "%u after %u", seq, next - 1);
            next = seq + 1;
            ++*opened;
        }
    }
    media_leg_mute(h.leg, true);
    kit_run_ms(&k, 100);
    kit_close_leg(&k, &h); /* what was on its way has come, or is counted as not sent */
    for (uint8_t bytes[400]; recv(p.source.fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0;)
        ++*opened;
    *sent = h.stats.sent;
    peer_close(&p);
    kit_close(&k);
}

Test(secure, a_clock_that_drifts_keeps_its_packets_whole)
{
    uint32_t opened; /* parts of a packet, and one that the mute caught, are left out of account */
    uint64_t sent;

    drifting(50000, &opened, &sent); /* one more of each twenty */
    cr_expect(opened >= sent + sent / 20 - 2 && opened <= sent + sent / 20 + 1, "%u of %llu",
              opened, (unsigned long long)sent);
    drifting(-50000, &opened, &sent);
    cr_expect(opened + sent / 20 >= sent - 2 && opened + sent / 20 <= sent + 1, "%u of %llu",
              opened, (unsigned long long)sent);
}

static void say_over(struct kit_scene *heard, enum srtp_suite suite, const int16_t *pcm, uint32_t n)
{
    const char *folder = getenv("TMPDIR");
    struct heard_leg a, b;
    const struct sound *s;
    struct kit k;
    char file[256];

    snprintf(file, sizeof(file), "%s/peal-secure-%d.wav", folder ? folder : "/tmp", (int)getpid());
    kit_open(&k, 1);
    kit_leg(&k, &a, true);
    kit_leg(&k, &b, true);
    secure_pair(&a, &b, suite, 7);
    kit_connect(&a, &b, MEDIA_PCMU);
    cr_assert(kit_until(&k, &a.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&k, &b.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(media_leg_is_secure(a.leg));
    cr_assert_eq(kit_record(&b, file, true), OK);
    cr_assert_eq(sound_from_pcm(media_sounds(k.media), pcm, n, &s), OK);
    cr_assert_eq(media_leg_play(a.leg, s, false, 5), OK);
    cr_assert(kit_until(&k, &a.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 200);
    media_leg_record_stop(b.leg);
    cr_assert(kit_until(&k, &b.recorded, 1, KIT_LIMIT_MS));
    kit_heard(heard, &k, k.media, kit_match_file(file, 0, s, false));
    unlink(file);
    sound_unref(s);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(a.stats.forged + a.stats.replayed + a.stats.unsealed, 0);
    cr_expect_eq(b.stats.forged + b.stats.replayed + b.stats.unsealed, 0);
    cr_expect_gt(b.stats.received, 40);
    kit_close(&k);
}

Test(secure, a_sound_goes_through_every_suite_as_it_is)
{
    static int16_t pcm[8000];

    for (int i = 0; i < 8000; i++)
        pcm[i] = (int16_t)((i * 7919) % 20000 - 10000);
    for (unsigned suite = 0; suite < SRTP_SUITES; suite++) {
        struct kit_scene heard = {.enough = 0.9};

        while (kit_plays(&heard))
            say_over(&heard, (enum srtp_suite)suite, pcm, 8000);
        cr_expect(kit_was_heard(&heard), "suite %u: %.3f came through", suite, heard.share);
    }
}

/* What leaves opens with the key and shows nothing without it; what comes is counted for what it
 * is, and only what is genuine moves anything. */
Test(secure, forged_and_replayed_packets_are_counted_and_nothing_else)
{
    struct heard_leg h;
    struct peer p;
    struct kit k;
    uint8_t bytes[400], plain[172];
    uint32_t n = 0, opened = 0, other = 0;

    kit_open(&k, 1);
    kit_leg(&k, &h, false);
    peer_open(&p, &h, SRTP_AES_CM_128_HMAC_SHA1_80);
    point(&h, &p.source.addr);
    kit_run_ms(&k, 60);
    for (int i = 0; i < 8; i++) { /* plain RTP from the right place: nobody's */
        rtp_write_header(plain, 0, false, (uint16_t)(400 + i), 0, 0x77);
        memset(plain + 12, 0x55, 160);
        send_to(p.source.fd, &h, plain, sizeof(plain));
        kit_run_ms(&k, 20);
    }
    cr_expect_eq(h.first_rtp, 0, "nothing genuine has come");
    for (int i = 0; i < 5; i++) {
        n = peer_packet(&p, bytes);
        send_to(p.source.fd, &h, bytes, n);
        kit_run_ms(&k, 20);
    }
    cr_assert(kit_until(&k, &h.first_rtp, 1, KIT_LIMIT_MS));
    for (int i = 0; i < 3; i++)
        send_to(p.source.fd, &h, bytes, n);
    bytes[50] ^= 1;
    bytes[3]++;
    for (int i = 0; i < 4; i++)
        send_to(p.source.fd, &h, bytes, n);
    kit_run_ms(&k, 100);
    peer_take(&p, &opened, &other);
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 5, "%lu", (unsigned long)h.stats.received);
    cr_expect_eq(h.stats.replayed, 3, "%lu", (unsigned long)h.stats.replayed);
    cr_expect_eq(h.stats.forged, 12, "%lu", (unsigned long)h.stats.forged);
    cr_expect_gt(opened, 5);
    cr_expect_eq(other, 0, "%u packets left in clear or with another key", other);
    peer_close(&p);
    kit_close(&k);
}

/* A stranger who has seen the call cannot take it over, not even by what he recorded. */
Test(secure, a_stranger_is_not_believed)
{
    struct heard_leg h;
    struct peer p;
    struct kit_source evil;
    struct kit k;
    uint8_t bytes[6][400];
    uint32_t n = 0;

    kit_open_as(&k, (struct media_config){.workers = 1, .max_legs = 8, .count_foreign = true});
    kit_leg(&k, &h, false);
    peer_open(&p, &h, SRTP_AEAD_AES_256_GCM);
    kit_source(&evil, "127.0.0.2");
    point(&h, &p.source.addr);
    kit_run_ms(&k, 40);
    for (int i = 0; i < 6; i++) {
        n = peer_packet(&p, bytes[i]);
        send_to(p.source.fd, &h, bytes[i], n);
        kit_run_ms(&k, 20);
    }
    for (int i = 0; i < 6; i++) {
        send_to(evil.fd, &h, bytes[i], n);
        kit_run_ms(&k, 20);
    }
    kit_run_ms(&k, 900); /* longer than STREAM_SILENT_US: the latch is looser now */
    for (int i = 0; i < 6; i++) {
        send_to(evil.fd, &h, bytes[i], n);
        kit_run_ms(&k, 20);
    }
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 6, "%lu", (unsigned long)h.stats.received);
    cr_expect(addr_eq(&h.stats.latched, &p.source.addr));
    cr_expect_eq(h.stats.rejected, 6, "%lu", (unsigned long)h.stats.rejected);
    cr_expect_eq(h.stats.replayed, 6, "%lu", (unsigned long)h.stats.replayed);
    close(evil.fd);
    peer_close(&p);
    kit_close(&k);
}

/* Both ends change keys, not at the same moment: no packet is lost for it, and the same keys given
 * again do not begin anew. */
Test(secure, keys_change_while_audio_goes_on)
{
    struct heard_leg a, b;
    struct kit k;

    kit_open(&k, 2);
    kit_leg(&k, &a, false);
    kit_leg(&k, &b, false);
    secure_pair(&a, &b, SRTP_AES_CM_128_HMAC_SHA1_32, 1);
    kit_connect(&a, &b, MEDIA_PCMU);
    cr_assert(kit_until(&k, &a.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&k, &b.first_rtp, 1, KIT_LIMIT_MS));
    for (uint8_t round = 2; round < 8; round++) {
        enum srtp_suite suite = (enum srtp_suite)(round % SRTP_SUITES);
        struct srtp_key from_a = key_of(suite, round), from_b = key_of(suite, (uint8_t)(round + 9));

        /* The receiver of a's packets first, as an answerer does. */
        cr_assert_eq(media_leg_set_keys(b.leg, &from_b, &from_a), OK);
        cr_assert_eq(media_leg_set_keys(a.leg, &from_a, &from_b), OK);
        kit_run_ms(&k, 120);
        cr_assert_eq(media_leg_set_keys(a.leg, &from_a, &from_b), OK);
        kit_run_ms(&k, 2100); /* until the keys before are given back */
    }
    kit_close_pair(&k, &a, &b);
    cr_expect_gt(a.stats.received, 200);
    cr_expect_eq(a.stats.replayed + b.stats.replayed, 0);
    /* What was under way while one end had the new keys only. */
    cr_expect_leq(a.stats.forged + b.stats.forged, 6 * 4, "%lu",
                  (unsigned long)(a.stats.forged + b.stats.forged));
    kit_close(&k);
}

static uint64_t all_taken(struct kit *k)
{
    struct media_metrics m;

    media_metrics(k->media, &m);
    return m.rtp_received + m.srtp_forged;
}

/* The far end seals by other keys as soon as it has our answer, before the worker has turned to
 * them.
 */
Test(secure, a_packet_may_be_here_before_its_key)
{
    const enum srtp_suite suite = SRTP_AEAD_AES_256_GCM;
    struct srtp_key ours = key_of(suite, 2);
    struct heard_leg h;
    struct peer p;
    struct kit k;
    uint8_t bytes[400];

    kit_open(&k, 1);
    kit_leg(&k, &h, false);
    peer_open(&p, &h, suite);
    point(&h, &p.source.addr);
    peer_await(&k, &p);
    for (uint8_t i = 0; i < 12; i++) {
        struct srtp_key next = key_of(suite, (uint8_t)(100 + i));
        uint32_t n = peer_packet(&p, bytes);

        send_to(p.source.fd, &h, bytes, n);
        srtp_end(&p.out);
        cr_assert_eq(srtp_begin(&p.out, &next), OK);
        cr_assert_eq(media_leg_set_keys(h.leg, &ours, &next), OK);
        n = peer_packet(&p, bytes);
        send_to(p.source.fd, &h, bytes, n);
        for (int j = 0; j < KIT_LIMIT_MS / 10 && all_taken(&k) < 2u * i + 2; j++)
            kit_run_ms(&k, 10);
    }
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 24, "%lu", (unsigned long)h.stats.received);
    cr_expect_eq(h.stats.forged, 0, "%lu", (unsigned long)h.stats.forged);
    peer_close(&p);
    kit_close(&k);
}

/* A key lives for so many packets: the leg tells before, and says nothing more by a worn-out one.
 */
Test(secure, a_key_wears_out_and_another_goes_on)
{
    struct srtp_key mine = key_of(SRTP_AEAD_AES_128_GCM, 2), theirs = key_of(mine.suite, 1),
                    next = key_of(SRTP_AES_CM_128_HMAC_SHA1_80, 7);
    struct heard_leg h;
    struct peer p;
    struct kit k;
    uint32_t opened = 0, other = 0;

    mine.lifetime = 64;
    kit_open(&k, 1);
    kit_leg(&k, &h, false);
    peer_open(&p, &h, mine.suite);
    cr_assert_eq(media_leg_set_keys(h.leg, &next, &theirs), OK); /* so that the next is new */
    cr_assert_eq(media_leg_set_keys(h.leg, &mine, &theirs), OK);
    point(&h, &p.source.addr);
    cr_assert(kit_until(&k, &h.worn, 1, KIT_LIMIT_MS));
    peer_take(&p, &opened, &other);
    cr_expect(opened >= 40 && opened <= 64 && other == 0, "%u, %u", opened, other);
    cr_assert(kit_until(&k, &h.worn, 4, KIT_LIMIT_MS), "told again, in case it could not be done");
    kit_run_ms(&k, 400);
    peer_take(&p, &opened, &other);
    cr_expect_eq(opened, 64, "and not one more: %u", opened);
    cr_expect_eq(h.worn, 5, "told while it lasts: %u", h.worn);
    srtp_end(&p.in);
    cr_assert_eq(srtp_begin(&p.in, &next), OK);
    cr_assert_eq(media_leg_set_keys(h.leg, &next, &theirs), OK);
    kit_run_ms(&k, 400);
    peer_take(&p, &opened, &other);
    cr_expect_geq(opened, 64 + 10, "by the next key it goes on: %u", opened);
    cr_expect_eq(other, 0);
    kit_close_leg(&k, &h);
    cr_expect_gt(h.stats.unsealed, 0);
    peer_close(&p);
    kit_close(&k);
}

/* What the far end seals with is its own to watch; it is told of, too. */
Test(secure, a_far_ends_key_that_wears_out_is_told_and_still_opens)
{
    struct srtp_key mine = key_of(SRTP_AES_CM_128_HMAC_SHA1_80, 2), theirs = key_of(mine.suite, 1);
    struct heard_leg h;
    struct peer p;
    struct kit k;
    uint8_t bytes[400];

    theirs.lifetime = 16;
    kit_open(&k, 1);
    kit_leg(&k, &h, false);
    peer_open(&p, &h, mine.suite);
    cr_assert_eq(media_leg_set_keys(h.leg, NULL, NULL), OK);
    cr_assert_eq(media_leg_set_keys(h.leg, &mine, &theirs), OK);
    point(&h, &p.source.addr);
    peer_await(&k, &p);
    for (int i = 0; i < 13; i++) {
        uint32_t n = peer_packet(&p, bytes);

        send_to(p.source.fd, &h, bytes, n);
    }
    kit_run_ms(&k, 200);
    cr_expect_eq(h.worn, 0, "%u", h.worn);
    for (int i = 0; i < 17; i++) {
        uint32_t n = peer_packet(&p, bytes);

        send_to(p.source.fd, &h, bytes, n);
        kit_run_ms(&k, 20);
    }
    cr_expect_eq(h.worn, 3, "%u", h.worn);
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 30);
    peer_close(&p);
    kit_close(&k);
}

/* A change of what comes must not begin what goes anew: the same key with the same sequence numbers
 * would give both texts away, and the far end, whose rollover counter goes on, would hear nothing.
 */
Test(secure, a_change_of_one_direction_leaves_the_other)
{
    struct srtp_key theirs = key_of(SRTP_AES_CM_128_HMAC_SHA1_80, 2),
                    next = key_of(SRTP_AES_CM_128_HMAC_SHA1_80, 3);
    struct heard_leg h;
    struct peer p;
    struct kit k;
    uint8_t bytes[400];
    uint32_t opened = 0, other = 0;

    kit_open(&k, 1);
    kit_leg(&k, &h, false);
    peer_open(&p, &h, SRTP_AES_CM_128_HMAC_SHA1_80);
    point(&h, &p.source.addr);
    kit_run_ms(&k, 200);
    peer_take(&p, &opened, &other);
    cr_assert(opened > 0 && other == 0);
    /* The far end is 65536 packets on, and so is the leg, as if it had sent them. */
    struct stream *s = h.leg->stream;

    s->out->srtp.source[0].index += 65536;
    p.in.source[0].index += 65536;
    srtp_end(&p.out);
    cr_assert_eq(srtp_begin(&p.out, &next), OK);
    cr_assert_eq(media_leg_set_keys(h.leg, &theirs, &next), OK);
    kit_run_ms(&k, 60);
    opened = 0;
    for (int i = 0; i < 10; i++) {
        uint32_t n = peer_packet(&p, bytes);

        send_to(p.source.fd, &h, bytes, n);
        kit_run_ms(&k, 20);
    }
    peer_take(&p, &opened, &other);
    kit_close_leg(&k, &h);
    cr_expect_eq(h.stats.received, 10, "%lu", (unsigned long)h.stats.received);
    cr_expect_geq(opened, 5);
    cr_expect_eq(other, 0, "%u packets were sealed by a counter that began anew", other);
    peer_close(&p);
    kit_close(&k);
}

Test(secure, faster_changes_than_the_worker_follows_are_refused)
{
    struct heard_leg h;
    struct kit k;
    uint32_t refused = 0;

    kit_open(&k, 1);
    kit_leg(&k, &h, false);
    for (uint8_t i = 0; i < 40; i++) {
        struct srtp_key one = key_of(SRTP_AEAD_AES_128_GCM, i), two = key_of(0, i);
        enum err err = media_leg_set_keys(h.leg, &one, &two);

        cr_assert(err == OK || err == ERR_FULL);
        refused += err == ERR_FULL;
    }
    cr_expect_geq(refused, 1);
    struct srtp_key bad = {.suite = SRTP_SUITES}, good = key_of(0, 1);

    kit_run_ms(&k, 100);
    cr_expect_eq(media_leg_set_keys(h.leg, &bad, &good), ERR_INVALID);
    cr_expect_eq(media_leg_set_keys(h.leg, &good, NULL), ERR_INVALID);
    cr_expect_eq(media_leg_set_keys(h.leg, NULL, NULL), OK);
    cr_expect_not(media_leg_is_secure(h.leg));
    kit_close_leg(&k, &h);
    kit_close(&k);
}

/* One side of the bridge sealed, the other in clear: relayed without decoding. */
Test(secure, a_bridge_seals_and_opens)
{
    struct heard_leg a, b;
    struct peer sealed;
    struct kit_source plain;
    struct kit k;
    uint8_t bytes[400];
    uint32_t opened = 0, other = 0, clear = 0;

    kit_open(&k, 1);
    kit_leg(&k, &a, false);
    kit_leg(&k, &b, false);
    peer_open(&sealed, &a, SRTP_AEAD_AES_128_GCM);
    kit_source(&plain, "127.0.0.1");
    point(&a, &sealed.source.addr);
    point(&b, &plain.addr);
    cr_assert_eq(media_bridge(a.leg, b.leg), OK);
    kit_run_ms(&k, 60);
    for (int i = 0; i < 40; i++) {
        uint32_t n = peer_packet(&sealed, bytes);

        send_to(sealed.source.fd, &a, bytes, n);
        kit_say(&plain, media_leg_local(b.leg));
        kit_run_ms(&k, 20);
    }
    kit_run_ms(&k, 40);
    ssize_t n;

    while ((n = recv(plain.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        clear += n == 172 && bytes[12] == 0x55 && bytes[171] == 0x55;
    while ((n = recv(sealed.source.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        uint32_t len = (uint32_t)n;

        if (srtp_unseal(&sealed.in, bytes, &len) != SRTP_GOOD)
            other++;
        else
            opened += len == 172 && bytes[12] == 0x55 && bytes[171] == 0x55;
    }
    kit_close_pair(&k, &a, &b);
    cr_expect_geq(clear, 36, "%u", clear);
    cr_expect_geq(opened, 36, "%u", opened);
    cr_expect_eq(other, 0);
    cr_expect_geq(a.stats.relayed, 36);
    cr_expect_eq(a.stats.unsealed, 0);
    peer_close(&sealed);
    close(plain.fd);
    kit_close(&k);
}
