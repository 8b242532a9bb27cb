/* Numbers as people and spreadsheets write them. All of them are invented. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "campaign/number.h"

static void expect(const char *iso, const char *text, const char *want)
{
    char got[NUMBER_E164_MAX];
    const char *why = NULL;
    enum err e =
        number_normalise(slice_cstr(text), number_country_find(slice_cstr(iso)), got, &why);

    cr_expect(e == OK, "%s '%s': %s", iso, text, why);
    cr_expect_str_eq(got, want, "%s '%s'", iso, text);
}

static void refuse(const char *iso, const char *text, enum err want, const char *reason)
{
    char got[NUMBER_E164_MAX] = "x";
    const char *why = NULL;
    enum err e =
        number_normalise(slice_cstr(text), number_country_find(slice_cstr(iso)), got, &why);

    cr_expect_eq(e, want, "%s '%s' gives %s", iso, text, err_name(e));
    cr_expect_str_eq(got, "", "nothing is given for '%s'", text);
    cr_expect(why && strstr(why, reason), "'%s' says: %s", text, why);
}

Test(number, forms_of_one_number)
{
    expect("us", "+12025550123", "+12025550123");
    expect("us", "(202) 555-0123", "+12025550123");
    expect("us", "1 202.555.0123", "+12025550123");
    expect("us", " 202/555 0123\r\n", "+12025550123");
    expect("us",
           "\xc2\xa0+1\xe2\x80\x93"
           "202\xe2\x80\x89"
           "5550123\xe2\x80\xac",
           "+12025550123");
    expect("us", "'+12025550123", "+12025550123");
}

Test(number, countries)
{
    expect("ru", "8 001 234 56 78", "+70012345678");
    expect("ru", "70012345678", "+70012345678");
    expect("ru", "0012345678", "+70012345678");
    expect("ru", "810 44 7700 900123", "+447700900123");
    expect("gb", "07700 900123", "+447700900123");
    expect("gb", "+44 (0)7700 900123", "+447700900123");
    expect("us", "011 386 00 100100", "+38600100100");
    expect("si", "0038600100100", "+38600100100");
    expect("cz", "+420 001 234 567", "+420001234567");
    expect("cz", "601234567", "+420601234567");
}

Test(number, other_countries_are_only_checked_for_length)
{
    expect("us", "+38600100100", "+38600100100");
    expect("us", "+420001234567", "+420001234567");
}

Test(number, refused)
{
    refuse("us", "", ERR_NOT_FOUND, "empty");
    refuse("us", "  - ", ERR_NOT_FOUND, "empty");
    refuse("us", "+", ERR_INVALID, "no digits");
    refuse("us", "555-0123", ERR_INVALID, "too few");
    refuse("us", "+1202555012", ERR_INVALID, "too few");
    refuse("us", "+120255501234", ERR_TOO_LONG, "too many");
    refuse("us", "+0012345678", ERR_INVALID, "begins with 0");
    refuse("us", "2.02556E+09", ERR_INVALID, "letters");
    refuse("us", "202-555-0123 ext 5", ERR_INVALID, "letters");
    refuse("us", "202*5550123", ERR_INVALID, "characters");
    refuse("us", "12+025550123", ERR_INVALID, "characters");
    refuse("us", "1234567890123456789012345", ERR_TOO_LONG, "too many");
    refuse("us", "+1234567890123456", ERR_TOO_LONG, "too many");
}

Test(number, without_a_country_a_plus_is_needed)
{
    char got[NUMBER_E164_MAX];
    const char *why;

    cr_expect_eq(number_normalise(SLICE("+12025550123"), NULL, got, &why), OK);
    cr_expect_eq(number_normalise(SLICE("2025550123"), NULL, got, &why), ERR_INVALID);
    cr_expect(strstr(why, "no country"));
}

Test(number, normalising_twice_changes_nothing)
{
    char once[NUMBER_E164_MAX], twice[NUMBER_E164_MAX], text[32];
    const char *isos[] = {"us", "ru", "gb", "si", "cz", "de", "at", "fr"};
    uint32_t accepted = 0;

    for (uint32_t c = 0; c < 8; c++) {
        const struct number_country *home = number_country_find(slice_cstr(isos[c]));
        for (uint64_t n = 1; n < 2000000000000; n = n * 7 + c) {
            snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
            if (number_normalise(slice_cstr(text), home, once, NULL))
                continue;
            accepted++;
            cr_assert_eq(number_normalise(slice_cstr(once), home, twice, NULL), OK, "%s", once);
            cr_assert_str_eq(once, twice);
            cr_assert(once[0] == '+' && strlen(once) >= 8 && strlen(once) <= 16);
        }
    }
    cr_expect_gt(accepted, 15);
}
