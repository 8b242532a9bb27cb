/* From what a script says to what is queued on the leg. */
#include "flow/prompts.h"

#include <stdio.h>
#include <string.h>

#include "flow/speech.h"

struct part {
    const char *file; /* of the audio folder; NULL: a text */
    struct slice text;
};

struct prompt {
    enum words_lang lang;
    uint32_t count;
    struct part part[PROMPT_PARTS_MAX];
    struct buf scratch; /* what had to be put together */
};

/* Names of prompts have no dot, files of the audio folder have one. */
static bool is_file(const char *name)
{
    return strchr(name, '.') != NULL;
}

enum words_lang prompt_lang(lua_State *L, int index)
{
    struct flow *f = flow_of(L);
    enum words_lang lang = f ? f->lang : WORDS_EN;
    const char *name = index ? opt_string(L, index, "lang", NULL) : NULL;

    if (name && words_lang_parse(slice_cstr(name), &lang) != OK)
        luaL_error(L, "there is no language '%s'; known: en, ru, sl", name);
    return lang;
}

static struct part *add_part(lua_State *L, struct prompt *p)
{
    if (p->count == PROMPT_PARTS_MAX)
        luaL_error(L, "a prompt has at most %d parts", PROMPT_PARTS_MAX);
    return &p->part[p->count++];
}

/* text with {name} replaced by the options' with.name. Kept in the scratch. */
static struct slice filled(lua_State *L, struct prompt *p, struct slice text, int options)
{
    size_t start = p->scratch.len;
    bool any = false;

    if (!options || !lua_istable(L, options) || lua_getfield(L, options, "with") == LUA_TNIL)
        return text;
    luaL_argcheck(L, lua_istable(L, -1), options, "with is a table of names and values");
    budget_charge(L, text.len / 4);
    for (uint32_t i = 0; i < text.len; i++) {
        const char *close = text.p[i] == '{' ? memchr(text.p + i, '}', text.len - i) : NULL;
        size_t len;
        if (!close) {
            buf_putc(&p->scratch, text.p[i]);
            continue;
        }
        lua_pushlstring(L, text.p + i + 1, (size_t)(close - text.p) - i - 1);
        lua_pushvalue(L, -1);
        lua_gettable(L, -3);
        const char *value = lua_tolstring(L, -1, &len);
        if (!value)
            luaL_error(L, "the prompt needs with = { %s = … }", lua_tostring(L, -2));
        buf_put(&p->scratch, slice_of(value, len));
        lua_pop(L, 2);
        i = (uint32_t)(close - text.p);
        any = true;
    }
    lua_pop(L, 1);
    if (p->scratch.overflow)
        luaL_error(L, "the prompt's text is too long");
    if (!any)
        return text;
    return slice_of(p->scratch.p + start, p->scratch.len - start);
}

static void add_text(lua_State *L, struct prompt *p, struct slice text, int options)
{
    struct part *part = add_part(L, p);

    part->text = filled(L, p, text, options);
    if (part->text.len == 0)
        luaL_error(L, "there is nothing to say");
    if (part->text.len > SPEECH_TEXT_MAX)
        luaL_error(L, "a text to be said is at most %d bytes, this has %d", SPEECH_TEXT_MAX,
                   (int)part->text.len);
}

/* A name: prompts/NAME.LANG.wav, or the script's text for it. */
static void add_name(lua_State *L, struct flow *f, struct prompt *p, const char *name, int options)
{
    const char *lang = words_lang_name(p->lang);
    char path[PROMPT_NAME_MAX + 32];
    size_t len;

    if (strlen(name) > PROMPT_NAME_MAX)
        luaL_error(L, "a prompt's name is at most %d bytes", PROMPT_NAME_MAX);
    snprintf(path, sizeof path, "prompts/%s.%s.wav", name, lang);
    if (f->rt->sounds && sounds_has(f->rt->sounds, path)) {
        struct part *part = add_part(L, p);
        size_t at = p->scratch.len;
        buf_put(&p->scratch, slice_of(path, strlen(path) + 1));
        if (p->scratch.overflow)
            luaL_error(L, "the prompt is too long");
        part->file = p->scratch.p + at;
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, f->script->prompts_ref);
    bool has = lua_istable(L, -1) && lua_getfield(L, -1, name) == LUA_TTABLE &&
               lua_getfield(L, -1, lang) == LUA_TSTRING;
    if (!has)
        flow_fail(L,
                  "there is no prompt '%s' in '%s': no file %s in the audio folder, and no "
                  "text in the script's prompts",
                  name, lang, path);
    const char *text = lua_tolstring(L, -1, &len); /* the registry holds it */
    lua_pop(L, 3);
    add_text(L, p, slice_of(text, len), options);
}

static void add_any(lua_State *L, struct flow *f, struct prompt *p, int index, int options,
                    int depth)
{
    size_t len;

    luaL_checkstack(L, 8, "a prompt");
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *name = lua_tostring(L, index);
        if (is_file(name))
            add_part(L, p)->file = name;
        else
            add_name(L, f, p, name, options);
        return;
    }
    if (!lua_istable(L, index) || depth > 2)
        luaL_error(L, "a prompt is a file, a name, { say = text } or a list of these, not a %s",
                   luaL_typename(L, index));
    if (lua_getfield(L, index, "say") != LUA_TNIL) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "say is a text, not a %s", luaL_typename(L, -1));
        const char *text = lua_tolstring(L, -1, &len);
        /* A number became a text of its own: kept where the table holds it. */
        lua_pushvalue(L, -1);
        lua_setfield(L, index, "say");
        add_text(L, p, slice_of(text, len), options);
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    for (lua_Integer i = 1; lua_rawgeti(L, index, i) != LUA_TNIL; i++) {
        add_any(L, f, p, lua_gettop(L), options, depth + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void read_prompt(lua_State *L, struct flow *f, struct prompt *p, int index, int options)
{
    int top = lua_gettop(L);

    p->count = 0;
    p->lang = prompt_lang(L, options);
    p->scratch = buf_on(f->rt->scratch, STORE_VALUE_MAX);
    memset(p->part, 0, sizeof p->part);
    add_any(L, f, p, index, options, 0);
    if (p->count == 0)
        luaL_error(L, "the prompt is empty");
    lua_settop(L, top);
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
    read_prompt(L, f, &p, index, options);
    /* Once more round the whole of it: what was found may have made room for what came since. */
    for (uint32_t i = 0; i < p.count; i++) {
        const char *lang = words_lang_name(p.lang);
        if (p.part[i].file)
            continue;
        if (!f->rt->speech)
            flow_fail(L, "it cannot be said: no synthesiser is configured");
        if (speech_find(f->rt->speech, lang, p.part[i].text))
            continue;
        struct flow_op *op = op_begin(f, true);
        enum err e =
            op ? speech_ask(f->rt->speech, lang, p.part[i].text, op_answered, op) : ERR_FULL;
        if (e == OK) {
            if (!f->saying)
                verb_limit(f, PROMPT_READY_S);
            f->saying = true;
            return false;
        }
        if (op)
            op_cancel(op);
        flow_fail(L, "it cannot be said now (%s)", err_name(e));
    }
    prompt_leave(f);
    return true;
}

void prompt_leave(struct flow *f)
{
    op_forget(f);
    f->answer = NULL;
    if (f->saying)
        verb_done(f);
    f->saying = false;
}

uint32_t prompt_queue(lua_State *L, struct flow *f, int index, int options, double *seconds)
{
    struct prompt p;

    read_prompt(L, f, &p, index, options);
    for (uint32_t i = 0; i < p.count; i++) {
        double s = 0;
        if (p.part[i].file) {
            verb_queue_file(L, f, p.part[i].file, false, &s);
            *seconds += s;
            continue;
        }
        const struct sound *sound =
            speech_find(f->rt->speech, words_lang_name(p.lang), p.part[i].text);
        verb_needs_audio(L, f);
        enum err e = sound ? call_play(f->call, sound, false, f->cookie + 1) : ERR_NOT_FOUND;
        if (e != OK)
            flow_fail(L, "it cannot be said now (%s)", err_name(e));
        f->cookie++;
        *seconds += sound_ms(sound) / 1000.0;
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
