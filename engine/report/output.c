/* Written beside, then renamed: a reader never sees half a report. */
#include "report/output.h"

#include <errno.h>
#include <unistd.h>

static enum err fail(const char *path, const char *what, char *error)
{
    snprintf(error, OUTPUT_ERROR_MAX, "%.160s: cannot be %s: %.60s", path, what, strerror(errno));
    return ERR_IO;
}

enum err output_open(struct output *o, const char *path, char *error)
{
    o->file = NULL;
    if (slice_copy(slice_cstr(path), o->path, sizeof(o->path))) {
        snprintf(error, OUTPUT_ERROR_MAX, "%.160s…: the path is too long", path);
        return ERR_TOO_LONG;
    }
    snprintf(o->temporary, sizeof(o->temporary), "%s.tmp", o->path);
    o->file = fopen(o->temporary, "we");
    return o->file ? OK : fail(path, "written", error);
}

enum err output_close(struct output *o, bool keep, char *error)
{
    if (!o->file)
        return OK;
    bool failed = ferror(o->file) != 0;
    failed |= fclose(o->file) != 0;
    o->file = NULL;
    if (failed || !keep) {
        int saved = errno;
        unlink(o->temporary);
        errno = saved;
        return failed ? fail(o->path, "written", error) : OK;
    }
    if (rename(o->temporary, o->path)) {
        enum err e = fail(o->path, "put in its place", error);
        unlink(o->temporary);
        return e;
    }
    return OK;
}

enum err output_write(const char *path, struct slice text, char *error)
{
    struct output o;
    enum err e = output_open(&o, path, error);

    if (e)
        return e;
    fwrite(text.p, 1, text.len, o.file);
    return output_close(&o, true, error);
}
