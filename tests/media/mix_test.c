/* Conversations of three and more: who hears whom, at what level, while parts change, on one worker
 * and on several; the relay between two who are left. Every far end is a leg on a socket of its
 * own, with a tone by which it is known. */
#include "audio_kit.h"

static uint64_t relayed(struct kit *k)
{
    struct media_metrics m;

    media_metrics(k->media, &m);
    return m.rtp_relayed;
}

/* Whether packets are relayed now; metrics are up to half a second old. */
static bool relays(struct kit *k)
{
    kit_run_ms(k, 520);
    uint64_t before = relayed(k);

    kit_run_ms(k, 520);
    return relayed(k) > before + 10;
}

struct trio {
    struct kit k;
    struct voice a, b, c, *all[3];
};

static void trio_open(struct trio *t, uint32_t workers)
{
    kit_open(&t->k, workers);
    voice_open(&t->k, &t->a, 400);
    voice_open(&t->k, &t->b, 700);
    voice_open(&t->k, &t->c, 1100);
    t->all[0] = &t->a;
    t->all[1] = &t->b;
    t->all[2] = &t->c;
}

static void trio_close(struct trio *t)
{
    voice_close(&t->a);
    voice_close(&t->b);
    voice_close(&t->c);
    kit_close(&t->k);
}

static void three_hear_each_other(uint32_t workers)
{
    struct trio t;

    trio_open(&t, workers);
    cr_assert_eq(media_bridge(t.a.near.leg, t.b.near.leg), OK);
    cr_assert(kit_until(&t.k, &t.a.near.bridged, 1, KIT_LIMIT_MS));
    cr_expect(relays(&t.k), "two are a relay");
    cr_assert_eq(media_mix_join(t.c.near.leg, t.a.near.leg, MIX_TALKS), OK);
    cr_expect_eq(media_mix_members(t.b.near.leg), 3);
    cr_assert(kit_until(&t.k, &t.c.near.bridged, 1, KIT_LIMIT_MS));
    kit_run_ms(&t.k, 200);
    voices_hear(t.all, 3, 600);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            cr_expect(i == k ? voice_misses(t.all[i], t.all[k]) : voice_hears(t.all[i], t.all[k]),
                      "%d of %d: %.0f", i, k, voice_level(t.all[i], t.all[k]->hz));
    media_unbridge(t.c.near.leg);
    cr_expect_eq(media_mix_members(t.c.near.leg), 0);
    cr_expect(relays(&t.k), "two that are left are a relay again");
    voices_hear(t.all, 3, 400);
    cr_expect(voice_hears(&t.a, &t.b) && voice_hears(&t.b, &t.a));
    cr_expect(voice_misses(&t.a, &t.c) && voice_misses(&t.c, &t.a) && voice_misses(&t.c, &t.b));
    media_unbridge(t.a.near.leg);
    kit_run_ms(&t.k, 100);
    voices_hear(t.all, 3, 300);
    cr_expect(voice_misses(&t.a, &t.b) && voice_misses(&t.b, &t.a));
    trio_close(&t);
}

Test(mix, three_hear_each_other)
{
    three_hear_each_other(1);
}
Test(mix, three_of_three_workers_hear_each_other)
{
    three_hear_each_other(3);
}

/* A supervisor's parts one after the other, the conversation going on meanwhile. */
static void parts_change(uint32_t workers)
{
    struct trio t;
    struct voice *sup = &t.c, *agent = &t.b, *callee = &t.a;

    trio_open(&t, workers);
    cr_assert_eq(media_bridge(callee->near.leg, agent->near.leg), OK);
    cr_assert_eq(media_mix_join(sup->near.leg, agent->near.leg, MIX_LISTENS), OK);
    cr_assert(kit_until(&t.k, &sup->near.bridged, 1, KIT_LIMIT_MS));
    kit_run_ms(&t.k, 200);
    for (int round = 0; round < 4; round++) {
        static const enum mix_role roles[] = {MIX_LISTENS, MIX_COACHES, MIX_TALKS, MIX_LISTENS};
        enum mix_role role = roles[round];

        cr_assert_eq(media_mix_join(sup->near.leg, agent->near.leg, role), OK);
        kit_run_ms(&t.k, 150);
        voices_hear(t.all, 3, 500);
        cr_expect(voice_hears(agent, callee) && voice_hears(callee, agent), "round %d", round);
        cr_expect(voice_hears(sup, callee) && voice_hears(sup, agent), "round %d", round);
        cr_expect(role == MIX_LISTENS ? voice_misses(agent, sup) : voice_hears(agent, sup),
                  "round %d: %.0f", round, voice_level(agent, sup->hz));
        cr_expect(role == MIX_TALKS ? voice_hears(callee, sup) : voice_misses(callee, sup),
                  "round %d: %.0f", round, voice_level(callee, sup->hz));
    }
    /* Whom a coach spoke to has gone: then nobody hears the coach. */
    cr_assert_eq(media_mix_join(sup->near.leg, agent->near.leg, MIX_COACHES), OK);
    media_unbridge(agent->near.leg);
    kit_run_ms(&t.k, 100);
    voices_hear(t.all, 3, 300);
    cr_expect(voice_misses(callee, sup) && voice_misses(agent, sup) && voice_misses(agent, callee));
    cr_expect(voice_hears(sup, callee));
    trio_close(&t);
}

Test(mix, a_supervisor_listens_coaches_and_joins)
{
    parts_change(1);
}
Test(mix, a_supervisor_of_another_worker_listens_coaches_and_joins)
{
    parts_change(2);
}

Test(mix, a_prompt_is_heard_by_one_alone_over_the_others)
{
    struct trio t;
    const struct sound *prompt;

    trio_open(&t, 1);
    prompt = voice_tone(&t.k, 1700, VOICE_SIZE);
    cr_assert_eq(media_mix_join(t.b.near.leg, t.a.near.leg, MIX_TALKS), OK);
    cr_assert_eq(media_mix_join(t.c.near.leg, t.a.near.leg, MIX_TALKS), OK);
    cr_assert_eq(media_leg_play(t.b.near.leg, prompt, true, 9), OK);
    kit_run_ms(&t.k, 200);
    voices_hear(t.all, 3, 500);
    cr_expect(voice_hears_at(&t.b, 1700, VOICE_SIZE), "%.0f", voice_level(&t.b, 1700));
    cr_expect(voice_hears(&t.b, &t.a) && voice_hears(&t.b, &t.c));
    cr_expect(voice_hears_at(&t.a, 1700, 0) && voice_hears_at(&t.c, 1700, 0));
    media_leg_stop(t.b.near.leg);
    cr_assert(kit_until(&t.k, &t.b.near.cancelled, 1, KIT_LIMIT_MS));
    cr_expect_eq(t.b.near.last_cookie, 9);
    media_unbridge(t.c.near.leg);
    cr_expect(relays(&t.k));
    /* Between two it takes the relay's place, and gives it back. */
    cr_assert_eq(media_leg_play(t.b.near.leg, prompt, true, 10), OK);
    kit_run_ms(&t.k, 200);
    voices_hear(t.all, 2, 400);
    cr_expect(voice_hears(&t.b, &t.a) && voice_hears_at(&t.b, 1700, VOICE_SIZE));
    cr_expect(voice_hears_at(&t.a, 1700, 0));
    media_leg_stop(t.b.near.leg);
    cr_assert_eq(media_leg_silence(t.b.near.leg, 100, 11), OK);
    cr_assert(kit_until(&t.k, &t.b.near.played, 3, KIT_LIMIT_MS));
    cr_expect(relays(&t.k));
    sound_unref(prompt);
    trio_close(&t);
}

Test(mix, gain_of_each_direction)
{
    struct trio t;

    trio_open(&t, 1);
    cr_expect_eq(media_leg_gain(t.a.near.leg, 31, false), ERR_INVALID);
    cr_assert_eq(media_bridge(t.a.near.leg, t.b.near.leg), OK);
    cr_assert_eq(media_leg_gain(t.a.near.leg, 6, false), OK);
    cr_assert_eq(media_leg_gain(t.b.near.leg, -12, false), OK);
    kit_run_ms(&t.k, 300);
    voices_hear(t.all, 2, 500);
    cr_expect(voice_hears_at(&t.b, t.a.hz, VOICE_SIZE * 1.995), "%.0f", voice_level(&t.b, t.a.hz));
    cr_expect(voice_hears_at(&t.a, t.b.hz, VOICE_SIZE * 0.251), "%.0f", voice_level(&t.a, t.b.hz));
    media_leg_gain(t.a.near.leg, 0, false);
    media_leg_gain(t.b.near.leg, 0, false);
    cr_expect(relays(&t.k), "without gain it is a relay again");
    /* It holds for the next bridge, too. */
    media_unbridge(t.a.near.leg);
    cr_assert_eq(media_leg_gain(t.a.near.leg, -6, false), OK);
    cr_assert_eq(media_bridge(t.a.near.leg, t.b.near.leg), OK);
    kit_run_ms(&t.k, 300);
    voices_hear(t.all, 2, 400);
    cr_expect(voice_hears_at(&t.b, t.a.hz, VOICE_SIZE * 0.501), "%.0f", voice_level(&t.b, t.a.hz));
    cr_expect(voice_hears(&t.a, &t.b));
    trio_close(&t);
}

Test(mix, bounds)
{
    struct kit k;
    struct heard_leg near[MIX_MEMBERS_MAX + 1];

    kit_open(&k, 2);
    for (int i = 0; i <= MIX_MEMBERS_MAX; i++)
        kit_leg(&k, &near[i], false);
    cr_expect_eq(media_mix_join(near[0].leg, near[0].leg, MIX_TALKS), ERR_STATE);
    for (int i = 1; i < MIX_MEMBERS_MAX; i++)
        cr_expect_eq(media_mix_join(near[i].leg, near[i - 1].leg, MIX_TALKS), OK);
    cr_expect_eq(media_mix_join(near[MIX_MEMBERS_MAX].leg, near[0].leg, MIX_TALKS), ERR_FULL);
    cr_expect_eq(media_mix_members(near[3].leg), MIX_MEMBERS_MAX);
    cr_expect_eq(media_bridge(near[0].leg, near[MIX_MEMBERS_MAX].leg), ERR_STATE);
    media_unbridge(near[3].leg);
    cr_expect_eq(media_mix_join(near[MIX_MEMBERS_MAX].leg, near[0].leg, MIX_COACHES), OK);
    cr_expect_eq(media_bridge(near[3].leg, near[0].leg), ERR_STATE, "one is in a conversation");
    cr_expect_eq(media_mix_join(near[0].leg, near[3].leg, MIX_TALKS), ERR_STATE, "likewise");
    for (int i = 0; i <= MIX_MEMBERS_MAX; i++)
        kit_close_leg(&k, &near[i]);
    kit_close(&k);
}

Test(mix, a_prompt_over_the_peer_of_a_bridge)
{
    struct trio t;
    const struct sound *prompt;

    trio_open(&t, 2);
    prompt = voice_tone(&t.k, 1700, VOICE_SIZE);
    cr_assert_eq(media_bridge(t.a.near.leg, t.b.near.leg), OK);
    cr_assert(kit_until(&t.k, &t.b.near.bridged, 1, KIT_LIMIT_MS));
    cr_assert_eq(media_leg_play_over(t.b.near.leg, prompt, true, 9), OK);
    kit_run_ms(&t.k, 200);
    voices_hear(t.all, 2, 400);
    cr_expect(voice_hears(&t.b, &t.a) && voice_hears_at(&t.b, 1700, VOICE_SIZE));
    cr_expect(voice_hears(&t.a, &t.b) && voice_hears_at(&t.a, 1700, 0));
    media_leg_stop(t.b.near.leg);
    cr_expect(relays(&t.k));
    media_unbridge(t.b.near.leg);
    kit_run_ms(&t.k, 100);
    voices_hear(t.all, 2, 300);
    cr_expect(voice_misses(&t.b, &t.a) && voice_misses(&t.a, &t.b));
    sound_unref(prompt);
    trio_close(&t);
}
