/* Recordings: sample for sample what both sides said; and disks that fail cost nothing else. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "media/recorder.h"
#include "media_kit.h"

struct ended {
    bool done;
    struct recorder_result result;
};

static void on_closed(void *arg, const struct recorder_result *r)
{
    struct ended *e = arg;

    e->done = true;
    e->result = *r;
}

static void wait_end(struct loop *l, struct ended *e)
{
    uint64_t end = kit_now_ms() + KIT_LIMIT_MS;

    while (!e->done && kit_now_ms() < end)
        loop_turn(l, 5000);
    cr_assert(e->done);
}

/* Block b as both sides say it. */
static struct tape_block said(int b)
{
    struct tape_block block = {.slot_us = 7000000 + (uint64_t)b * TAPE_BLOCK_US};

    for (int i = 0; i < TAPE_BLOCK; i++) {
        block.left[i] = (int16_t)(b * TAPE_BLOCK + i);
        block.right[i] = (int16_t)(30000 - b * 7 - i);
    }
    return block;
}

static int both(int left, int right)
{
    int sum = left + right;

    return sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
}

/* Blocks 100…149 never come, and 250 stands a slot later by half: its worker was another. */
static void written_and_read(bool stereo)
{
    char path[] = "/tmp/peal-media-XXXXXX";
    const struct media_record how = {.path = path, .stereo = stereo};
    struct recorder *r;
    struct loop l;
    struct ended e = {0};
    struct wav w;
    size_t len;

    close(mkstemp(path));
    cr_assert_eq(loop_init(&l, NULL), OK);
    cr_assert_eq(recorder_open(&r, &l, &how), OK);
    for (int b = 0; b < 500; b++) {
        struct tape_block block = said(b);

        if (b >= 250)
            block.slot_us += 9000;
        if (b < 100 || b >= 150)
            recorder_block(r, &block);
        loop_turn(&l, 0);
    }
    recorder_close(r, 50, on_closed, &e);
    wait_end(&l, &e);
    cr_expect_float_eq(e.result.seconds, 10.0, 1e-9);
    cr_expect_eq(e.result.err, ERR_FULL, "what was lost is told");
    cr_expect_eq(e.result.lost_bytes, 50 * (stereo ? 640 : 320));
    uint8_t *file = kit_read(path, &len);

    cr_assert_eq(wav_parse(file, len, &w), OK);
    cr_expect_eq(w.frames, 80000);
    cr_expect_eq(w.channels, stereo ? 2 : 1);
    cr_expect_eq(w.rate_hz, 8000);
    cr_expect_eq(len, WAV_HEADER_BYTES + 80000 * (stereo ? 4 : 2));
    for (uint32_t t = 0; t < 80000; t++) {
        struct tape_block block = said((int)t / TAPE_BLOCK);
        bool gone = t / TAPE_BLOCK >= 100 && t / TAPE_BLOCK < 150;
        int left = gone ? 0 : block.left[t % TAPE_BLOCK];
        int right = gone ? 0 : block.right[t % TAPE_BLOCK];

        if (stereo) {
            cr_assert_eq(kit_sample(&w, t, 0), left, "left at %u", t);
            cr_assert_eq(kit_sample(&w, t, 1), right, "right at %u", t);
        } else {
            cr_assert_eq(kit_sample(&w, t, 0), both(left, right), "at %u", t);
        }
    }
    free(file);
    unlink(path);
    loop_fini(&l);
}

Test(recorder, stereo_is_sample_for_sample)
{
    written_and_read(true);
}
Test(recorder, mono_is_both_sides_mixed)
{
    written_and_read(false);
}

/* The call goes on: as many packets leave as time went by. */
static void fails_with(const char *path, enum err err, int sys_errno)
{
    struct kit k;
    struct heard_leg a, b;
    struct media_metrics before, after;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    kit_run_ms(&k, 600);
    media_metrics(k.media, &before);
    cr_assert_eq(kit_record(&a, path, true), OK);
    cr_expect_eq(kit_record(&a, path, true), ERR_STATE, "one at a time");
    kit_run_ms(&k, 1500);
    media_leg_record_stop(a.leg);
    cr_assert(kit_until(&k, &a.recorded, 1, KIT_LIMIT_MS));
    media_metrics(k.media, &after);
    cr_expect_eq(a.last_err, err, "%s", err_name(a.last_err));
    cr_expect_eq(a.last_errno, sys_errno, "%d", a.last_errno);
    cr_expect_gt(a.lost_bytes, 30000, "%lu bytes told as lost", (unsigned long)a.lost_bytes);
    double seconds = (double)(after.at_us - before.at_us) / 1e6;
    double sent = (double)(after.rtp_sent - before.rtp_sent) +
                  (double)(after.ticks_skipped - before.ticks_skipped) / 20.0;

    cr_expect_float_eq(sent / seconds, 100.0, 5.0, "%.1f packets/s", sent / seconds);
    char good[] = "/tmp/peal-media-XXXXXX";

    close(mkstemp(good));
    cr_assert_eq(kit_record(&a, good, true), OK, "the next one may be better");
    kit_run_ms(&k, 100);
    media_leg_record_stop(a.leg);
    cr_assert(kit_until(&k, &a.recorded, 2, KIT_LIMIT_MS));
    cr_expect_eq(a.last_err, OK);
    unlink(good);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(a.stats.lost + b.stats.lost, 0);
    kit_close(&k);
}

Test(recorder, full_disk)
{
    fails_with("/dev/full", ERR_IO, ENOSPC);
}
Test(recorder, missing_folder)
{
    fails_with("/nonexistent/a.wav", ERR_NOT_FOUND, ENOENT);
}
Test(recorder, folder_that_may_not_be_written)
{
    fails_with("/proc/peal.wav", ERR_NOT_FOUND, ENOENT);
}

Test(recorder, closing_the_leg_ends_its_recording)
{
    char path[] = "/tmp/peal-media-XXXXXX";
    struct kit k;
    struct heard_leg a, b;
    struct wav w;
    size_t len;

    close(mkstemp(path));
    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMA);
    cr_assert_eq(kit_record(&a, path, true), OK);
    kit_run_ms(&k, 300);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(a.recorded, 1, "told before closed");
    cr_expect_eq(a.last_err, OK);
    uint8_t *file = kit_read(path, &len);

    cr_expect_eq(wav_parse(file, len, &w), OK);
    cr_expect_float_eq(w.frames / 8000.0, a.seconds, 1e-9);
    cr_expect_gt(a.seconds, 0.15);
    free(file);
    unlink(path);
    kit_close(&k);
}
