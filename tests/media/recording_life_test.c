/* What becomes of recordings: the seconds before they began, spans that are masked, both channels
 * in step, disks that do not answer, and a process that is killed. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/recorder.h"
#include "media_kit.h"

static void name_file(char path[64], const char *suffix)
{
    char made[] = "/tmp/peal-life-XXXXXX";

    close(mkstemp(made));
    unlink(made);
    snprintf(path, 64, "%s%s", made, suffix);
}

static const struct sound *tune(struct kit *k, uint32_t ms)
{
    static int16_t pcm[80000];
    const struct sound *s;

    for (uint32_t t = 0; t < ms * 8; t++)
        pcm[t] = (int16_t)(12000 * ((t * 2654435761u >> 16 & 0xffff) / 65536.0 - 0.5));
    KIT_CHECK(sound_from_pcm(media_sounds(k->media), pcm, ms * 8, &s) == OK);
    return s;
}

static char *read_text(const char *path)
{
    size_t len;
    uint8_t *p = kit_read(path, &len);

    p[len] = 0;
    return (char *)p;
}

/* The offset of the n-th such event, in milliseconds; -1: there is none. */
static long event_ms(const char *index, const char *event, int n)
{
    char wanted[64];
    const char *at = index;

    snprintf(wanted, sizeof(wanted), "\"event\":\"%s\"", event);
    while ((at = strstr(at, wanted)) && n--)
        at++;
    if (!at)
        return -1;
    while (at > index && at[-1] != '\n')
        at--;
    return atol(strstr(at, "\"at_ms\":") + 8);
}

/* ---- the first word ---- */

static void record_when_the_word_is_over(struct kit_scene *heard)
{
    struct kit k;
    struct heard_leg a, b;
    char path[64];

    name_file(path, ".wav");
    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    cr_assert_eq(media_leg_record_arm(a.leg, 3000), OK);
    cr_expect_eq(media_leg_record_arm(a.leg, 3000), ERR_STATE);
    const struct sound *word = tune(&k, 1000);

    kit_run_ms(&k, 100);
    cr_assert_eq(media_leg_play(b.leg, word, false, 1), OK);
    cr_assert(kit_until(&k, &b.played, 1, KIT_LIMIT_MS));
    kit_run_ms(&k, 300);
    cr_assert_eq(kit_record(&a, path, true), OK, "only now, when the word is over");
    kit_run_ms(&k, 200);
    media_leg_record_stop(a.leg);
    cr_assert(kit_until(&k, &a.recorded, 1, KIT_LIMIT_MS));
    cr_expect_eq(a.last_err, OK);
    kit_heard(heard, &k, k.media, kit_match_file(path, 0, word, false));
    cr_expect_leq(a.seconds, 3.0 + 1.28 + KIT_LIMIT_MS / 1000.0);
    unlink(path);
    sound_unref(word);
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
}

Test(recording_life, begins_with_what_was_heard_before, .timeout = 90)
{
    struct kit_scene heard = {0};

    while (kit_plays(&heard))
        record_when_the_word_is_over(&heard);
    cr_expect(kit_was_heard(&heard), "%.3f of the word is there", heard.share);
}

Test(recording_life, remembers_no_more_than_was_asked_for)
{
    struct tape *t = tape_open(1000);
    int16_t pcm[TAPE_BLOCK];
    const struct tape_block *b;

    for (int n = 0; n < 170; n++) {
        for (int i = 0; i < TAPE_BLOCK; i++)
            pcm[i] = (int16_t)(n + 1);
        tape_put(t, (uint64_t)n * TAPE_BLOCK_US, pcm, NULL);
        cr_assert_null(tape_next(t), "nobody reads it yet");
    }
    tape_go_live(t);
    cr_expect_eq(tape_waiting(t), 50);
    b = tape_next(t);
    cr_assert_not_null(b);
    cr_expect_eq(b->left[0], 121, "the latest second");
    cr_expect_eq(b->right[0], 0);
    cr_expect_eq(t->lost, 0, "what was forgotten is not lost");
    for (int n = 170; n < 170 + TAPE_SLACK + 9; n++)
        tape_put(t, (uint64_t)n * TAPE_BLOCK_US, pcm, pcm);
    cr_expect_eq(t->lost, 9, "live, the ring is full once");
    cr_expect_eq(tape_next(t)->left[0], 121, "and nothing is written over");
    tape_end(t);
    for (uint32_t n = 0; n < 50 + TAPE_SLACK; n++) {
        cr_assert_not(tape_is_over(t));
        tape_taken(t);
    }
    cr_expect(tape_is_over(t));
    tape_close(t);
}

/* ---- masks ---- */

Test(recording_life, a_masked_span_is_silence_and_noted, .timeout = 90)
{
    struct kit k;
    struct heard_leg a, b;
    struct wav w;
    size_t len;
    char path[64], beside[80];

    name_file(path, ".wav");
    snprintf(beside, sizeof(beside), "%s.index", path);
    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    const struct sound *loud = tune(&k, 1000);
    const struct media_record how = {.path = path, .stereo = true, .index = true, .owner = "test"};

    cr_assert_eq(media_leg_play(a.leg, loud, true, 0), OK);
    cr_assert_eq(media_leg_play(b.leg, loud, true, 0), OK);
    kit_run_ms(&k, 300);
    cr_assert_eq(media_leg_record(a.leg, &how), OK);
    kit_run_ms(&k, 400);
    media_leg_record_mask(a.leg, true);
    kit_run_ms(&k, 400);
    media_leg_record_mask(a.leg, false);
    kit_run_ms(&k, 400);
    media_leg_record_stop(a.leg);
    cr_assert(kit_until(&k, &a.recorded, 1, KIT_LIMIT_MS));
    cr_expect_eq(a.last_err, OK);
    char *index = read_text(beside);
    uint8_t *file = kit_read(path, &len);
    long from = event_ms(index, "masked", 0), to = event_ms(index, "unmasked", 0);

    cr_assert_eq(wav_parse(file, len, &w), OK);
    cr_assert_gt(from, 0, "%s", index);
    cr_assert_gt(to, from, "%s", index);
    cr_expect_eq(event_ms(index, "end", 0), (long)(w.frames / 8), "%s", index);
    for (uint32_t c = 0; c < 2; c++) {
        uint32_t before = 0, after = 0;

        for (long t = from * 8; t < to * 8; t++)
            cr_assert_eq(kit_sample(&w, (size_t)t, c), 0, "sample %ld of channel %u", t, c);
        for (long t = 0; t < 160; t++) {
            before += kit_sample(&w, (size_t)(from * 8 - 160 + t), c) != 0;
            after += kit_sample(&w, (size_t)(to * 8 + t), c) != 0;
        }
        cr_expect_gt(before, 100, "right before it there is sound");
        cr_expect_gt(after, 100, "right behind it, too");
    }
    free(file);
    free(index);
    unlink(path);
    unlink(beside);
    sound_unref(loud);
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
}

/* ---- both channels in step ---- */

/* What the far end hears it says again at once, so left must be right some samples later, by the
 * same number from beginning to end: a sample that slips in one channel is seen. Blocks that the
 * machine's load takes away in a jitter buffer are left out of account. */
static int lag_at(const struct wav *w, uint32_t at)
{
    int16_t sent[160];
    uint8_t coded[160];

    /* As the wire carried it: what we say stands in the file as it was before coding. */
    for (uint32_t i = 0; i < 160; i++)
        sent[i] = kit_sample(w, at + i, 1);
    dsp_ulaw_encode(sent, coded, 160);
    dsp_ulaw_decode(coded, sent, 160);
    for (int lag = 0; lag < 4000 && at + (uint32_t)lag + 160 < w->frames; lag++) {
        uint32_t i = 0;

        while (i < 160 && kit_sample(w, at + (uint32_t)lag + i, 0) == sent[i])
            i++;
        if (i == 160)
            return lag;
    }
    return -1;
}

/* The far end of leg a for ms: a socket that sends back what comes. */
static void echo_ms(struct kit *k, struct kit_source *far, uint64_t ms)
{
    uint64_t end = kit_now_ms() + ms;
    uint8_t p[400];

    while (kit_now_ms() < end) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        ssize_t n;

        while ((n = recvfrom(far->fd, p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) >
               12) {
            p[8] ^= 0x55; /* a source of its own */
            sendto(far->fd, p, (size_t)n, 0, (struct sockaddr *)&from, len);
        }
        loop_turn(&k->loop, 1000);
    }
}

static void record_what_comes_back(struct kit_scene *heard)
{
    uint32_t lags[4000] = {0};
    struct kit k;
    struct heard_leg a;
    struct kit_source far;
    struct wav w;
    size_t len;
    char path[64];
    uint32_t found = 0, most = 0;

    name_file(path, ".wav");
    kit_open(&k, 1);
    kit_leg(&k, &a, true);
    kit_source(&far, "127.0.0.1");
    struct media_remote to_far = kit_remote(&far.addr, MEDIA_PCMU);

    cr_assert_eq(media_leg_set_remote(a.leg, &to_far), OK);
    echo_ms(&k, &far, 500);
    const struct sound *noise = tune(&k, 4000);

    cr_assert_eq(kit_record(&a, path, true), OK);
    cr_assert_eq(media_leg_play(a.leg, noise, false, 1), OK);
    echo_ms(&k, &far, 4600);
    media_leg_record_stop(a.leg);
    cr_assert(kit_until(&k, &a.recorded, 1, KIT_LIMIT_MS));
    uint8_t *file = kit_read(path, &len);

    cr_assert_eq(wav_parse(file, len, &w), OK);
    for (uint32_t at = 0; at + 160 < w.frames; at += 160) {
        bool loud = false;

        for (uint32_t i = 0; i < 160; i++)
            loud |= kit_sample(&w, at + i, 1) > 1000;
        int lag = loud ? lag_at(&w, at) : -1;

        if (lag >= 0) {
            found++;
            lags[lag]++;
        }
    }
    for (int i = 0; i < 4000; i++)
        most = lags[i] > most ? lags[i] : most;
    kit_heard(heard, &k, k.media, found > 100 ? (double)most / found : 0);
    free(file);
    close(far.fd);
    unlink(path);
    sound_unref(noise);
    kit_close_leg(&k, &a);
    kit_close(&k);
}

Test(recording_life, channels_are_in_step_to_the_sample, .timeout = 90)
{
    struct kit_scene heard = {.enough = 0.6};

    while (kit_plays(&heard))
        record_what_comes_back(&heard);
    cr_expect(kit_was_heard(&heard), "%.2f of what came back have one lag", heard.share);
}

/* ---- disks ---- */

static void keep_result(void *arg, const struct recorder_result *r)
{
    *(struct recorder_result *)arg = *r;
}

/* A pipe that nobody reads yet is a disk that takes nothing: what does not fit its queue is lost
 * and told, and what comes after stands at its time. */
Test(recording_life, a_slow_disk_costs_silence, .timeout = 60)
{
    char path[64];
    const struct media_record how = {.path = path};
    struct recorder *r;
    struct loop l;
    static uint8_t got[4 << 20];
    size_t len = 0;
    struct recorder_result ended = {.err = ERR_COUNT};
    struct wav w;

    name_file(path, ".wav");
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(loop_init(&l, NULL), OK);
    cr_assert_eq(recorder_open(&r, &l, &how), OK);
    int in = -1;

    for (int n = 0; n < 3000; n++) {
        struct tape_block b = {.slot_us = (uint64_t)n * TAPE_BLOCK_US};

        for (int i = 0; i < TAPE_BLOCK; i++)
            b.left[i] = (int16_t)(n + 1);
        recorder_block(r, &b);
        loop_turn(&l, 0);
        if (n == 2500) {
            in = open(path, O_RDONLY | O_NONBLOCK);
            cr_assert_geq(in, 0);
        }
        for (int i = 0; in >= 0 && i < 20; i++) {
            ssize_t part = read(in, got + len, sizeof(got) - len);

            len += part > 0 ? (size_t)part : 0;
            loop_turn(&l, 1000);
        }
    }
    recorder_close(r, 0, keep_result, &ended);
    for (uint64_t end = kit_now_ms() + KIT_LIMIT_MS;
         ended.err == ERR_COUNT && kit_now_ms() < end;) {
        ssize_t part = read(in, got + len, sizeof(got) - len);

        len += part > 0 ? (size_t)part : 0;
        loop_turn(&l, 1000);
    }
    for (ssize_t part; (part = read(in, got + len, sizeof(got) - len)) > 0;)
        len += (size_t)part;
    cr_expect_eq(ended.err, ERR_FULL);
    cr_expect_gt(ended.lost_bytes, 2500 * 320 - FILE_QUEUE_MAX - 65536);
    cr_expect_lt(ended.lost_bytes, 2700 * 320);
    /* A pipe has no front: the header that is written there at the end stands at its end. */
    cr_assert_eq(len, 44 + 3000 * 320 + 44);
    cr_assert_eq(wav_parse(got, len - 44, &w), OK);
    uint64_t silent = 0;
    for (uint32_t t = 0; t < 3000 * 160; t++) {
        int16_t sample = kit_sample(&w, t, 0);

        silent += sample == 0;
        cr_assert(sample == 0 || sample == (int16_t)(t / 160 + 1), "sample %u is %d", t, sample);
    }
    cr_expect_eq(silent * 2, ended.lost_bytes, "what is said to be lost is what is missing");
    cr_expect_eq(kit_sample(&w, 2990 * 160, 0), 2991, "the disk is quick again");
    close(in);
    unlink(path);
    loop_fini(&l);
}

/* A leg does not wait for ever for a disk that is gone. */
Test(recording_life, a_disk_that_hangs_holds_no_leg, .timeout = 60)
{
    struct kit k;
    struct heard_leg a, b;
    struct media_metrics m;
    char path[64], byte[65536];

    name_file(path, ".wav");
    cr_assert_eq(mkfifo(path, 0600), 0);
    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    cr_assert_eq(kit_record(&a, path, true), OK);
    kit_run_ms(&k, 300);
    uint64_t begin = kit_now_ms();

    kit_close_pair(&k, &a, &b);
    cr_expect_geq(kit_now_ms() - begin, 2900, "it is given its time");
    cr_expect_eq(a.recorded, 1, "told before the end");
    cr_expect_eq(a.last_err, ERR_TIMEOUT);
    media_metrics(k.media, &m);
    cr_expect_eq(m.legs, 0);
    cr_expect_eq(m.recordings_open, 1, "the recording goes on by itself");
    int in = open(path, O_RDONLY | O_NONBLOCK);

    for (uint64_t end = kit_now_ms() + KIT_LIMIT_MS; m.recordings_open && kit_now_ms() < end;) {
        if (read(in, byte, sizeof(byte)) < 0)
            kit_run_ms(&k, 5);
        loop_turn(&k.loop, 1000);
        media_metrics(k.media, &m);
    }
    cr_expect_eq(m.recordings_open, 0, "when the disk comes back it ends");
    cr_expect_eq(m.recordings, 1);
    close(in);
    unlink(path);
    kit_close(&k);
}

/* Marks may be on their way to the thread when the recording's end comes back from it. */
Test(recording_life, marks_that_come_after_the_end)
{
    struct kit k;
    struct heard_leg a, b;
    char path[64], index[80];

    name_file(path, ".wav");
    snprintf(index, sizeof(index), "%s.index", path);
    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    for (uint32_t turn = 1; turn <= 40; turn++) {
        const struct media_record how = {.path = path, .index = true};

        cr_assert_eq(media_leg_record(a.leg, &how), OK);
        kit_run_ms(&k, 20);
        media_leg_record_stop(a.leg);
        while (a.recorded < turn) {
            for (int i = 0; i < 1500; i++)
                media_leg_record_mark(a.leg, 0, "key", "5");
            loop_turn(&k.loop, 1000);
        }
    }
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
    unlink(path);
    unlink(index);
}

/* ---- killed ---- */

static void record_until_killed(const char *wav, const char *opus, int told)
{
    struct kit k;
    struct heard_leg a, b;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    const struct sound *s = tune(&k, 1000);
    const struct media_record as_wav = {.path = wav, .stereo = true, .index = true};
    const struct media_record as_opus = {
        .path = opus, .stereo = true, .format = RECORD_OPUS, .index = true};

    KIT_CHECK(media_leg_play(a.leg, s, true, 0) == OK);
    KIT_CHECK(media_leg_play(b.leg, s, true, 0) == OK);
    KIT_CHECK(media_leg_record(a.leg, &as_wav) == OK);
    KIT_CHECK(media_leg_record(b.leg, &as_opus) == OK);
    for (;;) {
        struct stat w = {0}, o = {0};

        kit_run_ms(&k, 50);
        if (stat(wav, &w) == 0 && stat(opus, &o) == 0 && w.st_size > 70000 && o.st_size > 7000)
            break;
    }
    KIT_CHECK(write(told, "x", 1) == 1);
    for (;;)
        kit_run_ms(&k, 50);
}

static double seconds_of(const char *command, const char *path)
{
    char line[256], text[64] = "";

    snprintf(line, sizeof(line), command, path);
    FILE *f = popen(line, "r");

    if (f && !fgets(text, sizeof(text), f))
        text[0] = 0;
    return f && pclose(f) == 0 ? atof(text) : -1;
}

Test(recording_life, killed_it_leaves_files_that_play, .timeout = 120)
{
    char wav[64], opus[64], beside[80], decoded[80], command[256], byte;
    int pipes[2], status;

    name_file(wav, ".wav");
    name_file(opus, ".opus");
    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();

    if (child == 0) {
        close(pipes[0]);
        record_until_killed(wav, opus, pipes[1]);
        _exit(1);
    }
    close(pipes[1]);
    cr_assert_eq(read(pipes[0], &byte, 1), 1, "it has written some seconds");
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));

    size_t len;
    struct wav w;
    uint8_t *file = kit_read(wav, &len);

    cr_assert_eq(wav_parse(file, len, &w), OK);
    cr_expect_eq(w.frames, (len - 44) / 4, "everything that is there is read");
    cr_expect_gt(w.frames, 8000 * 2);
    snprintf(command, sizeof(command), "sox %s -n stat 2>&1 | sed -n 's/^Length (seconds): *//p'",
             wav);
    double played = seconds_of("%s", command);

    cr_expect_float_eq(played, w.frames / 8000.0, 0.01, "sox plays %.2f s of %.2f", played,
                       w.frames / 8000.0);
    free(file);
    snprintf(beside, sizeof(beside), "%s.index", wav);
    char *index = read_text(beside);

    cr_expect_eq(event_ms(index, "start", 0), 0, "%s", index);
    cr_expect_eq(event_ms(index, "end", 0), -1, "%s", index);
    free(index);
    unlink(beside);
    if (system("command -v opusdec >/dev/null") == 0) {
        snprintf(decoded, sizeof(decoded), "%s.wav", opus);
        snprintf(command, sizeof(command), "opusdec --quiet --rate 8000 %s %s 2>/dev/null", opus,
                 decoded);
        cr_expect_eq(system(command), 0, "opusdec plays it");
        file = kit_read(decoded, &len);
        cr_assert_eq(wav_parse(file, len, &w), OK);
        cr_expect_gt(w.frames, 8000);
        free(file);
        unlink(decoded);
    }
    snprintf(beside, sizeof(beside), "%s.index", opus);
    unlink(beside);
    unlink(wav);
    unlink(opus);
    close(pipes[0]);
}
