/* Reads the leads as the dialer's import does, by campaign/leads.h; the first row of an id counts,
 * as in the queue. */
#include "simulate/roll.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"

#define LEADS_MAX 20000000u

static const struct hash_seed fixed = {0x726f6c6c, 0x6c656164};

static bool matches(const struct hash_node *n, const void *key)
{
    return slice_eq(slice_cstr(container_of(n, const struct roll_lead, node)->id),
                    *(const struct slice *)key);
}

struct roll_lead *roll_find(const struct roll *r, struct slice id)
{
    struct hash_node *n = hash_find(&r->leads, hash_slice(fixed, id), matches, &id);

    return n ? container_of(n, struct roll_lead, node) : NULL;
}

/* 0 is the campaign's zone; one that the system does not know is treated as it, as by the dialer. */
static uint16_t zone_index(struct roll *r, struct slice name)
{
    struct zone *z = NULL;
    char text[ZONE_NAME_MAX];

    if (name.len == 0 || slice_copy(name, text, sizeof(text)) != OK)
        return 0;
    for (uint32_t i = 0; i < r->zone_count; i++)
        if (strcmp(r->zones[i], text) == 0)
            return (uint16_t)i;
    if (r->zone_count == ROLL_ZONES_MAX || zone_open(&z, name) != OK)
        return 0;
    zone_close(z);
    memcpy(r->zones[r->zone_count], text, sizeof(text));
    return (uint16_t)r->zone_count++;
}

struct filling {
    struct roll *roll;
    struct people *people;
};

static enum err on_lead(void *arg, const struct lead *lead)
{
    struct filling *f = arg;
    struct roll *r = f->roll;
    struct slice id = slice_cstr(lead->id);

    if (roll_find(r, id))
        return OK;
    struct roll_lead *l = calloc(1, sizeof(*l) + id.len + 1);

    if (!l)
        return ERR_NOMEM;
    memcpy(l->id, id.p, id.len);
    l->zone = zone_index(r, lead->zone);
    enum err e = hash_insert(&r->leads, &l->node, hash_slice(fixed, id));
    if (e != OK) {
        free(l);
        return e;
    }
    r->count++;
    for (uint32_t i = 0; i < lead->number_count && e == OK; i++)
        e = people_lives(f->people, slice_cstr(lead->numbers[i].number),
                         l->zone ? r->zones[l->zone] : "");
    return e;
}

static void forget(struct hash_node *n, void *arg)
{
    struct roll *r = arg;

    hash_remove(&r->leads, n);
    free(container_of(n, struct roll_lead, node));
}

void roll_close(struct roll *r)
{
    if (!r)
        return;
    hash_each(&r->leads, forget, r);
    hash_table_fini(&r->leads);
    free(r);
}

enum err roll_open(struct roll **out, const struct campaign *campaign, const char *leads_path,
                   struct people *people, char *error)
{
    struct roll *r = calloc(1, sizeof(*r));
    struct filling f = {r, people};
    char why[LEADS_REASON_MAX] = "";
    struct leads *leads = NULL;
    enum err e = r ? hash_table_init(&r->leads, LEADS_MAX) : ERR_NOMEM;

    *out = NULL;
    if (e == OK) {
        snprintf(r->zones[0], sizeof(r->zones[0]), "%s", zone_name(campaign->zone));
        r->zone_count = 1;
        e = leads_open(&leads, leads_path, campaign->country, why);
    }
    if (e == OK) {
        e = leads_each(leads, on_lead, NULL, &f);
        leads_close(leads);
    }
    if (e != OK) {
        snprintf(error, ROLL_ERROR_MAX, "%s", why[0] ? why : err_name(e));
        roll_close(r);
        return e;
    }
    *out = r;
    return OK;
}
