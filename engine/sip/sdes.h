/* SDES: keys of SRTP in session descriptions, a=crypto (RFC 4568; suites of RFC 7714 section 14).
 * One line is one choice: a tag, a suite and the key its writer will seal with. Only the first of
 * several keys of a line is used; session parameters are obeyed by not taking a line that asks for
 * what we do not do.
 *
 * A struct sdes_key is a secret: it is never logged, and wiped with what holds it. Pure functions.
 */
#ifndef PEAL_SIP_SDES_H
#define PEAL_SIP_SDES_H

#include "base/buf.h"
#include "base/slice.h"

#define SDES_KEY_MAX       46 /* bytes of key and salt together */
#define SDES_TAG_MAX       999999999
#define SDES_MKI_MAX       128
#define SDES_LINE_MAX      176                 /* of what we write */
#define SDES_LIFETIME_MAX  (UINT64_C(1) << 48) /* packets of a key; of RTCP 2^31 (section 6.1) */
#define SDES_LIFETIME_OURS "packets from 2^10 to 2^48, as in 1000000 or 2^20"

enum sdes_suite { /* in the order in which they are offered */
                  SDES_AES_CM_128_HMAC_SHA1_80,
                  SDES_AEAD_AES_128_GCM,
                  SDES_AEAD_AES_256_GCM,
                  SDES_AES_CM_128_HMAC_SHA1_32,
                  SDES_SUITES
};

struct slice sdes_suite_name(enum sdes_suite suite);
/* Of the key before the salt, and of both. */
uint32_t sdes_key_bytes(enum sdes_suite suite);
uint32_t sdes_bytes(enum sdes_suite suite);

struct sdes_key {
    enum sdes_suite suite;
    uint32_t tag;
    uint8_t mki_bytes; /* 0: the writer's packets carry no MKI */
    uint32_t mki;      /* its last four bytes, as a number */
    uint64_t lifetime; /* packets that its writer will seal with it; 0: SDES_LIFETIME_MAX */
    uint8_t bytes[SDES_KEY_MAX];
};

/* "1048576" or "2^20"; false: neither, 0 or beyond SDES_LIFETIME_MAX. */
bool sdes_lifetime(struct slice text, uint64_t *packets);
/* The same as a setting for keys of ours: SDES_LIFETIME_OURS, which begins with 20 s of a call. */
bool sdes_lifetime_ours(struct slice text, uint64_t *packets);

/* The value of an a=crypto line. ERR_INVALID: not well formed; ERR_UNSUPPORTED: another suite, or a
 * session parameter that we do not do. *why then says which, without its full stop. */
enum err sdes_parse(struct slice value, struct sdes_key *out, const char **why);
/* "a=crypto:TAG SUITE inline:KEY\r\n", with "|LIFETIME" and "|MKI:LENGTH" after the key when it has
 * them.
 */
void sdes_write(struct buf *b, const struct sdes_key *key);
/* A key of the system's random source, tag unset. */
void sdes_draw(struct sdes_key *key, enum sdes_suite suite);

#endif
