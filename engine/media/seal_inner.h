/* What writing and reading of sealed files share. Private to seal*.c. */
#ifndef PEAL_MEDIA_SEAL_INNER_H
#define PEAL_MEDIA_SEAL_INNER_H

#include <string.h>

#include "media/seal.h"
#include "media/srtp_crypto.h"

#define SEAL_MAGIC       "PEALSEAL"
#define SEAL_CHUNK_MAGIC "PCHK"
#define SEAL_VERSION     1
#define SEAL_ALGORITHM   1
#define SEAL_LAST        UINT32_C(0x80000000)
#define SEAL_AT_ID       16
#define SEAL_AT_SALT     24
#define SEAL_SALT_BYTES  16
#define SEAL_AT_CREATED  40
#define SEAL_AT_KEEP     48
#define SEAL_NONCE_BYTES 12

static inline void seal_put(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t seal_get(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static inline void seal_nonce(uint64_t number, uint8_t nonce[SEAL_NONCE_BYTES])
{
    memset(nonce, 0, SEAL_NONCE_BYTES);
    seal_put(nonce + 4, number, 8);
}

/* The key of one file. */
bool seal_file_key(const struct seal_key *key, const uint8_t header[SEAL_HEADER_BYTES],
                   uint8_t out[SEAL_KEY_BYTES]);

#endif
