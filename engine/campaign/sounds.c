/* The files that a campaign plays: where it names them, and whether they can be played. They are
 * opened when the files are checked, not when the campaign is read, as a campaign may be read where
 * its sounds are not. */
#include <stdio.h>
#include <string.h>

#include "campaign/reading.h"
#include "media/sound.h"

_Static_assert(CAMPAIGN_SOUNDS_MAX >= RESULT_COUNT + 3, "each treatment may have one");

void reading_sound(struct reading *r, const char *key, const char *at, const char *path)
{
    struct campaign *c = r->campaign;

    if (r->failed || !path[0])
        return;
    c->sounds[c->sound_count++] =
        (struct campaign_sound){.key = key, .path = path, .line = document_line(r->document, at)};
}

enum err campaign_check_sounds(const struct campaign *c, char *error)
{
    struct sound_cache *cache;
    char why[SOUND_ERROR_MAX];
    enum err e = sound_cache_open(&cache, 0);

    if (e != OK)
        return e;
    for (uint32_t i = 0; i < c->sound_count && e == OK; i++) {
        const struct campaign_sound *s = &c->sounds[i];
        const struct sound *sound;

        e = sound_load(cache, s->path, &sound, why);
        if (e == OK)
            sound_unref(sound);
        else
            snprintf(error, CAMPAIGN_ERROR_MAX, "%.300s:%u: %s: %s", c->path, s->line, s->key, why);
    }
    sound_cache_close(cache);
    return e;
}
