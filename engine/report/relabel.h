/* Stored calls judged again: by the rules of this Peal, or by rules of one's own before them.
 *
 * A label is decided anew from the evidence that was there when the call was judged, so the same
 * rules give the same label. Only the SQLite file changes; calls.jsonl stays as it was written.
 * Each change is kept in the table `relabels` (from what, to what, in which run), each run with who
 * made it, when, and its rules in `relabel_runs`. What was never decided from evidence (taken back,
 * not dialled, an engine that was lost) keeps its label. One thread. */
#ifndef PEAL_REPORT_RELABEL_H
#define PEAL_REPORT_RELABEL_H

#include "report/history.h"

#define RELABEL_KNOWN_MAX 64
#define RELABEL_TEXT_MAX  65536

struct relabel_rules {
    struct result_rules codes;
    struct {
        char id[48]; /* of a recording of the library of announcements */
        enum result result;
    } known[RELABEL_KNOWN_MAX];
    uint32_t known_count;
    char *text; /* of the file, for the run's entry; NULL: built-in rules alone */
};
/* A YAML file of up to four mappings: sip and q850 (code: result), sit (category: result), known
 * (id: result). ERR_IO, ERR_INVALID with a sentence. */
enum err relabel_rules_load(struct relabel_rules *r, const char *path, char *error);
void relabel_rules_free(struct relabel_rules *r);

struct relabel_counts {
    uint64_t rows, judged, changed;
    uint32_t moved[RESULT_COUNT][RESULT_COUNT]; /* from, to */
};

/* One folder. apply false: counts what would change. Added to *counts. */
enum err relabel(const char *folder, const struct history_filter *filter,
                 const struct relabel_rules *rules, bool apply, struct relabel_counts *counts,
                 char *error);

/* reread.c: the record of a row, as far as its result rests on it, cut to the moment at which it
 * was judged. False: its label was not decided from evidence. */
bool reread_record(const struct history_row *row, const struct relabel_rules *rules,
                   struct call_record *out);

#endif
