/* How the calls of a campaign, or of the numbers that are answered, are recorded, as their files
 * say it: one set of keys for both. */
#ifndef PEAL_MEDIA_RECORD_SETTINGS_H
#define PEAL_MEDIA_RECORD_SETTINGS_H

#include "media/record.h"
#include "media/seal.h"

#define RECORD_SETTINGS_PATH_MAX    512
#define RECORD_PREBUFFER_DEFAULT_MS 8000 /* a verdict and the wait for an agent */
#define RECORD_KEEP_DAYS_MAX        36500
#define RECORD_SUFFIX_MAX           16

struct record_settings {
    enum media_record_format format;
    uint32_t bitrate;      /* of Opus, a channel; 0: RECORD_BITRATE_DEFAULT */
    uint32_t prebuffer_ms; /* what was heard before a recording begins stands at its beginning */
    uint32_t keep_days;    /* 0: nobody said */
    char mask_key;         /* the agent's, which masks and unmasks; 0: none */
    char key_file[RECORD_SETTINGS_PATH_MAX], key_command[RECORD_SETTINGS_PATH_MAX]; /* or neither */
    bool sealed; /* key holds; by record_settings_open */
    struct seal_key key;
};

/* Gets the key, where one is named. Blocks for as long as its command takes, 10 s at most. error:
 * SEAL_ERROR_MAX bytes. */
enum err record_settings_open(struct record_settings *s, char *error);
/* ".wav", ".opus.sealed" … */
const char *record_settings_suffix(const struct record_settings *s);
/* What the settings say of a recording that begins now. s NULL: a plain WAV file. */
void record_settings_fill(const struct record_settings *s, uint64_t wall_ms,
                          struct media_record *out);

#endif
