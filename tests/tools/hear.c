/* hear: the detectors as a program, on WAV files: what would be heard, when, how surely.
 *
 *   hear [--plan us] [--phase early|answered|talk] [--alaw] [--noise DBM0] [--gain DB]
 *        [--lead MS] [--tail MS] [--beep MS] [--only KIND] FILE…
 *
 * Each file (8 kHz, mono, 16 bits, plain header) is a call of its own: --lead ms of silence, the
 * file, with --beep MS a beep of 400 ms that long after it, --tail ms of silence; with --noise all
 * of it over white noise, through G.711. Prints one JSON object an event: file, at (when it was
 * said), sound_end (when the file ended), what, detail, start, end, freq, dbm0, confidence.
 * Exit code 0; 1 when a file could not be read, 2 for wrong use. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dsp/tape.h"

#define SECONDS_MAX 600

struct options {
    struct line line;
    double noise_db, gain_db, lead_ms, tail_ms, beep_ms;
    const char *only;
};

static int usage(void)
{
    fputs("usage: hear [--plan NAME] [--phase early|answered|talk] [--alaw] [--noise DBM0]\n"
          "            [--gain DB] [--lead MS] [--tail MS] [--beep MS] [--only KIND] FILE...\n",
          stderr);
    return 2;
}

static bool load(const char *path, double gain_db, struct tape *t)
{
    static int16_t s[SECONDS_MAX * DSP_RATE_HZ];
    unsigned char head[44];
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "hear: cannot open %s\n", path);
        return false;
    }
    bool plain = fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, "RIFF", 4) == 0 &&
                 head[22] == 1 && (head[24] | head[25] << 8) == DSP_RATE_HZ && head[34] == 16;
    size_t n = plain ? fread(s, sizeof *s, sizeof s / sizeof *s, f) : 0;
    fclose(f);
    if (n == 0) {
        fprintf(stderr, "hear: %s is not a WAV file of 8 kHz, mono, 16 bits\n", path);
        return false;
    }
    float gain = (float)pow(10, gain_db / 20);
    float *at = tape_more(t, (double)n / TAPE_PER_MS);
    for (size_t i = 0; i < n; i++)
        at[i] = gain * s[i];
    return true;
}

static const char *detail(const struct dsp_event *e, char text[2])
{
    text[0] = (char)e->detail;
    text[1] = 0;
    return e->kind == DSP_VERDICT ? dsp_verdict_name((enum dsp_verdict)e->detail)
           : e->kind == DSP_SIT   ? dsp_sit_name((enum dsp_sit)e->detail)
           : e->kind == DSP_DTMF  ? text
                                  : "";
}

static void print(const char *path, const struct heard *h, uint32_t end_ms, const char *only)
{
    for (unsigned i = 0; i < h->n; i++) {
        const struct dsp_event *e = &h->e[i];
        char text[2];
        const char *what = dsp_kind_name((enum dsp_kind)e->kind);
        if (only && strcmp(only, what) != 0)
            continue;
        printf("{\"file\":\"%s\",\"at\":%u,\"sound_end\":%u,\"what\":\"%s\",\"detail\":\"%s\","
               "\"start\":%u,\"end\":%u,\"freq\":[%u,%u],\"dbm0\":%.1f,\"confidence\":%.2f}\n",
               path, h->at_ms[i], end_ms, what, detail(e, text), e->start_ms, e->end_ms,
               e->freq_hz[0], e->freq_hz[1], e->level_ddb / 10.0, (double)e->confidence);
    }
}

static bool hear(const char *path, const struct options *o)
{
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, o->lead_ms);
    bool loaded = load(path, o->gain_db, &t);
    if (loaded) {
        uint32_t end_ms = tape_ms(&t);
        if (o->beep_ms > 0) {
            tape_silence(&t, o->beep_ms);
            tape_tone(&t, 1000, -15, 400);
        }
        tape_silence(&t, o->tail_ms);
        if (o->noise_db > -90)
            tape_noise(&t, o->noise_db, 0);
        print(path, line_play(&t, o->line), end_ms, o->only);
    }
    tape_close(&t);
    return loaded;
}

static bool phase_of(const char *name, enum dsp_phase *phase)
{
    static const char *const names[] = {"off", "early", "answered", "talk"};
    for (unsigned i = 1; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            *phase = (enum dsp_phase)i;
            return true;
        }
    return false;
}

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"plan", 1, 0, 'p'}, {"phase", 1, 0, 'P'}, {"alaw", 0, 0, 'a'}, {"noise", 1, 0, 'n'},
        {"gain", 1, 0, 'g'}, {"lead", 1, 0, 'l'},  {"tail", 1, 0, 't'}, {"beep", 1, 0, 'b'},
        {"only", 1, 0, 'o'}, {0, 0, 0, 0}};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        double *number = c == 'n'   ? &o->noise_db
                         : c == 'g' ? &o->gain_db
                         : c == 'l' ? &o->lead_ms
                         : c == 't' ? &o->tail_ms
                         : c == 'b' ? &o->beep_ms
                                    : NULL;
        if (number)
            *number = strtod(optarg, NULL);
        else if (c == 'p')
            o->line.plan = optarg;
        else if (c == 'a')
            o->line.alaw = true;
        else if (c == 'o')
            o->only = optarg;
        else if (c != 'P' || !phase_of(optarg, &o->line.phase))
            return false;
    }
    if (o->line.plan && !dsp_plan_find(o->line.plan)) {
        fprintf(stderr, "hear: no plan \"%s\"; there are %s\n", o->line.plan, dsp_plan_names());
        return false;
    }
    return optind < argc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .line = {.phase = DSP_ANSWERED}, .noise_db = -99, .lead_ms = 400, .tail_ms = 9000};
    if (!parse(argc, argv, &o))
        return usage();
    bool all = true;
    for (int i = optind; i < argc; i++)
        all = hear(argv[i], &o) && all;
    return all ? 0 : 1;
}
