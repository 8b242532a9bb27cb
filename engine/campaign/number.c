/* Numbers to E.164 by the table of countries (number_tables.h): prefixes off, lengths checked.
 * Where digits without a "+" can be read in two ways, the one that the country's plan knows is
 * meant. */
#include "campaign/number.h"

#include <ctype.h>

#include "base/buf.h"
#include "campaign/number_plan.h"
#include "campaign/number_tables.h"

#define E164_DIGITS_MIN 7
#define E164_DIGITS_MAX 15
#define DIGITS_MAX      24 /* with prefixes; anything longer is no number */

const struct number_country *number_country_find(struct slice iso)
{
    for (uint32_t i = 0; i < number_country_count; i++)
        if (slice_ieq(iso, slice_cstr(number_countries[i].iso)))
            return &number_countries[i];
    return NULL;
}

const char *number_country_names(void)
{
    return "two letters (ISO 3166), such as us, gb or de";
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
    size_t len = strlen(home->code) + digits;

    return len >= E164_DIGITS_MIN && len <= E164_DIGITS_MAX && (home->lengths >> digits & 1);
}

static uint32_t lowest(uint32_t lengths)
{
    uint32_t n = 0;

    while (n < 31 && !(lengths >> n & 1))
        n++;
    return n;
}

static uint32_t highest(uint32_t lengths)
{
    uint32_t n = 31;

    while (n > 0 && !(lengths >> n & 1))
        n--;
    return n;
}

static enum err check_e164(const char *digits, const struct number_country *home, const char **why)
{
    size_t len = strlen(digits);

    if (len == 0 || digits[0] == '0') {
        *why = "no country's code begins with 0";
        return ERR_INVALID;
    }
    size_t code = home && takes_prefix(digits, home->code) ? strlen(home->code) : 0;
    size_t low = E164_DIGITS_MIN, high = E164_DIGITS_MAX;
    if (code) {
        if (national_fits(home, len - code))
            return OK;
        low = code + lowest(home->lengths);
        high = code + highest(home->lengths);
    }
    if (len < low) {
        *why = "too few digits";
        return ERR_INVALID;
    }
    if (len > high) {
        *why = "too many digits";
        return ERR_TOO_LONG;
    }
    if (code) {
        *why = "no number of its country has so many digits";
        return ERR_INVALID;
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

/* National digits (no "+", no international prefix) of the home country into E.164: with the
 * national prefix, without it, or with the country's code; the first that its plan knows, else the
 * first of a length that it has. */
static enum err from_national(const char *digits, const struct number_country *home, char *dst,
                              const char **why)
{
    size_t len = strlen(digits), prefix = strlen(home->national), code = strlen(home->code);
    const struct {
        bool reads;
        size_t skip;
    } ways[] = {{takes_prefix(digits, home->national) && national_fits(home, len - prefix), prefix},
                {national_fits(home, len), 0},
                {takes_prefix(digits, home->code) && national_fits(home, len - code), code}};
    const uint32_t count = sizeof(ways) / sizeof(ways[0]);

    for (uint32_t i = 0; i < count; i++) {
        if (!ways[i].reads)
            continue;
        write_e164(dst, home->code, digits + ways[i].skip);
        if (number_plan_check(dst, NULL) == OK)
            return OK;
    }
    for (uint32_t i = 0; i < count; i++)
        if (ways[i].reads) {
            write_e164(dst, home->code, digits + ways[i].skip);
            return OK;
        }
    dst[0] = '\0';
    *why = len < lowest(home->lengths) ? "too few digits"
                                       : "it fits no form of the campaign's country";
    return ERR_INVALID;
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
