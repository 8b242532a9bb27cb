/* Expectations of what is heard. Each waits for it, and gives true and the time, or false and a
 * sentence that says what was heard instead, so that check(call:hears(…)) tells both. Unlike other
 * verbs they come back when the far side hangs up: that, too, is not what was expected. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow/inner.h"

#define DAY_S       86400.0
#define HEARD_SHOWN 6
#define LEVEL_LOW   (-99.0)
#define LEVEL_HIGH  10.0

#define AUDIBLE                                                                                    \
    (1u << DSP_SPEECH_START | 1u << DSP_SPEECH_END | 1u << DSP_BEEP | 1u << DSP_BUSY |             \
     1u << DSP_REORDER | 1u << DSP_RINGBACK | 1u << DSP_DIAL_TONE | 1u << DSP_UNOBTAINABLE |       \
     1u << DSP_SIT | 1u << DSP_CNG | 1u << DSP_CED | 1u << DSP_MODEM | 1u << DSP_PREAMBLE |        \
     1u << DSP_KNOWN)

static const struct {
    const char *name;
    uint32_t mask;
} tones[] = {
    FLOW_TONE_ROWS,
};

/* ---- the answer ---- */

static void over(struct flow *f)
{
    verb_done(f);
    if (f->ended)
        return;
    if (f->at.mask & 1u << DSP_BEEP)
        call_want_beep(f->call, false);
    verb_hear(f, false);
}

static int met(lua_State *L, struct flow *f)
{
    over(f);
    lua_pushboolean(L, true);
    lua_pushnumber(L, verb_age_ms(f) / 1000.0);
    return 2;
}

static const char *name_of(uint8_t kind)
{
    if (kind == DSP_KNOWN)
        return "a known recording";
    return kind == DSP_SPEECH_START || kind == DSP_SPEECH_END ? "speech"
                                                              : dsp_kind_name((enum dsp_kind)kind);
}

/* "speech 0.4-2.1 s, beep 3.0-3.4 s" of the leg's time, since the verb began. */
static void tell_heard(const struct flow *f, luaL_Buffer *b)
{
    const struct flow_report *r = &f->report;
    uint32_t shown = 0;
    char item[96];

    for (uint32_t i = f->at.expect.heard_from; i < r->heard_count; i++) {
        const struct flow_heard *h = &r->heard[i];
        bool told_again = h->kind == DSP_SPEECH_START && i + 1 < r->heard_count;
        if (told_again || h->kind == DSP_VERDICT)
            continue;
        if (shown++ == HEARD_SHOWN) {
            luaL_addstring(b, ", …");
            return;
        }
        snprintf(item, sizeof item, "%s%s %.1f-%.1f s",
                 shown > 1 ? ", " : "; heard: ", name_of(h->kind), h->start_ms / 1000.0,
                 h->end_ms / 1000.0);
        luaL_addstring(b, item);
    }
    if (shown == 0)
        luaL_addstring(b, f->media ? "; nothing was heard" : "; no packet of audio came");
}

/* what: "the recording x.wav"; it stands on the stack at index `what`. */
static int unmet(lua_State *L, struct flow *f, int what)
{
    const struct expectation *e = &f->at.expect;
    luaL_Buffer b;
    char why[160];

    over(f);
    snprintf(why, sizeof why, "%s%s%s", e->too_short ? ", only shorter than expected" : "",
             e->too_quiet ? ", only more quietly than expected" : "",
             e->too_loud ? ", only louder than expected" : "");
    lua_pushboolean(L, false);
    luaL_buffinit(L, &b);
    luaL_addstring(&b, lua_tostring(L, what));
    luaL_addstring(&b, why[0] ? why : " was not heard");
    if (f->ended)
        snprintf(why, sizeof why, " before the call ended at %.1f s", verb_age_ms(f) / 1000.0);
    else
        snprintf(why, sizeof why, " within %.1f s", f->at.first_s);
    luaL_addstring(&b, why);
    tell_heard(f, &b);
    luaL_pushresult(&b);
    return 2;
}

/* ---- waiting ---- */

static bool level_fits(struct expectation *x, const struct dsp_event *e)
{
    double level = e->level_ddb / 10.0;

    if (level < x->level_min)
        x->too_quiet = true;
    else if (level > x->level_max)
        x->too_loud = true;
    else
        return true;
    return false;
}

static bool fits(struct flow *f, const struct dsp_event *e)
{
    struct expectation *x = &f->at.expect;

    if (!(f->at.mask & 1u << e->kind))
        return false;
    if (e->kind == DSP_KNOWN)
        return e->freq_hz[0] == x->recording;
    if (e->kind == DSP_SILENCE || e->kind == DSP_DEAD_AIR)
        return e->end_ms - e->start_ms >= x->at_least_s * 1000;
    if (x->hz && fabs((double)e->freq_hz[0] - x->hz) > fmax(15, x->hz * 0.03))
        return false;
    if (e->kind == DSP_SPEECH_END && e->end_ms - e->start_ms < x->at_least_s * 1000) {
        x->too_short = true;
        return false;
    }
    return e->kind == DSP_SPEECH_START || level_fits(x, e);
}

/* ctx: index of the text that says what is expected. */
static int hears_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    if (f->doom != DOOM_HANGUP)
        verb_check(L, f);
    if (f->heard_seq != f->at.seq) {
        f->at.seq = f->heard_seq;
        if (fits(f, &f->heard))
            return met(L, f);
    }
    if (f->timed_out || f->ended)
        return unmet(L, f, (int)ctx);
    return verb_wait(L, ctx, hears_k);
}

static int begin(lua_State *L, struct flow *f, uint32_t mask, int what)
{
    f->at.mask = mask;
    f->at.seq = f->heard_seq;
    f->at.expect.heard_from = f->report.heard_count;
    verb_hear(f, true);
    if (mask & 1u << DSP_BEEP)
        call_want_beep(f->call, true);
    verb_limit(f, f->at.first_s);
    return hears_k(L, LUA_OK, what);
}

/* Level and time limits; the options' table is at `index`. */
static void read_limits(lua_State *L, struct flow *f, int index, double within)
{
    memset(&f->at, 0, sizeof f->at);
    f->at.first_s = opt_number(L, index, "within", within, 0.02, DAY_S);
    f->at.expect.level_min = opt_number(L, index, "level_min", LEVEL_LOW, LEVEL_LOW, LEVEL_HIGH);
    f->at.expect.level_max = opt_number(L, index, "level_max", LEVEL_HIGH, LEVEL_LOW, LEVEL_HIGH);
}

/* ---- verbs ---- */

/*@sim call:hears(file [, { within = 10 }])
 * Waits until this recording of the audio folder is heard from the far side, recognised by its
 * sound from any second of it on; the file stands in the script as a text, and has at least a
 * second of sound. Returns true and the time since the INVITE; or false and what was heard instead,
 * as all call:hears… do: `check(call:hears("ivr/001.wav"))`. They return after a hang-up, too.
 */
static int verb_hears(lua_State *L)
{
    static const char *const options[] = {"within", NULL};
    struct flow *f = verb_begin(L);
    const char *file = luaL_checkstring(L, 2);

    opt_only(L, 3, options);
    lua_settop(L, 3);
    uint32_t index = hearing_index(L, f, file);
    read_limits(L, f, 3, 10);
    f->at.expect.recording = index;
    lua_pushfstring(L, "the recording %s", file);
    return begin(L, f, 1u << DSP_KNOWN, 4);
}

/*@sim call:hears_tone(tone [, { within = 10, level_min = dBm0, level_max = dBm0 }])
 * Waits for a tone: a frequency in Hz (a single tone of 0.1 to 1.5 seconds, within 3 %), or beep,
 * busy, reorder, ringback, dial_tone, unobtainable, sit, cng, ced, modem.
 */
static int verb_hears_tone(lua_State *L)
{
    static const char *const options[] = {"within", "level_min", "level_max", NULL};
    struct flow *f = verb_begin(L);
    uint32_t mask = 0;
    double hz = 0;

    opt_only(L, 3, options);
    lua_settop(L, 3);
    if (lua_type(L, 2) == LUA_TNUMBER) {
        hz = lua_tonumber(L, 2);
        luaL_argcheck(L, hz >= 100 && hz <= 3900, 2, "a tone is from 100 to 3900 Hz");
        mask = 1u << DSP_BEEP;
    } else {
        const char *name = luaL_checkstring(L, 2);
        for (size_t i = 0; i < sizeof tones / sizeof *tones; i++)
            if (strcmp(name, tones[i].name) == 0)
                mask = tones[i].mask;
        if (!mask)
            return luaL_error(L,
                              "there is no tone '%s'; known: Hz, beep, busy, reorder, ringback, "
                              "dial_tone, unobtainable, sit, cng, ced, modem",
                              name);
    }
    read_limits(L, f, 3, 10);
    f->at.expect.hz = (uint32_t)hz;
    if (hz > 0)
        lua_pushfstring(L, "a tone of %d Hz", (int)hz);
    else
        lua_pushfstring(L, "the tone '%s'", lua_tostring(L, 2));
    return begin(L, f, mask, 4);
}

/*@sim call:hears_speech { within = 10, at_least = s, level_min = dBm0, level_max = dBm0 }
 * Waits until someone talks; with `at_least` or a level, until the end of a talk spurt of that
 * length and level.
 */
static int verb_hears_speech(lua_State *L)
{
    static const char *const options[] = {"within", "at_least", "level_min", "level_max", NULL};
    struct flow *f = verb_begin(L);

    opt_only(L, 2, options);
    lua_settop(L, 2);
    read_limits(L, f, 2, 10);
    f->at.expect.at_least_s = opt_number(L, 2, "at_least", 0, 0, 600);
    bool whole = f->at.expect.at_least_s > 0 || f->at.expect.level_min > LEVEL_LOW ||
                 f->at.expect.level_max < LEVEL_HIGH;
    lua_pushstring(L, "speech");
    return begin(L, f, 1u << DSP_SPEECH_END | (whole ? 0 : 1u << DSP_SPEECH_START), 3);
}

/*@sim call:hears_silence(seconds [, { within = s }])
 * Waits for so long a stretch in which nothing is heard over the line's noise, packets or not; told
 * when it has lasted 1, 2, 3, 5, 8, 13 … seconds. `within` is twice the time and three seconds when
 * not given.
 */
static int verb_hears_silence(lua_State *L)
{
    static const char *const options[] = {"within", NULL};
    struct flow *f = verb_begin(L);
    double seconds = arg_seconds(L, 2, 600);

    opt_only(L, 3, options);
    lua_settop(L, 3);
    read_limits(L, f, 3, seconds * 2 + 3);
    f->at.expect.at_least_s = seconds;
    lua_pushfstring(L, "silence of %f s", seconds);
    return begin(L, f, 1u << DSP_SILENCE | 1u << DSP_DEAD_AIR, 4);
}

/*@sim call:hears_sound { within = 10 }
 * Waits for anything audible: speech, a tone, a recording. False on a line that is silent or whose
 * audio comes one way only.
 */
static int verb_hears_sound(lua_State *L)
{
    static const char *const options[] = {"within", NULL};
    struct flow *f = verb_begin(L);

    opt_only(L, 2, options);
    lua_settop(L, 2);
    read_limits(L, f, 2, 10);
    lua_pushstring(L, "any sound");
    return begin(L, f, AUDIBLE, 3);
}

/* ---- one way ---- */

static int one_way_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    bool sound = false;

    (void)status;
    verb_check(L, f);
    if (f->heard_seq != f->at.seq) {
        f->at.seq = f->heard_seq;
        if (f->heard.kind == DSP_ONE_WAY)
            return met(L, f);
        sound = (AUDIBLE & 1u << f->heard.kind) != 0;
    }
    if (!sound && !f->timed_out)
        return verb_wait(L, ctx, one_way_k);
    if (!sound && !f->media)
        return met(L, f);
    over(f);
    lua_pushboolean(L, false);
    lua_pushstring(L, sound ? "audio came from the far side: it is not one way"
                            : "packets came, and it is not known whether their silence is meant: "
                              "play 3 s of sound meanwhile");
    return 2;
}

/*@sim call:one_way { within = 8 }
 * Waits until it is certain that audio goes one way only: 3 seconds of our sound were sent (play
 * some in the background) and no packets or only digital zeros came back, or no packet at all
 * within the time. Returns true, or false and why not.
 */
static int verb_one_way(lua_State *L)
{
    static const char *const options[] = {"within", NULL};
    struct flow *f = verb_begin(L);

    opt_only(L, 2, options);
    lua_settop(L, 2);
    read_limits(L, f, 2, 8);
    f->at.seq = f->heard_seq;
    verb_hear(f, true);
    verb_limit(f, f->at.first_s);
    return one_way_k(L, LUA_OK, 0);
}

const struct verb verbs_expect_audio[] = {
    {"hears", verb_hears, VERB_SIM},
    {"hears_tone", verb_hears_tone, VERB_SIM},
    {"hears_speech", verb_hears_speech, VERB_SIM},
    {"hears_silence", verb_hears_silence, VERB_SIM},
    {"hears_sound", verb_hears_sound, VERB_SIM},
    {"one_way", verb_one_way, VERB_SIM},
    {NULL, NULL, VERB_SIM},
};
