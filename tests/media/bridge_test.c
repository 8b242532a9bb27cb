/* Two legs on the phone with each other, on one worker and on two, by relay and through PCM; and
 * what is recorded meanwhile. Caller --- a ==bridge== b --- agent. */
#include <criterion/criterion.h>
#include <math.h>
#include <unistd.h>

#include "media_kit.h"

static const struct sound *tune(struct kit *k, uint32_t ms, double step)
{
    static int16_t pcm[60 * 8000];

    for (uint32_t i = 0; i < ms * 8; i++)
        pcm[i] = (int16_t)(9000.0 * sin(i * step + 0.00002 * i * i) + 3000.0 * sin(i * 0.31));
    const struct sound *s;

    cr_assert_eq(sound_from_pcm(media_sounds(k->media), pcm, ms * 8, &s), OK);
    return s;
}

struct scene {
    struct kit k;
    struct heard_leg caller, a, b, agent;
    char at_agent[32], at_a[32];
};

static void open_scene(struct scene *c, uint32_t workers, enum media_codec agents_codec)
{
    kit_open(&c->k, workers);
    kit_leg(&c->k, &c->caller, true);
    kit_leg(&c->k, &c->a, true);
    kit_leg(&c->k, &c->b, true);
    kit_leg(&c->k, &c->agent, true);
    kit_connect(&c->caller, &c->a, MEDIA_PCMU);
    kit_connect(&c->b, &c->agent, agents_codec);
    cr_assert(kit_until(&c->k, &c->a.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&c->k, &c->b.first_rtp, 1, KIT_LIMIT_MS));
    strcpy(c->at_agent, "/tmp/peal-media-XXXXXX");
    strcpy(c->at_a, "/tmp/peal-media-XXXXXX");
    close(mkstemp(c->at_agent));
    close(mkstemp(c->at_a));
}

static void close_scene(struct scene *c)
{
    kit_close_pair(&c->k, &c->caller, &c->a);
    kit_close_pair(&c->k, &c->b, &c->agent);
    unlink(c->at_agent);
    unlink(c->at_a);
    kit_close(&c->k);
}

static void play_both_ways(struct kit_scene *heard, uint32_t workers, enum media_codec agents_codec)
{
    struct scene c;
    bool alaw = agents_codec == MEDIA_PCMA;

    open_scene(&c, workers, agents_codec);
    const struct sound *mine = tune(&c.k, 1500, 0.05), *yours = tune(&c.k, 1500, 0.11);

    cr_assert_eq(media_leg_play(c.a.leg, mine, true, 5), OK);
    kit_run_ms(&c.k, 60);
    cr_assert_eq(media_bridge(c.a.leg, c.b.leg), OK);
    cr_assert(kit_until(&c.k, &c.a.bridged, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&c.k, &c.b.bridged, 1, KIT_LIMIT_MS));
    cr_expect_eq(c.a.cancelled, 1, "what was played before the bridge has ended");
    cr_assert_eq(kit_record(&c.agent, c.at_agent, true), OK);
    cr_assert_eq(kit_record(&c.a, c.at_a, true), OK);
    kit_run_ms(&c.k, 100);
    cr_assert_eq(media_leg_play(c.caller.leg, mine, false, 1), OK);
    cr_assert_eq(media_leg_play(c.agent.leg, yours, false, 2), OK);
    cr_assert(kit_until(&c.k, &c.caller.played, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&c.k, &c.agent.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&c.k, 300);
    media_leg_record_stop(c.agent.leg);
    media_leg_record_stop(c.a.leg);
    cr_assert(kit_until(&c.k, &c.agent.recorded, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&c.k, &c.a.recorded, 1, KIT_LIMIT_MS));

    kit_heard(heard, &c.k, c.k.media, kit_match_file(c.at_a, 0, mine, false));
    kit_heard(heard, &c.k, c.k.media, kit_match_file(c.at_a, 1, yours, alaw));
    if (!alaw) /* recoding alters samples a little */
        kit_heard(heard, &c.k, c.k.media, kit_match_file(c.at_agent, 0, mine, false));
    media_unbridge(c.a.leg);
    kit_run_ms(&c.k, 100);
    sound_unref(mine);
    sound_unref(yours);
    uint64_t moves;
    struct media_metrics m;

    media_metrics(c.k.media, &m);
    moves = m.moves;
    cr_expect_eq(moves > 0, workers > 1, "moves: %lu", (unsigned long)moves);
    close_scene(&c);
    cr_expect_eq(c.agent.stats.lost, 0);
    cr_expect_eq(c.caller.stats.lost, 0);
    if (alaw)
        cr_expect_eq(c.b.stats.relayed, 0);
    else
        cr_expect_gt(c.b.stats.relayed, 50);
}

static void hear_each_other(uint32_t workers, enum media_codec agents_codec)
{
    struct kit_scene heard = {0};

    while (kit_plays(&heard))
        play_both_ways(&heard, workers, agents_codec);
    cr_expect(kit_was_heard(&heard), "%.3f came through", heard.share);
}

Test(bridge, one_worker_relays)
{
    hear_each_other(1, MEDIA_PCMU);
}
Test(bridge, one_worker_recodes)
{
    hear_each_other(1, MEDIA_PCMA);
}
Test(bridge, legs_of_two_workers_meet)
{
    hear_each_other(2, MEDIA_PCMU);
}
Test(bridge, legs_of_two_workers_meet_and_recode)
{
    hear_each_other(2, MEDIA_PCMA);
}

static void play_after_the_bridge(struct kit_scene *heard)
{
    struct scene c;

    open_scene(&c, 2, MEDIA_PCMU);
    const struct sound *mine = tune(&c.k, 600, 0.05);

    cr_assert_eq(media_bridge(c.a.leg, c.b.leg), OK);
    cr_expect_eq(media_bridge(c.a.leg, c.caller.leg), ERR_STATE, "one at a time");
    cr_assert(kit_until(&c.k, &c.b.bridged, 1, KIT_LIMIT_MS));
    media_unbridge(c.b.leg);
    media_unbridge(c.b.leg);
    cr_assert_eq(kit_record(&c.agent, c.at_agent, true), OK);
    cr_assert_eq(media_leg_play(c.b.leg, mine, false, 3), OK);
    cr_assert(kit_until(&c.k, &c.b.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&c.k, 300);
    media_leg_record_stop(c.agent.leg);
    cr_assert(kit_until(&c.k, &c.agent.recorded, 1, KIT_LIMIT_MS));
    kit_heard(heard, &c.k, c.k.media, kit_match_file(c.at_agent, 0, mine, false));
    sound_unref(mine);
    close_scene(&c);
    cr_expect_eq(c.agent.stats.lost, 0, "numbers go on without a gap");
}

Test(bridge, goes_on_playing_after_the_bridge)
{
    struct kit_scene heard = {0};

    while (kit_plays(&heard))
        play_after_the_bridge(&heard);
    cr_expect(kit_was_heard(&heard), "%.3f came through", heard.share);
}

static void meet_while_recording(struct kit_scene *heard)
{
    struct scene c;
    struct media_metrics m;

    open_scene(&c, 2, MEDIA_PCMU);
    cr_assert_eq(kit_record(&c.a, c.at_a, true), OK);
    cr_assert_eq(kit_record(&c.b, c.at_agent, true), OK);
    const struct sound *mine = tune(&c.k, 1500, 0.05), *yours = tune(&c.k, 1500, 0.11);

    kit_run_ms(&c.k, 200);
    cr_assert_eq(media_bridge(c.a.leg, c.b.leg), OK);
    cr_assert(kit_until(&c.k, &c.a.bridged, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&c.k, &c.b.bridged, 1, KIT_LIMIT_MS));
    media_metrics(c.k.media, &m);
    cr_expect_eq(m.moves, 1);
    cr_assert_eq(media_leg_play(c.caller.leg, mine, false, 1), OK);
    cr_assert_eq(media_leg_play(c.agent.leg, yours, false, 2), OK);
    cr_assert(kit_until(&c.k, &c.caller.played, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&c.k, &c.agent.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&c.k, 300);
    media_leg_record_stop(c.a.leg);
    cr_assert(kit_until(&c.k, &c.a.recorded, 1, KIT_LIMIT_MS));
    kit_heard(heard, &c.k, c.k.media, kit_match_file(c.at_a, 0, mine, false));
    kit_heard(heard, &c.k, c.k.media, kit_match_file(c.at_a, 1, yours, false));
    sound_unref(mine);
    sound_unref(yours);
    close_scene(&c);
    cr_expect_eq(c.b.recorded, 1, "closing ends a recording");
    cr_expect_eq(c.b.last_err, OK);
}

/* A recording goes along with its leg: each has the other's audio after the move, and its own. */
Test(bridge, both_recording_on_two_workers_meet)
{
    struct kit_scene heard = {0};

    while (kit_plays(&heard))
        meet_while_recording(&heard);
    cr_expect(kit_was_heard(&heard), "%.3f came through", heard.share);
}

Test(bridge, commands_to_a_leg_on_its_way_are_kept)
{
    for (int i = 0; i < 30; i++) {
        struct scene c;

        open_scene(&c, 2, MEDIA_PCMU);
        cr_assert_eq(media_bridge(c.a.leg, c.b.leg), OK);
        if (i % 3 == 0)
            media_unbridge(c.a.leg);
        cr_assert_eq(media_leg_silence(c.a.leg, 40, 7), OK);
        cr_assert_eq(media_leg_silence(c.b.leg, 40, 8), OK);
        if (i % 3 == 1) {
            cr_assert(kit_until(&c.k, &c.a.played, 1, KIT_LIMIT_MS));
            cr_assert(kit_until(&c.k, &c.b.played, 1, KIT_LIMIT_MS));
        }
        close_scene(&c);
    }
}

Test(bridge, keys_reach_a_far_end_without_events_as_tones)
{
    struct scene c;

    open_scene(&c, 1, MEDIA_PCMU);
    struct media_remote r = kit_remote(media_leg_local(c.agent.leg), MEDIA_PCMU);

    r.event_pt = LEG_NO_PAYLOAD_TYPE;
    cr_assert_eq(media_leg_set_remote(c.b.leg, &r), OK);
    cr_assert_eq(media_bridge(c.a.leg, c.b.leg), OK);
    media_leg_phase(c.agent.leg, DSP_TALK);
    cr_assert(kit_until(&c.k, &c.b.bridged, 1, KIT_LIMIT_MS));
    cr_assert_eq(media_leg_dtmf(c.caller.leg, slice_cstr("7"), false, 120, 100, 1), OK);
    cr_assert(kit_until(&c.k, &c.agent.digits, 1, KIT_LIMIT_MS));
    cr_expect_str_eq(c.agent.digit, "7");
    cr_expect_str_eq(c.a.digit, "7");
    close_scene(&c);
}
