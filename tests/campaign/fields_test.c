/* One field out of a lead's custom fields. */
#include <criterion/criterion.h>

#include "campaign/fields.h"

static void expect(const char *json, const char *wanted)
{
    char got[16];
    bool there = fields_text(slice_cstr(json), "region", got, sizeof(got));

    cr_expect_eq(there, wanted != NULL, "%s", json);
    cr_expect_str_eq(got, wanted ? wanted : "", "%s", json);
}

Test(fields, a_top_level_text_is_found)
{
    expect("{\"region\":\"xs\"}", "xs");
    expect("{\"city\":\"region\",\"region\":\"\"}", "");
    expect(
        "{\"a\":{\"region\":\"no\"},\"b\":[\"region\",{\"region\":\"no\"}],\"region\" : \"yes\"}",
        "yes");
    expect("{\"n\":12,\"q\":\"a \\\"region\\\":\\\"b\\\"\",\"region\":\"c\\\\d\\\"e\\/\"}",
           "c\\d\"e/");
    expect("{\"region\":\"\\u0436x\"}", "?x");
}

Test(fields, nothing_else_is)
{
    expect("", NULL);
    expect("{}", NULL);
    expect("{\"region\":12}", NULL);
    expect("{\"region\":\"too long for its sixteen\"}", NULL);
    expect("{\"region\":\"open", NULL);
    expect("{\"region\"", NULL);
    expect("{\"Region\":\"x\"}", NULL);
    expect("[\"region\"]", NULL);
}
