/* The limits of a library, each from both sides: which bits are reliable, which frames have keys,
 * what is a twin, how long a path may be. Recordings are made frame by frame, or of one tone whose
 * strength in its band is known. */
#include <unistd.h>

#include "dsp/frames.h"
#include "dsp/tape.h"

/* ---- sound ---- */

#define TONE_HZ  1031.25 /* the middle of a band of four bins, of 92 in all bands */
#define STEP_MS  160     /* more than the 60 ms that are summed, and the 120 ms before them */
#define STRENGTH (3 * sqrt(92 / 4.0)) /* of a step of a tone's amplitude, in its mean amplitude */
#define NOISE                                                                                      \
    (1.2 * sqrt(0.1)) /* that reliable bits have: 1.2 times what noise 10 dB below                 \
                       * the tone would give them */

/* Adds a tone whose peak goes from one to the other and back. */
static void steps(struct tape *t, double low, double high, double ms)
{
    float *at = tape_more(t, ms);
    for (size_t i = 0; i < (size_t)ms * TAPE_PER_MS; i++)
        at[i] = (float)((i / (STEP_MS * TAPE_PER_MS) % 2 ? high : low) *
                        sin(6.283185307179586 * TONE_HZ * (double)i / 8000));
}

/* Whether it is taken, as it has enough reliable bits. Closes the tape. */
static bool taken(struct tape *t)
{
    struct prints *p;
    struct prints_info info = {.id = "a", .result = "vacant"};
    char error[PRINTS_ERROR_MAX];
    int16_t *pcm = malloc(t->n * sizeof *pcm);
    cr_assert(pcm && prints_open(&p) == OK);
    for (size_t i = 0; i < t->n; i++)
        pcm[i] = (int16_t)lrintf(t->s[i]);
    enum err err = prints_add(p, &info, pcm, t->n, error);
    cr_assert(err == OK || err == ERR_INVALID, "%s", error);
    free(pcm);
    tape_close(t);
    prints_close(p);
    return err == OK;
}

/* Steps of that part of what bits must have at least; then, for as long, a steady tone that is so
 * many dB weaker than them. */
static bool steps_taken(double part, double weaker_db)
{
    struct tape t;
    double peak = 10000, step = part * NOISE / STRENGTH * peak;
    tape_open(&t, 1);
    steps(&t, peak - step / 2, peak + step / 2, 20000);
    if (weaker_db > 0) {
        double weak = (peak + step / 2) * pow(10, -weaker_db / 20);
        steps(&t, weak, weak, 20000);
    }
    return taken(&t);
}

Test(prints_library, bits_are_reliable_when_noise_of_minus_10_db_would_not_turn_them)
{
    cr_assert(steps_taken(1.1, 0));
    cr_assert_not(steps_taken(0.91, 0));
}

/* With it the mean is half as much, and so is the noise that is 10 dB below. */
Test(prints_library, sound_counts_down_to_25_db_below_the_loudest)
{
    cr_assert(steps_taken(0.85, 24));
    cr_assert_not(steps_taken(0.85, 26));
}

Test(prints_library, a_recording_must_sound)
{
    for (int sounds = 0; sounds < 2; sounds++) {
        struct tape t;
        tape_open(&t, 1);
        steps(&t, 0, tape_peak(sounds ? -67.8 : -68.8), 20000);
        cr_assert_eq(taken(&t), sounds);
    }
}

/* ---- bits and keys ---- */

#define FRAMES 300

Test(prints_library, a_recording_needs_1000_reliable_bits)
{
    for (unsigned bits = 999; bits <= 1000; bits++) {
        struct print_frame f[200] = {0};
        struct prints *p;
        for (unsigned i = 0; i < 200; i++)
            f[i].mask = i == 0 && bits == 999 ? 15 : 31;
        cr_assert_eq(prints_open(&p), OK);
        cr_assert_eq(frames_put(p, 0, "vacant", f, 200), bits == 1000 ? OK : ERR_INVALID);
        prints_close(p);
    }
}

/* What the index of a library of these frames alone holds. */
static struct prints_size size_of(const struct print_frame f[FRAMES])
{
    struct prints *p;
    cr_assert_eq(prints_open(&p), OK);
    cr_assert_eq(frames_put(p, 0, "vacant", f, FRAMES), OK);
    cr_assert_eq(prints_index(p), OK);
    struct prints_size s = prints_size_of(p);
    prints_close(p);
    return s;
}

Test(prints_library, three_bits_of_a_key_may_be_weak)
{
    for (unsigned weak = 0; weak <= 4; weak++) {
        struct print_frame f[FRAMES];
        frames_fill(f, FRAMES, 1);
        f[100].mask = FRAMES_FIRST & ~((1u << weak) - 1);
        cr_assert_eq(size_of(f).keys, weak <= 3 ? 1u << weak : 0, "%u weak bits", weak);
    }
}

Test(prints_library, a_key_that_65_frames_share_is_left_out)
{
    for (unsigned n = 64; n <= 65; n++) {
        struct print_frame f[FRAMES];
        frames_fill(f, FRAMES, 1);
        for (unsigned i = 0; i < n; i++)
            f[i] = (struct print_frame){f[i].bits & ~print_table[0], FRAMES_FIRST};
        struct prints_size s = size_of(f);
        cr_assert_eq(s.keys, n == 64 ? 64 : 0);
        cr_assert_eq(s.common, n == 64 ? 0 : 65);
    }
}

/* ---- twins ---- */

static uint32_t twins_of(const struct print_frame *a, unsigned frames, const struct print_frame *b,
                         const struct print_frame *c)
{
    struct prints *p;
    struct prints_twin twin[4];
    cr_assert_eq(prints_open(&p), OK);
    cr_assert_eq(frames_put(p, 0, "vacant", a, frames), OK);
    cr_assert_eq(frames_put(p, 1, "vacant", b, FRAMES), OK);
    if (c)
        cr_assert_eq(frames_put(p, 2, "vacant", c, FRAMES), OK);
    cr_assert_eq(prints_index(p), OK);
    uint32_t n = prints_twins(p, 0, twin, 4);
    cr_assert_leq(n, 1);
    if (n)
        cr_assert(twin[0].index == 1 && twin[0].ms == 10 * FRAMES, "%u: %u ms", twin[0].index,
                  twin[0].ms);
    prints_close(p);
    return n;
}

/* Gives so many of them a key, every tenth. */
static void keys(struct print_frame f[FRAMES], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        f[10 * i].mask = FRAMES_FIRST;
}

Test(prints_library, a_twin_has_six_keys_at_one_distance)
{
    for (unsigned n = 5; n <= 6; n++) {
        struct print_frame f[FRAMES];
        frames_fill(f, FRAMES, 1);
        keys(f, n);
        cr_assert_eq(twins_of(f, FRAMES, f, NULL), n == 6, "%u keys", n);
    }
}

/* Of 24 bits a frame, such a one counts as eight that differ: 171 of 3257 do, or 200 of 3200. */
Test(prints_library, twins_sound_and_are_silent_together)
{
    for (unsigned every = 6; every <= 7; every++) {
        struct print_frame f[FRAMES], silent[FRAMES];
        frames_fill(f, FRAMES, 1);
        memcpy(silent, f, sizeof f);
        for (unsigned i = 1; i < FRAMES; i += every)
            silent[i].mask = 0;
        for (unsigned i = 0; i < 6; i++)
            f[7 * 6 * i].mask = silent[7 * 6 * i].mask = FRAMES_FIRST;
        cr_assert_eq(twins_of(f, FRAMES, silent, NULL), every == 7, "every %uth", every);
    }
}

/* Frames of one sound, which 64 frames of another recording have, too, before its twin's. */
Test(prints_library, twins_are_sought_at_65536_places)
{
    for (unsigned common = 1000; common <= 1024; common += 24) {
        static struct print_frame f[1024 + FRAMES], other[FRAMES];
        frames_fill(f, common + FRAMES, 1);
        keys(f + common, 6);
        for (unsigned i = 0; i < common; i++)
            f[i].bits &= ~print_table[0];
        frames_fill(other, FRAMES, 2000);
        for (unsigned i = 0; i < 64; i++)
            other[i] = (struct print_frame){other[i].bits & ~print_table[0], FRAMES_FIRST};
        cr_assert_eq(twins_of(f, common + FRAMES, f + common, other), common == 1000, "%u", common);
    }
}

/* ---- files ---- */

Test(prints_library, a_path_has_up_to_507_characters)
{
    struct print_frame f[FRAMES];
    struct prints *p;
    char folder[] = "/tmp/prints_library.XXXXXX", path[512], error[PRINTS_ERROR_MAX];
    frames_fill(f, FRAMES, 1);
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(prints_open(&p), OK);
    cr_assert_eq(frames_put(p, 0, "vacant", f, FRAMES), OK);
    for (size_t length = 507; length <= 508; length++) {
        size_t n = (size_t)snprintf(path, sizeof path, "%s", folder);
        memset(path + n, '/', length - n);
        path[length - 1] = 'a';
        path[length] = 0;
        cr_assert_eq(prints_save(p, path, error), length == 507 ? OK : ERR_TOO_LONG, "%zu: %s",
                     length, error);
        unlink(path);
    }
    rmdir(folder);
    prints_close(p);
}
