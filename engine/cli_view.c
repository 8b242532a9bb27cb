/* Opening a campaign to look at it. */
#include "cli_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cli_view_open(struct cli_view *v, const struct cli_place *place, const char *text, bool *usage)
{
    char name[CAMPAIGN_NAME_MAX];
    struct campaign *c;

    memset(v, 0, sizeof(*v));
    v->to.command = place->command;
    *usage = !cli_campaign_of(place->command, text, &c, name);
    if (*usage || !cli_queue_connect(&v->to, place, name)) {
        campaign_free(c);
        return false;
    }
    bool good = view_open(&v->view, &v->to.ask, name, c);

    if (!good)
        cli_queue_failed(&v->to, "the campaign's state cannot be read");
    if (v->view.file_error[0])
        fprintf(stderr, "peal %s: %s\n", place->command, v->view.file_error);
    return good;
}

void cli_view_close(struct cli_view *v)
{
    view_close(&v->view);
    cli_queue_close(&v->to);
    memset(v, 0, sizeof(*v));
}

/* ---- all campaigns of a Redis ---- */

struct listing {
    struct cli_queue to;
    char (*names)[CAMPAIGN_NAME_MAX];
    uint32_t n;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void on_campaigns(void *arg, enum err e, const struct slice *name, uint32_t n)
{
    struct listing *l = arg;

    ask_on_done(&l->to.ask, e);
    l->names = calloc(n + 1, sizeof(*l->names));
    for (uint32_t i = 0; i < n && l->names; i++)
        if (slice_copy(name[i], l->names[l->n], sizeof(*l->names)) == OK)
            l->n++;
    if (l->n)
        qsort(l->names, l->n, sizeof(*l->names), by_name);
}

char (*cli_campaigns(const struct cli_place *place, uint32_t *n))[CAMPAIGN_NAME_MAX]
{
    struct listing *l = calloc(1, sizeof(*l));
    char(*names)[CAMPAIGN_NAME_MAX] = NULL;

    *n = 0;
    if (!l)
        return NULL;
    if (cli_queue_connect(&l->to, place, "-")) {
        if (!ask_wait(&l->to.ask, queue_campaigns(l->to.ask.queue, on_campaigns, l)))
            cli_queue_failed(&l->to, "the campaigns cannot be listed");
        names = l->names;
        *n = l->n;
    }
    cli_queue_close(&l->to);
    free(l);
    return names;
}
