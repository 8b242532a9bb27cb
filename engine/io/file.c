/* At most one operation of a file is in flight: open, then writes one after another, then patch,
 * then close. So the order is the order of calls, and a short write just goes on from where it
 * stopped. A chunk goes to the kernel when it is full, or FLUSH_MS after its first byte. */
#include "io/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define FLUSH_MS   200
#define PATCH_MAX  64
#define SPARE_MAX  2
#define CHUNKS_MAX (FILE_QUEUE_MAX / FILE_CHUNK)

/* Of the kernel alone, but a ring tells it of an open that a stop or a debugger interrupted (Linux
 * 6.18). */
#define RESTART_SYSCALL 512

struct chunk {
    struct list_node node;
    uint32_t len;
    char data[FILE_CHUNK];
};

enum file_phase { FILE_OPENING, FILE_WRITING, FILE_PATCHING, FILE_CLOSING };

struct file {
    struct loop *loop;
    struct loop_op op;
    struct timer flush;
    int fd;
    enum file_phase phase;
    bool busy, closing;
    bool flushing; /* the last chunk goes out though it is not full */
    struct list chunks, spare;
    uint32_t chunk_count, spare_count, front_at;
    uint64_t offset;
    char patch[PATCH_MAX];
    uint32_t patch_len;
    struct file_result result;
    file_closed_fn *closed;
    void *closed_arg;
    char path[];
};

static void advance(struct file *f);

static void failed(struct file *f, const char *what, int error)
{
    if (f->result.err)
        return;
    f->result.err = error == ENOENT ? ERR_NOT_FOUND : error == EACCES ? ERR_REFUSED : ERR_IO;
    f->result.sys_errno = error;
    log_error("io", what, "path=%s error=\"%s\"", f->path, strerror(error));
}

static void drop_chunks(struct file *f)
{
    struct list_node *n;

    while ((n = list_pop_front(&f->chunks))) {
        struct chunk *c = container_of(n, struct chunk, node);

        f->result.lost += c->len - f->front_at;
        f->front_at = 0;
        free(c);
    }
    f->chunk_count = 0;
}

static void end(struct file *f)
{
    struct list_node *n;

    while ((n = list_pop_front(&f->spare)))
        free(container_of(n, struct chunk, node));
    loop_timer_stop(f->loop, &f->flush);
    if (f->closed)
        f->closed(f->closed_arg, &f->result);
    free(f);
}

static void chunk_written(struct file *f, uint32_t bytes)
{
    struct chunk *c = container_of(list_first(&f->chunks), struct chunk, node);

    f->offset += bytes;
    f->result.written += bytes;
    f->front_at += bytes;
    if (f->front_at < c->len)
        return;
    list_remove(&c->node);
    f->chunk_count--;
    f->front_at = 0;
    c->len = 0;
    if (f->spare_count < SPARE_MAX) {
        list_push_back(&f->spare, &c->node);
        f->spare_count++;
    } else {
        free(c);
    }
}

static struct io_uring_sqe *begin(struct file *f, enum file_phase phase)
{
    f->phase = phase;
    f->busy = true;
    return loop_sqe(f->loop, &f->op);
}

static void start_open(struct file *f)
{
    io_uring_prep_openat(begin(f, FILE_OPENING), AT_FDCWD, f->path,
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

static void done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct file *f = container_of(op, struct file, op);
    bool interrupted = res == -EINTR || res == -RESTART_SYSCALL;
    bool again = interrupted || res == -EAGAIN;

    (void)cqe_flags;
    f->busy = false;
    switch (f->phase) {
    case FILE_OPENING:
        if (interrupted) {
            start_open(f);
            return;
        }
        if (res >= 0)
            f->fd = res;
        else
            failed(f, "cannot create file; check that the folder exists and may be written", -res);
        f->phase = FILE_WRITING;
        break;
    case FILE_WRITING:
        if (res > 0)
            chunk_written(f, (uint32_t)res);
        else if (!again)
            failed(f, "cannot write file; the rest of it is lost", res ? -res : ENOSPC);
        break;
    case FILE_PATCHING:
        if (again)
            break;
        if (res < 0)
            failed(f, "cannot write the head of file", -res);
        f->patch_len = 0;
        break;
    case FILE_CLOSING:
        f->fd = -1;
        if (res < 0)
            failed(f, "cannot close file", -res);
        end(f);
        return;
    }
    advance(f);
}

static bool start_write(struct file *f)
{
    struct list_node *first = list_first(&f->chunks);

    if (!first)
        return false;
    struct chunk *c = container_of(first, struct chunk, node);

    if (c->len < FILE_CHUNK && !f->flushing && !f->closing)
        return false;
    io_uring_prep_write(begin(f, FILE_WRITING), f->fd, c->data + f->front_at, c->len - f->front_at,
                        f->offset);
    if (first->next == &f->chunks.head)
        f->flushing = false;
    return true;
}

/* Starts the next operation, if one is due and none is in flight. */
static void advance(struct file *f)
{
    if (f->busy)
        return;
    if (f->result.err)
        drop_chunks(f);
    else if (start_write(f))
        return;
    if (!f->closing)
        return;
    if (f->fd < 0)
        io_uring_prep_nop(begin(f, FILE_CLOSING)); /* `closed` is never called from file_close */
    else if (f->patch_len && !f->result.err)
        io_uring_prep_write(begin(f, FILE_PATCHING), f->fd, f->patch, f->patch_len, 0);
    else
        io_uring_prep_close(begin(f, FILE_CLOSING), f->fd);
}

static void flush_fire(struct timer *t)
{
    struct file *f = container_of(t, struct file, flush);

    f->flushing = true;
    advance(f);
}

enum err file_open(struct file **out, struct loop *l, const char *path)
{
    size_t path_bytes = strlen(path) + 1;
    struct file *f = calloc(1, sizeof(*f) + path_bytes);

    if (!f)
        return ERR_NOMEM;
    f->loop = l;
    f->op.done = done;
    f->fd = -1;
    list_init(&f->chunks);
    list_init(&f->spare);
    timer_init(&f->flush);
    memcpy(f->path, path, path_bytes);
    start_open(f);
    *out = f;
    return OK;
}

/* The chunk to write into: the last one while it has room (and the kernel does not read it beyond
 * its length at submission, which it does not: bytes after len are not part of the write). */
static struct chunk *chunk_for(struct file *f)
{
    struct list_node *last = f->chunks.head.prev;

    if (last != &f->chunks.head) {
        struct chunk *c = container_of(last, struct chunk, node);

        if (c->len < FILE_CHUNK)
            return c;
    }
    struct list_node *n = list_pop_front(&f->spare);
    struct chunk *c;

    if (n) {
        f->spare_count--;
        c = container_of(n, struct chunk, node);
    } else if (!(c = malloc(sizeof(*c)))) {
        return NULL;
    }
    c->len = 0;
    list_node_init(&c->node);
    list_push_back(&f->chunks, &c->node);
    f->chunk_count++;
    return c;
}

static size_t room(const struct file *f)
{
    size_t whole = (size_t)(CHUNKS_MAX - f->chunk_count) * FILE_CHUNK;
    const struct list_node *last = f->chunks.head.prev;

    if (last == &f->chunks.head)
        return whole;
    return whole + FILE_CHUNK - container_of(last, const struct chunk, node)->len;
}

size_t file_room(const struct file *f)
{
    return f->result.err ? 0 : room(f);
}

enum err file_write(struct file *f, const void *p, size_t n)
{
    const char *from = p;

    assert(!f->closing);
    if (f->result.err || n > room(f)) {
        f->result.lost += n;
        return f->result.err ? f->result.err : ERR_FULL;
    }
    while (n) {
        struct chunk *c = chunk_for(f);

        if (!c) {
            f->result.lost += n;
            return ERR_NOMEM;
        }
        size_t part = FILE_CHUNK - c->len < n ? FILE_CHUNK - c->len : n;

        memcpy(c->data + c->len, from, part);
        c->len += (uint32_t)part;
        from += part;
        n -= part;
    }
    advance(f);
    if (!list_empty(&f->chunks) && !timer_running(&f->flush))
        loop_timer(f->loop, &f->flush, FLUSH_MS, flush_fire);
    return OK;
}

void file_patch(struct file *f, const void *p, size_t n)
{
    assert(n <= PATCH_MAX);
    memcpy(f->patch, p, n);
    f->patch_len = (uint32_t)n;
}

void file_close(struct file *f, file_closed_fn *closed, void *arg)
{
    assert(!f->closing);
    f->closing = true;
    f->closed = closed;
    f->closed_arg = arg;
    advance(f);
}

void file_abandon(struct file *f)
{
    assert(f->closing);
    if (f->result.err == OK)
        f->result.err = ERR_CANCELLED;
    if (f->busy)
        loop_cancel(f->loop, &f->op);
}
