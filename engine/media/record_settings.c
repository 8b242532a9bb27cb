/* See record_settings.h. */
#include "media/record_settings.h"

#define DAY_MS UINT64_C(86400000)

enum err record_settings_open(struct record_settings *s, char *error)
{
    enum err e = OK;

    if (s->key_file[0])
        e = seal_key_file(&s->key, s->key_file, error);
    else if (s->key_command[0])
        e = seal_key_command(&s->key, s->key_command, error);
    else
        return OK;
    s->sealed = e == OK;
    return e;
}

const char *record_settings_suffix(const struct record_settings *s)
{
    if (!s)
        return ".wav";
    if (s->format == RECORD_OPUS)
        return s->sealed ? ".opus.sealed" : ".opus";
    return s->sealed ? ".wav.sealed" : ".wav";
}

void record_settings_fill(const struct record_settings *s, uint64_t wall_ms,
                          struct media_record *out)
{
    if (!s)
        return;
    out->format = s->format;
    out->bitrate = s->bitrate;
    out->key = s->sealed ? &s->key : NULL;
    out->index = true;
    if (s->keep_days)
        out->keep_until_ms = wall_ms + s->keep_days * DAY_MS;
}
