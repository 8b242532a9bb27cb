/* What the files of the leads' reader share: the reader, and a row on its way to a lead. */
#ifndef PEAL_CAMPAIGN_LEADS_INTERNAL_H
#define PEAL_CAMPAIGN_LEADS_INTERNAL_H

#include "campaign/csv.h"
#include "campaign/leads_columns.h"

/* Worst case: every byte of the row becomes \u00XX, beside the columns' own names. */
#define FIELDS_JSON_MAX (6 * 2 * LEADS_ROW_MAX + 16 * LEADS_COLUMNS_MAX)

struct leads {
    struct csv csv;
    int fd;            /* -1: memory */
    struct slice text; /* memory: what is left */
    struct leads_source source;
    const struct number_country *home;
    char path[512];
    bool json;    /* JSON Lines */
    char *header; /* as it stands; NULL of JSON Lines */
    struct column columns[LEADS_COLUMNS_MAX];
    uint32_t column_count;
    bool has_fields;
    struct { /* of the row being read, by slot */
        struct slice number;
        char kind[LEADS_KIND_MAX + 1];
    } cells[LEADS_NUMBERS_MAX];
    char *fields;
    void *document;                     /* JSON Lines: of the row read last, lends its texts */
    char digits[LEADS_NUMBERS_MAX][24]; /* … of numbers that stand there as numbers */
    char reason[LEADS_REASON_MAX];
    struct leads_stats stats;
};

__attribute__((format(printf, 2, 3))) enum err leads_reject(struct leads *l, const char *fmt, ...);

/* leads_row.c: one cell into the lead, or into l->cells until leads_take_numbers. */
enum err leads_read_cell(struct leads *l, const struct column *c, struct slice text,
                         struct lead *out);
void leads_take_numbers(struct leads *l, struct lead *out);

/* leads_json.c: l->csv.raw into the lead. */
enum err leads_read_json(struct leads *l, struct lead *out);
void leads_free_json(struct leads *l);

/* leads_moment.c. ERR_INVALID: neither an instant nor a date. */
enum err leads_read_moment(struct slice text, struct lead_moment *out);

#endif
