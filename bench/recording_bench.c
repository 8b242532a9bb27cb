/* What a recorded leg costs, by thread: the media worker that puts a block on the tape, and the
 * archive's thread that writes it as WAV or Opus, plain or encrypted, into files of a tmpfs so that
 * no disk is measured. CPU time of a block of 20 ms, both channels; LEGS recordings in turn, so
 * that their state comes from where it comes from in a real run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "media/recorder.h"

#define LEGS     64
#define PATTERN  500 /* blocks of sound, 10 s */
#define BLOCK_US 20000.0

struct setting {
    struct loop loop;
    char folder[64];
    struct recorder *recorder[LEGS];
    char path[LEGS][RECORD_PATH_MAX];
    struct media_record how[LEGS];
    struct seal_key key;
    uint32_t open;
};

static struct tape_block pattern[PATTERN];

/* Syllables of a voice-like sum of harmonics on one side, a quieter one with pauses on the other.
 */
static void make_pattern(void)
{
    for (int n = 0; n < PATTERN * TAPE_BLOCK; n++) {
        double t = n / 8000.0, left = 0, right = 0;

        for (int h = 1; h < 14; h++) {
            left += sin(2 * M_PI * 128 * h * t + h) / h;
            right += sin(2 * M_PI * 210 * h * t) / h;
        }
        double syllable = fmax(0, sin(2 * M_PI * 3.1 * t)), pause = sin(2 * M_PI * 0.2 * t) > 0;

        pattern[n / TAPE_BLOCK].left[n % TAPE_BLOCK] =
            (int16_t)(5000 * left * syllable + 40 * sin(n * 12.9898 * n));
        pattern[n / TAPE_BLOCK].right[n % TAPE_BLOCK] = (int16_t)(3000 * right * syllable * pause);
    }
}

static void on_closed(void *arg, const struct recorder_result *r)
{
    struct setting *s = arg;

    (void)r;
    s->open--;
}

static bool open_all(struct setting *s, enum media_record_format format, bool sealed)
{
    for (uint32_t i = 0; i < LEGS; i++) {
        snprintf(s->path[i], sizeof(s->path[i]), "%s/%u", s->folder, i);
        s->how[i] = (struct media_record){.path = s->path[i],
                                          .stereo = true,
                                          .format = format,
                                          .index = true,
                                          .key = sealed ? &s->key : NULL};
        if (recorder_open(&s->recorder[i], &s->loop, &s->how[i]) != OK)
            return false;
        s->open++;
    }
    return true;
}

static void close_all(struct setting *s)
{
    char index[RECORD_PATH_MAX + 8];

    for (uint32_t i = 0; i < LEGS; i++)
        recorder_close(s->recorder[i], 0, on_closed, s);
    for (int i = 0; i < 10000 && s->open; i++)
        loop_turn(&s->loop, 10000);
    for (uint32_t i = 0; i < LEGS; i++) {
        unlink(s->path[i]);
        snprintf(index, sizeof(index), "%s.index", s->path[i]);
        unlink(index);
    }
}

/* CPU microseconds of a block; below 0: it could not be measured. */
static double measure(struct bench *b, struct setting *s, enum media_record_format format,
                      bool sealed, int complexity)
{
    uint64_t blocks = 0, end_us;

    if (!open_all(s, format, sealed))
        return -1;
    for (uint32_t i = 0; i < LEGS; i++)
        recorder_complexity(s->recorder[i], complexity);
    uint64_t cpu_us = bench_thread_cpu_us();

    end_us = bench_now_us() + (uint64_t)(b->seconds * 1e6);
    for (uint64_t n = 0; bench_now_us() < end_us; n++) {
        for (uint32_t i = 0; i < LEGS; i++) {
            struct tape_block block = pattern[(n + i * 7) % PATTERN];

            block.slot_us = n * TAPE_BLOCK_US;
            recorder_block(s->recorder[i], &block);
            blocks++;
        }
        loop_turn(&s->loop, 0);
    }
    double us = (double)(bench_thread_cpu_us() - cpu_us) / (double)blocks;

    close_all(s);
    return us;
}

/* What the media worker does: a copy of both channels into the ring. */
static double measure_tape(struct bench *b)
{
    struct tape *tape[LEGS];
    uint64_t blocks = 0, cpu_us, end_us;

    for (uint32_t i = 0; i < LEGS; i++) {
        tape[i] = tape_open(0);
        if (!tape[i])
            return -1;
        tape_go_live(tape[i]);
    }
    cpu_us = bench_thread_cpu_us();
    end_us = bench_now_us() + (uint64_t)(b->seconds * 1e6);
    for (uint64_t n = 0; bench_now_us() < end_us; n++) {
        for (uint32_t i = 0; i < LEGS; i++) {
            const struct tape_block *from = &pattern[(n + i * 7) % PATTERN];

            tape_put(tape[i], n * TAPE_BLOCK_US, from->left, from->right);
            tape_taken(tape[i]); /* the reader's half: two more instructions */
            blocks++;
        }
    }
    double us = (double)(bench_thread_cpu_us() - cpu_us) / (double)blocks;

    for (uint32_t i = 0; i < LEGS; i++)
        tape_close(tape[i]);
    return us;
}

static void add(struct bench *b, const char *name, double us, double wav_us)
{
    char legs[BENCH_TEXT_MAX];

    if (us < 0) {
        bench_fail(b, "recording: %s could not be measured", name);
        return;
    }
    bench_add_peer(b, "recording", name, us, "us a block", BENCH_LOWER, "plain WAV", wav_us);
    snprintf(legs, sizeof(legs), "%s: legs of one core", name);
    bench_add(b, "recording", legs, BLOCK_US / us, "legs", BENCH_HIGHER);
}

int bench_recording(struct bench *b)
{
    struct setting *s = calloc(1, sizeof(*s));
    static const uint8_t key[SEAL_KEY_BYTES] = {1};

    if (!s)
        return 1;
    make_pattern();
    snprintf(s->folder, sizeof(s->folder), "/dev/shm/peal-recording-XXXXXX");
    if (!mkdtemp(s->folder) || loop_init(&s->loop, NULL) != OK ||
        seal_key_parse(&s->key, key, sizeof(key)) != OK) {
        bench_fail(b, "recording: no folder in /dev/shm, or no io_uring");
        free(s);
        return 0;
    }
    double wav = measure(b, s, RECORD_WAV, false, 0);

    add(b, "media worker's part", measure_tape(b), wav);
    add(b, "WAV", wav, wav);
    add(b, "WAV, encrypted", measure(b, s, RECORD_WAV, true, 0), wav);
    add(b, "Opus, complexity 5", measure(b, s, RECORD_OPUS, false, 5), wav);
    add(b, "Opus, complexity 5, encrypted", measure(b, s, RECORD_OPUS, true, 5), wav);
    add(b, "Opus, complexity 0", measure(b, s, RECORD_OPUS, false, 0), wav);
    loop_fini(&s->loop);
    rmdir(s->folder);
    free(s);
    return 0;
}
