/* See kept.h: reading of indexes, and the sweep. */
#include "report/kept.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/record_index.h"
#include "report/kept_inner.h"

#define PATH_CAP 1200

const struct seal_key *kept_key(const struct kept_keys *keys, const uint8_t id[SEAL_KEY_ID_BYTES])
{
    for (uint32_t i = 0; keys && i < keys->count; i++)
        if (memcmp(keys->key[i].id, id, SEAL_KEY_ID_BYTES) == 0)
            return &keys->key[i];
    return NULL;
}

bool kept_is_recording(const char *name)
{
    static const char *const suffixes[] = {".wav", ".opus", ".sealed"};
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t k = strlen(suffixes[i]);

        if (n > k && strcmp(name + n - k, suffixes[i]) == 0)
            return true;
    }
    return false;
}

/* ---- index ---- */

static void copy_text(const json_t *o, const char *name, char *dst, size_t cap)
{
    const char *text = json_string_value(json_object_get(o, name));

    if (text)
        snprintf(dst, cap, "%s", text);
}

static uint64_t number(const json_t *o, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(o, name));

    return n > 0 ? (uint64_t)n : 0;
}

static void take_head(const json_t *o, struct kept_recording *out)
{
    copy_text(o, "format", out->format, sizeof(out->format));
    copy_text(o, "owner", out->owner, sizeof(out->owner));
    copy_text(o, "call_id", out->call_id, sizeof(out->call_id));
    copy_text(o, "opened", out->opened, sizeof(out->opened));
    out->channels = (uint32_t)number(o, "channels");
    out->opened_ms = number(o, "opened_ms");
    out->keep_until_ms = number(o, "keep_until_ms");
    out->has_index = true;
}

static void take_event(const json_t *o, struct kept_recording *out, kept_event_fn *event, void *arg)
{
    const char *name = json_string_value(json_object_get(o, "event"));
    const char *detail = json_string_value(json_object_get(o, "detail"));
    json_int_t at_ms = json_integer_value(json_object_get(o, "at_ms"));

    if (!name)
        return;
    out->events++;
    if (strcmp(name, "end") == 0) {
        out->ended = true;
        out->length_ms = at_ms;
        out->lost_bytes = number(o, "lost_bytes");
    }
    if (event)
        event(arg, at_ms, name, detail ? detail : "");
}

void kept_parse_index(const char *text, size_t len, struct kept_recording *out,
                      kept_event_fn *event, void *arg)
{
    const char *end = text + len;

    while (text < end) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));

        if (!nl)
            return; /* a line that a crash cut off */
        json_t *o = json_loadb(text, (size_t)(nl - text), 0, NULL);

        if (json_object_get(o, "peal_recording"))
            take_head(o, out);
        else if (o)
            take_event(o, out, event, arg);
        json_decref(o);
        text = nl + 1;
    }
}

struct plain {
    char *p;
    size_t len, cap;
};

static void add_plain(void *arg, uint64_t gap, const uint8_t *p, size_t n)
{
    struct plain *out = arg;

    (void)gap; /* a line that lost its middle is no JSON */
    if (out->len + n > out->cap)
        return;
    memcpy(out->p + out->len, p, n);
    out->len += n;
}

static void read_sealed_index(const struct kept_bytes *b, const struct kept_keys *keys,
                              struct kept_recording *out, kept_event_fn *event, void *arg)
{
    struct seal_info info;
    struct seal_damage damage;
    struct plain plain = {.p = malloc(b->len), .cap = b->len};

    if (!plain.p || seal_read_info(b->p, b->len, &info) != OK) {
        free(plain.p);
        return;
    }
    const struct seal_key *key = kept_key(keys, info.key_id);

    out->opened_ms = info.created_ms;
    out->keep_until_ms = info.keep_until_ms;
    out->locked = !key;
    if (key && seal_read(b->p, b->len, key, add_plain, &plain, &damage) == OK)
        kept_parse_index(plain.p, plain.len, out, event, arg);
    free(plain.p);
}

enum err kept_read(const char *audio, const struct kept_keys *keys, struct kept_recording *out,
                   kept_event_fn *event, void *arg, char *error)
{
    char path[PATH_CAP], ignored[KEPT_ERROR_MAX];
    struct kept_bytes b;
    struct seal_info info;

    *out = (struct kept_recording){.length_ms = -1};
    enum err e = kept_map(audio, &b, error);
    if (e)
        return e;
    out->bytes = b.len;
    out->sealed = seal_read_info(b.p, b.len, &info) == OK;
    if (out->sealed)
        seal_key_id_text(info.key_id, out->key_id);
    kept_unmap(&b);
    snprintf(path, sizeof(path), "%.1100s" RECORD_INDEX_SUFFIX, audio);
    if (kept_map(path, &b, ignored) != OK)
        return OK;
    if (seal_is(b.p, b.len))
        read_sealed_index(&b, keys, out, event, arg);
    else
        kept_parse_index((const char *)b.p, b.len, out, event, arg);
    kept_unmap(&b);
    return OK;
}

/* ---- the sweep ---- */

static void remove_one(const char *path, bool apply, struct kept_sweep *out)
{
    char index[PATH_CAP];
    struct stat st;

    snprintf(index, sizeof(index), "%.1100s" RECORD_INDEX_SUFFIX, path);
    if (lstat(path, &st) || !S_ISREG(st.st_mode))
        return;
    /* The audio first: its index says that it is to go, also to the next sweep. */
    if (apply && (unlink(path) || (unlink(index) && errno != ENOENT))) {
        out->failed++;
        return;
    }
    out->files++;
    out->bytes += (uint64_t)st.st_size;
}

enum err kept_sweep(const char *folder, uint64_t now_ms, bool apply, struct kept_sweep *out,
                    char *error)
{
    char path[PATH_CAP], ignored[KEPT_ERROR_MAX];
    struct kept_recording r;
    struct dirent *d;
    DIR *dir = opendir(folder);

    if (!dir) {
        snprintf(error, KEPT_ERROR_MAX, "%.300s: cannot be read (%.100s)", folder, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    while ((d = readdir(dir))) {
        snprintf(path, sizeof(path), "%.800s/%.255s", folder, d->d_name);
        if (kept_is_recording(d->d_name) && kept_read(path, NULL, &r, NULL, NULL, ignored) == OK &&
            r.keep_until_ms && r.keep_until_ms <= now_ms)
            remove_one(path, apply, out);
    }
    closedir(dir);
    return OK;
}
