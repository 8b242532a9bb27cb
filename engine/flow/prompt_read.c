/* From what a script says to the pieces that are heard.
 *
 * A text with a number in it ("Your order has the number {it}.") would be another text for every
 * caller, and the synthesiser would have to speak each. So a value of `with` that consists of
 * reading words only (read.*) is said word by word, and what stands around it by itself: each piece
 * is spoken once for all callers, and the next caller's number is put together from sounds that are
 * there. Commas and full stops at the seams become pauses. */
#include <stdio.h>
#include <string.h>

#include "flow/prompts_inner.h"
#include "flow/words_known.h"

#define PAUSE_SHORT_MS 150 /* a comma, a colon, a dash */
#define PAUSE_LONG_MS  300 /* a full stop */

/* Names of prompts have no dot, files of the audio folder have one. */
static bool is_file(const char *name)
{
    return strchr(name, '.') != NULL;
}

static struct piece *add_piece(lua_State *L, struct prompt *p, enum piece_kind kind)
{
    if (p->count == PROMPT_PIECES_MAX)
        luaL_error(L, "the prompt is too long: it has more than %d words to be read out",
                   PROMPT_PIECES_MAX);
    struct piece *piece = &p->piece[p->count++];
    *piece = (struct piece){.kind = kind, .item = p->items - 1};
    return piece;
}

static void add_item(lua_State *L, struct prompt *p)
{
    if (p->items == PROMPT_PARTS_MAX)
        luaL_error(L, "a prompt has at most %d parts", PROMPT_PARTS_MAX);
    p->items++;
}

/* ---- seams ---- */

struct mark {
    const char *text;
    uint32_t pause_ms;
};

static const struct mark marks[] = {
    {" ", 0},
    {",", PAUSE_SHORT_MS},
    {":", PAUSE_SHORT_MS},
    {";", PAUSE_SHORT_MS},
    {"-", PAUSE_SHORT_MS},
    {"\xe2\x80\x93", PAUSE_SHORT_MS}, /* – */
    {"\xe2\x80\x94", PAUSE_SHORT_MS}, /* — */
    {".", PAUSE_LONG_MS},
    {"!", PAUSE_LONG_MS},
    {"?", PAUSE_LONG_MS},
    {"\xe2\x80\xa6", PAUSE_LONG_MS}, /* … */
};

/* Takes a mark off an end of s; NULL: none stands there. */
static const struct mark *take_mark(struct slice *s, bool front)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        uint32_t len = (uint32_t)strlen(marks[i].text);
        if (s->len < len || memcmp(front ? s->p : s->p + s->len - len, marks[i].text, len) != 0)
            continue;
        s->p += front ? len : 0;
        s->len -= len;
        return &marks[i];
    }
    return NULL;
}

/* The longest pause that the marks on an end of s ask for; they are taken off. */
static uint32_t take_marks(struct slice *s, bool front)
{
    const struct mark *m;
    uint32_t pause = 0;

    while ((m = take_mark(s, front)))
        pause = m->pause_ms > pause ? m->pause_ms : pause;
    return pause;
}

static void add_pause(lua_State *L, struct prompt *p, uint32_t ms)
{
    if (ms)
        add_piece(L, p, PIECE_PAUSE)->pause_ms = ms;
}

/* What stands between two read-outs, before the first (`first`) or after the last (`last`). */
static void add_between(lua_State *L, struct prompt *p, struct slice s, bool first, bool last)
{
    struct slice whole = s;
    uint32_t before = take_marks(&s, true);

    if (s.len == 0) { /* nothing but marks */
        if (!first && !last)
            add_pause(L, p, before);
        return;
    }
    uint32_t after = take_marks(&s, false);
    if (!first)
        add_pause(L, p, before);
    if (last) /* its full stop tells the synthesiser how the sentence ends */
        s.len = (uint32_t)(whole.p + whole.len - s.p);
    add_piece(L, p, PIECE_PART)->text = s;
    if (!last)
        add_pause(L, p, after);
}

static bool next_word(struct slice *rest, struct slice *word)
{
    if (rest->len == 0)
        return false;
    (void)slice_cut(*rest, ' ', word, rest);
    return true;
}

static struct slice without_comma(struct slice word)
{
    if (word.len && word.p[word.len - 1] == ',')
        word.len--;
    return word;
}

static const struct words_known *known_of(struct flow_runtime *rt, enum words_lang l)
{
    if (!rt->words[l])
        rt->words[l] = words_known_open(l);
    return rt->words[l]; /* NULL, without memory: all is said in one piece */
}

static bool is_reading(struct flow_runtime *rt, enum words_lang l, struct slice value)
{
    const struct words_known *known = known_of(rt, l);
    struct slice word;
    bool any = false;

    while (known && next_word(&value, &word)) {
        if (!words_known_has(known, without_comma(word)))
            return false;
        any = true;
    }
    return any;
}

static void add_reading(lua_State *L, struct prompt *p, struct slice value)
{
    struct slice word;

    while (next_word(&value, &word)) {
        struct slice bare = without_comma(word);
        add_piece(L, p, PIECE_PART)->text = bare;
        add_pause(L, p, bare.len < word.len && value.len ? PAUSE_SHORT_MS : 0);
    }
}

/* ---- texts ---- */

/* A part of the text in the scratch, and whether it is a read-out. */
struct stretch {
    size_t start, end;
    bool reading;
};

#define STRETCHES_MAX 32

struct filling {
    uint32_t count; /* the last is still open, and no read-out */
    struct stretch stretch[STRETCHES_MAX];
};

static void put_value(lua_State *L, struct flow *f, struct prompt *p, struct filling *g,
                      struct slice value)
{
    bool reading = is_reading(f->rt, p->lang, value) && g->count + 2 <= STRETCHES_MAX;
    size_t at = p->scratch.len;

    buf_put(&p->scratch, value);
    if (p->scratch.overflow)
        luaL_error(L, "the prompt's text is too long");
    if (!reading)
        return;
    g->stretch[g->count - 1].end = at;
    g->stretch[g->count++] = (struct stretch){at, p->scratch.len, true};
    g->stretch[g->count++] = (struct stretch){p->scratch.len, 0, false};
}

/* The text into the scratch, {name} replaced by the options' with.name. */
static void fill(lua_State *L, struct flow *f, struct prompt *p, struct filling *g,
                 struct slice text, int options)
{
    g->count = 1;
    g->stretch[0] = (struct stretch){p->scratch.len, 0, false};
    bool with = options && lua_istable(L, options) && lua_getfield(L, options, "with") != LUA_TNIL;
    if (with)
        luaL_argcheck(L, lua_istable(L, -1), options, "with is a table of names and values");
    budget_charge(L, text.len / 4);
    for (uint32_t i = 0; i < text.len; i++) {
        const char *close = with && text.p[i] == '{' ? memchr(text.p + i, '}', text.len - i) : NULL;
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
        put_value(L, f, p, g, slice_of(value, len));
        lua_pop(L, 2);
        i = (uint32_t)(close - text.p);
    }
    g->stretch[g->count - 1].end = p->scratch.len;
    if (p->scratch.overflow)
        luaL_error(L, "the prompt's text is too long");
}

static struct slice stretch_text(const struct prompt *p, const struct stretch *s)
{
    return slice_of(p->scratch.p + s->start, s->end - s->start);
}

static void add_text(lua_State *L, struct flow *f, struct prompt *p, struct slice text, int options)
{
    struct filling g;

    add_item(L, p);
    fill(L, f, p, &g, text, options);
    struct slice whole = slice_of(p->scratch.p + g.stretch[0].start,
                                  g.stretch[g.count - 1].end - g.stretch[0].start);
    if (whole.len == 0)
        luaL_error(L, "there is nothing to say");
    if (whole.len > SPEECH_TEXT_MAX)
        luaL_error(L, "a text to be said is at most %d bytes, this has %d", SPEECH_TEXT_MAX,
                   (int)whole.len);
    if (g.count == 1 && memchr(whole.p, ' ', whole.len) && is_reading(f->rt, p->lang, whole)) {
        add_reading(L, p, whole); /* call:say(read.number(1234)) */
        return;
    }
    if (g.count == 1) {
        add_piece(L, p, PIECE_TEXT)->text = whole;
        return;
    }
    for (uint32_t i = 0; i < g.count; i++) {
        struct slice s = stretch_text(p, &g.stretch[i]);
        if (g.stretch[i].reading)
            add_reading(L, p, s);
        else
            add_between(L, p, s, i == 0, i + 1 == g.count);
    }
}

/* ---- what can be spoken ahead ---- */

/* The pieces of a text that do not depend on what is put into it. */
bool prompt_read_ahead(lua_State *L, struct flow_runtime *rt, struct prompt *p, struct slice text)
{
    struct slice rest = text;
    uint32_t stretches = 0;

    p->items = 1;
    p->count = 0;
    p->scratch = buf_on(rt->scratch, STORE_VALUE_MAX);
    while (stretches++ < STRETCHES_MAX / 2) {
        const char *open = memchr(rest.p, '{', rest.len);
        const char *close = open ? memchr(open, '}', (size_t)(rest.p + rest.len - open)) : NULL;
        if (!close && stretches == 1) {
            add_piece(L, p, PIECE_TEXT)->text = text;
            return false;
        }
        struct slice before = close ? slice_of(rest.p, (size_t)(open - rest.p)) : rest;
        if (before.len)
            add_between(L, p, before, stretches == 1, !close);
        if (!close || close + 1 == rest.p + rest.len)
            return true;
        rest = slice_of(close + 1, (size_t)(rest.p + rest.len - close - 1));
    }
    return true;
}

/* ---- names, files and lists ---- */

static void add_file(lua_State *L, struct prompt *p, const char *path)
{
    add_item(L, p);
    add_piece(L, p, PIECE_FILE)->text = slice_cstr(path);
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
        size_t at = p->scratch.len;
        buf_put(&p->scratch, slice_of(path, strlen(path) + 1));
        if (p->scratch.overflow)
            luaL_error(L, "the prompt is too long");
        add_file(L, p, p->scratch.p + at);
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
    add_text(L, f, p, slice_of(text, len), options);
}

static void add_any(lua_State *L, struct flow *f, struct prompt *p, int index, int options,
                    int depth)
{
    size_t len;

    luaL_checkstack(L, 8, "a prompt");
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *name = lua_tostring(L, index);
        if (is_file(name))
            add_file(L, p, name);
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
        add_text(L, f, p, slice_of(text, len), options);
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

void prompt_read(lua_State *L, struct flow *f, struct prompt *p, int index, int options)
{
    int top = lua_gettop(L);

    p->items = p->count = 0;
    p->lang = prompt_lang(L, options);
    p->scratch = buf_on(f->rt->scratch, STORE_VALUE_MAX);
    add_any(L, f, p, index, options, 0);
    if (p->items == 0)
        luaL_error(L, "the prompt is empty");
    lua_settop(L, top);
}
