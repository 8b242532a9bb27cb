/* See outlet.h. A chunk goes out when it is full or flushed; one that the file refuses leaves a
 * hole in the numbers, which the reader sees and tells. */
#include "media/outlet.h"
#include "media/srtp_crypto.h"

#include <stdlib.h>
#include <string.h>

static void release(struct outlet *o)
{
    seal_writer_close(o->seal);
    if (o->chunk)
        OPENSSL_cleanse(o->chunk, SEAL_CHUNK_MAX);
    free(o->chunk);
    free(o->sealed);
    o->seal = NULL;
    o->chunk = o->sealed = NULL;
}

enum err outlet_open(struct outlet *o, struct loop *l, const char *path, const struct seal_key *key,
                     uint64_t created_ms, uint64_t keep_until_ms)
{
    uint8_t header[SEAL_HEADER_BYTES];
    enum err e = OK;

    *o = (struct outlet){0};
    if (key) {
        o->chunk = malloc(SEAL_CHUNK_MAX);
        o->sealed = malloc(SEAL_CHUNK_MAX + SEAL_OVERHEAD);
        e = o->chunk && o->sealed
                ? seal_writer_open(&o->seal, key, created_ms, keep_until_ms, header)
                : ERR_NOMEM;
    }
    if (!e)
        e = file_open(&o->file, l, path);
    if (e) {
        o->file = NULL;
        release(o);
        return e;
    }
    return key ? file_write(o->file, header, sizeof(header)) : OK;
}

static enum err put_chunk(struct outlet *o, bool last)
{
    size_t n = seal_write(o->seal, o->chunk, o->waiting, last, o->sealed);

    if (n == 0)
        o->failed_bytes += o->waiting;
    o->waiting = 0;
    return n ? file_write(o->file, o->sealed, n) : ERR_IO;
}

enum err outlet_write(struct outlet *o, const void *p, size_t n)
{
    const uint8_t *from = p;
    enum err e = OK;

    if (!o->seal)
        return file_write(o->file, p, n);
    while (n && !e) {
        size_t part = SEAL_CHUNK_MAX - o->waiting < n ? SEAL_CHUNK_MAX - o->waiting : n;

        memcpy(o->chunk + o->waiting, from, part);
        o->waiting += (uint32_t)part;
        from += part;
        n -= part;
        if (o->waiting == SEAL_CHUNK_MAX)
            e = put_chunk(o, false);
    }
    /* A chunk that was refused is a hole that its reader fills up; nothing is to be said again. */
    return e == ERR_FULL ? OK : e;
}

bool outlet_has_room(const struct outlet *o, size_t n)
{
    return o->seal || file_room(o->file) >= n;
}

void outlet_flush(struct outlet *o)
{
    if (o->seal && o->waiting)
        put_chunk(o, false);
}

void outlet_patch(struct outlet *o, const void *p, size_t n)
{
    if (!o->seal)
        file_patch(o->file, p, n);
}

void outlet_close(struct outlet *o, file_closed_fn *closed, void *arg)
{
    struct file *file = o->file;

    if (o->seal)
        put_chunk(o, true);
    release(o);
    o->file = NULL;
    file_close(file, closed, arg);
}
