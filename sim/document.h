/* A YAML file read strictly: every complaint has file and line and says what is accepted. Keys that
 * nobody asks for are errors. The first complaint stands; after it every read gives its default, so
 * a reader looks once, at its end (document_ok). Anchors and aliases are not used in these files.
 */
#ifndef PEAL_SIM_DOCUMENT_H
#define PEAL_SIM_DOCUMENT_H

#include "io/yaml_file.h"

#define DOCUMENT_FILE_MAX  (4 * 1024 * 1024)
#define DOCUMENT_ERROR_MAX 512
#define DOCUMENT_ITEMS_MAX 10000 /* of one list */
#define DOCUMENT_KEYS_MAX  256   /* of one mapping */

struct document {
    struct yaml_file file; /* its error has DOCUMENT_ERROR_MAX bytes */
    uint64_t fingerprint;  /* of the text */
};

/* ERR_NOT_FOUND: no such file; ERR_INVALID: error says why. Close it in any case. */
enum err document_load(struct document *d, const char *path, char *error);
enum err document_load_text(struct document *d, const char *path, struct slice text, char *error);
void document_close(struct document *d);
bool document_ok(const struct document *d);

/* The outermost mapping; NULL after a complaint. */
const yaml_node_t *document_root(struct document *d);
/* A complaint about the place of a node ("PATH:LINE: …"); only the first is kept. */
#define document_refuse(d, ...) yaml_file_refuse(&(d)->file, __VA_ARGS__)
#define document_line(at)       yaml_file_line(at)

/* Refuses other keys than these (NULL ends the list), and keys given twice. */
void document_only(struct document *d, const yaml_node_t *map, const char *const keys[]);
/* NULL: the key is not there. */
const yaml_node_t *document_get(struct document *d, const yaml_node_t *map, const char *key);
/* As above, but refuses what is not there: `why` says what it is for. */
const yaml_node_t *document_need(struct document *d, const yaml_node_t *map, const char *key,
                                 const char *why);
/* Values by key; absent: the default. Texts stay valid until the document is closed. */
const char *document_text(struct document *d, const yaml_node_t *map, const char *key,
                          const char *otherwise);
double document_number(struct document *d, const yaml_node_t *map, const char *key,
                       double otherwise, double lo, double hi);
uint64_t document_whole(struct document *d, const yaml_node_t *map, const char *key,
                        uint64_t otherwise, uint64_t lo, uint64_t hi);
bool document_bool(struct document *d, const yaml_node_t *map, const char *key, bool otherwise);
/* A list's items: NULL after the last (or when the node is none, refused). */
const yaml_node_t *document_item(struct document *d, const yaml_node_t *list, uint32_t i,
                                 const char *what);
/* A mapping's pairs in the order of the file: NULL after the last. */
const yaml_node_t *document_pair(struct document *d, const yaml_node_t *map, uint32_t i,
                                 const char **key);
/* The text of a scalar, NULL with a complaint where it is none. */
const char *document_scalar(struct document *d, const yaml_node_t *n, const char *what);

#endif
