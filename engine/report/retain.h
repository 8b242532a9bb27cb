/* Records and recordings that are older than they may be kept: found, and removed.
 *
 * Of a data folder: recordings first, then lines of calls.jsonl, then rows of calls.sqlite (with
 * what was noted of their labels); wherever it is interrupted, doing it again goes on. What was
 * done, by whom and when stays in the table `audit`, without anything of the people. An engine that
 * writes to the folder keeps us out. One thread. */
#ifndef PEAL_REPORT_RETAIN_H
#define PEAL_REPORT_RETAIN_H

#include "report/history.h"

struct retain {
    const char *folder;
    const char *recordings; /* their folder; NULL: FOLDER/recordings */
    uint64_t before_ms;     /* what is older goes: by its INVITE, else its claim */
    bool recordings_only, apply;
};

struct retain_counts {
    uint64_t files, bytes; /* recordings */
    uint64_t files_failed; /* that could not be removed */
    uint64_t lines, rows, kept_lines;
};

/* apply false: only counts. ERR_STATE: an engine has the folder. Added to *counts. */
enum err retain(const struct retain *r, struct retain_counts *counts, char *error);

/* journal_rewrite.c: a calls.jsonl without some of its lines, written beside and renamed. Lines
 * that keep() refuses go; a torn last line stays. ERR_STATE: an engine writes to it. *removed 0:
 * nothing was touched. No such file: nothing to remove. */
typedef bool journal_keep_fn(void *arg, struct slice line);
enum err journal_rewrite(const char *path, journal_keep_fn *keep, void *arg, bool apply,
                         uint64_t *removed, uint64_t *kept, char *error);

#endif
