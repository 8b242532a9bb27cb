#include "dialer/import_rejects.h"

#include <errno.h>
#include <string.h>

static void put_quoted(FILE *f, struct slice s)
{
    fputc('"', f);
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"')
            fputc('"', f);
        fputc(s.p[i], f);
    }
    fputc('"', f);
}

static bool open_file(struct import_rejects *r, const struct leads *from)
{
    char part = leads_separator(from);

    if (r->file || r->failed)
        return r->file != NULL;
    r->file = fopen(r->path, "w");
    if (!r->file) {
        r->failed = true;
        fprintf(stderr, "%s: rejected rows cannot be written: %s\n", r->path, strerror(errno));
        return false;
    }
    fprintf(r->file, "%s%cline%creason\n", leads_header(from) ? leads_header(from) : "row", part,
            part);
    return true;
}

void import_rejects_put(struct import_rejects *r, const struct leads *from, uint64_t line,
                        const char *reason)
{
    struct slice raw = leads_raw(from);

    r->rows++;
    if (!open_file(r, from))
        return;
    if (leads_header(from))
        fwrite(raw.p, 1, raw.len, r->file);
    else
        put_quoted(r->file, raw);
    fprintf(r->file, "%c%llu%c", leads_separator(from), (unsigned long long)line,
            leads_separator(from));
    put_quoted(r->file, slice_cstr(reason));
    fputc('\n', r->file);
}

bool import_rejects_close(struct import_rejects *r)
{
    if (r->file && fclose(r->file) != 0)
        r->failed = true;
    r->file = NULL;
    return !r->failed;
}
