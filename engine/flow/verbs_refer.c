/* Verbs of what the two ends ask of each other within a call: transfers by REFER (RFC 3515), and
 * offers that are refused. `peal-sim import` writes scripts of them. */
#include <string.h>

#include "flow/inner.h"

#define DAY_S 86400.0

static lua_Integer arg_code(lua_State *L, int index, lua_Integer lo)
{
    lua_Integer code = luaL_checkinteger(L, index);

    luaL_argcheck(L, code >= lo && code <= 699, index, "it is no such SIP code");
    return code;
}

/* ---- asking ---- */

static int refer_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    bool refused = f->referred >= 300;

    (void)status;
    verb_check(L, f);
    if (!refused && f->notified < 200 && !f->timed_out)
        return verb_wait(L, ctx, refer_k);
    verb_done(f);
    if (refused) {
        lua_pushnil(L);
        lua_pushliteral(L, "refused");
        lua_pushinteger(L, f->referred);
        return 3;
    }
    if (f->notified < 200)
        return verb_outcome(L, "timeout");
    lua_pushinteger(L, f->notified);
    return 1;
}

/*@sim call:refer(uri [, { limit = 30 }])
 * Asks the far side to call somebody, a "sip:" URI (REFER), and waits until it tells how that went,
 * at most `limit` seconds; with 0 it does not wait. Returns the code it told (200: answered); nil,
 * "refused" and the code when it would not; or nil and "timeout". The call itself goes on.
 */
static int verb_refer(lua_State *L)
{
    static const char *const options[] = {"limit", NULL};
    struct flow *f = verb_begin(L);
    const char *to = luaL_checkstring(L, 2);

    opt_only(L, 3, options);
    double limit = opt_number(L, 3, "limit", 30, 0, DAY_S);
    f->referred = f->notified = 0;
    enum err e = call_refer(f->call, slice_cstr(to));
    if (e == ERR_INVALID)
        return luaL_error(L, "call:refer: '%s' is no URI", to);
    if (e != OK)
        flow_fail(L, "call:refer: not possible now (%s)", err_name(e));
    if (limit == 0)
        return 0;
    verb_limit(f, limit);
    return refer_k(L, LUA_OK, 0);
}

/* ---- being asked ---- */

/*@sim call:take_refer([code])
 * How a REFER of the far side is answered from now on: 202 when no code is given, or any from 200
 * to 699. Nobody is called; without this verb it gets 405.
 */
static int verb_take_refer(lua_State *L)
{
    struct flow *f = verb_begin(L);
    lua_Integer code = lua_isnoneornil(L, 2) ? 202 : arg_code(L, 2, 200);
    enum err e = call_take_refers(f->call, (uint16_t)code);

    if (e != OK)
        flow_fail(L, "call:take_refer: not possible now (%s)", err_name(e));
    return 0;
}

static int asked_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (!f->refer_to[0] && !f->timed_out)
        return verb_wait(L, ctx, asked_k);
    verb_done(f);
    if (!f->refer_to[0])
        return verb_outcome(L, "timeout");
    lua_pushstring(L, f->refer_to);
    f->refer_to[0] = '\0';
    return 1;
}

/*@sim call:wait_refer(seconds)
 * Waits until the far side asks by REFER, at most so long (call:take_refer says how it is
 * answered). Returns whom it wants called, the URI of Refer-To; or nil and "timeout". One that came
 * earlier and was not waited for counts.
 */
static int verb_wait_refer(lua_State *L)
{
    struct flow *f = verb_begin(L);

    verb_limit(f, arg_seconds(L, 2, DAY_S));
    return asked_k(L, LUA_OK, 0);
}

/*@sim call:notify(code)
 * Tells the far side how the call that it asked for by REFER goes (NOTIFY): 100, 180, and from 200
 * on that it is over.
 */
static int verb_notify(lua_State *L)
{
    struct flow *f = verb_begin(L);
    enum err e = call_notify(f->call, (uint16_t)arg_code(L, 2, 100));

    if (e != OK)
        flow_fail(L, "call:notify: no REFER has been taken on this call (%s)", err_name(e));
    return 0;
}

/* ---- refusing an offer ---- */

/*@sim call:refuse_offer(code [, nth])
 * Refuses an offer of the far side within the call (re-INVITE or UPDATE with a session
 * description) with a code from 300 to 699: the `nth` that comes from now on, the next when not
 * given. The call goes on as it was. At most 16 may wait.
 */
static int verb_refuse_offer(lua_State *L)
{
    struct flow *f = verb_begin(L);
    lua_Integer code = arg_code(L, 2, 300), nth = luaL_optinteger(L, 3, 1);

    luaL_argcheck(L, nth >= 1 && nth <= 1000, 3, "from 1 to 1000");
    enum err e = call_refuse_offer(f->call, (uint32_t)nth, (uint16_t)code);
    if (e != OK)
        flow_fail(L, "call:refuse_offer: not possible now (%s)", err_name(e));
    return 0;
}

void flow_refer_event(struct flow *f, const struct call_event *e)
{
    if (e->kind == CALL_EV_REFER)
        slice_copy(slice_of(e->refer_to.p, e->refer_to.len < sizeof f->refer_to - 1
                                               ? e->refer_to.len
                                               : sizeof f->refer_to - 1),
                   f->refer_to, sizeof f->refer_to);
    else if (e->kind == CALL_EV_REFERRED)
        f->referred = e->code;
    else
        f->notified = e->code;
}

const struct verb verbs_refer[] = {
    {"refer", verb_refer, VERB_SIM},
    {"take_refer", verb_take_refer, VERB_SIM},
    {"wait_refer", verb_wait_refer, VERB_SIM},
    {"notify", verb_notify, VERB_SIM},
    {"refuse_offer", verb_refuse_offer, VERB_SIM},
    {NULL, NULL, VERB_SIM},
};
