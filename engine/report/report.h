/* `peal report`: everything about a finished run into one folder: summary.json, results.csv and a
 * self-contained report.html. results.csv has one row an attempt, in the order of calls.jsonl. */
#ifndef PEAL_REPORT_REPORT_H
#define PEAL_REPORT_REPORT_H

#include "report/summary.h"

#define REPORT_CALLS_MAX 400 /* rows of the table of calls in report.html */

struct report_inputs {
    struct summary_inputs from;
    const char *out_dir;                  /* made when it is not there */
    const char *title;                    /* NULL: the campaign's name */
    bool summary_json, results_csv, html; /* what to write; none set: all */
};

/* Builds *s (large: malloc it) and writes the files. The caller prints s and takes its exit code
 * from s->balance_ok. error: SUMMARY_ERROR_MAX bytes. */
enum err report_build(const struct report_inputs *in, struct summary *s, char *error);

#endif
