/* From a suite to everything that plays it. */
#include "sim/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_incoming(void *arg, struct call *c)
{
    answering_incoming(&((struct run *)arg)->answering, c);
}

static int open_host(struct run *r, const struct run_arguments *a)
{
    const struct suite *s = r->suite;
    struct flow_field settings[MIX_SETTINGS_MAX + FLOW_SETTINGS_MAX];
    struct host_config config = {
        .program = RUN_PROGRAM,
        .listen = s->listen,
        .media_ports = s->media_ports,
        .srtp = s->srtp,
        .codec_list = s->codecs,
        .tls_authorities = s->tls_authorities,
        .tls_certificate = s->tls_certificate,
        .tls_key = s->tls_key,
        .shared_media = s->shared_media,
        .workers = a->workers ? a->workers : s->workers,
        .max_calls = s->max_calls,
        .seed = s->seed,
        .late_limit_ms = s->late_limit_ms,
        .audio = a->audio,
        .record = a->record,
        .audio_kept = a->report ? r->place.audio : NULL,
        .truth = a->report ? r->place.lines : NULL,
        .settings = settings,
        .incoming = s->answers ? on_incoming : NULL,
        .on_signal = run_on_signal,
        .arg = r,
    };

    /* The suite's settings come first: of two with one name, the first is what scripts read. */
    memcpy(settings, s->setting, s->settings * sizeof *settings);
    config.settings_count = s->settings;
    struct flow_field own[MIX_SETTINGS_MAX];
    uint32_t n = r->mix ? mix_settings(r->mix, own) : 0;
    for (uint32_t i = 0; i < n; i++) {
        bool given = false;
        for (uint32_t k = 0; k < s->settings && !given; k++)
            given = strcmp(own[i].name, s->setting[k].name) == 0;
        if (!given)
            settings[config.settings_count++] = own[i];
    }
    if (config.settings_count > FLOW_SETTINGS_MAX) {
        fprintf(stderr, RUN_PROGRAM ": %s: more than %d settings with those of the mix\n", s->path,
                FLOW_SETTINGS_MAX);
        return SIM_CONFIG;
    }
    return host_open(&r->host, &config);
}

static int open_mix(struct run *r)
{
    const struct suite *s = r->suite;
    char error[MIX_ERROR_MAX];

    if (!s->answers)
        return SIM_PASS;
    if (!s->mix)
        return answering_mix_of_folder(&r->mix, RUN_PROGRAM, s->scenarios);
    if (mix_load(&r->mix, s->mix, error) == OK)
        return SIM_PASS;
    fprintf(stderr, RUN_PROGRAM ": %s:%u: mix: %s\n", s->path, s->answers_line, error);
    return SIM_CONFIG;
}

static int open_callees(struct run *r)
{
    const struct suite *s = r->suite;
    struct outcome *o = &r->outcome;
    struct answering_config config = {
        .mix = r->mix,
        .scenarios = s->scenarios,
        .seed = s->seed,
        .max_calls = s->max_calls,
        .wrongs = s->wrongs_given ? &s->wrongs : NULL,
        .outcome = o,
        .group = o->groups,
    };

    if (!r->answers)
        return SIM_PASS;
    o->group[o->groups++] = (struct outcome_group){
        .name = RUN_CALLEES,
        .file = s->path,
        .line = s->answers_line,
        .answering = true,
        .passed = true,
    };
    return answering_open(&r->answering, &r->host, &config);
}

/* `to` with {callees} replaced by our own address; NULL: no memory. */
static char *with_own_address(const struct run *r, const char *to)
{
    const char *at = strstr(to, "{callees}");
    char *out = NULL;

    if (!at)
        return strdup(to);
    if (asprintf(&out, "%.*s%s%s", (int)(at - to), to,
                 r->crowd ? crowd_callees(r->crowd) : r->host.listen, at + strlen("{callees}")) < 0)
        return NULL;
    return out;
}

/* Of `total` calls, those that this process makes. */
static uint64_t own_share(const struct run *r, uint64_t total)
{
    uint64_t parts = r->crowd ? crowd_parts(r->crowd) : 1;
    uint64_t part = r->crowd ? crowd_part(r->crowd) : 0;

    return total > part ? (total - part - 1) / parts + 1 : 0;
}

static int open_group(struct run *r, uint32_t i)
{
    const struct suite_callers *k = &r->suite->callers[i];
    struct outcome *o = &r->outcome;
    char where[300];

    r->starts_us[i] = k->start_us;

    r->to[i] = with_own_address(r, k->to);
    if (!r->to[i])
        return SIM_CONFIG;
    snprintf(where, sizeof where, "%s:%u: callers %s: ", r->suite->path, k->line, k->name);
    o->group[o->groups] = (struct outcome_group){
        .name = k->name,
        .file = r->suite->path,
        .line = k->line,
        .script = k->scenario,
        .planned = own_share(r, k->planned),
        .min_success = k->min_success,
        .passed = true,
    };
    struct calling_config config = {
        .to = r->to[i],
        .from = k->from,
        .wrongs = &k->wrongs,
        .codecs = k->codecs.n ? &k->codecs : NULL,
        .scenario = k->scenario,
        .data = k->data,
        .law = k->law,
        .planned = own_share(r, k->planned),
        .part = r->crowd ? crowd_part(r->crowd) : 0,
        .parts = r->crowd ? crowd_parts(r->crowd) : 1,
        .seed = r->suite->seed,
        .max_calls = r->suite->max_calls,
        .first_leg = (uint64_t)(i + 1) * SUITE_CALLS_MAX,
        .outcome = o,
        .group = o->groups++,
        .on_over = run_on_over,
        .arg = r,
    };
    r->opened = i + 1;
    return calling_open(&r->calling[i], &r->host, &config, where);
}

int run_open(struct run *r, const struct run_arguments *a)
{
    timer_init(&r->end);
    timer_init(&r->look);
    timer_init(&r->drain);
    timer_init(&r->crowd_look);
    r->calling = calloc(SUITE_CALLERS_MAX, sizeof *r->calling);
    int rc = r->calling ? open_mix(r) : SIM_CONFIG;
    if (rc == SIM_PASS)
        rc = open_host(r, a);
    if (rc == SIM_PASS)
        r->outcome.rt = r->host.rt;
    if (rc == SIM_PASS)
        rc = run_join(r, a);
    if (rc == SIM_PASS)
        rc = open_callees(r);
    for (uint32_t i = 0; rc == SIM_PASS && i < r->suite->caller_groups; i++)
        rc = open_group(r, i);
    return rc;
}

void run_close(struct run *r)
{
    if (r->host.loop_open) {
        loop_timer_stop(&r->host.loop, &r->end);
        loop_timer_stop(&r->host.loop, &r->look);
        loop_timer_stop(&r->host.loop, &r->drain);
        loop_timer_stop(&r->host.loop, &r->crowd_look);
        steer_close(r->steer);
    }
    crowd_close(r->crowd);
    prometheus_close(r->metrics);
    host_close(&r->host);
    for (uint32_t i = 0; i < r->opened; i++)
        calling_close(&r->calling[i]);
    for (uint32_t i = 0; i < SUITE_CALLERS_MAX; i++)
        free(r->to[i]);
    answering_close(&r->answering);
    mix_free(r->mix);
    free(r->calling);
}
