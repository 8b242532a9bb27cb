/* Files written through the ring, so that a slow disk never delays the loop's other work. Writes
 * copy into bounded chunks and go out in order at increasing offsets; file_patch rewrites bytes at
 * the front (WAV headers) at close. When FILE_QUEUE_MAX bytes wait, writes are refused and counted. */
#ifndef PEAL_IO_FILE_H
#define PEAL_IO_FILE_H

#include "io/loop.h"

#define FILE_CHUNK 16384
#define FILE_QUEUE_MAX (512 * 1024)

struct file;

struct file_result {
    enum err err;         /* OK, or what first went wrong */
    int sys_errno;        /* of that failure (ENOSPC, EACCES…), 0 otherwise */
    uint64_t written;     /* bytes safely handed to the kernel */
    uint64_t lost;        /* bytes refused or failed */
};
typedef void file_closed_fn(void *arg, const struct file_result *result);

/* Opens asynchronously: failure is reported by `closed`. Creates or truncates. path is copied. */
enum err file_open(struct file **out, struct loop *l, const char *path);
enum err file_write(struct file *f, const void *p, size_t n); /* ERR_FULL: refused, counted lost */
size_t file_room(const struct file *f); /* bytes that file_write would take now; 0: it failed */
void file_patch(struct file *f, const void *p, size_t n);     /* ≤ 64 bytes at offset 0, at close */
/* Flushes, patches, closes; then closed(arg, result) (may be NULL) and f is gone. */
void file_close(struct file *f, file_closed_fn *closed, void *arg);
/* After file_close: what the disk has not taken yet is given up, so that `closed` comes soon
 * (ERR_CANCELLED, the rest counted as lost). */
void file_abandon(struct file *f);

#endif
