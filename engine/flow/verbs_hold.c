/* Hold: a leg hears music or nothing, and is not heard (RFC 3264, section 8.4: a re-INVITE with
 * sendonly). Of both sides of the wire, and of either leg of a flow that has dialled one. */
#include <string.h>

#include "flow/far.h"

/* The leg that the options mean; NULL: it has ended. */
static struct call *which_leg(lua_State *L, struct flow *f, int options)
{
    const char *leg = opt_string(L, options, "leg", "caller");

    if (strcmp(leg, "caller") == 0)
        return f->call;
    if (strcmp(leg, "far") != 0)
        luaL_error(L, "leg is '%s': it must be caller or far", leg);
    if (!f->far || !f->far->answered)
        flow_fail(L, "call:hold: there is no leg that call:dial made");
    return f->far->ended ? NULL : f->far->call;
}

static const struct sound *music_of(lua_State *L, struct flow *f, int options)
{
    const char *file = opt_string(L, options, "music", NULL);
    char message[SOUND_ERROR_MAX] = "";
    const struct sound *sound = NULL;

    if (file && (!f->rt->sounds || sounds_get(f->rt->sounds, file, &sound, message) != OK))
        flow_fail(L, "call:hold: music %s: %s", file,
                  *message ? message : "no audio folder is configured");
    return sound;
}

/*@both call:hold([on] [, { leg = "caller"|"far", music = file }])
 * Puts a leg on hold by a re-INVITE (sendonly): the call itself, or the one that call:dial made.
 * It hears `music`, a sound file, in a loop, or nothing. With false: takes it back (sendrecv), and
 * its music stops. Returns true; or nil and "hangup" when that leg has ended.
 */
static int verb_hold(lua_State *L)
{
    static const char *const options[] = {"leg", "music", NULL};
    struct flow *f = verb_begin(L);
    int at = lua_istable(L, 2) ? 2 : 3;
    bool on = at == 2 || lua_isnoneornil(L, 2) || lua_toboolean(L, 2);

    lua_settop(L, 3);
    opt_only(L, at, options);
    const struct sound *music = music_of(L, f, at);
    if (music && !on)
        return luaL_error(L, "music is for call:hold(true, …)");
    struct call *c = which_leg(L, f, at);
    if (!c)
        return verb_outcome(L, "hangup");
    bool *plays = c == f->call ? &f->hold_music : &f->far->hold_music;
    if (*plays)
        call_stop_audio(c);
    *plays = false;
    enum err e = call_hold(c, on);
    if (e == OK && music)
        e = call_play(c, music, true, 0);
    if (e != OK)
        flow_fail(L, "call:hold: not possible now (%s)", err_name(e));
    *plays = music != NULL;
    lua_pushboolean(L, true);
    return 1;
}

const struct verb verbs_hold[] = {
    {"hold", verb_hold, VERB_BOTH},
    {NULL, NULL, VERB_BOTH},
};
