/* What the files of an import share. */
#ifndef PEAL_DIALER_IMPORT_INTERNAL_H
#define PEAL_DIALER_IMPORT_INTERNAL_H

#include "dialer/import.h"
#include "dialer/import_rejects.h"

#define IMPORT_TURN_US 5000

struct import {
    const struct import_config *config;
    struct import_result *result;
    struct leads *leads;              /* of the file being read */
    const struct campaign_list *list; /* whose file it is, or NULL */
    char fields[QUEUE_FIELDS_MAX + 1];
    struct import_rejects rejects;
    struct import_numbers *numbers; /* by_number */
    char rejects_path[IMPORT_PATH_MAX];
    uint64_t started_ms, shown_ms, bytes_all, bytes_before, count;
    uint64_t cursor, failed_before;
    bool answered;
    char refused[LEADS_REASON_MAX]; /* of the lead put last: why it is not dialled, or left out */
    bool left_out;
    enum err answer;
    char *error;
};

bool import_stop_asked(const struct import *in);
/* Into the queue's pipeline, or left out (in->left_out, in->refused); ERR_CANCELLED: a stop. */
enum err import_put_lead(struct import *in, const struct lead *lead);

/* import_input.c: standard input, read while the loop turns. */
struct import_input {
    struct import *import;
    bool json, peeked;
    char first[4096]; /* read to see what it is, and not given out yet */
    size_t at, end;
};
/* Waits for its first bytes. The reader borrows `input`. */
enum err import_input_open(struct leads **out, struct import_input *input,
                           const struct number_country *home, char *error);

/* import_feed.c: the leads of in->leads one by one, each answered. ERR_CANCELLED: a line was not
 * answered. */
enum err import_feed(struct import *in);

#endif
