/* English as it is read in America: no "and" inside a number, years in pairs, month before day. */
#include "flow/words_inner.h"

static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                    "five",    "six",     "seven",     "eight",    "nine",
                                    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};

static void below_hundred(struct buf *b, uint32_t n)
{
    if (n < 20) {
        words_add(b, small[n]);
        return;
    }
    words_add(b, tens[n / 10]);
    if (n % 10) {
        buf_putc(b, '-');
        buf_puts(b, small[n % 10]);
    }
}

static void below_thousand(struct buf *b, uint32_t n)
{
    if (n >= 100) {
        words_add(b, small[n / 100]);
        words_add(b, "hundred");
    }
    if (n % 100)
        below_hundred(b, n % 100);
}

static void number(struct buf *b, uint64_t n, enum words_gender g)
{
    static const char *const scale[] = {NULL, "thousand", "million", "billion", "trillion"};
    uint64_t unit = UINT64_C(1000000000000);

    (void)g;
    if (n == 0)
        words_add(b, small[0]);
    for (int s = 4; s >= 0; s--, unit /= 1000) {
        uint32_t part = (uint32_t)(n / unit % 1000);
        if (part == 0)
            continue;
        below_thousand(b, part);
        words_add(b, scale[s]);
    }
}

static enum words_form form(uint64_t n)
{
    return n == 1 ? WORDS_ONE : WORDS_MANY;
}

static void year_words(struct buf *b, uint32_t y)
{
    if (y % 1000 < 10) { /* two thousand, two thousand five */
        number(b, y, WORDS_COUNTING);
        return;
    }
    below_hundred(b, y / 100);
    if (y % 100 == 0) {
        words_add(b, "hundred");
    } else {
        if (y % 100 < 10)
            words_add(b, "oh");
        below_hundred(b, y % 100);
    }
}

static void date(struct buf *b, int year, int month, int day, bool on)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const ordinals[] = {"first",       "second",     "third",      "fourth",
                                           "fifth",       "sixth",      "seventh",    "eighth",
                                           "ninth",       "tenth",      "eleventh",   "twelfth",
                                           "thirteenth",  "fourteenth", "fifteenth",  "sixteenth",
                                           "seventeenth", "eighteenth", "nineteenth", "twentieth"};

    if (on)
        words_add(b, "on");
    words_add(b, months[month - 1]);
    if (day <= 20) {
        words_add(b, ordinals[day - 1]);
    } else if (day == 30) {
        words_add(b, "thirtieth");
    } else {
        words_add(b, day < 30 ? "twenty-" : "thirty-");
        buf_puts(b, ordinals[day % 10 - 1]);
    }
    if (year) {
        buf_putc(b, ',');
        year_words(b, (uint32_t)year);
    }
}

static const struct words_currency currencies[] = {
    {"EUR", {WORDS_M, {"euro", 0, 0, "euros"}}, {WORDS_M, {"cent", 0, 0, "cents"}}},
    {"USD", {WORDS_M, {"dollar", 0, 0, "dollars"}}, {WORDS_M, {"cent", 0, 0, "cents"}}},
    {"GBP", {WORDS_M, {"pound", 0, 0, "pounds"}}, {WORDS_M, {"penny", 0, 0, "pence"}}},
    {"CHF", {WORDS_M, {"franc", 0, 0, "francs"}}, {WORDS_M, {"centime", 0, 0, "centimes"}}},
    {"RUB", {WORDS_M, {"ruble", 0, 0, "rubles"}}, {WORDS_M, {"kopeck", 0, 0, "kopecks"}}},
    {"RSD", {WORDS_M, {"dinar", 0, 0, "dinars"}}, {WORDS_M, {"para", 0, 0, "paras"}}},
    {NULL, {0, {0}}, {0, {0}}},
};

const struct words_rules words_en = {
    .minus = "minus",
    .and_ = "and",
    .digits = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"},
    .star = "star",
    .hash = "pound",
    .plus = "plus",
    .form = form,
    .number = number,
    .date = date,
    .currencies = currencies,
};
