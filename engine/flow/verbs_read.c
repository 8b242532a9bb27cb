/* Numbers, digits, dates and amounts as words of the call's language (words.h), for what is said
 * or put into prompts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow/prompts.h"

static int push_words(lua_State *L, struct buf *b)
{
    if (buf_end(b) != OK)
        return luaL_error(L, "it is too long to be read");
    lua_pushlstring(L, b->p, b->len);
    return 1;
}

/*@both read.number(n [, { gender = "m"|"f"|"n", lang = "en"|"ru"|"sl" }])
 * A whole number in words, in the call's language or `lang`: up to 999,999,999,999,999 and its
 * negative. `gender` is that of what is counted (Russian "одна", Slovenian "dva").
 */
static int verb_number(lua_State *L)
{
    static const char *const options[] = {"gender", "lang", NULL};
    char text[WORDS_TEXT_MAX];
    struct buf b = buf_on(text, sizeof text);
    lua_Integer n = luaL_checkinteger(L, 1);
    enum words_gender gender = WORDS_COUNTING;

    opt_only(L, 2, options);
    const char *g = opt_string(L, 2, "gender", "");
    if (*g && strcmp(g, "m") && strcmp(g, "f") && strcmp(g, "n"))
        return luaL_error(L, "gender is '%s': it must be m, f or n", g);
    if (*g)
        gender = *g == 'm' ? WORDS_M : *g == 'f' ? WORDS_F : WORDS_N;
    luaL_argcheck(L, n >= -WORDS_NUMBER_MAX && n <= WORDS_NUMBER_MAX, 1, "it is too large");
    words_number(&b, prompt_lang(L, 2), n, gender);
    return push_words(L, &b);
}

/*@both read.digits(text [, { lang = "en" }])
 * Keys one by one (0-9 * # + A-D; blanks, dots, dashes and brackets are left out), up to 64.
 */
static int verb_digits(lua_State *L)
{
    static const char *const options[] = {"lang", NULL};
    char text[64 * 24];
    struct buf b = buf_on(text, sizeof text);
    size_t len;
    const char *digits = luaL_checklstring(L, 1, &len);

    opt_only(L, 2, options);
    if (words_digits(&b, prompt_lang(L, 2), slice_of(digits, len)) != OK)
        return luaL_error(L, "'%s' has characters that are no keys, or none at all", digits);
    return push_words(L, &b);
}

/*@both read.date(date [, { on = false, lang = "en" }])
 * A day "2026-03-15", or without its year "03-15". `on`: as the answer to "when?" (Russian and
 * Slovenian genitive).
 */
static int verb_date(lua_State *L)
{
    static const char *const options[] = {"on", "lang", NULL};
    char text[WORDS_TEXT_MAX], rest;
    struct buf b = buf_on(text, sizeof text);
    const char *date = luaL_checkstring(L, 1);
    int year = 0, month, day;

    opt_only(L, 2, options);
    bool whole = sscanf(date, "%4d-%2d-%2d%c", &year, &month, &day, &rest) == 3;
    if (!whole) {
        year = 0;
        whole = sscanf(date, "%2d-%2d%c", &month, &day, &rest) == 2;
    } else if (year == 0) {
        whole = false;
    }
    bool on = opt_bool(L, 2, "on", false);
    if (!whole || words_date(&b, prompt_lang(L, 2), year, month, day, on) != OK)
        return luaL_error(L, "'%s' is no day: write YEAR-MONTH-DAY or MONTH-DAY", date);
    return push_words(L, &b);
}

/*@both read.amount(amount, currency [, { lang = "en" }])
 * An amount of money, such as 12.5, "EUR": EUR, USD, GBP, CHF, RUB or RSD. Hundredths are rounded
 * and left out where there are none.
 */
static int verb_amount(lua_State *L)
{
    static const char *const options[] = {"lang", NULL};
    char text[WORDS_TEXT_MAX];
    struct buf b = buf_on(text, sizeof text);
    double amount = luaL_checknumber(L, 1);
    const char *currency = luaL_checkstring(L, 2);

    opt_only(L, 3, options);
    luaL_argcheck(L, fabs(amount) < 1e12, 1, "it is too large");
    if (words_amount(&b, prompt_lang(L, 3), llround(amount * 100), slice_cstr(currency)) != OK)
        return luaL_error(L, "there is no currency '%s'; known: %s", currency, words_currencies());
    return push_words(L, &b);
}

/*@both read.plural(n, { one = text, two = text, few = text, many = text } [, { lang = "en" }])
 * Which form of a noun goes with a number: English one, many; Russian one, few, many; Slovenian
 * one, two, few, many. A form that is not given is `many`.
 */
static int verb_plural(lua_State *L)
{
    static const char *const options[] = {"lang", NULL};
    static const char *const names[] = {"one", "two", "few", "many"};
    lua_Integer n = luaL_checkinteger(L, 1);

    luaL_checktype(L, 2, LUA_TTABLE);
    opt_only(L, 3, options);
    enum words_form form = words_form_of(prompt_lang(L, 3), n);
    if (lua_getfield(L, 2, names[form]) == LUA_TNIL && lua_getfield(L, 2, "many") == LUA_TNIL)
        return luaL_error(L, "read.plural needs the form '%s', or many", names[form]);
    return 1;
}

const struct verb verbs_read[] = {
    {"number", verb_number, VERB_BOTH}, {"digits", verb_digits, VERB_BOTH},
    {"date", verb_date, VERB_BOTH},     {"amount", verb_amount, VERB_BOTH},
    {"plural", verb_plural, VERB_BOTH}, {NULL, NULL, VERB_BOTH},
};
