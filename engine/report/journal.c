/* calls.jsonl: appended by whole batches. When a batch cannot be written wholly, the file is cut
 * back to its last whole line, so a full disk never leaves half a record between whole ones. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/store.h"

#define READ_CHUNK (1u << 20)

static enum err io_error(const struct journal *j, const char *what, char *error)
{
    snprintf(error, RECORDS_ERROR_MAX, "%.120s: call records cannot be %s: %.60s", j->path, what,
             strerror(errno));
    return ERR_IO;
}

enum err journal_read(const struct journal *j, journal_line_fn *line, void *arg)
{
    char *buffer = malloc(READ_CHUNK);
    size_t have = 0;
    off_t at = 0;
    enum err e = buffer ? OK : ERR_NOMEM;

    while (!e) {
        ssize_t got = pread(j->fd, buffer + have, READ_CHUNK - have, at);
        if (got < 0)
            e = ERR_IO;
        if (got <= 0)
            break;
        at += got;
        have += (size_t)got;
        size_t start = 0;
        const char *newline;
        while ((newline = memchr(buffer + start, '\n', have - start)) != NULL) {
            size_t end = (size_t)(newline - buffer);
            line(arg, slice_of(buffer + start, end - start));
            start = end + 1;
        }
        if (start == 0 && have == READ_CHUNK)
            start = have; /* a line of a megabyte is none of ours */
        memmove(buffer, buffer + start, have - start);
        have -= start;
    }
    free(buffer);
    return e;
}

/* Where the last whole line ends. */
static enum err find_end(struct journal *j, uint64_t size)
{
    char block[4096];

    j->good_bytes = 0;
    while (size > 0) {
        uint64_t from = size > sizeof(block) ? size - sizeof(block) : 0;
        ssize_t got = pread(j->fd, block, (size_t)(size - from), (off_t)from);
        if (got != (ssize_t)(size - from))
            return ERR_IO;
        const char *newline = memrchr(block, '\n', (size_t)got);
        if (newline) {
            j->good_bytes = from + (uint64_t)(newline - block) + 1;
            return OK;
        }
        size = from;
    }
    return OK;
}

enum err journal_open(struct journal *j, const char *path, journal_line_fn *line, void *arg,
                      uint64_t *torn, char *error)
{
    struct stat st;

    *j = (struct journal){.fd = -1};
    *torn = 0;
    if (slice_copy(slice_cstr(path), j->path, sizeof(j->path))) {
        snprintf(error, RECORDS_ERROR_MAX, "the path of the call records is too long");
        return ERR_TOO_LONG;
    }
    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (j->fd < 0 || fstat(j->fd, &st))
        return io_error(j, "opened", error);
    j->regular = S_ISREG(st.st_mode);
    if (!j->regular)
        return OK;
    /* Who replaces the file by a shorter one (journal_rewrite.c) holds it alone. */
    if (flock(j->fd, LOCK_SH | LOCK_NB)) {
        snprintf(error, RECORDS_ERROR_MAX,
                 "%.120s: old call records are being removed from it; try again in a minute",
                 j->path);
        return ERR_STATE;
    }
    if (find_end(j, (uint64_t)st.st_size))
        return io_error(j, "read", error);
    if (j->good_bytes < (uint64_t)st.st_size) {
        *torn = (uint64_t)st.st_size - j->good_bytes;
        if (ftruncate(j->fd, (off_t)j->good_bytes))
            return io_error(j, "cut to whole lines", error);
    }
    if (journal_read(j, line, arg))
        return io_error(j, "read", error);
    return OK;
}

enum err journal_append(struct journal *j, struct slice text, char *error)
{
    uint32_t done = 0;

    while (done < text.len) {
        ssize_t n = write(j->fd, text.p + done, text.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            enum err e = io_error(j, "written", error);
            if (j->regular && ftruncate(j->fd, (off_t)j->good_bytes))
                return io_error(j, "cut back to whole lines", error);
            return e;
        }
        done += (uint32_t)n;
    }
    j->good_bytes += text.len;
    j->dirty = true;
    return OK;
}

enum err journal_sync(struct journal *j, char *error)
{
    if (!j->dirty)
        return OK;
    if (j->regular && fdatasync(j->fd))
        return io_error(j, "synced", error);
    j->dirty = false;
    return OK;
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
}
