/* Under an exclusive lock of the old file, which a writer of it holds shared (journal.c): no record
 * can be appended to a file that is about to be replaced. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "report/retain.h"

struct rewriting {
    const char *path;
    char temporary[600];
    FILE *from, *to;
    uint64_t removed, kept;
};

static enum err fail(const struct rewriting *w, const char *what, char *error)
{
    snprintf(error, HISTORY_ERROR_MAX, "%.200s: cannot be %s: %.80s", w->path, what,
             strerror(errno));
    return ERR_IO;
}

static enum err lock(struct rewriting *w, char *error)
{
    if (flock(fileno(w->from), LOCK_EX | LOCK_NB) == 0)
        return OK;
    if (errno != EWOULDBLOCK)
        return fail(w, "locked", error);
    snprintf(error, HISTORY_ERROR_MAX,
             "%.200s: an engine is writing to it; try again when it has ended", w->path);
    return ERR_STATE;
}

/* Copies the lines that stay; to NULL: only counts. */
static enum err pass(struct rewriting *w, journal_keep_fn *keep, void *arg, char *error)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    enum err e = OK;

    while (!e && (n = getline(&line, &cap, w->from)) > 0) {
        bool whole = line[n - 1] == '\n';

        if (whole && !keep(arg, slice_of(line, (size_t)n - 1))) {
            w->removed++;
            continue;
        }
        w->kept++;
        if (w->to && fwrite(line, 1, (size_t)n, w->to) != (size_t)n)
            e = fail(w, "written anew", error);
    }
    if (!e && ferror(w->from))
        e = fail(w, "read", error);
    free(line);
    return e;
}

/* The name of the file is on disk with its folder. */
static void sync_folder(const char *path)
{
    char folder[600];
    const char *slash = strrchr(path, '/');

    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    int fd = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static enum err replace(struct rewriting *w, journal_keep_fn *keep, void *arg, char *error)
{
    struct rewriting second = {.path = w->path, .from = w->from};
    enum err e = OK;

    snprintf(w->temporary, sizeof(w->temporary), "%.590s.tmp", w->path);
    second.to = fopen(w->temporary, "we");
    if (!second.to)
        return fail(w, "written anew", error);
    rewind(w->from);
    e = pass(&second, keep, arg, error);
    if (!e && (fflush(second.to) || fsync(fileno(second.to))))
        e = fail(w, "written anew", error);
    if (fclose(second.to) && !e)
        e = fail(w, "written anew", error);
    if (!e && rename(w->temporary, w->path))
        e = fail(w, "put in its place", error);
    if (e)
        unlink(w->temporary);
    else
        sync_folder(w->path);
    return e;
}

enum err journal_rewrite(const char *path, journal_keep_fn *keep, void *arg, bool apply,
                         uint64_t *removed, uint64_t *kept, char *error)
{
    struct rewriting w = {.path = path, .from = fopen(path, "re")};
    enum err e = OK;

    *removed = *kept = 0;
    if (!w.from)
        return errno == ENOENT ? OK : fail(&w, "opened", error);
    if (apply)
        e = lock(&w, error);
    if (!e)
        e = pass(&w, keep, arg, error);
    if (!e && apply && w.removed)
        e = replace(&w, keep, arg, error);
    fclose(w.from);
    *removed = w.removed;
    *kept = w.kept;
    return e;
}
