/* Opening and closing the simulator's ground. */
#include "sim/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "dsp/prints.h"
#include "io/limits.h"
#include "io/tls.h"
#include "media/media.h"
#include "sim/options.h"
#include "sim/sim.h"
#include "sip/trace.h"
#include "sip/ua.h"

#define MAX_CALLS_DEFAULT 4096
#define SUMMARY_MAX       65536
#define AUDIO_DEFAULT     "out/audio"

static int wrong(const struct host *h, const char *what, const char *value, const char *why)
{
    fprintf(stderr, "%s: %s%s%s: %s\n", h->program, what, value ? " " : "", value ? value : "",
            why);
    return SIM_CONFIG;
}

static void raise_files(const struct host *h, uint64_t calls)
{
    uint64_t wanted = calls * 2 + 128, got = 0;

    if (limits_raise_files(wanted, &got) != OK)
        fprintf(stderr,
                "%s: %llu files may be open, %llu are wanted for %llu calls at once: beyond about "
                "%llu calls new ones are refused (raise `ulimit -n`)\n",
                h->program, (unsigned long long)got, (unsigned long long)wanted,
                (unsigned long long)calls, (unsigned long long)(got / 2));
}

static bool srtp_of(const char *word, enum call_srtp *out)
{
    static const char *const words[] = {[CALL_SRTP_OFF] = "off",
                                        [CALL_SRTP_OFFERED] = "offered",
                                        [CALL_SRTP_REQUIRED] = "required"};

    for (unsigned i = 0; word && i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = (enum call_srtp)i;
            return true;
        }
    }
    return !word;
}

/* "127.0.0.1:5070,[::1]:5070": the first place and, into `places`, the others. */
static bool listen_on(const char *text, struct call_env_config *env, struct call_place *places)
{
    struct slice rest = slice_cstr(text), one;
    bool more = slice_cut(rest, ',', &one, &rest);

    if (addr_parse(slice_trim(one), 5060, &env->sip_local) != OK)
        return false;
    for (; more && env->place_count < CALL_PLACES_MAX - 1; env->place_count++) {
        more = slice_cut(rest, ',', &one, &rest);
        places[env->place_count] = (struct call_place){0};
        if (addr_parse(slice_trim(one), 5060, &places[env->place_count].sip) != OK)
            return false;
    }
    env->places = places;
    return !more;
}

static int open_calls(struct host *h, const struct host_config *config, uint32_t max_calls)
{
    struct call_env_config env = {
        .loop = &h->loop,
        .tcp = true,
        .user_agent = "peal-sim",
        .media_workers = (uint32_t)config->workers,
        .media_shared = config->shared_media,
        .max_calls = max_calls,
        .prints = h->prints,
        .codecs = config->codec_list,
        .incoming = config->incoming,
        .arg = config->arg,
    };
    const struct tls_config tls = {.authorities = config->tls_authorities,
                                   .certificate = config->tls_certificate,
                                   .key = config->tls_key};

    if (tls.authorities || tls.certificate || tls.key)
        env.tls = &tls;
    struct call_place places[CALL_PLACES_MAX];

    if (!listen_on(config->listen, &env, places))
        return wrong(h, "--listen", config->listen,
                     "it must be an address and a port, such as 127.0.0.1:5070 or [::1]:5070, or "
                     "several with commas between");
    env.media_local = env.sip_local;
    addr_set_port(&env.media_local, 0);
    if (config->media_ports &&
        !options_port_range(config->media_ports, &env.media_port_min, &env.media_port_max))
        return wrong(h, "--media-ports", config->media_ports,
                     "it must be two ports from 1024 to 65535, such as 20000-29999");
    if (!srtp_of(config->srtp, &env.srtp))
        return wrong(h, "--srtp", config->srtp, "it must be off, offered or required");
    if (config->shared_media && config->workers > 1)
        return wrong(h, "shared media", "with more than one worker",
                     "legs that share a socket stay on one: --workers 1");
    struct slice word = SLICE_NONE;

    if (config->codecs && sdp_codecs_parse(slice_cstr(config->codecs), &env.codecs, &word) != OK)
        return wrong(h, "--codecs", config->codecs,
                     "accepted: " SDP_CODEC_WORDS ", each once, the preferred one first, as in "
                     "opus,pcma");
    enum err e = call_env_open(&h->env, &env);
    if (e != OK)
        return wrong(h, "cannot listen on", config->listen,
                     e == ERR_IO ? strerror(errno) : err_name(e));
    addr_format(sip_ua_local(call_env_ua(h->env)), h->listen, sizeof h->listen);
    size_t len = 0;

    for (uint32_t i = 0; i < env.place_count; i++)
        len += (size_t)snprintf(
            h->also + len, sizeof h->also - len, ", %s",
            sip_ua_host(call_env_ua(h->env), &(struct sip_path){.home = (uint8_t)(i + 1)}));
    const struct addr *secure = sip_ua_tls_local(call_env_ua(h->env));

    if (secure)
        addr_format(secure, h->tls_listen, sizeof h->tls_listen);
    sip_ua_trace(call_env_ua(h->env), h->trace);
    return SIM_PASS;
}

static int open_scripts(struct host *h, const struct host_config *config, uint32_t max_calls)
{
    struct stat st;
    struct flow_config flow = {
        .loop = &h->loop,
        .seed = config->seed,
        .simulator = true,
        .audio_root = config->audio,
        .sounds = call_env_sounds(h->env),
        .preload = true,
        .record_dir = config->record,
        .audio_kept_dir = config->audio_kept,
        .max_flows = max_calls,
        .settings = config->settings,
        .settings_count = config->settings_count,
        .trace = h->trace,
        .prints = h->prints,
    };

    if (!flow.audio_root && stat(AUDIO_DEFAULT, &st) == 0 && S_ISDIR(st.st_mode))
        flow.audio_root = AUDIO_DEFAULT;
    if (!flow.audio_root)
        fprintf(stderr,
                "%s: no audio folder: scripts that play files will fail (make it by "
                "tools/make-audio, or give --audio DIR)\n",
                h->program);
    enum err e = flow_runtime_open(&h->rt, &flow);
    if (e == OK)
        return SIM_PASS;
    return wrong(h, "the audio folder", flow.audio_root ? flow.audio_root : "", err_name(e));
}

int host_open(struct host *h, const struct host_config *config)
{
    uint32_t max_calls = config->max_calls ? (uint32_t)config->max_calls : MAX_CALLS_DEFAULT;

    memset(h, 0, sizeof *h);
    h->program = config->program;
    h->late_limit_ms = config->late_limit_ms;
    raise_files(h, max_calls);
    if (loop_init(&h->loop, NULL) != OK)
        return wrong(h, "io_uring", NULL, "the kernel gave no ring; see the log line above");
    h->loop_open = true;
    if (stop_init(&h->stop, &h->loop, config->on_signal, config->arg) != OK)
        return wrong(h, "signals", NULL, strerror(errno));
    h->stop_open = true;
    if (sip_trace_open(&h->trace, max_calls + max_calls / 4 + 64) != OK ||
        prints_open(&h->prints) != OK || prints_index(h->prints) != OK)
        return wrong(h, "--max-calls", NULL, "there is no memory for so many");
    int rc = open_calls(h, config, max_calls);
    if (rc == SIM_PASS)
        rc = open_scripts(h, config, max_calls);
    if (rc != SIM_PASS)
        return rc;
    if (truth_open(&h->truth, &h->loop, config->truth) != OK)
        return wrong(h, "--truth", config->truth, "the path is too long");
    lateness_start(&h->lateness, &h->loop, h->env);
    h->started_us = clock_us(h->loop.clock);
    return SIM_PASS;
}

void host_close(struct host *h)
{
    if (h->loop_open)
        truth_close(&h->truth, &h->loop);
    if (h->rt)
        flow_runtime_close(h->rt);
    if (h->env)
        call_env_close(h->env);
    sip_trace_close(h->trace);
    prints_close(h->prints);
    if (h->stop_open)
        stop_fini(&h->stop);
    if (h->loop_open)
        loop_fini(&h->loop);
}

bool host_script(struct host *h, const char *path, struct flow_script **out)
{
    char why[FLOW_TEXT_MAX];

    if (flow_script_load(h->rt, path, out, why) == OK)
        return true;
    fprintf(stderr, "%s: %s\n", h->program, why);
    return false;
}

static bool write_summary(const struct host *h, const char *path, struct slice text)
{
    FILE *f = fopen(path, "we");
    bool ok = f && fwrite(text.p, 1, text.len, f) == text.len;

    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "%s: the summary %s cannot be written: %s\n", h->program, path,
                strerror(errno));
    return ok;
}

int host_finish(struct host *h, const char *summary_path, void (*extra)(void *arg, struct json *j),
                void *arg, struct lateness_result *late)
{
    static char text[SUMMARY_MAX];
    struct buf b = buf_on(text, sizeof text);
    struct json j;

    lateness_judge(&h->lateness, h->late_limit_ms, late);
    bool whole = truth_close(&h->truth, &h->loop);
    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_bool(&j, "valid", late->valid);
    json_cstr(&j, "invalid_why", late->valid ? NULL : late->why);
    truth_json(&h->truth, &j);
    json_u64(&j, "peak_concurrent", call_env_peak(h->env));
    json_u64(&j, "refused_full", call_env_stats(h->env)->refused_full);
    lateness_json(late, &j);
    json_num(&j, "seconds", (double)(clock_us(h->loop.clock) - h->started_us) / 1e6);
    if (extra)
        extra(arg, &j);
    json_end(&j);
    buf_putc(&b, '\n');
    if (summary_path && (buf_end(&b) != OK || !write_summary(h, summary_path, buf_slice(&b))))
        whole = false;
    if (h->truth.first_failed[0])
        fprintf(stderr, "%s: %llu checks failed, %llu scripts had errors; the first: %s\n",
                h->program, (unsigned long long)h->truth.checks_failed,
                (unsigned long long)h->truth.script_errors, h->truth.first_failed);
    if (!late->valid) {
        fprintf(stderr, "RUN INVALID: %s\n", late->why);
        return SIM_INVALID;
    }
    return whole && !h->truth.checks_failed && !h->truth.script_errors ? SIM_PASS : SIM_FAILED;
}
