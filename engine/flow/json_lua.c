/* Lua values as JSON and back. Keys go out in the order of `pairs`, so the same table gives the
 * same text. A table with items 1…n and no other keys is an array, any other an object; null is
 * read as nothing. Work is paid from the call's budget. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "flow/ops.h"

#define DEPTH_MAX 12

static void write_value(lua_State *L, struct json *j, const char *name, int index, int depth);

static bool is_array(lua_State *L, int index)
{
    lua_Unsigned n = lua_rawlen(L, index), keys = 0;

    lua_pushnil(L);
    while (lua_next(L, index)) {
        keys++;
        lua_pop(L, 1);
    }
    budget_charge(L, keys * 4);
    return n > 0 && keys == n;
}

static void write_array(lua_State *L, struct json *j, const char *name, int index, int depth)
{
    json_begin_array(j, name);
    for (lua_Integer i = 1; lua_rawgeti(L, index, i) != LUA_TNIL; i++) {
        write_value(L, j, NULL, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    json_end(j);
}

static void write_object(lua_State *L, struct json *j, const char *name, int index, int depth)
{
    json_begin_object(j, name);
    lua_pushcfunction(L, sandbox_pairs);
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    for (;;) {
        lua_pushvalue(L, -1);
        lua_call(L, 0, 2);
        if (lua_isnil(L, -2))
            break;
        if (lua_type(L, -2) == LUA_TBOOLEAN)
            luaL_error(L, "a boolean cannot be a name in JSON");
        lua_pushvalue(L, -2); /* a number becomes text in the copy only */
        write_value(L, j, lua_tostring(L, -1), lua_gettop(L) - 1, depth + 1);
        lua_pop(L, 3);
    }
    lua_pop(L, 3);
    json_end(j);
}

static void write_value(lua_State *L, struct json *j, const char *name, int index, int depth)
{
    luaL_checkstack(L, 8, "too deep for JSON");
    switch (lua_type(L, index)) {
    case LUA_TSTRING: {
        size_t len;
        const char *s = lua_tolstring(L, index, &len);
        budget_charge(L, 1 + len / 16);
        json_str(j, name, slice_of(s, len));
        break;
    }
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            json_i64(j, name, lua_tointeger(L, index));
        } else {
            if (!isfinite(lua_tonumber(L, index)))
                luaL_error(L, "a number that is not finite cannot be written as JSON");
            json_num(j, name, lua_tonumber(L, index));
        }
        break;
    case LUA_TBOOLEAN:
        json_bool(j, name, lua_toboolean(L, index));
        break;
    case LUA_TTABLE:
        if (depth == DEPTH_MAX)
            luaL_error(L, "a table is nested deeper than %d for JSON", DEPTH_MAX);
        (is_array(L, index) ? write_array : write_object)(L, j, name, index, depth);
        break;
    default:
        luaL_error(L, "a %s cannot be written as JSON", luaL_typename(L, index));
    }
    if (j->out->overflow)
        luaL_error(L, "a value is longer than %d bytes as JSON", STORE_VALUE_MAX);
}

struct slice lua_to_json(lua_State *L, struct flow_runtime *rt, int index)
{
    struct buf b = buf_on(rt->scratch, STORE_VALUE_MAX);
    struct json j;

    json_init(&j, &b);
    write_value(L, &j, NULL, lua_absindex(L, index), 0);
    return buf_slice(&b);
}

/* ---- reading ---- */

static void push(lua_State *L, const json_t *v)
{
    luaL_checkstack(L, 4, "JSON is nested too deep");
    budget_charge(L, 4);
    switch (json_typeof(v)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *item;
        lua_createtable(L, 0, (int)json_object_size(v));
        json_object_foreach((json_t *)(uintptr_t)v, key, item)
        {
            push(L, item);
            lua_setfield(L, -2, key);
        }
        break;
    }
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(v), 0);
        for (size_t i = 0; i < json_array_size(v); i++) {
            push(L, json_array_get(v, i));
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(v));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(v));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(v));
        break;
    case JSON_NULL:
        lua_pushnil(L);
        break;
    }
}

static int push_protected(lua_State *L)
{
    push(L, lua_touserdata(L, 1));
    return 1;
}

bool lua_from_json(lua_State *L, struct slice text)
{
    json_error_t error;

    budget_charge(L, text.len / 8);
    json_t *v = json_loadb(text.p, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!v)
        return false;
    /* In protected mode: memory may run out half-way, and the tree must be given back. */
    lua_pushcfunction(L, push_protected);
    lua_pushlightuserdata(L, v);
    int status = lua_pcall(L, 1, 1, 0);
    json_decref(v);
    if (status != LUA_OK)
        lua_error(L);
    return true;
}
