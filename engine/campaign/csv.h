/* Rows of a CSV file (RFC 4180), streamed through one buffer: quoted fields with doubled quotes and
 * newlines, LF or CRLF, the separator of the caller's choice. Fields are unquoted in place and
 * borrow the buffer until the next call. A row that cannot be read is reported once and reading
 * resumes on the next physical line, so that one open quote never swallows a file. One thread. */
#ifndef PEAL_CAMPAIGN_CSV_H
#define PEAL_CAMPAIGN_CSV_H

#include "base/slice.h"

#define CSV_FIELDS_MAX 64
#define CSV_ROW_MAX    65536 /* bytes of one row */
#define CSV_BUFFER     (4 * CSV_ROW_MAX)

/* Bytes into dst: their number, 0 at the end, or negative with errno. */
typedef int64_t csv_read_fn(void *arg, char *dst, size_t cap);

struct csv {
    csv_read_fn *read;
    void *arg;
    char separator;
    char *buffer,
        *copy;         /* copy: of a row that is rewritten by taking it apart, or is passed over */
    size_t start, end; /* what is read and not yet given out */
    bool eof, failed;
    bool live;     /* lines are given as they come, not when the buffer is full (csv_next_line) */
    uint64_t line; /* of the row given last, 1-based */
    uint64_t next_line;
    uint64_t bytes;
    struct slice fields[CSV_FIELDS_MAX];
    uint32_t count;
    struct slice raw; /* the row as it stands in the file, without its newline, bad ones too */
    const char *why;  /* of the last ERR_INVALID */
};

enum err csv_init(struct csv *c, csv_read_fn *read, void *arg);
void csv_fini(struct csv *c);

/* Looks at the first bytes: skips a UTF-8 BOM and picks the separator (comma, semicolon, tab) by
 * the first line. ERR_INVALID (why): UTF-16, or a file with CR line ends. */
enum err csv_sniff(struct csv *c);

/* OK: fields, count and line are set; blank lines are passed over. ERR_INVALID: a bad row (why);
 * ERR_CLOSED: the end; ERR_IO: reading failed (errno). */
enum err csv_next(struct csv *c);

/* The next line whatever is in it, into raw; blank ones are passed over. Answers as csv_next. */
enum err csv_next_line(struct csv *c);

bool csv_is_utf8(struct slice s);

#endif
