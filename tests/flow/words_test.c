/* Reading rules, one row a rule: what a native speaker would say. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "flow/words.h"
#include "flow/words_known.h"

static char text[WORDS_TEXT_MAX];

static const char *taken(struct buf *b)
{
    cr_assert_eq(buf_end(b), OK);
    text[b->len] = '\0';
    return text;
}

static struct buf fresh(void)
{
    return buf_on(text, sizeof text - 1);
}

struct number_row {
    int64_t n;
    const char *en, *ru, *sl; /* counting */
};

Test(words, numbers)
{
    static const struct number_row rows[] = {
        {0, "zero", "ноль", "nič"},
        {1, "one", "один", "ena"},
        {2, "two", "два", "dve"},
        {3, "three", "три", "tri"},
        {4, "four", "четыре", "štiri"},
        {9, "nine", "девять", "devet"},
        {10, "ten", "десять", "deset"},
        {11, "eleven", "одиннадцать", "enajst"},
        {12, "twelve", "двенадцать", "dvanajst"},
        {13, "thirteen", "тринадцать", "trinajst"},
        {14, "fourteen", "четырнадцать", "štirinajst"},
        {15, "fifteen", "пятнадцать", "petnajst"},
        {16, "sixteen", "шестнадцать", "šestnajst"},
        {17, "seventeen", "семнадцать", "sedemnajst"},
        {18, "eighteen", "восемнадцать", "osemnajst"},
        {19, "nineteen", "девятнадцать", "devetnajst"},
        {20, "twenty", "двадцать", "dvajset"},
        {21, "twenty-one", "двадцать один", "enaindvajset"},
        {22, "twenty-two", "двадцать два", "dvaindvajset"},
        {34, "thirty-four", "тридцать четыре", "štiriintrideset"},
        {40, "forty", "сорок", "štirideset"},
        {55, "fifty-five", "пятьдесят пять", "petinpetdeset"},
        {90, "ninety", "девяносто", "devetdeset"},
        {99, "ninety-nine", "девяносто девять", "devetindevetdeset"},
        {100, "one hundred", "сто", "sto"},
        {101, "one hundred one", "сто один", "sto ena"},
        {111, "one hundred eleven", "сто одиннадцать", "sto enajst"},
        {200, "two hundred", "двести", "dvesto"},
        {213, "two hundred thirteen", "двести тринадцать", "dvesto trinajst"},
        {345, "three hundred forty-five", "триста сорок пять", "tristo petinštirideset"},
        {600, "six hundred", "шестьсот", "šeststo"},
        {999, "nine hundred ninety-nine", "девятьсот девяносто девять",
         "devetsto devetindevetdeset"},
        {1000, "one thousand", "одна тысяча", "tisoč"},
        {1001, "one thousand one", "одна тысяча один", "tisoč ena"},
        {2000, "two thousand", "две тысячи", "dva tisoč"},
        {3004, "three thousand four", "три тысячи четыре", "tri tisoč štiri"},
        {5000, "five thousand", "пять тысяч", "pet tisoč"},
        {11000, "eleven thousand", "одиннадцать тысяч", "enajst tisoč"},
        {21000, "twenty-one thousand", "двадцать одна тысяча", "enaindvajset tisoč"},
        {22022, "twenty-two thousand twenty-two", "двадцать две тысячи двадцать два",
         "dvaindvajset tisoč dvaindvajset"},
        {112000, "one hundred twelve thousand", "сто двенадцать тысяч", "sto dvanajst tisoč"},
        {1000000, "one million", "один миллион", "en milijon"},
        {2000000, "two million", "два миллиона", "dva milijona"},
        {3000000, "three million", "три миллиона", "trije milijoni"},
        {4000001, "four million one", "четыре миллиона один", "štirje milijoni ena"},
        {5000000, "five million", "пять миллионов", "pet milijonov"},
        {21000000, "twenty-one million", "двадцать один миллион", "enaindvajset milijonov"},
        {101000000, "one hundred one million", "сто один миллион", "sto en milijon"},
        {102000000, "one hundred two million", "сто два миллиона", "sto dva milijona"},
        {1000000000, "one billion", "один миллиард", "ena milijarda"},
        {2000000000, "two billion", "два миллиарда", "dve milijardi"},
        {3000000000, "three billion", "три миллиарда", "tri milijarde"},
        {5000000000, "five billion", "пять миллиардов", "pet milijard"},
        {1234567, "one million two hundred thirty-four thousand five hundred sixty-seven",
         "один миллион двести тридцать четыре тысячи пятьсот шестьдесят семь",
         "en milijon dvesto štiriintrideset tisoč petsto sedeminšestdeset"},
        {-1, "minus one", "минус один", "minus ena"},
        {-17, "minus seventeen", "минус семнадцать", "minus sedemnajst"},
        {-2000, "minus two thousand", "минус две тысячи", "minus dva tisoč"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const expected[] = {rows[i].en, rows[i].ru, rows[i].sl};
        for (int l = 0; l < WORDS_LANGS; l++) {
            struct buf b = fresh();
            words_number(&b, (enum words_lang)l, rows[i].n, WORDS_COUNTING);
            cr_expect_str_eq(taken(&b), expected[l], "%lld in %s: \"%s\", not \"%s\"",
                             (long long)rows[i].n, words_lang_name((enum words_lang)l), text,
                             expected[l]);
        }
    }
}

Test(words, genders)
{
    static const struct {
        enum words_lang l;
        int64_t n;
        enum words_gender g;
        const char *expected;
    } rows[] = {
        {WORDS_RU, 1, WORDS_M, "один"},
        {WORDS_RU, 1, WORDS_F, "одна"},
        {WORDS_RU, 1, WORDS_N, "одно"},
        {WORDS_RU, 2, WORDS_F, "две"},
        {WORDS_RU, 2, WORDS_N, "два"},
        {WORDS_RU, 12, WORDS_F, "двенадцать"},
        {WORDS_RU, 21, WORDS_F, "двадцать одна"},
        {WORDS_RU, 42, WORDS_F, "сорок две"},
        {WORDS_RU, 1001, WORDS_N, "одна тысяча одно"},
        {WORDS_SL, 1, WORDS_M, "en"},
        {WORDS_SL, 1, WORDS_F, "ena"},
        {WORDS_SL, 1, WORDS_N, "eno"},
        {WORDS_SL, 2, WORDS_M, "dva"},
        {WORDS_SL, 2, WORDS_F, "dve"},
        {WORDS_SL, 2, WORDS_N, "dve"},
        {WORDS_SL, 3, WORDS_M, "trije"},
        {WORDS_SL, 3, WORDS_F, "tri"},
        {WORDS_SL, 4, WORDS_M, "štirje"},
        {WORDS_SL, 4, WORDS_N, "štiri"},
        {WORDS_SL, 13, WORDS_M, "trinajst"},
        {WORDS_SL, 22, WORDS_F, "dvaindvajset"},
        {WORDS_SL, 103, WORDS_M, "sto trije"},
        {WORDS_SL, 1002, WORDS_M, "tisoč dva"},
        {WORDS_SL, 3003, WORDS_M, "tri tisoč trije"},
        {WORDS_EN, 2, WORDS_F, "two"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = fresh();
        words_number(&b, rows[i].l, rows[i].n, rows[i].g);
        cr_expect_str_eq(taken(&b), rows[i].expected);
    }
}

Test(words, forms_of_nouns)
{
    static const struct {
        int64_t n;
        enum words_form en, ru, sl;
    } rows[] = {
        {0, WORDS_MANY, WORDS_MANY, WORDS_MANY},  {1, WORDS_ONE, WORDS_ONE, WORDS_ONE},
        {2, WORDS_MANY, WORDS_FEW, WORDS_TWO},    {3, WORDS_MANY, WORDS_FEW, WORDS_FEW},
        {4, WORDS_MANY, WORDS_FEW, WORDS_FEW},    {5, WORDS_MANY, WORDS_MANY, WORDS_MANY},
        {11, WORDS_MANY, WORDS_MANY, WORDS_MANY}, {12, WORDS_MANY, WORDS_MANY, WORDS_MANY},
        {14, WORDS_MANY, WORDS_MANY, WORDS_MANY}, {21, WORDS_MANY, WORDS_ONE, WORDS_MANY},
        {22, WORDS_MANY, WORDS_FEW, WORDS_MANY},  {100, WORDS_MANY, WORDS_MANY, WORDS_MANY},
        {101, WORDS_MANY, WORDS_ONE, WORDS_ONE},  {102, WORDS_MANY, WORDS_FEW, WORDS_TWO},
        {104, WORDS_MANY, WORDS_FEW, WORDS_FEW},  {111, WORDS_MANY, WORDS_MANY, WORDS_MANY},
        {-1, WORDS_ONE, WORDS_ONE, WORDS_ONE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(words_form_of(WORDS_EN, rows[i].n), rows[i].en, "%d", (int)rows[i].n);
        cr_expect_eq(words_form_of(WORDS_RU, rows[i].n), rows[i].ru, "%d", (int)rows[i].n);
        cr_expect_eq(words_form_of(WORDS_SL, rows[i].n), rows[i].sl, "%d", (int)rows[i].n);
    }
}

Test(words, amounts)
{
    static const struct {
        int64_t hundredths;
        const char *currency, *en, *ru, *sl;
    } rows[] = {
        {0, "EUR", "zero euros", "ноль евро", "nič evrov"},
        {100, "EUR", "one euro", "один евро", "en evro"},
        {200, "EUR", "two euros", "два евро", "dva evra"},
        {300, "EUR", "three euros", "три евро", "trije evri"},
        {500, "EUR", "five euros", "пять евро", "pet evrov"},
        {10100, "EUR", "one hundred one euros", "сто один евро", "sto en evro"},
        {10200, "EUR", "one hundred two euros", "сто два евро", "sto dva evra"},
        {2100, "EUR", "twenty-one euros", "двадцать один евро", "enaindvajset evrov"},
        {1, "EUR", "one cent", "один цент", "en cent"},
        {2, "EUR", "two cents", "два цента", "dva centa"},
        {3, "EUR", "three cents", "три цента", "trije centi"},
        {12, "EUR", "twelve cents", "двенадцать центов", "dvanajst centov"},
        {1250, "EUR", "twelve euros and fifty cents", "двенадцать евро пятьдесят центов",
         "dvanajst evrov in petdeset centov"},
        {-350, "EUR", "minus three euros and fifty cents", "минус три евро пятьдесят центов",
         "minus trije evri in petdeset centov"},
        {100, "RUB", "one ruble", "один рубль", "en rubelj"},
        {202, "RUB", "two rubles and two kopecks", "два рубля две копейки",
         "dva rublja in dve kopejki"},
        {521, "RUB", "five rubles and twenty-one kopecks", "пять рублей двадцать одна копейка",
         "pet rubljev in enaindvajset kopejk"},
        {2301, "RUB", "twenty-three rubles and one kopeck", "двадцать три рубля одна копейка",
         "triindvajset rubljev in ena kopejka"},
        {1111, "RUB", "eleven rubles and eleven kopecks", "одиннадцать рублей одиннадцать копеек",
         "enajst rubljev in enajst kopejk"},
        {99999, "USD", "nine hundred ninety-nine dollars and ninety-nine cents",
         "девятьсот девяносто девять долларов девяносто девять центов",
         "devetsto devetindevetdeset dolarjev in devetindevetdeset centov"},
        {101, "GBP", "one pound and one penny", "один фунт один пенс", "en funt in en peni"},
        {303, "CHF", "three francs and three centimes", "три франка три сантима",
         "trije franki in trije santimi"},
        {402, "RSD", "four dinars and two paras", "четыре динара две пары",
         "štirje dinarji in dve pari"},
        {100000000, "USD", "one million dollars", "один миллион долларов", "en milijon dolarjev"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const expected[] = {rows[i].en, rows[i].ru, rows[i].sl};
        for (int l = 0; l < WORDS_LANGS; l++) {
            struct buf b = fresh();
            cr_assert_eq(words_amount(&b, (enum words_lang)l, rows[i].hundredths,
                                      slice_cstr(rows[i].currency)),
                         OK);
            cr_expect_str_eq(taken(&b), expected[l]);
        }
    }
    struct buf b = fresh();
    cr_expect_eq(words_amount(&b, WORDS_EN, 1, SLICE("XYZ")), ERR_NOT_FOUND);
    cr_expect_eq(words_amount(&b, WORDS_EN, INT64_MIN, SLICE("EUR")), ERR_TOO_LONG);
}

Test(words, dates)
{
    static const struct {
        int year, month, day;
        const char *en, *ru, *sl, *on_en, *on_ru, *on_sl;
    } rows[] = {
        {2026, 3, 1, "March first, twenty twenty-six",
         "первое марта две тысячи двадцать шестого года", "prvi marec dva tisoč šestindvajset",
         "on March first, twenty twenty-six", "первого марта две тысячи двадцать шестого года",
         "prvega marca dva tisoč šestindvajset"},
        {2000, 1, 3, "January third, two thousand", "третье января двухтысячного года",
         "tretji januar dva tisoč", "on January third, two thousand",
         "третьего января двухтысячного года", "tretjega januarja dva tisoč"},
        {2005, 2, 2, "February second, two thousand five", "второе февраля две тысячи пятого года",
         "drugi februar dva tisoč pet", "on February second, two thousand five",
         "второго февраля две тысячи пятого года", "drugega februarja dva tisoč pet"},
        {1999, 12, 31, "December thirty-first, nineteen ninety-nine",
         "тридцать первое декабря тысяча девятьсот девяносто девятого года",
         "enaintrideseti december tisoč devetsto devetindevetdeset",
         "on December thirty-first, nineteen ninety-nine",
         "тридцать первого декабря тысяча девятьсот девяносто девятого года",
         "enaintridesetega decembra tisoč devetsto devetindevetdeset"},
        {1900, 4, 7, "April seventh, nineteen hundred", "седьмое апреля тысяча девятисотого года",
         "sedmi april tisoč devetsto", "on April seventh, nineteen hundred",
         "седьмого апреля тысяча девятисотого года", "sedmega aprila tisoč devetsto"},
        {1905, 5, 8, "May eighth, nineteen oh five", "восьмое мая тысяча девятьсот пятого года",
         "osmi maj tisoč devetsto pet", "on May eighth, nineteen oh five",
         "восьмого мая тысяча девятьсот пятого года", "osmega maja tisoč devetsto pet"},
        {2010, 6, 12, "June twelfth, twenty ten", "двенадцатое июня две тысячи десятого года",
         "dvanajsti junij dva tisoč deset", "on June twelfth, twenty ten",
         "двенадцатого июня две тысячи десятого года", "dvanajstega junija dva tisoč deset"},
        {2040, 7, 20, "July twentieth, twenty forty", "двадцатое июля две тысячи сорокового года",
         "dvajseti julij dva tisoč štirideset", "on July twentieth, twenty forty",
         "двадцатого июля две тысячи сорокового года", "dvajsetega julija dva tisoč štirideset"},
        {2100, 8, 23, "August twenty-third, twenty-one hundred",
         "двадцать третье августа две тысячи сотого года", "triindvajseti avgust dva tisoč sto",
         "on August twenty-third, twenty-one hundred",
         "двадцать третьего августа две тысячи сотого года",
         "triindvajsetega avgusta dva tisoč sto"},
        {0, 9, 30, "September thirtieth", "тридцатое сентября", "trideseti september",
         "on September thirtieth", "тридцатого сентября", "tridesetega septembra"},
        {0, 10, 13, "October thirteenth", "тринадцатое октября", "trinajsti oktober",
         "on October thirteenth", "тринадцатого октября", "trinajstega oktobra"},
        {0, 11, 22, "November twenty-second", "двадцать второе ноября", "dvaindvajseti november",
         "on November twenty-second", "двадцать второго ноября", "dvaindvajsetega novembra"},
        {2024, 2, 29, "February twenty-ninth, twenty twenty-four",
         "двадцать девятое февраля две тысячи двадцать четвёртого года",
         "devetindvajseti februar dva tisoč štiriindvajset",
         "on February twenty-ninth, twenty twenty-four",
         "двадцать девятого февраля две тысячи двадцать четвёртого года",
         "devetindvajsetega februarja dva tisoč štiriindvajset"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const expected[] = {rows[i].en,    rows[i].ru,    rows[i].sl,
                                        rows[i].on_en, rows[i].on_ru, rows[i].on_sl};
        for (int k = 0; k < 2 * WORDS_LANGS; k++) {
            struct buf b = fresh();
            cr_assert_eq(words_date(&b, (enum words_lang)(k % WORDS_LANGS), rows[i].year,
                                    rows[i].month, rows[i].day, k >= WORDS_LANGS),
                         OK);
            cr_expect_str_eq(taken(&b), expected[k]);
        }
    }
}

Test(words, days_that_do_not_exist)
{
    static const int bad[][3] = {{2023, 2, 29}, {1900, 2, 29}, {2026, 4, 31}, {2026, 13, 1},
                                 {2026, 0, 1},  {2026, 1, 0},  {2026, 1, 32}, {999, 1, 1},
                                 {3000, 1, 1},  {-1, 1, 1}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = fresh();
        cr_expect_eq(words_date(&b, WORDS_EN, bad[i][0], bad[i][1], bad[i][2], false), ERR_INVALID,
                     "%d-%d-%d", bad[i][0], bad[i][1], bad[i][2]);
    }
}

/* Every day and year, every small number, in every language: nothing overflows or is empty. */
Test(words, all_fit)
{
    for (int l = 0; l < WORDS_LANGS; l++) {
        for (int year = 1000; year < 3000; year++) {
            struct buf b = fresh();
            cr_assert_eq(
                words_date(&b, (enum words_lang)l, year, 1 + year % 12, 1 + year % 28, year % 2),
                OK);
            taken(&b);
        }
        for (int64_t n = 1; n <= WORDS_NUMBER_MAX / 7; n = n * 7 + 3) {
            struct buf b = fresh();
            words_number(&b, (enum words_lang)l, -n, WORDS_F);
            taken(&b);
        }
        struct buf b = fresh();
        words_number(&b, (enum words_lang)l, -777777777777777, WORDS_F);
        taken(&b);
    }
}

Test(words, digits)
{
    static const struct {
        enum words_lang l;
        const char *digits, *expected;
    } rows[] = {
        {WORDS_EN, "00117", "zero zero one one seven"},
        {WORDS_EN, "+1 (202) 555-0101", "plus one two zero two five five five zero one zero one"},
        {WORDS_EN, "*21#", "star two one pound"},
        {WORDS_RU, "0987654321", "ноль девять восемь семь шесть пять четыре три два один"},
        {WORDS_RU, "*#", "звёздочка решётка"},
        {WORDS_SL, "1234567890", "ena dve tri štiri pet šest sedem osem devet nič"},
        {WORDS_SL, "#*", "lojtra zvezdica"},
        {WORDS_EN, "A1", "A one"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = fresh();
        cr_assert_eq(words_digits(&b, rows[i].l, slice_cstr(rows[i].digits)), OK);
        cr_expect_str_eq(taken(&b), rows[i].expected);
    }
    struct buf b = fresh();
    cr_expect_eq(words_digits(&b, WORDS_EN, SLICE("")), ERR_INVALID);
    cr_expect_eq(words_digits(&b, WORDS_EN, SLICE("--")), ERR_INVALID);
    cr_expect_eq(words_digits(&b, WORDS_EN, SLICE("12x")), ERR_INVALID);
    cr_expect_eq(words_digits(&b, WORDS_EN, SLICE("1\0")), ERR_INVALID);
}

Test(words, languages)
{
    enum words_lang l;

    cr_expect(words_lang_parse(SLICE("sl"), &l) == OK && l == WORDS_SL);
    cr_expect_eq(words_lang_parse(SLICE("de"), &l), ERR_NOT_FOUND);
}

/* A reading, or the first word of it that is not known. */
static void known_throughout(const struct words_known *k, struct buf *b)
{
    struct slice rest = buf_slice(b), word;

    cr_assert_eq(buf_end(b), OK);
    while (rest.len) {
        (void)slice_cut(rest, ' ', &word, &rest);
        if (word.p[word.len - 1] == ',')
            word.len--;
        cr_assert(words_known_has(k, word), "not known: '" SLICE_FMT "'", SLICE_ARG(word));
    }
}

/* Whatever is read is made of words that can be spoken beforehand. */
Test(words, every_reading_is_made_of_known_words)
{
    static const char *const strange[WORDS_LANGS] = {"soap", "мыло", "milo"};

    for (enum words_lang l = WORDS_EN; l < WORDS_LANGS; l++) {
        struct words_known *k = words_known_open(l);
        cr_assert_not_null(k);
        uint64_t dice = 1;
        for (int i = 0; i < 20000; i++) {
            dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
            int64_t n = (int64_t)(dice >> 14) % (i % 3 ? 10000000 : WORDS_NUMBER_MAX);
            struct buf b = fresh();
            words_number(&b, l, i % 2 ? n : -n, (enum words_gender)(i % 4));
            known_throughout(k, &b);
            b = fresh();
            cr_assert_eq(words_amount(&b, l, n, slice_of(&"EURUSDGBPCHFRUBRSD"[i % 6 * 3], 3)), OK);
            known_throughout(k, &b);
            b = fresh();
            if (words_date(&b, l, 1000 + i % 2000, 1 + i % 12, 1 + i % 31, i % 2) == OK)
                known_throughout(k, &b);
        }
        cr_expect(words_known_count(k) > 100 && words_known_count(k) < 700, "%u words",
                  words_known_count(k));
        cr_expect_not(words_known_has(k, slice_cstr(strange[l])));
        cr_expect_not(words_known_has(k, SLICE("")));
        cr_expect_not(words_known_has(k, SLICE("one two")));
        cr_expect_not(words_known_has(k, SLICE("B")), "a name, more often than a key");
        words_known_close(k);
    }
}
