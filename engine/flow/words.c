/* What all languages have in common. */
#include "flow/words.h"

#include <assert.h>

#include "flow/words_inner.h"

#define DIGITS_MAX 64

static const struct words_rules *const rules[WORDS_LANGS] = {&words_en, &words_ru, &words_sl};
static const char *const lang_names[WORDS_LANGS] = {"en", "ru", "sl"};

enum err words_lang_parse(struct slice name, enum words_lang *out)
{
    for (int i = 0; i < WORDS_LANGS; i++)
        if (slice_eq(name, slice_cstr(lang_names[i]))) {
            *out = (enum words_lang)i;
            return OK;
        }
    return ERR_NOT_FOUND;
}

const char *words_lang_name(enum words_lang l)
{
    return lang_names[l];
}

void words_add(struct buf *b, const char *word)
{
    if (!word || !*word)
        return;
    if (b->len > 0)
        buf_putc(b, ' ');
    buf_puts(b, word);
}

static uint64_t magnitude(int64_t n)
{
    return n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
}

enum words_form words_form_of(enum words_lang l, int64_t n)
{
    return rules[l]->form(magnitude(n));
}

void words_number(struct buf *b, enum words_lang l, int64_t n, enum words_gender g)
{
    assert(magnitude(n) <= (uint64_t)WORDS_NUMBER_MAX);
    if (n < 0)
        words_add(b, rules[l]->minus);
    rules[l]->number(b, magnitude(n), g);
}

enum err words_digits(struct buf *b, enum words_lang l, struct slice digits)
{
    const struct words_rules *r = rules[l];
    uint32_t said = 0;

    for (uint32_t i = 0; i < digits.len; i++) {
        char c = digits.p[i];
        char letter[2] = {c, '\0'};
        if (c != '\0' && strchr(" .-()/", c))
            continue;
        if (++said > DIGITS_MAX)
            return ERR_INVALID;
        if (c >= '0' && c <= '9')
            words_add(b, r->digits[c - '0']);
        else if (c == '*')
            words_add(b, r->star);
        else if (c == '#')
            words_add(b, r->hash);
        else if (c == '+')
            words_add(b, r->plus);
        else if (c >= 'A' && c <= 'D')
            words_add(b, letter);
        else
            return ERR_INVALID;
    }
    return said ? OK : ERR_INVALID;
}

enum err words_date(struct buf *b, enum words_lang l, int year, int month, int day, bool on)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if ((year != 0 && (year < 1000 || year > 2999)) || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] || (year != 0 && month == 2 && day == 29 && !leap))
        return ERR_INVALID;
    rules[l]->date(b, year, month, day, on);
    return OK;
}

static void counted(struct buf *b, const struct words_rules *r, uint64_t n,
                    const struct words_noun *noun)
{
    enum words_form form = r->form(n);

    r->number(b, n, noun->gender);
    words_add(b, noun->form[form] ? noun->form[form] : noun->form[WORDS_MANY]);
}

enum err words_amount(struct buf *b, enum words_lang l, int64_t hundredths, struct slice currency)
{
    const struct words_rules *r = rules[l];
    const struct words_currency *c = r->currencies;
    uint64_t n = magnitude(hundredths), whole = n / 100, part = n % 100;

    if (n > (uint64_t)WORDS_NUMBER_MAX)
        return ERR_TOO_LONG;
    while (c->code && !slice_eq(currency, slice_cstr(c->code)))
        c++;
    if (!c->code)
        return ERR_NOT_FOUND;
    if (hundredths < 0)
        words_add(b, r->minus);
    if (whole > 0 || part == 0)
        counted(b, r, whole, &c->whole);
    if (whole > 0 && part > 0)
        words_add(b, r->and_);
    if (part > 0)
        counted(b, r, part, &c->part);
    return OK;
}

const char *words_currencies(void)
{
    return "EUR, USD, GBP, CHF, RUB, RSD";
}
