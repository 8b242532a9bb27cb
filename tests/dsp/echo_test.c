/* The limits of one-way audio and of echo, each from both sides: levels made by hand, block by
 * block, at the detector itself. What real sound comes to is line_test.c's. */
#include <criterion/criterion.h>

#include "dsp/num.h"
#include "dsp/state.h"
#include "dsp/tape.h"

#define TOLD_MAX 4

/* A leg, and the blocks at whose end something was told. */
struct far {
    struct dsp_state state;
    unsigned block, echoes, one_way;
    unsigned echo_at[TOLD_MAX], one_way_at[TOLD_MAX];
};

static void far_open(struct far *f)
{
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    *f = (struct far){.block = 0};
    dsp_state_init(&f->state, dsp_plan_find("us"), &amd);
    dsp_state_phase(&f->state, DSP_TALK);
}

/* One block: the levels of what we send and of what comes, dB over -90 dBm0; 0: nothing. */
static void pass(struct far *f, int sent_db, int came_db)
{
    struct leg *l = (struct leg *)(void *)f->state.opaque;
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    struct sink s = {.out = out};
    f->block++;
    l->now_ms += DSP_BLOCK_MS;
    /* A little over the level, as whole dB are the parts below it. */
    l->power = came_db ? num_power((int16_t)(10 * (came_db + DSP_SENT_ZERO_DBM0) - 4)) : 0;
    l->sound_ms = came_db ? l->now_ms : l->sound_ms;
    if (sent_db || l->echo_hang)
        echo_run(l, (unsigned)sent_db, true, false, &s);
    for (unsigned i = 0; i < s.count; i++) {
        if (out[i].kind == DSP_ECHO && f->echoes < TOLD_MAX)
            f->echo_at[f->echoes++] = f->block;
        if (out[i].kind == DSP_ONE_WAY && f->one_way < TOLD_MAX)
            f->one_way_at[f->one_way++] = f->block;
    }
}

/* ---- one way ---- */

Test(echo, one_way_takes_three_seconds_of_sound_of_minus_45_dbm0)
{
    for (int sent_db = 44; sent_db <= 45; sent_db++) {
        static struct far f;
        far_open(&f);
        for (unsigned i = 0; i < 300; i++)
            pass(&f, sent_db, 0);
        cr_assert_eq(f.one_way, sent_db == 45, "%d dB: %u", sent_db, f.one_way);
        cr_assert_eq(f.one_way_at[0], sent_db == 45 ? 3000 / DSP_BLOCK_MS : 0);
    }
}

/* ---- echo ---- */

/* Up or down for 200 ms at a time, at random, but as often the one as the other. */
static bool rhythm(unsigned block)
{
    uint32_t x = (block / 20 + 1) * 2654435761u;
    x ^= x >> 15;
    x *= 0x2c1b3c6du;
    return (x >> 20 & 1) != block / 10 % 2;
}

/* Talk of two levels in that rhythm, and what comes of it some blocks later. */
struct talk {
    int sent_low, sent_high, came_low, came_high;
    int other; /* dB up and down of other sound in what comes, 100 ms each */
    unsigned delay;
};

static const struct talk plain = {60, 80, 50, 70, 0, 0};

static void talk_on(struct far *f, struct talk t, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++) {
        unsigned n = f->block + ECHO_DELAYS;
        int came = rhythm(n - t.delay) ? t.came_high : t.came_low;
        pass(f, rhythm(n) ? t.sent_high : t.sent_low, came + (n / 5 % 2 ? t.other : -t.other));
    }
}

/* Echoes told in eight seconds of it. */
static unsigned echoes_of(struct talk t)
{
    static struct far f;
    far_open(&f);
    talk_on(&f, t, 400);
    return f.echoes;
}

Test(echo, is_told_when_it_has_stood_for_a_second_after_four)
{
    static struct far f;
    far_open(&f);
    talk_on(&f, plain, 1000);
    cr_assert_eq(f.echoes, 1);
    cr_assert(f.echo_at[0] >= 248 && f.echo_at[0] <= 251, "block %u", f.echo_at[0]);
}

/* What came before the echo is remembered, but less and less: of 150 blocks, e times. The square of
 * the correlation is 1 - exp(-n / 150) when n blocks of echo have followed a steady level. */
Test(echo, the_last_three_seconds_count)
{
    static struct far f;
    struct talk steady = plain;
    steady.came_low = steady.came_high = 60;
    far_open(&f);
    talk_on(&f, steady, 600);
    talk_on(&f, plain, 600);
    cr_assert_eq(f.echoes, 1);
    int blocks = (int)f.echo_at[0] - 600; /* 150 ln 4, and the second for which it must stand */
    cr_assert(blocks >= 258 - 15 && blocks <= 258 + 15, "%d blocks", blocks);
}

/* Both sides of a limit of talk. */
#define LIMIT(field, good, bad, ...)                                                               \
    do {                                                                                           \
        struct talk t = plain;                                                                     \
        __VA_ARGS__;                                                                               \
        t.field = good;                                                                            \
        cr_assert_eq(echoes_of(t), 1, "%s %d", #field, t.field);                                   \
        t.field = bad;                                                                             \
        cr_assert_eq(echoes_of(t), 0, "%s %d", #field, t.field);                                   \
    } while (0)

Test(echo, levels_must_be_alike_and_vary)
{
    LIMIT(other, 6, 9); /* squares of the correlation: 0.81 and 0.66 */
    LIMIT(sent_low, t.sent_high - 14, t.sent_high - 11); /* 38 and 23 dB² */
    LIMIT(came_low, t.came_high - 8, t.came_high - 6);   /* 12.3 and 7 dB² */
}

Test(echo, what_is_quieter_than_noise_or_louder_than_anything_does_not_vary)
{
    LIMIT(sent_high, 60, 47, t.sent_low = 20); /* what is below 40 is 40 */
    LIMIT(came_high, 42, 35, t.came_low = 10); /* below 30 */
    LIMIT(sent_low, 80, 100, t.sent_high = 130);
}

/* A longer pause begins all anew. */
Test(echo, our_pauses_of_a_second_are_bridged)
{
    for (unsigned pause = 47; pause <= 53; pause += 6) {
        static struct far f;
        far_open(&f);
        talk_on(&f, plain, 150);
        for (unsigned i = 0; i < pause; i++)
            pass(&f, 0, 0);
        talk_on(&f, plain, 400);
        unsigned from = pause < 50 ? 0 : 150 + pause;
        cr_assert_eq(f.echoes, 1);
        cr_assert(f.echo_at[0] >= from + 248 && f.echo_at[0] <= from + 251, "pause %u: block %u",
                  pause, f.echo_at[0]);
    }
}

/* It goes when what comes is the opposite of what we send; it takes the longer to come back, the
 * longer that was. */
Test(echo, is_told_again_when_it_was_gone_for_five_seconds)
{
    for (unsigned gone = 30; gone <= 60; gone += 30) {
        static struct far f;
        struct talk opposite = plain;
        opposite.came_low = plain.came_high;
        opposite.came_high = plain.came_low;
        far_open(&f);
        talk_on(&f, plain, 300);
        talk_on(&f, opposite, gone);
        talk_on(&f, plain, 500);
        cr_assert_eq(f.echoes, gone == 30 ? 1 : 2, "gone %u: %u", gone, f.echoes);
    }
}
