/* The detectors on one core: nanoseconds a packet (20 ms of one leg, µ-law decoding included) in
 * each phase of a call, beside spandsp's detectors on the same packets in the same run. Legs are
 * worked through in turn, so their states and packets come from the cache level they would come
 * from in a worker. Ours and the peer's slices alternate; the best slice of each counts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "dsp/dsp.h"
#include "dsp/state.h"
#include "tests/dsp/tape.h"

#ifdef PEAL_HAVE_SPANDSP
#include <spandsp.h>
#endif

#define LEGS       512
#define TAPE_MS    20000
#define BLOCKS     (TAPE_MS / DSP_BLOCK_MS)
#define SLICE_PASS 20 /* packets of each leg in a slice: a tenth of a second of work or less */

int bench_dsp(struct bench *b);

enum sound { SPEECH, RINGING, QUIET, DIGITS, SOUNDS };
static const char *const sound_names[SOUNDS] = {"speech", "ringing", "quiet", "digits"};

static uint8_t code[SOUNDS][BLOCKS][DSP_BLOCK_SAMPLES];
static struct dsp_state states[LEGS];
static int16_t samples[LEGS][DSP_BLOCK_SAMPLES];
static struct dsp_event events[LEGS * DSP_EVENTS_PER_LEG_MAX];

static void record(struct tape *t, enum sound s)
{
    tape_open(t, (uint32_t)s + 1);
    while (tape_ms(t) < TAPE_MS)
        switch (s) {
        case SPEECH:
            tape_speech(t, -20, 1800);
            tape_silence(t, 700);
            break;
        case RINGING:
            tape_pair(t, 440, -19, 480, -19, 2000);
            tape_silence(t, 4000);
            break;
        case DIGITS:
            tape_pair(t, 770, -10, 1336, -10, 100);
            tape_silence(t, 100);
            break;
        default:
            tape_silence(t, 1000);
        }
    tape_noise(t, -58, 0);
}

static void make_sounds(void)
{
    for (unsigned s = 0; s < SOUNDS; s++) {
        struct tape t;
        record(&t, (enum sound)s);
        for (size_t k = 0; k < BLOCKS; k++) {
            int16_t block[DSP_BLOCK_SAMPLES];
            line_block(&t, k * DSP_BLOCK_SAMPLES, false, block);
            dsp_ulaw_encode(block, code[s][k], DSP_BLOCK_SAMPLES);
        }
        tape_close(&t);
    }
}

/* Each leg is somewhere else on the tape. */
static const uint8_t *packet(enum sound s, unsigned leg, unsigned number)
{
    return code[s][(leg * 37u + number) % BLOCKS];
}

static void legs_start(enum dsp_phase phase)
{
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    for (unsigned i = 0; i < LEGS; i++) {
        dsp_state_init(&states[i], dsp_plan_find("us"), &amd);
        dsp_state_phase(&states[i], phase);
    }
}

/* Nanoseconds a packet of one slice. */
static double ours(enum sound s, unsigned from)
{
    static struct dsp_block blocks[LEGS];
    uint64_t start = bench_thread_cpu_us();
    for (unsigned k = 0; k < SLICE_PASS; k++) {
        for (unsigned i = 0; i < LEGS; i++) {
            dsp_ulaw_decode(packet(s, i, from + k), samples[i], DSP_BLOCK_SAMPLES);
            blocks[i] = (struct dsp_block){.state = &states[i], .samples = samples[i], .leg = i};
        }
        bench_keep(dsp_process(blocks, LEGS, events));
    }
    return (double)(bench_thread_cpu_us() - start) * 1e3 / (SLICE_PASS * LEGS);
}

#ifdef PEAL_HAVE_SPANDSP
static dtmf_rx_state_t *dtmf[LEGS];
static super_tone_rx_state_t *tones[LEGS];
static super_tone_rx_descriptor_t *tone_set;

static void digits_heard(void *user, const char *text, int len)
{
    (void)user;
    (void)text;
    bench_keep((uint64_t)len);
}

static void tone_heard(void *user, int tone, int level, int delay)
{
    (void)user;
    (void)level;
    (void)delay;
    bench_keep((uint64_t)(unsigned)tone);
}

/* The six tones of the comparison: dial, ring, busy, reorder, and two of SIT. */
static void peer_start(void)
{
    static const int pairs[6][3] = {{350, 440, 0},   {440, 480, 2000}, {480, 620, 500},
                                    {480, 620, 250}, {914, 0, 274},    {1777, 0, 380}};
    tone_set = super_tone_rx_make_descriptor(NULL);
    for (unsigned i = 0; i < 6; i++) {
        int tone = super_tone_rx_add_tone(tone_set);
        int on = pairs[i][2];
        super_tone_rx_add_element(tone_set, tone, pairs[i][0], pairs[i][1], on * 85 / 100,
                                  on * 115 / 100);
        if (on == 500 || on == 250)
            super_tone_rx_add_element(tone_set, tone, 0, 0, on * 85 / 100, on * 115 / 100);
    }
    for (unsigned i = 0; i < LEGS; i++) {
        dtmf[i] = dtmf_rx_init(NULL, digits_heard, NULL);
        tones[i] = super_tone_rx_init(NULL, tone_set, tone_heard, NULL);
    }
}

static void peer_stop(void)
{
    for (unsigned i = 0; i < LEGS; i++) {
        dtmf_rx_free(dtmf[i]);
        super_tone_rx_free(tones[i]);
    }
    super_tone_rx_free_descriptor(tone_set);
}

static double theirs(enum sound s, unsigned from, bool all)
{
    uint64_t start = bench_thread_cpu_us();
    for (unsigned k = 0; k < SLICE_PASS; k++)
        for (unsigned i = 0; i < LEGS; i++) {
            dsp_ulaw_decode(packet(s, i, from + k), samples[i], DSP_BLOCK_SAMPLES);
            dtmf_rx(dtmf[i], samples[i], DSP_BLOCK_SAMPLES);
            if (all)
                super_tone_rx(tones[i], samples[i], DSP_BLOCK_SAMPLES);
        }
    return (double)(bench_thread_cpu_us() - start) * 1e3 / (SLICE_PASS * LEGS);
}
#endif

/* One case: a phase on a sound. The peer's part is what it has of the same work. */
static void measure(struct bench *b, const char *phase_name, enum dsp_phase phase, enum sound s)
{
    double best = 1e18, peer_best = 1e18;
    unsigned from = 0;
    uint64_t end = bench_now_us() + (uint64_t)(b->seconds * 1e6);
    legs_start(phase);
    do {
        double ns = ours(s, from);
        best = ns < best ? ns : best;
#ifdef PEAL_HAVE_SPANDSP
        ns = theirs(s, from, phase != DSP_TALK);
        peer_best = ns < peer_best ? ns : peer_best;
#endif
        from += SLICE_PASS;
    } while (bench_now_us() < end || from < 4 * SLICE_PASS);
    char name[BENCH_TEXT_MAX];
    snprintf(name, sizeof name, "packet, %s, %s", phase_name, sound_names[s]);
    const char *peer = phase == DSP_TALK ? "spandsp dtmf_rx" : "spandsp dtmf_rx + super_tone_rx";
    if (peer_best < 1e17)
        bench_add_peer(b, "dsp", name, best, "ns", BENCH_LOWER, peer, peer_best);
    else
        bench_add_missing(b, "dsp", name, best, "ns", BENCH_LOWER, peer);
    snprintf(name, sizeof name, "legs of a core, %s, %s", phase_name, sound_names[s]);
    bench_add(b, "dsp", name, 1e9 / best / 50, "legs", BENCH_HIGHER);
}

static void measure_codec(struct bench *b)
{
    double decode = 1e18, encode = 1e18;
    for (unsigned round = 0; round < 50; round++) {
        uint64_t start = bench_thread_cpu_us();
        for (unsigned i = 0; i < 20 * LEGS; i++)
            dsp_ulaw_decode(packet(SPEECH, i, round), samples[i % LEGS], DSP_BLOCK_SAMPLES);
        uint64_t middle = bench_thread_cpu_us();
        for (unsigned i = 0; i < 20 * LEGS; i++)
            dsp_ulaw_encode(samples[i % LEGS], code[QUIET][0], DSP_BLOCK_SAMPLES);
        uint64_t end = bench_thread_cpu_us();
        double d = (double)(middle - start) * 1e3 / (20 * LEGS);
        double e = (double)(end - middle) * 1e3 / (20 * LEGS);
        decode = d < decode ? d : decode;
        encode = e < encode ? e : encode;
    }
    bench_add(b, "dsp", "packet, ulaw decode", decode, "ns", BENCH_LOWER);
    bench_add(b, "dsp", "packet, ulaw encode", encode, "ns", BENCH_LOWER);
}

int bench_dsp(struct bench *b)
{
    static const struct {
        const char *name;
        enum dsp_phase phase;
        enum sound sound;
    } cases[] = {{"answered", DSP_ANSWERED, SPEECH}, {"answered", DSP_ANSWERED, RINGING},
                 {"answered", DSP_ANSWERED, QUIET},  {"early", DSP_EARLY, RINGING},
                 {"early", DSP_EARLY, QUIET},        {"talk", DSP_TALK, SPEECH},
                 {"talk", DSP_TALK, DIGITS},         {"talk", DSP_TALK, QUIET}};
    make_sounds();
    bench_pin(0);
    bench_add(b, "dsp", "state of a leg", (double)sizeof(struct leg), "bytes", BENCH_LOWER);
#ifdef PEAL_HAVE_SPANDSP
    peer_start();
#else
    bench_note("dsp: built without spandsp (libspandsp-dev), so the peer's figures are missing");
#endif
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        measure(b, cases[i].name, cases[i].phase, cases[i].sound);
    measure_codec(b);
#ifdef PEAL_HAVE_SPANDSP
    peer_stop();
#endif
    bench_unpin();
    return 0;
}
