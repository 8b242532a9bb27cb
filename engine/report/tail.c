#include "report/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report/store.h"

enum err tail_open(struct tail *t, const char *path)
{
    t->fd = open(path, O_RDONLY | O_CLOEXEC);
    return t->fd < 0 ? ERR_IO : OK;
}

void tail_close(struct tail *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

/* Not every file system can say that it would have to wait; those that cannot
 * are memory. */
static ssize_t read_what_is_there(int fd, char *dst, size_t n, off_t at)
{
    struct iovec v = {dst, n};
    ssize_t got = preadv2(fd, &v, 1, at, RWF_NOWAIT);

    if (got < 0 && errno == EOPNOTSUPP)
        got = pread(fd, dst, n, at);
    if (got < 0 && errno == EAGAIN)
        posix_fadvise(fd, at, (off_t)n, POSIX_FADV_WILLNEED);
    return got;
}

enum err tail_read(struct tail *t, uint64_t at, uint64_t end, char *dst, size_t cap,
                   struct slice *out)
{
    size_t n = end - at < cap ? (size_t)(end - at) : cap;

    *out = SLICE_NONE;
    if (at >= end)
        return ERR_CLOSED;
    ssize_t got = read_what_is_there(t->fd, dst, n, (off_t)at);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
    const char *newline = got ? memrchr(dst, '\n', (size_t)got) : NULL;

    if (!newline) /* part of a line may be in memory, and the rest not yet */
        return (size_t)got < n && got > 0 ? ERR_AGAIN : ERR_CLOSED;
    *out = slice_of(dst, (size_t)(newline - dst) + 1);
    return OK;
}

bool tail_id(struct slice line, char *dst, size_t cap)
{
    struct slice campaign, lead;
    uint32_t attempt;

    if (!record_line_key(line, &campaign, &lead, &attempt))
        return false;
    int n = snprintf(dst, cap, SLICE_FMT "/" SLICE_FMT "/%u", SLICE_ARG(campaign), SLICE_ARG(lead),
                     attempt);
    return n > 0 && (size_t)n < cap;
}
