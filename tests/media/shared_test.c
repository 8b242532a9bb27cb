/* Legs of two engines that share one socket: what is heard, plain and by SRTP, across a bridge,
 * with loss; strangers refused; the way back to sockets of their own; and the table of numbers. */
#include <criterion/criterion.h>
#include <math.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/control.h"
#include "media_kit.h"

#define PAIRS 8

static struct media *near_media, *far_media;

static void open_two(struct kit *k)
{
    uint16_t min = (uint16_t)(20000 + (uint32_t)getpid() % 90 * 400);
    struct media_config config = {.shared = true,
                                  .max_legs = 64,
                                  .count_foreign = true,
                                  .port_min = min,
                                  .port_max = (uint16_t)(min + 199)};

    kit_open_as(k, config);
    config.loop = &k->loop;
    config.port_min = (uint16_t)(min + 200);
    config.port_max = (uint16_t)(min + 399);
    near_media = k->media;
    cr_assert_eq(media_open(&far_media, &config), OK);
}

static void close_two(struct kit *k)
{
    media_close(far_media);
    kit_close(k);
}

static void open_leg(struct media *m, struct heard_leg *h)
{
    const struct media_leg_params p = {.detect = true};

    memset(h, 0, sizeof(*h));
    cr_assert_eq(media_leg_open(m, &p, kit_on_event, h, &h->leg), OK);
}

static struct media_remote to_shared(struct heard_leg *to, enum media_codec codec)
{
    struct media_remote r = kit_remote(media_leg_local(to->leg), codec);
    struct media_shared s;

    cr_assert(media_leg_shared(to->leg, &s));
    r.shared = r.rtp;
    addr_set_port(&r.shared, s.port);
    r.shared_number = s.number;
    return r;
}

static void connect_shared(struct heard_leg *a, struct heard_leg *b, enum media_codec codec)
{
    struct media_remote to_a = to_shared(a, codec), to_b = to_shared(b, codec);

    cr_assert_eq(media_leg_set_remote(a->leg, &to_b), OK);
    cr_assert_eq(media_leg_set_remote(b->leg, &to_a), OK);
}

static const struct sound *tune(uint32_t ms, double step)
{
    static int16_t pcm[10 * 8000];
    const struct sound *s;

    for (uint32_t i = 0; i < ms * 8; i++)
        pcm[i] = (int16_t)(9000.0 * sin(i * step + 0.00002 * i * i) + 3000.0 * sin(i * 0.31));
    cr_assert_eq(sound_from_pcm(media_sounds(near_media), pcm, ms * 8, &s), OK);
    return s;
}

static struct srtp_key key_of(uint8_t seed)
{
    struct srtp_key key = {.suite = SRTP_AES_CM_128_HMAC_SHA1_80};

    for (uint32_t i = 0; i < sizeof(key.key); i++)
        key.key[i] = (uint8_t)(seed + i * 3);
    return key;
}

static void play_to_all(struct kit_scene *heard, enum media_codec codec, bool secure)
{
    struct kit k;
    static struct heard_leg near[PAIRS], far[PAIRS];
    const struct sound *said[PAIRS];
    char path[PAIRS][32];
    struct media_metrics m;

    open_two(&k);
    for (uint32_t i = 0; i < PAIRS; i++) {
        open_leg(near_media, &near[i]);
        open_leg(far_media, &far[i]);
        if (secure) {
            struct srtp_key out = key_of((uint8_t)i), in = key_of((uint8_t)(100 + i));

            cr_assert_eq(media_leg_set_keys(near[i].leg, &out, &in), OK);
            cr_assert_eq(media_leg_set_keys(far[i].leg, &in, &out), OK);
        }
        connect_shared(&near[i], &far[i], codec);
    }
    for (uint32_t i = 0; i < PAIRS; i++) {
        cr_assert(kit_until(&k, &near[i].first_rtp, 1, KIT_LIMIT_MS));
        cr_assert(kit_until(&k, &far[i].first_rtp, 1, KIT_LIMIT_MS));
        strcpy(path[i], "/tmp/peal-media-XXXXXX");
        close(mkstemp(path[i]));
        cr_assert_eq(kit_record(&far[i], path[i], true), OK);
        said[i] = tune(1000, 0.05 + 0.013 * i);
    }
    kit_run_ms(&k, 100);
    for (uint32_t i = 0; i < PAIRS; i++)
        cr_assert_eq(media_leg_play(near[i].leg, said[i], false, 1), OK);
    cr_assert_eq(media_leg_dtmf(far[0].leg, SLICE("5"), false, 100, 100, 2), OK);
    for (uint32_t i = 0; i < PAIRS; i++)
        cr_assert(kit_until(&k, &near[i].played, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&k, &near[0].digits, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 300);
    for (uint32_t i = 0; i < PAIRS; i++) {
        media_leg_record_stop(far[i].leg);
        cr_assert(kit_until(&k, &far[i].recorded, 1, KIT_LIMIT_MS));
    }
    for (uint32_t i = 0; i < PAIRS; i++) {
        double share = kit_match_file(path[i], 0, said[i], codec == MEDIA_PCMA);

        kit_heard(heard, &k, near_media, share);
        kit_heard(heard, &k, far_media, share);
        kit_close_pair(&k, &near[i], &far[i]);
        cr_expect_eq(far[i].stats.lost + near[i].stats.lost, 0);
        cr_expect_eq(far[i].stats.rejected + far[i].stats.forged + far[i].stats.invalid, 0);
        cr_expect(near[i].stats.shared && far[i].stats.shared);
        sound_unref(said[i]);
        unlink(path[i]);
    }
    cr_expect_eq(near[0].digit[0], '5');
    kit_run_ms(&k, 600); /* counters are told twice a second */
    media_metrics(far_media, &m);
    cr_expect_geq(m.shared_received, m.rtp_received, "every packet came by the shared socket");
    cr_expect_gt(m.rtp_received, PAIRS * 60);
    cr_expect_gt(m.rtcp_received, 0, "and the BYE of each, too");
    close_two(&k);
}

/* Every near leg says another tune, every far leg records: each hears its own, sample for sample.
 */
static void all_hear_their_own(enum media_codec codec, bool secure)
{
    struct kit_scene heard = {0};

    while (kit_plays(&heard))
        play_to_all(&heard, codec, secure);
    cr_expect(kit_was_heard(&heard), "one heard %.3f of its tune", heard.share);
}

Test(shared, every_leg_hears_its_own)
{
    all_hear_their_own(MEDIA_PCMU, false);
}
Test(shared, every_leg_hears_its_own_in_alaw)
{
    all_hear_their_own(MEDIA_PCMA, false);
}
Test(shared, every_leg_hears_its_own_by_srtp)
{
    all_hear_their_own(MEDIA_PCMU, true);
}

static void play_across_the_bridge(struct kit_scene *heard)
{
    struct kit k;
    struct heard_leg caller, a, b, agent;
    char path[32] = "/tmp/peal-media-XXXXXX";

    open_two(&k);
    open_leg(near_media, &caller);
    open_leg(far_media, &a);
    open_leg(far_media, &b);
    open_leg(near_media, &agent);
    connect_shared(&caller, &a, MEDIA_PCMU);
    connect_shared(&b, &agent, MEDIA_PCMU);
    cr_assert(kit_until(&k, &a.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&k, &b.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert_eq(media_bridge(a.leg, b.leg), OK);
    cr_assert(kit_until(&k, &b.bridged, 1, KIT_LIMIT_MS));
    close(mkstemp(path));
    cr_assert_eq(kit_record(&agent, path, true), OK);
    const struct sound *said = tune(1500, 0.05);

    cr_assert_eq(media_leg_play(caller.leg, said, false, 1), OK);
    cr_assert(kit_until(&k, &caller.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 300);
    media_leg_record_stop(agent.leg);
    cr_assert(kit_until(&k, &agent.recorded, 1, KIT_LIMIT_MS));
    double share = kit_match_file(path, 0, said, false);

    kit_heard(heard, &k, near_media, share);
    kit_heard(heard, &k, far_media, share);
    kit_close_pair(&k, &caller, &a);
    kit_close_pair(&k, &b, &agent);
    cr_expect_gt(b.stats.relayed, 50);
    cr_expect_eq(agent.stats.lost, 0);
    sound_unref(said);
    unlink(path);
    close_two(&k);
}

/* caller ==shared== a --bridge-- b ==shared== agent: relayed from a train into a train. */
Test(shared, a_bridge_relays)
{
    struct kit_scene heard = {0};

    while (kit_plays(&heard))
        play_across_the_bridge(&heard);
    cr_expect(kit_was_heard(&heard), "%.3f came through", heard.share);
}

Test(shared, loss_is_counted_by_its_leg)
{
    struct media_impair bad = {.seed = 5, .loss = 0.2};
    struct heard_leg a, b, c, d;
    struct kit k;

    open_two(&k);
    open_leg(near_media, &a);
    open_leg(far_media, &b);
    open_leg(near_media, &c);
    open_leg(far_media, &d);
    cr_assert_eq(media_leg_impair(a.leg, &bad), OK);
    connect_shared(&a, &b, MEDIA_PCMU);
    connect_shared(&c, &d, MEDIA_PCMU);
    kit_run_ms(&k, 2000);
    kit_close_pair(&k, &a, &b);
    kit_close_pair(&k, &c, &d);
    cr_expect_gt(a.stats.made_lost, 5);
    /* What is lost before the first and after the last that came is seen by nobody. */
    cr_expect_leq(b.stats.lost, a.stats.made_lost);
    cr_expect_geq(b.stats.lost + 10, a.stats.made_lost, "%llu of %llu",
                  (unsigned long long)b.stats.lost, (unsigned long long)a.stats.made_lost);
    cr_expect_eq(d.stats.lost, 0);
    close_two(&k);
}

/* A stranger who knows the leg's number; one who does not; and what is no RTP. */
Test(shared, strangers_are_refused)
{
    struct heard_leg a, b;
    struct kit_source stranger;
    struct media_shared at;
    struct media_metrics m;
    struct kit k;

    open_two(&k);
    open_leg(near_media, &a);
    open_leg(far_media, &b);
    connect_shared(&a, &b, MEDIA_PCMU);
    cr_assert(kit_until(&k, &b.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(media_leg_shared(b.leg, &at));
    struct addr to = *media_leg_local(b.leg);

    addr_set_port(&to, at.port);
    kit_source(&stranger, "127.0.0.1");
    stranger.ssrc = at.number;
    for (int i = 0; i < 5; i++)
        kit_say(&stranger, &to);
    kit_say(&stranger, media_leg_local(b.leg)); /* its own socket is not read at all */
    stranger.ssrc = at.number ^ 0x40000000;
    for (int i = 0; i < 3; i++)
        kit_say(&stranger, &to);
    cr_assert_eq(sendto(stranger.fd, "peal", 4, 0, &to.sa, addr_len(&to)), 4);
    kit_run_ms(&k, 600);
    media_metrics(far_media, &m);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(b.stats.rejected, 5);
    cr_expect_eq(m.rtp_rejected, 9);
    cr_expect_eq(b.stats.lost, 0);
    close(stranger.fd);
    close_two(&k);
}

/* The next offer and answer know nothing of it, and later ones do again. */
Test(shared, back_to_own_sockets_and_again)
{
    struct heard_leg a, b;
    struct kit k;

    open_two(&k);
    open_leg(near_media, &a);
    open_leg(far_media, &b);
    connect_shared(&a, &b, MEDIA_PCMU);
    for (uint32_t i = 1; i <= 3; i++) {
        cr_assert(kit_until(&k, &a.first_rtp, i, KIT_LIMIT_MS));
        cr_assert(kit_until(&k, &b.first_rtp, i, KIT_LIMIT_MS));
        if (i == 1)
            kit_connect(&a, &b, MEDIA_PCMU);
        else if (i == 2)
            connect_shared(&a, &b, MEDIA_PCMU);
    }
    kit_close_pair(&k, &a, &b);
    close_two(&k);
}

Test(shared, not_with_two_workers)
{
    struct loop loop;
    struct media *m;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(
        media_open(&m, &(struct media_config){.loop = &loop, .workers = 2, .shared = true}),
        ERR_UNSUPPORTED);
    loop_fini(&loop);
}

Test(shared, without_it_a_leg_takes_no_such_far_end)
{
    struct heard_leg a;
    struct media_shared s;
    struct kit k;

    kit_open(&k, 1);
    kit_leg(&k, &a, false);
    cr_assert_not(media_leg_shared(a.leg, &s));
    struct media_remote r = kit_remote(media_leg_local(a.leg), MEDIA_PCMU);

    r.shared = r.rtp;
    r.shared_number = 7;
    cr_assert_eq(media_leg_set_remote(a.leg, &r), ERR_UNSUPPORTED);
    kit_close_leg(&k, &a);
    kit_close(&k);
}

/* ---- the table ---- */

Test(shared, numbers_find_their_legs_and_nothing_else)
{
    static const uint32_t sizes[] = {1, 2, 3, 64, 1000};
    static struct worker w;
    static struct stream streams[1000], *table[1000];

    w.socket.stream = table;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        w.max_legs = sizes[k];
        for (uint32_t i = 0; i < sizes[k]; i++) {
            streams[i].shared_number = shared_number(i, sizes[k]);
            table[i] = &streams[i];
        }
        for (uint32_t i = 0; i < sizes[k]; i++) {
            uint8_t p[172] = {0}, rtcp[12] = {0x80, 201, 0, 1};
            uint32_t n = streams[i].shared_number;

            rtp_write_header(p, 0, false, 1, 160, n);
            cr_assert_eq(shared_find(&w, p, sizeof(p)), &streams[i]);
            cr_assert_null(shared_find(&w, p, 11));
            cr_assert_null(shared_find(&w, p, WORKER_RECEIVE_BYTES + 1));
            for (int byte = 0; byte < 4; byte++)
                rtcp[4 + byte] = (uint8_t)(n >> (24 - 8 * byte));
            cr_assert_eq(shared_find(&w, rtcp, sizeof(rtcp)), &streams[i]);
            for (uint32_t bit = 0; bit < 32; bit++) {
                rtp_write_header(p, 0, false, 1, 160, n ^ UINT32_C(1) << bit);
                cr_assert_neq(shared_find(&w, p, sizeof(p)), &streams[i]);
            }
            table[i] = NULL;
            rtp_write_header(p, 0, false, 1, 160, n);
            cr_assert_null(shared_find(&w, p, sizeof(p)), "it is not on this socket now");
            table[i] = &streams[i];
        }
    }
}
