/* Between the files of SRTP: ciphers and tags (srtp_cipher.c), indices and windows (srtp_index.c).
 */
#ifndef PEAL_MEDIA_SRTP_INNER_H
#define PEAL_MEDIA_SRTP_INNER_H

#include "media/srtp.h"

/* What an initialization vector is made of (RFC 3711 section 4.1.1, RFC 7714 section 8.1). */
struct srtp_iv {
    uint8_t b[16];
};

/* Counter mode: *counter's last two bytes are 0 at first. Encrypts or decrypts in place. */
bool srtp_cm_init(struct srtp_half *h, const uint8_t *key, uint32_t bytes);
void srtp_cm_run(const struct srtp_half *h, const struct srtp_iv *counter, uint8_t *p,
                 uint32_t len);

/* HMAC-SHA1 over two pieces: all of RFC 3711's tags are over packet and index. out: 20 bytes. */
void srtp_mac_init(struct srtp_half *h, const uint8_t *key, uint32_t bytes);
void srtp_mac(const struct srtp_half *h, const uint8_t *p, uint32_t len, const uint8_t *more,
              uint32_t more_len, uint8_t out[20]);

/* A session key, at rate 0: the label alone tells them apart (RFC 3711 section 4.3.1, RFC 7714
 * section 11). master: srtp_cm_init with the master key. */
void srtp_derive(const struct srtp_half *master, const struct srtp_key *key, unsigned label,
                 uint8_t *out, uint32_t bytes);

/* AES-GCM; two pieces of associated data, the second may be empty. srtp_gcm_open puts the bytes
 * back as they were when the tag is wrong. */
bool srtp_gcm_init(struct srtp_half *h, const uint8_t *key, uint32_t bytes);
struct srtp_aad {
    const uint8_t *p, *more;
    uint32_t len, more_len;
};
void srtp_gcm_seal(const struct srtp_half *h, const struct srtp_iv *iv, const struct srtp_aad *aad,
                   uint8_t *p, uint32_t len, uint8_t *tag);
bool srtp_gcm_open(const struct srtp_half *h, const struct srtp_iv *iv, const struct srtp_aad *aad,
                   uint8_t *p, uint32_t len, const uint8_t *tag);

/* srtp_lib.c: the same by libsrtp2. */
#define SRTP_LIB_PACKET_MAX 4096
enum err srtp_lib_begin(struct srtp *s, const struct srtp_key *key);
void srtp_lib_end(struct srtp *s);
enum srtp_verdict srtp_lib_seal(struct srtp *s, uint8_t *p, uint32_t *len, bool rtcp);
enum srtp_verdict srtp_lib_unseal(struct srtp *s, uint8_t *p, uint32_t *len, bool rtcp);

/* The SSRC's entry, or a free one (not used yet: srtp_source_keep); NULL: crowded. */
struct srtp_source *srtp_source_find(struct srtp *s, uint32_t ssrc);

/* The index a packet most likely has (RFC 3711 section 3.3.1). */
uint64_t srtp_index_of(const struct srtp_source *source, uint16_t seq);
/* May a packet of this index pass? */
enum srtp_verdict srtp_index_check(const struct srtp_source *source, uint64_t index);
enum srtp_verdict srtcp_index_check(const struct srtp_source *source, uint32_t index);
/* It was genuine: the window moves. */
void srtp_index_keep(struct srtp_source *source, uint32_t ssrc, uint64_t index);
void srtcp_index_keep(struct srtp_source *source, uint32_t ssrc, uint32_t index);

#endif
