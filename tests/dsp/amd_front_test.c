/* The voice in front: bursts and gaps of whoever is loudest, whatever talks behind. */
#include <criterion/criterion.h>

#include "dsp/amd_front.h"
#include "dsp/dsp.h"

struct played {
    struct amd_front front;
    uint32_t now_ms;
};

static void play(struct played *p, int16_t level_ddb, bool active, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i += DSP_BLOCK_MS) {
        p->now_ms += DSP_BLOCK_MS;
        amd_front_run(&p->front, level_ddb, active, p->now_ms);
    }
}

Test(amd_front, bursts_and_gaps_are_measured)
{
    struct played p = {.now_ms = 0};
    play(&p, -600, false, 400);
    cr_assert_eq(amd_front_gap(&p.front, p.now_ms), 0, "nothing was said");
    play(&p, -200, true, 500);
    play(&p, -600, false, 400);
    play(&p, -210, true, 300);
    play(&p, -600, false, 700);
    const struct amd_front *f = &p.front;
    cr_assert_eq(f->bursts, 2, "%u", f->bursts);
    cr_assert_eq(f->first_burst_ms, 500, "%u", f->first_burst_ms);
    cr_assert_eq(f->longest_burst_ms, 500);
    cr_assert_eq(f->last_gap_ms, 400, "%u", f->last_gap_ms);
    cr_assert_eq(f->longest_gap_ms, 400);
    cr_assert_eq(f->finished_ms, 800, "%u", f->finished_ms);
    cr_assert_eq(amd_front_gap(f, p.now_ms), 700);
    cr_assert_not(f->speaking);
}

Test(amd_front, a_gap_of_a_syllable_ends_no_burst)
{
    struct played p = {.now_ms = 0};
    for (int i = 0; i < 5; i++) {
        play(&p, -200, true, 300);
        play(&p, -600, false, 200);
    }
    cr_assert_eq(p.front.bursts, 1, "%u", p.front.bursts);
    cr_assert_eq(p.front.longest_gap_ms, 0);
}

Test(amd_front, talk_behind_hides_no_pause)
{
    struct played p = {.now_ms = 0};
    play(&p, -200, true, 600);
    play(&p, -350, true, 1000);
    cr_assert_eq(amd_front_gap(&p.front, p.now_ms), 1000);
    cr_assert_not(p.front.speaking);
    cr_assert_geq(p.front.loud_ddb - p.front.back_ddb, 100, "%d over %d", p.front.loud_ddb,
                  p.front.back_ddb);
}

Test(amd_front, talk_before_a_much_louder_voice_was_behind_it)
{
    struct played p = {.now_ms = 0};
    play(&p, -370, true, 2000);
    cr_assert(p.front.speaking, "as long as it is all there is, it is in front");
    play(&p, -200, true, 500);
    play(&p, -370, true, 400);
    cr_assert_eq(p.front.bursts, 1);
    cr_assert_leq(p.front.first_burst_ms, 500, "%u", p.front.first_burst_ms);
    cr_assert_geq(p.front.first_burst_ms, 440, "%u", p.front.first_burst_ms);
    cr_assert_eq(amd_front_gap(&p.front, p.now_ms), 400);
}

Test(amd_front, a_click_is_no_new_voice)
{
    struct played p = {.now_ms = 0};
    play(&p, -300, true, 600);
    play(&p, -100, true, 40);
    play(&p, -300, true, 400);
    cr_assert_eq(p.front.bursts, 1);
    cr_assert_eq(p.front.longest_burst_ms, 1040, "%u", p.front.longest_burst_ms);
}
