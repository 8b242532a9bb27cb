/* The library's file. All numbers little-endian:
 *
 *   "PEALPRNT", u32 version, u32 count,
 *   count × { id[48], result[24], language[12] (each padded with zeros), u32 frames,
 *             frames × { u32 bits, u32 mask } },
 *   u64 check sum (FNV-1a) of all before it
 *
 * The version covers how bits are made, too: another way of making them is another version. A file
 * is written beside the old one, synced and renamed over it, so a crash leaves one of the two. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsp/prints_inner.h"

#define VERSION      1u
#define HEAD_BYTES   16
#define NAMES_BYTES  (PRINTS_ID_MAX + PRINTS_RESULT_MAX + PRINTS_LANGUAGE_MAX)
#define FRAMES_MAX   (PRINTS_MS_MAX / PRINTS_FRAME_MS)
#define CHECK_BYTES  8
#define PATH_MAX_LEN 512

static const char magic[8] = {'P', 'E', 'A', 'L', 'P', 'R', 'N', 'T'};

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
    return p + 4;
}

uint64_t prints_checksum(const uint8_t *bytes, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u;
    return h;
}

static enum err bad(const char *name, const char *what, char *error)
{
    snprintf(error, PRINTS_ERROR_MAX, "%.120s: %s; build the library again (peal prints add)", name,
             what);
    return ERR_INVALID;
}

/* One recording; *at moves past it. */
static enum err take_one(struct prints *p, const uint8_t **at, const uint8_t *end, const char *name,
                         char *error)
{
    struct prints_info info = {0};
    if (end - *at < NAMES_BYTES + 4)
        return bad(name, "ends in the middle of a recording", error);
    memcpy(info.id, *at, PRINTS_ID_MAX);
    memcpy(info.result, *at + PRINTS_ID_MAX, PRINTS_RESULT_MAX);
    memcpy(info.language, *at + PRINTS_ID_MAX + PRINTS_RESULT_MAX, PRINTS_LANGUAGE_MAX);
    uint32_t frames = get32(*at + NAMES_BYTES);
    *at += NAMES_BYTES + 4;
    if (frames > FRAMES_MAX || (size_t)(end - *at) < frames * sizeof(struct print_frame))
        return bad(name, "has a recording longer than the file or the limit", error);
    struct print_frame *f = calloc(frames ? frames : 1, sizeof *f);
    if (!f) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: no memory to load it", name);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < frames; i++, *at += 8)
        f[i] = (struct print_frame){.bits = get32(*at), .mask = get32(*at + 4)};
    char why[PRINTS_ERROR_MAX];
    enum err err = prints_take(p, &info, f, frames, why);
    if (err)
        snprintf(error, PRINTS_ERROR_MAX, "%.80s: %.160s", name, why);
    return err;
}

enum err prints_parse(struct prints **out, const uint8_t *bytes, size_t len, const char *name,
                      char *error)
{
    if (len < HEAD_BYTES + CHECK_BYTES || memcmp(bytes, magic, sizeof magic) != 0)
        return bad(name, "is not a library of recordings", error);
    if (get32(bytes + 8) != VERSION) {
        snprintf(error, PRINTS_ERROR_MAX,
                 "%.120s: has version %u, this program reads version %u; build the library again "
                 "from its recordings",
                 name, get32(bytes + 8), VERSION);
        return ERR_UNSUPPORTED;
    }
    const uint8_t *end = bytes + len - CHECK_BYTES;
    uint64_t check = (uint64_t)get32(end + 4) << 32 | get32(end);
    if (check != prints_checksum(bytes, len - CHECK_BYTES))
        return bad(name, "is damaged (its check sum is wrong)", error);
    uint32_t count = get32(bytes + 12);
    struct prints *p;
    if (prints_open(&p)) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: no memory to load it", name);
        return ERR_NOMEM;
    }
    enum err err = OK;
    const uint8_t *at = bytes + HEAD_BYTES;
    for (uint32_t i = 0; !err && i < count; i++)
        err = take_one(p, &at, end, name, error);
    if (!err && at != end)
        err = bad(name, "has something after its last recording", error);
    if (err)
        prints_close(p);
    else
        *out = p;
    return err;
}

static enum err read_all(const char *path, uint8_t **out, size_t *len, char *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        int e = fd < 0 ? errno : EINVAL;
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: cannot be read (%s); check the path", path,
                 strerror(e));
        if (fd >= 0)
            close(fd);
        return e == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    enum err err = OK;
    uint8_t *p = NULL;
    if (st.st_size > (off_t)PRINTS_FILE_MAX) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: larger than %u MiB, which no library is", path,
                 PRINTS_FILE_MAX >> 20);
        err = ERR_TOO_LONG;
    } else if (!(p = malloc((size_t)st.st_size + 1))) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: no memory to load it", path);
        err = ERR_NOMEM;
    }
    *len = 0;
    while (!err && *len < (size_t)st.st_size) {
        ssize_t n = read(fd, p + *len, (size_t)st.st_size - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            snprintf(error, PRINTS_ERROR_MAX, "%.120s: reading failed (%s)", path,
                     n ? strerror(errno) : "it became shorter");
            err = ERR_IO;
        } else {
            *len += (size_t)n;
        }
    }
    close(fd);
    *out = p;
    return err;
}

enum err prints_load(struct prints **out, const char *path, char *error)
{
    uint8_t *bytes = NULL;
    size_t len;
    struct prints *p = NULL;
    enum err err = read_all(path, &bytes, &len, error);
    if (!err)
        err = prints_parse(&p, bytes, len, path, error);
    free(bytes);
    if (!err && prints_index(p)) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: no memory for its index", path);
        prints_close(p);
        err = ERR_NOMEM;
    }
    if (!err)
        *out = p;
    return err;
}

static uint8_t *put_name(uint8_t *at, const char *name, size_t cap)
{
    memset(at, 0, cap);
    memcpy(at, name, strnlen(name, cap - 1));
    return at + cap;
}

static size_t file_bytes(const struct prints *p)
{
    size_t len = HEAD_BYTES + CHECK_BYTES;
    for (uint32_t i = 0; i < p->count; i++)
        len += NAMES_BYTES + 4 + p->recording[i].frames * sizeof(struct print_frame);
    return len;
}

static void write_all(const struct prints *p, uint8_t *bytes, size_t len)
{
    memcpy(bytes, magic, sizeof magic);
    uint8_t *at = put32(put32(bytes + sizeof magic, VERSION), p->count);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct print_recording *r = &p->recording[i];
        at = put_name(at, r->info.id, PRINTS_ID_MAX);
        at = put_name(at, r->info.result, PRINTS_RESULT_MAX);
        at = put_name(at, r->info.language, PRINTS_LANGUAGE_MAX);
        at = put32(at, r->frames);
        for (uint32_t k = 0; k < r->frames; k++)
            at = put32(put32(at, r->frame[k].bits), r->frame[k].mask);
    }
    uint64_t check = prints_checksum(bytes, len - CHECK_BYTES);
    put32(put32(at, (uint32_t)check), (uint32_t)(check >> 32));
}

static bool store(int fd, const uint8_t *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

enum err prints_save(const struct prints *p, const char *path, char *error)
{
    char beside[PATH_MAX_LEN];
    size_t len = file_bytes(p);
    uint8_t *bytes = NULL;
    int fd = -1;
    if (len > PRINTS_FILE_MAX) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: would be larger than %u MiB; remove recordings",
                 path, PRINTS_FILE_MAX >> 20);
        return ERR_TOO_LONG;
    }
    if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s…: the path is too long", path);
        return ERR_TOO_LONG;
    }
    bytes = malloc(len);
    if (!bytes) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: no memory to write it", path);
        return ERR_NOMEM;
    }
    write_all(p, bytes, len);
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool stored = fd >= 0 && store(fd, bytes, len);
    if (stored && rename(beside, path) != 0)
        stored = false;
    if (!stored) {
        snprintf(error, PRINTS_ERROR_MAX, "%.120s: cannot be written (%s); check folder and space",
                 path, strerror(errno));
        unlink(beside);
    }
    if (fd >= 0)
        close(fd);
    free(bytes);
    return stored ? OK : ERR_IO;
}
