/* Counting by line. A call waits nowhere but in a verb, so two looks are enough: where a verb is
 * looked up, and where the coroutine yields. */
#include "flow/lines.h"

#include <stdlib.h>
#include <string.h>

#include "flow/inner.h"

enum err lines_open(struct flow_script *s, struct slice text)
{
    uint32_t lines = 1;

    for (uint32_t i = 0; i < text.len; i++)
        lines += text.p[i] == '\n';
    s->line_count = lines < LINES_MAX ? lines : LINES_MAX;
    s->lines = calloc(s->line_count, sizeof *s->lines);
    s->text = malloc(text.len + 1);
    if (!s->lines || !s->text)
        return ERR_NOMEM;
    if (text.len)
        memcpy(s->text, text.p, text.len);
    s->text[text.len] = '\0';
    s->text_len = text.len;
    return OK;
}

void lines_close(struct flow_script *s)
{
    free(s->lines);
    free(s->text);
    s->lines = NULL;
    s->text = NULL;
}

static struct flow_line *line_at(const struct flow *f, uint32_t line)
{
    const struct flow_script *s = f->script;

    if (!s->lines || line == 0)
        return NULL;
    return &s->lines[line <= s->line_count ? line - 1 : s->line_count - 1];
}

/* The innermost line of Lua that runs, or stands still. */
static uint32_t line_of(lua_State *L)
{
    lua_Debug ar;

    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "l", &ar);
        if (ar.currentline > 0)
            return (uint32_t)ar.currentline;
    }
    return 0;
}

/* A verb within a check's parentheses has reached the line for both. */
void lines_reach(lua_State *L, bool is_check)
{
    struct flow *f = flow_of(L);
    uint32_t line = f && f->script->lines ? line_of(L) : 0;
    struct flow_line *l = line ? line_at(f, line) : NULL;

    if (l && !(is_check && f->verb_line == line))
        l->reached++;
    if (f)
        f->verb_line = is_check ? 0 : line;
}

void lines_fail(lua_State *L)
{
    struct flow *f = flow_of(L);
    struct flow_line *l = f ? line_at(f, f->script->lines ? line_of(L) : 0) : NULL;

    if (l)
        l->failed++;
}

/* An error's line is what it begins with: "file:12: …". */
void lines_fail_error(struct flow *f, const char *error)
{
    for (const char *p = strchr(error, ':'); p; p = strchr(p + 1, ':')) {
        char *end;
        unsigned long line = strtoul(p + 1, &end, 10);
        if (end == p + 1 || *end != ':' || line == 0 || line > UINT32_MAX)
            continue;
        struct flow_line *l = line_at(f, (uint32_t)line);
        if (l)
            l->failed++;
        return;
    }
}

void lines_wait(struct flow *f)
{
    if (!f->script->lines)
        return;
    f->waiting_line = line_of(f->co);
    f->waiting_since_us = clock_us(f->rt->loop->clock);
}

void lines_resume(struct flow *f)
{
    struct flow_line *l = line_at(f, f->waiting_line);

    if (l) {
        l->waited_us += clock_us(f->rt->loop->clock) - f->waiting_since_us;
        if (f->doom == DOOM_HANGUP && !f->by_script)
            l->hangups++;
    }
    f->waiting_line = 0;
}

const struct flow_line *flow_script_lines(const struct flow_script *s, uint32_t *count)
{
    *count = s->lines ? s->line_count : 0;
    return s->lines;
}

struct slice flow_script_text(const struct flow_script *s)
{
    return s->text ? slice_of(s->text, s->text_len) : SLICE_NONE;
}

void flow_each_script(const struct flow_runtime *rt,
                      void (*fn)(void *arg, const struct flow_script *s), void *arg)
{
    for (const struct flow_script *s = rt->scripts; s; s = s->next)
        fn(arg, s);
}
