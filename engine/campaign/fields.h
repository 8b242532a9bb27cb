/* One custom field of a lead, out of the JSON object in which they are kept. */
#ifndef PEAL_CAMPAIGN_FIELDS_H
#define PEAL_CAMPAIGN_FIELDS_H

#include "base/slice.h"

/* The text of a top-level field; false and "" when there is none, it is no text, or it does not
 * fit. Escapes but \uXXXX of ASCII, which nobody writes for readable texts, are decoded; others
 * become '?'. Reads any bytes safely. */
bool fields_text(struct slice json, const char *name, char *dst, size_t cap);

#endif
