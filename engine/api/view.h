/* A campaign as it is looked at from outside: its state, its engines, and its file where that is
 * known: given, or left in Redis by the engine that started last. */
#ifndef PEAL_API_VIEW_H
#define PEAL_API_VIEW_H

#include "api/ask.h"
#include "campaign/file.h"
#include "dialer/standing.h"

#define CAMPAIGN_NAME_MAX sizeof(((struct campaign *)0)->name)

struct view {
    struct ask *ask;
    char name[CAMPAIGN_NAME_MAX];
    struct campaign *campaign;           /* NULL: its file is not known here, … */
    char file_error[CAMPAIGN_ERROR_MAX]; /* … or cannot be read, why; else "" */
    struct zone_cache *zones;
    struct queue_control control;
    struct queue_engine_told engine[QUEUE_ENGINES_MAX]; /* those that are gone last */
    uint32_t engines, present;
    uint64_t now_wall_ms; /* by Redis' clock */
    struct standing standing;
};

/* c: taken; NULL: the file that Redis names. False: v->ask->e. Close it in any case. */
bool view_open(struct view *v, struct ask *ask, const char *name, struct campaign *c);
void view_close(struct view *v);

struct json;
/* An instant as JSON; null for 0 and for "never". */
void view_put_instant(struct json *j, const char *name, uint64_t wall_ms);
/* "state": {name, since, who, why} */
void view_put_state(struct json *j, const struct queue_control *k);

#endif
