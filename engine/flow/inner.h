/* What the files of the flow room share; nobody else includes it. */
#ifndef PEAL_FLOW_INNER_H
#define PEAL_FLOW_INNER_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/pool.h"
#include "flow/flow.h"
#include "flow/sounds.h"
#include "flow/words.h"

#define FLOW_KEYS_MAX    64     /* key-ahead; further keys are dropped */
#define FLOW_STRING_MAX  65536  /* bytes of any string a script makes */
#define FLOW_HOOK_EVERY  100    /* instructions between two looks at the budget */
#define FLOW_CPU_LOOK    20     /* hooks between two looks at the processor time */
#define FLOW_LIMIT_S     3600.0 /* whole script, unless it declares its own */
#define FLOW_COLLECT_MAX 3      /* forced collections one resume may cause */
#define FLOW_SCRIPTS_MAX 16384  /* both sides of every call of an import */

/* Memory charged to one call. Lives until its last block is collected. */
struct account {
    size_t bytes, max;
    uint32_t blocks;
    bool closed;
};

enum doom { DOOM_NONE, DOOM_HANGUP, DOOM_STOPPED, DOOM_BUDGET, DOOM_MEMORY, DOOM_LIMIT };

struct flow_script {
    struct flow_script *next;
    char name[FLOW_NAME_MAX];
    char path[256];
    char truth[FLOW_NAME_MAX];
    enum flow_kind kind;
    double limit_s;
    enum words_lang lang;
    int prompts_ref;         /* name → language → text; LUA_REFNIL: none */
    int chunk_ref;           /* compiled chunk: takes the environment as its argument */
    struct flow_line *lines; /* lines.c; NULL: not counted, and the text is not kept */
    uint32_t line_count, text_len;
    char *text;
};

struct flow_op;
struct http;
struct speech;
struct far;
struct flow_answer;
struct held_lock;
struct ops;

struct flow {
    struct flow_runtime *rt;
    struct call *call;
    const struct flow_script *script;
    lua_State *co;
    int co_ref, finally_ref, afterwards_ref, call_ref;
    struct account *account;
    struct rng rng;
    uint64_t leg;
    uint32_t attempt;
    flow_end_fn *on_end;
    void *arg;
    bool keep_call;
    struct list_node node;

    /* Running. */
    int64_t budget;
    uint64_t cpu_limit_ns;
    uint32_t hooks, collections;
    bool running, poked, over /* script has ended */, finishing;
    bool after; /* call:afterwards runs: the call is over, or about to be */
    bool told;  /* on_end has been called: the call is gone */
    enum doom doom;
    bool out_of_memory;               /* the script ended by it */
    char memory_error[FLOW_TEXT_MAX]; /* where memory was last refused */
    bool raised_failed; /* the error under way is a verb's or expect's, not the script's */

    /* Waiting. */
    struct timer timer; /* of the verb under way */
    struct timer limit; /* of the whole script */
    struct timer end;   /* 0 ms, until on_end */
    struct timer poke;
    bool timed_out, hearing;
    bool answered, progressed, ended, by_script;
    uint32_t cookie, played; /* last queued; last reported done */
    bool played_cancelled;
    bool recorded;
    double recorded_s;
    char number[64], caller[64];
    char keys[FLOW_KEYS_MAX];
    uint32_t keys_count, keys_dropped;
    bool speaking;
    bool media;
    uint32_t waiting_line, verb_line; /* lines.c */
    uint64_t waiting_since_us;
    uint64_t heard_seq; /* counts HEARD events */
    struct dsp_event heard;
    double speech_s; /* talk spurts that ended during the present verb */
    struct {
        uint32_t step, tries, cookie, mask, min, max;
        uint64_t seq;
        double first_s, between_s, silence_s, began_ms, last_voice_ms;
        char stop, keys[20];
        bool barge_key, barge_speech, file;
        struct expectation {        /* verbs_expect_audio.c */
            uint32_t recording, hz; /* index in the library; 0: any */
            double at_least_s, level_min, level_max;
            uint32_t heard_from; /* what of the report's `heard` is its */
            bool too_quiet, too_loud, too_short;
        } expect;
    } at; /* the verb under way */

    /* By REFER (verbs_refer.c). */
    uint16_t referred, notified; /* what the far side said of ours last; 0: nothing yet */
    char refer_to[160];          /* of its own, not yet told to the script */

    /* Put through (verbs_line.c). */
    struct far *far; /* the leg that the script dialled */
    bool hold_music; /* plays to the call, which is on hold */
    bool agent_wanted, agent_here, agent_left;
    char agent[32];

    /* Asked outside (ops.h). */
    struct flow_op *op;               /* what the verb under way waits for */
    const struct flow_answer *answer; /* while it is delivered */
    struct held_lock *locks;
    bool saying; /* a prompt is being made ready */
    enum words_lang lang;

    struct flow_report report;
};

struct flow_runtime {
    lua_State *L;
    struct loop *loop;
    uint64_t seed;
    bool simulator;
    char record_dir[256], audio_kept_dir[256];
    uint32_t audio_kept, audio_files;     /* now; ever */
    const struct record_settings *record; /* NULL: plain WAV */
    uint32_t instructions;
    uint64_t cpu_ns;
    size_t memory_bytes;
    struct account own;
    struct flow *current; /* whose instructions run now */
    struct pool flows;
    struct list running;
    struct flow_script *scripts;
    uint32_t script_count;
    struct sounds *sounds;
    struct replay_files *replays; /* verbs_replay.c; NULL: no audio folder */
    struct flow_stats stats;
    int globals_ref, settings_ref;
    const struct flow_store *store;
    const struct flow_host *host; /* NULL: no calls are put through */
    struct list fars;             /* legs that scripts dialled, until their ends are told */
    struct ops *ops;
    struct speech *speech; /* NULL: there is no synthesiser */
    struct sound_cache *sound_cache;
    struct words_known *words[WORDS_LANGS]; /* NULL: not needed yet; prompt_read.c */
    struct http *http;                      /* NULL: no host may be asked */
    bool declaring; /* a script's declaration runs: budget and memory are its own */
    int64_t declare_budget;
    size_t declare_bytes; /* what the state may grow to meanwhile */
    uint64_t store_token;
    char *scratch;                   /* STORE_VALUE_MAX bytes, for JSON on its way out */
    struct sip_trace *trace;         /* NULL: messages are not noted */
    struct prints *prints;           /* of the recordings scripts expect; NULL: none */
    const struct prints *recordings; /* that calls listen for; NULL: none */
    struct recording_known *known;   /* hearing.c */
    uint32_t known_count;
};

#define FLOW_CALL_TYPE "peal.call"
extern const char kind_mark; /* its address is the key under which a declaration says its kind */
/* verbs_call.c: the type of call objects */
void flow_register_call(lua_State *L, bool simulator);
void flow_drop(struct flow *f); /* flow.c: frees without on_end */
void flow_wake(struct flow *f); /* flow.c: the verb under way looks whether it is done */
void flow_resume(struct flow *f, int args);
void flow_forget(struct flow *f);      /* what Lua and the loop hold of it */
void flow_finish_soon(struct flow *f); /* on_end follows, from a timer */
void flow_on_limit(struct timer *t);   /* of the whole script */

/* flow_events.c, flow_start.c */
void flow_on_call(void *arg, struct call *c, const struct call_event *e);
void flow_refer_event(struct flow *f, const struct call_event *e); /* verbs_refer.c */
int flow_after_main(lua_State *L); /* runs call:afterwards; arguments: function, outcome */

/* far.c, verbs_line.c: what the call was put through to is let go of. */
void line_forget(struct flow *f);
/* The host, or the verb fails: this program has none. */
const struct flow_host *line_host(lua_State *L, struct flow *f, const char *verb);
void far_close_all(struct flow_runtime *rt);

/* memory.c */
void *flow_alloc(void *ud, void *ptr, size_t osize, size_t nsize);
struct account *account_open(size_t max);
void account_close(struct account *a);

/* sandbox.c: the globals every script sees; left in the registry as rt->globals_ref. */
void sandbox_open(struct flow_runtime *rt);
/* Pushes a new environment over the shared globals. */
void sandbox_push_env(struct flow_runtime *rt, lua_State *L);
void sandbox_register_strings(lua_State *L, int lib); /* strings.c: into the table at lib */
void sandbox_register_tables(lua_State *L, int lib);  /* tables.c */
int sandbox_pairs(lua_State *L);                      /* tables.c */

/* budget.c */
struct flow_runtime *runtime_of(lua_State *L);
void budget_hook(lua_State *L, lua_Debug *ar);
void budget_refill(struct flow *f);
/* Charges work that no hook sees (10 ns units); raises when the budget is spent. */
void budget_charge(lua_State *L, uint64_t units);
/* Writes "file:line: what" of the line that L runs or stopped at. */
void flow_blame(lua_State *L, const char *path, const char *what, char *error);
#define FLOW_MEMORY_TEXT "the script uses more memory than one call may"
/* Raises the unwinding error. */
_Noreturn void flow_unwind(lua_State *L);
/* Raises a verb's failure: "file:line: call:NAME: …". */
_Noreturn void flow_fail(lua_State *L, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern const char flow_unwind_mark;

/* The flow of a coroutine; NULL while a script is only being declared. */
static inline struct flow *flow_of(lua_State *L)
{
    return *(struct flow **)lua_getextraspace(L);
}

/* Of a verb: argument 1 must be the call object; unwinds when the call or script is over. */
struct flow *verb_begin(lua_State *L);
/* As above for verbs that still make sense after the call's end (mark, log, check…). */
struct flow *verb_flow(lua_State *L);
/* Starts the verb's limit. */
void verb_limit(struct flow *f, double seconds);
void verb_done(struct flow *f); /* stops it */
/* Waits for the next event: call as `return verb_wait(L, k, ctx)`. */
int verb_wait(lua_State *L, lua_KContext ctx, lua_KFunction k);
/* In a continuation: unwinds when the call has ended or the script is doomed. */
void verb_check(lua_State *L, struct flow *f);
int verb_outcome(lua_State *L, const char *outcome); /* returns nil, outcome */
uint32_t verb_age_ms(const struct flow *f);

/* Detectors on for a verb that listens, and off again. */
void verb_hear(struct flow *f, bool on);
/* Queues a file on the call; *seconds gets its length. Raises. */
uint32_t verb_queue_file(lua_State *L, struct flow *f, const char *path, bool loop,
                         double *seconds);
/* Raises unless audio can flow now. */
void verb_needs_audio(lua_State *L, struct flow *f);

/* lines.c: text is copied. */
enum err lines_open(struct flow_script *s, struct slice text);
void lines_close(struct flow_script *s);
void lines_reach(lua_State *L, bool is_check); /* a verb or a check begins */
void lines_fail(lua_State *L);
void lines_fail_error(struct flow *f, const char *error);
void lines_wait(struct flow *f); /* the coroutine has yielded */
void lines_resume(struct flow *f);

/* hearing.c: fingerprints of the recordings a script names, taken when it is loaded. */
void hearing_scan(struct flow_runtime *rt, struct slice text);
/* The library's index of a recording; raises with the reason when it cannot be told. */
uint32_t hearing_index(lua_State *L, struct flow *f, const char *path);
void hearing_close(struct flow_runtime *rt);

/* Arguments in a table at `index`; absent: the default. Raise on wrong types, and on names that no
 * option of the verb has. */
double opt_number(lua_State *L, int index, const char *name, double otherwise, double lo,
                  double hi);
bool opt_bool(lua_State *L, int index, const char *name, bool otherwise);
const char *opt_string(lua_State *L, int index, const char *name, const char *otherwise);
void opt_only(lua_State *L, int index, const char *const names[]);
double arg_seconds(lua_State *L, int index, double hi);

enum verb_side { VERB_BOTH, VERB_SIM };
struct verb {
    const char *name;
    lua_CFunction fn;
    enum verb_side side;
};
extern const struct verb verbs_call[], verbs_audio[], verbs_listen[]; /* call:NAME */
extern const struct verb verbs_expect[], verbs_expect_audio[];        /* call:NAME */
extern const struct verb verbs_network[];                             /* call:NAME */
extern const struct verb verbs_random[], verbs_script[];              /* NAME */
extern const struct verb verbs_line[], verbs_hold[], verbs_house[];   /* call:NAME */
extern const struct verb verbs_record[], verbs_refer[];               /* call:NAME */
extern const struct verb verbs_store[];                               /* store.NAME */
extern const struct verb verbs_read[];                                /* read.NAME */
extern const struct verb verbs_http[];                                /* http.NAME */

/* All verbs, by where a script finds them. */
struct verb_group {
    const char *prefix; /* "call:", "" or "store." */
    const struct verb *verbs;
};
extern const struct verb_group verb_groups[]; /* ends with prefix NULL; runtime.c */

extern const struct verb verbs_replay[]; /* call:NAME */

/* verbs_replay.c: captured packets under the audio folder. */
enum err replay_files_open(struct replay_files **out, const char *root);
void replay_files_close(struct replay_files *f);

/* Rows {name, mask of dsp kinds} of the tones that call:listen and call:hears_tone know alike. */
/* clang-format off */
#define FLOW_TONE_ROWS                                                                             \
    {"beep", 1u << DSP_BEEP}, {"busy", 1u << DSP_BUSY}, {"reorder", 1u << DSP_REORDER},            \
    {"ringback", 1u << DSP_RINGBACK}, {"dial_tone", 1u << DSP_DIAL_TONE},                          \
    {"unobtainable", 1u << DSP_UNOBTAINABLE}, {"sit", 1u << DSP_SIT}, {"cng", 1u << DSP_CNG},      \
    {"ced", 1u << DSP_CED}, {"modem", 1u << DSP_MODEM}
/* clang-format on */

void flow_add_mark(struct flow *f, const char *name, uint32_t at_ms);
void flow_add_failed(struct flow *f, const char *text);

#endif
