/* Sealed recordings from anywhere. As they are: nothing comes out that nobody wrote. And a whole
 * file of which the input changes, cuts and moves bytes: all that comes out stands where it was. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "media/seal.h"

#define CHUNKS    6
#define PLAIN_MAX (CHUNKS * 300)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t original[PLAIN_MAX];

struct reading {
    uint64_t at;
    bool none; /* nothing may come */
};

static void take(void *arg, uint64_t gap, const uint8_t *plain, size_t n)
{
    struct reading *r = arg;

    assert(!r->none);
    r->at += gap;
    assert(r->at + n <= PLAIN_MAX);
    assert(memcmp(plain, original + r->at, n) == 0);
    r->at += n;
}

static size_t make(const struct seal_key *key, uint8_t *file)
{
    struct seal_writer *w;
    size_t len = SEAL_HEADER_BYTES, plain = 0;

    if (seal_writer_open(&w, key, 1, 2, file) != OK)
        return 0;
    for (size_t c = 0; c < CHUNKS; c++) {
        size_t n = c * 60;

        len += seal_write(w, original + plain, n, c == CHUNKS - 1, file + len);
        plain += n;
    }
    seal_writer_close(w);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[SEAL_HEADER_BYTES + CHUNKS * (300 + SEAL_OVERHEAD)];
    static const uint8_t bytes[SEAL_KEY_BYTES] = {7};
    struct seal_key key;
    struct seal_damage damage;
    struct seal_info info;
    struct reading r = {.none = true};

    if (seal_key_parse(&key, bytes, sizeof(bytes)) != OK)
        return 0;
    if (seal_read_info(data, size, &info) == OK)
        memcpy(key.id, info.key_id, sizeof(key.id));
    seal_read(data, size, &key, take, &r, &damage);

    if (seal_key_parse(&key, bytes, sizeof(bytes)) != OK)
        return 0;
    for (size_t i = 0; i < PLAIN_MAX; i++)
        original[i] = (uint8_t)(i * 31 >> 3);
    size_t len = make(&key, file);
    bool changed = false;

    for (size_t i = 0; i + 4 <= size && i < 256; i += 4) {
        size_t at = (size_t)(data[i] | data[i + 1] << 8) % len;

        if (data[i + 2] == 255) { /* moves a part to the front or the back */
            size_t n = data[i + 3] % (len - at);

            memmove(file + at, file + at + n, len - at - n);
            changed |= n > 0;
        } else {
            file[at] ^= data[i + 3];
            changed |= data[i + 3] != 0;
        }
    }
    if (size && data[size - 1] > 250)
        len = len * data[0] / 256;
    r = (struct reading){0};
    enum err e = seal_read(file, len, &key, take, &r, &damage);

    if (e == OK && !changed && size && data[size - 1] <= 250)
        assert(r.at == CHUNKS * (CHUNKS - 1) / 2 * 60 && !damage.cut_off && !damage.skipped_bytes);
    return 0;
}
