/* What a script sees: the harmless part of Lua's libraries, the verbs, and nothing that reaches
 * outside. Shared tables are read-only; each call's environment is its own table over them, so a
 * global that one call sets no other call sees. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/inner.h"

/* pcall that lets go of nothing the runtime raised: a hang-up or a spent budget passes through. */
static int pcall_finish(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)ctx;
    if (status != LUA_OK && status != LUA_YIELD) {
        bool unwinding = lua_touserdata(L, -1) == (const void *)&flow_unwind_mark;
        bool overspent = f ? f->doom != DOOM_NONE : runtime_of(L)->declare_budget <= 0;
        if (unwinding || overspent)
            return lua_error(L);
        if (f)
            f->raised_failed = false;
        lua_pushboolean(L, false);
        lua_insert(L, -2);
        return 2;
    }
    return lua_gettop(L);
}

static int sb_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, true);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, pcall_finish);
    return pcall_finish(L, status, 0);
}

/* Names a kind instead of an address for what has no text of its own. */
static int sb_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    int t = lua_type(L, 1);
    bool plain = t == LUA_TFUNCTION || t == LUA_TUSERDATA || t == LUA_TTHREAD ||
                 t == LUA_TLIGHTUSERDATA || t == LUA_TTABLE;
    if (plain && luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL) {
        lua_pushstring(L, luaL_typename(L, 1));
        return 1;
    }
    lua_settop(L, 1);
    luaL_tolstring(L, 1, NULL);
    return 1;
}

/* Upvalue 1: the library's. */
static int sb_setmetatable(lua_State *L)
{
    if (lua_istable(L, 2) && lua_getfield(L, 2, "__gc") != LUA_TNIL)
        return luaL_error(L, "setmetatable: __gc is not for scripts: use call:finally");
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

static int sb_print(lua_State *L)
{
    char line[256];
    size_t at = 0;

    for (int i = 1, n = lua_gettop(L); i <= n && at < sizeof line - 1; i++) {
        lua_pushcfunction(L, sb_tostring);
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%.200s", i > 1 ? " " : "",
                               lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    line[at < sizeof line ? at : sizeof line - 1] = '\0';
    lua_Debug ar = {0};
    if (lua_getstack(L, 1, &ar))
        lua_getinfo(L, "Sl", &ar);
    log_info("flow", "script says", "at=%s:%d text=\"%s\"", ar.short_src, ar.currentline, line);
    return 0;
}

static int read_only(lua_State *L)
{
    return luaL_error(L, "'%s' cannot be set: this table is shared by all scripts",
                      lua_tostring(L, 2));
}

/* Replaces the table on top by a read-only view of it. */
static void protect(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, read_only);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

/* Copies names of the table on top into a new table, which takes its place. */
static void pick_fields(lua_State *L, const char *const names[])
{
    lua_newtable(L);
    for (; *names; names++) {
        lua_getfield(L, -2, *names);
        lua_setfield(L, -2, *names);
    }
    lua_remove(L, -2);
}

static void add_math(lua_State *L, int globals)
{
    static const char *const harmless[] = {
        "abs",  "acos", "asin", "atan", "ceil",       "cos",  "deg",        "exp",  "floor",
        "fmod", "huge", "log",  "max",  "maxinteger", "min",  "mininteger", "modf", "pi",
        "rad",  "sin",  "sqrt", "tan",  "tointeger",  "type", "ult",        NULL};

    lua_getglobal(L, "math");
    pick_fields(L, harmless);
    protect(L);
    lua_setfield(L, globals, "math");
}

static void add_libraries(lua_State *L, int globals)
{
    static const char *const harmless[] = {"assert",   "error",  "getmetatable", "ipairs",
                                           "rawequal", "rawget", "rawlen",       "select",
                                           "tonumber", "type",   "_VERSION",     NULL};

    for (const char *const *n = harmless; *n; n++) {
        lua_getglobal(L, *n);
        lua_setfield(L, globals, *n);
    }
    add_math(L, globals);
    lua_getglobal(L, "utf8");
    protect(L);
    lua_setfield(L, globals, "utf8");
    lua_newtable(L);
    sandbox_register_tables(L, lua_gettop(L));
    protect(L);
    lua_setfield(L, globals, "table");

    lua_getglobal(L, "string");
    sandbox_register_strings(L, -1);
    protect(L);
    lua_setfield(L, globals, "string");
    lua_pushliteral(L, ""); /* ("x"):rep finds the same functions; nobody may change that */
    lua_getmetatable(L, -1);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/* Free-standing verbs into the globals, "store.get" into a read-only table `store`. */
static void add_verbs(struct flow_runtime *rt, int globals, const struct verb_group *g)
{
    lua_State *L = rt->L;
    const char *dot = strchr(g->prefix, '.');

    if (dot)
        lua_newtable(L);
    else
        lua_pushvalue(L, globals);
    for (const struct verb *v = g->verbs; v->name; v++) {
        if (v->side == VERB_SIM && !rt->simulator)
            continue;
        lua_pushcfunction(L, v->fn);
        lua_setfield(L, -2, v->name);
    }
    if (!dot) {
        lua_pop(L, 1);
        return;
    }
    lua_pushlstring(L, g->prefix, (size_t)(dot - g->prefix));
    lua_insert(L, -2);
    protect(L);
    lua_rawset(L, globals);
}

void sandbox_open(struct flow_runtime *rt)
{
    static const luaL_Reg own[] = {
        {"pcall", sb_pcall}, {"tostring", sb_tostring},
        {"print", sb_print}, {"pairs", sandbox_pairs},
        {NULL, NULL},
    };
    lua_State *L = rt->L;

    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    lua_settop(L, 0);
    lua_newtable(L);
    int globals = lua_gettop(L);
    lua_pushcfunction(L, sb_tostring);
    lua_setglobal(L, "tostring"); /* string.format asks for it there */
    add_libraries(L, globals);
    luaL_setfuncs(L, own, 0);
    lua_getglobal(L, "setmetatable");
    lua_pushcclosure(L, sb_setmetatable, 1);
    lua_setfield(L, globals, "setmetatable");
    for (const struct verb_group *g = verb_groups; g->prefix; g++)
        if (strcmp(g->prefix, "call:") != 0)
            add_verbs(rt, globals, g);

    lua_createtable(L, 0, 2); /* the metatable of environments */
    lua_insert(L, globals);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    rt->globals_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

void sandbox_push_env(struct flow_runtime *rt, lua_State *L)
{
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
    lua_rawgeti(L, LUA_REGISTRYINDEX, rt->globals_ref);
    lua_setmetatable(L, -2);
}
