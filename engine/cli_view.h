/* A campaign as commands look at it (api/view.h), over a connection of their own. */
#ifndef PEAL_CLI_VIEW_H
#define PEAL_CLI_VIEW_H

#include "cli_queue.h"

struct cli_view {
    struct cli_queue to;
    struct view view;
};

/* text: file or name. False, with a sentence on standard error; *usage: it is the caller's fault.
 * Close it in any case. */
bool cli_view_open(struct cli_view *v, const struct cli_place *place, const char *text,
                   bool *usage);
void cli_view_close(struct cli_view *v);

/* The campaigns that engines have worked on there, to be freed; *n of them. */
char (*cli_campaigns(const struct cli_place *place, uint32_t *n))[CAMPAIGN_NAME_MAX];

#endif
