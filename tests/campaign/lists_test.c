/* The lists of a campaign file: read, complained of, found for a lead. */
#include "campaign/lists.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct campaign *parse(const char *lists, char *error)
{
    struct campaign *c = NULL;
    char text[900];

    snprintf(text, sizeof(text),
             "name: spring\ncountry: si\nzone: Europe/Ljubljana\n%s"
             "trunks: [{ name: carrier, address: 127.0.0.1:5070 }]\n"
             "pacing: { mode: agentless, concurrent: 3 }\n",
             lists);
    campaign_parse(&c, "spring.yaml", slice_cstr(text), error);
    return c;
}

static const char *list_of(const struct campaign *c, const char *fields,
                           const struct campaign_list *of_file)
{
    const struct campaign_list *l = campaign_list_of(c, slice_cstr(fields), of_file);

    return l ? l->name : "";
}

Test(lists, a_lead_is_of_its_column_else_of_its_file_else_of_the_others)
{
    char error[CAMPAIGN_ERROR_MAX];
    struct campaign *c = parse("lists:\n"
                               "  - { name: warm, file: warm.csv, share: 3, order: newest }\n"
                               "  - { name: cold, order: random }\n"
                               "  - { name: others, share: 0 }\n",
                               error);

    cr_assert_not_null(c, "%s", error);
    cr_assert_eq(c->list_count, 3);
    cr_expect_eq(c->lists[0].share, 3);
    cr_expect_eq(c->lists[0].order, ORDER_NEWEST);
    cr_expect_eq(c->lists[1].share, 1);
    cr_expect_eq(c->lists[1].order, ORDER_RANDOM);
    cr_expect_eq(c->lists[2].share, 0);
    cr_expect_eq(c->lists[2].order, ORDER_ADDED);
    cr_expect_str_eq(list_of(c, "{\"list\":\"cold\"}", NULL), "cold");
    cr_expect_str_eq(list_of(c, "{\"list\":\"cold\"}", &c->lists[0]), "cold");
    cr_expect_str_eq(list_of(c, "{}", &c->lists[0]), "warm");
    cr_expect_str_eq(list_of(c, "{\"list\":\"\"}", &c->lists[0]), "warm");
    cr_expect_str_eq(list_of(c, "{}", NULL), "others");
    cr_expect_str_eq(list_of(c, "{\"list\":\"unheard\"}", &c->lists[0]), "others");

    struct campaign_source from[CAMPAIGN_SOURCES_MAX];

    cr_assert_eq(campaign_sources(c, NULL, from), 1);
    cr_expect_str_eq(from[0].path, "warm.csv");
    cr_expect_eq(from[0].list, &c->lists[0]);
    cr_assert_eq(campaign_sources(c, "given.csv", from), 1);
    cr_expect_str_eq(from[0].path, "given.csv");
    cr_expect_null(from[0].list);
    campaign_free(c);

    c = parse("leads: all.csv\n", error);
    cr_assert_not_null(c, "%s", error);
    cr_expect_str_eq(list_of(c, "{\"list\":\"cold\"}", NULL), "", "a campaign without lists");
    cr_assert_eq(campaign_sources(c, NULL, from), 1);
    cr_expect_str_eq(from[0].path, "all.csv");
    campaign_free(c);
}

Test(lists, complaints_name_the_line_and_what_is_accepted)
{
    static const struct {
        const char *lists, *says[2];
    } bad[] = {
        {"lists:\n  - { name: warm }\n  - { name: warm }\n",
         {"spring.yaml:6: ", "'warm' stands there twice"}},
        {"lists:\n  - { share: 2 }\n", {"spring.yaml:5: ", "each needs a name"}},
        {"lists:\n  - { name: two words }\n", {"spring.yaml:5: ", "lists: name"}},
        {"lists:\n  - { name: warm, share: -1 }\n", {"spring.yaml:5: ", "lists: share"}},
        {"lists:\n  - { name: warm, order: oldest }\n", {"spring.yaml:5: ", "newest"}},
        {"lists:\n  - { name: warm, weight: 3 }\n", {"spring.yaml:5", "weight"}},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char error[CAMPAIGN_ERROR_MAX] = "";

        cr_expect_null(parse(bad[i].lists, error), "%s", bad[i].lists);
        for (int k = 0; k < 2; k++)
            cr_expect_not_null(strstr(error, bad[i].says[k]), "%s: %s", bad[i].says[k], error);
    }
}
