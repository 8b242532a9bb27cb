/* Reads the leads as the dialer's import does, by campaign/leads.h; the first row of an id counts,
 * as in the queue. */
#include "simulate/roll.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "campaign/lists.h"

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

static bool same_place(const struct place *a, const struct place *b)
{
    return a->zone_count == b->zone_count && strcmp(a->region, b->region) == 0 &&
           memcmp(a->zones, b->zones, a->zone_count * sizeof(a->zones[0])) == 0;
}

static enum err find_place(struct roll *r, const struct place *p, uint16_t *index)
{
    uint32_t i = 0;

    while (i < r->place_count && !same_place(&r->places[i], p))
        i++;
    if (i == ROLL_PLACES_MAX)
        return ERR_FULL;
    if (i == r->place_count)
        r->places[r->place_count++] = *p;
    *index = (uint16_t)i;
    return OK;
}

/* As dialer/feed.c has it. */
enum err roll_place(struct roll *r, const struct roll_lead *l, const char *number, uint64_t wall_ms,
                    uint16_t *index)
{
    struct place p = r->places[l->place];

    place_of_number(&p, r->campaign, number, r->zones, wall_ms);
    return find_place(r, &p, index);
}

struct filling {
    struct roll *roll;
    struct people *people;
    const struct campaign *campaign;
    uint64_t wall_ms;
};

static enum err on_lead(void *arg, const struct lead *lead)
{
    struct filling *f = arg;
    struct roll *r = f->roll;
    struct slice id = slice_cstr(lead->id);
    struct place p;
    uint16_t place;

    if (roll_find(r, id))
        return OK;
    struct roll_lead *l = calloc(1, sizeof(*l) + id.len + 1);

    if (!l)
        return ERR_NOMEM;
    memcpy(l->id, id.p, id.len);
    place_read(&p, lead->zone, lead->fields, r->zones);
    enum err e = find_place(r, &p, &l->place);
    if (e == OK)
        e = hash_insert(&r->leads, &l->node, hash_slice(fixed, id));
    if (e != OK) {
        free(l);
        return e;
    }
    r->count++;
    for (uint32_t i = 0; i < lead->number_count && e == OK; i++) {
        e = roll_place(r, l, lead->numbers[i].number, f->wall_ms, &place);
        if (e == OK)
            e = people_lives(f->people, slice_cstr(lead->numbers[i].number),
                             place_zone(f->campaign, &r->places[place]));
    }
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
    zone_cache_close(r->zones);
    free(r);
}

enum err roll_open(struct roll **out, const struct campaign *campaign, const char *leads_path,
                   struct people *people, uint64_t start_wall_ms, char *error)
{
    struct roll *r = calloc(1, sizeof(*r));
    struct filling f = {r, people, campaign, start_wall_ms};
    char why[LEADS_REASON_MAX] = "";
    struct leads *leads = NULL;
    struct campaign_source sources[CAMPAIGN_SOURCES_MAX];
    uint32_t count = campaign_sources(campaign, leads_path, sources);
    enum err e = r ? hash_table_init(&r->leads, LEADS_MAX) : ERR_NOMEM;

    *out = NULL;
    if (e == OK) {
        r->campaign = campaign;
        e = zone_cache_open(&r->zones);
    }
    for (uint32_t i = 0; i < count && e == OK; i++) {
        e = leads_open(&leads, sources[i].path, campaign->country, why);
        if (e == OK) {
            e = leads_each(leads, on_lead, NULL, &f);
            leads_close(leads);
        }
    }
    if (e != OK) {
        snprintf(error, ROLL_ERROR_MAX, "%s",
                 why[0]          ? why
                 : e == ERR_FULL ? "more than 4096 different places (zones and regions)"
                                 : err_name(e));
        roll_close(r);
        return e;
    }
    *out = r;
    return OK;
}
