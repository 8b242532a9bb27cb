/* Reading of sealed files, see seal.h. Only what the tag vouches for is given out; everything else
 * in the bytes may lie. */
#include <stdlib.h>

#include "media/seal_inner.h"

bool seal_is(const uint8_t *p, size_t len)
{
    return len >= 8 && memcmp(p, SEAL_MAGIC, 8) == 0;
}

enum err seal_read_info(const uint8_t *p, size_t len, struct seal_info *out)
{
    if (!seal_is(p, len) || len < SEAL_HEADER_BYTES)
        return ERR_INVALID;
    if (seal_get(p + 8, 2) != SEAL_VERSION || seal_get(p + 10, 2) != SEAL_HEADER_BYTES ||
        seal_get(p + 12, 2) != SEAL_ALGORITHM)
        return ERR_UNSUPPORTED;
    memcpy(out->key_id, p + SEAL_AT_ID, SEAL_KEY_ID_BYTES);
    out->created_ms = seal_get(p + SEAL_AT_CREATED, 8);
    out->keep_until_ms = seal_get(p + SEAL_AT_KEEP, 8);
    return OK;
}

struct reading {
    const uint8_t *p;
    size_t len;
    EVP_CIPHER_CTX *ctx;
    uint64_t next_number, next_offset;
    bool ended;
    struct seal_damage *damage;
    uint8_t plain[SEAL_CHUNK_MAX];
};

/* The chunk at `at` in full, as far as its header can be believed. 0: there is none. */
static size_t chunk_bytes(const struct reading *r, size_t at)
{
    const uint8_t *h = r->p + at;

    if (r->len - at < SEAL_OVERHEAD || memcmp(h, SEAL_CHUNK_MAGIC, 4) != 0)
        return 0;
    size_t n = (size_t)(seal_get(h + 4, 4) & ~SEAL_LAST);

    if (n > SEAL_CHUNK_MAX || n > r->len - at - SEAL_OVERHEAD)
        return 0;
    return n + SEAL_OVERHEAD;
}

static bool open_chunk(struct reading *r, size_t at, size_t whole)
{
    const uint8_t *h = r->p + at, *body = h + SEAL_CHUNK_HEADER_BYTES;
    size_t n = whole - SEAL_OVERHEAD;
    uint8_t nonce[SEAL_NONCE_BYTES], tag[SEAL_TAG_BYTES];
    int len = 0;

    seal_nonce(seal_get(h + 8, 8), nonce);
    memcpy(tag, body + n, SEAL_TAG_BYTES);
    return EVP_DecryptInit_ex(r->ctx, NULL, NULL, NULL, nonce) > 0 &&
           EVP_DecryptUpdate(r->ctx, NULL, &len, r->p, SEAL_HEADER_BYTES) > 0 &&
           EVP_DecryptUpdate(r->ctx, NULL, &len, h, SEAL_CHUNK_HEADER_BYTES) > 0 &&
           (n == 0 || EVP_DecryptUpdate(r->ctx, r->plain, &len, body, (int)n) > 0) &&
           EVP_CIPHER_CTX_ctrl(r->ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_BYTES, tag) > 0 &&
           EVP_DecryptFinal_ex(r->ctx, r->plain + n, &len) > 0;
}

static void lost(struct reading *r, uint64_t numbers, uint64_t bytes)
{
    if (numbers == 0 && bytes == 0)
        return;
    if (r->damage->first_offset == UINT64_MAX)
        r->damage->first_offset = r->next_offset;
    r->damage->damaged += numbers;
    r->damage->lost_bytes += bytes;
}

/* It opened: header and text are what was written. False: it was there already. */
static bool take(struct reading *r, size_t at, size_t whole, seal_plain_fn *plain, void *arg)
{
    const uint8_t *h = r->p + at;
    uint64_t number = seal_get(h + 8, 8), offset = seal_get(h + 16, 8);
    size_t n = whole - SEAL_OVERHEAD;

    if (number < r->next_number || offset < r->next_offset)
        return false;
    lost(r, number - r->next_number, offset - r->next_offset);
    plain(arg, offset - r->next_offset, r->plain, n);
    r->next_number = number + 1;
    r->next_offset = offset + n;
    r->damage->chunks++;
    r->ended = (seal_get(h + 4, 4) & SEAL_LAST) != 0;
    return true;
}

/* Where the next chunk may begin. Tags are asked only where a header stands, so bytes that were
 * made to look like headers cost one chunk's work each. */
static size_t next_header(const struct reading *r, size_t at)
{
    const uint8_t *found = at < r->len ? memmem(r->p + at, r->len - at, SEAL_CHUNK_MAGIC, 4) : NULL;

    return found ? (size_t)(found - r->p) : r->len;
}

static void read_all(struct reading *r, seal_plain_fn *plain, void *arg)
{
    size_t at = SEAL_HEADER_BYTES;

    while (at < r->len && !r->ended) {
        size_t whole = chunk_bytes(r, at);

        if (whole && open_chunk(r, at, whole) && take(r, at, whole, plain, arg)) {
            at += whole;
            continue;
        }
        size_t next = next_header(r, at + 1);

        r->damage->skipped_bytes += next - at;
        at = next;
    }
    r->damage->skipped_bytes += r->len - at;
}

enum err seal_read(const uint8_t *p, size_t len, const struct seal_key *key, seal_plain_fn *plain,
                   void *arg, struct seal_damage *damage)
{
    struct seal_info info;
    uint8_t file_key[SEAL_KEY_BYTES];
    enum err e = seal_read_info(p, len, &info);

    *damage = (struct seal_damage){.first_offset = UINT64_MAX};
    if (e)
        return e;
    if (memcmp(info.key_id, key->id, SEAL_KEY_ID_BYTES) != 0)
        return ERR_AUTH;
    struct reading *r = calloc(1, sizeof(*r));
    if (!r)
        return ERR_NOMEM;
    *r = (struct reading){.p = p, .len = len, .damage = damage, .ctx = EVP_CIPHER_CTX_new()};
    e = r->ctx && seal_file_key(key, p, file_key) &&
                EVP_DecryptInit_ex(r->ctx, EVP_aes_256_gcm(), NULL, file_key, NULL) > 0
            ? OK
            : ERR_NOMEM;
    OPENSSL_cleanse(file_key, sizeof(file_key));
    if (!e)
        read_all(r, plain, arg);
    damage->cut_off = !r->ended;
    EVP_CIPHER_CTX_free(r->ctx);
    OPENSSL_cleanse(r->plain, sizeof(r->plain));
    free(r);
    return e;
}
