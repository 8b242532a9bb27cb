#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"

Test(err, every_code_has_a_name_of_its_own)
{
    for (int a = 0; a < ERR_COUNT; a++) {
        cr_assert_not_null(err_name((enum err)a));
        cr_assert(strcmp(err_name((enum err)a), "unknown") != 0, "code %d", a);
        for (int b = 0; b < a; b++)
            cr_assert_str_neq(err_name((enum err)a), err_name((enum err)b));
    }
}

Test(err, names_are_stable_in_records)
{
    cr_assert_str_eq(err_name(OK), "ok");
    cr_assert_str_eq(err_name(ERR_TOO_LONG), "too_long");
    cr_assert_str_eq(err_name(ERR_CANCELLED), "cancelled");
}

Test(err, a_code_from_nowhere_is_named_too)
{
    cr_assert_str_eq(err_name(ERR_COUNT), "unknown");
    cr_assert_str_eq(err_name((enum err) - 1), "unknown");
}
