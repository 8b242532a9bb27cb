/* The detectors on one core: nanoseconds a packet (20 ms of one leg, µ-law decoding included) in
 * each phase of a call, beside spandsp's detectors on the same packets in the same run: dtmf_rx
 * beside DTMF's screening, which is what talk runs, and dtmf_rx, super_tone_rx (six tones) and
 * modem_connect_tones_rx (CNG and ANS) beside everything. Legs are worked through in turn, so their
 * states and packets come from the cache level they would come from in a worker, in batches of a
 * worker's size. Ours and the peer's slices alternate; the best slice of each counts. */
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

#define LEGS_DEFAULT  512
#define LEGS_MAX      20000
#define TAPE_MS       20000
#define BLOCKS        (TAPE_MS / DSP_BLOCK_MS)
#define ANSWER_BLOCKS 150   /* 3 s */
#define BATCH         64    /* as a media worker's */
#define SLICE         10000 /* packets in a slice, about: a tenth of a second of work or less */

int bench_dsp(struct bench *b);

enum sound { SPEECH, RINGING, QUIET, DIGITS, SOUNDS };
static const char *const sound_names[SOUNDS] = {"speech", "ringing", "quiet", "digits"};

static uint8_t code[SOUNDS][BLOCKS][DSP_BLOCK_SAMPLES];
static struct dsp_state states[LEGS_MAX];
static int16_t samples[BATCH][DSP_BLOCK_SAMPLES];
static struct dsp_event events[BATCH * DSP_EVENTS_PER_LEG_MAX];
static unsigned legs; /* of the case that is measured */

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
    for (unsigned i = 0; i < legs; i++) {
        dsp_state_init(&states[i], dsp_plan_find("us"), &amd);
        dsp_state_phase(&states[i], phase);
    }
}

/* Packets of each leg in a slice. */
static unsigned passes(void)
{
    return legs < SLICE ? SLICE / legs : 1;
}

/* Every leg is answered anew each three seconds, each at another moment: a slice holds all of a
 * call's beginning, the making of the verdict too. */
static void answer_again(unsigned leg, unsigned number)
{
    if ((leg * 37u + number) % ANSWER_BLOCKS)
        return;
    dsp_state_phase(&states[leg], DSP_OFF);
    dsp_state_phase(&states[leg], DSP_ANSWERED);
}

/* Nanoseconds a packet of one slice. */
static double ours(enum dsp_phase phase, enum sound s, unsigned from)
{
    struct dsp_block blocks[BATCH];
    uint64_t start = bench_thread_cpu_us();
    for (unsigned k = 0; k < passes(); k++)
        for (unsigned i = 0; i < legs;) {
            unsigned n = 0;
            for (; n < BATCH && i < legs; n++, i++) {
                dsp_ulaw_decode(packet(s, i, from + k), samples[n], DSP_BLOCK_SAMPLES);
                if (phase == DSP_ANSWERED)
                    answer_again(i, from + k);
                blocks[n] = (struct dsp_block){.state = &states[i], .samples = samples[n]};
            }
            bench_keep(dsp_process(blocks, n, events));
        }
    return (double)(bench_thread_cpu_us() - start) * 1e3 / (passes() * legs);
}

#ifdef PEAL_HAVE_SPANDSP
struct peer {
    dtmf_rx_state_t *dtmf;
    super_tone_rx_state_t *tones;
    modem_connect_tones_rx_state_t *cng, *ans;
};
static struct peer peers[LEGS_MAX];
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

/* The six tones of the comparison: dial, ring, busy, reorder, and two of SIT.
 */
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
    for (unsigned i = 0; i < legs; i++)
        peers[i] = (struct peer){
            .dtmf = dtmf_rx_init(NULL, digits_heard, NULL),
            .tones = super_tone_rx_init(NULL, tone_set, tone_heard, NULL),
            .cng = modem_connect_tones_rx_init(NULL, MODEM_CONNECT_TONES_FAX_CNG, tone_heard, NULL),
            .ans = modem_connect_tones_rx_init(NULL, MODEM_CONNECT_TONES_ANS, tone_heard, NULL)};
}

static void peer_stop(void)
{
    for (unsigned i = 0; i < legs; i++) {
        dtmf_rx_free(peers[i].dtmf);
        super_tone_rx_free(peers[i].tones);
        modem_connect_tones_rx_free(peers[i].cng);
        modem_connect_tones_rx_free(peers[i].ans);
    }
    super_tone_rx_free_descriptor(tone_set);
}

static double theirs(enum sound s, unsigned from, bool all)
{
    uint64_t start = bench_thread_cpu_us();
    for (unsigned k = 0; k < passes(); k++)
        for (unsigned i = 0; i < legs; i++) {
            int16_t *x = samples[i % BATCH];
            dsp_ulaw_decode(packet(s, i, from + k), x, DSP_BLOCK_SAMPLES);
            dtmf_rx(peers[i].dtmf, x, DSP_BLOCK_SAMPLES);
            if (!all)
                continue;
            super_tone_rx(peers[i].tones, x, DSP_BLOCK_SAMPLES);
            modem_connect_tones_rx(peers[i].cng, x, DSP_BLOCK_SAMPLES);
            modem_connect_tones_rx(peers[i].ans, x, DSP_BLOCK_SAMPLES);
        }
    return (double)(bench_thread_cpu_us() - start) * 1e3 / (passes() * legs);
}
#endif

/* One case: a phase on a sound. The peer's part is what it has of the same
 * work. */
static void measure(struct bench *b, const char *phase_name, enum dsp_phase phase, enum sound s)
{
    double best = 1e18, peer_best = 1e18;
    unsigned from = 0, slices = 0;
    uint64_t end = bench_now_us() + (uint64_t)(b->seconds * 1e6);
    legs_start(phase);
    for (; from < ANSWER_BLOCKS; from += passes())
        ours(phase, s, from);
    do {
        double ns = ours(phase, s, from);
        best = ns < best ? ns : best;
#ifdef PEAL_HAVE_SPANDSP
        ns = theirs(s, from, phase != DSP_TALK);
        peer_best = ns < peer_best ? ns : peer_best;
#endif
        from += passes();
    } while (++slices < 4 || bench_now_us() < end);
    char name[BENCH_TEXT_MAX];
    snprintf(name, sizeof name, "packet, %s, %s", phase_name, sound_names[s]);
    const char *peer =
        phase == DSP_TALK ? "spandsp dtmf_rx" : "spandsp dtmf_rx + super_tone_rx + modem_connect";
    if (peer_best < 1e17)
        bench_add_peer(b, "dsp", name, best, "ns", BENCH_LOWER, peer, peer_best);
    else
        bench_add_missing(b, "dsp", name, best, "ns", BENCH_LOWER, peer);
    snprintf(name, sizeof name, "legs of a core, %s, %s", phase_name, sound_names[s]);
    if (peer_best < 1e17)
        bench_add_peer(b, "dsp", name, 1e9 / best / 50, "legs", BENCH_HIGHER, peer,
                       1e9 / peer_best / 50);
    else
        bench_add_missing(b, "dsp", name, 1e9 / best / 50, "legs", BENCH_HIGHER, peer);
}

/* What a packet costs among so many legs, whose states do not all fit the near
 * caches. The numbers of legs take turns, so that a slow moment of the machine
 * meets them all. */
static void measure_scale(struct bench *b)
{
    static const unsigned sizes[] = {100, 500, 1000, 2000, 4000, 8000};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    double best[SIZES], least = 1e18, most = 0;
    unsigned rounds = 0;
    for (unsigned k = 0; k < SIZES; k++)
        best[k] = 1e18;
    legs = sizes[SIZES - 1];
    legs_start(DSP_ANSWERED);
    unsigned at[SIZES] = {0}; /* blocks so far */
    uint64_t end = bench_now_us() + (uint64_t)(b->seconds * 1e6);
    do
        for (unsigned k = 0; k < SIZES; k++, rounds++) {
            legs = sizes[k];
            double ns = ours(DSP_ANSWERED, SPEECH, at[k]);
            at[k] += passes();
            best[k] = ns < best[k] ? ns : best[k];
        }
    while (rounds < 8 * SIZES || bench_now_us() < end);
    for (unsigned k = 0; k < SIZES; k++) {
        char name[BENCH_TEXT_MAX];
        snprintf(name, sizeof name, "packet, all together, speech, %u legs", sizes[k]);
        bench_add(b, "dsp", name, best[k], "ns", BENCH_LOWER);
        least = best[k] < least ? best[k] : least;
        most = best[k] > most ? best[k] : most;
    }
    bench_add(b, "dsp", "dearest by cheapest of these", most / least, "times", BENCH_LOWER);
}

static void measure_codec(struct bench *b)
{
    double decode = 1e18, encode = 1e18;
    for (unsigned round = 0; round < 50; round++) {
        uint64_t start = bench_thread_cpu_us();
        for (unsigned i = 0; i < SLICE; i++)
            dsp_ulaw_decode(packet(SPEECH, i, round), samples[i % BATCH], DSP_BLOCK_SAMPLES);
        uint64_t middle = bench_thread_cpu_us();
        for (unsigned i = 0; i < SLICE; i++)
            dsp_ulaw_encode(samples[i % BATCH], code[QUIET][0], DSP_BLOCK_SAMPLES);
        uint64_t end = bench_thread_cpu_us();
        double d = (double)(middle - start) * 1e3 / SLICE;
        double e = (double)(end - middle) * 1e3 / SLICE;
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
    } cases[] = {{"all together", DSP_ANSWERED, SPEECH}, {"all together", DSP_ANSWERED, RINGING},
                 {"all together", DSP_ANSWERED, QUIET},  {"before answer", DSP_EARLY, SPEECH},
                 {"before answer", DSP_EARLY, RINGING},  {"before answer", DSP_EARLY, QUIET},
                 {"DTMF screening", DSP_TALK, SPEECH},   {"DTMF screening", DSP_TALK, DIGITS},
                 {"DTMF screening", DSP_TALK, QUIET}};
    const char *asked = bench_option(b, "legs");
    char *rest = NULL;
    unsigned long n = asked ? strtoul(asked, &rest, 10) : LEGS_DEFAULT;
    if (n < 1 || n > LEGS_MAX || (asked && (!*asked || *rest))) {
        bench_fail(b, "dsp: --legs takes a number from 1 to %d, not \"%s\"", LEGS_MAX, asked);
        return 1;
    }
    legs = (unsigned)n;
    make_sounds();
    bench_pin(0);
    bench_add(b, "dsp", "state of a leg", (double)sizeof(struct leg), "bytes", BENCH_LOWER);
#ifdef PEAL_HAVE_SPANDSP
    peer_start();
#else
    bench_note("dsp: built without spandsp (libspandsp-dev), so the peer's "
               "figures are missing");
#endif
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        measure(b, cases[i].name, cases[i].phase, cases[i].sound);
    measure_codec(b);
#ifdef PEAL_HAVE_SPANDSP
    peer_stop();
#endif
    measure_scale(b);
    bench_unpin();
    return 0;
}
