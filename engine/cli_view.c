/* Opening a campaign to look at it. */
#include "cli_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_control(void *arg, enum err e, const struct queue_control *c)
{
    struct cli_view *v = arg;

    v->to.answered = true;
    v->to.e = e;
    v->control = *c;
}

static void on_engines(void *arg, enum err e, const struct queue_engine_told *engine, uint32_t n,
                       uint64_t now_wall_ms)
{
    struct cli_view *v = arg;

    v->to.answered = true;
    v->to.e = e;
    v->now_wall_ms = now_wall_ms;
    for (int gone = 0; gone < 2; gone++)
        for (uint32_t i = 0; i < n; i++)
            if (engine[i].gone == (gone == 1)) {
                v->engine[v->engines++] = engine[i];
                v->present += !gone;
            }
}

/* Without its file we still tell what Redis knows. */
static void find_file(struct cli_view *v)
{
    char error[CAMPAIGN_ERROR_MAX] = "";

    if (v->campaign || !v->control.file[0] || access(v->control.file, R_OK) != 0)
        return;
    if (campaign_load(&v->campaign, v->control.file, error) != OK) {
        fprintf(stderr, "peal %s: %s\n", v->to.command, error);
        v->campaign = NULL;
    } else if (strcmp(v->campaign->name, v->name) != 0) {
        campaign_free(v->campaign);
        v->campaign = NULL;
    }
}

bool cli_view_open(struct cli_view *v, const struct cli_place *place, const char *text, bool *usage)
{
    memset(v, 0, sizeof(*v));
    v->to.command = place->command;
    *usage = !cli_campaign_of(place->command, text, &v->campaign, v->name);
    if (*usage || !cli_queue_connect(&v->to, place, v->name))
        return false;
    if (!cli_queue_wait(&v->to, queue_control_look(v->to.queue, on_control, v)) ||
        !cli_queue_wait(&v->to, queue_engines(v->to.queue, on_engines, v))) {
        cli_queue_failed(&v->to, "the campaign's state cannot be read");
        return false;
    }
    find_file(v);
    if (zone_cache_open(&v->zones) != OK)
        return false;
    v->standing = (struct standing){v->campaign, v->zones, v->now_wall_ms};
    return true;
}

void cli_view_close(struct cli_view *v)
{
    cli_queue_close(&v->to);
    zone_cache_close(v->zones);
    campaign_free(v->campaign);
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

    l->to.answered = true;
    l->to.e = e;
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
        if (!cli_queue_wait(&l->to, queue_campaigns(l->to.queue, on_campaigns, l)))
            cli_queue_failed(&l->to, "the campaigns cannot be listed");
        names = l->names;
        *n = l->n;
    }
    cli_queue_close(&l->to);
    free(l);
    return names;
}
