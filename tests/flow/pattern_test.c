/* The counting matcher against the library's own: the same answers on many patterns, and an end in
 * bounded steps where the library would run for hours. */
#include <lauxlib.h>
#include <lualib.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "flow/pattern.h"

/* find with captures by ours: "start,end,capture,…" or "nil" or "error". */
static void ours(const char *s, const char *p, char *out, size_t cap)
{
    struct pattern m = {
        .text = s, .text_end = s + strlen(s), .end = p + strlen(p), .steps_max = 100000};
    bool anchored = *p == '^';
    size_t at = 0;

    snprintf(out, cap, "nil");
    for (const char *from = s; from <= m.text_end; from++) {
        m.level = m.depth = 0;
        const char *end = pattern_match(&m, from, p + anchored);
        if (m.error) {
            snprintf(out, cap, "error");
            return;
        }
        if (end) {
            at += (size_t)snprintf(out, cap, "%d,%d", (int)(from - s + 1), (int)(end - s));
            for (int i = 0; i < m.level; i++) {
                if (m.capture[i].len == PATTERN_POSITION)
                    at += (size_t)snprintf(out + at, cap - at, ",%d",
                                           (int)(m.capture[i].start - s + 1));
                else if (m.capture[i].len < 0)
                    snprintf(out, cap, "error");
                else
                    at += (size_t)snprintf(out + at, cap - at, ",%.*s", (int)m.capture[i].len,
                                           m.capture[i].start);
                if (out[0] == 'e')
                    return;
            }
            return;
        }
        if (anchored)
            return;
    }
}

static void librarys(lua_State *L, const char *s, const char *p, char *out, size_t cap)
{
    lua_settop(L, 0);
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "find");
    lua_pushstring(L, s);
    lua_pushstring(L, p);
    if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK) {
        snprintf(out, cap, "error");
        return;
    }
    if (lua_isnil(L, 2)) {
        snprintf(out, cap, "nil");
        return;
    }
    size_t at = 0;
    for (int i = 2; i <= lua_gettop(L); i++)
        at += (size_t)snprintf(out + at, cap - at, "%s%s", i > 2 ? "," : "", lua_tostring(L, i));
}

Test(pattern, agrees_with_the_library_on_random_patterns)
{
    static const char *const pieces[] = {"a",    "b",     ".",  "%a",   "%d",     "%s",    "[ab]",
                                         "[^a]", "[a-c]", "*",  "+",    "-",      "?",     "(",
                                         ")",    "()",    "%1", "%b()", "%f[%a]", "^",     "$",
                                         "%",    "[",     "]",  "c",    "%.",     "[%w_]", "-"};
    static const char subject_letters[] = "aabc1 ().";
    lua_State *L = luaL_newstate();
    struct rng rng;
    uint32_t matched = 0, errors = 0;

    luaL_openlibs(L);
    rng_seed(&rng, 42);
    for (int i = 0; i < 60000; i++) {
        char p[64] = "", s[16] = "", a[256], b[256];
        uint32_t n = 1 + rng_below(&rng, 6), len = rng_below(&rng, 12);
        for (uint32_t k = 0; k < n; k++)
            strcat(p, pieces[rng_below(&rng, sizeof pieces / sizeof *pieces)]);
        for (uint32_t k = 0; k < len; k++)
            s[k] = subject_letters[rng_below(&rng, sizeof subject_letters - 1)];
        ours(s, p, a, sizeof a);
        librarys(L, s, p, b, sizeof b);
        if (strpbrk(p, "^$*+?.([%-") == NULL)
            continue; /* the library does a plain search; so do our strings */
        cr_assert_str_eq(a, b, "find(\"%s\", \"%s\"): ours %s, the library's %s", s, p, a, b);
        matched += a[0] >= '0' && a[0] <= '9';
        errors += a[0] == 'e';
    }
    cr_assert_gt(matched, 5000u, "%u matched", matched);
    cr_assert_gt(errors, 5000u);
    lua_close(L);
}

Test(pattern, costly_patterns_stop_after_their_steps)
{
    char s[4096], p[] = "a*a*a*a*a*a*a*a*b";
    struct pattern m = {.steps_max = 50000};

    memset(s, 'a', sizeof s);
    m.text = s;
    m.text_end = s + sizeof s;
    m.end = p + strlen(p);
    cr_assert_null(pattern_match(&m, s, p));
    cr_assert_eq(m.error, pattern_too_long);
    cr_assert_leq(m.steps, m.steps_max + 1);
}

Test(pattern, nesting_is_bounded)
{
    char p[2048] = "", s[1024];
    struct pattern m = {.steps_max = 1000000};

    memset(s, 'a', sizeof s);
    for (int i = 0; i < 400; i++)
        strcat(p, "a?");
    m.text = s;
    m.text_end = s + sizeof s;
    m.end = p + strlen(p);
    cr_assert_null(pattern_match(&m, s, p));
    cr_assert_str_eq(m.error, "pattern too complex");
}
