/* A YAML file as a document of libyaml's, for those who read it strictly: every complaint has file
 * and line, and the first one stands. Anchors and aliases are not used in these files. */
#ifndef PEAL_IO_YAML_FILE_H
#define PEAL_IO_YAML_FILE_H

#include <stdbool.h>
#include <yaml.h>

#include "base/err.h"
#include "base/slice.h"

struct yaml_file {
    yaml_document_t doc;
    bool open, failed;
    const char *path; /* the caller's, as error is */
    char *error;      /* error_max bytes; "" when nothing is wrong */
    size_t error_max;
};

/* The text of a file of at most `most` bytes, with a NUL after it, to be freed; NULL with the
 * reason in error and *e: ERR_NOT_FOUND (it cannot be opened), ERR_IO, ERR_TOO_LONG, ERR_NOMEM. */
char *yaml_file_read(const char *path, size_t most, size_t *len, char *error, size_t error_max,
                     enum err *e);
/* The document of a text, of which nothing is kept; close it in any case. ERR_INVALID: no YAML;
 * ERR_NOMEM. */
enum err yaml_file_parse(struct yaml_file *y, const char *path, struct slice text, char *error,
                         size_t error_max);
void yaml_file_close(struct yaml_file *y);

/* A complaint about the place of a node (NULL: the first line), as "PATH:LINE: …". */
void yaml_file_refuse(struct yaml_file *y, const yaml_node_t *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
uint32_t yaml_file_line(const yaml_node_t *at);

/* The outermost node; NULL: the text is empty. */
const yaml_node_t *yaml_file_root(struct yaml_file *y);
const yaml_node_t *yaml_file_node(struct yaml_file *y, int index);
/* The text of a single value; NULL where it is none, or has a NUL in it. */
const char *yaml_file_scalar(const yaml_node_t *n);

#endif
