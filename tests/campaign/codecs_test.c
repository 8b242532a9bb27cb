/* Lists of codecs in campaign files: of trunks, agents and all others, and where they are wrong. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "campaign/file.h"

#define HEAD                                                                                       \
    "name: test\npacing: {concurrent: 5}\ntrunks:\n  - { name: one, address: \"127.0.0.1:5070\" "  \
    "}\n"

static char error[CAMPAIGN_ERROR_MAX];

static struct campaign *parse(const char *text)
{
    struct campaign *c;
    enum err e = campaign_parse(&c, "test.yaml", slice_cstr(text), error);

    cr_assert_eq(e, OK, "%s", error);
    return c;
}

static void refuse(const char *text, const char *place, const char *says)
{
    struct campaign *c;

    cr_expect_neq(campaign_parse(&c, "test.yaml", slice_cstr(text), error), OK);
    cr_expect(strncmp(error, place, strlen(place)) == 0, "wanted %s in: %s", place, error);
    cr_expect(strstr(error, says), "wanted '%s' in: %s", says, error);
}

Test(codecs, lists_are_read_in_order)
{
    struct campaign *c = parse("name: test\n"
                               "trunks:\n"
                               "  - { address: 127.0.0.1, codecs: [PCMA, opus] }\n"
                               "  - { address: 127.0.0.2 }\n"
                               "agents:\n"
                               "  - { name: a-%d, uri: \"sip:a-%d@127.0.0.1\", count: 2,\n"
                               "      codecs: [opus, g722, l16-16k] }\n"
                               "sip: { codecs: [pcmu] }\n");

    cr_expect_eq(c->trunks[0].codecs.n, 2);
    cr_expect_eq(c->trunks[0].codecs.list[0], SDP_CODEC_PCMA);
    cr_expect_eq(c->trunks[0].codecs.list[1], SDP_CODEC_OPUS);
    cr_expect_eq(c->trunks[1].codecs.n, 0);
    cr_expect_eq(c->agents[1].codecs.n, 3);
    cr_expect_eq(c->agents[1].codecs.list[2], SDP_CODEC_L16_WIDE);
    cr_expect_eq(c->sip.codecs.n, 1);
    campaign_free(c);
}

Test(codecs, nothing_said_is_nothing_changed)
{
    struct campaign *c = parse(HEAD);

    cr_expect_eq(c->trunks[0].codecs.n + c->sip.codecs.n, 0);
    campaign_free(c);
}

Test(codecs, what_is_wrong_is_named_with_its_line)
{
    refuse(HEAD "sip:\n  codecs: [pcma, gsm]\n", "test.yaml:6: ",
           "sip: codecs: 'gsm' is not accepted; accepted: pcmu, pcma, g722, opus, l16 and l16-16k");
    refuse(HEAD "sip:\n  codecs:\n    - pcma\n    - PCMA\n", "test.yaml:8: ", "stands there twice");
    refuse("name: test\ntrunks:\n  - address: 127.0.0.1\n    codecs: [speex]\n",
           "test.yaml:4: ", "trunks: codecs: 'speex' is not accepted");
    refuse(HEAD "agents:\n  - { name: a, uri: \"sip:a@127.0.0.1\", codecs: [ilbc] }\n",
           "test.yaml:6: ", "agents: codecs: 'ilbc' is not accepted");
}
