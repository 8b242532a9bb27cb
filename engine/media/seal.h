/* Recordings encrypted at rest: a container of chunks, each AES-256-GCM (NIST SP 800-38D) by
 * itself, so that it can be written as it comes, read up to where a crash cut it off, and damage
 * costs the chunks that it hit.
 *
 * File header, SEAL_HEADER_BYTES, little endian:
 *   0 "PEALSEAL"   8 version (2 bytes, 1)   10 header's length (2)   12 algorithm (2, 1)   14 zero
 * (2) 16 key id (8)   24 salt (16)   40 created_ms (8, wall clock)   48 keep_until_ms (8, 0: none)
 *   56 zero (8)
 * Chunk: 24 bytes, then as many bytes of ciphertext as it says, then the tag of 16:
 *   0 "PCHK"   4 length (4; the top bit: the last chunk)   8 number (8, from 0)   16 offset (8, of
 *   its first byte in the plain text)
 *
 * Each file has a key of its own, HKDF-SHA-256 of the key and the salt (RFC 5869); the nonce is the
 * chunk's number, the additional data the file's and the chunk's header. So chunks cannot be put in
 * another order, another file or cut off unseen: a file that does not end with the last chunk was
 * cut. The key id is the first half of a hash of the key: it names the key and tells nothing of it.
 *
 * Reading (seal_read) goes on behind a chunk that does not open: at the length it states, or else
 * at the next chunk header with a later number. One thread each. */
#ifndef PEAL_MEDIA_SEAL_H
#define PEAL_MEDIA_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SEAL_KEY_BYTES          32
#define SEAL_KEY_ID_BYTES       8
#define SEAL_HEADER_BYTES       64
#define SEAL_CHUNK_HEADER_BYTES 24
#define SEAL_TAG_BYTES          16
#define SEAL_CHUNK_MAX          16384 /* of plain text */
#define SEAL_OVERHEAD           (SEAL_CHUNK_HEADER_BYTES + SEAL_TAG_BYTES)
#define SEAL_ERROR_MAX          256

struct seal_key {
    uint8_t bytes[SEAL_KEY_BYTES];
    uint8_t id[SEAL_KEY_ID_BYTES];
};

/* From what a file or a command gave: 32 bytes, or 64 hexadecimal digits, white space around them.
 * Anything else is ERR_INVALID. */
enum err seal_key_parse(struct seal_key *out, const uint8_t *text, size_t len);
/* Reads it. On failure error (SEAL_ERROR_MAX bytes) is a sentence; it never holds key bytes. */
enum err seal_key_file(struct seal_key *out, const char *path, char *error);
/* Runs it by /bin/sh and takes what it prints, SEAL_COMMAND_MAX_MS at most. Blocks. */
#define SEAL_COMMAND_MAX_MS 10000
enum err seal_key_command(struct seal_key *out, const char *command, char *error);
void seal_key_wipe(struct seal_key *k);
void seal_key_id_text(const uint8_t id[SEAL_KEY_ID_BYTES], char text[2 * SEAL_KEY_ID_BYTES + 1]);

/* ---- writing ---- */

struct seal_writer;
/* Makes the file's header. ERR_NOMEM; ERR_IO: the system gives no random bytes. */
enum err seal_writer_open(struct seal_writer **out, const struct seal_key *key, uint64_t created_ms,
                          uint64_t keep_until_ms, uint8_t header[SEAL_HEADER_BYTES]);
/* plain: at most SEAL_CHUNK_MAX bytes; dst: n + SEAL_OVERHEAD. The length written, 0: it failed. */
size_t seal_write(struct seal_writer *w, const void *plain, size_t n, bool last, uint8_t *dst);
void seal_writer_close(struct seal_writer *w); /* NULL is harmless */

/* ---- reading ---- */

struct seal_info {
    uint8_t key_id[SEAL_KEY_ID_BYTES];
    uint64_t created_ms, keep_until_ms;
};
bool seal_is(const uint8_t *p, size_t len);
/* ERR_INVALID: not such a file, or cut off within the header; ERR_UNSUPPORTED: a later version. */
enum err seal_read_info(const uint8_t *p, size_t len, struct seal_info *out);

struct seal_damage {
    uint64_t chunks;        /* that opened */
    uint64_t damaged;       /* numbers that are missing between those that opened */
    uint64_t skipped_bytes; /* of the file, that belong to no whole chunk */
    uint64_t lost_bytes;    /* of the plain text */
    uint64_t first_offset;  /* of the plain text that is lost first; UINT64_MAX: none */
    bool cut_off;           /* the last chunk is not there */
};
/* Plain text in order; gap: bytes lost before it. */
typedef void seal_plain_fn(void *arg, uint64_t gap, const uint8_t *plain, size_t n);
/* ERR_AUTH: the key is another one; else OK with what is told in damage. */
enum err seal_read(const uint8_t *p, size_t len, const struct seal_key *key, seal_plain_fn *plain,
                   void *arg, struct seal_damage *damage);

#endif
