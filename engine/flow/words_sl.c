/* Slovenian: ones before tens in one word (enaindvajset), a dual, and the form of the noun by the
 * last two digits, so that 101 is singular and 21 is not. Three and four have a masculine form of
 * their own. "tisoč" does not change. */
#include "flow/words_inner.h"

static const char *const small[] = {
    "nič",        "ena",      "dve",       "tri",        "štiri",     "pet",       "šest",
    "sedem",      "osem",     "devet",     "deset",      "enajst",    "dvanajst",  "trinajst",
    "štirinajst", "petnajst", "šestnajst", "sedemnajst", "osemnajst", "devetnajst"};
static const char *const tens[] = {"",           "",          "dvajset",   "trideset",
                                   "štirideset", "petdeset",  "šestdeset", "sedemdeset",
                                   "osemdeset",  "devetdeset"};
static const char *const hundreds[] = {"",       "sto",     "dvesto",   "tristo",  "štiristo",
                                       "petsto", "šeststo", "sedemsto", "osemsto", "devetsto"};

/* Unicode CLDR, sl, cardinals of whole numbers. */
static enum words_form form(uint64_t n)
{
    switch (n % 100) {
    case 1:
        return WORDS_ONE;
    case 2:
        return WORDS_TWO;
    case 3:
    case 4:
        return WORDS_FEW;
    default:
        return WORDS_MANY;
    }
}

static const char *one_to_nineteen(uint32_t n, enum words_gender g)
{
    switch (n) {
    case 1:
        return g == WORDS_M ? "en" : g == WORDS_N ? "eno" : "ena";
    case 2:
        return g == WORDS_M ? "dva" : "dve";
    case 3:
        return g == WORDS_M ? "trije" : "tri";
    case 4:
        return g == WORDS_M ? "štirje" : "štiri";
    default:
        return small[n];
    }
}

/* 21…99 that are no tens: the same for all genders, dva- and not dve-. */
static void joined(struct buf *b, uint32_t n)
{
    words_add(b, n % 10 == 2 ? "dva" : small[n % 10]);
    buf_puts(b, "in");
    buf_puts(b, tens[n / 10]);
}

static void below_thousand(struct buf *b, uint32_t n, enum words_gender g)
{
    words_add(b, hundreds[n / 100]);
    n %= 100;
    if (n == 0)
        return;
    if (n < 20)
        words_add(b, one_to_nineteen(n, g));
    else if (n % 10 == 0)
        words_add(b, tens[n / 10]);
    else
        joined(b, n);
}

static const struct words_noun scale[] = {
    {WORDS_M, {0, 0, 0, 0}},
    {WORDS_M, {"tisoč", "tisoč", "tisoč", "tisoč"}},
    {WORDS_M, {"milijon", "milijona", "milijoni", "milijonov"}},
    {WORDS_F, {"milijarda", "milijardi", "milijarde", "milijard"}},
    {WORDS_M, {"bilijon", "bilijona", "bilijoni", "bilijonov"}},
};

/* Before tisoč, three and four are "tri" and "štiri", and one is not said. */
static void thousands(struct buf *b, uint32_t n)
{
    uint32_t last = n % 100;

    if (n == 1)
        return;
    if (last == 3 || last == 4)
        below_thousand(b, n, WORDS_F);
    else
        below_thousand(b, n, WORDS_M);
}

static void number(struct buf *b, uint64_t n, enum words_gender g)
{
    uint64_t unit = UINT64_C(1000000000000);

    if (n == 0)
        words_add(b, small[0]);
    for (int s = 4; s >= 0; s--, unit /= 1000) {
        uint32_t part = (uint32_t)(n / unit % 1000);
        if (part == 0)
            continue;
        if (s == 1)
            thousands(b, part);
        else
            below_thousand(b, part, s ? scale[s].gender : g);
        if (s)
            words_add(b, scale[s].form[form(part)]);
    }
}

/* Stems of ordinals 1…31, before -i and -ega. */
static void ordinal(struct buf *b, uint32_t n, bool genitive)
{
    static const char *const stems[] = {"",     "prv",  "drug", "tretj", "četrt", "pet",
                                        "šest", "sedm", "osm",  "devet", "deset"};

    if (n <= 10)
        words_add(b, stems[n]);
    else if (n < 20)
        words_add(b, small[n]);
    else if (n % 10 == 0)
        words_add(b, tens[n / 10]);
    else
        joined(b, n);
    buf_puts(b, genitive ? "ega" : "i");
}

static void date(struct buf *b, int year, int month, int day, bool on)
{
    static const char *const nominative[] = {"januar",    "februar", "marec",    "april",
                                             "maj",       "junij",   "julij",    "avgust",
                                             "september", "oktober", "november", "december"};
    static const char *const genitive[] = {"januarja",  "februarja", "marca",    "aprila",
                                           "maja",      "junija",    "julija",   "avgusta",
                                           "septembra", "oktobra",   "novembra", "decembra"};

    ordinal(b, (uint32_t)day, on);
    words_add(b, (on ? genitive : nominative)[month - 1]);
    if (year)
        number(b, (uint64_t)year, WORDS_COUNTING);
}

static const struct words_currency currencies[] = {
    {"EUR",
     {WORDS_M, {"evro", "evra", "evri", "evrov"}},
     {WORDS_M, {"cent", "centa", "centi", "centov"}}},
    {"USD",
     {WORDS_M, {"dolar", "dolarja", "dolarji", "dolarjev"}},
     {WORDS_M, {"cent", "centa", "centi", "centov"}}},
    {"GBP",
     {WORDS_M, {"funt", "funta", "funti", "funtov"}},
     {WORDS_M, {"peni", "penija", "peniji", "penijev"}}},
    {"CHF",
     {WORDS_M, {"frank", "franka", "franki", "frankov"}},
     {WORDS_M, {"santim", "santima", "santimi", "santimov"}}},
    {"RUB",
     {WORDS_M, {"rubelj", "rublja", "rublji", "rubljev"}},
     {WORDS_F, {"kopejka", "kopejki", "kopejke", "kopejk"}}},
    {"RSD",
     {WORDS_M, {"dinar", "dinarja", "dinarji", "dinarjev"}},
     {WORDS_F, {"para", "pari", "pare", "par"}}},
    {NULL, {0, {0}}, {0, {0}}},
};

const struct words_rules words_sl = {
    .minus = "minus",
    .and_ = "in",
    .digits = {"nič", "ena", "dve", "tri", "štiri", "pet", "šest", "sedem", "osem", "devet"},
    .star = "zvezdica",
    .hash = "lojtra",
    .plus = "plus",
    .form = form,
    .number = number,
    .date = date,
    .currencies = currencies,
};
