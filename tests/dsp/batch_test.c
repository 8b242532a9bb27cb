/* The contract of dsp_process: batches do not matter, time does not run out, phases do as said. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

#define LEGS 24

static void record_any(struct tape *t, unsigned leg)
{
    tape_open(t, leg + 100);
    tape_silence(t, 37 * leg);
    switch (leg % 6) {
    case 0:
        tape_speech(t, -20, 1500);
        break;
    case 1:
        tape_pair(t, 770, -10, 1336, -10, 80);
        break;
    case 2:
        for (int i = 0; i < 6; i++) {
            tape_pair(t, 480, -24, 620, -24, 500);
            tape_silence(t, 500);
        }
        break;
    case 3:
        tape_speech(t, -18, 6000);
        tape_silence(t, 300);
        tape_tone(t, 1000, -12, 300);
        break;
    case 4:
        tape_tone(t, 2100, -12, 2500);
        break;
    default:
        break;
    }
    while (tape_ms(t) < 9000)
        tape_silence(t, 500);
    tape_noise(t, -60, leg % 4 == 0 ? 3000 : 0);
}

struct log {
    struct dsp_event e[256];
    unsigned n;
};

/* All legs, in an order and in batches that change with every block. */
static void run_all(const struct tape *tapes, struct log *logs, unsigned order)
{
    static struct dsp_state states[LEGS];
    static int16_t samples[LEGS][DSP_BLOCK_SAMPLES];
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    for (unsigned i = 0; i < LEGS; i++) {
        dsp_state_init(&states[i], dsp_plan_find(i % 2 ? "us" : "cz"), &amd);
        dsp_state_phase(&states[i], DSP_ANSWERED);
        logs[i].n = 0;
    }
    for (unsigned block = 0; block < 450; block++) {
        struct dsp_block b[LEGS];
        for (unsigned i = 0; i < LEGS; i++) {
            unsigned leg = order ? (i * 7 + block * order) % LEGS : i;
            line_block(&tapes[leg], block * DSP_BLOCK_SAMPLES, leg & 1, samples[leg]);
            b[i] = (struct dsp_block){&states[leg], samples[leg], leg, 0};
        }
        for (unsigned done = 0; done < LEGS;) {
            unsigned n = order ? 1 + (block + done) % 5 : LEGS;
            n = n > LEGS - done ? LEGS - done : n;
            struct dsp_event out[LEGS * DSP_EVENTS_PER_LEG_MAX];
            size_t events = dsp_process(b + done, n, out);
            for (size_t k = 0; k < events; k++) {
                struct log *log = &logs[out[k].leg];
                cr_assert_lt(log->n, 256);
                log->e[log->n++] = out[k];
            }
            done += n;
        }
    }
}

Test(batch, order_and_size_of_batches_do_not_matter)
{
    static struct log one[LEGS], other[LEGS];
    struct tape tapes[LEGS];
    for (unsigned i = 0; i < LEGS; i++)
        record_any(&tapes[i], i);
    run_all(tapes, one, 0);
    unsigned all = 0;
    for (unsigned order = 1; order < 4; order++) {
        run_all(tapes, other, order);
        for (unsigned i = 0; i < LEGS; i++) {
            cr_assert_eq(one[i].n, other[i].n, "leg %u: %u and %u events", i, one[i].n, other[i].n);
            for (unsigned k = 0; k < one[i].n; k++) {
                const struct dsp_event *a = &one[i].e[k], *b = &other[i].e[k];
                cr_assert(a->kind == b->kind && a->detail == b->detail &&
                              a->start_ms == b->start_ms && a->end_ms == b->end_ms &&
                              a->level_ddb == b->level_ddb && a->freq_hz[0] == b->freq_hz[0] &&
                              a->freq_hz[1] == b->freq_hz[1] && a->confidence == b->confidence,
                          "leg %u event %u: %s and %s", i, k, dsp_kind_name(a->kind),
                          dsp_kind_name(b->kind));
                all++;
            }
        }
    }
    cr_assert_gt(all, 100, "there was something to compare: %u", all);
    for (unsigned i = 0; i < LEGS; i++)
        tape_close(&tapes[i]);
}

/* A day and more without packets, then all detectors as on the first minute. */
Test(batch, a_leg_of_48_hours_still_hears)
{
    static struct dsp_state s;
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    dsp_state_init(&s, dsp_plan_find("us"), &amd);
    dsp_state_phase(&s, DSP_OFF);
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    struct dsp_block nothing = {.state = &s, .flags = DSP_FLAG_NO_RTP};
    const uint32_t hours48_ms = 48u * 3600 * 1000;
    for (uint32_t ms = 0; ms < hours48_ms; ms += DSP_BLOCK_MS)
        cr_assert_eq(dsp_process(&nothing, 1, out), 0);
    dsp_state_phase(&s, DSP_ANSWERED);
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 400);
    tape_speech(&t, -20, 700);
    tape_silence(&t, 2000);
    tape_tone(&t, 1000, -12, 300);
    tape_silence(&t, 700);
    tape_pair(&t, 697, -10, 1477, -10, 70);
    tape_silence(&t, 1000);
    tape_noise(&t, -60, 0);
    unsigned seen[DSP_KIND_COUNT] = {0};
    int16_t block[DSP_BLOCK_SAMPLES];
    for (size_t at = 0; at < t.n; at += DSP_BLOCK_SAMPLES) {
        line_block(&t, at, false, block);
        struct dsp_block b = {.state = &s, .samples = block};
        size_t n = dsp_process(&b, 1, out);
        for (size_t i = 0; i < n; i++) {
            seen[out[i].kind]++;
            cr_assert_geq(out[i].start_ms, hours48_ms);
            cr_assert_leq(out[i].start_ms, out[i].end_ms);
            if (out[i].kind == DSP_BEEP)
                cr_assert_leq(abs((int)(out[i].start_ms - hours48_ms - 3100)), 12);
        }
    }
    tape_close(&t);
    cr_assert_eq(seen[DSP_BEEP], 1);
    cr_assert_eq(seen[DSP_DTMF], 1);
    cr_assert_eq(seen[DSP_VERDICT], 1);
    cr_assert_geq(seen[DSP_SPEECH_START], 1);
}

/* Silence counted for a day: the row of reports goes on and stays rare. */
Test(batch, silence_of_24_hours_is_said_some_thirty_times)
{
    static struct dsp_state s;
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    dsp_state_init(&s, dsp_plan_find("us"), &amd);
    dsp_state_phase(&s, DSP_EARLY);
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    struct dsp_block nothing = {.state = &s, .flags = DSP_FLAG_NO_RTP};
    unsigned said = 0;
    uint32_t last = 0;
    for (uint32_t ms = 0; ms < 24u * 3600 * 1000; ms += DSP_BLOCK_MS)
        if (dsp_process(&nothing, 1, out)) {
            said++;
            cr_assert_gt(out[0].end_ms, last);
            last = out[0].end_ms;
        }
    cr_assert(said >= 20 && said <= 26, "%u", said);
}

Test(batch, off_says_nothing_and_talk_says_little)
{
    struct tape t;
    tape_open(&t, 3);
    tape_speech(&t, -15, 2000);
    tape_silence(&t, 500);
    tape_tone(&t, 1000, -12, 300);
    for (int i = 0; i < 4; i++) {
        tape_silence(&t, 500);
        tape_pair(&t, 480, -20, 620, -20, 500);
    }
    tape_silence(&t, 3000);
    tape_pair(&t, 697, -10, 1477, -10, 70);
    tape_silence(&t, 200);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
    cr_assert_eq(h->n, 1);
    cr_assert_eq(h->e[0].kind, DSP_DTMF);
    static struct dsp_state s;
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    dsp_state_init(&s, dsp_plan_find("us"), &amd);
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    int16_t block[DSP_BLOCK_SAMPLES];
    for (size_t at = 0; at < t.n; at += DSP_BLOCK_SAMPLES) {
        line_block(&t, at, false, block);
        struct dsp_block b = {.state = &s, .samples = block};
        cr_assert_eq(dsp_process(&b, 1, out), 0);
    }
    tape_close(&t);
}

/* The call goes on to TALK while the beep sounds: it is wanted all the same. */
Test(batch, a_beep_is_heard_across_the_change_to_talk)
{
    for (uint32_t change = 1300; change <= 1900; change += 60) {
        struct tape t;
        tape_open(&t, change);
        tape_speech(&t, -20, 1000);
        tape_silence(&t, 400);
        tape_tone(&t, 1000, -14, 400);
        tape_silence(&t, 500);
        tape_noise(&t, -58, 0);
        static struct dsp_state s;
        struct dsp_amd_config amd;
        dsp_amd_defaults(&amd);
        dsp_state_init(&s, dsp_plan_find("us"), &amd);
        dsp_state_phase(&s, DSP_ANSWERED);
        unsigned beeps = 0;
        for (size_t at = 0; at < t.n; at += DSP_BLOCK_SAMPLES) {
            struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
            int16_t block[DSP_BLOCK_SAMPLES];
            if (at / TAPE_PER_MS == change) {
                dsp_state_phase(&s, DSP_TALK);
                dsp_state_want_beep(&s, true);
            }
            line_block(&t, at, false, block);
            struct dsp_block b = {.state = &s, .samples = block};
            size_t n = dsp_process(&b, 1, out);
            for (size_t i = 0; i < n; i++)
                beeps += out[i].kind == DSP_BEEP;
        }
        tape_close(&t);
        cr_assert_eq(beeps, 1, "change at %u: %u beeps", change, beeps);
    }
}
