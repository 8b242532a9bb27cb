/* One object, an array, JSON Lines, CSV. */
#include "api/leads_body.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct slice text;
static char *made, says[LEADS_BODY_SAYS_MAX];

static enum err of(const char *body)
{
    free(made);
    return leads_body_read(slice_cstr(body), &text, &made, says);
}

#define IS(wanted) cr_assert(slice_eq(text, SLICE(wanted)), SLICE_FMT, SLICE_ARG(text))

Test(leads_body, one_object_or_an_array_become_lines)
{
    cr_assert_eq(of("\n{\"id\": \"a\",\n  \"number\": 12025550100}\n"), OK);
    IS("{\"id\":\"a\",\"number\":12025550100}\n");
    cr_assert_eq(of("[{\"id\":\"b\",\"a\":\"\\u0107\"}, {\"id\":\"a\"}]"), OK);
    IS("{\"id\":\"b\",\"a\":\"\xc4\x87\"}\n{\"id\":\"a\"}\n");
}

Test(leads_body, lines_and_csv_stay)
{
    cr_assert_eq(of("{\"id\":\"a\"}\n{not json\n"), OK);
    IS("{\"id\":\"a\"}\n{not json\n");
    cr_assert_null(made);
    cr_assert_eq(of("id,number\na,+12025550100\n"), OK);
    IS("id,number\na,+12025550100\n");
}

Test(leads_body, what_is_no_leads_or_too_many)
{
    char *many = malloc(20000);
    size_t n = 0;

    cr_assert_eq(of(" \n"), ERR_INVALID);
    cr_assert_eq(of("[]"), ERR_INVALID);
    cr_assert_eq(of("[{\"id\":\"a\"}, 3]"), ERR_INVALID);
    cr_assert(says[0]);
    for (int i = 0; i < LEADS_BODY_ROWS_MAX + 1; i++)
        n += (size_t)sprintf(many + n, "{\"id\":%d}\n", i);
    cr_assert_eq(of(many), OK);
    sprintf(many + n, "x\n");
    cr_assert_eq(of(many), ERR_TOO_LONG);
    n = (size_t)sprintf(many, "[");
    for (int i = 0; i < LEADS_BODY_ROWS_MAX + 1; i++)
        n += (size_t)sprintf(many + n, "{},");
    sprintf(many + n - 1, "]");
    cr_assert_eq(of(many), ERR_TOO_LONG);
    free(many);
}
