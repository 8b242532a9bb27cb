/* `recording:` of NUMBERS.yaml: how what flows record is written and kept. */
#include <stdio.h>

#include "serve/numbers_inner.h"

static void read_format(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                        void *place)
{
    enum media_record_format *format = place;
    const char *text = numbers_text(r, where, n);

    if (!text)
        return;
    if (strcmp(text, "wav") == 0)
        *format = RECORD_WAV;
    else if (strcmp(text, "opus") == 0)
        *format = RECORD_OPUS;
    else
        numbers_fail(r, n, "%s: '%.40s' is not accepted; accepted: wav, opus", where, text);
}

static void read_bitrate(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    numbers_u32(r, where, n, RECORD_BITRATE_MIN, RECORD_BITRATE_MAX, place);
}

static void read_keep_days(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                           void *place)
{
    numbers_u32(r, where, n, 1, RECORD_KEEP_DAYS_MAX, place);
}

static void read_key_file(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                          void *place)
{
    numbers_path(r, where, n, place, RECORD_SETTINGS_PATH_MAX);
}

static void read_key_command(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                             void *place)
{
    numbers_copy(r, where, n, place, RECORD_SETTINGS_PATH_MAX);
}

static const struct numbers_field fields[] = {
    {.name = "format", .read = read_format, .at = offsetof(struct record_settings, format)},
    {.name = "bitrate", .read = read_bitrate, .at = offsetof(struct record_settings, bitrate)},
    {.name = "keep_days",
     .read = read_keep_days,
     .at = offsetof(struct record_settings, keep_days)},
    {.name = "key_file", .read = read_key_file, .at = offsetof(struct record_settings, key_file)},
    {.name = "key_command",
     .read = read_key_command,
     .at = offsetof(struct record_settings, key_command)},
};

void numbers_read_recording(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                            void *place)
{
    struct record_settings *s = place;

    numbers_mapping(r, where, n, fields, sizeof fields / sizeof fields[0], s);
    if (!r->file.failed && s->key_file[0] && s->key_command[0])
        numbers_fail(r, n, "%s: key_file and key_command are both given; one is accepted", where);
}
