/* The journal (calls.jsonl) read from an offset on, for what follows it while
 * it is written. Bytes that are not in the system's memory are asked of the
 * disk and not waited for, so the control thread may read. The file is not
 * replaced while its engine runs (journal.c). */
#ifndef PEAL_REPORT_TAIL_H
#define PEAL_REPORT_TAIL_H

#include "base/slice.h"

struct tail {
    int fd; /* -1: closed */
};

enum err tail_open(struct tail *t, const char *path); /* ERR_IO, see errno */
void tail_close(struct tail *t);

/* Whole lines from `at` on, up to `end` and as many as fit into dst, each with
 * its newline: at least one, or an error. ERR_AGAIN: the disk has been asked;
 * ERR_CLOSED: no whole line there; ERR_IO. */
enum err tail_read(struct tail *t, uint64_t at, uint64_t end, char *dst, size_t cap,
                   struct slice *out);

/* "CAMPAIGN/LEAD/ATTEMPT" of a line, the texts as they stand in JSON; false: it
 * is no record, or does not fit. */
bool tail_id(struct slice line, char *dst, size_t cap);

#endif
