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

#define AGENTS                                                                                     \
    "agents:\n"                                                                                    \
    "  - { name: s-%d, uri: \"sip:s-%d@127.0.0.1\", count: 3, groups: [ sales ] }\n"               \
    "  - { name: e-%d, uri: \"sip:e-%d@127.0.0.1\", count: 2, groups: [ english, sales ] }\n"      \
    "  - { name: other, uri: \"sip:other@127.0.0.1\" }\n"

static uint8_t group_of(const struct campaign *c, const char *fields, enum result r)
{
    return campaign_group_of(c, slice_cstr(fields), r);
}

Test(lists, people_go_to_the_list_s_group_else_to_that_of_on)
{
    char error[CAMPAIGN_ERROR_MAX], text[64];
    uint8_t lanes[CAMPAIGN_LANES_MAX];
    struct campaign *c = parse(AGENTS "on: { human: agent sales, machine: agent, fax: hangup }\n"
                                      "lists:\n"
                                      "  - { name: warm }\n"
                                      "  - { name: abroad, agents: english }\n",
                               error);

    cr_assert_not_null(c, "%s", error);
    uint8_t sales = agent_groups_find(&c->groups, SLICE("sales"));
    uint8_t english = agent_groups_find(&c->groups, SLICE("english"));
    cr_assert(sales && english && sales != english);
    cr_expect(agent_is_in(c->agents[2].groups, sales) &&
              !agent_is_in(c->agents[2].groups, english));
    cr_expect(agent_is_in(c->agents[4].groups, sales) && agent_is_in(c->agents[4].groups, english));
    cr_expect_eq(c->agents[5].groups, AGENT_IN_NO_GROUP);
    cr_expect_str_eq(agent_groups_text(&c->groups, c->agents[4].groups, text, sizeof(text)),
                     "sales, english");
    cr_expect_eq(group_of(c, "{\"list\":\"warm\"}", RESULT_HUMAN), sales);
    cr_expect_eq(group_of(c, "{\"list\":\"abroad\"}", RESULT_HUMAN), english);
    cr_expect_eq(group_of(c, "{\"list\":\"abroad\"}", RESULT_MACHINE), english,
                 "whatever `on` says");
    cr_expect_eq(group_of(c, "", RESULT_HUMAN), sales);
    cr_expect_eq(group_of(c, "", RESULT_UNKNOWN), sales, "as human, where nothing is said");
    cr_expect_eq(group_of(c, "", RESULT_HUMAN_SILENT), sales);
    cr_expect_eq(group_of(c, "", RESULT_MACHINE), AGENT_GROUP_ANY);
    cr_assert_eq(campaign_lanes(c, lanes), 2);
    cr_expect(lanes[0] == sales && lanes[1] == english);
    campaign_free(c);
}

Test(lists, a_group_that_nobody_is_in_is_refused_with_those_there_are)
{
    char error[CAMPAIGN_ERROR_MAX];

    cr_assert_null(parse(AGENTS "on: { human: agent sale }\n", error));
    cr_expect_str_eq(error, "spring.yaml:8: on: human: agent: no agent is in group 'sale'; the "
                            "groups are: sales, english");
    cr_assert_null(parse(AGENTS "lists: [{ name: x, agents: french }]\n", error));
    cr_expect_str_eq(error, "spring.yaml:8: lists: agents: no agent is in group 'french'; the "
                            "groups are: sales, english");
    cr_assert_null(
        parse("agents: [{ uri: \"sip:a@127.0.0.1\" }]\non: { human: agent sales }\n", error));
    cr_expect_str_eq(error, "spring.yaml:5: on: human: agent: no agent is in group 'sales'; agents "
                            "have groups by 'groups: [sales]'");
    cr_assert_null(parse("agents: [{ uri: \"sip:a@127.0.0.1\", groups: [ \"a b\" ] }]\n", error));
    cr_expect(strstr(error, "spring.yaml:4: agents: groups"), "%s", error);
}
