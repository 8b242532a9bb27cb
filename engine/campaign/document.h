/* A YAML document read by libcyaml into the structs of a schema, every value still text, with the
 * line of each value for complaints. Private to the room.
 *
 * libcyaml tells positions only of what it refuses itself. So each text remembers which allocation
 * it was; when its reader dislikes one, the document is read again with that very allocation
 * failing, and libcyaml's backtrace then names the line. */
#ifndef PEAL_CAMPAIGN_DOCUMENT_H
#define PEAL_CAMPAIGN_DOCUMENT_H

#include "base/slice.h"
#include "campaign/file.h"

struct cyaml_schema_value;
struct document; /* one reading of one text */

/* root: a mapping, kept by the caller until the document is closed; empty: what a file needs, for
 * the complaint about one without anything. On failure error (CAMPAIGN_ERROR_MAX bytes) says
 * "PATH:LINE: …" and *out is still to be closed. */
enum err document_read(struct document **out, const char *path, struct slice text,
                       const struct cyaml_schema_value *root, const char *empty, char *error);
void document_close(struct document *s);
const void *document_data(const struct document *s);

/* The line on which this text stands; 0 when it is none of the document's. */
uint32_t document_line(struct document *s, const char *value);

#endif
