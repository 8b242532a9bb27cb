/* The recordings that scripts expect to hear: when a script that says call:hears is loaded, every
 * sound file it names in a text is put into the library of known recordings (dsp/prints.h), which
 * the legs of later calls listen for. Nothing is added once a call has run: legs share the library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dsp/prints.h"
#include "flow/inner.h"

#define KNOWN_MAX 512 /* recordings; further ones are said when they are asked for */

struct recording_known {
    char path[SOUNDS_PATH_MAX];
    uint32_t index;
    char why[PRINTS_ERROR_MAX]; /* "" : it is in the library */
};

static struct recording_known *find(const struct flow_runtime *rt, struct slice path)
{
    for (uint32_t i = 0; i < rt->known_count; i++)
        if (slice_eq(slice_cstr(rt->known[i].path), path))
            return &rt->known[i];
    return NULL;
}

static void add(struct flow_runtime *rt, struct slice path)
{
    struct prints_info info = {.result = "announcement"};
    char message[SOUND_ERROR_MAX];
    const struct sound *sound;

    if (!rt->known)
        rt->known = calloc(KNOWN_MAX, sizeof *rt->known);
    if (!rt->known || rt->known_count == KNOWN_MAX)
        return;
    struct recording_known *k = &rt->known[rt->known_count];
    *k = (struct recording_known){.index = prints_count(rt->prints)};
    if (slice_copy(path, k->path, sizeof k->path) != OK || !rt->sounds)
        return;
    rt->known_count++;
    if (sounds_get(rt->sounds, k->path, &sound, message) != OK) {
        snprintf(k->why, sizeof k->why, "%.200s", message);
        return;
    }
    snprintf(info.id, sizeof info.id, "recording-%u", k->index);
    if (prints_add(rt->prints, &info, sound->pcm, sound->samples, message) != OK)
        snprintf(k->why, sizeof k->why, "%.200s", message);
}

/* A text literal that ends as sound files do. */
static bool is_sound(struct slice s)
{
    static const char *const ends[] = {".wav", ".ulaw", ".alaw", ".sln"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (s.len > n && memcmp(s.p + s.len - n, ends[i], n) == 0)
            return true;
    }
    return false;
}

static bool says_hears(struct slice text)
{
    return text.len && memmem(text.p, text.len, ":hears", 6);
}

void hearing_scan(struct flow_runtime *rt, struct slice text)
{
    uint32_t before = rt->known_count;

    if (!says_hears(text))
        return;
    if (rt->stats.started > 0) {
        log_warn("flow", "a script loaded while calls run hears no recordings", "%s", "");
        return;
    }
    for (uint32_t i = 0; i < text.len; i++) {
        char quote = text.p[i];
        if (quote != '"' && quote != '\'')
            continue;
        uint32_t end = i + 1;
        while (end < text.len && text.p[end] != quote && text.p[end] != '\n')
            end++;
        struct slice literal = slice_of(text.p + i + 1, end - i - 1);
        if (end < text.len && text.p[end] == quote && is_sound(literal) && !find(rt, literal))
            add(rt, literal);
        i = end;
    }
    if (rt->known_count > before && prints_index(rt->prints) != OK)
        log_warn("flow", "no memory for the recordings that scripts expect", "%s", "");
}

uint32_t hearing_index(lua_State *L, struct flow *f, const char *path)
{
    const struct recording_known *k = find(f->rt, slice_cstr(path));

    if (!f->rt->prints)
        flow_fail(L, "hears %s: recordings are not listened for in this run", path);
    if (!k)
        flow_fail(L,
                  "hears %s: it must stand in the script as a text, so that it is known before the "
                  "first call",
                  path);
    if (k->why[0])
        flow_fail(L, "hears %s: %s", path, k->why);
    return k->index;
}

void hearing_close(struct flow_runtime *rt)
{
    free(rt->known);
    rt->known = NULL;
    rt->known_count = 0;
}
