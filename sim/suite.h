/* A suite: what `peal-sim run` plays, as a YAML file.
 *
 *   name: a short morning
 *   seed: 7                             # --seed goes before it
 *   scenarios: .                        # folder of callees/, callers/, agents/
 *   duration: 60                        # seconds; no call begins after it
 *   drain: 5                            # seconds for calls to end by themselves after that
 *   listen: 127.0.0.1:0                 # own SIP address, of both sides
 *   media_ports: 40000-59999
 *   srtp: off                           # offered, required
 *   shared_media: false                 # true: one socket for the audio of all legs whose far end
 *                                       # does so, too; by one worker
 *   codecs: opus, g722, pcma            # of all calls, the preferred one first (pcma, pcmu)
 *   tls_certificate: peal.pem           # with tls_key: TLS is listened for; tls_authorities: who
 *                                       # vouches for the far side (PEM files)
 *   max_calls: 4096
 *   late_limit_ms: 20
 *   callees: { mix: mixes/demo.yaml, at_least: 10 }
 *   programs:                           # what is tested; its address stands in `to` as {engine}
 *     - { name: engine, address: "127.0.0.1:5060" }
 *   callers:
 *     - name: customers
 *       scenario: callers/normal
 *       to: "sip:{number}@{engine}"     # {n}: number of the call; {column} of data; {callees}: us
 *       from: "+12025550100"
 *       data: people.csv
 *       calls: 100                      # or until the duration ends
 *       rate: 5/s
 *       law: poisson                  # and the others of sim/law.h
 *       start: 2                        # seconds after the beginning
 *       min_success: 95                 # percent
 *       codecs: g722                    # of these; callees choose by call:codecs
 *       impair: { loss: 2, burst: 3 }   # what their packets meet; so, too, under callees
 *       misbehave: [ { lose: INVITE } ] # sim/wrongs.h
 *   settings: { talk_mean: 12 }         # of scripts
 *
 * Paths are relative to the suite's folder. Everything is copied: immutable once loaded. */
#ifndef PEAL_SIM_SUITE_H
#define PEAL_SIM_SUITE_H

#include "base/arena.h"
#include "flow/flow.h"
#include "sim/document.h"
#include "sim/law.h"
#include "sim/wrongs.h"
#include "sip/codecs.h"

#define SUITE_CALLERS_MAX  63
#define SUITE_PROGRAMS_MAX 16
#define SUITE_CALLS_MAX    10000000u
#define SUITE_ERROR_MAX    DOCUMENT_ERROR_MAX

struct suite_program {
    const char *name, *address;
};

struct suite_callers {
    const char *name, *scenario, *to, *from, *data;
    uint32_t line;
    struct law law;
    uint64_t planned, start_us;
    double min_success;
    struct wrongs wrongs;
    struct sdp_codecs codecs; /* n 0: the suite's */
};

struct suite {
    const char *path, *name, *listen, *media_ports, *scenarios;
    const char *srtp;                                        /* "off", "offered", "required" */
    struct sdp_codecs codecs;                                /* n 0: A-law, µ-law */
    const char *tls_authorities, *tls_certificate, *tls_key; /* PEM files; NULL: none */
    uint64_t fingerprint;                                    /* of the file */
    uint64_t seed, max_calls, workers, late_limit_ms, duration_us, drain_ms;
    bool shared_media;
    bool answers; /* `callees` is there */
    uint32_t answers_line;
    const char *mix;      /* NULL: every callee equally */
    struct wrongs wrongs; /* of the callees */
    bool wrongs_given;    /* else those of the mix */
    uint64_t at_least;    /* calls that must come to the callees */
    struct suite_program program[SUITE_PROGRAMS_MAX];
    uint32_t programs;
    struct suite_callers callers[SUITE_CALLERS_MAX];
    uint32_t caller_groups;
    struct flow_field setting[FLOW_SETTINGS_MAX];
    uint32_t settings;
    struct arena arena;
};

struct suite_options {
    const uint64_t *seed;  /* NULL: the file's */
    const char *addresses; /* "engine=127.0.0.1:5070,…" instead of the file's; NULL: none */
};

/* error (SUITE_ERROR_MAX): "PATH:LINE: sentence". */
enum err suite_load(struct suite **out, const char *path, const struct suite_options *options,
                    char *error);
enum err suite_load_text(struct suite **out, const char *path, struct slice text,
                         const struct suite_options *options, char *error);
void suite_free(struct suite *s);

/* Whether a YAML text is a suite (a mix otherwise): it has callers, callees or programs. */
bool suite_is_one(struct slice text);

#endif
