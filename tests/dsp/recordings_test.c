/* Real speech and music, where the Debian packages with recordings are installed: no detector of
 * tones may hear anything in them, and a spoken prompt is speech. Skipped without the packages. */
#include <criterion/criterion.h>
#include <dirent.h>

#include "dsp/tape.h"

#define PROMPTS "/usr/share/asterisk/sounds/en_US_f_Allison"
#define MUSIC   "/usr/share/asterisk/moh"

/* Names in a folder's WAV files, sorted by the caller's luck: order does not matter here. */
static unsigned each_wav(const char *folder, void (*fn)(const char *path, const char *name))
{
    DIR *d = opendir(folder);
    if (!d)
        return 0;
    unsigned n = 0;
    for (const struct dirent *e; (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        char path[512];
        if (len < 5 || strcmp(e->d_name + len - 4, ".wav") ||
            (size_t)snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= sizeof path)
            continue;
        fn(path, e->d_name);
        n++;
    }
    closedir(d);
    return n;
}

/* 16-bit mono at 8 kHz with the plain 44-byte header, at most a minute. */
static bool load(const char *path, struct tape *t)
{
    static int16_t s[60 * 8000];
    unsigned char head[44];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool plain = fread(head, 1, 44, f) == 44 && memcmp(head, "RIFF", 4) == 0 && head[22] == 1 &&
                 (head[24] | head[25] << 8) == 8000 && head[34] == 16;
    size_t n = plain ? fread(s, 2, sizeof s / 2, f) : 0;
    fclose(f);
    float *at = tape_more(t, (double)n / TAPE_PER_MS);
    for (size_t i = 0; i < n; i++)
        at[i] = s[i];
    return n > 0;
}

static double seconds;
static unsigned spurts, false_tones;

static void hear(const char *path, const char *name)
{
    struct tape t;
    if (strstr(name, "beep") || strstr(name, "tone")) /* these are tones */
        return;
    tape_open(&t, 1);
    tape_silence(&t, 300);
    bool loaded = load(path, &t);
    tape_silence(&t, 500);
    tape_noise(&t, -60, 0);
    if (loaded) {
        static const char *const plans[] = {"us", "cz", "gb"};
        unsigned k = (unsigned)strlen(name);
        const struct heard *h = line_play(&t, (struct line){.plan = plans[k % 3], .alaw = k & 1});
        if (heard_tones(h)) {
            false_tones += heard_tones(h);
            cr_log_warn("%s: %u tones", path, heard_tones(h));
        }
        spurts += heard_count(h, DSP_SPEECH_START) > 0;
        seconds += tape_ms(&t) / 1000.0;
    }
    tape_close(&t);
}

Test(recordings, prompts_are_speech_and_hold_no_tones)
{
    unsigned n = each_wav(PROMPTS, hear);
    if (!n)
        cr_skip_test("asterisk-core-sounds-en-wav is not installed");
    cr_assert_eq(false_tones, 0, "%u tones in %.0f s", false_tones, seconds);
    cr_assert_geq(spurts, n * 95 / 100, "speech in %u of %u prompts", spurts, n);
}

Test(recordings, music_holds_no_tones)
{
    if (!each_wav(MUSIC, hear))
        cr_skip_test("asterisk-moh-opsound-wav is not installed");
    cr_assert_eq(false_tones, 0, "%u tones in %.0f s", false_tones, seconds);
}
