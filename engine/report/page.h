/* report.html: one self-contained page. Its looks and charts are in page.c.html, embedded at build
 * time; the figures go in as one JSON object. Private to the room. */
#ifndef PEAL_REPORT_PAGE_H
#define PEAL_REPORT_PAGE_H

#include "base/json.h"
#include "report/summary.h"

/* The table of calls: the first REPORT_CALLS_MAX attempts, kept as JSON. */
struct page_rows {
    char *text;
    struct buf out;
    struct json json;
    uint32_t count;
    uint64_t left_out;
};

enum err page_rows_init(struct page_rows *r, char *error);
void page_rows_add(struct page_rows *r, const struct input *call, const char *truth);
void page_rows_fini(struct page_rows *r);

enum err page_write(const struct summary *s, const char *title, struct page_rows *rows,
                    const char *path, char *error);

#endif
