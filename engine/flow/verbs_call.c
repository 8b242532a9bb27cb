/* Verbs of signalling and of the call as a whole. The comments that begin with an @ are the
 * reference: tools/flow-reference turns them into docs/FLOWS.md. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/inner.h"

#define DAY_S       86400.0
#define ACK_LIMIT_S 33.0 /* RFC 3261 13.3.1.4: 64 × T1, then the far side is gone */
#define END_LIMIT_S 40.0

/* ---- waiting for the call's own events ---- */

static int answer_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (!f->answered && !f->timed_out)
        return verb_wait(L, ctx, answer_k);
    bool timed_out = !f->answered;
    verb_done(f);
    if (timed_out)
        return verb_outcome(L, "timeout");
    lua_pushboolean(L, true);
    return 1;
}

/*@both call:answer([{ ack = true }])
 * Answers an incoming call (200 OK) and waits for the caller's ACK, at most 33 seconds.
 * Returns true, or nil and "timeout". Audio flows from the 200 on. With `ack = false`, in the
 * simulator, it returns at once, and a call:hangup before the ACK sends its BYE at once, too, which
 * RFC 3261 forbids.
 */
static int verb_answer(lua_State *L)
{
    static const char *const options[] = {"ack", NULL};
    struct flow *f = verb_begin(L);

    opt_only(L, 2, options);
    bool ack = opt_bool(L, 2, "ack", true);
    if (!ack && !f->rt->simulator)
        return luaL_error(L, "ack = false is for the simulator");
    if (!f->answered) {
        enum err e = call_answer(f->call);
        if (e != OK)
            flow_fail(L, "call:answer: the call cannot be answered now (%s)", err_name(e));
        f->report.accepted_ms = call_age_ms(f->call);
        f->progressed = f->progressed || !ack;
    }
    if (!ack) {
        call_defy_ack(f->call);
        lua_pushboolean(L, true);
        return 1;
    }
    verb_limit(f, ACK_LIMIT_S);
    return answer_k(L, LUA_OK, 0);
}

/*@both call:wait_answer { limit = 60 }
 * For a call that goes out: waits until the far side answers, at most `limit` seconds.
 * Returns true, or nil and "timeout". A refused call ends the script ("hangup").
 */
static int verb_wait_answer(lua_State *L)
{
    static const char *const options[] = {"limit", NULL};
    struct flow *f = verb_begin(L);

    opt_only(L, 2, options);
    verb_limit(f, opt_number(L, 2, "limit", 60, 0, DAY_S));
    return answer_k(L, LUA_OK, 0);
}

static int wait_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (!f->timed_out)
        return verb_wait(L, ctx, wait_k);
    verb_done(f);
    return 0;
}

/*@both call:wait(seconds)
 * Does nothing for so long. What is being played in the background goes on.
 */
static int verb_wait_seconds(lua_State *L)
{
    struct flow *f = verb_begin(L);

    verb_limit(f, arg_seconds(L, 2, DAY_S));
    return wait_k(L, LUA_OK, 0);
}

static int ended_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    if (!f->ended) {
        verb_check(L, f);
        if (!f->timed_out)
            return verb_wait(L, ctx, ended_k);
    }
    verb_done(f);
    lua_pushstring(L, f->ended ? "hangup" : "timeout");
    return 1;
}

/*@both call:wait_hangup(seconds)
 * Waits until the far side ends the call, at most so long. Returns "hangup" or "timeout". Unlike
 * other verbs it returns after the end, so that the script can check what it learned.
 */
static int verb_wait_hangup(lua_State *L)
{
    struct flow *f = verb_begin(L);

    verb_limit(f, arg_seconds(L, 2, DAY_S));
    return ended_k(L, LUA_OK, 0);
}

/*@both call:hangup([cause])
 * Ends the call in whatever way its state asks for (BYE, CANCEL or a refusal), with a Q.850 cause
 * (16, normal clearing, when not given). Returns when it has ended; further verbs that act on the
 * call end the script.
 */
static int verb_hangup(lua_State *L)
{
    struct flow *f = verb_begin(L);
    lua_Integer cause = luaL_optinteger(L, 2, 0);

    luaL_argcheck(L, cause >= 0 && cause <= 127, 2, "a Q.850 cause is from 1 to 127");
    f->by_script = true;
    verb_limit(f, END_LIMIT_S);
    call_hangup(f->call, (uint16_t)cause);
    return ended_k(L, LUA_OK, 0);
}

/*@both call:reject([code [, reason [, cause]]])
 * Refuses an incoming call with a SIP code from 300 to 699 (603 when not given), a reason phrase
 * and a Q.850 cause (sent as a Reason header). Returns when the call has ended.
 */
static int verb_reject(lua_State *L)
{
    struct flow *f = verb_begin(L);
    lua_Integer code = luaL_optinteger(L, 2, 603), cause = luaL_optinteger(L, 4, 0);
    const char *reason = luaL_optstring(L, 3, NULL);

    luaL_argcheck(L, code >= 300 && code <= 699, 2, "a refusal's code is from 300 to 699");
    luaL_argcheck(L, cause >= 0 && cause <= 127, 4, "a Q.850 cause is from 1 to 127");
    f->by_script = true;
    enum err e = call_reject(f->call, (uint16_t)code, reason, (uint16_t)cause);
    if (e != OK) {
        f->by_script = false;
        flow_fail(L, "call:reject: the call cannot be refused now (%s)", err_name(e));
    }
    verb_limit(f, END_LIMIT_S);
    return ended_k(L, LUA_OK, 0);
}

/*@sim call:ring([seconds [, code]])
 * Sends a provisional response (180 Ringing; or 181, 182, 183 without audio) and waits so long
 * (not at all when no time is given). A caller who gives up ends the script.
 */
static int verb_ring(lua_State *L)
{
    struct flow *f = verb_begin(L);
    double seconds = lua_isnoneornil(L, 2) ? 0 : arg_seconds(L, 2, DAY_S);
    lua_Integer code = luaL_optinteger(L, 3, 180);

    luaL_argcheck(L, code >= 180 && code <= 183, 3, "180, 181, 182 or 183");
    enum err e = call_ring(f->call, (uint16_t)code);
    if (e != OK)
        flow_fail(L, "call:ring: the call cannot ring now (%s)", err_name(e));
    if (seconds == 0)
        return 0;
    verb_limit(f, seconds);
    return wait_k(L, LUA_OK, 0);
}

/*@sim call:progress()
 * 183 Session Progress with SDP: what is played from now on is early media, before any answer.
 */
static int verb_progress(lua_State *L)
{
    struct flow *f = verb_begin(L);
    enum err e = call_progress(f->call);

    if (e != OK)
        flow_fail(L, "call:progress: early media is not possible now (%s)", err_name(e));
    f->progressed = true;
    return 0;
}

/*@sim call:mute(on)
 * true: no RTP packet is sent at all, as on a line whose media path is broken. Call it before
 * call:answer() for a call that never had any. false: packets flow again.
 */
static int verb_mute(lua_State *L)
{
    struct flow *f = verb_begin(L);

    luaL_checktype(L, 2, LUA_TBOOLEAN);
    call_mute(f->call, lua_toboolean(L, 2));
    return 0;
}

/* ---- notes ---- */

/*@both call:mark(name)
 * Keeps the moment under a name in the call's report, in milliseconds since the INVITE. At most 24
 * marks a call. The mark "beep" after a machine's tone is the truth that beep detection is
 * compared with.
 */
static int verb_mark(lua_State *L)
{
    struct flow *f = verb_flow(L);

    flow_add_mark(f, luaL_checkstring(L, 2), verb_age_ms(f));
    return 0;
}

/*@both call:log(text)
 * Writes a line to the program's log, with the script's line.
 */
static int verb_log(lua_State *L)
{
    struct flow *f = verb_flow(L);
    const char *text = luaL_checkstring(L, 2);
    lua_Debug ar = {0};

    if (lua_getstack(L, 1, &ar))
        lua_getinfo(L, "Sl", &ar);
    log_info("flow", "script says", "at=%s:%d leg=%llu text=\"%.300s\"", ar.short_src,
             ar.currentline, (unsigned long long)f->leg, text);
    return 0;
}

/*@both call:finally(fn)
 * fn(outcome) runs once when the script is over, whatever ended it: "done", "hangup", "timeout",
 * "failed", "error" or "stopped". It may mark, log and check, but not act on the call. A later
 * call replaces the function.
 */
static int verb_finally(lua_State *L)
{
    struct flow *f = verb_begin(L);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_unref(L, LUA_REGISTRYINDEX, f->finally_ref);
    lua_settop(L, 2);
    f->finally_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/*@both call:header(name)
 * A header of the INVITE as text, or nil.
 */
static int verb_header(lua_State *L)
{
    struct flow *f = verb_begin(L);
    struct slice value = call_header(f->call, luaL_checkstring(L, 2));

    if (value.len == 0)
        return 0;
    lua_pushlstring(L, value.p, value.len);
    return 1;
}

/*@both call:age()
 * Seconds since the INVITE.
 */
static int verb_age(lua_State *L)
{
    lua_pushnumber(L, verb_age_ms(verb_flow(L)) / 1000.0);
    return 1;
}

/*@both call:language(name)
 * Sets the language of prompts, of what is said and of read.*: "en", "ru" or "sl".
 */
static int verb_language(lua_State *L)
{
    struct flow *f = verb_begin(L);
    const char *name = luaL_checkstring(L, 2);

    if (words_lang_parse(slice_cstr(name), &f->lang) != OK)
        return luaL_error(L, "there is no language '%s'; known: en, ru, sl", name);
    return 0;
}

/*@sim call:truth(label)
 * Sets what the engine should find out about this call, where the script decides it by a draw. A
 * label of the closed list of results, as in `truth` of a callee.
 */
static int verb_truth(lua_State *L)
{
    struct flow *f = verb_flow(L);
    const char *label = luaL_checkstring(L, 2);
    enum result r;

    if (result_parse(slice_cstr(label), &r) != OK)
        return luaL_error(L, "there is no result '%s'; accepted: %s", label, result_names());
    snprintf(f->report.truth, sizeof f->report.truth, "%s", label);
    return 0;
}

/*@sim call:codecs(list)
 * Which codecs an incoming call may have, the preferred one first, as in "opus, g722, pcma": pcmu,
 * pcma, g722, opus, l16, l16-16k. Before call:progress and call:answer. A caller without any of
 * them is refused with 488. Without it: those of the program (`codecs` of a suite, --codecs).
 */
static int verb_codecs(lua_State *L)
{
    struct flow *f = verb_begin(L);
    struct sdp_codecs codecs;
    struct slice wrong = SLICE_NONE;

    if (call_is_outgoing(f->call))
        return luaL_error(L, "call:codecs is for incoming calls; the codecs of those that are made "
                             "are `codecs` of their group, or --codecs");
    if (sdp_codecs_parse(slice_cstr(luaL_checkstring(L, 2)), &codecs, &wrong) != OK) {
        lua_pushlstring(L, wrong.p ? wrong.p : "", wrong.len);
        return luaL_error(
            L, "there is no codec '%s', or it stands there twice; known: " SDP_CODEC_WORDS,
            lua_tostring(L, -1));
    }
    enum err e = call_set_codecs(f->call, &codecs);
    if (e != OK)
        flow_fail(L, "call:codecs: not possible now (%s)", err_name(e));
    return 0;
}

const struct verb verbs_call[] = {
    {"answer", verb_answer, VERB_BOTH},
    {"codecs", verb_codecs, VERB_SIM},
    {"wait_answer", verb_wait_answer, VERB_BOTH},
    {"reject", verb_reject, VERB_BOTH},
    {"hangup", verb_hangup, VERB_BOTH},
    {"wait", verb_wait_seconds, VERB_BOTH},
    {"wait_hangup", verb_wait_hangup, VERB_BOTH},
    {"mark", verb_mark, VERB_BOTH},
    {"log", verb_log, VERB_BOTH},
    {"finally", verb_finally, VERB_BOTH},
    {"header", verb_header, VERB_BOTH},
    {"age", verb_age, VERB_BOTH},
    {"ring", verb_ring, VERB_SIM},
    {"progress", verb_progress, VERB_SIM},
    {"mute", verb_mute, VERB_SIM},
    {"language", verb_language, VERB_BOTH},
    {"truth", verb_truth, VERB_SIM},
    {NULL, NULL, VERB_BOTH},
};

/* ---- the call object ---- */

/*@both call.number, call.caller, call.attempt, call.leg, call.row, call.ended
 * The number called and the caller's, as in the INVITE; which attempt at this number it is; the
 * number of the leg in the run; the data row (a table of texts); whether the call is over.
 */
static bool push_field(lua_State *L, struct flow *f, const char *name)
{
    if (strcmp(name, "number") == 0)
        lua_pushstring(L, f->number);
    else if (strcmp(name, "caller") == 0)
        lua_pushstring(L, f->caller);
    else if (strcmp(name, "attempt") == 0)
        lua_pushinteger(L, f->attempt);
    else if (strcmp(name, "leg") == 0)
        lua_pushinteger(L, (lua_Integer)f->leg);
    else if (strcmp(name, "ended") == 0)
        lua_pushboolean(L, f->ended);
    else if (strcmp(name, "row") == 0)
        lua_getiuservalue(L, 1, 1);
    else
        return false;
    return true;
}

/* Upvalue 1: the verbs. */
static int call_index(lua_State *L)
{
    struct flow *f = verb_flow(L);
    const char *name = luaL_checkstring(L, 2);

    if (push_field(L, f, name))
        return 1;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
        lines_reach(L, false);
        return 1;
    }
    return luaL_error(L, "the call has no verb '%s'%s", name,
                      f->rt->simulator ? "" : " (in an engine flow)");
}

static void add_verbs(lua_State *L, const struct verb *v, bool simulator)
{
    for (; v->name; v++) {
        if (v->side == VERB_SIM && !simulator)
            continue;
        lua_pushcfunction(L, v->fn);
        lua_setfield(L, -2, v->name);
    }
}

void flow_register_call(lua_State *L, bool simulator)
{
    luaL_newmetatable(L, FLOW_CALL_TYPE);
    lua_newtable(L);
    for (const struct verb_group *g = verb_groups; g->prefix; g++)
        if (strcmp(g->prefix, "call:") == 0)
            add_verbs(L, g->verbs, simulator);
    lua_pushcclosure(L, call_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
