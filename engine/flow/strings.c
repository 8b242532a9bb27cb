/* The string functions that could run away, written again with bounds: no result above
 * FLOW_STRING_MAX bytes, and pattern steps are paid from the call's budget. Semantics are those of
 * the Lua 5.4 manual, 6.4; a test compares them with the library's on thousands of patterns. */
#include <string.h>

#include "flow/inner.h"
#include "flow/pattern.h"

#define STEPS_MAX 1000000 /* one function call, whatever the budget: about 10 ms */

/* 1-based position from the start or, negative, from the end. */
static size_t position(lua_Integer i, size_t len, size_t otherwise)
{
    if (i > 0)
        return (size_t)i;
    if (i == 0)
        return otherwise;
    if (i < -(lua_Integer)len)
        return otherwise;
    return len + (size_t)i + 1;
}

static void begin(struct pattern *m, const char *s, size_t len, const char *p, size_t plen)
{
    *m = (struct pattern){.text = s, .text_end = s + len, .end = p + plen, .steps_max = STEPS_MAX};
}

/* One attempt at s. Charges what it took; raises what went wrong. */
static const char *attempt(lua_State *L, struct pattern *m, const char *s, const char *p)
{
    uint64_t before = m->steps;

    m->level = 0;
    m->depth = 0;
    const char *end = pattern_match(m, s, p);
    budget_charge(L, 1 + (m->steps - before));
    if (m->error)
        luaL_error(L, "%s", m->error);
    return end;
}

static void push_capture(lua_State *L, const struct pattern *m, int i, const char *s,
                         const char *end)
{
    if (i >= m->level) {
        if (i != 0)
            luaL_error(L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(L, s, (size_t)(end - s));
    } else if (m->capture[i].len == PATTERN_POSITION) {
        lua_pushinteger(L, m->capture[i].start - m->text + 1);
    } else if (m->capture[i].len < 0) {
        luaL_error(L, "unfinished capture");
    } else {
        lua_pushlstring(L, m->capture[i].start, (size_t)m->capture[i].len);
    }
}

static int push_captures(lua_State *L, const struct pattern *m, const char *s, const char *end)
{
    int n = m->level == 0 && s ? 1 : m->level;

    luaL_checkstack(L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(L, m, i, s, end);
    return n;
}

static int find_plain(lua_State *L, const char *s, size_t len, const char *p, size_t plen,
                      size_t init)
{
    budget_charge(L, (len + plen) / 16);
    const char *at = memmem(s + init, len - init, p, plen);
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - s + 1);
    lua_pushinteger(L, at - s + (lua_Integer)plen);
    return 2;
}

static int find_or_match(lua_State *L, bool find)
{
    size_t len, plen;
    const char *s = luaL_checklstring(L, 1, &len);
    const char *p = luaL_checklstring(L, 2, &plen);
    size_t init = position(luaL_optinteger(L, 3, 1), len, 1) - 1;
    struct pattern m;

    if (init > len) {
        lua_pushnil(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || pattern_is_plain(p, plen)))
        return find_plain(L, s, len, p, plen, init);
    bool anchored = plen > 0 && *p == '^';
    begin(&m, s, len, p, plen);
    for (const char *at = s + init; at <= s + len; at++) {
        const char *end = attempt(L, &m, at, p + anchored);
        if (end && find) {
            lua_pushinteger(L, at - s + 1);
            lua_pushinteger(L, end - s);
            return push_captures(L, &m, NULL, NULL) + 2;
        }
        if (end)
            return push_captures(L, &m, at, end);
        if (anchored)
            break;
    }
    lua_pushnil(L);
    return 1;
}

static int str_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int str_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Upvalues: subject, pattern, position to go on from, end of the last match. */
static int gmatch_next(lua_State *L)
{
    size_t len, plen;
    const char *s = lua_tolstring(L, lua_upvalueindex(1), &len);
    const char *p = lua_tolstring(L, lua_upvalueindex(2), &plen);
    lua_Integer from = lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct pattern m;

    begin(&m, s, len, p, plen);
    for (const char *at = s + from; at <= s + len; at++) {
        const char *end = attempt(L, &m, at, p);
        if (!end || end - s == last)
            continue;
        lua_pushinteger(L, end - s);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(L, &m, at, end);
    }
    return 0;
}

static int str_gmatch(lua_State *L)
{
    size_t len;

    luaL_checklstring(L, 1, &len);
    luaL_checkstring(L, 2);
    size_t init = position(luaL_optinteger(L, 3, 1), len, 1) - 1;
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(init > len ? len + 1 : init));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

static void add(lua_State *L, luaL_Buffer *b, size_t *total, const char *s, size_t len)
{
    *total += len;
    if (*total > FLOW_STRING_MAX)
        luaL_error(L, "the resulting string is longer than %d bytes", FLOW_STRING_MAX);
    luaL_addlstring(b, s, len);
}

/* "%0" the whole match, "%1"… a capture, "%%" itself. */
static void add_template(lua_State *L, luaL_Buffer *b, size_t *total, const struct pattern *m,
                         const char *s, const char *end)
{
    size_t len;
    const char *t = lua_tolstring(L, 3, &len);

    for (size_t i = 0; i < len; i++) {
        if (t[i] != '%') {
            add(L, b, total, t + i, 1);
            continue;
        }
        char c = ++i < len ? t[i] : '\0';
        if (c == '%') {
            add(L, b, total, "%", 1);
        } else if (c == '0') {
            add(L, b, total, s, (size_t)(end - s));
        } else if (c >= '1' && c <= '9') {
            push_capture(L, m, c - '1', s, end);
            size_t n = 0;
            luaL_tolstring(L, -1, &n);
            *total += n;
            if (*total > FLOW_STRING_MAX)
                luaL_error(L, "the resulting string is longer than %d bytes", FLOW_STRING_MAX);
            lua_remove(L, -2);
            luaL_addvalue(b);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
}

/* The replacement of one match, by argument 3. */
static void add_replacement(lua_State *L, luaL_Buffer *b, size_t *total, const struct pattern *m,
                            const char *s, const char *end)
{
    size_t n;

    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION: {
        lua_pushvalue(L, 3);
        int args = push_captures(L, m, s, end);
        lua_call(L, args, 1);
        break;
    }
    case LUA_TTABLE:
        push_capture(L, m, 0, s, end);
        lua_gettable(L, 3);
        break;
    default:
        add_template(L, b, total, m, s, end);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        add(L, b, total, s, (size_t)(end - s));
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    lua_tolstring(L, -1, &n);
    *total += n;
    if (*total > FLOW_STRING_MAX)
        luaL_error(L, "the resulting string is longer than %d bytes", FLOW_STRING_MAX);
    luaL_addvalue(b);
}

static int str_gsub(lua_State *L)
{
    size_t len, plen, total = 0;
    const char *s = luaL_checklstring(L, 1, &len), *at = s, *last = NULL;
    const char *p = luaL_checklstring(L, 2, &plen);
    int kind = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)len + 1), n = 0;
    bool anchored = plen > 0 && *p == '^';
    struct pattern m;
    luaL_Buffer b;

    luaL_argexpected(L,
                     kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION ||
                         kind == LUA_TTABLE,
                     3, "string/function/table");
    if (kind == LUA_TNUMBER)
        lua_tostring(L, 3); /* in place, so that add_template sees a string */
    lua_settop(L, 3);
    begin(&m, s, len, p, plen);
    luaL_buffinit(L, &b);
    while (n < most) {
        const char *end = attempt(L, &m, at, p + anchored);
        if (end && end != last) {
            n++;
            add_replacement(L, &b, &total, &m, at, end);
            at = last = end;
        } else if (at < s + len) {
            add(L, &b, &total, at++, 1);
        } else {
            break;
        }
        if (anchored)
            break;
    }
    if (at < s + len)
        add(L, &b, &total, at, (size_t)(s + len - at));
    luaL_pushresult(&b);
    lua_pushinteger(L, n);
    return 2;
}

static int str_rep(lua_State *L)
{
    size_t len, seplen;
    const char *s = luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    const char *sep = luaL_optlstring(L, 3, "", &seplen);
    luaL_Buffer b;

    if (n <= 0 || len + seplen == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((uint64_t)n > FLOW_STRING_MAX / (len + seplen))
        return luaL_error(L, "the resulting string is longer than %d bytes", FLOW_STRING_MAX);
    budget_charge(L, (uint64_t)n);
    luaL_buffinit(L, &b);
    while (n-- > 0) {
        luaL_addlstring(&b, s, len);
        if (n > 0)
            luaL_addlstring(&b, sep, seplen);
    }
    luaL_pushresult(&b);
    return 1;
}

/* The library's format behind a guard: no "%p", which would show an address; upvalue 1. */
static int str_format(lua_State *L)
{
    size_t len;
    const char *f = luaL_checklstring(L, 1, &len);

    for (size_t i = 0; i + 1 < len; i++) {
        if (f[i] != '%')
            continue;
        size_t j = i + 1;
        while (j < len && strchr("-+ #0123456789.", f[j]) && f[j])
            j++;
        if (j < len && f[j] == 'p')
            return luaL_error(L, "string.format has no '%%p' here: addresses differ in every run");
        i = j;
    }
    for (int i = 2, n = lua_gettop(L); i <= n; i++) {
        int t = lua_type(L, i);
        if (t == LUA_TTABLE || t == LUA_TFUNCTION || t == LUA_TUSERDATA) {
            lua_getglobal(L, "tostring"); /* the real globals: ours, without addresses */
            lua_pushvalue(L, i);
            lua_call(L, 1, 1);
            lua_replace(L, i);
        }
    }
    budget_charge(L, len / 8);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

void sandbox_register_strings(lua_State *L, int lib)
{
    static const luaL_Reg bounded[] = {
        {"find", str_find}, {"match", str_match}, {"gmatch", str_gmatch},
        {"gsub", str_gsub}, {"rep", str_rep},     {NULL, NULL},
    };
    static const char *const removed[] = {"dump", "pack", "unpack", "packsize"};

    lib = lua_absindex(L, lib);
    lua_pushvalue(L, lib);
    luaL_setfuncs(L, bounded, 0);
    lua_pop(L, 1);
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        lua_pushnil(L);
        lua_setfield(L, lib, removed[i]);
    }
    lua_getfield(L, lib, "format");
    lua_pushcclosure(L, str_format, 1);
    lua_setfield(L, lib, "format");
}
