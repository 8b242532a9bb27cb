/* What a script is made of: its declaration, its settings, its checks. */
#include <stdio.h>
#include <string.h>

#include "flow/prompts.h"

#define DAY_S 86400.0

/* A callee's truth must be a label of the closed list: it is compared with the engine's result. */
static void check_truth(lua_State *L, enum flow_kind kind)
{
    const char *truth = opt_string(L, 1, "truth", NULL);
    enum result r;

    if (kind == FLOW_KIND_CALLEE && !truth)
        luaL_error(L, "a callee declares its truth, one of: %s", result_names());
    if (kind == FLOW_KIND_CALLEE && result_parse(slice_cstr(truth), &r) != OK)
        luaL_error(L, "there is no result '%s' to be the truth; accepted: %s", truth,
                   result_names());
    if (truth && strlen(truth) >= FLOW_NAME_MAX)
        luaL_error(L, "truth is too long");
}

static int declare(lua_State *L, enum flow_kind kind)
{
    static const char *const fields[] = {"truth", "run", "limit", "language", "prompts", NULL};

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    opt_only(L, 1, fields);
    check_truth(L, kind);
    if (flow_of(L)) { /* a call's own run of the chunk: the prompts are known, and kept once */
        lua_pushnil(L);
        lua_setfield(L, 1, "prompts");
    } else {
        prompt_check_declaration(L, 1);
    }
    opt_number(L, 1, "limit", FLOW_LIMIT_S, 0.001, 7 * DAY_S);
    if (lua_getfield(L, 1, "run") != LUA_TFUNCTION)
        luaL_error(L, "a %s needs run = function(call) … end", flow_kind_name(kind));
    lua_pop(L, 1);
    lua_pushinteger(L, kind);
    lua_rawsetp(L, 1, &kind_mark);
    return 1;
}

/*@sim callee { truth = label, run = function(call) … end, limit = 3600 }
 * Declares the script of someone who is called; a script ends by returning it. `truth` is what the
 * engine should find out: a label of the closed list of results. `limit` in seconds bounds the
 * whole script.
 */
static int declare_callee(lua_State *L)
{
    return declare(L, FLOW_KIND_CALLEE);
}

/*@sim caller { run = function(call) … end, limit = 3600 }
 * Declares the script of someone who calls. It starts when the INVITE has left.
 */
static int declare_caller(lua_State *L)
{
    return declare(L, FLOW_KIND_CALLER);
}

/*@sim agent { run = function(call) … end, limit = 3600 }
 * Declares the script of an agent, whose leg the engine calls and keeps up between conversations.
 */
static int declare_agent(lua_State *L)
{
    return declare(L, FLOW_KIND_AGENT);
}

/*@both flow { run = function(call) … end, limit = 3600, language = "en", prompts = { … } }
 * Declares a flow of the engine. `prompts` are its texts, by name and language: { main = { en =
 * "For orders press one.", ru = "…", sl = "…" } }; `language` is that of calls that do not choose
 * one by call:language. Other scripts may have both, too.
 */
static int declare_flow(lua_State *L)
{
    return declare(L, FLOW_KIND_FLOW);
}

/*@both setting(name [, otherwise])
 * A setting of the run (the mix file's `settings`): a number where it reads as one, else a text;
 * `otherwise` where it is not set.
 */
static int script_setting(lua_State *L)
{
    struct flow *f = flow_of(L);
    const char *name = luaL_checkstring(L, 1);

    lua_settop(L, 2);
    if (!f)
        return 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, f->rt->settings_ref);
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_settop(L, 2);
        return 1;
    }
    size_t len;
    const char *value = lua_tolstring(L, -1, &len);
    if (lua_stringtonumber(L, value) != len + 1)
        lua_pushvalue(L, -1);
    return 1;
}

/* "file:line: text" of the caller, on the stack. */
static const char *located(lua_State *L, int index, const char *otherwise)
{
    luaL_where(L, 1);
    lua_pushstring(L, luaL_optstring(L, index, otherwise));
    lua_concat(L, 2);
    return lua_tostring(L, -1);
}

static struct flow *in_call(lua_State *L)
{
    struct flow *f = flow_of(L);

    if (!f)
        luaL_error(L, "checks need a call: make them inside run = function(call) … end");
    return f;
}

/*@sim check(condition [, text])
 * Counts a passed or a failed check; failed ones are reported with the script's line, and make the
 * run's exit code 1. The script goes on. Returns the condition.
 */
static int script_check(lua_State *L)
{
    struct flow *f = in_call(L);

    lines_reach(L, true);
    if (lua_toboolean(L, 1)) {
        f->report.checks_passed++;
    } else {
        lines_fail(L);
        flow_add_failed(f, located(L, 2, "a check failed"));
    }
    lua_settop(L, 1);
    return 1;
}

/*@sim expect(condition [, text])
 * As check, but a failed one ends the script ("failed").
 */
static int script_expect(lua_State *L)
{
    struct flow *f = in_call(L);

    lines_reach(L, true);
    if (!lua_toboolean(L, 1)) {
        flow_add_failed(f, located(L, 2, "an expectation was not met"));
        f->raised_failed = true;
        return lua_error(L);
    }
    f->report.checks_passed++;
    lua_settop(L, 1);
    return 1;
}

const struct verb verbs_script[] = {
    {"callee", declare_callee, VERB_SIM},   {"caller", declare_caller, VERB_SIM},
    {"agent", declare_agent, VERB_SIM},     {"flow", declare_flow, VERB_BOTH},
    {"setting", script_setting, VERB_BOTH}, {"check", script_check, VERB_SIM},
    {"expect", script_expect, VERB_SIM},    {NULL, NULL, VERB_BOTH},
};
