/* A flow begins: the coroutine with its call, chunk and environment, and what runs in it. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/inner.h"
#include "media/record.h"

/* The error goes on to the resume; only its kind is kept. */
static int main_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (status == LUA_OK || status == LUA_YIELD)
        return 0;
    flow_of(L)->out_of_memory = status == LUA_ERRMEM;
    return lua_error(L);
}

static int run_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/* Arguments: call, chunk, environment. */
static int flow_run(lua_State *L)
{
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "run");
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 0, 0, run_k);
    return 0;
}

/* Puts the script's line before a message that has none: some of Lua's own, and error(…, 0). */
static int locate(lua_State *L)
{
    const struct flow *f = flow_of(L);
    lua_Debug ar;

    if (lua_type(L, 1) != LUA_TSTRING || f->doom != DOOM_NONE)
        return 1;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0)
            continue;
        const char *text = lua_tostring(L, 1);
        size_t len = strlen(ar.short_src);
        if (strncmp(text, ar.short_src, len) != 0 || text[len] != ':')
            lua_pushfstring(L, "%s:%d: %s", ar.short_src, ar.currentline, text);
        return 1;
    }
    return 1;
}

/* Arguments: call, chunk, environment. The script runs under a pcall because that is what lets
 * hooks work again after an error raised in a hook: without it, a script's own `<close>` handlers
 * would run unwatched. */
static int flow_main(lua_State *L)
{
    lua_pushcfunction(L, locate);
    lua_insert(L, 1);
    lua_pushcfunction(L, flow_run);
    lua_insert(L, 2);
    return main_done(L, lua_pcallk(L, 3, 0, 1, 0, main_done), 0);
}

/* Arguments: function, outcome. */
int flow_after_main(lua_State *L)
{
    return main_done(L, lua_pcallk(L, 1, 0, 0, 0, main_done), 0);
}

static void push_row(lua_State *L, const struct flow_start *start)
{
    lua_createtable(L, 0, (int)start->row_count);
    for (uint32_t i = 0; i < start->row_count; i++) {
        lua_pushstring(L, start->row[i].value);
        lua_setfield(L, -2, start->row[i].name);
    }
}

struct preparation {
    struct flow *f;
    const struct flow_start *start;
};

/* Makes the coroutine with its first arguments on its stack. In protected mode. */
static int prepare(lua_State *L)
{
    struct preparation *p = lua_touserdata(L, 1);
    struct flow *f = p->f;

    f->co = lua_newthread(L);
    *(struct flow **)lua_getextraspace(f->co) = f;
    f->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_sethook(f->co, budget_hook, LUA_MASKCOUNT, FLOW_HOOK_EVERY);
    lua_pushcfunction(f->co, flow_main);
    struct flow **self = lua_newuserdatauv(f->co, sizeof *self, 1);
    *self = f;
    luaL_setmetatable(f->co, FLOW_CALL_TYPE);
    push_row(f->co, p->start);
    lua_setiuservalue(f->co, -2, 1);
    lua_pushvalue(f->co, -1);
    f->call_ref = luaL_ref(f->co, LUA_REGISTRYINDEX);
    lua_rawgeti(f->co, LUA_REGISTRYINDEX, f->script->chunk_ref);
    sandbox_push_env(f->rt, f->co);
    return 0;
}

static enum err make_coroutine(struct flow *f, const struct flow_start *start)
{
    struct flow_runtime *rt = f->rt;
    struct preparation p = {f, start};
    struct flow *was = rt->current;

    budget_refill(f);
    rt->current = f;
    lua_pushcfunction(rt->L, prepare);
    lua_pushlightuserdata(rt->L, &p);
    int status = lua_pcall(rt->L, 1, 0, 0);
    rt->current = was;
    lua_settop(rt->L, 0);
    return status == LUA_OK ? OK : ERR_NOMEM;
}

static void fill(struct flow *f, const struct flow_start *start)
{
    enum call_state state = call_state(start->call);

    f->call = start->call;
    f->script = start->script;
    f->leg = start->leg;
    f->attempt = start->attempt;
    f->on_end = start->on_end;
    f->arg = start->arg;
    f->keep_call = start->keep_call;
    f->lang = f->script->lang;
    f->co_ref = f->finally_ref = f->afterwards_ref = f->call_ref = LUA_NOREF;
    timer_init(&f->timer);
    timer_init(&f->limit);
    timer_init(&f->end);
    timer_init(&f->poke);
    flow_rng(f->rt, slice_cstr(f->script->name), f->leg, &f->rng);
    f->report.script = f->script;
    f->report.answered_ms = f->report.ended_ms = f->report.accepted_ms = CALL_TIME_NONE;
    snprintf(f->report.truth, sizeof f->report.truth, "%s", f->script->truth);
    f->answered = state == CALL_STATE_UP;
    if (f->answered)
        f->report.answered_ms = call_mark_at(f->call, MARK_ANSWERED);
    if (call_is_outgoing(f->call) && !f->rt->simulator)
        return; /* a flow of a campaign is told by the lead's row */
    if (slice_copy(call_called_number(f->call), f->number, sizeof f->number) != OK ||
        slice_copy(call_caller_number(f->call), f->caller, sizeof f->caller) != OK)
        log_warn("flow", "a number is too long for a script and is shown empty", "leg=%llu",
                 (unsigned long long)f->leg);
}

/* Both sides, for the report, of so many calls at once. A call that cannot be recorded is none the
 * worse. */
static void keep_audio(struct flow *f)
{
    struct flow_runtime *rt = f->rt;
    char path[384];

    if (!rt->audio_kept_dir[0] || rt->audio_kept == FLOW_AUDIO_KEPT)
        return;
    snprintf(path, sizeof path, "%s/%s-%llu-%u.wav", rt->audio_kept_dir, f->script->name,
             (unsigned long long)f->leg, ++rt->audio_files);
    const struct media_record how = {.path = path, .stereo = true};

    f->report.audio_kept = call_record_start(f->call, &how) == OK;
    rt->audio_kept += f->report.audio_kept;
}

void flow_audio_dropped(struct flow_runtime *rt)
{
    if (rt->audio_kept)
        rt->audio_kept--;
}

enum err flow_start(struct flow_runtime *rt, const struct flow_start *start, struct flow **out)
{
    struct flow *f = pool_get(&rt->flows);

    if (!f) {
        rt->stats.refused++;
        return ERR_FULL;
    }
    f->rt = rt;
    list_push_back(&rt->running, &f->node);
    fill(f, start);
    f->account = account_open(rt->memory_bytes);
    if (!f->account || make_coroutine(f, start) != OK) {
        rt->stats.refused++;
        flow_forget(f);
        list_remove(&f->node);
        pool_put(&rt->flows, f);
        return ERR_NOMEM;
    }
    rt->stats.started++;
    if (out)
        *out = f;
    call_set_handler(f->call, flow_on_call, f);
    keep_audio(f);
    loop_timer(rt->loop, &f->limit, (uint64_t)(f->script->limit_s * 1000), flow_on_limit);
    flow_resume(f, 3);
    return OK;
}

struct call *flow_call(const struct flow *f)
{
    return f->call;
}

void *flow_arg(const struct flow *f)
{
    return f->arg;
}
