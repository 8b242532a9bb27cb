/* Reading a verb's arguments: numbers within their range, options by name, and a clear sentence for
 * everything else. A misspelled option is an error: silence would hide it until a call goes wrong.
 */
#include <math.h>
#include <string.h>

#include "flow/inner.h"

static bool get(lua_State *L, int index, const char *name)
{
    if (!lua_istable(L, index)) {
        if (!lua_isnoneornil(L, index))
            luaL_error(L, "options are given as a table: { %s = … }", name);
        return false;
    }
    if (lua_getfield(L, index, name) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

static double in_range(lua_State *L, const char *name, double v, double lo, double hi)
{
    if (!(v >= lo && v <= hi)) /* also refuses NaN */
        luaL_error(L, "%s is %f: it must be from %f to %f", name, v, lo, hi);
    return v;
}

double opt_number(lua_State *L, int index, const char *name, double otherwise, double lo, double hi)
{
    if (!get(L, index, name))
        return otherwise;
    if (lua_type(L, -1) != LUA_TNUMBER)
        luaL_error(L, "%s must be a number, not a %s", name, luaL_typename(L, -1));
    double v = in_range(L, name, lua_tonumber(L, -1), lo, hi);
    lua_pop(L, 1);
    return v;
}

bool opt_bool(lua_State *L, int index, const char *name, bool otherwise)
{
    if (!get(L, index, name))
        return otherwise;
    if (!lua_isboolean(L, -1))
        luaL_error(L, "%s must be true or false, not a %s", name, luaL_typename(L, -1));
    bool v = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return v;
}

/* The text stays valid while the table holds it. */
const char *opt_string(lua_State *L, int index, const char *name, const char *otherwise)
{
    if (!get(L, index, name))
        return otherwise;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "%s must be a text, not a %s", name, luaL_typename(L, -1));
    const char *v = lua_tostring(L, -1);
    lua_pop(L, 1);
    return v;
}

void opt_only(lua_State *L, int index, const char *const names[])
{
    if (!lua_istable(L, index))
        return;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            continue; /* the list part is the verb's own */
        const char *key = lua_tostring(L, -1);
        bool known = false;
        for (const char *const *n = names; *n && !known; n++)
            known = strcmp(key, *n) == 0;
        if (known)
            continue;
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        for (const char *const *n = names; *n; n++) {
            luaL_addstring(&b, n == names ? "" : ", ");
            luaL_addstring(&b, *n);
        }
        luaL_pushresult(&b);
        luaL_error(L, "there is no option '%s' here; accepted: %s", key, lua_tostring(L, -1));
    }
}

double arg_seconds(lua_State *L, int index, double hi)
{
    return in_range(L, "the time", luaL_checknumber(L, index), 0, hi);
}
