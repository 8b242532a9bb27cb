/* The line itself: clipping, steady and described noise, audio that comes one way only, echo. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

/* ---- clipping ---- */

static void cut(struct tape *t, double gain_db, double top)
{
    for (size_t i = 0; i < t->n; i++) {
        double v = t->s[i] * pow(10, gain_db / 20);
        t->s[i] = (float)(v > top ? top : v < -top ? -top : v);
    }
}

Test(line, clipping_at_full_scale_is_told_once_a_stretch)
{
    for (int alaw = 0; alaw < 2; alaw++) {
        struct tape t;
        tape_open(&t, 4);
        tape_silence(&t, 600);
        tape_speech(&t, -12, 2500);
        cut(&t, 14, 32700);
        size_t first = 0;
        while (fabsf(t.s[first]) < 32700)
            first++;
        tape_silence(&t, 1500);
        size_t from = t.n;
        tape_speech(&t, -12, 2500);
        for (size_t i = from; i < t.n; i++)
            t.s[i] *= 5;
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_ANSWERED, .alaw = alaw});
        cr_assert_eq(heard_count(h, DSP_CLIPPING), 2, "%u", heard_count(h, DSP_CLIPPING));
        const struct dsp_event *e = heard_first(h, DSP_CLIPPING);
        cr_assert_str_eq(dsp_detail_name(DSP_CLIPPING, e->detail), "full_scale");
        cr_assert_leq(e->start_ms, first / 8 + 500);
        cr_assert_geq(e->start_ms + 20, first / 8);
        cr_assert_gt(e->level_ddb, -100);
        tape_close(&t);
    }
}

Test(line, what_was_clipped_and_turned_down_is_told_apart)
{
    struct tape t;
    tape_open(&t, 4);
    tape_silence(&t, 600);
    tape_speech(&t, -12, 4000);
    cut(&t, 30, 7000);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_ANSWERED});
    cr_assert_eq(heard_count(h, DSP_CLIPPING), 1, "%u", heard_count(h, DSP_CLIPPING));
    cr_assert_str_eq(dsp_detail_name(DSP_CLIPPING, heard_first(h, DSP_CLIPPING)->detail), "below");
    tape_close(&t);
}

Test(line, loud_speech_and_tones_are_not_clipped)
{
    for (int kind = 0; kind < 5; kind++) {
        struct tape t;
        tape_open(&t, 4);
        tape_silence(&t, 600);
        if (kind == 0)
            tape_speech(&t, -16, 20000);
        else if (kind == 1)
            tape_tone(&t, 1000, 0, 3000);
        else if (kind == 2)
            tape_tone(&t, 150, -3, 3000);
        else if (kind == 3)
            tape_pair(&t, 697, -6, 1209, -6, 400);
        else
            tape_noise(&t, -12, 0);
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_ANSWERED});
        cr_assert_eq(heard_count(h, DSP_CLIPPING), 0, "kind %d", kind);
        tape_close(&t);
    }
}

/* ---- noise ---- */

Test(line, steady_noise_is_told_with_its_level)
{
    for (double level = -60; level <= -45; level += 5)
        for (int alaw = 0; alaw < 2; alaw++) {
            struct tape t;
            tape_open(&t, 8);
            tape_silence(&t, 6000);
            tape_noise(&t, level, 0);
            const struct heard *h =
                line_play(&t, (struct line){.phase = DSP_ANSWERED, .alaw = alaw});
            const struct dsp_event *e = heard_first(h, DSP_NOISE);
            cr_assert_eq(heard_count(h, DSP_NOISE), 1, "%g dBm0", level);
            cr_assert_str_eq(dsp_detail_name(DSP_NOISE, e->detail), "heard");
            cr_assert_leq(fabs(e->level_ddb / 10.0 - level), 2, "%g: %d", level, e->level_ddb);
            cr_assert_leq(heard_at(h, e), 2600);
            cr_assert_geq(heard_count(h, DSP_SILENCE), 3, "it is silence as before");
            tape_close(&t);
        }
}

Test(line, digital_zero_and_talk_are_no_noise)
{
    struct tape t;
    tape_open(&t, 8);
    tape_silence(&t, 3000);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_ANSWERED});
    cr_assert_eq(heard_count(h, DSP_NOISE), 0);
    for (int i = 0; i < 10; i++) {
        tape_speech(&t, -20, 900);
        tape_silence(&t, 400);
    }
    h = line_play(&t, (struct line){.phase = DSP_ANSWERED});
    cr_assert_eq(heard_count(h, DSP_NOISE), 0);
    tape_close(&t);
}

/* It is told again for another level, not for the next pause alike. */
Test(line, noise_is_told_again_when_it_changes)
{
    struct tape t;
    tape_open(&t, 8);
    for (int i = 0; i < 4; i++) {
        tape_silence(&t, 2500);
        tape_noise(&t, i < 2 ? -60 : -50, tape_ms(&t) - 2500);
        tape_speech(&t, -20, 1000);
    }
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_ANSWERED});
    cr_assert_eq(heard_count(h, DSP_NOISE), 2, "%u", heard_count(h, DSP_NOISE));
    tape_close(&t);
}

static unsigned play_blocks(unsigned n, const struct dsp_block *what, enum dsp_kind kind,
                            struct dsp_event *last)
{
    struct dsp_state state;
    struct dsp_amd_config amd;
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    unsigned count = 0;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("us"), &amd);
    dsp_state_phase(&state, DSP_ANSWERED);
    for (unsigned i = 0; i < n; i++) {
        struct dsp_block b = *what;
        b.state = &state;
        size_t events = dsp_process(&b, 1, out);
        for (size_t k = 0; k < events; k++)
            if (out[k].kind == kind) {
                count++;
                *last = out[k];
            }
    }
    return count;
}

Test(line, noise_that_packets_describe)
{
    struct dsp_block b = {.flags = DSP_FLAG_NO_RTP | DSP_FLAG_COMFORT};
    struct dsp_event e;
    cr_assert_eq(play_blocks(150, &b, DSP_NOISE, &e), 1);
    cr_assert_str_eq(dsp_detail_name(DSP_NOISE, e.detail), "described");
    b.flags = DSP_FLAG_NO_RTP;
    cr_assert_eq(play_blocks(150, &b, DSP_NOISE, &e), 0);
}

/* ---- what we send ---- */

/* Both sides: what comes is theirs and, delayed and quieter, ours. */
struct sides {
    struct tape *theirs, *ours;
    unsigned delay_ms;
    double down_db; /* 0: no echo */
    bool alaw, no_packets;
    enum dsp_phase phase;
    unsigned lose_every;
};

static const struct heard *hear_sides(const struct sides *c)
{
    static struct heard h;
    static struct dsp_state state;
    struct dsp_amd_config amd;
    struct tape both = *c->theirs;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("us"), &amd);
    dsp_state_phase(&state, c->phase ? c->phase : DSP_TALK);
    both.s = malloc(both.n * sizeof *both.s);
    for (size_t i = 0; i < both.n; i++) {
        size_t from = i - 8 * c->delay_ms;
        double back = c->down_db > 0 && i >= 8 * c->delay_ms && from < c->ours->n
                          ? c->ours->s[from] * pow(10, -c->down_db / 20)
                          : 0;
        both.s[i] = (float)(c->theirs->s[i] + back);
    }
    h.n = 0;
    for (size_t at = 0; at + DSP_BLOCK_SAMPLES <= both.n; at += DSP_BLOCK_SAMPLES) {
        int16_t came[DSP_BLOCK_SAMPLES], sent[DSP_BLOCK_SAMPLES];
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        unsigned number = (unsigned)(at / DSP_BLOCK_SAMPLES);
        line_block(&both, at, c->alaw, came);
        line_block(c->ours, at, c->alaw, sent);
        bool lost = c->lose_every && number % c->lose_every == 0;
        struct dsp_block b = {.state = &state,
                              .samples = came,
                              .flags = c->no_packets ? DSP_FLAG_NO_RTP
                                       : lost        ? DSP_FLAG_LOST
                                                     : 0,
                              .sent_db = dsp_sent_level(sent)};
        size_t n = dsp_process(&b, 1, out);
        for (size_t i = 0; i < n && h.n < HEARD_MAX; i++) {
            h.at_ms[h.n] = (number + 1) * DSP_BLOCK_MS;
            h.e[h.n++] = out[i];
        }
    }
    free(both.s);
    return &h;
}

static void open_sides(struct tape *theirs, struct tape *ours, double noise, double ms)
{
    tape_open(theirs, 3);
    tape_silence(theirs, ms);
    if (noise < 0)
        tape_noise(theirs, noise, 0);
    tape_open(ours, 5);
    tape_silence(ours, 500);
    tape_speech(ours, -15, ms - 500);
}

Test(line, our_level_is_measured)
{
    struct tape t;
    int16_t block[DSP_BLOCK_SAMPLES] = {0};
    cr_assert_eq(dsp_sent_level(block), 0);
    tape_open(&t, 1);
    tape_tone(&t, 1000, -20, 20);
    line_block(&t, 0, false, block);
    cr_assert_leq(abs(dsp_sent_level(block) + DSP_SENT_ZERO_DBM0 + 20), 1);
    tape_close(&t);
}

Test(line, echo_is_told_with_delay_and_level)
{
    static const unsigned delays[] = {0, 60, 180, 310, 500};
    static const double downs[] = {6, 15, 28};
    for (unsigned d = 0; d < 5; d++)
        for (unsigned k = 0; k < 3; k++)
            for (int way = 0; way < 3; way++) {
                struct tape theirs, ours;
                open_sides(&theirs, &ours, way ? -60 : 0, 12000);
                struct sides c = {.theirs = &theirs,
                                  .ours = &ours,
                                  .delay_ms = delays[d],
                                  .down_db = downs[k],
                                  .alaw = way == 1,
                                  .lose_every = way == 2 ? 33 : 0,
                                  .phase = way == 1 ? DSP_ANSWERED : DSP_TALK};
                const struct heard *h = hear_sides(&c);
                const struct dsp_event *e = heard_first(h, DSP_ECHO);
                cr_assert_eq(heard_count(h, DSP_ECHO), 1, "%u ms, %g dB, way %d: %u", delays[d],
                             downs[k], way, heard_count(h, DSP_ECHO));
                cr_assert_leq(abs((int)e->freq_hz[0] - (int)delays[d]), 20, "%u ms: %u", delays[d],
                              e->freq_hz[0]);
                cr_assert_leq(fabs(e->freq_hz[1] - downs[k]), 6, "%g dB: %u", downs[k],
                              e->freq_hz[1]);
                cr_assert_leq(heard_at(h, e), downs[k] < 20 && way < 2 ? 8000 : 12000,
                              "%u ms, %g dB, way %d: %u", delays[d], downs[k], way, heard_at(h, e));
                tape_close(&theirs);
                tape_close(&ours);
            }
}

Test(line, another_voice_is_no_echo)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        struct tape theirs, ours;
        tape_open(&theirs, 100 + seed);
        tape_open(&ours, 200 + seed);
        for (int i = 0; i < 20; i++) {
            tape_speech(&theirs, -18, 2600);
            tape_silence(&theirs, 300);
            tape_speech(&ours, -18, 1900 + 50 * seed);
            tape_silence(&ours, 450);
        }
        struct sides c = {.theirs = &theirs, .ours = &ours};
        cr_assert_eq(heard_count(hear_sides(&c), DSP_ECHO), 0, "seed %u", seed);
        tape_close(&theirs);
        tape_close(&ours);
    }
}

Test(line, audio_one_way_is_told_once)
{
    for (int phase = DSP_ANSWERED; phase <= DSP_TALK; phase++)
        for (int no_packets = 0; no_packets < 2; no_packets++) {
            struct tape theirs, ours;
            open_sides(&theirs, &ours, 0, 9000);
            struct sides c = {.theirs = &theirs,
                              .ours = &ours,
                              .no_packets = no_packets,
                              .phase = (enum dsp_phase)phase};
            const struct heard *h = hear_sides(&c);
            const struct dsp_event *e = heard_first(h, DSP_ONE_WAY);
            cr_assert_eq(heard_count(h, DSP_ONE_WAY), 1);
            cr_assert_str_eq(dsp_detail_name(DSP_ONE_WAY, e->detail),
                             no_packets ? "no_packets" : "zeros");
            cr_assert_leq(abs((int)e->start_ms - 500), 120);
            cr_assert_geq(heard_at(h, e), 500 + 3000);
            cr_assert_gt(e->confidence, 0.8);
            tape_close(&theirs);
            tape_close(&ours);
        }
}

Test(line, a_line_with_noise_or_nobody_speaking_to_it_is_not_one_way)
{
    struct tape theirs, ours;
    open_sides(&theirs, &ours, -62, 9000);
    struct sides c = {.theirs = &theirs, .ours = &ours};
    cr_assert_eq(heard_count(hear_sides(&c), DSP_ONE_WAY), 0, "noise comes");
    tape_close(&theirs);
    tape_close(&ours);
    open_sides(&theirs, &ours, 0, 9000);
    c.ours = &theirs;
    cr_assert_eq(heard_count(hear_sides(&c), DSP_ONE_WAY), 0, "we are silent");
    tape_close(&theirs);
    tape_close(&ours);
    /* A word every two seconds begins the count again; after the last one it is told, unsurely. */
    tape_open(&theirs, 2);
    for (int i = 0; i < 4; i++) {
        tape_silence(&theirs, 2000);
        tape_speech(&theirs, -20, 300);
    }
    tape_silence(&theirs, 4500);
    tape_open(&ours, 4);
    tape_speech(&ours, -15, tape_ms(&theirs));
    c = (struct sides){.theirs = &theirs, .ours = &ours};
    const struct heard *h = hear_sides(&c);
    cr_assert_eq(heard_count(h, DSP_ONE_WAY), 1, "%u", heard_count(h, DSP_ONE_WAY));
    cr_assert_lt(heard_first(h, DSP_ONE_WAY)->confidence, 0.6);
    cr_assert_geq(heard_first(h, DSP_ONE_WAY)->start_ms + 150, 9200);
    tape_close(&theirs);
    tape_close(&ours);
}
