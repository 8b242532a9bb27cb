/* The sound folder: a sorted list of paths, searched by halves. */
#include "flow/sounds.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/slice.h"

struct entry {
    char path[SOUNDS_PATH_MAX];
    const struct sound *sound; /* one reference, NULL: not loaded yet */
};

struct sounds {
    struct sound_cache *cache;
    char root[256];
    struct entry *entries;
    uint32_t count, capacity, left_out;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static bool is_sound_name(const char *name)
{
    static const char *const endings[] = {".wav", ".ulaw", ".alaw", ".sln"};
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i]);
        if (len > n && strcmp(name + len - n, endings[i]) == 0)
            return true;
    }
    return false;
}

static enum err add(struct sounds *s, const char *path)
{
    if (s->count == SOUNDS_MAX) {
        s->left_out++;
        return OK;
    }
    if (s->count == s->capacity) {
        uint32_t capacity = s->capacity ? s->capacity * 2 : 64;
        struct entry *more = realloc(s->entries, capacity * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        s->entries = more;
        s->capacity = capacity;
    }
    struct entry *e = &s->entries[s->count++];
    memset(e, 0, sizeof *e);
    return slice_copy(slice_cstr(path), e->path, sizeof e->path);
}

/* folder: relative to the root, "" for the root itself. */
static enum err scan(struct sounds *s, const char *folder, int depth)
{
    char full[512], path[SOUNDS_PATH_MAX];
    struct dirent *d;
    enum err e = OK;

    snprintf(full, sizeof full, "%s/%s", s->root, folder);
    DIR *dir = opendir(full);
    if (!dir)
        return ERR_NOT_FOUND;
    while (e == OK && (d = readdir(dir))) {
        struct stat st;
        int n = snprintf(path, sizeof path, "%s%s%s", folder, folder[0] ? "/" : "", d->d_name);
        if (d->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof path)
            continue;
        if (fstatat(dirfd(dir), d->d_name, &st, 0) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < SOUNDS_DEPTH_MAX)
            e = scan(s, path, depth + 1);
        else if (S_ISREG(st.st_mode) && is_sound_name(d->d_name))
            e = add(s, path);
    }
    closedir(dir);
    return e;
}

static enum err load(struct sounds *s, struct entry *e, char *message)
{
    char full[512];

    snprintf(full, sizeof full, "%s/%s", s->root, e->path);
    return sound_load(s->cache, full, &e->sound, message);
}

static enum err load_all(struct sounds *s)
{
    char message[SOUND_ERROR_MAX] = "";

    for (uint32_t i = 0; i < s->count; i++) {
        enum err e = load(s, &s->entries[i], message);
        if (e == OK)
            continue;
        log_error("flow", "a sound file cannot be used", "file=%s why=\"%s\"", s->entries[i].path,
                  message);
        return e;
    }
    return OK;
}

enum err sounds_open(struct sounds **out, struct sound_cache *cache, const char *root, bool preload)
{
    struct sounds *s = calloc(1, sizeof *s);

    if (!s)
        return ERR_NOMEM;
    s->cache = cache;
    enum err e = slice_copy(slice_cstr(root), s->root, sizeof s->root);
    if (e == OK)
        e = scan(s, "", 0);
    if (e == OK && s->count)
        qsort(s->entries, s->count, sizeof *s->entries, compare);
    if (s->left_out)
        log_warn("flow", "the audio folder has too many files", "folder=%s used=%u left_out=%u",
                 root, s->count, s->left_out);
    if (e == OK && preload)
        e = load_all(s);
    if (e != OK) {
        sounds_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void sounds_close(struct sounds *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->entries[i].sound)
            sound_unref(s->entries[i].sound);
    free(s->entries);
    free(s);
}

uint32_t sounds_count(const struct sounds *s)
{
    return s->count;
}

/* Index of the first entry not before path. */
static uint32_t lower(const struct sounds *s, const char *path)
{
    uint32_t lo = 0, hi = s->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (strcmp(s->entries[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool sounds_has(const struct sounds *s, const char *path)
{
    uint32_t i = lower(s, path);

    return i < s->count && strcmp(s->entries[i].path, path) == 0;
}

enum err sounds_get(struct sounds *s, const char *path, const struct sound **out, char *message)
{
    uint32_t i = lower(s, path);

    if (i == s->count || strcmp(s->entries[i].path, path) != 0) {
        snprintf(message, SOUND_ERROR_MAX, "there is no file %.100s in %.100s", path, s->root);
        return ERR_NOT_FOUND;
    }
    if (!s->entries[i].sound) {
        enum err e = load(s, &s->entries[i], message);
        if (e != OK)
            return e;
    }
    *out = s->entries[i].sound;
    return OK;
}

/* Entries of a folder lie together; those of its own sub-folders are stepped over. */
static const char *nth(const struct sounds *s, const char *folder, uint32_t n, uint32_t *count)
{
    char prefix[SOUNDS_PATH_MAX + 1];
    size_t len = (size_t)snprintf(prefix, sizeof prefix, "%.*s/", SOUNDS_PATH_MAX - 1, folder);

    *count = 0;
    for (uint32_t i = lower(s, prefix); i < s->count; i++) {
        const char *path = s->entries[i].path;
        if (strncmp(path, prefix, len) != 0)
            break;
        if (strchr(path + len, '/'))
            continue;
        if ((*count)++ == n)
            return path;
    }
    return NULL;
}

uint32_t sounds_folder_count(const struct sounds *s, const char *folder)
{
    uint32_t count;

    nth(s, folder, UINT32_MAX, &count);
    return count;
}

const char *sounds_folder_at(const struct sounds *s, const char *folder, uint32_t n)
{
    uint32_t count;

    return nth(s, folder, n, &count);
}
