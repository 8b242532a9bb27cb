/* Prompts on their way to the leg: made ready, put together, queued; and what is looked at without
 * a call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/prompts_inner.h"

enum words_lang prompt_lang(lua_State *L, int index)
{
    struct flow *f = flow_of(L);
    enum words_lang lang = f ? f->lang : WORDS_EN;
    const char *name = index ? opt_string(L, index, "lang", NULL) : NULL;

    if (name && words_lang_parse(slice_cstr(name), &lang) != OK)
        luaL_error(L, "there is no language '%s'; known: en, ru, sl", name);
    return lang;
}

/* The first piece that is still to be spoken; NULL: none. All that are missing are asked for, so
 * that they are spoken beside each other. */
static const struct piece *first_missing(lua_State *L, struct flow *f, const struct prompt *p)
{
    const struct piece *first = NULL;

    for (uint32_t i = 0; i < p->count; i++) {
        const struct piece *piece = &p->piece[i];
        const struct speech_text text = piece_speech(p, piece);

        if (piece->kind != PIECE_TEXT && piece->kind != PIECE_PART)
            continue;
        if (!f->rt->speech)
            flow_fail(L, "it cannot be said: no synthesiser is configured");
        if (speech_find(f->rt->speech, &text))
            continue;
        if (first)
            (void)speech_ask(f->rt->speech, &text, NULL, NULL); /* else when it is the first */
        else
            first = piece;
    }
    return first;
}

bool prompt_ready(lua_State *L, struct flow *f, int index, int options)
{
    struct prompt p;

    if (f->answer && f->answer->err != OK) {
        char why[SPEECH_WHY_MAX];
        snprintf(why, sizeof why, "%s", f->answer->why ? f->answer->why : err_name(f->answer->err));
        prompt_leave(f);
        flow_fail(L, "it cannot be said: %s", why);
    }
    f->answer = NULL;
    if (f->op && !f->timed_out)
        return false;
    if (f->op) {
        prompt_leave(f);
        flow_fail(L, "it cannot be said: the synthesiser did not answer in time");
    }
    prompt_read(L, f, &p, index, options);
    /* Once more round the whole of it: what was found may have made room for what came since. */
    const struct piece *missing = first_missing(L, f, &p);
    if (!missing) {
        prompt_leave(f);
        return true;
    }
    const struct speech_text text = piece_speech(&p, missing);
    struct flow_op *op = op_begin(f, true);
    enum err e = op ? speech_ask(f->rt->speech, &text, op_answered, op) : ERR_FULL;
    if (e == OK) {
        if (!f->saying)
            verb_limit(f, PROMPT_READY_S);
        f->saying = true;
        return false;
    }
    if (op)
        op_cancel(op);
    if (op && e == ERR_FULL)
        flow_fail(L, "it cannot be said now: %d texts wait for the synthesiser already",
                  SPEECH_JOBS_MAX);
    flow_fail(L, "it cannot be said now (%s)", err_name(e));
}

void prompt_leave(struct flow *f)
{
    op_forget(f);
    f->answer = NULL;
    if (f->saying)
        verb_done(f);
    f->saying = false;
}

/* The pieces from `first` on that belong to its item, as one sound with a reference of the
 * caller's: what is said one after the other has no gap but the pauses. NULL: it cannot be made
 * now. */
static const struct sound *join(struct flow *f, const struct prompt *p, uint32_t first,
                                uint32_t end)
{
    const struct sound *sound[PROMPT_PIECES_MAX], *joined = NULL;
    uint32_t samples = 0, at = 0;

    for (uint32_t i = first; i < end; i++) {
        const struct speech_text text = piece_speech(p, &p->piece[i]);
        bool pause = p->piece[i].kind == PIECE_PAUSE;

        sound[i] = pause ? NULL : speech_find(f->rt->speech, &text);
        if (!pause && !sound[i])
            return NULL;
        samples += pause ? p->piece[i].pause_ms * (SOUND_RATE_HZ / 1000) : sound[i]->samples;
    }
    if (end - first == 1) {
        sound_ref(sound[first]);
        return sound[first];
    }
    int16_t *pcm = calloc(samples, sizeof *pcm);
    for (uint32_t i = first; pcm && i < end; i++) {
        if (sound[i]) {
            memcpy(pcm + at, sound[i]->pcm, sound[i]->samples * sizeof *pcm);
            at += sound[i]->samples;
        } else {
            at += p->piece[i].pause_ms * (SOUND_RATE_HZ / 1000);
        }
    }
    if (pcm && sound_from_pcm(f->rt->sound_cache, pcm, samples, &joined) != OK)
        joined = NULL;
    free(pcm);
    return joined;
}

static void queue_spoken(lua_State *L, struct flow *f, const struct prompt *p, uint32_t first,
                         uint32_t end, double *seconds)
{
    verb_needs_audio(L, f);
    const struct sound *sound = join(f, p, first, end);
    enum err e = sound ? call_play(f->call, sound, false, f->cookie + 1) : ERR_FULL;

    if (sound) {
        *seconds += sound_ms(sound) / 1000.0;
        sound_unref(sound); /* the call holds it */
    }
    if (e != OK)
        flow_fail(L, "it cannot be said now (%s)", err_name(e));
    f->cookie++;
}

uint32_t prompt_queue(lua_State *L, struct flow *f, int index, int options, double *seconds)
{
    struct prompt p;
    uint32_t end;

    prompt_read(L, f, &p, index, options);
    for (uint32_t i = 0; i < p.count; i = end) {
        double s = 0;
        for (end = i + 1; end < p.count && p.piece[end].item == p.piece[i].item;)
            end++;
        if (p.piece[i].kind == PIECE_FILE) {
            verb_queue_file(L, f, p.piece[i].text.p, false, &s);
            *seconds += s;
        } else {
            queue_spoken(L, f, &p, i, end, seconds);
        }
    }
    return f->cookie;
}

static bool push_field(lua_State *L, int table, const char *name)
{
    if (!lua_istable(L, table))
        return false;
    if (lua_getfield(L, table, name) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

bool prompt_field_ready(lua_State *L, struct flow *f, int table, const char *name)
{
    if (!push_field(L, table, name))
        return true;
    bool ready = prompt_ready(L, f, lua_gettop(L), table);
    lua_pop(L, 1);
    return ready;
}

bool prompt_field_queue(lua_State *L, struct flow *f, int table, const char *name, double *seconds)
{
    if (!push_field(L, table, name))
        return false;
    prompt_queue(L, f, lua_gettop(L), table, seconds);
    lua_pop(L, 1);
    return true;
}

/* ---- looking without a call ---- */

static bool has_text(lua_State *L, const struct flow_script *s, const char *name, const char *lang)
{
    int top = lua_gettop(L);

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->prompts_ref);
    bool has = lua_istable(L, -1) && lua_getfield(L, -1, name) == LUA_TTABLE &&
               lua_getfield(L, -1, lang) == LUA_TSTRING;
    lua_settop(L, top);
    return has;
}

/* Has any prompt of the script a text in it? */
static bool speaks(lua_State *L, const struct flow_script *s, const char *lang)
{
    int top = lua_gettop(L);
    bool found = false;

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->prompts_ref);
    if (lua_istable(L, -1)) {
        lua_pushnil(L);
        while (!found && lua_next(L, top + 1)) {
            found = lua_istable(L, -1) && lua_getfield(L, -1, lang) == LUA_TSTRING;
            lua_settop(L, top + 2);
        }
    }
    lua_settop(L, top);
    return found;
}

void flow_script_prompt_missing(const struct flow_runtime *rt, const struct flow_script *s,
                                const char *name, char *missing, size_t cap)
{
    struct buf b = buf_on(missing, cap - 1);
    char path[PROMPT_NAME_MAX + 32];

    for (int l = 0; l < WORDS_LANGS; l++) {
        const char *lang = words_lang_name((enum words_lang)l);
        if (s->lang != (enum words_lang)l && !speaks(rt->L, s, lang))
            continue;
        snprintf(path, sizeof path, "prompts/%.*s.%s.wav", PROMPT_NAME_MAX, name, lang);
        if ((rt->sounds && sounds_has(rt->sounds, path)) || has_text(rt->L, s, name, lang))
            continue;
        buf_puts(&b, b.len ? ", " : "");
        buf_puts(&b, lang);
    }
    missing[b.len] = '\0';
}

/* ---- ahead ---- */

static void prefetch_pieces(struct flow_runtime *rt, const struct prompt *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct speech_text text = piece_speech(p, &p->piece[i]);
        if (p->piece[i].kind == PIECE_TEXT || p->piece[i].kind == PIECE_PART)
            (void)speech_prefetch(rt->speech, &text); /* else when a call wants it */
    }
}

static void prefetch_digits(struct flow_runtime *rt, enum words_lang lang)
{
    for (const char *digit = "0123456789"; *digit; digit++) {
        char word[32];
        struct buf b = buf_on(word, sizeof word);
        (void)words_digits(&b, lang, slice_of(digit, 1));
        const struct speech_text text = {words_lang_name(lang), buf_slice(&b), true};
        (void)speech_prefetch(rt->speech, &text);
    }
}

void flow_script_prefetch(struct flow_runtime *rt, const struct flow_script *s, const char *lang)
{
    struct prompt p = {.lang = s->lang};
    char path[PROMPT_NAME_MAX + 32];
    bool numbers = false;
    lua_State *L = rt->L;
    int top = lua_gettop(L);

    if (!rt->speech || (lang && words_lang_parse(slice_cstr(lang), &p.lang) != OK))
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->prompts_ref);
    if (lua_istable(L, -1))
        lua_pushnil(L);
    while (lua_istable(L, top + 1) && lua_next(L, top + 1)) {
        snprintf(path, sizeof path, "prompts/%.*s.%s.wav", PROMPT_NAME_MAX, lua_tostring(L, -2),
                 words_lang_name(p.lang));
        bool is_file = rt->sounds && sounds_has(rt->sounds, path);
        if (!is_file && lua_istable(L, -1) &&
            lua_getfield(L, -1, words_lang_name(p.lang)) == LUA_TSTRING) {
            size_t len;
            const char *text = lua_tolstring(L, -1, &len);
            numbers |= prompt_read_ahead(L, rt, &p, slice_of(text, len));
            prefetch_pieces(rt, &p);
        }
        lua_settop(L, top + 2);
    }
    lua_settop(L, top);
    if (numbers)
        prefetch_digits(rt, p.lang);
}

/* ---- declarations ---- */

static void check_texts(lua_State *L, const char *name)
{
    enum words_lang lang;

    if (!lua_istable(L, -1))
        luaL_error(L, "prompts.%s must be a table of texts by language: { en = \"…\" }", name);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        size_t len;
        if (lua_type(L, -2) != LUA_TSTRING ||
            words_lang_parse(slice_cstr(lua_tostring(L, -2)), &lang) != OK)
            luaL_error(L, "prompts.%s: texts are by language: en, ru, sl", name);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "prompts.%s.%s must be a text", name, lua_tostring(L, -2));
        lua_tolstring(L, -1, &len);
        if (len == 0 || len > SPEECH_TEXT_MAX)
            luaL_error(L, "prompts.%s.%s has %d bytes; a text has 1 to %d", name,
                       lua_tostring(L, -2), (int)len, SPEECH_TEXT_MAX);
        lua_pop(L, 1);
    }
}

void prompt_check_declaration(lua_State *L, int index)
{
    enum words_lang lang;
    const char *name = opt_string(L, index, "language", "en");

    if (words_lang_parse(slice_cstr(name), &lang) != OK)
        luaL_error(L, "there is no language '%s'; known: en, ru, sl", name);
    if (lua_getfield(L, index, "prompts") == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "prompts are by name: { main = { en = \"…\" } }");
        check_texts(L, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}
