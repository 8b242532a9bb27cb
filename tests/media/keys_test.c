/* Keys across a bridge and a mix, in every combination of what the two far sides know: each arrives
 * once, as the far side wants it. caller --- a ==bridge== b --- agent. */
#include "audio_kit.h"

struct scene {
    struct kit k;
    struct heard_leg caller, a, b, agent, third, c;
};

/* takes_*: that far side was offered events. */
static void wire_up(struct heard_leg *near, struct heard_leg *far, bool events,
                    enum media_codec codec)
{
    struct media_remote there = kit_remote(media_leg_local(far->leg), codec);
    struct media_remote here = kit_remote(media_leg_local(near->leg), codec);

    there.event_pt = here.event_pt = events ? 101 : LEG_NO_PAYLOAD_TYPE;
    cr_assert_eq(media_leg_set_remote(near->leg, &there), OK);
    cr_assert_eq(media_leg_set_remote(far->leg, &here), OK);
}

static void scene_open(struct scene *s, bool caller_events, bool agent_events,
                       enum media_codec agents_codec)
{
    kit_open(&s->k, 1);
    kit_leg(&s->k, &s->caller, true);
    kit_leg(&s->k, &s->a, true);
    kit_leg(&s->k, &s->b, true);
    kit_leg(&s->k, &s->agent, true);
    wire_up(&s->a, &s->caller, caller_events, MEDIA_PCMU);
    wire_up(&s->b, &s->agent, agent_events, agents_codec);
    cr_assert(kit_until(&s->k, &s->a.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&s->k, &s->b.first_rtp, 1, KIT_LIMIT_MS));
    media_leg_phase(s->a.leg, DSP_TALK);
    media_leg_phase(s->agent.leg, DSP_TALK);
    cr_assert_eq(media_bridge(s->a.leg, s->b.leg), OK);
    cr_assert(kit_until(&s->k, &s->b.bridged, 1, KIT_LIMIT_MS));
}

static void scene_close(struct scene *s)
{
    kit_close_pair(&s->k, &s->caller, &s->a);
    kit_close_pair(&s->k, &s->b, &s->agent);
    kit_close(&s->k);
}

/* Keys of the caller arrive at the agent as they were pressed, whatever far end knows what. */
static void keys_arrive(struct scene *s, bool in_band, uint32_t on_ms)
{
    cr_assert_eq(media_leg_dtmf(s->caller.leg, slice_cstr("1902#"), in_band, on_ms, 140, 1), OK);
    cr_assert(kit_until(&s->k, &s->caller.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&s->k, 500); /* a second one of the last would be here by then */
    cr_expect_str_eq(s->a.digit, "1902#");
    cr_expect_str_eq(s->agent.digit, "1902#", "in band %d, %u ms: %s", in_band, on_ms,
                     s->agent.digit);
}

Test(keys, events_to_events_by_relay)
{
    struct scene s;

    scene_open(&s, true, true, MEDIA_PCMU);
    keys_arrive(&s, false, 120);
    scene_close(&s);
}
Test(keys, events_to_events_where_the_audio_is_decoded)
{
    struct scene s;

    scene_open(&s, true, true, MEDIA_PCMA);
    keys_arrive(&s, false, 300);
    scene_close(&s);
}
Test(keys, events_to_a_far_side_without_them)
{
    struct scene s;

    scene_open(&s, true, false, MEDIA_PCMU);
    keys_arrive(&s, false, 120);
    scene_close(&s);
}
Test(keys, events_to_a_far_side_without_them_where_the_audio_is_decoded)
{
    struct scene s;

    scene_open(&s, true, false, MEDIA_PCMA);
    keys_arrive(&s, false, 120);
    scene_close(&s);
}
Test(keys, tones_to_events_by_relay)
{
    struct scene s;

    scene_open(&s, false, true, MEDIA_PCMU);
    keys_arrive(&s, true, 200);
    scene_close(&s);
}
Test(keys, tones_to_events_where_the_audio_is_decoded)
{
    struct scene s;

    scene_open(&s, false, true, MEDIA_PCMA);
    keys_arrive(&s, true, 200);
    scene_close(&s);
}
Test(keys, tones_to_tones)
{
    struct scene s;

    scene_open(&s, false, false, MEDIA_PCMU);
    keys_arrive(&s, true, 120);
    scene_close(&s);
}

Test(keys, of_a_mix)
{
    struct scene s;

    scene_open(&s, true, true, MEDIA_PCMU);
    kit_leg(&s.k, &s.third, true);
    kit_leg(&s.k, &s.c, true);
    wire_up(&s.c, &s.third, false, MEDIA_PCMU);
    cr_assert(kit_until(&s.k, &s.c.first_rtp, 1, KIT_LIMIT_MS));
    media_leg_phase(s.third.leg, DSP_TALK);
    cr_assert_eq(media_mix_join(s.c.leg, s.a.leg, MIX_TALKS), OK);
    cr_assert(kit_until(&s.k, &s.c.bridged, 1, KIT_LIMIT_MS));
    keys_arrive(&s, false, 200);
    cr_expect_str_eq(s.third.digit, "1902#", "as tones, to who knows no events");
    cr_expect_eq(s.caller.digits, 0, "not back to who pressed");
    /* Kept: the product's own. */
    cr_assert_eq(media_leg_keys_across(s.a.leg, MEDIA_KEYS_KEEP), OK);
    cr_assert_eq(media_leg_dtmf(s.caller.leg, slice_cstr("5"), false, 120, 100, 2), OK);
    cr_assert(kit_until(&s.k, &s.a.digits, 6, KIT_LIMIT_MS));
    kit_run_ms(&s.k, 400);
    cr_expect_str_eq(s.agent.digit, "1902#");
    cr_expect_str_eq(s.third.digit, "1902#");
    kit_close_pair(&s.k, &s.third, &s.c);
    scene_close(&s);
}

/* What of a tone is left in the audio, by the loudest window of 10 ms. */
static double tone_left(bool clean)
{
    struct scene s;
    char path[] = "/tmp/peal-voice-XXXXXX";
    size_t len;
    struct wav w;
    double most = 0;

    close(mkstemp(path));
    scene_open(&s, false, true, MEDIA_PCMU);
    cr_assert_eq(media_leg_keys_across(s.a.leg, clean ? MEDIA_KEYS_CLEAN : MEDIA_KEYS_PASS), OK);
    kit_run_ms(&s.k, 300);
    cr_assert_eq(kit_record(&s.agent, path, true), OK);
    keys_arrive(&s, true, 300);
    media_leg_record_stop(s.agent.leg);
    cr_assert(kit_until(&s.k, &s.agent.recorded, 1, KIT_LIMIT_MS));
    uint8_t *file = kit_read(path, &len);

    cr_assert_eq(wav_parse(file, len, &w), OK);
    for (size_t at = 0; at + 80 <= w.frames; at += 80) {
        double power = 0;

        for (size_t i = at; i < at + 80; i++)
            power += pow(kit_sample(&w, i, 0), 2);
        most = fmax(most, sqrt(power / 80));
    }
    free(file);
    unlink(path);
    scene_close(&s);
    return most;
}

Test(keys, the_leading_edge_of_a_tone_is_muted_where_asked)
{
    double clean = tone_left(true), plain = tone_left(false);

    cr_expect_lt(clean, 50, "%.0f", clean);
    cr_expect_gt(plain, 1000, "without it, what came before the detection is heard: %.0f", plain);
}
