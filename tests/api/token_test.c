/* Where a token comes from, and what is none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"

static char path[] = "/tmp/peal-token-XXXXXX", token[API_TOKEN_MAX + 1], error[API_ERROR_MAX];
static bool found;

static enum err of_file(const char *text)
{
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
    memset(token, 0, sizeof(token));
    return api_token(path, token, &found, error);
}

static void make(void)
{
    close(mkstemp(path));
    unsetenv("PEAL_API_TOKEN");
}

static void unmake(void)
{
    unlink(path);
}

Test(token, of_a_file, .init = make, .fini = unmake)
{
    char longest[API_TOKEN_MAX + 3];

    cr_assert_eq(of_file("0123456789abcdef\r\nsecond line\n"), OK);
    cr_assert(found);
    cr_assert_str_eq(token, "0123456789abcdef");
    cr_assert_eq(of_file("0123456789abcde\n"), ERR_INVALID);
    cr_assert_eq(of_file("0123456789 abcdef\n"), ERR_INVALID);
    cr_assert_eq(of_file(""), ERR_INVALID);
    memset(longest, 'x', sizeof(longest));
    longest[API_TOKEN_MAX] = '\0';
    cr_assert_eq(of_file(longest), OK);
    cr_assert_str_eq(token, longest);
    longest[API_TOKEN_MAX] = 'x';
    longest[API_TOKEN_MAX + 1] = '\0';
    cr_assert_eq(of_file(longest), ERR_INVALID);
    cr_assert(strstr(error, path) && !strstr(error, "xxxx"), "%s", error);
    cr_assert_eq(api_token("/nowhere/at/all", token, &found, error), ERR_INVALID);
}

Test(token, of_the_environment_which_forgets_it, .init = make, .fini = unmake)
{
    cr_assert_eq(api_token(NULL, token, &found, error), OK);
    cr_assert_not(found);
    setenv("PEAL_API_TOKEN", "0123456789abcdef-env", 1);
    cr_assert_eq(of_file("0123456789abcdef-file\n"), OK); /* a file goes first */
    cr_assert_str_eq(token, "0123456789abcdef-file");
    cr_assert_eq(api_token(NULL, token, &found, error), OK);
    cr_assert_str_eq(token, "0123456789abcdef-env");
    cr_assert_null(getenv("PEAL_API_TOKEN"));
}

Test(token, endpoints_have_what_their_lists_need)
{
    const struct api_route_about *r;
    uint32_t n = api_routes(&r);

    cr_assert_gt(n, 5);
    for (uint32_t i = 0; i < n; i++) {
        cr_assert(r[i].method[0] && r[i].summary[0] && r[i].query);
        cr_assert_eq(strncmp(r[i].path, "/v1", 3), 0);
        for (uint32_t k = 0; k < i; k++)
            cr_assert(strcmp(r[i].path, r[k].path) != 0 || strcmp(r[i].method, r[k].method) != 0);
    }
}
