/* Recordings as they lie there: what their indexes say, with and without the key; decrypted, also
 * when they are damaged; and swept when their time is over. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/recorder.h"
#include "media/wav.h"
#include "report/kept.h"

#define BLOCKS 400

static char folder[64];

static void open_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/peal-kept-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static const char *at(const char *name)
{
    static char path[4][160];
    static int turn;
    char *p = path[turn++ % 4];

    snprintf(p, 160, "%s/%s", folder, name);
    return p;
}

static bool is_there(const char *name)
{
    return access(at(name), F_OK) == 0;
}

static void on_closed(void *arg, const struct recorder_result *r)
{
    *(enum err *)arg = r->err;
}

static int16_t left_at(uint32_t t)
{
    return (int16_t)(t * 37 % 9001 + 1);
}

static struct kept_keys keys_of(uint8_t first)
{
    struct kept_keys keys = {.count = 2};
    uint8_t bytes[SEAL_KEY_BYTES] = {first};

    cr_assert_eq(seal_key_parse(&keys.key[1], bytes, sizeof(bytes)), OK);
    bytes[1] = 99;
    cr_assert_eq(seal_key_parse(&keys.key[0], bytes, sizeof(bytes)), OK);
    return keys;
}

/* 8 s: left counts on, right is its negative. */
static void record(const char *name, const struct seal_key *key, uint64_t keep_until_ms)
{
    const struct media_record how = {.path = at(name),
                                     .stereo = true,
                                     .index = true,
                                     .owner = "spring \"offer\"",
                                     .call_id = "a@b",
                                     .keep_until_ms = keep_until_ms,
                                     .key = key};
    struct recorder *r;
    struct loop l;
    enum err ended = ERR_COUNT;

    cr_assert_eq(loop_init(&l, NULL), OK);
    cr_assert_eq(recorder_open(&r, &l, &how), OK);
    recorder_mark(r, 3000000, "answered", "");
    for (uint32_t n = 0; n < BLOCKS; n++) {
        struct tape_block b = {.slot_us = 5000000 + (uint64_t)n * TAPE_BLOCK_US};

        for (uint32_t i = 0; i < TAPE_BLOCK; i++) {
            b.left[i] = left_at(n * TAPE_BLOCK + i);
            b.right[i] = (int16_t)-b.left[i];
        }
        recorder_block(r, &b);
        if (n == 100)
            recorder_mark(r, 6500000, "key", "5");
        loop_turn(&l, 0);
    }
    recorder_close(r, 0, on_closed, &ended);
    for (int i = 0; i < 6000 && ended == ERR_COUNT; i++)
        loop_turn(&l, 10000);
    cr_assert_eq(ended, OK);
    loop_fini(&l);
}

static void note(void *arg, int64_t at_ms, const char *event, const char *detail)
{
    char *said = arg;

    sprintf(said + strlen(said), "%ld %s%s%s; ", (long)at_ms, event, detail[0] ? " " : "", detail);
}

#define EVENTS "0 start; -2000 answered; 1500 key 5; 8000 end; "

Test(kept, an_index_tells_what_happened_when)
{
    struct kept_recording r;
    char said[400] = "", error[KEPT_ERROR_MAX];

    open_folder();
    record("a.wav", NULL, 0);
    cr_assert_eq(kept_read(at("a.wav"), NULL, &r, note, said, error), OK);
    cr_expect_str_eq(said, EVENTS);
    cr_expect(r.has_index && r.ended && !r.sealed && !r.locked);
    cr_expect_str_eq(r.owner, "spring \"offer\"");
    cr_expect_str_eq(r.call_id, "a@b");
    cr_expect_str_eq(r.format, "wav");
    cr_expect_eq(r.channels, 2);
    cr_expect_eq(r.length_ms, 8000);
    cr_expect_eq(kept_read(at("b.wav"), NULL, &r, NULL, NULL, error), ERR_NOT_FOUND);
    cr_expect(strstr(error, "b.wav"), "%s", error);
}

Test(kept, a_sealed_index_is_locked_without_its_key)
{
    struct kept_keys keys = keys_of(1), others = keys_of(7);
    struct kept_recording r;
    char said[400] = "", error[KEPT_ERROR_MAX], text[4096];

    open_folder();
    record("a.wav.sealed", &keys.key[1], 123456);
    cr_assert_eq(kept_read(at("a.wav.sealed"), &others, &r, note, said, error), OK);
    cr_expect(r.sealed && r.locked && !r.has_index);
    cr_expect_str_eq(said, "");
    cr_expect_eq(r.keep_until_ms, 123456, "a sweep needs no key");
    cr_assert_eq(kept_read(at("a.wav.sealed"), &keys, &r, note, said, error), OK);
    cr_expect_str_eq(said, EVENTS);
    cr_expect_not(r.locked);
    FILE *f = fopen(at("a.wav.sealed.index"), "r");
    size_t n = fread(text, 1, sizeof(text), f);

    fclose(f);
    cr_expect_null(memmem(text, n, "answered", 8), "nor does the index say it in clear");
}

static uint8_t *read_file(const char *name, size_t *len)
{
    FILE *f = fopen(at(name), "r");
    uint8_t *p = malloc(1 << 20);

    cr_assert_not_null(f, "%s", name);
    *len = fread(p, 1, 1 << 20, f);
    fclose(f);
    return p;
}

/* How many samples are missing; all others are right. */
static uint32_t compare(const char *name, uint32_t frames)
{
    size_t len;
    uint8_t *p = read_file(name, &len);
    struct wav w;
    uint32_t gone = 0;

    cr_assert_eq(wav_parse(p, len, &w), OK);
    cr_assert_eq(w.frames, frames);
    cr_assert_eq(len, 44 + frames * 4);
    cr_assert_eq((uint32_t)(p[40] | p[41] << 8 | p[42] << 16), frames * 4, "its header knows now");
    for (uint32_t t = 0; t < frames; t++) {
        w.channel = 1;
        int16_t left = wav_sample(&w, t);

        w.channel = 2;
        int16_t right = wav_sample(&w, t);

        if (left == 0 || right == 0)
            gone++;
        cr_assert(left == 0 || left == left_at(t), "left at %u is %d", t, left);
        cr_assert(right == 0 || right == -left_at(t), "right at %u is %d", t, right);
    }
    free(p);
    return gone;
}

Test(kept, decrypted_it_is_what_was_recorded)
{
    struct kept_keys keys = keys_of(1), others = keys_of(7);
    struct seal_damage d;
    char error[KEPT_ERROR_MAX];

    open_folder();
    record("a.wav.sealed", &keys.key[1], 0);
    cr_expect_eq(kept_unseal(at("a.wav.sealed"), at("a.wav"), &others, &d, error), ERR_AUTH);
    cr_expect_not(is_there("a.wav"));
    cr_assert_eq(kept_unseal(at("a.wav.sealed"), at("a.wav"), &keys, &d, error), OK, "%s", error);
    cr_expect_eq(d.damaged + d.skipped_bytes + d.cut_off, 0);
    cr_expect_eq(compare("a.wav", BLOCKS * TAPE_BLOCK), 0);
    struct stat st;

    cr_assert_eq(stat(at("a.wav"), &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600, "for whoever decrypted it alone");
    cr_expect_eq(kept_unseal(at("a.wav.sealed"), at("a.wav"), &keys, &d, error), ERR_EXISTS);
    cr_expect_eq(kept_unseal(at("a.wav"), at("b.wav"), &keys, &d, error), ERR_INVALID);
}

Test(kept, damage_costs_its_chunk_and_is_silence)
{
    struct kept_keys keys = keys_of(1);
    struct seal_damage d;
    char error[KEPT_ERROR_MAX];
    size_t len;

    open_folder();
    record("a.wav.sealed", &keys.key[1], 0);
    uint8_t *p = read_file("a.wav.sealed", &len);

    p[len / 2] ^= 1;
    FILE *f = fopen(at("a.wav.sealed"), "w");

    fwrite(p, 1, len, f);
    fclose(f);
    cr_assert_eq(kept_unseal(at("a.wav.sealed"), at("damaged.wav"), &keys, &d, error), OK);
    cr_expect_eq(d.damaged, 1);
    cr_expect_not(d.cut_off);
    uint32_t gone = compare("damaged.wav", BLOCKS * TAPE_BLOCK);

    cr_expect_leq(d.lost_bytes, SEAL_CHUNK_MAX);
    cr_expect_leq(gone, d.lost_bytes / 4 + 1);
    cr_expect_geq(gone + 1, d.lost_bytes / 4);
    cr_expect_gt(gone, 0);
    f = fopen(at("a.wav.sealed"), "w");
    p[len / 2] ^= 1;
    fwrite(p, 1, len - 40000, f); /* a crash */
    fclose(f);
    cr_assert_eq(kept_unseal(at("a.wav.sealed"), at("cut.wav"), &keys, &d, error), OK);
    cr_expect(d.cut_off);
    free(p);
    p = read_file("cut.wav", &len);
    cr_expect_geq(len, BLOCKS * 640 - 40000 - SEAL_CHUNK_MAX);
    cr_expect_eq(compare("cut.wav", (uint32_t)(len - 44) / 4), 0);
    free(p);
}

Test(kept, swept_when_their_days_are_over)
{
    struct kept_keys keys = keys_of(1);
    struct kept_sweep s = {0};
    char error[KEPT_ERROR_MAX];

    open_folder();
    record("old.wav", NULL, 1000);
    record("older.wav.sealed", &keys.key[1], 900);
    record("young.wav", NULL, 5000);
    record("for-ever.wav", NULL, 0);
    cr_assert_eq(kept_sweep(folder, 2000, false, &s, error), OK);
    cr_expect_eq(s.files, 2);
    cr_expect(is_there("old.wav") && is_there("older.wav.sealed"), "it only counts");
    s = (struct kept_sweep){0};
    cr_assert_eq(kept_sweep(folder, 2000, true, &s, error), OK);
    cr_expect_eq(s.files, 2);
    cr_expect_eq(s.failed, 0);
    cr_expect_not(is_there("old.wav") || is_there("old.wav.index"));
    cr_expect_not(is_there("older.wav.sealed") || is_there("older.wav.sealed.index"));
    cr_expect(is_there("young.wav") && is_there("young.wav.index") && is_there("for-ever.wav"));
    cr_expect_eq(kept_sweep("/nonexistent", 1, true, &s, error), ERR_NOT_FOUND);
}
