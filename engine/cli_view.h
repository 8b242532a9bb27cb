/* A campaign as commands look at it: its queue, its state, its engines, and its file where that is
 * known: given, or left in Redis by the engine that started last. */
#ifndef PEAL_CLI_VIEW_H
#define PEAL_CLI_VIEW_H

#include "cli_queue.h"
#include "dialer/standing.h"

struct cli_view {
    struct cli_queue to;
    char name[CAMPAIGN_NAME_MAX];
    struct campaign *campaign; /* NULL: its file is not known here */
    struct zone_cache *zones;
    struct queue_control control;
    struct queue_engine_told engine[QUEUE_ENGINES_MAX]; /* those that are gone last */
    uint32_t engines, present;
    uint64_t now_wall_ms; /* by Redis' clock */
    struct standing standing;
};

/* text: file or name. False, with a sentence on standard error; *usage: it is the caller's fault.
 * Close it in any case. */
bool cli_view_open(struct cli_view *v, const struct cli_place *place, const char *text,
                   bool *usage);
void cli_view_close(struct cli_view *v);

/* The campaigns that engines have worked on there, to be freed; *n of them. */
char (*cli_campaigns(const struct cli_place *place, uint32_t *n))[CAMPAIGN_NAME_MAX];

#endif
