/* A backtracking matcher of Lua 5.4 patterns (reference manual 6.4.1) that counts its steps. */
#include "flow/pattern.h"

#include <ctype.h>
#include <string.h>

#define OPEN (-1) /* len of a capture whose ')' has not been reached */

const char pattern_too_long[] = "the pattern takes too long on this string";

static const char *fail(struct pattern *m, const char *why)
{
    if (!m->error)
        m->error = why;
    return NULL;
}

static bool step(struct pattern *m)
{
    if (m->error)
        return false;
    if (++m->steps <= m->steps_max)
        return true;
    fail(m, pattern_too_long);
    return false;
}

bool pattern_is_plain(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr("^$*+?.([%-", p[i]) && p[i])
            return false;
    return true;
}

/* The end of the single-character class that begins at p. */
static const char *class_end(struct pattern *m, const char *p)
{
    if (*p++ == '%') {
        if (p == m->end)
            return fail(m, "malformed pattern (ends with '%')");
        return p + 1;
    }
    if (p[-1] != '[')
        return p;
    if (p < m->end && *p == '^')
        p++;
    do { /* a ']' in first place stands for itself */
        if (p == m->end)
            return fail(m, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p == m->end)
                return fail(m, "malformed pattern (missing ']')");
            p++;
        }
    } while (p == m->end || *p != ']');
    return p + 1;
}

static bool class_has(int c, int cl)
{
    bool is;

    switch (tolower(cl)) {
    case 'a':
        is = isalpha(c);
        break;
    case 'c':
        is = iscntrl(c);
        break;
    case 'd':
        is = isdigit(c);
        break;
    case 'g':
        is = isgraph(c);
        break;
    case 'l':
        is = islower(c);
        break;
    case 'p':
        is = ispunct(c);
        break;
    case 's':
        is = isspace(c);
        break;
    case 'u':
        is = isupper(c);
        break;
    case 'w':
        is = isalnum(c);
        break;
    case 'x':
        is = isxdigit(c);
        break;
    default:
        return cl == c;
    }
    return isupper(cl) ? !is : is;
}

/* p at '[', last at its ']'. */
static bool set_has(int c, const char *p, const char *last)
{
    bool in = true;

    if (p[1] == '^') {
        in = false;
        p++;
    }
    while (++p < last) {
        if (*p == '%') {
            p++;
            if (class_has(c, (unsigned char)*p))
                return in;
        } else if (p[1] == '-' && p + 2 < last) {
            p += 2;
            if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p)
                return in;
        } else if ((unsigned char)*p == c) {
            return in;
        }
    }
    return !in;
}

static bool one_matches(const struct pattern *m, const char *s, const char *p, const char *after)
{
    if (s >= m->text_end)
        return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return class_has(c, (unsigned char)p[1]);
    case '[':
        return set_has(c, p, after - 1);
    default:
        return (unsigned char)*p == c;
    }
}

static const char *balance(struct pattern *m, const char *s, const char *p)
{
    int depth = 1;

    if (p + 1 >= m->end)
        return fail(m, "malformed pattern (missing arguments to '%b')");
    if (s >= m->text_end || *s != *p)
        return NULL;
    while (++s < m->text_end) {
        if (!step(m))
            return NULL;
        if (*s == p[1]) {
            if (--depth == 0)
                return s + 1;
        } else if (*s == *p) {
            depth++;
        }
    }
    return NULL;
}

static const char *repeat_most(struct pattern *m, const char *s, const char *p, const char *after)
{
    ptrdiff_t n = 0;

    while (one_matches(m, s + n, p, after)) {
        if (!step(m))
            return NULL;
        n++;
    }
    for (; n >= 0; n--) {
        const char *end = pattern_match(m, s + n, after + 1);
        if (end || m->error)
            return end;
    }
    return NULL;
}

static const char *repeat_least(struct pattern *m, const char *s, const char *p, const char *after)
{
    for (;;) {
        const char *end = pattern_match(m, s, after + 1);
        if (end || m->error)
            return end;
        if (!step(m) || !one_matches(m, s, p, after))
            return NULL;
        s++;
    }
}

static const char *capture_begin(struct pattern *m, const char *s, const char *p, ptrdiff_t len)
{
    if (m->level >= PATTERN_CAPTURES_MAX)
        return fail(m, "too many captures");
    m->capture[m->level] = (struct pattern_capture){s, len};
    m->level++;
    const char *end = pattern_match(m, s, p);
    if (!end)
        m->level--;
    return end;
}

static const char *capture_close(struct pattern *m, const char *s, const char *p)
{
    int i = m->level - 1;

    while (i >= 0 && m->capture[i].len != OPEN)
        i--;
    if (i < 0)
        return fail(m, "invalid pattern capture");
    m->capture[i].len = s - m->capture[i].start;
    const char *end = pattern_match(m, s, p);
    if (!end)
        m->capture[i].len = OPEN;
    return end;
}

static const char *back_reference(struct pattern *m, const char *s, char digit)
{
    int i = digit - '1';

    if (i < 0 || i >= m->level || m->capture[i].len == OPEN)
        return fail(m, "invalid capture index in pattern");
    ptrdiff_t len = m->capture[i].len;
    if (len == PATTERN_POSITION) /* as the library: a position never equals text */
        return NULL;
    m->steps += (uint64_t)len / 16;
    if (m->text_end - s < len || memcmp(m->capture[i].start, s, (size_t)len) != 0)
        return NULL;
    return s + len;
}

/* "%f[set]": between a character not in the set and one in it; the ends count as '\0'. */
static bool frontier(struct pattern *m, const char *s, const char *p, const char *after)
{
    int before = s == m->text ? 0 : (unsigned char)s[-1];
    int at = s < m->text_end ? (unsigned char)*s : 0;

    return !set_has(before, p, after - 1) && set_has(at, p, after - 1);
}

/* What begins with "%" and is not a single character; *taken says whether it was such an item. */
static const char *special(struct pattern *m, const char *s, const char **p, bool *taken)
{
    char kind = (*p)[1];

    *taken = true;
    if (kind == 'b') {
        s = balance(m, s, *p + 2);
        *p += 4;
        return s;
    }
    if (kind == 'f') {
        const char *set = *p + 2;
        if (set >= m->end || *set != '[')
            return fail(m, "missing '[' after '%f' in pattern");
        const char *after = class_end(m, set);
        if (!after || !frontier(m, s, set, after))
            return NULL;
        *p = after;
        return s;
    }
    if (isdigit((unsigned char)kind)) {
        s = back_reference(m, s, kind);
        *p += 2;
        return s;
    }
    *taken = false;
    return s;
}

static const char *match_here(struct pattern *m, const char *s, const char *p)
{
    while (p < m->end) {
        if (!step(m))
            return NULL;
        if (*p == '(')
            return p + 1 < m->end && p[1] == ')' ? capture_begin(m, s, p + 2, PATTERN_POSITION)
                                                 : capture_begin(m, s, p + 1, OPEN);
        if (*p == ')')
            return capture_close(m, s, p + 1);
        if (*p == '$' && p + 1 == m->end)
            return s == m->text_end ? s : NULL;
        if (*p == '%' && p + 1 < m->end) {
            bool taken;
            s = special(m, s, &p, &taken);
            if (!s)
                return NULL;
            if (taken)
                continue;
        }
        const char *after = class_end(m, p);
        if (!after)
            return NULL;
        char suffix = after < m->end ? *after : '\0';
        if (suffix == '*')
            return repeat_most(m, s, p, after);
        if (suffix == '+')
            return one_matches(m, s, p, after) ? repeat_most(m, s + 1, p, after) : NULL;
        if (suffix == '-')
            return repeat_least(m, s, p, after);
        bool is = one_matches(m, s, p, after);
        if (suffix == '?') {
            if (is) {
                const char *end = pattern_match(m, s + 1, after + 1);
                if (end || m->error)
                    return end;
            }
            p = after + 1;
            continue;
        }
        if (!is)
            return NULL;
        s++;
        p = after;
    }
    return s;
}

const char *pattern_match(struct pattern *m, const char *s, const char *p)
{
    if (m->depth >= PATTERN_DEPTH_MAX)
        return fail(m, "pattern too complex");
    m->depth++;
    const char *end = match_here(m, s, p);
    m->depth--;
    return m->error ? NULL : end;
}
