/* Verbs that put a call through: a leg of the script's own is dialled and bridged with the call, or
 * an agent is. They return when the caller hangs up, too, so that a script learns how it went; the
 * next verb that acts on the call then ends the script. */
#include <stdio.h>
#include <string.h>

#include "flow/far.h"
#include "flow/ops.h"
#include "media/record_settings.h"

#define DAY_S       86400.0
#define RING_S      30.0
#define RING_MAX_S  180.0 /* RFC 3261 timer C */
#define BRIDGE_S    7200.0
#define GRACE_S     10.0 /* for the CANCEL and its 487, after the ring limit */
#define END_LIMIT_S 40.0

const struct flow_host *line_host(lua_State *L, struct flow *f, const char *verb)
{
    if (!f->rt->host)
        flow_fail(L, "call:%s: this program puts no calls through", verb);
    return f->rt->host;
}

/* What the caller hears meanwhile: a file in a loop, or ringback. */
static void play_meanwhile(lua_State *L, struct flow *f, const char *file)
{
    struct call_tone tone = call_ringback((uint32_t)(RING_MAX_S * 1000));
    double seconds;

    if (file && *file)
        verb_queue_file(L, f, file, true, &seconds);
    else if (file == NULL && call_play_tone(f->call, &tone, f->cookie + 1) == OK)
        f->cookie++;
}

void line_forget(struct flow *f)
{
    const struct flow_host *host = f->rt->host;

    if (f->agent_wanted) {
        f->agent_wanted = false;
        host->agent_drop(host->arg, f);
    }
    far_let_go(f);
}

/* ---- dial ---- */

static int dialled(lua_State *L, struct flow *f, const char *outcome)
{
    verb_done(f);
    if (!f->ended)
        call_stop_audio(f->call);
    if (!outcome) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, outcome);
    lua_pushinteger(L, f->far ? f->far->code : 0);
    far_let_go(f);
    return 3;
}

static int dial_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    if (f->ended)
        return dialled(L, f, "hangup");
    verb_check(L, f);
    if (f->far->ended)
        return dialled(L, f, far_result(f->far));
    if (f->far->answered)
        return dialled(L, f, NULL);
    if (f->at.stop && f->keys_count > 0 && f->keys[--f->keys_count] == f->at.stop)
        return dialled(L, f, "key");
    if (f->timed_out)
        return dialled(L, f, "no_answer");
    return verb_wait(L, ctx, dial_k);
}

static void dial_now(lua_State *L, struct flow *f, int options)
{
    struct far_dial dial = {.to = luaL_checkstring(L, 2)};
    double ring = opt_number(L, options, "ring", RING_S, 1, RING_MAX_S);

    dial.shown = opt_string(L, options, "caller", f->number);
    dial.name = opt_string(L, options, "name", NULL);
    dial.ring_ms = (uint32_t)(ring * 1000);
    far_let_go(f);
    enum err e = far_dial(L, f, &dial);
    if (e != OK)
        flow_fail(L, "call:dial: %s cannot be called now (%s)", dial.to, err_name(e));
    if (f->answered)
        play_meanwhile(L, f, opt_string(L, options, "music", NULL));
    verb_limit(f, ring + GRACE_S);
}

/*@both call:dial(to [, { caller = number, name = text, ring = 30, music = file, stop = key }])
 * Calls a number by the configured trunk, or a "sip:" address, and waits until it answers, `ring`
 * seconds at most. `caller` is shown to it, in From and in P-Asserted-Identity (when not given, the
 * number that was called), with `name`. The caller hears ringback meanwhile, or `music` in a loop
 * ("": nothing); the key `stop` gives up. Returns true; or nil, an outcome and the SIP code: a
 * label of the closed list of results ("busy", "no_answer", "vacant", "rejected", "congestion"…),
 * "key", or "hangup" when the caller hung up while it rang. A script has one such leg at a time.
 */
static int verb_dial(lua_State *L)
{
    static const char *const options[] = {"caller", "name", "ring", "music", "stop", NULL};
    struct flow *f = verb_begin(L);

    lua_settop(L, 3);
    line_host(L, f, "dial");
    opt_only(L, 3, options);
    memset(&f->at, 0, sizeof f->at);
    f->at.stop = *opt_string(L, 3, "stop", "");
    dial_now(L, f, 3);
    return dial_k(L, LUA_OK, 0);
}

/* ---- bridge ---- */

static int bridged(lua_State *L, struct flow *f, const char *outcome)
{
    verb_done(f);
    f->keys_count = 0; /* pressed for the far side */
    if (f->far && f->far->ended) {
        far_let_go(f);
    } else if (f->ended) {
        far_let_go(f);
    } else if (f->far) {
        call_unbridge(f->call);
    }
    lua_pushstring(L, outcome);
    return 1;
}

static int bridge_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    if (f->ended)
        return bridged(L, f, "hangup");
    verb_check(L, f);
    if (f->far->ended)
        return bridged(L, f, "far");
    for (uint32_t i = 0; f->at.stop && i < f->keys_count; i++)
        if (f->keys[i] == f->at.stop)
            return bridged(L, f, "key");
    f->keys_count = 0;
    if (f->timed_out)
        return bridged(L, f, "limit");
    return verb_wait(L, ctx, bridge_k);
}

/* Stereo, left the one that is recorded, right who it is bridged with. */
static void record_now(lua_State *L, struct flow *f, const char *left)
{
    struct call *of = strcmp(left, "far") == 0 ? f->far->call : f->call;
    char path[384];

    if (!f->rt->record_dir[0])
        return;
    snprintf(path, sizeof path, "%s/%s-%llu-%u%s", f->rt->record_dir, f->script->name,
             (unsigned long long)call_record_of(of)->invite_wall_ms, (unsigned)(f->leg & 0xffffff),
             record_settings_suffix(f->rt->record));
    if (call_record_of(of)->recording[0])
        return; /* it goes on */
    struct media_record how = {.path = path, .stereo = true, .owner = f->script->name};

    record_settings_fill(f->rt->record, clock_wall_ms(f->rt->loop->clock), &how);
    enum err e = call_record_start(of, &how);

    if (e != OK)
        flow_fail(L, "call:bridge: %s cannot be written (%s)", path, err_name(e));
}

static const char *left_of(lua_State *L, int index)
{
    const char *left = opt_string(L, index, "left", "caller");

    if (strcmp(left, "caller") != 0 && strcmp(left, "far") != 0)
        luaL_error(L, "left is '%s': it must be caller or far", left);
    return left;
}

static int bridge_now(lua_State *L, struct flow *f, int options)
{
    const char *left = left_of(L, options);

    f->at.stop = *opt_string(L, options, "stop", "");
    if (opt_bool(L, options, "record", false))
        record_now(L, f, left);
    call_stop_audio(f->call);
    call_stop_audio(f->far->call);
    enum err e = call_bridge(f->call, f->far->call);
    if (e != OK)
        flow_fail(L, "call:bridge: the two cannot be bridged (%s)", err_name(e));
    f->keys_count = 0;
    verb_limit(f, opt_number(L, options, "limit", BRIDGE_S, 1, DAY_S));
    return bridge_k(L, LUA_OK, 0);
}

/*@both call:bridge { record = false, left = "caller", stop = key, limit = 7200 }
 * The caller and the leg that call:dial made hear each other, until one of them hangs up: "far" or
 * "hangup"; after `limit` seconds "limit"; by the caller's key `stop` "key". The last two leave
 * both legs up, not hearing each other. With `record` both are recorded in stereo, the `left` one
 * left.
 */
static int verb_bridge(lua_State *L)
{
    static const char *const options[] = {"record", "left", "stop", "limit", NULL};
    struct flow *f = verb_begin(L);

    lua_settop(L, 2);
    line_host(L, f, "bridge");
    opt_only(L, 2, options);
    memset(&f->at, 0, sizeof f->at);
    if (!f->far || !f->far->answered)
        flow_fail(L, "call:bridge: there is no leg to bridge with; call:dial first");
    verb_needs_audio(L, f);
    if (f->far->ended) {
        far_let_go(f);
        lua_pushliteral(L, "far");
        return 1;
    }
    return bridge_now(L, f, 2);
}

/* ---- hanging up the far leg alone ---- */

/*@both call:drop()
 * Hangs up the leg that call:dial made; harmless when there is none.
 */
static int verb_drop(lua_State *L)
{
    far_let_go(verb_begin(L));
    return 0;
}

/* ---- transfer ---- */

static int transfer_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    (void)ctx;
    if (!f->ended) {
        verb_check(L, f);
        if (f->far->answered && !f->far->ended) {
            verb_done(f);
            return bridge_now(L, f, 3);
        }
    }
    if (f->ended || f->far->ended || f->timed_out)
        return dial_k(L, LUA_OK, 0);
    return verb_wait(L, 0, transfer_k);
}

/* -- an agent -- */

static int agent_over(lua_State *L, struct flow *f, const char *outcome, bool reached)
{
    const struct flow_host *host = f->rt->host;

    verb_done(f);
    f->keys_count = 0;
    if (f->agent_wanted) {
        f->agent_wanted = false;
        host->agent_drop(host->arg, f);
    }
    if (!f->ended)
        call_stop_audio(f->call);
    if (!reached)
        return verb_outcome(L, outcome);
    lua_pushstring(L, outcome);
    lua_pushstring(L, f->agent);
    return 2;
}

static int agent_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    if (f->ended)
        return agent_over(L, f, "hangup", f->agent_here);
    if (f->doom != DOOM_NONE)
        agent_over(L, f, "", false);
    verb_check(L, f);
    if (f->agent_left)
        return agent_over(L, f, "far", true);
    if (f->agent_here && !f->at.file) {
        f->at.file = true; /* they talk: the limit is now that of the conversation */
        verb_limit(f, BRIDGE_S);
    }
    if (f->timed_out)
        return agent_over(L, f, f->agent_here ? "limit" : "timeout", f->agent_here);
    return verb_wait(L, ctx, agent_k);
}

void flow_agent_joined(struct flow *f, const char *name)
{
    f->agent_here = true;
    snprintf(f->agent, sizeof f->agent, "%s", name);
    flow_wake(f);
}

void flow_agent_left(struct flow *f)
{
    f->agent_left = true;
    f->agent_wanted = false;
    flow_wake(f);
}

static int transfer_to_agent(lua_State *L, struct flow *f, struct slice group)
{
    const struct flow_host *host = f->rt->host;
    double wait = opt_number(L, 3, "ring", RING_S, 0, 3600);
    enum err e = host->agent_want ? OK : ERR_NOT_FOUND;

    f->agent_here = f->agent_left = false;
    f->agent[0] = '\0';
    verb_needs_audio(L, f);
    if (e == OK) {
        play_meanwhile(L, f, opt_string(L, 3, "music", NULL));
        f->agent_wanted = true;
        e = host->agent_want(host->arg, f, group);
    }
    if (e == ERR_NOT_FOUND) {
        f->agent_wanted = false;
        call_stop_audio(f->call);
        return verb_outcome(L, "no_agents");
    }
    if (e == ERR_INVALID) {
        f->agent_wanted = false;
        flow_fail(L, "call:transfer: no agent is in group '%.*s'", SLICE_ARG(group));
    }
    if (e != OK) {
        f->agent_wanted = false;
        flow_fail(L, "call:transfer: no agent can be asked for now (%s)", err_name(e));
    }
    verb_limit(f, wait);
    return agent_k(L, LUA_OK, 0);
}

/*@both call:transfer(to [, { caller = number, name = text, ring = 30, music = file, record = false,
 * left = "caller", limit = 7200 }])
 * Puts the caller through to a number or a "sip:" address (call:dial, then call:bridge), or to
 * "agent": the next free one, waited for `ring` seconds; "agent sales": of that group. Returns
 * "far" when they hung up, "hangup" when the caller did, "limit", and the agent's name; or nil and
 * why nobody was reached: an outcome of call:dial, for agents "timeout" or "no_agents".
 */
static int verb_transfer(lua_State *L)
{
    static const char *const options[] = {"caller", "name", "ring",  "music",
                                          "record", "left", "limit", NULL};
    struct flow *f = verb_begin(L);
    const char *to = luaL_checkstring(L, 2);
    struct slice whom, group;

    lua_settop(L, 3);
    line_host(L, f, "transfer");
    opt_only(L, 3, options);
    left_of(L, 3);
    memset(&f->at, 0, sizeof f->at);
    slice_cut(slice_cstr(to), ' ', &whom, &group);
    if (slice_eq(whom, SLICE("agent")))
        return transfer_to_agent(L, f, group);
    dial_now(L, f, 3);
    return transfer_k(L, LUA_OK, 0);
}

const struct verb verbs_line[] = {
    {"dial", verb_dial, VERB_BOTH}, {"bridge", verb_bridge, VERB_BOTH},
    {"drop", verb_drop, VERB_BOTH}, {"transfer", verb_transfer, VERB_BOTH},
    {NULL, NULL, VERB_BOTH},
};
