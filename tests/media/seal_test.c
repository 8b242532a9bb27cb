/* Sealed recordings: what was written comes back, and nothing else does: not with another key, not
 * in another order, not from another file, not cut off unseen. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "media/seal.h"

#define CHUNKS 8

struct sealed {
    struct seal_key key;
    uint8_t file[SEAL_HEADER_BYTES + CHUNKS * (SEAL_CHUNK_MAX + SEAL_OVERHEAD)];
    size_t len, begin[CHUNKS + 1];
    uint8_t plain[CHUNKS * SEAL_CHUNK_MAX];
    size_t plain_len;
};

struct got {
    uint8_t plain[CHUNKS * SEAL_CHUNK_MAX];
    size_t len;
    uint64_t gaps;
};

static void take(void *arg, uint64_t gap, const uint8_t *plain, size_t n)
{
    struct got *g = arg;

    g->gaps += gap;
    cr_assert_leq(g->len + n, sizeof(g->plain));
    memcpy(g->plain + g->len, plain, n);
    g->len += n;
}

static struct seal_key key_of(uint8_t first)
{
    struct seal_key k;
    uint8_t bytes[SEAL_KEY_BYTES] = {first, 2, 3};

    cr_assert_eq(seal_key_parse(&k, bytes, sizeof(bytes)), OK);
    return k;
}

static struct sealed *seal(uint8_t key)
{
    struct sealed *s = calloc(1, sizeof(*s));
    struct seal_writer *w;

    s->key = key_of(key);
    cr_assert_eq(seal_writer_open(&w, &s->key, 1000, 2000, s->file), OK);
    s->len = SEAL_HEADER_BYTES;
    for (size_t c = 0; c < CHUNKS; c++) {
        size_t n = c == 2 ? SEAL_CHUNK_MAX : 100 * c;

        for (size_t i = 0; i < n; i++)
            s->plain[s->plain_len + i] = (uint8_t)(c * 31 + i * 7);
        s->begin[c] = s->len;
        size_t wrote = seal_write(w, s->plain + s->plain_len, n, c == CHUNKS - 1, s->file + s->len);

        cr_assert_eq(wrote, n + SEAL_OVERHEAD);
        s->len += wrote;
        s->plain_len += n;
    }
    s->begin[CHUNKS] = s->len;
    seal_writer_close(w);
    return s;
}

static enum err read_back(const struct sealed *s, size_t len, struct got *g, struct seal_damage *d)
{
    memset(g, 0, sizeof(*g));
    return seal_read((const uint8_t *)guard_place(s->file, len), len, &s->key, take, g, d);
}

Test(seal, comes_back_as_it_was)
{
    struct sealed *s = seal(1);
    struct got *g = calloc(1, sizeof(*g));
    struct seal_damage d;
    struct seal_info info;

    cr_assert_eq(read_back(s, s->len, g, &d), OK);
    cr_expect_eq(g->len, s->plain_len);
    cr_expect_eq(memcmp(g->plain, s->plain, s->plain_len), 0);
    cr_expect_eq(d.chunks, CHUNKS);
    cr_expect_eq(d.damaged + d.skipped_bytes + d.lost_bytes + g->gaps, 0);
    cr_expect_not(d.cut_off);
    cr_assert_eq(seal_read_info(s->file, s->len, &info), OK);
    cr_expect_eq(info.created_ms, 1000);
    cr_expect_eq(info.keep_until_ms, 2000);
    cr_expect_eq(memcmp(info.key_id, s->key.id, SEAL_KEY_ID_BYTES), 0);
    cr_expect_null(memmem(s->file, s->len, s->plain + 100, 100), "no plain text is in the file");
    free(g);
    free(s);
}

Test(seal, another_key_is_told_before_anything_is_tried)
{
    struct sealed *s = seal(1);
    struct got *g = calloc(1, sizeof(*g));
    struct seal_damage d;

    s->key = key_of(9);
    cr_expect_eq(read_back(s, s->len, g, &d), ERR_AUTH);
    cr_expect_eq(g->len, 0);
    /* Its id alone opens nothing. */
    memcpy(s->key.id, s->file + 16, SEAL_KEY_ID_BYTES);
    cr_expect_eq(read_back(s, s->len, g, &d), OK);
    cr_expect_eq(g->len, 0);
    cr_expect_eq(d.chunks, 0);
    cr_expect(d.cut_off);
    free(g);
    free(s);
}

Test(seal, two_files_of_one_text_have_nothing_in_common)
{
    struct sealed *a = seal(1), *b = seal(1);

    cr_expect_neq(memcmp(a->file + a->begin[2] + SEAL_CHUNK_HEADER_BYTES,
                         b->file + b->begin[2] + SEAL_CHUNK_HEADER_BYTES, 64),
                  0);
    free(a);
    free(b);
}

/* Wherever a bit is wrong, what comes out is what was written, less at most the chunk it is in. */
Test(seal, a_wrong_bit_costs_its_chunk)
{
    struct sealed *s = seal(1);
    struct got *g = calloc(1, sizeof(*g));
    struct seal_damage d;

    for (size_t c = 0; c < CHUNKS; c++) {
        size_t n = s->begin[c + 1] - s->begin[c] - SEAL_OVERHEAD, before = 0;

        for (size_t i = 0; i < c; i++)
            before += s->begin[i + 1] - s->begin[i] - SEAL_OVERHEAD;
        for (size_t at = s->begin[c]; at < s->begin[c + 1];
             at += at < s->begin[c] + 30 || at + 20 > s->begin[c + 1] ? 1 : 499) {
            s->file[at] ^= 0x10;
            cr_assert_eq(read_back(s, s->len, g, &d), OK);
            cr_assert_eq(d.chunks, CHUNKS - 1, "bit at %zu", at);
            cr_assert_eq(g->len, s->plain_len - n);
            cr_assert_eq(memcmp(g->plain, s->plain, before), 0);
            cr_assert_eq(
                memcmp(g->plain + before, s->plain + before + n, s->plain_len - before - n), 0);
            cr_assert_eq(d.cut_off, c == CHUNKS - 1);
            if (c < CHUNKS - 1) {
                cr_assert_eq(d.damaged, 1);
                cr_assert_eq(d.lost_bytes, n);
                cr_assert_eq(d.first_offset, before);
                cr_assert_eq(g->gaps, n);
            }
            s->file[at] ^= 0x10;
        }
    }
    free(g);
    free(s);
}

Test(seal, cut_off_anywhere_is_seen)
{
    struct sealed *s = seal(1);
    struct got *g = calloc(1, sizeof(*g));
    struct seal_damage d;

    for (size_t len = 0; len < s->len; len += len < 400 ? 1 : 97) {
        enum err e = read_back(s, len, g, &d);

        cr_assert_eq(e, len < SEAL_HEADER_BYTES ? ERR_INVALID : OK, "at %zu", len);
        if (e)
            continue;
        cr_assert(d.cut_off, "at %zu", len);
        cr_assert_eq(memcmp(g->plain, s->plain, g->len), 0);
    }
    /* At a chunk's end, too: the last one says that it is the last. */
    cr_assert_eq(read_back(s, s->begin[CHUNKS - 1], g, &d), OK);
    cr_expect(d.cut_off);
    cr_expect_eq(d.damaged, 0);
    free(g);
    free(s);
}

Test(seal, chunks_have_one_order)
{
    struct sealed *s = seal(1), *other = seal(1);
    struct got *g = calloc(1, sizeof(*g));
    struct seal_damage d;
    size_t n = s->begin[4] - s->begin[3];
    uint8_t held[400];

    cr_assert_leq(n, sizeof(held));
    /* 3 stands once more where 4 begins: it is told, and 4 is found behind it. */
    uint8_t *file = s->file + s->begin[4];

    memmove(file + n, file, s->len - s->begin[4]);
    memcpy(file, s->file + s->begin[3], n);
    s->len += n;
    cr_assert_eq(read_back(s, s->len, g, &d), OK);
    cr_expect_eq(d.chunks, CHUNKS, "a chunk counts once");
    cr_expect_eq(d.skipped_bytes, n);
    cr_expect_eq(memcmp(g->plain, s->plain, s->plain_len), 0);
    /* One of another file of the same key. */
    memcpy(file, other->file + other->begin[3], n);
    cr_assert_eq(read_back(s, s->len, g, &d), OK);
    cr_expect_eq(d.chunks, CHUNKS);
    cr_expect_eq(d.skipped_bytes, n);
    free(g);
    free(other);
    free(s);
}

Test(seal, what_a_key_looks_like)
{
    struct seal_key a, b;
    uint8_t text[80];
    char name[2 * SEAL_KEY_ID_BYTES + 1];

    memset(text, 'a', sizeof(text));
    cr_expect_eq(seal_key_parse(&a, text, 32), OK, "32 bytes");
    memcpy(text, "6161616161616161616161616161616161616161616161616161616161616161\r\n", 66);
    cr_expect_eq(seal_key_parse(&b, text, 66), OK, "64 digits and the end of a line");
    cr_expect_eq(memcmp(&a, &b, sizeof(a)), 0);
    cr_expect_eq(seal_key_parse(&b, text, 63), ERR_INVALID);
    cr_expect_eq(seal_key_parse(&b, text, 0), ERR_INVALID);
    text[5] = 'g';
    cr_expect_eq(seal_key_parse(&b, text, 64), ERR_INVALID);
    seal_key_id_text(a.id, name);
    cr_expect_eq(strlen(name), 16);
    cr_expect_null(strstr(name, "6161"), "the id shows nothing of the key");
}

Test(seal, keys_come_from_files_and_commands)
{
    char path[] = "/tmp/peal-seal-XXXXXX", command[80], error[SEAL_ERROR_MAX];
    int fd = mkstemp(path);
    struct seal_key a, b;

    cr_assert_eq(
        write(fd, "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n", 65), 65);
    close(fd);
    cr_assert_eq(seal_key_file(&a, path, error), OK);
    snprintf(command, sizeof(command), "cat %s", path);
    cr_assert_eq(seal_key_command(&b, command, error), OK);
    cr_expect_eq(memcmp(&a, &b, sizeof(a)), 0);
    cr_expect_eq(seal_key_command(&b, "echo short", error), ERR_INVALID);
    cr_expect(strstr(error, "32 bytes"), "%s", error);
    cr_expect_null(strstr(error, "short"), "what it printed is not repeated: %s", error);
    cr_expect_eq(seal_key_command(&b, "exit 3", error), ERR_INVALID);
    unlink(path);
    cr_expect_eq(seal_key_file(&a, path, error), ERR_NOT_FOUND);
}
