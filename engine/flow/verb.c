/* What every verb begins, waits and ends with. */
#include "flow/inner.h"

struct flow *verb_flow(lua_State *L)
{
    struct flow *f = flow_of(L);

    luaL_checkudata(L, 1, FLOW_CALL_TYPE);
    return f;
}

struct flow *verb_begin(lua_State *L)
{
    struct flow *f = verb_flow(L);

    if (f->over || f->after)
        luaL_error(L, "call:%s runs after the script: it cannot act on the call",
                   f->after ? "afterwards" : "finally");
    verb_check(L, f);
    return f;
}

void verb_check(lua_State *L, struct flow *f)
{
    if (f->doom != DOOM_NONE)
        flow_unwind(L);
}

static void on_verb_limit(struct timer *t)
{
    struct flow *f = container_of(t, struct flow, timer);

    f->timed_out = true;
    flow_wake(f);
}

void verb_limit(struct flow *f, double seconds)
{
    f->timed_out = false;
    loop_timer(f->rt->loop, &f->timer, (uint64_t)(seconds * 1000 + 0.5), on_verb_limit);
}

void verb_done(struct flow *f)
{
    f->timed_out = false;
    loop_timer_stop(f->rt->loop, &f->timer);
}

int verb_wait(lua_State *L, lua_KContext ctx, lua_KFunction k)
{
    return lua_yieldk(L, 0, ctx, k);
}

int verb_outcome(lua_State *L, const char *outcome)
{
    lua_pushnil(L);
    lua_pushstring(L, outcome);
    return 2;
}
