/* How things are read aloud: numbers, digits, dates and amounts of money as words of a language,
 * with the grammar that goes with them. English (American), Russian and Slovenian.
 *
 * Pure functions: they write UTF-8 into a buffer, lower case but for English months, and never
 * overflow it (buf_end says whether all of it fitted). */
#ifndef PEAL_FLOW_WORDS_H
#define PEAL_FLOW_WORDS_H

#include "base/buf.h"

#define WORDS_NUMBER_MAX INT64_C(999999999999999) /* and its negative */
#define WORDS_TEXT_MAX   640                      /* any number, date or amount fits into it */

enum words_lang { WORDS_EN, WORDS_RU, WORDS_SL, WORDS_LANGS };
/* "en", "ru", "sl". ERR_NOT_FOUND. */
enum err words_lang_parse(struct slice name, enum words_lang *out);
const char *words_lang_name(enum words_lang l);

/* Of the noun that is counted. English takes no notice. WORDS_COUNTING is the number by itself:
 * Russian один два, Slovenian ena dve. */
enum words_gender { WORDS_COUNTING, WORDS_M, WORDS_F, WORDS_N };

/* Which form of a noun follows a number (Unicode CLDR's categories): English one, many; Russian
 * one (1, 21), few (2…4, 22), many; Slovenian one (1, 101), two (2, 102), few (3, 4, 103), many. */
enum words_form { WORDS_ONE, WORDS_TWO, WORDS_FEW, WORDS_MANY };
enum words_form words_form_of(enum words_lang l, int64_t n);

/* A cardinal, up to WORDS_NUMBER_MAX (asserted). */
void words_number(struct buf *b, enum words_lang l, int64_t n, enum words_gender g);

/* Keys one by one: 0-9 * # + A-D; spaces, dots, dashes and brackets are left out. ERR_INVALID:
 * another character, nothing at all, or more than 64. */
enum err words_digits(struct buf *b, enum words_lang l, struct slice digits);

/* A day of the calendar (Gregorian, years 1000 to 2999); year 0: without its year. `on`: as the
 * answer to "when?": "on March third, …", "третьего марта …", "tretjega marca …"; else the day
 * itself: "March third, …", "третье марта …", "tretji marec …". ERR_INVALID: there is no such day.
 */
enum err words_date(struct buf *b, enum words_lang l, int year, int month, int day, bool on);

/* Hundredths of a currency (ISO 4217: EUR USD GBP CHF RUB RSD). Hundredths are left out where there
 * are none. ERR_NOT_FOUND: currency not known; ERR_TOO_LONG: above WORDS_NUMBER_MAX. */
enum err words_amount(struct buf *b, enum words_lang l, int64_t hundredths, struct slice currency);
const char *words_currencies(void); /* "EUR, USD, …" */

#endif
