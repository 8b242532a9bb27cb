/* What `serve` and `call` stand on: loop, calls, scripts, signals, truth and lateness, opened in
 * one go with a sentence for whatever fails, and closed in the right order. */
#ifndef PEAL_SIM_HOST_H
#define PEAL_SIM_HOST_H

#include "call/call.h"
#include "flow/flow.h"
#include "sim/lateness.h"
#include "sim/stop.h"
#include "sim/truth.h"

#define HOST_ALSO_MAX (ADDR_TEXT_MAX * CALL_PLACES_MAX)

struct host_config {
    const char *program;                                     /* for messages: "peal-sim serve" */
    const char *listen;                                      /* addresses, with commas between */
    const char *media_ports;                                 /* "A-B", NULL: the default range */
    const char *tls_authorities, *tls_certificate, *tls_key; /* PEM files; NULL: none */
    const char *codecs;           /* "opus,pcma": by preference; NULL: those of the list */
    struct sdp_codecs codec_list; /* n 0: A-law, µ-law */
    const char *srtp;             /* "off" (NULL), "offered", "required" */
    uint64_t workers, max_calls, seed, late_limit_ms;
    bool shared_media;                 /* call_env_config.media_shared */
    const char *audio;                 /* NULL: out/audio if it is there */
    const char *record;                /* NULL: recordings are not kept */
    const char *audio_kept;            /* folder that gets the audio of calls; NULL: none */
    const char *truth;                 /* NULL: no lines */
    const struct flow_field *settings; /* of scripts, settings_count of them; copied */
    uint32_t settings_count;
    void (*incoming)(void *arg, struct call *c);
    void (*on_signal)(void *arg, uint32_t count);
    void *arg;
};

struct host {
    const char *program;
    struct loop loop;
    bool loop_open, stop_open;
    struct stop stop;
    struct call_env *env;
    struct flow_runtime *rt;
    struct sip_trace *trace; /* the messages of the calls that live */
    struct prints *prints;   /* the recordings that scripts expect to hear */
    struct truth truth;
    struct lateness lateness;
    uint64_t late_limit_ms, started_us;
    char listen[ADDR_TEXT_MAX];     /* with the real port; the first of them */
    char also[HOST_ALSO_MAX];       /* ", [::1]:5070, …": the others; "": none */
    char tls_listen[ADDR_TEXT_MAX]; /* "": not */
};

/* SIM_PASS, or SIM_CONFIG with the reason on stderr. */
int host_open(struct host *h, const struct host_config *config);
void host_close(struct host *h);
/* Loads a script by path; false with the reason on stderr. */
bool host_script(struct host *h, const char *path, struct flow_script **out);

/* Closes the truth file, judges the run (*late gets how it kept its plan), writes the summary (path
 * NULL: not) with `extra` members added by the caller, and gives the exit code. Call once, before
 * host_close. */
int host_finish(struct host *h, const char *summary_path, void (*extra)(void *arg, struct json *j),
                void *arg, struct lateness_result *late);

#endif
