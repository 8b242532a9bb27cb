/* The lists of a campaign: each has a file of leads perhaps, an order in which its leads are called
 * for the first time, and a share of the first calls. A lead is of the list that its column `list`
 * names, else of the list in whose file it stands. */
#ifndef PEAL_CAMPAIGN_LISTS_H
#define PEAL_CAMPAIGN_LISTS_H

#include "campaign/file.h"

/* NULL: leads of no list the campaign names, and nothing is said of those. */
const struct campaign_list *campaign_list_find(const struct campaign *c, struct slice name);
/* The list of a lead with these custom fields (JSON); of_file may be NULL. */
const struct campaign_list *campaign_list_of(const struct campaign *c, struct slice fields,
                                             const struct campaign_list *of_file);

/* Which group of agents a lead's people go to: its list's, else that of `on` for this result. */
uint8_t campaign_group_of(const struct campaign *c, struct slice fields, enum result r);
/* The same of all leads of a list, by `on: human`; NULL: of those that no list has. */
uint8_t campaign_group_of_list(const struct campaign *c, const struct campaign_list *l);
/* All groups that leads' people go to (AGENT_GROUP_ANY among them), each once: at least one. */
#define CAMPAIGN_LANES_MAX (CAMPAIGN_LISTS_MAX + 1)
uint32_t campaign_lanes(const struct campaign *c, uint8_t out[CAMPAIGN_LANES_MAX]);

struct campaign_source {
    const char *path;
    const struct campaign_list *list; /* NULL: of none */
};
#define CAMPAIGN_SOURCES_MAX (CAMPAIGN_LISTS_MAX + 1)
/* The files of its leads: `given` alone, else `leads` and the lists' own. Returns how many. */
uint32_t campaign_sources(const struct campaign *c, const char *given,
                          struct campaign_source out[CAMPAIGN_SOURCES_MAX]);

const char *campaign_order_name(enum campaign_order o); /* "added", "newest", "random" */

#endif
