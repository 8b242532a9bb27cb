/* Verbs that ask the house a flow runs in (host.h) for its hours, its lists and its clock, and what
 * runs when the call is over. */
#include "flow/host.h"
#include "flow/ops.h"

#define DAY_S 86400.0

/* ---- hours ---- */

/*@both call:is_open(name)
 * Whether the hours of that name (`hours` of the numbers file) are now.
 */
static int verb_is_open(lua_State *L)
{
    struct flow *f = verb_begin(L);
    const char *name = luaL_checkstring(L, 2);
    const struct flow_host *host = line_host(L, f, "is_open");
    bool open = false;

    if (!host->is_open || host->is_open(host->arg, f, name, &open) != OK)
        flow_fail(L, "call:is_open: there are no hours '%s'", name);
    lua_pushboolean(L, open);
    return 1;
}

/* ---- do not call ---- */

static int listed(lua_State *L, struct flow *f, enum err e, const char *why)
{
    verb_done(f);
    if (e != OK)
        return verb_refused(L, e, why);
    lua_pushboolean(L, true);
    return 1;
}

static int do_not_call_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (f->answer)
        return listed(L, f, f->answer->err, f->answer->why);
    if (!f->timed_out)
        return verb_wait(L, ctx, do_not_call_k);
    op_forget(f);
    return listed(L, f, ERR_TIMEOUT, NULL);
}

/*@both call:do_not_call([list])
 * Puts the number that was called on a do-not-call list of `peal dnc`, for every engine at once:
 * "global" (when not given), "campaign" (this one's), or a channel: "phone", "text", "mail".
 * Returns true; or nil, an outcome and a sentence, as store.*. It is asked for also when the call
 * has ended meanwhile.
 */
static int verb_do_not_call(lua_State *L)
{
    struct flow *f = verb_begin(L);
    const char *list = luaL_optstring(L, 2, "global");
    const struct flow_host *host = line_host(L, f, "do_not_call");

    if (!host->do_not_call)
        flow_fail(L, "call:do_not_call: there are no such lists here");
    struct flow_op *op = op_begin(f, true);
    if (!op)
        return verb_refused(L, ERR_FULL, NULL);
    enum err e = host->do_not_call(host->arg, f, list, op_answered, op);
    if (e != OK)
        op_cancel(op);
    if (e == ERR_INVALID)
        return luaL_error(L, "there is no list '%s'; known: global, campaign, phone, text, mail",
                          list);
    if (e != OK)
        return verb_refused(L, e, NULL);
    verb_limit(f, 10);
    return do_not_call_k(L, LUA_OK, 0);
}

/*@both call:wall()
 * Seconds since the beginning of 1970 (UTC), by the clock on the wall.
 */
static int verb_wall(lua_State *L)
{
    struct flow *f = verb_flow(L);

    lua_pushinteger(L, (lua_Integer)(clock_wall_ms(f->rt->loop->clock) / 1000));
    return 1;
}

/* ---- after the call ---- */

static int pause_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (!f->timed_out)
        return verb_wait(L, ctx, pause_k);
    verb_done(f);
    return 0;
}

/*@both call:pause(seconds)
 * Waits in a function of call:afterwards, where there is no call any more to wait on.
 */
static int verb_pause(lua_State *L)
{
    struct flow *f = verb_flow(L);

    if (!f->after)
        return luaL_error(L, "call:pause is for call:afterwards; use call:wait");
    verb_check(L, f);
    verb_limit(f, arg_seconds(L, 2, DAY_S));
    return pause_k(L, LUA_OK, 0);
}

/*@both call:afterwards(fn)
 * fn(outcome) runs when the script is over and call:finally has run, whatever ended it, and goes on
 * when the call is gone: it may wait (call:pause), store and post, at most an hour, but not act on
 * the call. A later one replaces the function.
 */
static int verb_afterwards(lua_State *L)
{
    struct flow *f = verb_begin(L);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (f->keep_call)
        return luaL_error(L, "call:afterwards: the call goes on after this script");
    luaL_unref(L, LUA_REGISTRYINDEX, f->afterwards_ref);
    lua_settop(L, 2);
    f->afterwards_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

const struct verb verbs_house[] = {
    {"is_open", verb_is_open, VERB_BOTH},
    {"do_not_call", verb_do_not_call, VERB_BOTH},
    {"wall", verb_wall, VERB_BOTH},
    {"pause", verb_pause, VERB_BOTH},
    {"afterwards", verb_afterwards, VERB_BOTH},
    {NULL, NULL, VERB_BOTH},
};
