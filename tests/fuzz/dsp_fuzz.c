/* The detectors on any samples, flags and changes of phase: no event outside its contract.
 *
 * Input: a byte that chooses plan and law, then records. A record's first byte is an instruction
 * (flags, phase, or how its block is made: from G.711 bytes, repeated, or of two tones whose
 * frequencies come from the next bytes), so a short input reaches tones and cadences. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/dsp.h"

/* As assert(), but also in release builds. */
#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "dsp_fuzz: line %d: not so: %s\n", __LINE__, #what);                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const char *const plans[] = {"us", "gb", "ru", "cz", "si", "de", "at", "fr", "itu"};

struct feed {
    const uint8_t *at, *end;
    uint32_t phase[2];
    int16_t block[DSP_BLOCK_SAMPLES];
};

static uint8_t take(struct feed *f)
{
    return f->at < f->end ? *f->at++ : 0;
}

/* A crude but steady oscillator: a parabola per half wave. */
static int wave(uint32_t phase)
{
    int x = (int)(phase >> 16 & 0x7fff) - 0x4000;
    int y = 0x4000 - (int)(((int64_t)x * x) >> 14);
    return phase & 0x80000000u ? -y : y;
}

static void tones(struct feed *f)
{
    uint32_t step[2];
    for (int i = 0; i < 2; i++)
        step[i] = (uint32_t)take(f) * 16u * (0xffffffffu / 8000u);
    int gain = take(f);
    for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++) {
        f->block[i] = (int16_t)((wave(f->phase[0]) + wave(f->phase[1])) * gain / 256);
        f->phase[0] += step[0];
        f->phase[1] += step[1];
    }
}

static void codes(struct feed *f, bool alaw)
{
    uint8_t code[DSP_BLOCK_SAMPLES] = {0};
    for (unsigned i = 0; i < DSP_BLOCK_SAMPLES && f->at < f->end; i++)
        code[i] = take(f);
    (alaw ? dsp_alaw_decode : dsp_ulaw_decode)(code, f->block, DSP_BLOCK_SAMPLES);
}

static void check(const struct dsp_event *e, size_t n, uint32_t now_ms, unsigned *verdicts)
{
    MUST(n <= DSP_EVENTS_PER_LEG_MAX);
    for (size_t i = 0; i < n; i++) {
        MUST(e[i].leg == 77);
        MUST(e[i].kind > DSP_NONE && e[i].kind < DSP_KIND_COUNT);
        MUST(e[i].start_ms <= e[i].end_ms && e[i].end_ms <= now_ms);
        MUST(e[i].confidence >= 0 && e[i].confidence <= 1);
        MUST(e[i].level_ddb >= -990 && e[i].level_ddb <= 80);
        MUST(e[i].kind == DSP_VERDICT || (e[i].freq_hz[0] <= 4000 && e[i].freq_hz[1] <= 4000));
        if (e[i].kind == DSP_DTMF)
            MUST(strchr("0123456789*#ABCD", e[i].detail) && e[i].detail);
        if (e[i].kind == DSP_SIT)
            MUST(e[i].detail > SIT_NONE && e[i].detail < SIT_COUNT);
        if (e[i].kind == DSP_VERDICT) {
            MUST(e[i].detail > VERDICT_NONE && e[i].detail < VERDICT_COUNT);
            MUST(e[i].freq_hz[0] + e[i].freq_hz[1] <= e[i].end_ms - e[i].start_ms);
            MUST(++*verdicts <= 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dsp_state state;
    struct feed f = {.at = data, .end = data + size};
    struct dsp_amd_config amd;
    struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
    uint8_t first = take(&f);
    unsigned verdicts = 0;
    uint32_t now_ms = 0;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find(plans[(first & 0x7f) % 9]), &amd);
    dsp_state_phase(&state, DSP_EARLY);
    while (f.at < f.end && now_ms < 600000) {
        uint8_t op = take(&f);
        unsigned repeat = 1u + (op >> 4) * 4u;
        uint8_t flags = 0;
        switch (op & 7) {
        case 0:
            if ((op >> 4 & 3) == DSP_ANSWERED)
                verdicts = 0; /* a phase entered anew starts a new clock */
            dsp_state_phase(&state, (enum dsp_phase)(op >> 4 & 3));
            dsp_state_want_beep(&state, op & 0x40);
            continue;
        case 1:
            flags = DSP_FLAG_LOST;
            break;
        case 2:
            flags = DSP_FLAG_NO_RTP;
            break;
        case 3:
            flags = DSP_FLAG_DTMF_EVENT;
            codes(&f, first & 0x80);
            break;
        case 4:
            codes(&f, first & 0x80);
            break;
        case 5:
            memset(f.block, 0, sizeof f.block);
            break;
        default:
            break;
        }
        uint8_t sent_db = op & 8 ? take(&f) % 97 : 0;
        if (sent_db && op & 0x80)
            flags |= DSP_FLAG_COMFORT;
        for (unsigned i = 0; i < repeat; i++) {
            if ((op & 7) >= 6) {
                const uint8_t *at = f.at;
                tones(&f);
                f.at = i + 1 < repeat ? at : f.at;
            }
            struct dsp_block b = {
                .state = &state,
                .samples = flags & DSP_FLAG_NO_RTP ? NULL : f.block,
                .leg = 77,
                .flags = flags,
                .sent_db = i % 3 ? sent_db : sent_db / 2,
            };
            size_t n = dsp_process(&b, 1, out);
            now_ms += DSP_BLOCK_MS;
            check(out, n, now_ms, &verdicts);
        }
    }
    return 0;
}
