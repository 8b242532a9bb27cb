/* Decryption of a sealed recording into a file that players know, see kept.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/wav.h"
#include "report/kept_inner.h"

enum err kept_map(const char *path, struct kept_bytes *out, char *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(error, KEPT_ERROR_MAX, "%.300s: cannot be read (%.100s)", path, strerror(errno));
        enum err e = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;

        if (fd >= 0)
            close(fd);
        return e;
    }
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > KEPT_FILE_MAX) {
        snprintf(error, KEPT_ERROR_MAX, "%.300s: not a file of 1 byte to 3 GiB", path);
        close(fd);
        return ERR_INVALID;
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED) {
        snprintf(error, KEPT_ERROR_MAX, "%.300s: no memory for it", path);
        return ERR_NOMEM;
    }
    *out = (struct kept_bytes){.p = p, .len = (size_t)st.st_size};
    return OK;
}

void kept_unmap(struct kept_bytes *b)
{
    munmap((void *)(uintptr_t)b->p, b->len);
}

struct writing {
    int fd;
    bool begun, wav;
    uint8_t head[WAV_HEADER_BYTES];
    uint64_t bytes;
    enum err err;
};

static void put(struct writing *w, const uint8_t *p, size_t n)
{
    while (n && !w->err) {
        ssize_t wrote = write(w->fd, p, n);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            w->err = ERR_IO;
            return;
        }
        p += wrote;
        n -= (size_t)wrote;
        w->bytes += (uint64_t)wrote;
    }
}

static void take(void *arg, uint64_t gap, const uint8_t *plain, size_t n)
{
    static const uint8_t silence[SEAL_CHUNK_MAX];
    struct writing *w = arg;

    if (!w->begun) {
        w->begun = true;
        w->wav = gap == 0 && n >= WAV_HEADER_BYTES && memcmp(plain, "RIFF", 4) == 0;
        if (w->wav)
            memcpy(w->head, plain, WAV_HEADER_BYTES);
    }
    /* Both channels stay where they were; Ogg finds its next page by itself. */
    for (uint64_t left = w->wav && gap <= (uint64_t)KEPT_FILE_MAX ? gap : 0; left && !w->err;) {
        size_t part = left < sizeof(silence) ? (size_t)left : sizeof(silence);

        put(w, silence, part);
        left -= part;
    }
    put(w, plain, n);
}

/* The header that was written when nobody knew the length. */
static void mend_head(struct writing *w)
{
    uint64_t data = w->bytes - WAV_HEADER_BYTES;

    if (!w->wav || w->bytes < WAV_HEADER_BYTES || data > UINT32_MAX - WAV_HEADER_BYTES)
        return;
    wav_write_header(w->head, w->head[22] == 2 ? 2 : 1, (uint32_t)data);
    if (pwrite(w->fd, w->head, sizeof(w->head), 0) != (ssize_t)sizeof(w->head))
        w->err = ERR_IO;
}

static enum err unseal(const struct kept_bytes *b, const char *from, const char *to,
                       const struct kept_keys *keys, struct seal_damage *damage, char *error)
{
    struct seal_info info;
    enum err e = seal_read_info(b->p, b->len, &info);
    char id[2 * SEAL_KEY_ID_BYTES + 1];

    if (e) {
        snprintf(error, KEPT_ERROR_MAX,
                 e == ERR_UNSUPPORTED ? "%.300s: encrypted by a later Peal; take that one"
                                      : "%.300s: not an encrypted recording of Peal's",
                 from);
        return e;
    }
    const struct seal_key *key = kept_key(keys, info.key_id);
    if (!key) {
        seal_key_id_text(info.key_id, id);
        snprintf(error, KEPT_ERROR_MAX, "%.300s: its key, id %s, is not among those given", from,
                 id);
        return ERR_AUTH;
    }
    struct writing w = {.fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (w.fd < 0) {
        snprintf(error, KEPT_ERROR_MAX, "%.300s: cannot be made (%.100s)", to, strerror(errno));
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    }
    e = seal_read(b->p, b->len, key, take, &w, damage);
    mend_head(&w);
    if (close(w.fd) != 0 || w.err) {
        snprintf(error, KEPT_ERROR_MAX, "%.300s: cannot be written (%.100s)", to, strerror(errno));
        e = ERR_IO;
    }
    return e;
}

enum err kept_unseal(const char *from, const char *to, const struct kept_keys *keys,
                     struct seal_damage *damage, char *error)
{
    struct kept_bytes b;
    enum err e = kept_map(from, &b, error);

    if (e)
        return e;
    e = unseal(&b, from, to, keys, damage, error);
    kept_unmap(&b);
    return e;
}
