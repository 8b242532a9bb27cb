/* scenarios/peal.d.lua, what editors know of call scripts: it is Lua, and it has every verb that
 * scripts may call, and no other. */
#include <lualib.h>

#include "flow/fake_call.h"
#include "flow/inner.h"

struct count {
    lua_State *L;
    uint32_t verbs;
};

/* "call:play" is in the table at index 1, "store.get" and "exp" are globals. */
static void has(void *arg, const char *name)
{
    struct count *c = arg;
    const char *dot = strchr(name, '.');

    if (strncmp(name, "call:", 5) == 0) {
        lua_getfield(c->L, 1, name + 5);
    } else if (dot) {
        char group[32];
        snprintf(group, sizeof group, "%.*s", (int)(dot - name), name);
        cr_assert_eq(lua_getglobal(c->L, group), LUA_TTABLE, "%s", name);
        lua_getfield(c->L, -1, dot + 1);
    } else {
        lua_getglobal(c->L, name);
    }
    cr_expect(lua_isfunction(c->L, -1), "%s is missing: run tools/flow-reference", name);
    lua_settop(c->L, 1);
    c->verbs++;
}

static uint32_t functions_in(lua_State *L)
{
    uint32_t n = 0;

    lua_pushnil(L);
    while (lua_next(L, -2)) {
        n += lua_isfunction(L, -1);
        lua_pop(L, 1);
    }
    return n;
}

Test(annotations, have_every_verb_and_no_other)
{
    static char text[256 * 1024];
    char path[512];
    const char *source = getenv("PEAL_SOURCE");
    struct count c = {.L = luaL_newstate()};

    snprintf(path, sizeof path, "%s/scenarios/peal.d.lua", source ? source : ".");
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s cannot be read: set PEAL_SOURCE", path);
    size_t n = fread(text, 1, sizeof text - 32, f);
    fclose(f);
    strcpy(text + n, "\nreturn call");
    cr_assert_eq(luaL_loadstring(c.L, text), LUA_OK, "%s", lua_tostring(c.L, -1));
    cr_assert_eq(lua_pcall(c.L, 0, 1, 0), LUA_OK, "%s", lua_tostring(c.L, -1));
    flow_each_verb(true, has, &c);
    cr_expect_gt(c.verbs, 50u);

    uint32_t written = functions_in(c.L);
    lua_pushglobaltable(c.L);
    written += functions_in(c.L);
    lua_pushnil(c.L);
    while (lua_next(c.L, -2)) {
        if (lua_istable(c.L, -1) && !lua_rawequal(c.L, -1, -3))
            written += functions_in(c.L);
        lua_pop(c.L, 1);
    }
    cr_expect_eq(written, c.verbs);
    lua_close(c.L);
}
