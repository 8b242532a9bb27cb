/* Writing of sealed files, see seal.h. */
#include "media/seal.h"

#include <stdlib.h>

#include "media/seal_inner.h"

struct seal_writer {
    EVP_CIPHER_CTX *ctx;
    uint64_t number, offset;
    uint8_t header[SEAL_HEADER_BYTES];
};

bool seal_file_key(const struct seal_key *key, const uint8_t header[SEAL_HEADER_BYTES],
                   uint8_t out[SEAL_KEY_BYTES])
{
    static const unsigned char info[] = "peal recording 1";
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t n = SEAL_KEY_BYTES;
    bool ok = ctx && EVP_PKEY_derive_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_CTX_set1_hkdf_salt(ctx, header + SEAL_AT_SALT, SEAL_SALT_BYTES) > 0 &&
              EVP_PKEY_CTX_set1_hkdf_key(ctx, key->bytes, SEAL_KEY_BYTES) > 0 &&
              EVP_PKEY_CTX_add1_hkdf_info(ctx, info, (int)sizeof(info) - 1) > 0 &&
              EVP_PKEY_derive(ctx, out, &n) > 0;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool start(struct seal_writer *w, const struct seal_key *key)
{
    uint8_t file_key[SEAL_KEY_BYTES];
    bool ok = seal_file_key(key, w->header, file_key) && (w->ctx = EVP_CIPHER_CTX_new()) != NULL &&
              EVP_EncryptInit_ex(w->ctx, EVP_aes_256_gcm(), NULL, file_key, NULL) > 0;

    OPENSSL_cleanse(file_key, sizeof(file_key));
    return ok;
}

enum err seal_writer_open(struct seal_writer **out, const struct seal_key *key, uint64_t created_ms,
                          uint64_t keep_until_ms, uint8_t header[SEAL_HEADER_BYTES])
{
    struct seal_writer *w = calloc(1, sizeof(*w));
    uint8_t *h = w ? w->header : NULL;

    if (!w)
        return ERR_NOMEM;
    memcpy(h, SEAL_MAGIC, 8);
    seal_put(h + 8, SEAL_VERSION, 2);
    seal_put(h + 10, SEAL_HEADER_BYTES, 2);
    seal_put(h + 12, SEAL_ALGORITHM, 2);
    memcpy(h + SEAL_AT_ID, key->id, SEAL_KEY_ID_BYTES);
    seal_put(h + SEAL_AT_CREATED, created_ms, 8);
    seal_put(h + SEAL_AT_KEEP, keep_until_ms, 8);
    if (RAND_bytes(h + SEAL_AT_SALT, SEAL_SALT_BYTES) != 1 || !start(w, key)) {
        seal_writer_close(w);
        return ERR_IO;
    }
    memcpy(header, h, SEAL_HEADER_BYTES);
    *out = w;
    return OK;
}

size_t seal_write(struct seal_writer *w, const void *plain, size_t n, bool last, uint8_t *dst)
{
    uint8_t nonce[SEAL_NONCE_BYTES], *body = dst + SEAL_CHUNK_HEADER_BYTES;
    int len = 0;

    if (n > SEAL_CHUNK_MAX)
        return 0;
    memcpy(dst, SEAL_CHUNK_MAGIC, 4);
    seal_put(dst + 4, n | (last ? SEAL_LAST : 0), 4);
    seal_put(dst + 8, w->number, 8);
    seal_put(dst + 16, w->offset, 8);
    seal_nonce(w->number, nonce);
    if (EVP_EncryptInit_ex(w->ctx, NULL, NULL, NULL, nonce) <= 0 ||
        EVP_EncryptUpdate(w->ctx, NULL, &len, w->header, SEAL_HEADER_BYTES) <= 0 ||
        EVP_EncryptUpdate(w->ctx, NULL, &len, dst, SEAL_CHUNK_HEADER_BYTES) <= 0 ||
        (n && EVP_EncryptUpdate(w->ctx, body, &len, plain, (int)n) <= 0) ||
        EVP_EncryptFinal_ex(w->ctx, body + n, &len) <= 0 ||
        EVP_CIPHER_CTX_ctrl(w->ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_BYTES, body + n) <= 0)
        return 0;
    w->number++;
    w->offset += n;
    return n + SEAL_OVERHEAD;
}

void seal_writer_close(struct seal_writer *w)
{
    if (!w)
        return;
    EVP_CIPHER_CTX_free(w->ctx);
    free(w);
}
