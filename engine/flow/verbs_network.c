/* Verbs that make a bad network or a bad peer of a simulated leg: what its RTP meets on the way,
 * and SIP messages that are lost, late, doubled, bloated, wrong, or have a header of their own. */
#include <stdio.h>
#include <string.h>

#include "flow/inner.h"
#include "media/leg.h"
#include "sip/meddle.h"

#define POLL_S     0.02
#define DAY_S      86400.0
#define TIMES_MAX  1000000
#define REORDER_MS 45 /* two later packets pass */

/*@sim call:impair { loss = 0, burst = n, delay = 0, jitter = 0, reorder = 0, duplicate = 0, drift =
 * 0 } What the RTP packets of this leg meet on their way out, from now on: `loss`, `reorder` and
 * `duplicate` in percent; loss in bursts of `burst` packets on average, or one by one when it is
 * not given; `delay` and at most `jitter` more, in seconds (jitter keeps the order); `drift` of the
 * leg's clock in parts per million, above 0: too fast. An empty table ends it. The dice are the
 * leg's own, so a run with the same seed loses the same packets.
 */
static int verb_impair(lua_State *L)
{
    static const char *const options[] = {"loss",    "burst",     "delay", "jitter",
                                          "reorder", "duplicate", "drift", NULL};
    struct flow *f = verb_begin(L);
    struct rng dice;

    luaL_checktype(L, 2, LUA_TTABLE);
    opt_only(L, 2, options);
    flow_rng(f->rt, SLICE("network"), f->leg, &dice);
    struct media_impair c = {
        .seed = rng_u64(&dice),
        .loss = opt_number(L, 2, "loss", 0, 0, 100) / 100,
        .burst = opt_number(L, 2, "burst", 0, 1, 1000),
        .delay_ms = (uint32_t)(opt_number(L, 2, "delay", 0, 0, 1) * 1000 + 0.5),
        .jitter_ms = (uint32_t)(opt_number(L, 2, "jitter", 0, 0, 0.5) * 1000 + 0.5),
        .reorder = opt_number(L, 2, "reorder", 0, 0, 100) / 100,
        .reorder_ms = REORDER_MS,
        .duplicate = opt_number(L, 2, "duplicate", 0, 0, 100) / 100,
        .drift_ppm = (int32_t)opt_number(L, 2, "drift", 0, -50000, 50000),
    };
    if (!media_impair_possible(&c))
        return luaL_error(L, "a loss of %f %% needs bursts of at least %f packets", c.loss * 100,
                          c.loss / (1 - c.loss));
    enum err e = call_impair(f->call, &c);
    if (e != OK)
        flow_fail(L, "call:impair: not possible now (%s)", err_name(e));
    return 0;
}

/* Which of the deeds the table names; raises unless it is one. */
static size_t which_deed(lua_State *L, const char **what)
{
    size_t found = SIP_MEDDLE_DEEDS;

    for (size_t i = 0; i < SIP_MEDDLE_DEEDS; i++) {
        const char *text = opt_string(L, 2, sip_meddle_deeds[i].name, NULL);
        if (text && found != SIP_MEDDLE_DEEDS)
            luaL_error(L, "misbehave does one thing at a time: %s or %s",
                       sip_meddle_deeds[found].name, sip_meddle_deeds[i].name);
        if (text) {
            found = i;
            *what = text;
        }
    }
    if (found == SIP_MEDDLE_DEEDS)
        luaL_error(L, "misbehave: name one of lose, ignore, double, late, bloat");
    return found;
}

/*@sim call:misbehave { lose = "200", times = 1 }
 * Messages of this call go wrong from now on: `lose` (ours do not leave), `ignore` (theirs do not
 * arrive), `double` (`copies` more of ours at once), `late` (`by` seconds, 0.5 when not given),
 * `bloat` (headers of `bytes` more, 4000 when not given, up to 60000). Its text says which
 * messages: a request ("BYE"), a response ("180", "2xx", "200/BYE" for those to one method), or "*"
 * for all. The next `times` of them (1 when not given; 0: all). Retransmissions count as messages.
 * The first rule that fits is the one that acts.
 */
static int verb_misbehave(lua_State *L)
{
    static const char *const options[] = {"lose",  "ignore", "double", "late",  "bloat",
                                          "times", "copies", "by",     "bytes", NULL};
    struct flow *f = verb_begin(L);
    const char *what = NULL;

    luaL_checktype(L, 2, LUA_TTABLE);
    opt_only(L, 2, options);
    size_t i = which_deed(L, &what);
    struct sip_meddle rule = {
        .kind = sip_meddle_deeds[i].kind,
        .times = (uint32_t)opt_number(L, 2, "times", 1, 0, TIMES_MAX),
    };
    if (sip_meddle_deeds[i].amount)
        rule.amount =
            (uint32_t)(opt_number(L, 2, sip_meddle_deeds[i].amount, sip_meddle_deeds[i].otherwise,
                                  0, sip_meddle_deeds[i].most) *
                           sip_meddle_deeds[i].unit +
                       0.5);
    enum err e = slice_copy(slice_cstr(what), rule.what, sizeof rule.what) == OK
                     ? call_meddle(f->call, &rule)
                     : ERR_INVALID;
    if (e == ERR_INVALID)
        return luaL_error(L, "misbehave: '%s' is no message: write INVITE, 200, 1xx, 200/BYE or *",
                          what);
    if (e != OK)
        flow_fail(L, "call:misbehave: not possible now (%s)", err_name(e));
    return 0;
}

/*@sim call:add_header(name, value [, { to = "*", times = 0 }])
 * Puts a header of the script's own into messages of this call that leave from now on: into those
 * that `to` says, as in call:misbehave, and so many of them (0: all). The far side reads it by
 * call:header, where it is the INVITE's, or call:message_header.
 */
static int verb_add_header(lua_State *L)
{
    static const char *const options[] = {"to", "times", NULL};
    struct flow *f = verb_begin(L);
    const char *name = luaL_checkstring(L, 2), *value = luaL_checkstring(L, 3);
    struct sip_meddle rule = {.kind = SIP_MEDDLE_HEADER};

    opt_only(L, 4, options);
    rule.times = (uint32_t)opt_number(L, 4, "times", 0, 0, TIMES_MAX);
    const char *to = opt_string(L, 4, "to", "*");
    luaL_argcheck(L,
                  *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789-.!%*_+`'~") == strlen(name),
                  2, "a header's name is letters, digits and -");
    luaL_argcheck(L, !strpbrk(value, "\r\n"), 3, "one line");
    int n = snprintf(rule.header, sizeof rule.header, "%s: %s", name, value);
    luaL_argcheck(L, n < (int)sizeof rule.header, 3, "it is too long");
    enum err e = slice_copy(slice_cstr(to), rule.what, sizeof rule.what) == OK
                     ? call_meddle(f->call, &rule)
                     : ERR_INVALID;
    if (e == ERR_INVALID)
        return luaL_error(L, "add_header: '%s' is no message: write INVITE, 200, 1xx, 200/BYE or *",
                          to);
    if (e != OK)
        flow_fail(L, "call:add_header: not possible now (%s)", err_name(e));
    return 0;
}

static int defied_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (call_cancel_defied(f->call)) {
        verb_done(f);
        lua_pushboolean(L, true);
        return 1;
    }
    if (f->timed_out && verb_age_ms(f) >= f->at.began_ms + f->at.first_s * 1000) {
        verb_done(f);
        return verb_outcome(L, "timeout");
    }
    if (f->timed_out)
        verb_limit(f, POLL_S);
    return verb_wait(L, ctx, defied_k);
}

/*@sim call:defy_cancel(seconds)
 * The caller's CANCEL gets its own 200, and the call goes on as if nothing had come. Waits for it,
 * at most so long. Returns true, or nil and "timeout". What is done next is up to the script:
 * call:answer() is the 200 that crosses a CANCEL, call:reject(486) another late answer.
 */
static int verb_defy_cancel(lua_State *L)
{
    struct flow *f = verb_begin(L);

    f->at.first_s = arg_seconds(L, 2, DAY_S);
    f->at.began_ms = verb_age_ms(f);
    enum err e = call_defy_cancel(f->call);
    if (e != OK)
        flow_fail(L, "call:defy_cancel: only a call that came and is not answered (%s)",
                  err_name(e));
    verb_limit(f, POLL_S);
    return defied_k(L, LUA_OK, 0);
}

/*@sim call:respond(code [, phrase [, tag]])
 * Sends a response to the call's INVITE, whatever its state, and leaves the state as it is: a 180
 * after the 200, a second final answer, a code that nobody has (100 to 699). Without SDP. `tag`
 * makes it another far end's (a fork).
 */
static int verb_respond(lua_State *L)
{
    struct flow *f = verb_begin(L);
    lua_Integer code = luaL_checkinteger(L, 2);
    const char *phrase = luaL_optstring(L, 3, ""), *tag = luaL_optstring(L, 4, "");

    luaL_argcheck(L, code >= 100 && code <= 699, 2, "a code is from 100 to 699");
    luaL_argcheck(L, strlen(phrase) < 100 && !strpbrk(phrase, "\r\n"), 3, "one short line");
    luaL_argcheck(L,
                  strlen(tag) < 40 && strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                                                  "VWXYZ0123456789-.") == strlen(tag),
                  4, "letters and digits");
    enum err e = call_respond(f->call, (uint16_t)code, phrase, tag);
    if (e != OK)
        flow_fail(L, "call:respond: only a call that came can be answered (%s)", err_name(e));
    return 0;
}

const struct verb verbs_network[] = {
    {"impair", verb_impair, VERB_SIM},         {"misbehave", verb_misbehave, VERB_SIM},
    {"add_header", verb_add_header, VERB_SIM}, {"defy_cancel", verb_defy_cancel, VERB_SIM},
    {"respond", verb_respond, VERB_SIM},       {NULL, NULL, VERB_SIM},
};
