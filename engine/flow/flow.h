/* Call scripts: Lua 5.4, one coroutine a call, the same verbs on both sides of the wire.
 *
 * A runtime is one Lua state on the control thread. Scripts are text chunks, read once and kept;
 * each call runs the chunk afresh in an environment of its own, so calls share nothing. A verb that
 * waits yields, and is resumed from the call's events and from the loop's timers. Whatever a script
 * does, it is bounded: instructions and processor time between two waits, memory, string lengths,
 * pattern steps, and every wait has a limit. A script that breaks its bounds ends with an error on
 * its own line and only its own call is hung up.
 *
 * Random numbers come from (seed, script name, leg number), `pairs` is ordered: the same seed gives
 * the same plan. Control thread only. */
#ifndef PEAL_FLOW_FLOW_H
#define PEAL_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call/call.h"

#define FLOW_MARKS_MAX    24 /* further marks are counted in marks_dropped */
#define FLOW_HEARD_MAX    16
#define FLOW_CHECKS_MAX   8 /* texts of failed checks kept; all are counted */
#define FLOW_NAME_MAX     48
#define FLOW_TEXT_MAX     640          /* sentences: holds the list of all results */
#define FLOW_CHECK_MAX    320          /* text of a failed check */
#define FLOW_SCRIPT_MAX   (256 * 1024) /* bytes of one script */
#define FLOW_SETTINGS_MAX 32
#define FLOW_AUDIO_KEPT   200 /* calls whose audio is kept at once: flow_audio_dropped */

struct flow_host;
struct flow_store;
struct prints;
struct sip_trace;
struct trace_call;
struct sound_cache;
struct flow_runtime;
struct flow_script;
struct flow;

enum flow_kind { FLOW_KIND_FLOW, FLOW_KIND_CALLEE, FLOW_KIND_CALLER, FLOW_KIND_AGENT };
const char *flow_kind_name(enum flow_kind k); /* "flow", "callee", … */

enum flow_outcome {
    FLOW_DONE,    /* the script returned, or ended the call itself */
    FLOW_HANGUP,  /* the far side or the network ended the call */
    FLOW_TIMEOUT, /* the script's own limit for the whole call ran out */
    FLOW_FAILED,  /* a verb could not be done, or an expect() was not met */
    FLOW_ERROR,   /* a fault of the script: error says file:line */
    FLOW_STOPPED  /* flow_stop */
};
const char *flow_outcome_name(enum flow_outcome o); /* "done", "hangup", … */

struct flow_mark {
    char name[FLOW_NAME_MAX];
    uint32_t at_ms; /* since the INVITE */
};

struct flow_heard {
    uint8_t kind, detail;      /* enum dsp_kind and its detail */
    uint32_t start_ms, end_ms; /* since the leg began */
};

/* What a script did, valid during on_end. */
struct flow_report {
    enum flow_outcome outcome;
    const struct flow_script *script;
    char truth[FLOW_NAME_MAX]; /* what the engine should find out; "" when not declared */
    char error[FLOW_TEXT_MAX]; /* "file:line: sentence"; "" when there is none */
    struct flow_mark marks[FLOW_MARKS_MAX];
    uint32_t marks_count, marks_dropped;
    struct flow_heard heard[FLOW_HEARD_MAX]; /* what listen and record waited through */
    uint32_t heard_count, heard_dropped;
    uint32_t checks_passed, checks_failed;
    char failed[FLOW_CHECKS_MAX][FLOW_CHECK_MAX]; /* the first failed checks, "file:line: text" */
    /* The call as the script saw it. Milliseconds since the INVITE; CALL_TIME_NONE: never. */
    uint32_t answered_ms, ended_ms;
    uint32_t accepted_ms; /* an incoming call: the script's 200 */
    bool call_ended;      /* false only with keep_call: the host sets its own handler now */
    uint16_t code, q850;
    enum call_ender by;             /* as the call layer says; ENDED_BY_US: the script */
    const struct trace_call *trace; /* the call's messages; NULL: not noted */
    bool audio_kept;                /* the call's record names the file (config.audio_kept_dir) */
};
/* The flow is gone after it, but for what call:afterwards still does without the call. The host
 * releases the call when report->call_ended. */
typedef void flow_end_fn(void *arg, struct call *c, const struct flow_report *report);

/* A named value that scripts read by setting("name", default) or call.row.name. Borrowed. */
struct flow_field {
    const char *name, *value;
};

struct flow_config {
    struct loop *loop;
    uint64_t seed;
    bool simulator;             /* verbs that misbehave, random laws, checks */
    const char *audio_root;     /* folders of WAV files; NULL: none */
    struct sound_cache *sounds; /* of the media that plays them; NULL only without audio_root */
    bool preload;               /* load every sound now: then playing never reads a file */
    const char *record_dir;     /* where call:record writes; NULL: it measures and writes nothing */
    const struct record_settings *record; /* how; lives as long as the runtime. NULL: plain WAV */
    uint32_t max_flows;                   /* 0: 4096 */
    uint32_t instructions;                /* between two waits; 0: 500,000 */
    uint32_t cpu_ms;                      /* between two waits; 0: 20 */
    size_t memory_bytes;                  /* one call; 0: 1 MiB */
    const struct flow_field *settings;    /* copied; at most FLOW_SETTINGS_MAX */
    uint32_t settings_count;
    /* store.* (flow/store.h), outlives the runtime or answers all that is asked before it ends;
     * NULL: there is none, and store.* fails. */
    const struct flow_store *store;
    struct sip_trace *trace; /* simulator: the messages its SIP expectations look at; NULL: none */
    struct prints *prints;   /* simulator: gets the recordings that scripts expect to hear, as they
                                are loaded; the same as the calls' environment has. NULL: none */
    const struct prints *recordings; /* what call:listen { "recording" } tells apart: the library
                                        that the calls' environment has; NULL: `prints` */
    const char *http_allow;          /* hosts for http.* (io/http.h); NULL: none */
    /* Speech (flow/speech.h); needs `sounds`. */
    const char *synthesiser;      /* command; NULL: espeak-ng; "": none, and what is said fails */
    const char *speech_folder;    /* what was spoken is kept there; NULL: in memory only */
    uint32_t speech_threads;      /* texts spoken at once; 0: SPEECH_THREADS */
    const char *audio_kept_dir;   /* simulator: gets the audio of both sides of calls, for the
                                     report, unless record_dir is given; NULL: none is kept */
    const struct flow_host *host; /* flow/host.h; NULL: calls are not put through */
};

struct flow_stats {
    uint32_t running, peak;
    uint64_t started, refused, ended[FLOW_STOPPED + 1];
    size_t memory_bytes; /* of the Lua state, all calls */
    uint64_t most_spent; /* of the budget of instructions, by one call between two waits */
    size_t flow_bytes;   /* of one call outside of it, in a pool */
    uint32_t asking;     /* questions to the outside under way */
    uint64_t store_asked, store_failed, http_asked, http_failed;
    uint64_t http_lost;  /* sent by ended scripts and not answered with a status below 400 */
    uint64_t store_lost; /* sent by ended scripts and not stored, or not known to be */
};

/* ERR_NOT_FOUND: audio_root is no folder; ERR_NOMEM. */
enum err flow_runtime_open(struct flow_runtime **out, const struct flow_config *config);
/* Flows still running are dropped without on_end: stop them first. */
void flow_runtime_close(struct flow_runtime *rt);
const struct flow_stats *flow_runtime_stats(struct flow_runtime *rt);
/* The file of one call in audio_kept_dir has been removed: another's may be kept. */
void flow_audio_dropped(struct flow_runtime *rt);
/* Sound files found under audio_root; `path` is relative to it. */
uint32_t flow_sounds_count(const struct flow_runtime *rt);
bool flow_sounds_has(const struct flow_runtime *rt, const char *path);
/* Whether it can be played; SOUND_ERROR_MAX bytes of message: a sentence. Stays loaded. */
enum err flow_sound_load(struct flow_runtime *rt, const char *path, char *message);
bool flow_has_folder(const struct flow_runtime *rt); /* an audio folder was given */
/* Loads a file for call:play_packets before it is wanted. message: 256 bytes, a sentence. */
enum err flow_packets_load(struct flow_runtime *rt, const char *path, char *message);
bool flow_sounds_has_folder(const struct flow_runtime *rt, const char *folder);

/* Reads, compiles and tries the declaration of a script; the same path again gives the same
 * script. On error `why` (FLOW_TEXT_MAX bytes) says file, line and what is wrong. */
enum err flow_script_load(struct flow_runtime *rt, const char *path, struct flow_script **out,
                          char *why);
/* As above from memory; name stands for the path. */
enum err flow_script_load_text(struct flow_runtime *rt, const char *name, struct slice text,
                               struct flow_script **out, char *why);
const char *flow_script_name(const struct flow_script *s); /* file name without folder and .lua */
const char *flow_script_path(const struct flow_script *s);
const char *flow_script_truth(const struct flow_script *s); /* "" when not declared */
enum flow_kind flow_script_kind(const struct flow_script *s);

/* Has the script's prompts spoken ahead, in a language ("sl"; NULL: the script's own): their texts,
 * and the digits when numbers are read out in them. Not those that are files. */
void flow_script_prefetch(struct flow_runtime *rt, const struct flow_script *s, const char *lang);
struct speech_stats;
/* What the synthesiser did; NULL: there is none. */
const struct speech_stats *flow_speech_stats(const struct flow_runtime *rt);

/* In which languages ("ru, sl") the script has neither a file nor a text for the prompt of that
 * name; "" when none is missing. The languages are the script's own and those of its prompts. */
void flow_script_prompt_missing(const struct flow_runtime *rt, const struct flow_script *s,
                                const char *name, char *missing, size_t cap);

struct flow_start {
    const struct flow_script *script;
    struct call *call; /* its handler is the flow's until on_end */
    uint64_t leg;      /* number of the leg: with seed and script name the source of its dice */
    uint32_t attempt;  /* call.attempt for the script */
    const struct flow_field *row; /* call.row; copied */
    uint32_t row_count;
    bool keep_call;      /* a script that returns leaves the call up for the host */
    flow_end_fn *on_end; /* never called from inside flow_start */
    void *arg;
};
/* ERR_FULL: max_flows are running; ERR_NOMEM. On error the call's handler is untouched. */
enum err flow_start(struct flow_runtime *rt, const struct flow_start *start, struct flow **out);
/* Unwinds the script (finally runs) and hangs up unless keep_call; on_end follows. */
void flow_stop(struct flow *f);
/* Each flow that runs now. */
void flow_stop_all(struct flow_runtime *rt);
struct call *flow_call(const struct flow *f);
void *flow_arg(const struct flow *f);

/* Everything a script may call, for checkers: calls fn with "call:play", "exp", "store.get"… of the
 * runtime's side. Names without a prefix stay valid, others during the call. */
void flow_each_verb(bool simulator, void (*fn)(void *arg, const char *name), void *arg);

/* Draws made outside scripts (which file of a folder…) use the same source. */
void flow_rng(const struct flow_runtime *rt, struct slice name, uint64_t leg, struct rng *out);

#endif
