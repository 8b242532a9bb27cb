/* The environment of calls: the user agent, the media workers and the pool of calls between them.
 * Here calls are born (incoming ones are handed to the owner) and freed. */
#include "call/internal.h"
#include "call/line_inner.h"

#include <stdlib.h>
#include <sys/sysinfo.h>

#include "base/log.h"
#include "sip/trace.h"

#define CALLS_DEFAULT 4096

static void on_incoming(void *arg, struct sip_session *s);

static enum err open_parts(struct call_env *env, const struct call_env_config *config,
                           uint32_t max_calls)
{
    struct sip_ua_config ua = {
        .local = config->sip_local,
        .advertised = config->sip_advertised,
        .more = env->places.homes,
        .more_count = env->places.count - 1,
        .nat = call_nat_policy(config->nat),
        .dscp = config->sip_dscp,
        .tcp = config->tcp,
        .tls = config->tls,
        .tls_local = config->tls_local,
        .user_agent = config->user_agent ? config->user_agent : "Peal/0.1",
        .max_sessions = max_calls,
        .incoming = on_incoming,
        .arg = env,
    };
    struct media_config media = {
        .loop = config->loop,
        .workers = config->media_workers,
        /* Audio in time on a busy machine too, as long as a core is left for this thread. */
        .realtime = config->media_workers < (uint32_t)get_nprocs(),
        .local = config->media_local,
        .port_min = config->media_port_min,
        .port_max = config->media_port_max,
        .ranges = env->places.ranges,
        .range_count = env->places.range_count,
        .shared = config->media_shared,
        .keep_alive_ms = config->media_alive_ms,
        .libsrtp2 = config->libsrtp2,
        .dscp = config->media_dscp,
        .max_legs = max_calls,
        .prints = config->prints,
    };
    char text[ADDR_TEXT_MAX];
    enum err e = sip_ua_open(&env->ua, config->loop, &ua);

    if (e != OK) {
        log_error("call", "the SIP address could not be opened", "address=%s error=%s",
                  addr_format(&config->sip_local, text, sizeof(text)), err_name(e));
        return e;
    }
    slice_copy(slice_cstr(sip_ua_host(env->ua, &(struct sip_path){0})), env->sip_host,
               sizeof(env->sip_host));
    e = media_open(&env->media, &media);
    if (e == OK)
        env->sounds = media_sounds(env->media);
    if (e != OK)
        log_error("call", "the media workers could not be started",
                  "port_min=%u port_max=%u error=%s", config->media_port_min,
                  config->media_port_max, err_name(e));
    return e;
}

enum err call_env_open(struct call_env **out, const struct call_env_config *config)
{
    uint32_t max_calls = config->max_calls ? config->max_calls : CALLS_DEFAULT;
    struct call_env *env = calloc(1, sizeof(*env));
    uint64_t seed;
    enum err e;

    if (!env)
        return ERR_NOMEM;
    env->loop = config->loop;
    env->incoming = config->incoming;
    env->srtp = config->srtp;
    env->tls = config->tls != NULL;
    env->refuses_clear_keys = config->refuses_clear_keys;
    env->srtp_mki = config->srtp_mki;
    env->rekey_ms = config->rekey_ms;
    env->srtp_lifetime = config->srtp_lifetime;
    env->codecs = config->codecs;
    env->prints = config->prints;
    env->arg = config->arg;
    list_init(&env->live);
    rng_system(&seed, sizeof(seed));
    rng_seed(&env->rng, seed);
    env->plan = dsp_plan_find(config->tone_plan ? config->tone_plan : "us");
    e = env->plan ? OK : ERR_NOT_FOUND;
    if (e == OK)
        e = places_read(&env->places, config);
    if (e == OK)
        e = pool_init(&env->calls, sizeof(struct call), max_calls);
    if (e == OK)
        e = config->line ? line_open(env, config->line) : open_parts(env, config, max_calls);
    if (e != OK) {
        call_env_close(env);
        return e;
    }
    *out = env;
    return OK;
}

void call_env_close(struct call_env *env)
{
    if (!env)
        return;
    list_each(n, next, &env->live)
    {
        struct call *c = container_of(n, struct call, node);

        loop_timer_stop(env->loop, &c->ring_timer);
        loop_timer_stop(env->loop, &c->rekey_timer);
        line_free(c);
        list_remove(n);
    }
    if (env->line)
        line_close(env);
    if (env->ua)
        sip_ua_close(env->ua);
    if (env->media)
        media_close(env->media);
    pool_fini(&env->calls);
    free(env);
}

void call_env_hangup_all(struct call_env *env)
{
    list_each(n, next, &env->live) call_hangup(container_of(n, struct call, node), 0);
}

struct loop *call_env_loop(struct call_env *env)
{
    return env->loop;
}

struct sip_ua *call_env_ua(struct call_env *env)
{
    return env->ua;
}

struct media *call_env_media(struct call_env *env)
{
    return env->media;
}

struct sound_cache *call_env_sounds(struct call_env *env)
{
    return env->sounds;
}

const char *call_env_host(const struct call_env *env)
{
    return env->sip_host;
}

uint32_t call_env_count(const struct call_env *env)
{
    return env->calls.used;
}

uint32_t call_env_peak(const struct call_env *env)
{
    return env->calls.peak;
}

const struct call_env_stats *call_env_stats(const struct call_env *env)
{
    return &env->stats;
}

struct call *call_new(struct call_env *env, const struct call_made *made)
{
    struct media_leg_params leg = {
        .detect = made->detect,
        .plan = made->plan ? made->plan : env->plan,
        .amd = made->amd,
        .range = places_range(&env->places, made->place, made->ports),
    };
    struct call *c = pool_get(&env->calls);

    if (!c) {
        env->stats.refused_full++;
        return NULL;
    }
    c->env = env;
    c->outgoing = made->outgoing;
    c->detect = made->detect;
    c->place = made->place;
    c->clear = !made->tls;
    c->leg_start_us = c->start_us = clock_us(env->loop->clock);
    timer_init(&c->ring_timer);
    timer_init(&c->rekey_timer);
    call_record_init(&c->record);
    if ((env->line ? line_new(c) : media_leg_open(env->media, &leg, call_on_media, c, &c->leg)) !=
        OK) {
        env->stats.refused_full++;
        pool_put(&env->calls, c);
        return NULL;
    }
    list_push_back(&env->live, &c->node);
    if (!env->line)
        call_sdp_init(c, CALL_SRTP_OFF);
    return c;
}

void call_free(struct call *c)
{
    struct call_env *env = c->env;

    loop_timer_stop(env->loop, &c->ring_timer);
    loop_timer_stop(env->loop, &c->rekey_timer);
    if (env->ua)
        sip_ua_trace_end(env->ua, slice_cstr(c->record.call_id), c->outgoing);
    line_free(c);
    sdp_session_forget(&c->sdp);
    list_remove(&c->node);
    pool_put(&env->calls, c);
}

void call_finish_if_gone(struct call *c)
{
    if (c->session || c->leg || (c->line && c->line->up))
        return;
    loop_timer_stop(c->env->loop, &c->ring_timer);
    loop_timer_stop(c->env->loop, &c->rekey_timer);
    c->state = CALL_STATE_ENDED;
    call_mark_once(c, MARK_END, call_now_ms(c));
    if (c->released) {
        call_free(c);
        return;
    }
    call_tell(c, &c->ended);
}

static void on_incoming(void *arg, struct sip_session *s)
{
    struct call_env *env = arg;
    struct call_made made = {
        .detect = true, .place = sip_session_peer(s)->home, .tls = sip_session_peer(s)->tls};
    struct call *c = env->incoming ? call_new(env, &made) : NULL;

    if (!c) {
        sip_session_reject(s, env->incoming ? 503 : 480, NULL, env->incoming ? 42 : 0, NULL);
        sip_session_release(s);
        return;
    }
    env->stats.incoming++;
    c->session = s;
    c->record.invite_wall_ms = clock_wall_ms(env->loop->clock);
    slice_copy(sip_session_call_id(s), c->record.call_id, sizeof(c->record.call_id));
    sip_session_set_handler(s, call_on_sip, c);
    env->incoming(env->arg, c);
}
