/* Groups of agents: names, and who is in which. An agent may be in several; group 0, which has no
 * name, is everybody. A set of groups is a word with bit n for group n; everybody's has bit 0. */
#ifndef PEAL_CAMPAIGN_GROUPS_H
#define PEAL_CAMPAIGN_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define AGENT_GROUPS_MAX     31 /* of one file */
#define AGENT_GROUP_NAME_MAX 32 /* with its NUL */
#define AGENT_GROUP_ANY      0
#define AGENT_IN_NO_GROUP    1u /* the set of agents who are in none */

struct agent_groups {
    char name[AGENT_GROUPS_MAX][AGENT_GROUP_NAME_MAX]; /* of group 1… */
    uint32_t count;
};

/* Its number, new or known; 0: there are AGENT_GROUPS_MAX already. */
uint8_t agent_groups_add(struct agent_groups *g, const char *name);
uint8_t agent_groups_find(const struct agent_groups *g, struct slice name); /* 0: none */
const char *agent_group_name(const struct agent_groups *g, uint8_t group);  /* "" of group 0 */
/* "sales, english": those of the set; dst is returned. */
const char *agent_groups_text(const struct agent_groups *g, uint32_t set, char *dst, size_t cap);

/* "agent" → 0, "agent sales" → *group "sales"; false: the text is neither. */
bool agent_group_wanted(struct slice text, struct slice *group);

static inline bool agent_is_in(uint32_t set, uint8_t group)
{
    return set >> group & 1;
}

#endif
