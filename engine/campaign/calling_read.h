/* Values that campaign files and calling rules have in common. Private to the room. */
#ifndef PEAL_CAMPAIGN_CALLING_READ_H
#define PEAL_CAMPAIGN_CALLING_READ_H

#include "campaign/calling.h"
#include "campaign/reading.h"

struct raw_limit {
    char *calls, *per;
};
extern const struct cyaml_schema_value calling_limit_value; /* of a struct raw_limit */

struct raw_calling_number {
    char *prefix, *region;
    char **zones;
    unsigned zones_count;
};
/* calling_numbers.c */
void reading_calling_numbers(struct reading *r, const struct raw_calling_number *raw,
                             uint32_t count, struct calling_rules *rules);
void calling_numbers_free(struct calling_rules *r);

void reading_limits(struct reading *r, const char *key, const struct raw_limit *raw, uint32_t count,
                    struct calling_limits *out);
/* Reads the file, unless files stay closed in this reading. */
void reading_holidays(struct reading *r, const char *key, const char *text, struct holidays **out);
/* Opens zones into zones[*out…]; *out counts them. */
void reading_zones(struct reading *r, const char *key, char *const *texts, uint32_t count,
                   struct zone **zones, uint32_t *out);

#endif
