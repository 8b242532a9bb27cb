/* A row is found first (its end lies outside quotes) and only then taken apart, because taking
 * apart rewrites doubled quotes in the buffer. */
#include "campaign/csv.h"

#include <errno.h>
#include <stdlib.h>

enum err csv_init(struct csv *c, csv_read_fn *read, void *arg)
{
    *c = (struct csv){.read = read, .arg = arg, .separator = ',', .next_line = 1};
    c->buffer = malloc(CSV_BUFFER);
    c->copy = malloc(CSV_ROW_MAX);
    return c->buffer && c->copy ? OK : ERR_NOMEM;
}

void csv_fini(struct csv *c)
{
    free(c->buffer);
    free(c->copy);
    c->buffer = c->copy = NULL;
}

static bool has_what_is_wanted(const struct csv *c)
{
    size_t have = c->end - c->start;

    return have > CSV_ROW_MAX || c->eof || (c->live && memchr(c->buffer + c->start, '\n', have));
}

/* Reads on until the buffer holds a whole longest row, or the file's end; live, a whole line. */
static enum err fill(struct csv *c)
{
    if (has_what_is_wanted(c))
        return OK;
    if (c->failed)
        return ERR_IO;
    memmove(c->buffer, c->buffer + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
    while (c->end < CSV_BUFFER && !c->eof && !(c->live && has_what_is_wanted(c))) {
        int64_t got = c->read(c->arg, c->buffer + c->end, CSV_BUFFER - c->end);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            c->failed = true;
            return ERR_IO;
        }
        c->eof = got == 0;
        c->end += (size_t)got;
        c->bytes += (uint64_t)got;
    }
    return OK;
}

/* The row's length with its newline, looking at no more than CSV_ROW_MAX bytes; 0: it does not end
 * there. *quoted: there are quotes in it. */
static size_t row_length(const struct csv *c, bool *quoted)
{
    const char *row = c->buffer + c->start;
    size_t have = c->end - c->start, most = have < CSV_ROW_MAX ? have : CSV_ROW_MAX;
    const char *newline = memchr(row, '\n', most);
    size_t first = newline ? (size_t)(newline - row) + 1 : most;
    bool inside = false, field_starts = true;

    *quoted = memchr(row, '"', first) != NULL;
    if (!*quoted)
        return newline ? first : (have == most && c->eof ? most : 0);
    for (size_t i = 0; i < most; i++) {
        char ch = row[i];
        if (inside) {
            if (ch == '"') {
                if (i + 1 < most && row[i + 1] == '"')
                    i++;
                else
                    inside = false;
            }
            continue;
        }
        if (ch == '\n')
            return i + 1;
        if (ch == '"' && field_starts)
            inside = true;
        field_starts = ch == c->separator;
    }
    return !inside && have == most && c->eof ? most : 0;
}

static void skip(struct csv *c, size_t n)
{
    for (const char *p = c->buffer + c->start, *end = p + n;
         p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        c->next_line++;
    c->start += n;
}

/* Past the next newline, however far it is. */
static enum err skip_line(struct csv *c)
{
    for (;;) {
        const char *p = c->buffer + c->start;
        const char *newline = memchr(p, '\n', c->end - c->start);
        if (newline) {
            skip(c, (size_t)(newline - p) + 1);
            return OK;
        }
        c->start = c->end;
        if (c->eof)
            return OK;
        enum err e = fill(c);
        if (e)
            return e;
    }
}

/* A quoted field at p (on its opening quote): unquotes in place. Returns where it ends (on the
 * separator or the end), or NULL. */
static char *take_quoted(struct csv *c, char *p, char *end, struct slice *out)
{
    char *to = p, *start = p;

    for (p++;; p++) {
        if (p == end)
            return NULL;
        if (*p == '"') {
            if (p + 1 < end && p[1] == '"')
                p++;
            else
                break;
        }
        *to++ = *p;
    }
    p++;
    if (p < end && *p != c->separator) {
        c->why = "there is text after a closing quote";
        return NULL;
    }
    *out = slice_of(start, (size_t)(to - start));
    return p;
}

static enum err split(struct csv *c, char *p, char *end)
{
    c->count = 0;
    for (;;) {
        struct slice field;
        if (c->count == CSV_FIELDS_MAX) {
            c->why = "it has more than 64 fields";
            return ERR_INVALID;
        }
        if (p < end && *p == '"') {
            p = take_quoted(c, p, end, &field);
            if (!p)
                return ERR_INVALID;
        } else {
            char *stop = memchr(p, c->separator, (size_t)(end - p));
            if (!stop)
                stop = end;
            field = slice_of(p, (size_t)(stop - p));
            p = stop;
        }
        c->fields[c->count++] = field;
        if (p == end)
            return OK;
        p++;
    }
}

static void keep_raw(struct csv *c, const char *row, size_t len)
{
    memcpy(c->copy, row, len);
    c->raw = slice_of(c->copy, len);
}

/* What can be shown of a line that is no row: its beginning. */
static void keep_line(struct csv *c)
{
    const char *line = c->buffer + c->start;
    size_t have = c->end - c->start, most = have < CSV_ROW_MAX ? have : CSV_ROW_MAX;
    const char *newline = memchr(line, '\n', most);

    keep_raw(c, line, newline ? (size_t)(newline - line) : most);
    c->raw = slice_trim(c->raw);
}

/* Bytes of another row are there, or ERR_CLOSED, or ERR_IO. */
static enum err begin_row(struct csv *c)
{
    enum err e = fill(c);

    if (e)
        return e;
    if (c->start == c->end)
        return ERR_CLOSED;
    c->line = c->next_line;
    c->why = NULL;
    return OK;
}

/* The line it begins with is passed over. */
static enum err refuse_row(struct csv *c, const char *why)
{
    c->why = why;
    keep_line(c);
    enum err e = skip_line(c);

    return e ? e : ERR_INVALID;
}

enum err csv_next_line(struct csv *c)
{
    for (;;) {
        enum err e = begin_row(c);

        if (e)
            return e;
        const char *line = c->buffer + c->start;
        size_t have = c->end - c->start, most = have < CSV_ROW_MAX ? have : CSV_ROW_MAX;
        const char *newline = memchr(line, '\n', most);

        if (!newline && !(c->eof && have == most))
            return refuse_row(c, "it is longer than 64 KiB");
        size_t len = newline ? (size_t)(newline - line) + 1 : most;

        c->raw = slice_trim(slice_of(line, len));
        skip(c, len);
        if (c->raw.len)
            return OK;
    }
}

enum err csv_next(struct csv *c)
{
    for (;;) {
        bool quoted;
        enum err e = begin_row(c);

        if (e)
            return e;
        size_t len = row_length(c, &quoted);
        if (len == 0)
            return refuse_row(c, quoted ? "a quote is not closed (within 64 KiB)"
                                        : "it is longer than 64 KiB");
        char *row = c->buffer + c->start, *end = row + len;
        skip(c, len);
        if (end > row && end[-1] == '\n')
            end--;
        if (end > row && end[-1] == '\r')
            end--;
        if (end == row)
            continue;
        if (quoted)
            keep_raw(c, row, (size_t)(end - row));
        else
            c->raw = slice_of(row, (size_t)(end - row));
        if (memchr(row, '\0', (size_t)(end - row))) {
            c->why = "it has a NUL byte";
            return ERR_INVALID;
        }
        return split(c, row, end);
    }
}

enum err csv_sniff(struct csv *c)
{
    static const char candidates[] = {',', ';', '\t'};
    uint32_t seen[3] = {0}, best = 0;
    bool inside = false;

    enum err e = fill(c);
    if (e)
        return e;
    const unsigned char *p = (const unsigned char *)c->buffer;
    if (c->end >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff))) {
        c->why = "the file is UTF-16; save it as UTF-8";
        return ERR_INVALID;
    }
    if (c->end >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
        c->start = 3;
    size_t i = c->start, most = c->end < CSV_ROW_MAX ? c->end : CSV_ROW_MAX;
    for (; i < most && (inside || c->buffer[i] != '\n'); i++) {
        inside ^= c->buffer[i] == '"';
        for (uint32_t k = 0; k < 3 && !inside; k++)
            seen[k] += c->buffer[i] == candidates[k];
        if (c->buffer[i] == '\r' && (i + 1 == c->end || c->buffer[i + 1] != '\n') && !inside) {
            c->why = "its lines end with CR alone; save it with LF or CRLF";
            return ERR_INVALID;
        }
    }
    for (uint32_t k = 1; k < 3; k++) {
        if (seen[k] > seen[best])
            best = k;
    }
    c->separator = candidates[best];
    return OK;
}

bool csv_is_utf8(struct slice s)
{
    if (s.len == 0)
        return true;
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.len;

    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        uint32_t more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
        uint32_t code = *p & (0x3fu >> more);
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) <= more)
            return false;
        for (uint32_t i = 1; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (p[i] & 0x3f);
        }
        if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
        p += more + 1;
    }
    return true;
}
