/* A script word by word: names, texts, numbers, signs; comments are left out. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/lint_inner.h"

void lint_say(struct lint *l, uint32_t line, enum lint_level level, const char *fmt, ...)
{
    char text[LINT_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    l->report(l->arg, line, level, text);
}

/* "[==[" at p: how many characters, or 0. */
static size_t long_open(const struct lint *l, const char *p)
{
    const char *q = p + 1;

    if (p >= l->end || *p != '[')
        return 0;
    while (q < l->end && *q == '=')
        q++;
    return q < l->end && *q == '[' ? (size_t)(q - p) + 1 : 0;
}

static void skip_long(struct lint *l, size_t open)
{
    char close[64] = "]";
    size_t n = open < sizeof close ? open : sizeof close - 1;

    memset(close + 1, '=', n - 2);
    close[n - 1] = ']';
    l->at += open;
    while (l->at < l->end) {
        if ((size_t)(l->end - l->at) >= n && memcmp(l->at, close, n) == 0) {
            l->at += n;
            return;
        }
        l->line += *l->at++ == '\n';
    }
}

static void skip_blanks(struct lint *l)
{
    while (l->at < l->end) {
        if (isspace((unsigned char)*l->at)) {
            l->line += *l->at++ == '\n';
        } else if (l->end - l->at > 1 && l->at[0] == '-' && l->at[1] == '-') {
            size_t open = long_open(l, l->at + 2);
            l->at += 2;
            if (open)
                skip_long(l, open);
            else
                while (l->at < l->end && *l->at != '\n')
                    l->at++;
        } else {
            return;
        }
    }
}

static struct lint_word read_word(struct lint *l)
{
    skip_blanks(l);
    const char *start = l->at;
    struct lint_word w = {.line = l->line};
    if (start >= l->end)
        return w;
    size_t open = long_open(l, start);
    if (open) {
        skip_long(l, open);
        w.kind = LINT_STRING;
        return w;
    }
    if (*start == '"' || *start == '\'') {
        l->at++;
        while (l->at < l->end && *l->at != *start && *l->at != '\n')
            l->at += *l->at == '\\' && l->end - l->at > 1 ? 2 : 1;
        w.kind = LINT_STRING;
        w.text = slice_of(start + 1, (size_t)(l->at - start - 1));
        l->at += l->at < l->end;
        return w;
    }
    if (isalpha((unsigned char)*start) || *start == '_') {
        while (l->at < l->end && (isalnum((unsigned char)*l->at) || *l->at == '_'))
            l->at++;
        w.kind = LINT_NAME;
    } else if (isdigit((unsigned char)*start)) {
        while (l->at < l->end && (isalnum((unsigned char)*l->at) || *l->at == '.'))
            l->at++;
        w.kind = LINT_NUMBER;
    } else {
        l->at++;
        w.kind = LINT_SIGN;
    }
    w.text = slice_of(start, (size_t)(l->at - start));
    return w;
}

void lint_advance(struct lint *l)
{
    l->before2 = l->before;
    l->before = l->now;
    l->now = l->next;
    l->next = l->next2;
    l->next2 = read_word(l);
}

void lint_rewind(struct lint *l, struct slice text)
{
    l->at = text.p;
    l->end = text.p + text.len;
    l->line = 1;
    l->before2 = l->before = (struct lint_word){0};
    l->now = read_word(l);
    l->next = read_word(l);
    l->next2 = read_word(l);
}

bool lint_is(struct lint_word w, const char *text)
{
    return (w.kind == LINT_NAME || w.kind == LINT_SIGN) && slice_eq(w.text, slice_cstr(text));
}
