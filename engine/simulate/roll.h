/* The leads of a file, each once, as the simulation knows them: to say where their callees live,
 * and to ask at the end what became of every one. */
#ifndef PEAL_SIMULATE_ROLL_H
#define PEAL_SIMULATE_ROLL_H

#include "base/hash.h"
#include "campaign/leads.h"
#include "campaign/place.h"
#include "simulate/people.h"

#define ROLL_PLACES_MAX 4096
#define ROLL_ERROR_MAX  512

struct roll_lead {
    struct hash_node node;
    uint16_t place;    /* of roll->places */
    uint32_t attempts; /* records seen, for the promises */
    uint32_t charged;
    uint64_t last_end_ms;
    bool delivered;
    char id[];
};

struct roll {
    struct hash_table leads;
    struct place places[ROLL_PLACES_MAX]; /* different ones, in order of appearance */
    uint32_t place_count;
    struct zone_cache *zones;
    const struct campaign *campaign;
    uint64_t count; /* leads, each id once */
};

/* Reads the file (NULL: those of the campaign) and tells `people` where its numbers are (at
 * start_wall_ms, where that matters). error: ROLL_ERROR_MAX bytes. */
enum err roll_open(struct roll **out, const struct campaign *campaign, const char *leads_path,
                   struct people *people, uint64_t start_wall_ms, char *error);
void roll_close(struct roll *r);
/* Where a lead is when that number of it is called: one of roll->places. ERR_FULL: more different
 * places than a simulation can tell apart. */
enum err roll_place(struct roll *r, const struct roll_lead *l, const char *number, uint64_t wall_ms,
                    uint16_t *index);
struct roll_lead *roll_find(const struct roll *r, struct slice id); /* NULL: not in the file */

#endif
