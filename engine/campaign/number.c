/* Numbers to E.164 by a small table of countries: prefixes off, lengths checked, nothing guessed.
 * The table holds what a plan's own numbers may look like, not which of them are in service. */
#include "campaign/number.h"

#include <ctype.h>

#include "base/buf.h"

#define E164_DIGITS_MIN 7
#define E164_DIGITS_MAX 15
#define DIGITS_MAX      24 /* with prefixes; anything longer is no number */

static const struct number_country countries[] = {
    {"at", "43", "0", "00", 5, 13, "at", "Europe/Vienna"},
    {"ca", "1", "1", "011", 10, 10, "us", "America/Toronto"},
    {"cz", "420", "", "00", 9, 9, "cz", "Europe/Prague"},
    {"de", "49", "0", "00", 5, 12, "de", "Europe/Berlin"},
    {"es", "34", "", "00", 9, 9, "itu", "Europe/Madrid"},
    {"fr", "33", "0", "00", 9, 9, "fr", "Europe/Paris"},
    {"gb", "44", "0", "00", 9, 10, "gb", "Europe/London"},
    {"hr", "385", "0", "00", 8, 9, "itu", "Europe/Zagreb"},
    {"it", "39", "", "00", 6, 11, "itu", "Europe/Rome"},
    {"kz", "7", "8", "810", 10, 10, "ru", "Asia/Almaty"},
    {"pl", "48", "", "00", 9, 9, "itu", "Europe/Warsaw"},
    {"ru", "7", "8", "810", 10, 10, "ru", "Europe/Moscow"},
    {"si", "386", "0", "00", 8, 8, "si", "Europe/Ljubljana"},
    {"sk", "421", "0", "00", 9, 9, "itu", "Europe/Bratislava"},
    {"us", "1", "1", "011", 10, 10, "us", "America/New_York"},
};
#define COUNTRY_COUNT (sizeof(countries) / sizeof(countries[0]))

const struct number_country *number_country_find(struct slice iso)
{
    for (size_t i = 0; i < COUNTRY_COUNT; i++) {
        if (slice_ieq(iso, slice_cstr(countries[i].iso)))
            return &countries[i];
    }
    return NULL;
}

const char *number_country_names(void)
{
    return "at, ca, cz, de, es, fr, gb, hr, it, kz, pl, ru, si, sk, us";
}

/* Bytes of a separator at p: ASCII punctuation of numbers, no-break and thin spaces, the hyphens
 * of U+2010…2015 and the direction marks that spreadsheets leave behind. 0: not a separator. */
static uint32_t separator_len(struct slice s, uint32_t at)
{
    const unsigned char *p = (const unsigned char *)s.p + at;
    uint32_t left = s.len - at;

    if (p[0] < 0x80)
        return strchr(" \t\r\n.-/()'", p[0]) && p[0] ? 1 : 0;
    if (left >= 2 && p[0] == 0xc2 && p[1] == 0xa0)
        return 2;
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 &&
        ((p[2] >= 0x80 && p[2] <= 0x95) || (p[2] >= 0xaa && p[2] <= 0xaf)))
        return 3;
    return 0;
}

/* Digits alone into out; *plus says whether "+" stood first. */
static enum err collect_digits(struct slice text, char out[DIGITS_MAX + 1], uint32_t *count,
                               bool *plus, const char **why)
{
    uint32_t at = 0;

    *count = 0;
    *plus = false;
    while (at < text.len) {
        char c = text.p[at];
        uint32_t skip = separator_len(text, at);
        /* "+44 (0)7700 …": the bracketed national prefix is not dialled from abroad. */
        if (c == '(' && *plus && text.len - at >= 3 && memcmp(text.p + at, "(0)", 3) == 0)
            skip = 3;
        if (skip) {
            at += skip;
            continue;
        }
        if (c == '+' && *count == 0 && !*plus) {
            *plus = true;
        } else if (isdigit((unsigned char)c)) {
            if (*count == DIGITS_MAX) {
                *why = "too many digits";
                return ERR_TOO_LONG;
            }
            out[(*count)++] = c;
        } else {
            *why = isalpha((unsigned char)c) ? "it has letters" : "it has characters of no number";
            return ERR_INVALID;
        }
        at++;
    }
    out[*count] = '\0';
    return OK;
}

static bool takes_prefix(const char *digits, const char *prefix)
{
    return prefix[0] && strncmp(digits, prefix, strlen(prefix)) == 0;
}

static bool national_fits(const struct number_country *home, size_t digits)
{
    return digits >= home->digits_min && digits <= home->digits_max;
}

static enum err check_e164(const char *digits, const struct number_country *home, const char **why)
{
    size_t len = strlen(digits);

    if (len == 0 || digits[0] == '0') {
        *why = "no country's code begins with 0";
        return ERR_INVALID;
    }
    size_t low = E164_DIGITS_MIN, high = E164_DIGITS_MAX;
    if (home && takes_prefix(digits, home->code)) {
        low = strlen(home->code) + home->digits_min;
        high = strlen(home->code) + home->digits_max;
    }
    if (len < low) {
        *why = "too few digits";
        return ERR_INVALID;
    }
    if (len > high) {
        *why = "too many digits";
        return ERR_TOO_LONG;
    }
    return OK;
}

static void write_e164(char dst[NUMBER_E164_MAX], const char *code, const char *digits)
{
    struct buf b = buf_on(dst, NUMBER_E164_MAX - 1);

    buf_putc(&b, '+');
    buf_puts(&b, code);
    buf_puts(&b, digits);
    dst[b.len] = '\0'; /* lengths were checked: it fits */
}

/* National digits (no "+", no international prefix) of the home country into E.164. */
static enum err from_national(const char *digits, const struct number_country *home, char *dst,
                              const char **why)
{
    size_t len = strlen(digits), prefix = strlen(home->national), code = strlen(home->code);

    if (takes_prefix(digits, home->national) && national_fits(home, len - prefix))
        write_e164(dst, home->code, digits + prefix);
    else if (national_fits(home, len))
        write_e164(dst, home->code, digits);
    else if (takes_prefix(digits, home->code) && national_fits(home, len - code))
        write_e164(dst, "", digits);
    else {
        *why =
            len < home->digits_min ? "too few digits" : "it fits no form of the campaign's country";
        return ERR_INVALID;
    }
    return OK;
}

enum err number_normalise(struct slice text, const struct number_country *home,
                          char dst[NUMBER_E164_MAX], const char **why)
{
    char digits[DIGITS_MAX + 1];
    uint32_t count;
    bool plus;
    const char *unused;

    if (!why)
        why = &unused;
    *why = NULL;
    dst[0] = '\0';
    enum err e = collect_digits(text, digits, &count, &plus, why);
    if (e)
        return e;
    if (count == 0) {
        *why = plus ? "it has no digits" : "it is empty";
        return plus ? ERR_INVALID : ERR_NOT_FOUND;
    }
    const char *abroad = digits;
    if (!plus) {
        if (!home) {
            *why = "it has no +, and the campaign names no country";
            return ERR_INVALID;
        }
        if (!takes_prefix(digits, home->international))
            return from_national(digits, home, dst, why);
        abroad = digits + strlen(home->international);
    }
    e = check_e164(abroad, home, why);
    if (!e)
        write_e164(dst, "", abroad);
    return e;
}
