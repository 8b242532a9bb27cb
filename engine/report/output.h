/* Files of the report, written wholly or not at all: to NAME.tmp, then renamed. Private. */
#ifndef PEAL_REPORT_OUTPUT_H
#define PEAL_REPORT_OUTPUT_H

#include <stdio.h>

#include "base/json.h"

#define OUTPUT_ERROR_MAX 256

struct output {
    FILE *file;
    char path[512], temporary[520];
};

enum err output_open(struct output *o, const char *path, char *error);
/* Renames into place, or removes what there is when keep is false or writing failed. */
enum err output_close(struct output *o, bool keep, char *error);

/* The whole of a small file from memory. */
enum err output_write(const char *path, struct slice text, char *error);

#endif
