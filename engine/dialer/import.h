/* Leads of files into the queue: read, checked, put into Redis through a pipeline, until all are
 * acknowledged. Importing again adds nothing: tasks are known by their ids, so an import that was
 * cut off anywhere is just done again. Rows that cannot be used go to a file, as they stand, with
 * line and reason. Control thread only. */
#ifndef PEAL_DIALER_IMPORT_H
#define PEAL_DIALER_IMPORT_H

#include <stdio.h>

#include "campaign/file.h"
#include "campaign/leads.h"
#include "campaign/rules.h"
#include "queue/queue.h"

#define IMPORT_ERROR_MAX 1024
#define IMPORT_PATH_MAX  (CAMPAIGN_PATH_MAX + 64)

struct import_config {
    struct loop *loop;
    struct queue *queue;
    const struct campaign *campaign;
    struct zone_cache *zones;
    const char *const *paths; /* .jsonl and .ndjson are JSON Lines, all else CSV; "-": standard
                                 input, JSON Lines when it begins with "{" */
    uint32_t path_count;
    struct slice text; /* or rows in memory, JSON Lines when they begin with "{", of lists[0] */
    const struct campaign_list *const *lists; /* whose file each is, NULL for none's; may be NULL */
    const char *rejects_path; /* of all files; NULL: each has its FILE.rejected.csv */
    bool updates;             /* leads that are there already are changed (queue/import.h) */
    bool by_number;           /* a lead with a number of another lead is left out */
    bool shows_progress;
    /* JSON Lines of standard input, and rows in memory, are leads that another program feeds
     * (import_feed.c): each is answered here as soon as Redis has it. NULL: a list like any other.
     */
    FILE *answers;
    const _Atomic uint32_t *stop_asked; /* may be NULL */
    /* A lead without a usable number, finished at once; may be NULL. */
    void (*undialled)(void *arg, const struct lead *lead, const struct rules_decision *decision);
    void *arg;
};

struct import_result {
    struct leads_stats read;            /* of all files together */
    uint64_t added, updated, known;     /* known: were there, and are as they were */
    uint64_t same_number;               /* left out: the number is another lead's */
    uint64_t too_long;                  /* left out: a text is longer than a task takes */
    uint64_t unknown_zones;             /* of no zone; the number tells it instead */
    bool fed;                           /* line by line */
    uint64_t rejects;                   /* lines in files of rejected rows */
    char rejects_path[IMPORT_PATH_MAX]; /* the last one written; "" for none */
    double seconds;
};

/* Turns the loop meanwhile. error (IMPORT_ERROR_MAX bytes) says why it could not go on; what was
 * taken until then stays, and result tells how much was. */
enum err import_files(const struct import_config *config, struct import_result *result,
                      char *error);

/* What came of it, in sentences, each a line. */
void import_say(const struct import_result *r, FILE *to);

struct dialer;
/* For `peal run`: its own file, rejects in DATA/rejected.csv, records of what is not dialled. */
enum err import_leads(struct dialer *d, char *error);

#endif
