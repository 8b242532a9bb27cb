#include "campaign/groups.h"

#include <stdio.h>
#include <string.h>

uint8_t agent_groups_find(const struct agent_groups *g, struct slice name)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (slice_eq(slice_cstr(g->name[i]), name))
            return (uint8_t)(i + 1);
    return AGENT_GROUP_ANY;
}

uint8_t agent_groups_add(struct agent_groups *g, const char *name)
{
    uint8_t known = agent_groups_find(g, slice_cstr(name));

    if (known || g->count == AGENT_GROUPS_MAX)
        return known;
    snprintf(g->name[g->count], sizeof(g->name[0]), "%s", name);
    return (uint8_t)++g->count;
}

const char *agent_group_name(const struct agent_groups *g, uint8_t group)
{
    return group && group <= g->count ? g->name[group - 1] : "";
}

const char *agent_groups_text(const struct agent_groups *g, uint32_t set, char *dst, size_t cap)
{
    size_t n = 0;

    dst[0] = '\0';
    for (uint8_t i = 1; i <= g->count && n < cap; i++)
        if (agent_is_in(set, i))
            n += (size_t)snprintf(dst + n, cap - n, "%s%s", n ? ", " : "", g->name[i - 1]);
    return dst;
}

bool agent_group_wanted(struct slice text, struct slice *group)
{
    struct slice verb;

    *group = SLICE_NONE;
    slice_cut(slice_trim(text), ' ', &verb, group);
    *group = slice_trim(*group);
    return slice_ieq(verb, SLICE("agent"));
}
