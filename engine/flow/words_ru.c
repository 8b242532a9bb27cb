/* Russian: one and two take the gender of what is counted, the noun takes one of three forms, and
 * of an ordinal of several words only the last is ordinal. */
#include "flow/words_inner.h"

static const char *const small[] = {"ноль",        "один",       "два",          "три",
                                    "четыре",      "пять",       "шесть",        "семь",
                                    "восемь",      "девять",     "десять",       "одиннадцать",
                                    "двенадцать",  "тринадцать", "четырнадцать", "пятнадцать",
                                    "шестнадцать", "семнадцать", "восемнадцать", "девятнадцать"};
static const char *const tens[] = {
    "",          "",           "двадцать",  "тридцать",    "сорок",
    "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"};
static const char *const hundreds[] = {"",        "сто",      "двести",  "триста",    "четыреста",
                                       "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот"};

/* Unicode CLDR, ru, cardinals of whole numbers. */
static enum words_form form(uint64_t n)
{
    if (n % 10 == 1 && n % 100 != 11)
        return WORDS_ONE;
    if (n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 12 || n % 100 > 14))
        return WORDS_FEW;
    return WORDS_MANY;
}

static const char *one_to_nineteen(uint32_t n, enum words_gender g)
{
    if (n == 1)
        return g == WORDS_F ? "одна" : g == WORDS_N ? "одно" : "один";
    if (n == 2)
        return g == WORDS_F ? "две" : "два";
    return small[n];
}

static void below_thousand(struct buf *b, uint32_t n, enum words_gender g)
{
    words_add(b, hundreds[n / 100]);
    n %= 100;
    if (n >= 20) {
        words_add(b, tens[n / 10]);
        n %= 10;
    }
    if (n)
        words_add(b, one_to_nineteen(n, g));
}

static const struct words_noun scale[] = {
    {WORDS_M, {0, 0, 0, 0}},
    {WORDS_F, {"тысяча", 0, "тысячи", "тысяч"}},
    {WORDS_M, {"миллион", 0, "миллиона", "миллионов"}},
    {WORDS_M, {"миллиард", 0, "миллиарда", "миллиардов"}},
    {WORDS_M, {"триллион", 0, "триллиона", "триллионов"}},
};

static void number(struct buf *b, uint64_t n, enum words_gender g)
{
    uint64_t unit = UINT64_C(1000000000000);

    if (n == 0)
        words_add(b, small[0]);
    for (int s = 4; s >= 0; s--, unit /= 1000) {
        uint32_t part = (uint32_t)(n / unit % 1000);
        if (part == 0)
            continue;
        below_thousand(b, part, s ? scale[s].gender : g);
        if (s)
            words_add(b, scale[s].form[form(part)]);
    }
}

/* Stems of ordinals, without their endings. */
static const char *const ordinals[] = {"",           "перв",      "втор",        "трет",
                                       "четвёрт",    "пят",       "шест",        "седьм",
                                       "восьм",      "девят",     "десят",       "одиннадцат",
                                       "двенадцат",  "тринадцат", "четырнадцат", "пятнадцат",
                                       "шестнадцат", "семнадцат", "восемнадцат", "девятнадцат"};
static const char *const ordinal_tens[] = {
    "",          "",           "двадцат",   "тридцат",     "сороков",
    "пятидесят", "шестидесят", "семидесят", "восьмидесят", "девяност"};
static const char *const ordinal_hundreds[] = {"",           "сот",      "двухсот",  "трёхсот",
                                               "четырёхсот", "пятисот",  "шестисот", "семисот",
                                               "восьмисот",  "девятисот"};
static const char *const ordinal_thousands[] = {"", "тысячн", "двухтысячн"};

/* An ordinal of 1…2999: neuter ("пятое"), or genitive ("пятого", which masculine and neuter share).
 */
static void ordinal(struct buf *b, uint32_t n, bool genitive)
{
    uint32_t last = n % 100 >= 20 ? n % 10 : n % 100, ten = n % 100 >= 20 ? n / 10 % 10 : 0,
             hundred = n / 100 % 10, thousand = n / 1000;
    const char *stem;

    if (thousand && n % 1000) /* "тысяча" without "одна", as years are read */
        words_add(b, thousand == 1 ? "тысяча" : "две тысячи");
    if (hundred && n % 100)
        words_add(b, hundreds[hundred]);
    if (ten && last)
        words_add(b, tens[ten]);
    if (last)
        stem = ordinals[last];
    else if (ten)
        stem = ordinal_tens[ten];
    else if (hundred)
        stem = ordinal_hundreds[hundred];
    else
        stem = ordinal_thousands[thousand];
    words_add(b, stem);
    if (last == 3)
        buf_puts(b, genitive ? "ьего" : "ье");
    else
        buf_puts(b, genitive ? "ого" : "ое");
}

static void date(struct buf *b, int year, int month, int day, bool on)
{
    static const char *const months[] = {"января",   "февраля", "марта",  "апреля",
                                         "мая",      "июня",    "июля",   "августа",
                                         "сентября", "октября", "ноября", "декабря"};

    ordinal(b, (uint32_t)day, on);
    words_add(b, months[month - 1]);
    if (year) {
        ordinal(b, (uint32_t)year, true);
        words_add(b, "года");
    }
}

static const struct words_currency currencies[] = {
    {"EUR", {WORDS_M, {0, 0, 0, "евро"}}, {WORDS_M, {"цент", 0, "цента", "центов"}}},
    {"USD",
     {WORDS_M, {"доллар", 0, "доллара", "долларов"}},
     {WORDS_M, {"цент", 0, "цента", "центов"}}},
    {"GBP", {WORDS_M, {"фунт", 0, "фунта", "фунтов"}}, {WORDS_M, {"пенс", 0, "пенса", "пенсов"}}},
    {"CHF",
     {WORDS_M, {"франк", 0, "франка", "франков"}},
     {WORDS_M, {"сантим", 0, "сантима", "сантимов"}}},
    {"RUB",
     {WORDS_M, {"рубль", 0, "рубля", "рублей"}},
     {WORDS_F, {"копейка", 0, "копейки", "копеек"}}},
    {"RSD", {WORDS_M, {"динар", 0, "динара", "динаров"}}, {WORDS_F, {"пара", 0, "пары", "пар"}}},
    {NULL, {0, {0}}, {0, {0}}},
};

const struct words_rules words_ru = {
    .minus = "минус",
    .and_ = NULL,
    .digits = {"ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"},
    .star = "звёздочка",
    .hash = "решётка",
    .plus = "плюс",
    .form = form,
    .number = number,
    .date = date,
    .currencies = currencies,
};
