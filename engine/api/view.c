/* Opening a campaign to look at it. */
#include "api/view.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

static void on_control(void *arg, enum err e, const struct queue_control *c)
{
    struct view *v = arg;

    ask_on_done(v->ask, e);
    v->control = *c;
}

static void on_engines(void *arg, enum err e, const struct queue_engine_told *engine, uint32_t n,
                       uint64_t now_wall_ms)
{
    struct view *v = arg;

    ask_on_done(v->ask, e);
    v->now_wall_ms = now_wall_ms;
    for (int gone = 0; gone < 2; gone++)
        for (uint32_t i = 0; i < n; i++)
            if (engine[i].gone == (gone == 1)) {
                v->engine[v->engines++] = engine[i];
                v->present += !gone;
            }
}

/* Without its file we still tell what Redis knows. */
static void find_file(struct view *v)
{
    if (v->campaign || !v->control.file[0] || access(v->control.file, R_OK) != 0)
        return;
    if (campaign_load(&v->campaign, v->control.file, v->file_error) != OK) {
        v->campaign = NULL;
    } else if (strcmp(v->campaign->name, v->name) != 0) {
        campaign_free(v->campaign);
        v->campaign = NULL;
    }
}

bool view_open(struct view *v, struct ask *ask, const char *name, struct campaign *c)
{
    memset(v, 0, sizeof(*v));
    v->ask = ask;
    v->campaign = c;
    snprintf(v->name, sizeof(v->name), "%s", name);
    if (!ask_wait(ask, queue_control_look(ask->queue, on_control, v)) ||
        !ask_wait(ask, queue_engines(ask->queue, on_engines, v)))
        return false;
    find_file(v);
    ask->e = zone_cache_open(&v->zones);
    v->standing = (struct standing){v->campaign, v->zones, v->now_wall_ms};
    return ask->e == OK;
}

void view_close(struct view *v)
{
    zone_cache_close(v->zones);
    campaign_free(v->campaign);
    v->zones = NULL;
    v->campaign = NULL;
}

void view_put_instant(struct json *j, const char *name, uint64_t wall_ms)
{
    char text[32];

    if (wall_ms == 0 || wall_ms == WINDOW_NEVER) {
        json_put_null(j, name);
        return;
    }
    clock_format_utc(wall_ms, text, sizeof(text));
    json_cstr(j, name, text);
}

void view_put_state(struct json *j, const struct queue_control *k)
{
    json_begin_object(j, "state");
    json_cstr(j, "name", control_state_name(k->state));
    view_put_instant(j, "since", k->since_wall_ms);
    json_cstr(j, "who", k->who);
    json_cstr(j, "why", k->why);
    json_end(j);
}
