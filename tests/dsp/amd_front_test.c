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

/* ---- each limit from both sides ---- */

/* A voice of -20 dBm0 for a second, then one block of that level. */
static struct played after_a_voice(int16_t level_ddb)
{
    struct played p = {.now_ms = 0};
    play(&p, -200, true, 1000);
    play(&p, level_ddb, true, DSP_BLOCK_MS);
    return p;
}

Test(amd_front, what_is_within_12_db_of_the_voice_is_in_front)
{
    struct played in = after_a_voice(-319), behind = after_a_voice(-320);
    cr_assert_eq(amd_front_gap(&in.front, in.now_ms), 0);
    cr_assert_lt(in.front.loud_ddb, -200, "it follows");
    cr_assert_eq(amd_front_gap(&behind.front, behind.now_ms), DSP_BLOCK_MS);
    cr_assert_eq(behind.front.loud_ddb, -200);
}

Test(amd_front, three_blocks_of_more_than_8_db_louder_are_a_new_voice)
{
    static const struct {
        int16_t level_ddb;
        uint32_t ms;
        bool anew;
    } cases[] = {{-119, 60, true}, {-119, 40, false}, {-120, 60, false}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct played p = {.now_ms = 0};
        play(&p, -200, true, 1000);
        play(&p, cases[i].level_ddb, true, cases[i].ms);
        cr_assert_eq(p.front.first_burst_ms, cases[i].anew ? 20 : 1000 + cases[i].ms, "case %u: %u",
                     i, p.front.first_burst_ms);
        cr_assert_eq(p.front.back_ddb == -200, cases[i].anew);
    }
}

Test(amd_front, a_gap_of_240_ms_ends_a_burst)
{
    for (uint32_t gap = 220; gap <= 240; gap += 20) {
        struct played p = {.now_ms = 0};
        play(&p, -200, true, 500);
        play(&p, -600, false, gap);
        cr_assert_eq(p.front.speaking, gap < 240, "%u ms", gap);
        cr_assert_eq(p.front.finished_ms, gap < 240 ? 0 : 500);
    }
}

/* In 1/4096; 64 blocks take it nearly two thirds of the way. */
Test(amd_front, the_share_is_of_the_last_two_seconds_or_so)
{
    struct played p = {.now_ms = 0};
    play(&p, -200, true, 64 * DSP_BLOCK_MS);
    cr_assert(p.front.share > 2400 && p.front.share < 2700, "%u", p.front.share);
    play(&p, -200, true, 10000);
    cr_assert(p.front.share > 4000 && p.front.share <= 4096, "%u", p.front.share);
    play(&p, -600, false, 64 * DSP_BLOCK_MS);
    cr_assert(p.front.share > 1400 && p.front.share < 1700, "%u", p.front.share);
}

Test(amd_front, nothing_is_quieter_than_minus_70_dbm0)
{
    struct played p = {.now_ms = 0};
    play(&p, -200, true, 500);
    cr_assert_eq(p.front.back_ddb, -700, "as nothing was behind");
    play(&p, -990, false, 1000);
    cr_assert_eq(p.front.back_ddb, -700);
    play(&p, -650, false, 2000);
    cr_assert(p.front.back_ddb >= -660 && p.front.back_ddb <= -650, "%d", p.front.back_ddb);
}
