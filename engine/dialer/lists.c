/* The campaign's lists and the queue's lines: which lead stands in which, and how they take turns.
 * The list `others` is the line of leads that no list of the campaign has. */
#include "dialer/lists.h"

#include <stdio.h>

#include "campaign/fields.h"
#include "campaign/lists.h"

_Static_assert(CAMPAIGN_LISTS_MAX < QUEUE_LISTS_MAX && CAMPAIGN_LIST_NAME_MAX <= QUEUE_LIST_MAX + 1,
               "the queue has a line for each list, and for leads of none");

static const char *line_name(const struct campaign_list *l)
{
    return strcmp(l->name, CAMPAIGN_LIST_OTHERS) == 0 ? "" : l->name;
}

void lists_share(struct queue *q, const struct campaign *c, uint32_t held)
{
    struct queue_share shares[QUEUE_LISTS_MAX];
    uint32_t n = c->list_count;

    for (uint32_t i = 0; i < n; i++) {
        const struct campaign_list *l = &c->lists[i];

        slice_copy(slice_cstr(line_name(l)), shares[i].list, sizeof(shares[i].list));
        shares[i].share = agent_is_in(held, campaign_group_of_list(c, l)) ? QUEUE_HELD : l->share;
    }
    if (agent_is_in(held, campaign_group_of_list(c, NULL)) &&
        !campaign_list_find(c, SLICE(CAMPAIGN_LIST_OTHERS)))
        shares[n++] = (struct queue_share){.list = "", .share = QUEUE_HELD};
    queue_set_shares(q, shares, n);
}

void lists_line_up(const struct campaign *c, const struct campaign_list *of_file,
                   struct queue_lead *lead)
{
    static const enum queue_order orders[] = {[ORDER_ADDED] = QUEUE_AS_ADDED,
                                              [ORDER_NEWEST] = QUEUE_NEWEST,
                                              [ORDER_RANDOM] = QUEUE_RANDOM};
    const struct campaign_list *l = campaign_list_of(c, lead->fields, of_file);

    if (!l)
        return;
    lead->list = slice_cstr(line_name(l));
    lead->order = orders[l->order];
}

struct slice lists_name_in(const struct campaign_list *of_file, struct slice fields, char *dst,
                           size_t cap)
{
    char name[CAMPAIGN_LIST_NAME_MAX];

    if (!of_file || fields_text(fields, "list", name, sizeof(name)))
        return fields;
    struct slice rest = fields.len > 2 ? slice_from(fields, 1) : SLICE("}");
    int n = snprintf(dst, cap, "{\"list\":\"%s\"%s%.*s", of_file->name, fields.len > 2 ? "," : "",
                     SLICE_ARG(rest));

    return n > 0 && (size_t)n < cap ? slice_of(dst, (size_t)n) : fields;
}
