/* Legs over real sockets: what one says, the other hears. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/leg.h"
#include "media/rtp.h"
#include "media/wav.h"
#include "media_kit.h"

/* A sound whose every stretch of 40 samples is recognisable. */
static const struct sound *melody(struct kit *k, uint32_t ms)
{
    static int16_t pcm[60 * 8000];
    uint32_t n = ms * 8;

    for (uint32_t i = 0; i < n; i++)
        pcm[i] = (int16_t)(9000.0 * sin(i * 0.05 + 0.00002 * i * i) + 3000.0 * sin(i * 0.31));
    const struct sound *s;

    cr_assert_eq(sound_from_pcm(media_sounds(k->media), pcm, n, &s), OK);
    return s;
}

static void play_to_the_other_end(struct kit_scene *heard)
{
    struct kit k;
    struct heard_leg a, b;
    struct wav w;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    const struct sound *s = melody(&k, 2000);
    char path[] = "/tmp/peal-media-XXXXXX";

    close(mkstemp(path));
    cr_assert_eq(kit_record(&b, path, true), OK);
    cr_assert_eq(media_leg_play(a.leg, s, false, 77), OK);
    cr_assert(kit_until(&k, &a.played, 1, KIT_LIMIT_MS));
    cr_assert_eq(a.last_cookie, 77);
    cr_assert_eq(a.last_err, OK);
    kit_run_ms(&k, 200);
    media_leg_record_stop(b.leg);
    cr_assert(kit_until(&k, &b.recorded, 1, KIT_LIMIT_MS));
    cr_assert_eq(b.last_err, OK);

    size_t len;
    uint8_t *file = kit_read(path, &len);

    cr_assert_eq(wav_parse(file, len, &w), OK);
    cr_assert_eq(w.channels, 2);
    kit_heard(heard, &k, k.media, kit_match(&w, 0, s, false));
    cr_expect_float_eq(b.seconds, w.frames / 8000.0, 1e-9);
    free(file);
    unlink(path);
    sound_unref(s);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(b.stats.lost, 0);
    cr_expect_gt(b.stats.received, 100);
    kit_close(&k);
}

Test(leg, plays_to_the_other_end_sample_for_sample)
{
    struct kit_scene heard = {.enough = 0.9};

    while (kit_plays(&heard))
        play_to_the_other_end(&heard);
    cr_expect(kit_was_heard(&heard), "%.3f came through", heard.share);
}

Test(leg, queue_plays_in_order_and_says_so)
{
    struct kit k;
    struct heard_leg a, b;
    struct media_tone tone = {.freq_hz = {440, 480}, .level_ddb = -190, .on_ms = 100, .off_ms = 40};

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMA);
    const struct sound *s = melody(&k, 100);

    cr_assert_eq(media_leg_play(a.leg, s, false, 1), OK);
    cr_assert_eq(media_leg_tone(a.leg, &tone, 2), OK);
    cr_assert_eq(media_leg_silence(a.leg, 60, 3), OK);
    cr_assert_eq(media_leg_dtmf(a.leg, slice_cstr("5"), true, 60, 60, 4), OK);
    cr_assert_eq(media_leg_play(a.leg, s, true, 5), OK);
    cr_assert_eq(media_leg_play(a.leg, s, false, 6), OK);
    cr_assert(kit_until(&k, &a.played, 4, KIT_LIMIT_MS));
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(a.cookies[i], i + 1);
    kit_run_ms(&k, 300);
    cr_expect_eq(a.played, 4, "a loop does not end by itself");
    media_leg_stop(a.leg);
    cr_assert(kit_until(&k, &a.played, 6, KIT_LIMIT_MS));
    cr_expect_eq(a.cancelled, 2);
    cr_expect_eq(a.last_cookie, 6);
    cr_expect_eq(s->refs, 1, "references of played sounds were given back");
    for (int i = 0; i < LEG_QUEUE_MAX; i++)
        cr_assert_eq(media_leg_play(a.leg, s, true, 9), OK);
    cr_expect_eq(media_leg_play(a.leg, s, true, 9), ERR_FULL);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(s->refs, 1, "closing gives them back too");
    sound_unref(s);
    kit_close(&k);
}

Test(leg, refuses_what_it_cannot_do)
{
    struct kit k;
    struct heard_leg a;
    struct media_remote r = {.payload_type = 0, .direction = MEDIA_SENDRECV};
    struct media_tone tone = {.freq_hz = {5000}, .on_ms = 100};
    char path[300];

    kit_open(&k, 1);
    kit_leg(&k, &a, false);
    cr_expect_eq(media_leg_set_remote(a.leg, &r), ERR_INVALID, "no address");
    r = kit_remote(media_leg_local(a.leg), MEDIA_PCMU);
    r.ptime_ms = 25;
    cr_expect_eq(media_leg_set_remote(a.leg, &r), ERR_INVALID, "ptime not in tens");
    cr_expect_eq(media_leg_tone(a.leg, &tone, 1), ERR_INVALID, "beyond 4 kHz");
    cr_expect_eq(media_leg_dtmf(a.leg, slice_cstr("12x"), false, 0, 0, 1), ERR_INVALID);
    cr_expect_eq(
        media_leg_dtmf(a.leg, slice_cstr("012345678901234567890123456789012"), false, 0, 0, 1),
        ERR_TOO_LONG);
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = 0;
    cr_expect_eq(kit_record(&a, path, true), ERR_TOO_LONG);
    cr_expect_eq(media_bridge(a.leg, a.leg), ERR_STATE, "a leg does not talk to itself");
    kit_close_leg(&k, &a);
    kit_close(&k);
}

/* event_pt: a's number of events; b asked for 101, and was asked for 96. */
static void dtmf_both_ways(bool in_band, uint8_t event_pt)
{
    struct kit k;
    struct heard_leg a, b;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    struct media_remote to_b = kit_remote(media_leg_local(b.leg), MEDIA_PCMU);
    struct media_remote to_a = kit_remote(media_leg_local(a.leg), MEDIA_PCMU);

    to_b.event_pt = event_pt;
    to_a.event_pt = 96;
    to_a.receive_event_pt = 101;
    cr_assert_eq(media_leg_set_remote(a.leg, &to_b), OK);
    cr_assert_eq(media_leg_set_remote(b.leg, &to_a), OK);
    media_leg_phase(b.leg, DSP_TALK);
    kit_run_ms(&k, 100);
    cr_assert_eq(media_leg_dtmf(a.leg, slice_cstr("159*0#"), in_band, 100, 100, 8), OK);
    cr_assert(kit_until(&k, &a.played, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&k, &b.digits, 6, KIT_LIMIT_MS), "only '%s' came", b.digit);
    kit_run_ms(&k, 200);
    cr_expect_str_eq(b.digit, "159*0#");
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
}

Test(leg, digits_arrive_as_events)
{
    dtmf_both_ways(false, 101);
}

Test(leg, digits_arrive_as_events_by_the_far_ends_number)
{
    dtmf_both_ways(false, 96);
}

Test(leg, digits_arrive_in_band)
{
    dtmf_both_ways(true, 101);
}

Test(leg, muted_sends_nothing_and_the_far_end_notices)
{
    struct kit k;
    struct heard_leg a, b;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    media_leg_mute(a.leg, true);
    cr_assert(kit_until(&k, &b.timeouts, 1, LEG_RTP_TIMEOUT_MS + 3000));
    cr_expect_eq(a.timeouts, 0);
    kit_run_ms(&k, 200);
    cr_expect_eq(b.timeouts, 1, "once a gap");
    media_leg_mute(a.leg, false);
    kit_run_ms(&k, 300);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(b.stats.lost, 0, "a pause is no loss");
    cr_expect_lt(a.stats.sent, b.stats.sent);
    kit_close(&k);
}

static void play_in_packets_of(struct kit_scene *heard, uint8_t ptime_ms)
{
    char path[] = "/tmp/peal-media-XXXXXX";
    struct heard_leg a, b;
    struct kit k;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    struct media_remote r = kit_remote(media_leg_local(b.leg), MEDIA_PCMU);

    r.ptime_ms = ptime_ms;
    cr_assert_eq(media_leg_set_remote(a.leg, &r), OK);
    const struct sound *s = melody(&k, 1200);

    close(mkstemp(path));
    cr_assert_eq(kit_record(&b, path, false), OK);
    cr_assert_eq(media_leg_play(a.leg, s, false, 1), OK);
    cr_assert(kit_until(&k, &a.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 300);
    media_leg_record_stop(b.leg);
    cr_assert(kit_until(&k, &b.recorded, 1, KIT_LIMIT_MS));
    kit_heard(heard, &k, k.media, kit_match_file(path, 0, s, false));
    unlink(path);
    sound_unref(s);
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
}

Test(leg, packet_length_is_as_agreed)
{
    static const uint8_t ptimes[] = {10, 20, 30, 40, 60};

    for (size_t i = 0; i < sizeof(ptimes); i++) {
        struct kit_scene heard = {0};

        while (kit_plays(&heard))
            play_in_packets_of(&heard, ptimes[i]);
        cr_expect(kit_was_heard(&heard), "ptime %u: %.3f came through", ptimes[i], heard.share);
    }
}

Test(leg, hold_stops_sending_and_resumes)
{
    struct kit k;
    struct heard_leg a, b;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    struct media_remote r = kit_remote(media_leg_local(b.leg), MEDIA_PCMU);

    r.direction = MEDIA_RECEIVE;
    cr_assert_eq(media_leg_set_remote(a.leg, &r), OK);
    cr_assert(kit_until(&k, &b.timeouts, 1, LEG_RTP_TIMEOUT_MS + 3000));
    r.direction = MEDIA_SENDRECV;
    cr_assert_eq(media_leg_set_remote(a.leg, &r), OK);
    kit_run_ms(&k, 300);
    cr_expect_eq(b.first_rtp, 1, "the far end did not change");
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(b.stats.lost, 0);
    kit_close(&k);
}

Test(leg, thousands_of_short_legs_give_everything_back)
{
    struct kit k;
    struct heard_leg legs[32];
    struct media_metrics m;
    char fds[64];

    kit_open(&k, 2);
    snprintf(fds, sizeof(fds), "/proc/self/fd");
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 32; i++)
            kit_leg(&k, &legs[i], i & 1);
        for (int i = 0; i < 32; i += 2)
            if (round % 3)
                kit_connect(&legs[i], &legs[i + 1], MEDIA_PCMU);
        if (round % 5 == 0)
            kit_run_ms(&k, 30);
        for (int i = 0; i < 32; i++)
            media_leg_close(legs[i].leg);
        for (int i = 0; i < 32; i++)
            cr_assert(kit_until(&k, &legs[i].closed, 1, KIT_LIMIT_MS), "round %d leg %d", round, i);
    }
    media_metrics(k.media, &m);
    cr_expect_eq(m.legs, 0);
    cr_expect_eq(m.legs_opened, 3200);
    cr_expect_eq(m.commands_refused, 0);
    /* All 200 pairs of the range are free again: 64 legs can be opened three times over, and no
     * descriptor above the few of the loops is left. */
    int highest = dup(0);

    cr_expect_lt(highest, 40, "descriptor %d: sockets were left open", highest);
    close(highest);
    kit_close(&k);
}

Test(leg, ports_and_legs_are_bounded)
{
    struct kit k;
    struct heard_leg legs[9];
    struct media_leg *more;
    struct media_metrics m;
    uint16_t min = (uint16_t)(61000 + getpid() % 200 * 20);

    kit_open_as(
        &k, (struct media_config){
                .workers = 1, .max_legs = 8, .port_min = min, .port_max = (uint16_t)(min + 11)});
    for (int i = 0; i < 6; i++) {
        kit_leg(&k, &legs[i], false);
        cr_expect_eq(media_leg_port(legs[i].leg) % 2, 0);
        cr_expect(media_leg_port(legs[i].leg) >= min && media_leg_port(legs[i].leg) < min + 11);
    }
    cr_expect_eq(media_leg_open(k.media, NULL, kit_on_event, NULL, &more), ERR_FULL);
    media_metrics(k.media, &m);
    cr_expect_eq(m.ports_refused, 1);
    kit_close_leg(&k, &legs[0]);
    kit_leg(&k, &legs[0], false);
    for (int i = 0; i < 6; i++)
        kit_close_leg(&k, &legs[i]);
    kit_close(&k);
}

Test(leg, reports_tell_the_round_trip_and_the_far_view)
{
    struct kit k;
    struct heard_leg a, b, c, d;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    /* And one pair with RTCP on RTP's port. */
    struct media_leg_params mux = {.rtcp_mux = true};

    memset(&c, 0, sizeof(c));
    memset(&d, 0, sizeof(d));
    cr_assert_eq(media_leg_open(k.media, &mux, kit_on_event, &c, &c.leg), OK);
    cr_assert_eq(media_leg_open(k.media, &mux, kit_on_event, &d, &d.leg), OK);
    kit_connect(&c, &d, MEDIA_PCMA);
    /* Reports are at most 6.2 s apart: in 14 s each side has answered one of the other's. */
    kit_run_ms(&k, 14000);
    kit_close_pair(&k, &a, &b);
    kit_close_pair(&k, &c, &d);
    struct heard_leg *all[] = {&a, &b, &c, &d};

    for (int i = 0; i < 4; i++) {
        cr_expect_gt(all[i]->stats.rtt_us, 0, "leg %d knows no round trip", i);
        cr_expect_lt(all[i]->stats.rtt_us, 500000);
        cr_expect_eq(all[i]->stats.far_lost, 0);
        cr_expect_eq(all[i]->stats.invalid, 0, "leg %d", i);
        cr_expect(all[i]->stats.has_far_xr, "leg %d: no extended report came", i);
        cr_expect_eq(all[i]->stats.far_xr.loss_rate, 0);
        cr_expect_eq(all[i]->stats.far_xr.gmin, QUALITY_GMIN);
        cr_expect_geq(all[i]->stats.far_xr.mos_cq, 40, "nothing was lost");
        cr_expect_geq(all[i]->stats.quality.mos_cq_hundredths, 400);
        cr_expect_eq(all[i]->stats.quality.lost, 0);
    }
    kit_close(&k);
}
