/* When the model looks, and what ends the wait: the clocks of the verdict, looked at from inside
 * the state. What it says is amd_model_test.c's. */
#include <criterion/criterion.h>

#include "dsp/state.h"
#include "dsp/tape.h"

#define NO_LOOK 0xfffe /* a probability that no look gives */

/* Costs of which neither a verdict nor waiting pays, so that only the limits end it. */
static struct dsp_amd_config undecided(uint16_t limit_ms)
{
    struct dsp_amd_config c;
    dsp_amd_defaults(&c);
    c.drop_cost_s = 60000;
    c.agent_cost_s = 3000;
    c.total_ms = 20000;
    c.limit_ms = limit_ms;
    return c;
}

struct ear {
    struct dsp_state state;
    struct dsp_event event[DSP_EVENTS_PER_LEG_MAX];
    size_t events;
    bool looked;
};

static struct leg *leg_in(struct ear *e)
{
    return (struct leg *)(void *)e->state.opaque;
}

static void ear_open(struct ear *e, const struct dsp_amd_config *c)
{
    dsp_state_init(&e->state, dsp_plan_find("us"), c);
    dsp_state_phase(&e->state, DSP_ANSWERED);
}

/* The tape's block; true while there is one and no verdict is given. */
static bool ear_next(struct ear *e, const struct tape *t, size_t number)
{
    int16_t block[DSP_BLOCK_SAMPLES];
    if (number * DSP_BLOCK_SAMPLES >= t->n || leg_in(e)->amd.done)
        return false;
    line_block(t, number * DSP_BLOCK_SAMPLES, false, block);
    struct dsp_block b = {.state = &e->state, .samples = block};
    leg_in(e)->amd.machine = NO_LOOK;
    e->events = dsp_process(&b, 1, e->event);
    e->looked = leg_in(e)->amd.machine != NO_LOOK;
    return true;
}

/* Speech of that length from 500 ms on, a pause, quiet noise under all. */
static void say(struct tape *t, uint32_t later_ms, uint32_t length_ms, uint32_t pause_ms)
{
    tape_open(t, length_ms);
    tape_silence(t, 500 + later_ms);
    tape_speech(t, -20, length_ms);
    tape_silence(t, pause_ms);
    tape_noise(t, -58, 0);
}

Test(amd_looks, come_each_200_ms_in_talk_after_a_second_and_a_half_of_it)
{
    struct dsp_amd_config c = undecided(0);
    struct tape t;
    static struct ear e;
    unsigned looks = 0, blocks = 0;
    say(&t, 0, 4000, 0);
    ear_open(&e, &c);
    for (size_t i = 0; ear_next(&e, &t, i); i++) {
        const struct leg *l = leg_in(&e);
        if (!l->amd.spurts || !l->features.front.speaking)
            continue;
        uint32_t since = l->now_ms - l->amd.clock_ms, talk = l->now_ms - l->amd.first_ms;
        bool due = since % 200 == 0 && talk >= 1500;
        cr_assert_eq(e.looked, due, "%u ms, %u of talk: %d", since, talk, e.looked);
        looks += due;
        blocks++;
    }
    cr_assert(looks >= 5 && blocks >= 100, "%u looks in %u blocks", looks, blocks);
    tape_close(&t);
}

Test(amd_looks, come_each_100_ms_in_a_pause_and_each_40_from_380_to_800)
{
    struct dsp_amd_config c = undecided(0);
    struct tape t;
    static struct ear e;
    unsigned looks = 0, close = 0;
    say(&t, 0, 700, 1600);
    ear_open(&e, &c);
    for (size_t i = 0; ear_next(&e, &t, i); i++) {
        const struct leg *l = leg_in(&e);
        if (!l->amd.spurts || l->features.front.speaking)
            continue;
        uint32_t since = l->now_ms - l->amd.clock_ms;
        uint32_t gap = l->now_ms - l->features.front.last_ms;
        bool near = gap >= 380 && gap < 800;
        cr_assert_eq(e.looked, since % (near ? 40 : 100) == 0, "%u ms after the word: %d", gap,
                     e.looked);
        looks += e.looked;
        close += e.looked && near;
    }
    cr_assert(close >= 9 && looks >= close + 7, "%u looks, %u close", looks, close);
    tape_close(&t);
}

/* The shortest silence, over where in the looks' clock the word ends, at which a limit ends the
 * wait. */
static uint32_t shortest_wait(uint16_t limit_ms)
{
    struct dsp_amd_config c = undecided(limit_ms);
    uint32_t least = UINT32_MAX;
    for (uint32_t later = 0; later < 100; later += 20) {
        struct tape t;
        static struct ear e;
        say(&t, later, 700, 4000);
        c.agent_cost_s = 10000; /* so that no wait is long enough to pay */
        ear_open(&e, &c);
        for (size_t i = 0; ear_next(&e, &t, i);)
            i++;
        const struct leg *l = leg_in(&e);
        cr_assert(l->amd.done, "limit %u: no verdict", limit_ms);
        uint32_t wait = l->now_ms - l->amd.last_voice_ms;
        least = wait < least ? wait : least;
        tape_close(&t);
    }
    return least;
}

/* An agent is heard 250 ms after the verdict. */
Test(amd_looks, end_in_time_for_an_agent_to_be_heard_within_the_limit)
{
    static const struct {
        uint16_t limit_ms;
        uint32_t wait_ms;
    } cases[] = {{2000, 1750}, {1500, 1250}, {1000, 800}, {300, 800}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t wait = shortest_wait(cases[i].limit_ms);
        cr_assert(wait >= cases[i].wait_ms && wait < cases[i].wait_ms + 40, "limit %u: %u ms",
                  cases[i].limit_ms, wait);
    }
}

/* Somebody may still come to a telephone that rang after the answer: seven seconds in which it may
 * ring again, then the silence that is waited for. */
Test(amd_looks, ringing_after_answer_is_waited_out)
{
    struct dsp_amd_config c;
    struct tape t;
    dsp_amd_defaults(&c);
    tape_open(&t, 3);
    tape_silence(&t, 200);
    tape_pair(&t, 440, -18, 480, -18, 2000);
    tape_silence(&t, 16000);
    tape_noise(&t, -60, 0);
    const struct heard *h = line_play(&t, (struct line){.amd = &c});
    const struct dsp_event *e = heard_first(h, DSP_VERDICT);
    cr_assert_not_null(e);
    cr_assert_eq(e->detail, VERDICT_UNSURE);
    cr_assert_leq(abs((int)heard_at(h, e) - (2200 + 7000 + (int)c.initial_silence_ms)), 60, "%u",
                  heard_at(h, e));
    tape_close(&t);
}
