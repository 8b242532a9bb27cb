/* What the flows of a campaign stand on: a runtime with the scripts that `on:` names, their sounds
 * beside the campaign file, the synthesiser, the hosts they may ask, and the store on the Redis of
 * the campaign, by a connection of its own. As flows of `peal serve` have them (serve/book.c). */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"
#include "queue/server.h"
#include "queue/store.h"

static bool has_flows(const struct campaign *c)
{
    for (int i = 0; i < RESULT_COUNT; i++)
        if (c->on[i].kind == TREAT_FLOW)
            return true;
    return false;
}

static void on_store(void *arg, bool up, const char *why)
{
    (void)arg;
    if (!up)
        log_warn("dialer", "the store is away: what flows ask of it fails until it is back",
                 "why=\"%s\"", why);
}

/* A modelled line has no store: its clock would not wait for the answers. */
static enum err open_store(struct dialer *d, char *error)
{
    struct store_config config = {
        .loop = d->loop, .url = dialer_redis_url(d), .on_state = on_store, .arg = d};

    if (d->config.model)
        return OK;
    enum err e = store_open(&d->flow_store, &config);
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "the store of flows cannot be opened (%s)", err_name(e));
    return e;
}

static enum err load(struct dialer *d, enum result on, char *error)
{
    const struct campaign_flows *f = &d->campaign->flows;
    char why[FLOW_TEXT_MAX] = "";
    struct flow_script *script = NULL;
    enum err e = flow_script_load(d->flow_runtime, d->campaign->on[on].file, &script, why);

    if (e != OK) {
        snprintf(error, DIALER_ERROR_MAX, "%s", why);
        return e;
    }
    d->flows[on] = script;
    if (!f->speech_on_demand && !d->config.model)
        flow_script_prefetch(d->flow_runtime, script, f->language[0] ? f->language : NULL);
    return OK;
}

enum err flows_open(struct dialer *d, char *error)
{
    const struct campaign_flows *f = &d->campaign->flows;
    char speech[CAMPAIGN_PATH_MAX];
    struct flow_config config = {
        .loop = d->loop,
        .audio_root = d->campaign->folder,
        .sounds = call_env_sounds(d->env),
        .record_dir = d->config.recording_dir,
        .record = &d->record,
        .max_flows = d->campaign->max_calls,
        .synthesiser = f->speech[0] ? f->speech : NULL,
        .speech_folder = speech,
        .speech_threads = f->speech_processes,
        .http_allow = f->http[0] ? f->http : NULL,
        .recordings = d->prints,
    };

    if (!has_flows(d->campaign))
        return OK;
    flows_host(d);
    config.host = &d->flow_host;
    snprintf(speech, sizeof(speech), "%.400s/speech", d->config.data_dir);
    enum err e = open_store(d, error);
    if (e != OK)
        return e;
    config.store = d->flow_store ? store_for_flows(d->flow_store) : NULL;
    e = flow_runtime_open(&d->flow_runtime, &config);
    for (int i = 0; i < RESULT_COUNT && e == OK; i++)
        if (d->campaign->on[i].kind == TREAT_FLOW)
            e = load(d, (enum result)i, error);
    return e;
}

void flows_close(struct dialer *d)
{
    if (d->flow_runtime)
        flow_runtime_close(d->flow_runtime);
    d->flow_runtime = NULL;
    store_close(d->flow_store); /* answers what was asked: after the runtime, which then drops it */
    d->flow_store = NULL;
}
