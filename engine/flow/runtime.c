/* The runtime: one Lua state, its scripts and its flows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "flow/prompts.h"
#include "flow/speech.h"
#include "flow/words_known.h"
#include "io/http.h"

#define FLOWS_DEFAULT        4096
#define INSTRUCTIONS_DEFAULT 500000
#define CPU_MS_DEFAULT       20
#define MEMORY_DEFAULT       (1024 * 1024)
#define DECLARE_INSTRUCTIONS 1000000
#define DECLARE_BYTES        (16u << 20) /* a script of FLOW_SCRIPT_MAX compiles to a few MiB */
/* Put before every chunk, on its first line: the environment comes as the argument, so one
 * compiled chunk serves every call with globals of its own. */
#define PREAMBLE "local _ENV = ...; "

const char kind_mark = 'k';

const struct verb_group verb_groups[] = {
    {"call:", verbs_call},
    {"call:", verbs_audio},
    {"call:", verbs_listen},
    {"call:", verbs_replay},
    {"call:", verbs_expect},
    {"call:", verbs_network},
    {"call:", verbs_expect_audio},
    {"call:", verbs_line},
    {"call:", verbs_hold},
    {"call:", verbs_house},
    {"call:", verbs_record},
    {"call:", verbs_refer},
    {"", verbs_script},
    {"", verbs_random},
    {"read.", verbs_read},
    {"store.", verbs_store},
    {"http.", verbs_http},
    {NULL, NULL},
};

const char *flow_kind_name(enum flow_kind k)
{
    static const char *const names[] = {"flow", "callee", "caller", "agent"};

    return names[k];
}

const char *flow_outcome_name(enum flow_outcome o)
{
    static const char *const names[] = {"done", "hangup", "timeout", "failed", "error", "stopped"};

    return names[o];
}

/* ---- open and close ---- */

static int panic(lua_State *L)
{
    log_error("flow", "Lua failed outside of every call", "why=\"%s\"", lua_tostring(L, -1));
    return 0;
}

static int open_protected(lua_State *L)
{
    struct flow_runtime *rt = lua_touserdata(L, 1);
    const struct flow_config *config = lua_touserdata(L, 2);

    sandbox_open(rt);
    lua_createtable(L, 0, (int)config->settings_count);
    for (uint32_t i = 0; i < config->settings_count && i < FLOW_SETTINGS_MAX; i++) {
        lua_pushstring(L, config->settings[i].value);
        lua_setfield(L, -2, config->settings[i].name);
    }
    rt->settings_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    flow_register_call(L, rt->simulator);
    return 0;
}

static enum err open_lua(struct flow_runtime *rt, const struct flow_config *config)
{
    rt->own.max = SIZE_MAX;
    rt->L = lua_newstate(flow_alloc, rt);
    if (!rt->L)
        return ERR_NOMEM;
    lua_atpanic(rt->L, panic);
    *(struct flow **)lua_getextraspace(rt->L) = NULL;
    lua_pushcfunction(rt->L, open_protected);
    lua_pushlightuserdata(rt->L, rt);
    lua_pushlightuserdata(rt->L, (void *)(uintptr_t)config);
    if (lua_pcall(rt->L, 2, 0, 0) == LUA_OK)
        return OK;
    log_error("flow", "the script runtime could not be set up", "why=\"%s\"",
              lua_tostring(rt->L, -1));
    return ERR_NOMEM;
}

/* What questions to the outside need. */
static enum err open_outside(struct flow_runtime *rt, const struct flow_config *config)
{
    uint32_t max = config->max_flows ? config->max_flows : FLOWS_DEFAULT;

    rt->ops = ops_open(max + OPS_SPARE);
    rt->scratch = malloc(STORE_VALUE_MAX);
    /* Whose locks are whose: the one thing that must differ between runs. */
    if (getrandom(&rt->store_token, sizeof rt->store_token, 0) < 0)
        rt->store_token = (uint64_t)(uintptr_t)rt ^ clock_us(rt->loop->clock);
    if (!rt->ops || !rt->scratch)
        return ERR_NOMEM;
    if (config->http_allow && config->http_allow[0]) {
        const struct http_config http = {.loop = config->loop, .allow = config->http_allow};
        enum err e = http_open(&rt->http, &http);
        if (e != OK)
            return e;
    }
    rt->sound_cache = config->sounds;
    if (!config->sounds || (config->synthesiser && !config->synthesiser[0]))
        return OK;
    const struct speech_config speech = {.loop = config->loop,
                                         .sounds = config->sounds,
                                         .command = config->synthesiser,
                                         .folder = config->speech_folder,
                                         .threads = config->speech_threads};
    return speech_open(&rt->speech, &speech);
}

enum err flow_runtime_open(struct flow_runtime **out, const struct flow_config *config)
{
    struct flow_runtime *rt = calloc(1, sizeof *rt);
    enum err e = OK;

    if (!rt)
        return ERR_NOMEM;
    rt->loop = config->loop;
    rt->seed = config->seed;
    rt->simulator = config->simulator;
    rt->trace = config->trace;
    rt->prints = config->prints;
    rt->recordings = config->recordings ? config->recordings : config->prints;
    rt->instructions = config->instructions ? config->instructions : INSTRUCTIONS_DEFAULT;
    rt->cpu_ns = (config->cpu_ms ? config->cpu_ms : CPU_MS_DEFAULT) * UINT64_C(1000000);
    rt->memory_bytes = config->memory_bytes ? config->memory_bytes : MEMORY_DEFAULT;
    rt->store = config->store;
    rt->host = config->host;
    list_init(&rt->running);
    list_init(&rt->fars);
    e = open_outside(rt, config);
    rt->record = config->record;
    if (e == OK && config->record_dir)
        e = slice_copy(slice_cstr(config->record_dir), rt->record_dir, sizeof rt->record_dir);
    else if (config->audio_kept_dir)
        e = slice_copy(slice_cstr(config->audio_kept_dir), rt->audio_kept_dir,
                       sizeof rt->audio_kept_dir);
    if (e == OK)
        e = pool_init(&rt->flows, sizeof(struct flow),
                      config->max_flows ? config->max_flows : FLOWS_DEFAULT);
    if (e == OK && config->audio_root)
        e = sounds_open(&rt->sounds, config->sounds, config->audio_root, config->preload);
    if (e == OK && config->audio_root)
        e = replay_files_open(&rt->replays, config->audio_root);
    if (e == OK)
        e = open_lua(rt, config);
    if (e != OK) {
        flow_runtime_close(rt);
        return e;
    }
    *out = rt;
    return OK;
}

void flow_runtime_close(struct flow_runtime *rt)
{
    if (!rt)
        return;
    list_each(n, next, &rt->running)
    {
        flow_drop(container_of(n, struct flow, node));
    }
    far_close_all(rt);
    if (rt->L)
        lua_close(rt->L);
    while (rt->scripts) {
        struct flow_script *s = rt->scripts;
        rt->scripts = s->next;
        lines_close(s);
        free(s);
    }
    hearing_close(rt);
    speech_close(rt->speech);
    for (int l = 0; l < WORDS_LANGS; l++)
        words_known_close(rt->words[l]);
    http_close(rt->http);
    sounds_close(rt->sounds);
    ops_close(rt->ops);
    free(rt->scratch);
    replay_files_close(rt->replays);
    pool_fini(&rt->flows);
    free(rt);
}

const struct speech_stats *flow_speech_stats(const struct flow_runtime *rt)
{
    return rt->speech ? speech_stats(rt->speech) : NULL;
}

const struct flow_stats *flow_runtime_stats(struct flow_runtime *rt)
{
    rt->stats.flow_bytes = rt->flows.object_size;
    rt->stats.asking = ops_in_flight(rt->ops);
    rt->stats.running = rt->flows.used;
    rt->stats.peak = rt->flows.peak;
    return &rt->stats;
}

uint32_t flow_sounds_count(const struct flow_runtime *rt)
{
    return rt->sounds ? sounds_count(rt->sounds) : 0;
}

bool flow_sounds_has(const struct flow_runtime *rt, const char *path)
{
    return rt->sounds && sounds_has(rt->sounds, path);
}

enum err flow_sound_load(struct flow_runtime *rt, const char *path, char *message)
{
    const struct sound *s;

    if (rt->sounds)
        return sounds_get(rt->sounds, path, &s, message);
    snprintf(message, SOUND_ERROR_MAX, "%.100s: no audio folder is configured", path);
    return ERR_NOT_FOUND;
}

bool flow_has_folder(const struct flow_runtime *rt)
{
    return rt->replays != NULL;
}

bool flow_sounds_has_folder(const struct flow_runtime *rt, const char *folder)
{
    return rt->sounds && sounds_folder_count(rt->sounds, folder) > 0;
}

void flow_rng(const struct flow_runtime *rt, struct slice name, uint64_t leg, struct rng *out)
{
    rng_seed_stream(out, rt->seed, name, leg);
}

void flow_each_verb(bool simulator, void (*fn)(void *arg, const char *name), void *arg)
{
    char name[FLOW_NAME_MAX];

    for (const struct verb_group *g = verb_groups; g->prefix; g++)
        for (const struct verb *v = g->verbs; v->name; v++)
            if (v->side == VERB_BOTH || simulator) {
                snprintf(name, sizeof name, "%s%s", g->prefix, v->name);
                fn(arg, *g->prefix ? name : v->name);
            }
}

/* ---- scripts ---- */

struct source {
    struct slice part[2];
    int next;
};

static const char *read_part(lua_State *L, void *ud, size_t *size)
{
    struct source *s = ud;

    (void)L;
    if (s->next == 2)
        return NULL;
    *size = s->part[s->next].len;
    return s->part[s->next++].p;
}

struct declaration {
    struct flow_runtime *rt;
    struct flow_script *script;
    struct slice text;
};

/* Compiles, then runs the chunk once without a call, to read what it declares. Takes a light
 * userdata (struct declaration). */
static int declare(lua_State *L)
{
    struct declaration *d = lua_touserdata(L, 1);
    struct flow_script *script = d->script;
    struct source source = {.part = {SLICE(PREAMBLE), d->text}};
    char chunk_name[sizeof script->path + 1];

    snprintf(chunk_name, sizeof chunk_name, "@%s", script->path);
    if (d->text.len > 0 && d->text.p[0] == LUA_SIGNATURE[0])
        return luaL_error(L, "%s: only text is accepted, this is compiled Lua", script->path);
    if (lua_load(L, read_part, &source, chunk_name, "t") != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, -1);
    sandbox_push_env(d->rt, L);
    lua_call(L, 1, 1);
    if (!lua_istable(L, -1) || lua_rawgetp(L, -1, &kind_mark) != LUA_TNUMBER)
        return luaL_error(L, "%s: a script ends with `return callee { … }`, or caller, agent, flow",
                          script->path);
    script->kind = (enum flow_kind)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "truth") != LUA_TNIL)
        snprintf(script->truth, sizeof script->truth, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    script->limit_s = lua_getfield(L, -1, "limit") == LUA_TNIL ? FLOW_LIMIT_S : lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "language") != LUA_TNIL)
        words_lang_parse(slice_cstr(lua_tostring(L, -1)), &script->lang);
    lua_pop(L, 1);
    lua_getfield(L, -1, "prompts");
    script->prompts_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pop(L, 1);
    script->chunk_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static void name_of_path(struct flow_script *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = strlen(name);

    if (len > 4 && strcmp(name + len - 4, ".lua") == 0)
        len -= 4;
    snprintf(s->name, sizeof s->name, "%.*s", (int)len, name);
    snprintf(s->path, sizeof s->path, "%s", path);
}

static enum err declare_script(struct flow_runtime *rt, struct flow_script *s, struct slice text,
                               char *why)
{
    struct declaration d = {rt, s, text};
    lua_State *L = rt->L;

    rt->declaring = true;
    rt->declare_budget = DECLARE_INSTRUCTIONS;
    rt->declare_bytes = rt->stats.memory_bytes + DECLARE_BYTES;
    lua_sethook(L, budget_hook, LUA_MASKCOUNT, FLOW_HOOK_EVERY);
    lua_pushcfunction(L, declare);
    lua_pushlightuserdata(L, &d);
    int status = lua_pcall(L, 1, 0, 0);
    lua_sethook(L, NULL, 0, 0);
    rt->declaring = false;
    if (status == LUA_OK)
        return OK;
    const char *text_of = lua_tostring(L, -1);
    snprintf(why, FLOW_TEXT_MAX, "%s", text_of ? text_of : "the script raised something odd");
    lua_settop(L, 0);
    return status == LUA_ERRMEM ? ERR_NOMEM : ERR_INVALID;
}

enum err flow_script_load_text(struct flow_runtime *rt, const char *name, struct slice text,
                               struct flow_script **out, char *why)
{
    if (rt->script_count == FLOW_SCRIPTS_MAX || strlen(name) >= sizeof(*out)->path) {
        snprintf(why, FLOW_TEXT_MAX, "%.80s: more than %d scripts, or a path too long", name,
                 FLOW_SCRIPTS_MAX);
        return ERR_FULL;
    }
    struct flow_script *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    name_of_path(s, name);
    enum err e = declare_script(rt, s, text, why);
    if (e == OK && rt->simulator)
        e = lines_open(s, text);
    if (e != OK) {
        lines_close(s);
        free(s);
        return e;
    }
    if (rt->prints)
        hearing_scan(rt, text);
    s->next = rt->scripts;
    rt->scripts = s;
    rt->script_count++;
    *out = s;
    return OK;
}

enum err flow_script_load(struct flow_runtime *rt, const char *path, struct flow_script **out,
                          char *why)
{
    for (struct flow_script *s = rt->scripts; s; s = s->next)
        if (strcmp(s->path, path) == 0) {
            *out = s;
            return OK;
        }
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(why, FLOW_TEXT_MAX, "%.120s: %s", path, strerror(errno));
        return ERR_NOT_FOUND;
    }
    char *text = malloc(FLOW_SCRIPT_MAX + 1);
    size_t len = text ? fread(text, 1, FLOW_SCRIPT_MAX + 1, file) : 0;
    bool failed = ferror(file) != 0;
    enum err e = OK;
    fclose(file);
    if (!text) {
        e = ERR_NOMEM;
        snprintf(why, FLOW_TEXT_MAX, "%.120s: no memory to read it", path);
    } else if (failed || len > FLOW_SCRIPT_MAX) {
        e = failed ? ERR_IO : ERR_TOO_LONG;
        snprintf(why, FLOW_TEXT_MAX, "%.120s: %s", path,
                 failed ? "cannot be read" : "longer than 256 KiB");
    } else {
        e = flow_script_load_text(rt, path, slice_of(text, len), out, why);
    }
    free(text);
    return e;
}

const char *flow_script_name(const struct flow_script *s)
{
    return s->name;
}

const char *flow_script_path(const struct flow_script *s)
{
    return s->path;
}

const char *flow_script_truth(const struct flow_script *s)
{
    return s->truth;
}

enum flow_kind flow_script_kind(const struct flow_script *s)
{
    return s->kind;
}
