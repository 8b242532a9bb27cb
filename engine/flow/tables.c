/* Tables in a fixed order, and without loops that no hook sees. `pairs` walks numbers upwards,
 * then strings bytewise, then false and true: the library's order depends on addresses and differs
 * from run to run. The table functions work on the table itself (no metamethods), and `sort` is
 * stable. All of it is paid from the call's budget. */
#include <stdlib.h>
#include <string.h>

#include "flow/inner.h"

struct key {
    int type;
    lua_Number number;
    const char *text;
    size_t len;
    int index; /* in the table of keys */
};

static int key_rank(int type)
{
    return type == LUA_TNUMBER ? 0 : type == LUA_TSTRING ? 1 : 2;
}

static int key_compare(const void *pa, const void *pb)
{
    const struct key *a = pa, *b = pb;
    int rank = key_rank(a->type) - key_rank(b->type);

    if (rank != 0)
        return rank;
    if (a->type != LUA_TSTRING)
        return (a->number > b->number) - (a->number < b->number);
    int c = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* The key on top of the stack. Strings stay alive: the table of keys holds them. */
static void key_read(lua_State *L, struct key *k, int index)
{
    *k = (struct key){.type = lua_type(L, -1), .index = index};
    switch (k->type) {
    case LUA_TNUMBER:
        k->number = lua_tonumber(L, -1);
        break;
    case LUA_TSTRING:
        k->text = lua_tolstring(L, -1, &k->len);
        break;
    case LUA_TBOOLEAN:
        k->number = lua_toboolean(L, -1);
        break;
    default:
        luaL_error(L, "pairs: a %s as a key has no fixed place in an order", luaL_typename(L, -1));
    }
}

/* Upvalues: the table, its sorted keys, how many were given. */
static int pairs_next(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3));

    for (;;) {
        lua_pushinteger(L, ++i);
        lua_replace(L, lua_upvalueindex(3));
        if (lua_rawgeti(L, lua_upvalueindex(2), i) == LUA_TNIL)
            return 1;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
            return 2;
        lua_pop(L, 2); /* removed meanwhile */
    }
}

int sandbox_pairs(lua_State *L)
{
    int n = 0;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_newtable(L); /* 2: keys as found */
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, 2, ++n);
    }
    budget_charge(L, (uint64_t)n * 8);
    struct key *keys = lua_newuserdatauv(L, sizeof *keys * (size_t)(n ? n : 1), 0); /* 3 */
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        key_read(L, &keys[i], i + 1);
        lua_pop(L, 1);
    }
    qsort(keys, (size_t)n, sizeof *keys, key_compare);
    lua_pushvalue(L, 1);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, keys[i].index);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_next, 3);
    return 1;
}

static lua_Integer length(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Unsigned n = lua_rawlen(L, 1);
    budget_charge(L, n / 4);
    return (lua_Integer)n;
}

static int tab_insert(lua_State *L)
{
    lua_Integer n = length(L) + 1, at = n;

    if (lua_gettop(L) == 3) {
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, at >= 1 && at <= n, 2, "position out of bounds");
        budget_charge(L, (uint64_t)(n - at) * 2);
        for (lua_Integer i = n; i > at; i--) {
            lua_rawgeti(L, 1, i - 1);
            lua_rawseti(L, 1, i);
        }
    } else if (lua_gettop(L) != 2) {
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_rawseti(L, 1, at);
    return 0;
}

static int tab_remove(lua_State *L)
{
    lua_Integer n = length(L), at = luaL_optinteger(L, 2, n);

    if (n == 0 && (at == 0 || at == n)) {
        lua_pushnil(L);
        return 1;
    }
    luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "position out of bounds");
    if (at < n)
        budget_charge(L, (uint64_t)(n - at) * 2);
    lua_rawgeti(L, 1, at);
    for (lua_Integer i = at; i < n; i++) {
        lua_rawgeti(L, 1, i + 1);
        lua_rawseti(L, 1, i);
    }
    if (at <= n) {
        lua_pushnil(L);
        lua_rawseti(L, 1, n);
    }
    return 1;
}

static int tab_concat(lua_State *L)
{
    lua_Integer n = length(L), i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, n);
    size_t seplen, total = 0;
    const char *sep = luaL_optlstring(L, 2, "", &seplen);
    luaL_Buffer b;

    luaL_argcheck(L, i >= 1 && last <= n, 3, "the range is not all in the table");
    luaL_buffinit(L, &b);
    for (; i <= last; i++) {
        size_t len;
        lua_rawgeti(L, 1, i);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "table.concat: item %I is a %s", (LUAI_UACINT)i,
                              luaL_typename(L, -1));
        lua_tolstring(L, -1, &len);
        total += len + seplen;
        if (total > FLOW_STRING_MAX)
            return luaL_error(L, "the resulting string is longer than %d bytes", FLOW_STRING_MAX);
        luaL_addvalue(&b);
        if (i < last)
            luaL_addlstring(&b, sep, seplen);
    }
    luaL_pushresult(&b);
    return 1;
}

static int tab_unpack(lua_State *L)
{
    lua_Integer n = length(L), i = luaL_optinteger(L, 2, 1), last = luaL_optinteger(L, 3, n);

    if (i > last)
        return 0;
    if (i < 1 || last - i >= 200 || !lua_checkstack(L, (int)(last - i) + 1))
        return luaL_error(L, "table.unpack: too many results");
    for (lua_Integer k = i; k <= last; k++)
        lua_rawgeti(L, 1, k);
    return (int)(last - i) + 1;
}

static int tab_pack(lua_State *L)
{
    int n = lua_gettop(L);

    lua_createtable(L, n, 1);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, n);
    lua_setfield(L, 1, "n");
    return 1;
}

/* Whether item at stack a goes before item at stack b: by argument 2, or by <. */
static bool before(lua_State *L, int a, int b)
{
    if (lua_isnil(L, 2))
        return lua_compare(L, a, b, LUA_OPLT);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a > 0 ? a : a - 1);
    lua_pushvalue(L, b > 0 ? b : b - 2);
    lua_call(L, 2, 1);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

/* Merges two sorted runs of table `from` into table `to` (stack indices). */
static void merge(lua_State *L, int from, int to, lua_Integer lo, lua_Integer mid, lua_Integer hi)
{
    lua_Integer a = lo, b = mid;

    for (lua_Integer k = lo; k < hi; k++) {
        bool take_b = a >= mid;
        if (!take_b && b < hi) {
            lua_rawgeti(L, from, b);
            lua_rawgeti(L, from, a);
            take_b = before(L, -2, -1);
            lua_pop(L, 2);
        }
        lua_rawgeti(L, from, take_b ? b++ : a++);
        lua_rawseti(L, to, k);
    }
}

static int tab_sort(lua_State *L)
{
    lua_Integer n = length(L);
    int from = 1, to = 3;

    lua_settop(L, 2);
    lua_createtable(L, (int)(n < 65536 ? n : 0), 0);
    for (lua_Integer width = 1; width < n; width *= 2) {
        budget_charge(L, (uint64_t)n * 4);
        for (lua_Integer lo = 1; lo <= n; lo += 2 * width) {
            lua_Integer mid = lo + width <= n + 1 ? lo + width : n + 1;
            lua_Integer hi = lo + 2 * width <= n + 1 ? lo + 2 * width : n + 1;
            merge(L, from, to, lo, mid, hi);
        }
        int t = from;
        from = to;
        to = t;
    }
    for (lua_Integer i = 1; from != 1 && i <= n; i++) {
        lua_rawgeti(L, from, i);
        lua_rawseti(L, 1, i);
    }
    return 0;
}

void sandbox_register_tables(lua_State *L, int lib)
{
    static const luaL_Reg functions[] = {
        {"insert", tab_insert}, {"remove", tab_remove}, {"concat", tab_concat},
        {"unpack", tab_unpack}, {"pack", tab_pack},     {"sort", tab_sort},
        {NULL, NULL},
    };

    lua_pushvalue(L, lib);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
