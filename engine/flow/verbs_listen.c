/* Verbs that hear: keys, speech, tones, silence, and recording. Keys pressed before a verb asks for
 * them wait (key-ahead); sounds do not. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dsp/prints.h"
#include "flow/prompts.h"
#include "media/record_settings.h"

#define DAY_S       86400.0
#define RECORD_WAIT 2.0 /* for the file to be closed */

#define ANY_RECORDING UINT32_MAX

void verb_hear(struct flow *f, bool on)
{
    if (f->hearing == on)
        return;
    f->hearing = on;
    if (on)
        f->speaking = false;
    call_detect(f->call, on ? (f->answered ? DSP_ANSWERED : DSP_EARLY) : DSP_TALK);
}

static char take_key(struct flow *f)
{
    char key = f->keys[0];

    f->keys_count--;
    memmove(f->keys, f->keys + 1, f->keys_count);
    return key;
}

/* ---- digits ---- */

static int digits_done(lua_State *L, struct flow *f, const char *why)
{
    verb_done(f);
    if (f->at.tries >= f->at.min && !(f->at.tries == 0 && why)) {
        lua_pushlstring(L, f->at.keys, f->at.tries);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, why ? why : "short");
    lua_pushlstring(L, f->at.keys, f->at.tries);
    return 3;
}

/* at.tries counts the keys taken; at.step: 0 while the prompt plays, 1 after it. */
static int digits_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    while (f->keys_count > 0) {
        char key = take_key(f);
        if (f->at.step == 0) {
            call_stop_audio(f->call); /* the prompt */
            f->at.step = 1;
        }
        if (f->at.stop && key == f->at.stop)
            return digits_done(L, f, NULL);
        f->at.keys[f->at.tries++] = key;
        if (f->at.tries == f->at.max)
            return digits_done(L, f, NULL);
        verb_limit(f, f->at.between_s);
    }
    if (f->timed_out)
        return digits_done(L, f, "timeout");
    return verb_wait(L, ctx, digits_k);
}

/* Before digits_k: the prompt is made ready and played. */
static int digits_ready_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    double seconds = 0;

    (void)status;
    verb_check(L, f);
    f->at.step = 1;
    if (f->keys_count == 0) {
        if (!prompt_field_ready(L, f, 2, "prompt"))
            return verb_wait(L, ctx, digits_ready_k);
        if (prompt_field_queue(L, f, 2, "prompt", &seconds))
            f->at.step = 0;
    }
    prompt_leave(f);
    verb_limit(f, f->at.first_s + seconds);
    return digits_k(L, LUA_OK, 0);
}

static char stop_key(lua_State *L, int index, const char *otherwise)
{
    const char *stop = opt_string(L, index, "stop", otherwise);

    if (strlen(stop) > 1)
        luaL_error(L, "stop is one key, not '%s'", stop);
    return *stop;
}

/*@both call:digits { min = 1, max = 20, stop = "#", wait = 5, between = 3, prompt = prompt }
 * Reads keys: until `max`, the stop key (which is not part of the result), or `between` seconds
 * without a further one; the first is waited for `wait` seconds, after the prompt (as call:play's;
 * `lang` and `with` too). A key stops the prompt. Keys pressed before count. Returns the digits;
 * or nil, "timeout" or "short" (the stop key came before `min`), and what was pressed.
 */
static int verb_digits(lua_State *L)
{
    static const char *const options[] = {"min",    "max",  "stop", "wait", "between",
                                          "prompt", "lang", "with", NULL};
    struct flow *f = verb_begin(L);

    lua_settop(L, 2);
    opt_only(L, 2, options);
    memset(&f->at, 0, sizeof f->at);
    f->at.min = (uint32_t)opt_number(L, 2, "min", 1, 0, sizeof f->at.keys);
    f->at.max = (uint32_t)opt_number(L, 2, "max", sizeof f->at.keys, 1, sizeof f->at.keys);
    if (f->at.min > f->at.max)
        return luaL_error(L, "min is above max");
    f->at.between_s = opt_number(L, 2, "between", 3, 0.1, 600);
    f->at.stop = stop_key(L, 2, "#");
    f->at.first_s = opt_number(L, 2, "wait", 5, 0.1, 600);
    return digits_ready_k(L, LUA_OK, 0);
}

/* ---- menu ---- */

static int menu_k(lua_State *L, int status, lua_KContext ctx);

/* `wrong` where the last key was, the prompt (again), and the time for a key after it. at.step: 1
 * while `wrong` is still to be played. */
static int menu_ask_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    double seconds = 0;

    (void)status;
    verb_check(L, f);
    if (f->at.step == 1) {
        if (!prompt_field_ready(L, f, 2, "wrong"))
            return verb_wait(L, ctx, menu_ask_k);
        prompt_field_queue(L, f, 2, "wrong", &seconds);
        f->at.step = 0;
    }
    if (f->keys_count == 0) {
        if (!prompt_field_ready(L, f, 2, "prompt"))
            return verb_wait(L, ctx, menu_ask_k);
        prompt_field_queue(L, f, 2, "prompt", &seconds);
    }
    prompt_leave(f);
    verb_limit(f, f->at.first_s + seconds);
    return menu_k(L, LUA_OK, 0);
}

/* One try is used up: the next, or the end. */
static int menu_again(lua_State *L, struct flow *f, const char *why)
{
    call_stop_audio(f->call);
    if (f->at.tries == 0) {
        verb_done(f);
        return verb_outcome(L, why);
    }
    f->at.tries--;
    f->at.step = strcmp(why, "wrong") == 0;
    verb_done(f);
    return menu_ask_k(L, LUA_OK, 0);
}

static int menu_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    while (f->keys_count > 0) {
        char key = take_key(f);
        if (strchr(f->at.keys, key)) {
            call_stop_audio(f->call);
            verb_done(f);
            lua_pushlstring(L, &key, 1);
            return 1;
        }
        return menu_again(L, f, "wrong");
    }
    if (f->timed_out)
        return menu_again(L, f, "timeout");
    return verb_wait(L, ctx, menu_k);
}

/*@both call:menu { prompt = prompt, keys = "120", wait = 5, again = 2, wrong = prompt }
 * Plays the prompt (as call:play's; `lang` and `with` too) and waits for one of the keys, `wait`
 * seconds after its end; a key stops the prompt, and one pressed before is taken at once. After
 * silence or another key it asks again, `again` times (after another key `wrong` is played first).
 * Returns the key; or nil and "timeout" or "wrong".
 */
static int verb_menu(lua_State *L)
{
    static const char *const options[] = {"prompt", "keys", "wait", "again",
                                          "wrong",  "lang", "with", NULL};
    struct flow *f = verb_begin(L);

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    opt_only(L, 2, options);
    memset(&f->at, 0, sizeof f->at);
    const char *keys = opt_string(L, 2, "keys", NULL);
    if (!keys || !*keys || strlen(keys) >= sizeof f->at.keys ||
        strspn(keys, "0123456789*#ABCD") != strlen(keys))
        return luaL_error(L, "menu needs keys: 1 to 16 of 0-9 * # A-D, such as \"120\"");
    snprintf(f->at.keys, sizeof f->at.keys, "%s", keys);
    f->at.first_s = opt_number(L, 2, "wait", 5, 0.1, 600);
    f->at.tries = (uint32_t)opt_number(L, 2, "again", 2, 0, 20);
    return menu_ask_k(L, LUA_OK, 0);
}

/* ---- listen ---- */

static const struct {
    const char *name;
    uint32_t mask;
} listen_kinds[] = {
    {"speech", 1u << DSP_SPEECH_START},
    {"speech_end", 1u << DSP_SPEECH_END},
    {"silence", 1u << DSP_SILENCE | 1u << DSP_DEAD_AIR},
    {"dead_air", 1u << DSP_DEAD_AIR},
    {"recording", 1u << DSP_KNOWN},
    FLOW_TONE_ROWS,
    {"preamble", 1u << DSP_PREAMBLE},
    {"tone", 1u << DSP_BUSY | 1u << DSP_REORDER | 1u << DSP_RINGBACK | 1u << DSP_DIAL_TONE |
                 1u << DSP_UNOBTAINABLE | 1u << DSP_SIT | 1u << DSP_CNG | 1u << DSP_CED |
                 1u << DSP_MODEM | 1u << DSP_PREAMBLE},
};

static uint32_t listen_mask(lua_State *L)
{
    uint32_t mask = 0;

    luaL_checktype(L, 2, LUA_TTABLE);
    for (int i = 1; lua_rawgeti(L, 2, i) != LUA_TNIL; i++, lua_pop(L, 1)) {
        const char *name = luaL_checkstring(L, -1);
        uint32_t bit = 0;
        for (size_t k = 0; k < sizeof listen_kinds / sizeof *listen_kinds; k++)
            if (strcmp(name, listen_kinds[k].name) == 0)
                bit = listen_kinds[k].mask;
        if (bit == 0)
            luaL_error(L,
                       "listen: '%s' is not known; accepted: speech, speech_end, silence, "
                       "dead_air, recording, beep, tone, busy, reorder, ringback, dial_tone, "
                       "unobtainable, sit, cng, ced, modem, preamble",
                       name);
        mask |= bit;
    }
    lua_pop(L, 1);
    if (mask == 0)
        luaL_error(L, "listen for what? call:listen { \"speech\", limit = 10 }");
    return mask;
}

/* Quiet, with or without anything in the packets. */
static bool is_quiet(const struct dsp_event *e)
{
    return e->kind == DSP_SILENCE || e->kind == DSP_DEAD_AIR;
}

static const char *heard_name(uint8_t kind)
{
    if (kind == DSP_SILENCE)
        return "silence";
    for (size_t k = 0; k < sizeof listen_kinds / sizeof *listen_kinds; k++)
        if (listen_kinds[k].mask == 1u << kind)
            return listen_kinds[k].name;
    return "sound";
}

static void listen_over(struct flow *f)
{
    verb_done(f);
    if (f->at.mask & 1u << DSP_BEEP)
        call_want_beep(f->call, false);
    verb_hear(f, false);
}

/* Which recording it was, into the table on the stack. */
static void put_recording(lua_State *L, const struct flow *f, const struct dsp_event *e)
{
    const struct prints_info *info = prints_info_of(f->rt->recordings, e->freq_hz[0]);

    if (!info)
        return;
    lua_pushstring(L, info->id);
    lua_setfield(L, -2, "id");
    lua_pushstring(L, info->result);
    lua_setfield(L, -2, "result");
    lua_pushstring(L, info->language);
    lua_setfield(L, -2, "language");
}

/* The library's index of the recording that alone is meant; ANY_RECORDING: none is named. */
static uint32_t recording_of(lua_State *L, const struct flow *f, uint32_t mask)
{
    const struct prints *known = f->rt->recordings;
    const char *id = opt_string(L, 2, "id", NULL);
    uint32_t count = known ? prints_count(known) : 0;

    if (id && !(mask & 1u << DSP_KNOWN))
        luaL_error(L, "id is for call:listen { \"recording\", … }");
    if ((mask & 1u << DSP_KNOWN) && count == 0)
        flow_fail(L, "listen: no recordings are known here: it needs a library (`prints`)");
    for (uint32_t i = 0; id && i < count; i++)
        if (strcmp(prints_info_of(known, i)->id, id) == 0)
            return i;
    if (id)
        flow_fail(L, "listen: the library has no recording '%s'", id);
    return ANY_RECORDING;
}

static int heard(lua_State *L, struct flow *f, const struct dsp_event *e)
{
    listen_over(f);
    lua_pushstring(L, heard_name(e->kind));
    lua_createtable(L, 0, 7);
    if (e->kind == DSP_KNOWN)
        put_recording(L, f, e);
    lua_pushnumber(L, e->start_ms / 1000.0);
    lua_setfield(L, -2, "start");
    lua_pushnumber(L, e->end_ms / 1000.0);
    lua_setfield(L, -2, "finish");
    lua_pushnumber(L, e->level_ddb / 10.0);
    lua_setfield(L, -2, "level");
    if (e->kind != DSP_KNOWN)
        lua_pushinteger(L, e->freq_hz[0]);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "frequency");
    if (e->kind == DSP_SIT) {
        lua_pushstring(L, dsp_sit_name((enum dsp_sit)e->detail));
        lua_setfield(L, -2, "category");
    }
    if (e->kind == DSP_CED) {
        lua_pushstring(L, dsp_answer_name((enum dsp_answer)e->detail));
        lua_setfield(L, -2, "category");
    }
    return 2;
}

static int listen_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    const struct dsp_event *e = &f->heard;

    (void)status;
    verb_check(L, f);
    if (f->heard_seq != f->at.seq) {
        f->at.seq = f->heard_seq;
        bool enough = !is_quiet(e) || e->end_ms - e->start_ms >= f->at.silence_s * 1000;
        if (e->kind == DSP_KNOWN && f->at.expect.recording != ANY_RECORDING)
            enough = e->freq_hz[0] == f->at.expect.recording;
        if ((f->at.mask & 1u << e->kind) && enough)
            return heard(L, f, e);
    }
    if (f->timed_out) {
        listen_over(f);
        return verb_outcome(L, "timeout");
    }
    return verb_wait(L, ctx, listen_k);
}

/*@both call:listen { kind, …, limit = 10, silence = 2, id = recording }
 * Waits until one of the kinds is heard: speech (someone begins to talk), speech_end, silence (for
 * at least `silence` seconds; told as dead_air where the packets have nothing in them), dead_air
 * (only that), recording (one of the library of known recordings, `prints`; only that one, with
 * `id`), beep, tone (any network or fax tone), or one by name: busy, reorder, ringback, dial_tone,
 * unobtainable, sit, cng, ced, modem, preamble (of a fax machine's answer). Returns the kind and a
 * table { start, finish (seconds since the leg began), level (dBm0), frequency, category (of a SIT
 * or a ced), id, result, language (of a recording) }; or nil and "timeout".
 */
static int verb_listen(lua_State *L)
{
    static const char *const options[] = {"limit", "silence", "id", NULL};
    struct flow *f = verb_begin(L);

    uint32_t mask = listen_mask(L);
    opt_only(L, 2, options);
    uint32_t recording = recording_of(L, f, mask);
    memset(&f->at, 0, sizeof f->at);
    f->at.mask = mask;
    f->at.expect.recording = recording;
    f->at.silence_s = opt_number(L, 2, "silence", 2, 0.1, 600);
    double limit = opt_number(L, 2, "limit", 10, 0, DAY_S);
    f->at.seq = f->heard_seq;
    verb_hear(f, true);
    if (mask & 1u << DSP_BEEP)
        call_want_beep(f->call, true);
    verb_limit(f, limit);
    return listen_k(L, LUA_OK, 0);
}

/* ---- record ---- */

enum { RECORD_RUNS, RECORD_CLOSES };

static int recorded(lua_State *L, struct flow *f)
{
    static const char *const outcomes[] = {"hangup", "limit", "silence", "key"};
    double age = verb_age_ms(f) - f->at.began_ms;

    verb_done(f);
    if (!f->ended)
        verb_hear(f, false);
    lua_createtable(L, 0, 5);
    lua_pushnumber(L, f->recorded ? f->recorded_s : age / 1000.0);
    lua_setfield(L, -2, "seconds");
    lua_pushnumber(L, f->speech_s + (f->speaking && f->at.last_voice_ms > 0
                                         ? (verb_age_ms(f) - f->at.last_voice_ms) / 1000.0
                                         : 0));
    lua_setfield(L, -2, "speech");
    lua_pushstring(L, outcomes[f->at.tries]);
    lua_setfield(L, -2, "outcome");
    if (f->at.file) {
        lua_pushstring(L, call_record_of(f->call)->recording);
        lua_setfield(L, -2, "file");
    }
    return 1;
}

static int record_k(lua_State *L, int status, lua_KContext ctx);

/* why: index of the outcome. */
static int record_stop(lua_State *L, struct flow *f, uint32_t why)
{
    f->at.tries = why;
    if (f->ended || !f->at.file)
        return recorded(L, f);
    f->at.step = RECORD_CLOSES;
    verb_limit(f, RECORD_WAIT);
    call_record_stop(f->call);
    return verb_wait(L, 0, record_k);
}

static void record_hear(struct flow *f)
{
    if (f->at.seq == f->heard_seq)
        return;
    f->at.seq = f->heard_seq;
    if (f->heard.kind == DSP_SPEECH_START)
        f->at.last_voice_ms = verb_age_ms(f);
}

static int record_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    if (f->ended)
        return f->at.step == RECORD_CLOSES ? recorded(L, f) : record_stop(L, f, 0);
    verb_check(L, f);
    if (f->at.step == RECORD_CLOSES) {
        if (f->recorded || f->timed_out)
            return recorded(L, f);
        return verb_wait(L, ctx, record_k);
    }
    record_hear(f);
    if (f->at.stop && f->keys_count > 0 && take_key(f) == f->at.stop)
        return record_stop(L, f, 3);
    if (f->at.silence_s > 0 && is_quiet(&f->heard) && f->at.cookie != f->heard_seq &&
        f->heard.end_ms - f->heard.start_ms >= f->at.silence_s * 1000)
        return record_stop(L, f, 2);
    if (f->timed_out)
        return record_stop(L, f, 1);
    return verb_wait(L, ctx, record_k);
}

/* A file of its own for this call; false where nothing is to be written. */
static bool record_open(lua_State *L, struct flow *f)
{
    char path[384];

    if (!f->rt->record_dir[0])
        return false;
    snprintf(path, sizeof path, "%s/%s-%llu%s", f->rt->record_dir, f->script->name,
             (unsigned long long)f->leg, record_settings_suffix(f->rt->record));
    struct media_record how = {.path = path, .owner = f->script->name};

    record_settings_fill(f->rt->record, clock_wall_ms(f->rt->loop->clock), &how);
    enum err e = call_record_start(f->call, &how);

    if (e != OK)
        flow_fail(L, "call:record: %s cannot be written (%s)", path, err_name(e));
    return true;
}

/*@both call:record { limit = 120, silence = s, stop = key }
 * Records until the far side hangs up, `limit` seconds have passed, it was silent for `silence`
 * seconds or pressed the stop key. Returns { seconds, speech (seconds of it in which someone
 * talked), outcome ("hangup", "limit", "silence", "key"), file (where a folder for recordings is
 * configured) }. It returns after a hang-up too, so that the script can check the message.
 */
static int verb_record(lua_State *L)
{
    static const char *const options[] = {"limit", "max", "silence", "stop", NULL};
    struct flow *f = verb_begin(L);

    opt_only(L, 2, options);
    verb_needs_audio(L, f);
    memset(&f->at, 0, sizeof f->at);
    double limit = opt_number(L, 2, "limit", opt_number(L, 2, "max", 120, 0.1, 7200), 0.1, 7200);
    f->at.silence_s = opt_number(L, 2, "silence", 0, 0, 600);
    f->at.stop = stop_key(L, 2, "");
    f->recorded = false;
    f->speech_s = 0;
    f->at.began_ms = verb_age_ms(f);
    f->at.seq = f->heard_seq;
    f->at.cookie = (uint32_t)f->heard_seq;
    f->at.file = record_open(L, f);
    verb_hear(f, true);
    verb_limit(f, limit);
    return record_k(L, LUA_OK, 0);
}

const struct verb verbs_listen[] = {
    {"digits", verb_digits, VERB_BOTH},
    {"menu", verb_menu, VERB_BOTH},
    {"listen", verb_listen, VERB_BOTH},
    {"record", verb_record, VERB_BOTH},
    {NULL, NULL, VERB_BOTH},
};
