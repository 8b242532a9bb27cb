/* Leads from CSV (RFC 4180, with a header row) or JSON Lines (one object a line; a file named
 * .jsonl or .ndjson), streamed: any size of file in constant memory.
 *
 * UTF-8 with or without BOM; LF or CRLF; quoted fields with doubled quotes and newlines inside; a
 * comma, semicolon or tab as separator (the header decides). A bad row is reported with its line
 * number and reason and the rest goes on. Columns: number (or phone; required) and further ones
 * with their kinds, id (or external_id), name, zone, priority, all as leads_columns.h tells; any
 * other becomes a custom field in a compact JSON object.
 * Malformed numbers are left out and counted; without any usable one the lead comes with the result
 * missing_number or invalid_number and is not to be dialled. Neither is a bad row.
 *
 * Bounds: LEADS_COLUMNS_MAX columns, LEADS_FIELD_MAX bytes a field, LEADS_ROW_MAX bytes a row.
 * One thread; blocking reads (a pipe or "-" for standard input work too). */
#ifndef PEAL_CAMPAIGN_LEADS_H
#define PEAL_CAMPAIGN_LEADS_H

#include "call/result.h"
#include "campaign/number.h"

#define LEADS_COLUMNS_MAX 64
#define LEADS_FIELD_MAX   8192
#define LEADS_ROW_MAX     65536
#define LEADS_ID_MAX      63
#define LEADS_NUMBERS_MAX 8
#define LEADS_KIND_MAX    15
#define LEADS_REASON_MAX  256

struct lead_number {
    char number[NUMBER_E164_MAX];  /* E.164 */
    char kind[LEADS_KIND_MAX + 1]; /* a word, "" when it is not told */
};

/* A moment as the file says it; day_ms 24 h: the whole date. */
struct lead_moment {
    bool there, has_offset;
    int32_t year;
    uint8_t month, day;
    uint32_t day_ms;
    int32_t offset_s;
};

struct zone;
/* The instant, of a date its beginning or its end; 0: none. zone: whose clock is meant where no
 * offset is told. */
uint64_t lead_from_ms(const struct lead_moment *m, const struct zone *zone);
uint64_t lead_until_ms(const struct lead_moment *m, const struct zone *zone);

struct lead {
    uint64_t line;             /* of the file, 1-based, where the row starts */
    char id[LEADS_ID_MAX + 1]; /* without such a column: the number, else "line-N" */
    struct lead_number numbers[LEADS_NUMBERS_MAX]; /* usable ones, in order, each once */
    uint32_t number_count;                         /* 0: result says why */
    uint32_t bad_numbers;                          /* left out */
    struct slice number_text;                      /* the first, as it stands in the file */
    struct slice bad_text;                         /* the first bad one */
    struct slice name, zone;                       /* "" when there is no such column */
    int32_t priority;                              /* higher first; 0 by default */
    struct lead_moment expires;
    struct lead_moment call_back; /* not before; on the campaign's clock where no offset is told */
    struct slice fields; /* {"city":"Ptuj",…}; "{}" when there are none */
    enum result result;  /* RESULT_NONE, _MISSING_NUMBER, _INVALID_NUMBER */
    const char *why;     /* of the first bad number, else NULL */
};

struct leads_stats {
    uint64_t rows;     /* data rows seen, good and bad; blank lines are not rows */
    uint64_t leads;    /* given out, unusable numbers included */
    uint64_t rejected; /* bad rows */
    uint64_t missing_number, invalid_number; /* leads without a usable number */
    uint64_t bad_numbers;                    /* left out of leads that have a usable one */
    uint64_t bytes, lines;
};

struct leads;

/* Opens and reads the header. error (LEADS_REASON_MAX bytes) gets "FILE:LINE: …" on failure. */
enum err leads_open(struct leads **out, const char *path, const struct number_country *home,
                    char *error);
/* From memory, JSON Lines when it begins with "{"; the bytes must outlive the reader. */
enum err leads_open_memory(struct leads **out, struct slice text, const struct number_country *home,
                           char *error);
/* JSON Lines or CSV from a function that gives bytes as read(2) does and waits as it likes. A line of
 * JSON Lines is given out as soon as it is there. name: for messages. */
typedef int64_t leads_read_fn(void *arg, char *dst, size_t cap);
struct leads_source {
    const char *name;
    bool json;
    leads_read_fn *read;
    void *arg;
};
enum err leads_open_stream(struct leads **out, const struct leads_source *source,
                           const struct number_country *home, char *error);
void leads_close(struct leads *l);

/* OK and the next lead (its slices are valid until the next call); ERR_INVALID: a bad row was
 * skipped, leads_reason() and leads_line() tell; ERR_CLOSED: the end; ERR_IO: reading failed. */
enum err leads_next(struct leads *l, struct lead *out);
uint64_t leads_line(const struct leads *l); /* of the row last met */
/* The row last met as it stands in the file, bad ones too (at least their beginning), and the
 * header (NULL of JSON Lines) with what parts its columns: for a file of rejected rows. */
struct slice leads_raw(const struct leads *l);
const char *leads_header(const struct leads *l);
char leads_separator(const struct leads *l);
const char *leads_reason(const struct leads *l); /* of the last ERR_INVALID or ERR_IO */
const struct leads_stats *leads_stats_of(const struct leads *l);

/* All of it: each_fn returns OK to go on or an error to stop with. rejected may be NULL. */
typedef enum err leads_each_fn(void *arg, const struct lead *lead);
typedef void leads_rejected_fn(void *arg, uint64_t line, const char *reason);
enum err leads_each(struct leads *l, leads_each_fn *each, leads_rejected_fn *rejected, void *arg);

#endif
