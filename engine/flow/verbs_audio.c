/* Verbs that are heard. Whatever is queued on a call is played in order; each item's end comes back
 * with its cookie, and cookies only grow, so "done" is a comparison. */
#include <math.h>
#include <string.h>

#include "flow/prompts.h"

#define DAY_S         86400.0
#define MARGIN_S      5.0 /* beyond the length of what is played, before it is called stuck */
#define LEVEL_DEFAULT (-10.0)

void verb_needs_audio(lua_State *L, struct flow *f)
{
    if (!f->answered && !f->progressed && !call_is_outgoing(f->call))
        flow_fail(L, "there is no audio yet: call:answer() or call:progress() first");
}

uint32_t verb_queue_file(lua_State *L, struct flow *f, const char *path, bool loop, double *seconds)
{
    char message[SOUND_ERROR_MAX] = "";
    const struct sound *sound;

    verb_needs_audio(L, f);
    if (!f->rt->sounds)
        flow_fail(L, "play %s: no audio folder is configured", path);
    if (sounds_get(f->rt->sounds, path, &sound, message) != OK)
        flow_fail(L, "play %s: %s", path, message);
    enum err e = call_play(f->call, sound, loop, f->cookie + 1);
    if (e != OK)
        flow_fail(L, "play %s: not possible now (%s)", path, err_name(e));
    *seconds = sound_ms(sound) / 1000.0;
    return ++f->cookie;
}

/* ---- waiting for the end of what was queued ---- */

static bool barged(const struct flow *f, const char **by)
{
    if (f->at.barge_key && f->keys_count > 0) {
        *by = "key";
        return true;
    }
    if (f->at.barge_speech && f->speaking) {
        *by = "speech";
        return true;
    }
    return false;
}

static int played(lua_State *L, struct flow *f, const char *outcome)
{
    verb_done(f);
    if (f->at.barge_speech)
        verb_hear(f, false);
    if (strcmp(outcome, "timeout") == 0)
        return verb_outcome(L, outcome);
    lua_pushstring(L, outcome);
    return 1;
}

static int play_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    const char *by;

    (void)status;
    verb_check(L, f);
    if (f->played >= f->at.cookie)
        return played(L, f, "done");
    if (barged(f, &by)) {
        call_stop_audio(f->call);
        return played(L, f, by);
    }
    if (f->timed_out) {
        call_stop_audio(f->call);
        return played(L, f, "timeout");
    }
    return verb_wait(L, ctx, play_k);
}

static int wait_played(lua_State *L, struct flow *f, uint32_t cookie, double limit_s)
{
    f->at.cookie = cookie;
    verb_limit(f, limit_s);
    return play_k(L, LUA_OK, 0);
}

/* One queued item without barge-in. */
static int play_plain(lua_State *L, struct flow *f, enum err e, const char *what, double seconds)
{
    if (e != OK)
        flow_fail(L, "call:%s: not possible now (%s)", what, err_name(e));
    f->at.barge_key = f->at.barge_speech = false;
    return wait_played(L, f, ++f->cookie, seconds + MARGIN_S);
}

struct play_options {
    bool barge_key, barge_speech, loop, background;
    double limit;
};

static struct play_options play_options(lua_State *L)
{
    static const char *const options[] = {"barge", "loop", "background", "limit",
                                          "with",  "lang", NULL};
    struct play_options o;

    opt_only(L, 3, options);
    const char *barge = opt_string(L, 3, "barge", "");
    o.loop = opt_bool(L, 3, "loop", false);
    o.background = opt_bool(L, 3, "background", false);
    o.limit = opt_number(L, 3, "limit", 0, 0, DAY_S);
    if (*barge && strcmp(barge, "key") && strcmp(barge, "speech") && strcmp(barge, "any"))
        luaL_error(L, "barge is '%s': it must be key, speech or any", barge);
    if (o.loop && !o.background && o.limit == 0)
        luaL_error(L, "a loop needs a limit, or background = true");
    o.barge_key = *barge && strcmp(barge, "speech") != 0;
    o.barge_speech = *barge && strcmp(barge, "key") != 0;
    return o;
}

/* Once all of it can be played. */
static int play_now(lua_State *L, struct flow *f)
{
    struct play_options o = play_options(L);
    double seconds = 0;
    uint32_t cookie;

    f->at.barge_key = o.barge_key;
    f->at.barge_speech = o.barge_speech;
    if (o.loop)
        cookie = verb_queue_file(L, f, luaL_checkstring(L, 2), true, &seconds);
    else
        cookie = prompt_queue(L, f, 2, 3, &seconds);
    if (o.background)
        return 0;
    if (f->at.barge_speech)
        verb_hear(f, true);
    return wait_played(L, f, cookie, o.limit > 0 ? o.limit : seconds + MARGIN_S);
}

static int play_ready_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (f->keys_count > 0 && play_options(L).barge_key) {
        prompt_leave(f); /* it would be cut off at once: nothing need be spoken for that */
        verb_done(f);
        lua_pushliteral(L, "key");
        return 1;
    }
    if (!prompt_ready(L, f, 2, 3))
        return verb_wait(L, ctx, play_ready_k);
    return play_now(L, f);
}

/*@both call:play(prompt [, { barge = "key"|"speech"|"any", loop = false, limit = s, … }])
 * Plays a prompt and waits for its end: a sound file of the audio folder ("human/001.wav"); the
 * name of a prompt, which is the file prompts/NAME.LANG.wav of the audio folder or, where there is
 * none, the script's text for it, spoken; { say = text }; or a list of these. LANG is the call's
 * language or `lang`; `with = { name = value }` fills {name} in texts. Returns "done"; "key" or
 * "speech" when that cut it short (a key pressed before counts: it stays for the next verb that
 * reads keys); nil and "timeout" after `limit` (its length and 5 seconds, when not given).
 * `background = true` returns at once; `loop` (of one file) needs that or a limit.
 */
static int verb_play(lua_State *L)
{
    struct flow *f = verb_begin(L);

    lua_settop(L, 3);
    luaL_checkany(L, 2);
    if (play_options(L).loop)
        return play_now(L, f);
    verb_needs_audio(L, f);
    return play_ready_k(L, LUA_OK, 0);
}

/*@both call:say(text [, { lang = "en"|"ru"|"sl", barge = "key"|"speech"|"any", limit = s, … }])
 * Speaks a text by the configured synthesiser, in the call's language or `lang`; what was spoken
 * once is kept. At most 1000 bytes. Else as call:play.
 */
static int verb_say(lua_State *L)
{
    verb_begin(L);
    luaL_checkstring(L, 2);
    lua_settop(L, 3);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "say");
    lua_replace(L, 2);
    return verb_play(L);
}

/*@both call:stop()
 * Stops what is being played, and what waits behind it.
 */
static int verb_stop(lua_State *L)
{
    call_stop_audio(verb_begin(L)->call);
    return 0;
}

struct named_tone {
    const char *name;
    struct call_tone tone;
};

/* North American precise tones (Telcordia GR-506), T.30 and V.25 tones. */
static const struct named_tone named_tones[] = {
    {"dial", {{350, 440}, -130, 1000, 0, 0}},  {"ringback", {{440, 480}, -190, 2000, 4000, 0}},
    {"busy", {{480, 620}, -240, 500, 500, 0}}, {"reorder", {{480, 620}, -240, 250, 250, 0}},
    {"cng", {{1100, 0}, -100, 500, 3000, 0}},  {"ced", {{2100, 0}, -100, 3000, 0, 0}},
};

/* Frequencies of argument 2: a number, a pair, or the name of a tone. */
static void tone_of(lua_State *L, struct call_tone *t)
{
    if (lua_type(L, 2) == LUA_TSTRING) {
        const char *name = lua_tostring(L, 2);
        for (size_t i = 0; i < sizeof named_tones / sizeof *named_tones; i++)
            if (strcmp(name, named_tones[i].name) == 0) {
                *t = named_tones[i].tone;
                return;
            }
        luaL_error(L, "there is no tone '%s'; known: dial, ringback, busy, reorder, cng, ced",
                   name);
    }
    for (int i = 0; i < 2; i++) {
        double hz = 0;
        if (lua_istable(L, 2)) {
            lua_rawgeti(L, 2, i + 1);
            hz = i == 0 ? luaL_checknumber(L, -1) : luaL_optnumber(L, -1, 0);
            lua_pop(L, 1);
        } else if (i == 0) {
            hz = luaL_checknumber(L, 2);
        }
        if (!((hz >= 20 && hz <= 3900) || (i == 1 && hz == 0)))
            luaL_error(L, "a tone is from 20 to 3900 Hz, not %f", hz);
        t->freq_hz[i] = (uint16_t)hz;
    }
}

/*@both call:tone(frequency, seconds [, { level = -10, on = s, off = s }])
 * Plays a tone and waits for its end. The frequency in Hz, a pair {480, 620}, or a name: dial,
 * ringback, busy, reorder (North American), cng, ced. `level` in dBm0 of each frequency; `on` and
 * `off` make a cadence.
 */
static int verb_tone(lua_State *L)
{
    static const char *const options[] = {"level", "on", "off", NULL};
    struct flow *f = verb_begin(L);
    struct call_tone t = {.level_ddb = (int16_t)(LEVEL_DEFAULT * 10)};

    tone_of(L, &t);
    double seconds = arg_seconds(L, 3, 3600);
    opt_only(L, 4, options);
    t.level_ddb = (int16_t)lrint(opt_number(L, 4, "level", t.level_ddb / 10.0, -60, 3) * 10);
    t.on_ms = (uint32_t)(opt_number(L, 4, "on", t.on_ms / 1000.0, 0, 60) * 1000 + 0.5);
    t.off_ms = (uint32_t)(opt_number(L, 4, "off", t.off_ms / 1000.0, 0, 60) * 1000 + 0.5);
    t.total_ms = (uint32_t)(seconds * 1000 + 0.5);
    if (t.total_ms == 0)
        return luaL_error(L, "a tone of 0 seconds is no tone");
    if (t.on_ms == 0)
        t.on_ms = t.total_ms;
    verb_needs_audio(L, f);
    return play_plain(L, f, call_play_tone(f->call, &t, f->cookie + 1), "tone", seconds);
}

struct sit_pattern {
    const char *name;
    const char *length, *height; /* three letters each: S or L; L or H */
};

/* Categories of special information tones by length and frequency of the three segments. */
static const struct sit_pattern sit_patterns[] = {
    {"ic", "SSL", "LLL"},       {"vc", "LSL", "HLL"},       {"ro_intra", "SLL", "LHL"},
    {"ro_inter", "SLL", "HHL"}, {"nc_intra", "LLL", "HHL"}, {"nc_inter", "LLL", "LLL"},
    {"itu", "III", "III"},
};

static struct call_tone sit_segment(const struct sit_pattern *p, int i)
{
    static const uint16_t low[] = {914, 1371, 1777}, high[] = {985, 1429, 1777},
                          itu[] = {950, 1400, 1800};
    bool is_itu = p->length[i] == 'I';
    uint32_t ms = is_itu ? 330 : p->length[i] == 'L' ? 380 : 274;
    uint16_t hz = is_itu ? itu[i] : p->height[i] == 'H' ? high[i] : low[i];

    return (struct call_tone){.freq_hz = {hz, 0}, .level_ddb = -140, .on_ms = ms, .total_ms = ms};
}

/*@sim call:sit([category])
 * Plays a special information tone: ic, vc (when not given), ro_intra, ro_inter, nc_intra,
 * nc_inter, or itu for the form without category. Waits for its end.
 */
static int verb_sit(lua_State *L)
{
    struct flow *f = verb_begin(L);
    const char *name = luaL_optstring(L, 2, "vc");

    verb_needs_audio(L, f);
    for (size_t i = 0; i < sizeof sit_patterns / sizeof *sit_patterns; i++) {
        if (strcmp(name, sit_patterns[i].name) != 0)
            continue;
        for (int k = 0; k < 2; k++) {
            struct call_tone t = sit_segment(&sit_patterns[i], k);
            enum err e = call_play_tone(f->call, &t, f->cookie + 1);
            if (e != OK)
                flow_fail(L, "call:sit: not possible now (%s)", err_name(e));
            f->cookie++;
        }
        struct call_tone last = sit_segment(&sit_patterns[i], 2);
        return play_plain(L, f, call_play_tone(f->call, &last, f->cookie + 1), "sit", 1.2);
    }
    return luaL_error(L, "there is no SIT category '%s'", name);
}

/*@both call:silence(seconds)
 * Sends silence for so long, measured in audio like a sound file, and waits for its end.
 */
static int verb_silence(lua_State *L)
{
    struct flow *f = verb_begin(L);
    double seconds = arg_seconds(L, 2, 3600);

    verb_needs_audio(L, f);
    if (seconds < 0.001)
        return 0;
    enum err e = call_play_silence(f->call, (uint32_t)(seconds * 1000 + 0.5), f->cookie + 1);
    return play_plain(L, f, e, "silence", seconds);
}

/*@both call:send_dtmf(digits [, { in_band = false, on = 0.1, gap = 0.1 }])
 * Sends keys 0-9 * # A-D as telephone-events (RFC 4733), or as tones in the audio, and waits for
 * the end.
 */
static int verb_send_dtmf(lua_State *L)
{
    static const char *const options[] = {"in_band", "on", "gap", NULL};
    struct flow *f = verb_begin(L);
    size_t len;
    const char *digits = luaL_checklstring(L, 2, &len);

    luaL_argcheck(L, len > 0 && len <= 32 && strspn(digits, "0123456789*#ABCD") == len, 2,
                  "1 to 32 keys of 0-9 * # A-D");
    opt_only(L, 3, options);
    double on = opt_number(L, 3, "on", 0.1, 0.02, 5), gap = opt_number(L, 3, "gap", 0.1, 0.02, 5);
    bool in_band = opt_bool(L, 3, "in_band", false);
    verb_needs_audio(L, f);
    enum err e = call_send_dtmf(f->call, slice_of(digits, len), in_band, (uint32_t)(on * 1000),
                                (uint32_t)(gap * 1000), f->cookie + 1);
    return play_plain(L, f, e, "send_dtmf", (on + gap) * (double)len);
}

const struct verb verbs_audio[] = {
    {"play", verb_play, VERB_BOTH},
    {"say", verb_say, VERB_BOTH},
    {"stop", verb_stop, VERB_BOTH},
    {"tone", verb_tone, VERB_BOTH},
    {"sit", verb_sit, VERB_SIM},
    {"silence", verb_silence, VERB_BOTH},
    {"send_dtmf", verb_send_dtmf, VERB_BOTH},
    {NULL, NULL, VERB_BOTH},
};
