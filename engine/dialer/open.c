/* A dialer is put together from its parts, and taken apart. */
#include "dialer/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "dialer/reconcile.h"
#include "dsp/prints.h"
#include "flow/flow.h"
#include "io/limits.h"
#include "io/tls.h"
#include "media/media.h"

#define FILES_PER_CALL     4   /* RTP, RTCP, recording and its index */
#define FILES_BESIDE_CALLS 640 /* trunks, agents, Redis, records; 256 connections of an API */

static enum err make_folder(const char *path, char *error)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return OK;
    snprintf(error, DIALER_ERROR_MAX, "the folder %s cannot be made: %s", path, strerror(errno));
    return ERR_IO;
}

static enum err open_recording(struct dialer *d, char *error)
{
    char why[SEAL_ERROR_MAX];

    d->record = d->campaign->recording.how;
    if (d->campaign->recording.mode == RECORDING_OFF || d->config.model)
        return OK;
    enum err e = record_settings_open(&d->record, why);
    if (e)
        snprintf(error, DIALER_ERROR_MAX, "recording: %s", why);
    return e;
}

static enum err open_folders(struct dialer *d, char *error)
{
    enum err e = make_folder(d->config.data_dir, error);

    if (d->campaign->recording.dir[0])
        snprintf(d->config.recording_dir, sizeof(d->config.recording_dir), "%s",
                 d->campaign->recording.dir);
    else
        snprintf(d->config.recording_dir, sizeof(d->config.recording_dir), "%.400s/recordings",
                 d->config.data_dir);
    /* An unwritable recordings folder costs the recordings, not the campaign. */
    if (e == OK && d->campaign->recording.mode != RECORDING_OFF &&
        mkdir(d->config.recording_dir, 0755) != 0 && errno != EEXIST)
        log_warn("dialer", "the recordings folder cannot be made; calls go on without",
                 "path=%s errno=%d", d->config.recording_dir, errno);
    return e;
}

/* The engine's name in Redis: the same after a restart, so that it finds its own leases. */
static enum err name_engine(struct dialer *d, char *error)
{
    char path[CAMPAIGN_PATH_MAX + 16];
    uint64_t random;
    FILE *f;

    if (d->config.model) {
        snprintf(d->engine, sizeof(d->engine), "%s", d->config.model->engine);
        return OK;
    }
    snprintf(path, sizeof(path), "%s/engine-id", d->config.data_dir);
    f = fopen(path, "r");
    if (f) {
        bool found = fscanf(f, "%63s", d->engine) == 1;

        fclose(f);
        if (found)
            return OK;
    }
    rng_system(&random, sizeof(random));
    snprintf(d->engine, sizeof(d->engine), "engine-%016llx", (unsigned long long)random);
    f = fopen(path, "w");
    if (!f || fprintf(f, "%s\n", d->engine) < 0 || fclose(f) != 0) {
        snprintf(error, DIALER_ERROR_MAX, "%s cannot be written: %s", path, strerror(errno));
        return ERR_IO;
    }
    return OK;
}

static void raise_limits(const struct campaign *c)
{
    uint64_t wanted = (uint64_t)c->max_calls * FILES_PER_CALL + FILES_BESIDE_CALLS, got = 0;

    if (limits_raise_files(wanted, &got) != OK)
        log_warn("dialer", "the system allows fewer open files than max_calls may need",
                 "wanted=%llu allowed=%llu", (unsigned long long)wanted, (unsigned long long)got);
}

/* A trunk on TCP needs our own side of it: its Contact is for TCP, and so are ACK and BYE. */
static bool needs_tcp(const struct campaign *c)
{
    bool tcp = c->sip.tcp;

    for (uint32_t i = 0; i < c->trunk_count; i++)
        tcp = tcp || c->trunks[i].tcp;
    return tcp;
}

/* TLS is there when something goes over it, or when we have a certificate to be called by. */
static bool needs_tls(const struct campaign *c)
{
    bool tls = c->tls.certificate[0] || c->tls.authorities[0];

    for (uint32_t i = 0; i < c->trunk_count; i++)
        tls = tls || c->trunks[i].tls;
    for (uint32_t i = 0; i < c->agent_count && !tls; i++)
        tls = strstr(c->agents[i].uri, ";transport=tls") != NULL;
    return tls;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static enum err open_health(struct dialer *d, char *error)
{
    const struct health_config config = {.late_limit_ms = d->campaign->media.late_limit_ms,
                                         .path = d->config.health_path,
                                         .who = "dialer"};
    enum err e = health_open(&d->health, d->env, &config);

    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "--health %.400s: %s", config.path ? config.path : "",
                 err_name(e));
    return e;
}

_Static_assert(CAMPAIGN_ADDRESSES_MAX < CALL_PLACES_MAX, "each address is a place");
_Static_assert(CAMPAIGN_TRUNKS_MAX <= CALL_PORTS_MAX, "each trunk may have ports of its own");

static void list_places(const struct campaign *c, struct call_place *places)
{
    for (uint32_t i = 0; i < c->address_count; i++) {
        const struct campaign_address *a = &c->addresses[i];

        places[i] = (struct call_place){.sip = a->sip,
                                        .sip_advertised = a->sip_advertised,
                                        .media = a->media,
                                        .media_advertised = a->media_advertised,
                                        .port_min = a->port_min,
                                        .port_max = a->port_max};
        if (a->tls_port) {
            places[i].tls = a->sip;
            addr_set_port(&places[i].tls, (uint16_t)a->tls_port);
        }
    }
}

/* The trunks that have ports of their own, and where each finds its own. */
static uint32_t list_ports(struct dialer *d, struct call_ports *ports)
{
    const struct campaign *c = d->campaign;
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->trunk_count; i++) {
        const struct campaign_trunk *t = &c->trunks[i];

        if (!t->port_min)
            continue;
        ports[n++] = (struct call_ports){t->place, t->port_min, t->port_max};
        d->trunks[i].ports = (uint8_t)n;
    }
    return n;
}

static void on_incoming(void *arg, struct call *c)
{
    struct dialer *d = arg;

    supervise_take(&d->supervision, c, d->stage == DIALER_RUNNING);
}

static enum err open_calls(struct dialer *d, char *error)
{
    const struct campaign *c = d->campaign;
    struct call_place places[CAMPAIGN_ADDRESSES_MAX];
    struct call_ports ports[CAMPAIGN_TRUNKS_MAX];
    const struct tls_config tls = {.authorities = or_null(c->tls.authorities),
                                   .revoked = or_null(c->tls.crl),
                                   .certificate = or_null(c->tls.certificate),
                                   .key = or_null(c->tls.key),
                                   .client_certificates = c->tls.client_certificates,
                                   .stapling = (enum tls_stapling)c->tls.stapling};
    struct call_env_config env = {
        .loop = d->loop,
        .sip_local = c->sip.address,
        .sip_advertised = c->sip.advertised,
        .sip_dscp = c->sip.dscp,
        .media_alive_ms = c->media.keep_alive_ms,
        .refuses_clear_keys = c->sip.refuses_clear_keys,
        .srtp_mki = (uint8_t)c->sip.mki_bytes,
        .rekey_ms = c->sip.rekey_ms,
        .srtp_lifetime = c->sip.srtp_lifetime,
        .libsrtp2 = c->sip.libsrtp2,
        .places = places,
        .place_count = c->address_count,
        .ports = ports,
        .ports_count = list_ports(d, ports),
        .media_advertised = c->media.advertised,
        .media_dscp = c->media.dscp,
        .tcp = needs_tcp(c),
        .tls = needs_tls(c) ? &tls : NULL,
        .srtp = (enum call_srtp)c->sip.srtp,
        .codecs = c->sip.codecs,
        .media_local = c->media.address,
        .media_port_min = c->media.port_min,
        .media_port_max = c->media.port_max,
        .media_workers = c->media.workers,
        .media_shared = c->media.shared,
        .max_calls = c->max_calls,
        .tone_plan = c->tone_plan,
        .line = d->config.model ? d->config.model->line : NULL,
        .incoming = c->supervision.pin[0] ? on_incoming : NULL,
        .arg = d,
    };
    char text[ADDR_TEXT_MAX];
    enum err e = OK;

    list_places(c, places);
    if (c->tls.port) {
        env.tls_local = c->sip.address;
        addr_set_port(&env.tls_local, (uint16_t)c->tls.port);
    }
    const struct dsp_plan *plan;

    if (dsp_plan_is_file(c->tone_plan))
        e = dsp_plan_open(c->tone_plan, &plan, error);
    if (e == OK && c->prints[0])
        e = prints_load(&d->prints, c->prints, error);
    if (e != OK)
        return e;
    env.prints = d->prints;
    e = call_env_open(&d->env, &env);
    if (e == OK)
        return open_health(d, error);
    snprintf(error, DIALER_ERROR_MAX,
             "calls cannot be made from %s (%s, see the log): is another program using that "
             "address, and "
             "are the media ports free?",
             addr_format(&c->sip.address, text, sizeof(text)), err_name(e));
    return e;
}

static enum err load_sound(struct dialer *d, const char *path, const struct sound **out,
                           char *error)
{
    char why[SOUND_ERROR_MAX];

    *out = NULL;
    if (!path[0])
        return OK;
    enum err e = sound_load(call_env_sounds(d->env), path, out, why);
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "%s", why);
    return e;
}

static enum err load_sounds(struct dialer *d, char *error)
{
    enum err e = load_sound(d, d->campaign->abandonment.message, &d->safe_harbour, error);

    if (e == OK)
        e = load_sound(d, d->campaign->hold.music, &d->hold_music, error);
    if (e == OK)
        e = load_sound(d, d->campaign->hold.ringback, &d->ringback, error);
    for (int i = 0; i < RESULT_COUNT && e == OK; i++)
        if (d->campaign->on[i].kind == TREAT_MESSAGE)
            e = load_sound(d, d->campaign->on[i].file, &d->messages[i], error);
    return e;
}

static void unload_sounds(struct dialer *d)
{
    if (d->safe_harbour)
        sound_unref(d->safe_harbour);
    if (d->hold_music)
        sound_unref(d->hold_music);
    if (d->ringback)
        sound_unref(d->ringback);
    for (int i = 0; i < RESULT_COUNT; i++)
        if (d->messages[i])
            sound_unref(d->messages[i]);
}

static enum err open_records(struct dialer *d, char *error)
{
    char jsonl[CAMPAIGN_PATH_MAX + 16], sqlite[CAMPAIGN_PATH_MAX + 16], why[RECORDS_ERROR_MAX];
    struct records_config config = {.jsonl_path = jsonl,
                                    .sqlite_path = sqlite,
                                    .campaign = d->campaign->name,
                                    .zone = zone_name(d->campaign->zone)};

    snprintf(jsonl, sizeof(jsonl), "%s/calls.jsonl", d->config.data_dir);
    snprintf(sqlite, sizeof(sqlite), "%s/calls.sqlite", d->config.data_dir);
    if (d->config.model) {
        config.sqlite_path = NULL;
        config.unsynced = true;
    }
    enum err e = records_open(&d->records, &config, why);
    if (e != OK)
        snprintf(error, DIALER_ERROR_MAX, "%s", why);
    return e;
}

static void init_values(struct dialer *d)
{
    const struct campaign *c = d->campaign;

    dsp_amd_defaults(&d->amd);
    d->amd.initial_silence_ms = (uint16_t)c->analysis.initial_silence_ms;
    d->amd.greeting_ms = (uint16_t)c->analysis.greeting_ms;
    d->amd.after_greeting_ms = (uint16_t)c->analysis.after_greeting_ms;
    d->amd.total_ms = (uint16_t)c->analysis.total_ms;
    d->amd.mode = (uint8_t)c->analysis.mode;
    d->amd.drop_cost_s = (uint16_t)(c->analysis.drop_cost_ms / 1000);
    d->amd.agent_cost_s = (uint16_t)(c->analysis.agent_cost_ms / 1000);
    d->amd.limit_ms = (uint16_t)c->abandonment.limit_ms;
    d->policy = c->pacing;
    abandonment_init(&d->abandonment, c->zone, c->abandonment.limit_ms);
    ledger_init(d);
    stops_begin(d);
    list_init(&d->live);
    list_init(&d->waiting);
    list_init(&d->offers);
    list_init(&d->settling);
    timer_init(&d->tick);
    timer_init(&d->sample);
    timer_init(&d->renew);
    hist_reset(&d->answer_to_agent_ms);
    run_init(d->run);
    snprintf(d->run->campaign, sizeof(d->run->campaign), "%s", c->name);
    snprintf(d->look.campaign, sizeof(d->look.campaign), "%s", c->name);
    d->run->started_wall_ms = clock_wall_ms(d->loop->clock);
    d->run->abandonment_cap_percent = c->abandonment.cap_percent;
    d->run->abandonment_limit_ms = c->abandonment.limit_ms;
    d->started_us = clock_us(d->loop->clock);
}

static enum err open_parts(struct dialer *d, char *error)
{
    enum err e = open_folders(d, error);

    if (e == OK)
        e = open_recording(d, error);
    if (e == OK)
        e = name_engine(d, error);
    if (e == OK)
        e = open_records(d, error);
    if (e == OK)
        e = publish_open(d, error);
    if (e == OK)
        e = feed_connect(d, error);
    if (e == OK)
        e = open_calls(d, error);
    if (e == OK)
        e = load_sounds(d, error);
    if (e == OK)
        e = flows_open(d, error);
    if (e == OK)
        e = pool_init(&d->attempts, sizeof(struct attempt), d->campaign->max_calls);
    if (e == OK)
        e = reconcile_init(d);
    if (e == OK)
        e = lanes_open(d);
    if (e == OK)
        e = zone_cache_open(&d->zones);
    if (e == OK)
        e = trunks_open(d);
    if (e == OK)
        e = agents_open(d);
    if (e == OK)
        e = live_open(&d->view, 2, d->config.quiet);
    return e;
}

enum err dialer_open(struct dialer **out, const struct dialer_config *config, char *error)
{
    struct dialer *d = calloc(1, sizeof(*d));

    error[0] = '\0';
    if (!d || !(d->run = malloc(sizeof(*d->run)))) {
        free(d);
        snprintf(error, DIALER_ERROR_MAX, "out of memory");
        return ERR_NOMEM;
    }
    d->config = *config;
    d->campaign = config->campaign;
    d->loop = config->loop;
    init_values(d);
    raise_limits(d->campaign);
    enum err e = open_parts(d, error);
    if (e != OK) {
        if (!error[0])
            snprintf(error, DIALER_ERROR_MAX, "the dialer cannot start: %s", err_name(e));
        dialer_close(d);
        return e;
    }
    *out = d;
    return OK;
}

void dialer_close(struct dialer *d)
{
    if (!d)
        return;
    loop_timer_stop(d->loop, &d->tick);
    loop_timer_stop(d->loop, &d->sample);
    loop_timer_stop(d->loop, &d->renew);
    live_close(d->view);
    if (d->env) {
        flows_close(d);
        unload_sounds(d);
        list_each(n, next, &d->live)
            loop_timer_stop(d->loop, &container_of(n, struct attempt, node)->timer);
        for (uint32_t i = 0; i < d->agent_count; i++)
            loop_timer_stop(d->loop, &d->agents[i].preview);
        desk_close(d->desk);
        health_close(d->health);
        call_env_close(d->env);
    }
    prints_close(d->prints);
    feed_disconnect(d);
    publish_close(d);
    forward_end(d);
    if (d->records)
        records_close(d->records, NULL);
    lanes_close(d);
    zone_cache_close(d->zones);
    pool_fini(&d->attempts);
    reconcile_fini(d);
    for (uint32_t i = 0; i < d->reloads; i++)
        campaign_free(d->superseded[i]);
    free(d->ledger.replay);
    free(d->agents);
    free(d->run);
    seal_key_wipe(&d->record.key);
    free(d);
}
