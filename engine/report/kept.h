/* Recordings as they lie in a folder, with their indexes: read, decrypted, swept. Whole files are
 * read into memory (KEPT_FILE_MAX); for commands, not for engines. Nothing in the files is trusted:
 * they are what a crash or somebody left there. */
#ifndef PEAL_REPORT_KEPT_H
#define PEAL_REPORT_KEPT_H

#include "media/seal.h"

#define KEPT_FILE_MAX  (INT64_C(3) << 30)
#define KEPT_KEYS_MAX  16
#define KEPT_ERROR_MAX 512

struct kept_keys {
    struct seal_key key[KEPT_KEYS_MAX];
    uint32_t count;
};

struct kept_recording {
    char format[8], owner[64], call_id[160], opened[32]; /* "" where the index does not tell */
    uint32_t channels;
    bool sealed, has_index, ended; /* ended: the index has its end, no crash cut it off */
    bool locked;                   /* sealed, and its key is not given */
    char key_id[2 * SEAL_KEY_ID_BYTES + 1];
    uint64_t bytes; /* of the audio file */
    uint64_t opened_ms, keep_until_ms, lost_bytes;
    int64_t length_ms; /* as the index tells at its end; -1: not known */
    uint32_t events;
};

/* An event of the index. */
typedef void kept_event_fn(void *arg, int64_t at_ms, const char *event, const char *detail);

/* audio: path of its audio file. event may be NULL. ERR_NOT_FOUND, ERR_IO with a sentence in error
 * (KEPT_ERROR_MAX bytes); an index that is missing, locked or damaged is told in out. */
enum err kept_read(const char *audio, const struct kept_keys *keys, struct kept_recording *out,
                   kept_event_fn *event, void *arg, char *error);
/* The same of an index's text. */
void kept_parse_index(const char *text, size_t len, struct kept_recording *out,
                      kept_event_fn *event, void *arg);

/* The key of that id, NULL: it is not among them. */
const struct seal_key *kept_key(const struct kept_keys *keys, const uint8_t id[SEAL_KEY_ID_BYTES]);

/* Writes the plain text of a sealed file to `to`, which must not be there. What is lost of a WAV
 * file is silence, of an Ogg file a gap. ERR_AUTH: its key is not given; ERR_EXISTS; ERR_IO. */
enum err kept_unseal(const char *from, const char *to, const struct kept_keys *keys,
                     struct seal_damage *damage, char *error);

bool kept_is_recording(const char *name); /* by its suffix */

struct kept_sweep {
    uint64_t files, bytes, failed;
};
/* Recordings of the folder whose time (`keep_days` of who recorded them) is over. */
enum err kept_sweep(const char *folder, uint64_t now_ms, bool apply, struct kept_sweep *out,
                    char *error);

#endif
