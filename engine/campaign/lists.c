#include "campaign/lists.h"

#include "campaign/fields.h"
#include "campaign/reading.h"

#define SHARE_MAX 1000

static const char *const orders[] = {"added", "newest", "random"};

const char *campaign_order_name(enum campaign_order o)
{
    return orders[o];
}

void reading_lists(struct reading *r)
{
    static const struct reading_word words[] = {
        {"added", ORDER_ADDED}, {"newest", ORDER_NEWEST}, {"random", ORDER_RANDOM}};
    struct campaign *c = r->campaign;

    for (uint32_t i = 0; i < r->raw->lists_count && i < CAMPAIGN_LISTS_MAX && !r->failed; i++) {
        const struct raw_list *raw = &r->raw->lists[i];
        struct campaign_list *l = &c->lists[i];

        l->share = 1;
        reading_name(r, "lists: name", raw->name, l->name, sizeof(l->name));
        reading_path(r, "lists: file", raw->file, l->file, sizeof(l->file));
        reading_u32(r, "lists: share", raw->share, 0, SHARE_MAX, &l->share);
        l->order =
            (enum campaign_order)reading_word(r, "lists: order", raw->order, words, 3, ORDER_ADDED);
        if (raw->agents)
            l->group = reading_group(r, "lists: agents", raw->agents, slice_cstr(raw->agents));
        if (!r->failed && (!l->name[0] || strcmp(l->name, "-") == 0))
            reading_fail(r, raw->file ? raw->file : raw->share, "lists: each needs a name");
        else if (!r->failed && campaign_list_find(c, slice_cstr(l->name)))
            reading_fail(r, raw->name, "lists: '%s' stands there twice", l->name);
        c->list_count = i + 1;
    }
}

const struct campaign_list *campaign_list_find(const struct campaign *c, struct slice name)
{
    for (uint32_t i = 0; i < c->list_count; i++)
        if (slice_eq(slice_cstr(c->lists[i].name), name))
            return &c->lists[i];
    return NULL;
}

const struct campaign_list *campaign_list_of(const struct campaign *c, struct slice fields,
                                             const struct campaign_list *of_file)
{
    char name[CAMPAIGN_LIST_NAME_MAX];
    const struct campaign_list *l = NULL;

    if (c->list_count == 0)
        return NULL;
    if (fields_text(fields, "list", name, sizeof(name)) && name[0])
        l = campaign_list_find(c, slice_cstr(name));
    else
        l = of_file;
    return l ? l : campaign_list_find(c, SLICE(CAMPAIGN_LIST_OTHERS));
}

uint8_t campaign_group_of_list(const struct campaign *c, const struct campaign_list *l)
{
    if (!l)
        l = campaign_list_find(c, SLICE(CAMPAIGN_LIST_OTHERS));
    return l && l->group ? l->group : c->on[RESULT_HUMAN].group;
}

uint8_t campaign_group_of(const struct campaign *c, struct slice fields, enum result r)
{
    const struct campaign_list *l = campaign_list_of(c, fields, NULL);

    return l && l->group ? l->group : c->on[r].group;
}

uint32_t campaign_lanes(const struct campaign *c, uint8_t out[CAMPAIGN_LANES_MAX])
{
    uint32_t seen = 0, n = 0;

    for (uint32_t i = 0; i <= c->list_count; i++) {
        uint8_t group = campaign_group_of_list(c, i ? &c->lists[i - 1] : NULL);

        if (!agent_is_in(seen, group))
            out[n++] = group;
        seen |= 1u << group;
    }
    return n;
}

uint32_t campaign_sources(const struct campaign *c, const char *given,
                          struct campaign_source out[CAMPAIGN_SOURCES_MAX])
{
    uint32_t n = 0;

    if (given || c->leads[0])
        out[n++] = (struct campaign_source){given ? given : c->leads, NULL};
    for (uint32_t i = 0; i < c->list_count && !given; i++)
        if (c->lists[i].file[0])
            out[n++] = (struct campaign_source){c->lists[i].file, &c->lists[i]};
    return n;
}
