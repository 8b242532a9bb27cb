/* SRTP and SRTCP (RFC 3711, RFC 7714): one direction of one key, over OpenSSL's libcrypto.
 *
 * A `struct srtp` is made from one master key and holds what its packets need: expanded keys,
 * session salts, HMAC pads already hashed, and for each SSRC the highest index and a window of
 * SRTP_WINDOW packets. A key serves one direction; two parties need two. Where keys come from
 * (SDES, DTLS-SRTP) is not known here.
 *
 * Packets are changed in place. Nothing is allocated after srtp_begin. A verdict other than
 * SRTP_GOOD leaves the bytes as they were, so that another key may be tried. Not thread-safe: one
 * owner at a time.
 *
 * Limits: key derivation rate 0, no encrypted header extensions (RFC 6904), SRTCP always encrypted.
 * An MKI is stepped over on receipt, whatever it says, and sent when the key has one. The names are
 * not libsrtp2's (srtp_protect …), because tests and the bench link both. */
#ifndef PEAL_MEDIA_SRTP_H
#define PEAL_MEDIA_SRTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define SRTP_KEY_MAX       32
#define SRTP_SALT_MAX      14
#define SRTP_MKI_MAX       128 /* RFC 4568 section 9.2 */
#define SRTP_MKI_SENT_MAX  4
#define SRTP_TRAILER_MAX   20 /* bytes by which srtp_seal may lengthen a packet */
#define SRTCP_TRAILER_MAX  24
#define SRTP_WINDOW        128 /* packets of replay window, of RTP and of RTCP */
#define SRTP_SOURCES_MAX   8   /* SSRCs under one key */
#define SRTP_RTP_BYTES_MAX 65535

enum srtp_suite {
    SRTP_AES_CM_128_HMAC_SHA1_80,
    SRTP_AES_CM_128_HMAC_SHA1_32, /* of RTP; SRTCP keeps 80 bits (RFC 4568 section 6.2) */
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_SUITES
};

struct srtp_suite_info {
    const char *name; /* as in SDP */
    uint8_t key_bytes, salt_bytes, rtp_tag_bytes, rtcp_tag_bytes;
    bool aead;
};
extern const struct srtp_suite_info srtp_suite_info[SRTP_SUITES];

/* Case matters not. false: not one of ours. */
bool srtp_suite_find(struct slice name, enum srtp_suite *out);

enum srtp_by { SRTP_BY_OURS, SRTP_BY_LIBSRTP2 /* srtp_lib.c */ };

struct srtp_key { /* a master key; to be wiped by its owner */
    enum srtp_suite suite;
    enum srtp_by by;
    uint8_t
        mki_bytes; /* length of the MKI in the packets; to seal with, SRTP_MKI_SENT_MAX at most */
    uint8_t mki[SRTP_MKI_SENT_MAX]; /* what is sent; libsrtp2 wants to receive that, too */
    uint8_t key[SRTP_KEY_MAX], salt[SRTP_SALT_MAX];
    uint64_t lifetime; /* packets, and reports; 0, or more than they can be: 2^48, 2^31 */
};

struct srtp_source { /* one SSRC; one cache line */
    uint32_t ssrc;
    bool used, rtp_started, rtcp_started;
    uint64_t index;   /* highest: rollover counter and sequence number */
    uint64_t seen[2]; /* bit n: index - n was here */
    uint32_t rtcp_index;
    uint64_t rtcp_seen[2];
};

struct srtp_half { /* session keys of RTP or of RTCP */
    struct evp_cipher_ctx_st *cipher;
    uint8_t salt[16];            /* at its place in the IV: bytes 0…13, or 0…11 for GCM */
    uint32_t inner[5], outer[5]; /* SHA-1 after the padded key's block (RFC 2104 section 4) */
};

struct srtp {
    const struct srtp_suite_info *suite;
    uint8_t mki_bytes;
    struct srtp_half rtp, rtcp;
    uint32_t rtcp_next; /* SRTCP index to be sent next */
    struct srtp_source source[SRTP_SOURCES_MAX];
    uint8_t mki[SRTP_MKI_SENT_MAX];
    struct srtp_lib *lib; /* NULL: ours */
};

enum srtp_verdict {
    SRTP_GOOD,
    SRTP_MALFORMED, /* not a packet, or too short for its trailer */
    SRTP_FORGED,    /* the tag is wrong: another key, or changed on the way */
    SRTP_REPLAYED,  /* this index was here; when sending: its key stream is used up */
    SRTP_OLD,       /* before the window */
    SRTP_CROWDED,   /* more SSRCs than SRTP_SOURCES_MAX */
    SRTP_WORN       /* 2^48 packets or 2^31 reports: the key must be replaced (secure.h) */
};

bool srtp_lib_is_there(void); /* libsrtp2 was there when this was built */

/* ERR_INVALID: a suite or MKI length out of range; ERR_NOMEM: libcrypto refused; ERR_UNSUPPORTED:
 * libsrtp2 is not there, or cannot have that MKI. After an error
 * there is nothing to srtp_end. */
enum err srtp_begin(struct srtp *s, const struct srtp_key *key);
void srtp_end(struct srtp *s); /* wipes; safe on zeroes and twice */

/* *len grows by at most SRTP_TRAILER_MAX: the buffer must have the room. Packets may be given out
 * of order within the window; none twice. */
enum srtp_verdict srtp_seal(struct srtp *s, uint8_t *p, uint32_t *len);
enum srtp_verdict srtp_unseal(struct srtp *s, uint8_t *p, uint32_t *len);

/* Compound packets; grows by at most SRTCP_TRAILER_MAX. */
enum srtp_verdict srtcp_seal(struct srtp *s, uint8_t *p, uint32_t *len);
enum srtp_verdict srtcp_unseal(struct srtp *s, uint8_t *p, uint32_t *len);

#endif
