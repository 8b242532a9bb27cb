/* All builds of the hot loops: the same bits of every spectrum, the same events of every sound. */
#include <criterion/criterion.h>

#include "dsp/amd_model.h"
#include "dsp/fft.h"
#include "dsp/num.h"
#include "dsp/screen.h"
#include "dsp/spectrum.h"
#include "dsp/tape.h"
#include "dsp/wide.h"

#define EVENTS_MAX 512

struct log_of {
    struct dsp_event e[EVENTS_MAX];
    unsigned n;
};

static void record(struct tape *t)
{
    tape_open(t, 7);
    for (int i = 0; i < 3; i++) {
        tape_pair(t, 440, -19, 480, -19, 2000);
        tape_silence(t, 4000);
    }
    tape_speech(t, -20, 3000);
    tape_silence(t, 300);
    tape_tone(t, 1000, -12, 300);
    tape_silence(t, 500);
    tape_pair(t, 770, -10, 1336, -10, 80);
    tape_silence(t, 200);
    tape_tone(t, 425, -15, 1500);
    tape_tone(t, 2100, -12, 2500);
    tape_speech(t, -30, 1500);
    tape_silence(t, 2000);
    tape_noise(t, -55, 0);
}

#define ECHO_BLOCKS 9 /* between what we say and what comes back of it */

/* echo: what comes is our own voice of 180 ms before. */
static void listen(const struct tape *t, enum dsp_phase phase, bool echo, struct log_of *h,
                   struct dsp_state *state)
{
    static struct dsp_amd_config amd; /* one for all, as the gaps in it are compared, too */
    if (!amd.total_ms)
        dsp_amd_defaults(&amd);
    memset(state, 0, sizeof *state);
    dsp_state_init(state, dsp_plan_find("us"), &amd);
    dsp_state_phase(state, phase);
    h->n = 0;
    for (size_t block = 0; block < tape_ms(t) / DSP_BLOCK_MS; block++) {
        int16_t samples[DSP_BLOCK_SAMPLES];
        line_block(t, block * DSP_BLOCK_SAMPLES, false, samples);
        struct dsp_block b = {.state = state, .samples = samples};
        if (echo) {
            int16_t said[DSP_BLOCK_SAMPLES];
            line_block(t, (block + ECHO_BLOCKS) * DSP_BLOCK_SAMPLES, false, said);
            b.sent_db = dsp_sent_level(said);
        }
        cr_assert_lt(h->n, EVENTS_MAX - DSP_EVENTS_PER_LEG_MAX);
        h->n += (unsigned)dsp_process(&b, 1, h->e + h->n);
    }
}

/* Every build that this machine has beside the portable one. */
#define EACH_WIDE_BUILD(w)                                                                         \
    for (enum wide w = WIDE_IS_AVX2; w <= WIDE_IS_AVX512; w++)                                     \
        if (wide_allow(w) == w)

static void builds_agree(enum dsp_phase phase, bool echo, unsigned events_min)
{
    static struct log_of wide, portable;
    static struct dsp_state wide_state, portable_state;
    struct tape t;
    if (wide_allow(WIDE_IS_AVX2) == WIDE_IS_PORTABLE)
        cr_skip_test("this machine has no AVX2: there is one build only");
    record(&t);
    cr_assert_eq(wide_allow(WIDE_IS_PORTABLE), WIDE_IS_PORTABLE);
    listen(&t, phase, echo, &portable, &portable_state);
    cr_assert_geq(portable.n, events_min);
    EACH_WIDE_BUILD(w)
    {
        listen(&t, phase, echo, &wide, &wide_state);
        cr_assert_eq(wide.n, portable.n);
        for (unsigned i = 0; i < wide.n; i++)
            cr_assert_arr_eq(&wide.e[i], &portable.e[i], sizeof wide.e[i], "event %u", i);
        /* Down to the last bit of what it has measured, not only what it made of it. */
        cr_assert_arr_eq(&wide_state, &portable_state, sizeof wide_state);
    }
    tape_close(&t);
}

Test(wide, events_after_answer_are_the_same)
{
    builds_agree(DSP_ANSWERED, false, 5);
}

Test(wide, events_before_answer_are_the_same)
{
    builds_agree(DSP_EARLY, false, 5);
}

Test(wide, events_of_talk_are_the_same)
{
    builds_agree(DSP_TALK, false, 1);
}

Test(wide, echo_is_the_same)
{
    builds_agree(DSP_TALK, true, 2);
}

/* Features of any kind, where those of an answer would only ever meet some of the leaves. */
Test(wide, trees_give_the_same_sum)
{
    int16_t features[AMD_FEATURE_COUNT];
    uint32_t seed = 11;
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (int round = 0; round < 500; round++) {
        for (unsigned i = 0; i < AMD_FEATURE_COUNT; i++) {
            seed = seed * 1664525u + 1013904223u;
            features[i] = (int16_t)((int16_t)(seed >> 16) >> round % 14);
        }
        wide_allow(WIDE_IS_PORTABLE);
        int32_t score = amd_model_score(features);
        least = score < least ? score : least;
        most = score > most ? score : most;
        EACH_WIDE_BUILD(w)
        cr_assert_eq(amd_model_score(features), score, "round %d, build %d", round, (int)w);
    }
    cr_assert_lt(least, most - 2000, "the features say something: %d to %d", least, most);
}

/* By its definition, and alike in every build. */
Test(wide, energies_are_right)
{
    int16_t x[DSP_BLOCK_SAMPLES];
    uint32_t seed = 3;
    for (int round = 0; round < 100; round++) {
        int64_t sum = 0;
        for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++) {
            seed = seed * 1664525u + 1013904223u;
            x[i] = round == 0 ? INT16_MIN : (int16_t)((int16_t)(seed >> 16) >> round % 16);
            sum += x[i] * x[i];
        }
        for (enum wide w = WIDE_IS_PORTABLE; w <= WIDE_IS_AVX2; w++) {
            wide_allow(w);
            cr_assert_eq(history_energy(x), (float)sum, "round %d, build %d", round, (int)w);
        }
    }
}

/* Every sample and every code, in blocks whose ends fill no vector. */
Test(wide, both_laws_are_the_same_in_all_builds)
{
    static int16_t x[65536], linear[2][256], again_linear[256];
    static uint8_t code[2][65536], again[65536], codes[256];
    void (*const encode[])(const int16_t *, uint8_t *, size_t) = {dsp_ulaw_encode, dsp_alaw_encode};
    void (*const decode[])(const uint8_t *, int16_t *, size_t) = {dsp_ulaw_decode, dsp_alaw_decode};
    for (int i = 0; i < 65536; i++)
        x[i] = (int16_t)(i - 32768);
    for (int i = 0; i < 256; i++)
        codes[i] = (uint8_t)i;
    wide_allow(WIDE_IS_PORTABLE);
    for (int law = 0; law < 2; law++) {
        encode[law](x, code[law], 65536);
        decode[law](codes, linear[law], 256);
    }
    EACH_WIDE_BUILD(w)
    for (int law = 0; law < 2; law++) {
        for (size_t at = 0, n; at < 65536; at += n) {
            n = at + 77 < 65536 ? 77 : 65536 - at;
            encode[law](x + at, again + at, n);
        }
        cr_assert_arr_eq(again, code[law], sizeof again, "law %d", law);
        decode[law](codes, again_linear, 255);
        cr_assert_arr_eq(again_linear, linear[law], 255 * sizeof *again_linear, "law %d", law);
    }
}

/* Against the sum that defines the transform. */
Test(wide, spectra_are_right_and_the_same_in_all_builds)
{
    int16_t x[FFT_N + 80];
    float a[FFT_POWERS], b[FFT_POWERS], again_a[FFT_POWERS], again_b[FFT_POWERS];
    uint32_t seed = 5;
    for (int i = 0; i < FFT_N + 80; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (int16_t)(seed >> 16);
    }
    wide_allow(WIDE_IS_PORTABLE);
    const struct fft_samples samples = {x, x + FFT_ROW, x + FFT_ROW + DSP_BLOCK_SAMPLES};
    fft_powers(&samples, a, b);
    EACH_WIDE_BUILD(w)
    {
        fft_powers(&samples, again_a, again_b);
        cr_assert_arr_eq(a, again_a, (FFT_N / 2 + 1) * sizeof *a);
        cr_assert_arr_eq(b, again_b, (FFT_N / 2 + 1) * sizeof *b);
    }
    for (int k = 1; k <= FFT_N / 2; k++)
        for (int w = 0; w < 2; w++) {
            double re = 0, im = 0;
            for (int n = 0; n < FFT_N; n++) {
                double v = x[n + 80 * w] * (0.5 - 0.5 * cos(2 * M_PI * n / FFT_N));
                re += v * cos(2 * M_PI * k * n / FFT_N);
                im += v * sin(2 * M_PI * k * n / FFT_N);
            }
            double power = re * re + im * im;
            cr_assert_float_eq(w ? b[k] : a[k], power, 1e-4 * power + 1e4, "bin %d of window %d", k,
                               w);
        }
}

/* Against the sums that define the correlation. */
Test(wide, tones_are_screened_right_and_the_same_in_all_builds)
{
    int16_t x[DSP_BLOCK_SAMPLES];
    float power[2][SCREEN_BANK], again[2][SCREEN_BANK];
    uint32_t seed = 9;
    for (int i = 0; i < DSP_BLOCK_SAMPLES; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = i < 8 ? INT16_MIN : (int16_t)(seed >> 16);
    }
    wide_allow(WIDE_IS_PORTABLE);
    screen_powers(x, true, power);
    EACH_WIDE_BUILD(w)
    {
        screen_powers(x, true, again);
        cr_assert_arr_eq(power, again, sizeof power);
    }
    for (int h = 0; h < 2; h++)
        for (int k = 0; k < SCREEN_BANK; k++) {
            double re = 0, im = 0, energy = 0;
            for (int n = 0; n < SCREEN_HALF; n++) {
                double v = x[h * SCREEN_HALF + n], a = 2 * M_PI * (double)screen_hz[k] * n / 8000;
                re += v * cos(a);
                im += v * sin(a);
                energy += v * v;
            }
            double want = re * re + im * im;
            cr_assert_float_eq(power[h][k], want, 2e-3 * sqrt(want * energy * 40) + 1e6,
                               "half %d, %f Hz: %g and %g", h, (double)screen_hz[k],
                               (double)power[h][k], want);
        }
}

Test(wide, pitch_is_right_and_the_same_in_all_builds)
{
    static struct dsp_state state;
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("us"), &amd);
    struct leg *l = (struct leg *)(void *)state.opaque;
    for (int hz = 80; hz <= 320; hz += 40) {
        for (int peak = 30; peak <= 30000; peak *= 10) {
            int16_t x[DSP_BLOCK_SAMPLES], pitch, again;
            for (int block = 0; block < 4; block++) {
                for (int i = 0; i < DSP_BLOCK_SAMPLES; i++) {
                    double t = 2 * M_PI * hz * (block * DSP_BLOCK_SAMPLES + i) / 8000;
                    x[i] = (int16_t)(peak * (0.6 * sin(t) + 0.4 * sin(2 * t)));
                }
                history_add(l, x);
            }
            wide_allow(WIDE_IS_PORTABLE);
            float voiced = spectrum_voiced(l, &pitch);
            EACH_WIDE_BUILD(w)
            {
                cr_assert_eq(voiced, spectrum_voiced(l, &again));
                cr_assert_eq(pitch, again);
            }
            cr_assert_gt(voiced, 0.9f, "%d Hz, peak %d: %f", hz, peak, (double)voiced);
            cr_assert_float_eq(pitch, 120 * log2(hz / 62.5), 8, "%d Hz, peak %d: %d", hz, peak,
                               pitch);
        }
    }
}

Test(wide, every_code_is_decoded_the_same_in_all_builds)
{
    uint8_t code[259];
    int16_t one[259], other[259];
    for (unsigned i = 0; i < sizeof code; i++)
        code[i] = (uint8_t)(i * 77);
    for (int law = 0; law < 2; law++)
        for (size_t n = 0; n <= sizeof code; n += n < 40 || n > 250 ? 1 : 13) {
            memset(one, 1, sizeof one);
            memset(other, 1, sizeof other);
            wide_allow(WIDE_IS_PORTABLE);
            (law ? dsp_alaw_decode : dsp_ulaw_decode)(code, one, n);
            wide_allow(WIDE_IS_AVX2);
            (law ? dsp_alaw_decode : dsp_ulaw_decode)(code, other, n);
            cr_assert_arr_eq(one, other, sizeof one, "law %d, %zu codes", law, n);
        }
}

/* Counting near the top: by its definition, and alike in every build. */
Test(wide, tops_are_counted_alike)
{
    uint32_t seed = 5;
    for (int round = 0; round < 400; round++) {
        int16_t x[DSP_BLOCK_SAMPLES + 256];
        unsigned n = 1 + (unsigned)round % (sizeof x / sizeof *x);
        int most = round % 3 == 0 ? 0x7fff : round % 3 == 1 ? 30 : 1 + round, top = 0;
        for (unsigned i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            x[i] = (int16_t)((int)((seed >> 8) % (2 * (uint32_t)most + 1)) - most);
        }
        if (round % 5 == 0)
            x[n / 2] = INT16_MIN;
        for (unsigned i = 0; i < n; i++)
            top = abs(x[i]) > top ? abs(x[i]) : top;
        unsigned near_top = 0;
        for (unsigned i = 0; i < n; i++)
            near_top += 20 * abs(x[i]) >= 19 * top;
        for (enum wide w = WIDE_IS_PORTABLE; w <= WIDE_IS_AVX2; w++) {
            wide_allow(w);
            cr_assert_eq(num_near_top(x, n), near_top, "round %d, build %d", round, (int)w);
        }
    }
}
