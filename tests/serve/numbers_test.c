/* NUMBERS.yaml: what is read, what is found, what is refused and where. */
#include "serve/numbers.h"

#include <criterion/criterion.h>

static struct numbers *parse(const char *text)
{
    char error[NUMBERS_ERROR_MAX];
    struct numbers *n = NULL;

    cr_assert_eq(numbers_parse(&n, "folder/lines.yaml", slice_cstr(text), error), OK, "%s", error);
    return n;
}

static void refused(const char *text, const char *complaint)
{
    char error[NUMBERS_ERROR_MAX];
    struct numbers *n = NULL;

    cr_assert_eq(numbers_parse(&n, "lines.yaml", slice_cstr(text), error), ERR_INVALID, "%s", text);
    cr_assert(strstr(error, complaint), "'%s' is not in '%s'", complaint, error);
}

static const char whole[] =
    "name: lines\n"
    "sip: { address: \"127.0.0.2:5090\", tcp: yes }\n"
    "media: { address: 127.0.0.3, ports: 20000-20999, workers: 2 }\n"
    "calls: 50\n"
    "audio: sounds\n"
    "drain: 1m\n"
    "numbers:\n"
    "  - { number: \"+386 00 100-200\", flow: a.lua, language: sl, calls: 3,\n"
    "      full: 486, with: { period: \"7\", shop: North } }\n"
    "  - { number: reception, flow: /b.lua }\n";

Test(numbers, values)
{
    struct numbers *n = parse(whole);
    char text[ADDR_TEXT_MAX];

    cr_assert_str_eq(addr_format(&n->sip, text, sizeof text), "127.0.0.2:5090");
    cr_assert_str_eq(addr_format_host(&n->media, text, sizeof text), "127.0.0.3");
    cr_assert(n->tcp);
    cr_assert_eq(n->media_port_min, 20000);
    cr_assert_eq(n->media_port_max, 20999);
    cr_assert_eq(n->media_workers, 2);
    cr_assert_eq(n->calls, 50);
    cr_assert_eq(n->drain_ms, 60000);
    cr_assert_str_eq(n->audio, "folder/sounds");
    cr_assert_not(n->has_unknown);
    numbers_free(n);
}

Test(numbers, groups_of_agents)
{
    struct numbers *n =
        parse("name: a\n"
              "agents:\n"
              "  - { name: x, uri: \"sip:x@127.0.0.1\", groups: [ sales, english ] }\n"
              "  - { name: y, uri: \"sip:y@127.0.0.1\", groups: [ english ] }\n"
              "  - { name: z, uri: \"sip:z@127.0.0.1\" }\n"
              "numbers: [{ number: reception, flow: b.lua }]\n");
    uint8_t sales = agent_groups_find(&n->groups, SLICE("sales"));
    uint8_t english = agent_groups_find(&n->groups, SLICE("english"));

    cr_expect(agent_is_in(n->agent[0].groups, sales) && agent_is_in(n->agent[0].groups, english));
    cr_expect(!agent_is_in(n->agent[1].groups, sales) && agent_is_in(n->agent[1].groups, english));
    cr_expect_eq(n->agent[2].groups, 0);
    numbers_free(n);
    refused("name: a\n"
            "agents: [{ name: x, uri: \"sip:x@127.0.0.1\", groups: sales }]\n"
            "numbers: [{ number: reception, flow: b.lua }]\n",
            "groups");
}

Test(numbers, codecs_by_preference)
{
    struct numbers *n = parse("name: a\ncodecs: [opus, pcma]\n"
                              "trunk: { address: \"127.0.0.1:5070\", codecs: [pcmu] }\n"
                              "agents: [{ name: x, uri: \"sip:x@127.0.0.1\", codecs: [g722] }]\n"
                              "numbers: [{ number: reception, flow: b.lua }]\n");

    cr_assert(n->codecs.n == 2 && n->codecs.list[0] == SDP_CODEC_OPUS);
    cr_assert(n->trunk.codecs.n == 1 && n->trunk.codecs.list[0] == SDP_CODEC_PCMU);
    cr_assert(n->agent[0].codecs.n == 1 && n->agent[0].codecs.list[0] == SDP_CODEC_G722);
    numbers_free(n);
}

Test(numbers, supervisors_of_agents)
{
    struct numbers *n = parse("name: a\nsupervision: { pin: \"0421\" }\n"
                              "agents: [{ name: x, uri: \"sip:x@127.0.0.1\" }]\n"
                              "numbers: [{ number: reception, flow: b.lua }]\n");

    cr_assert_str_eq(n->supervision_pin, "0421");
    numbers_free(n);
}

Test(numbers, found_by_digits)
{
    struct numbers *n = parse(whole);
    const struct numbers_line *l = numbers_find(n, SLICE("38600100200"));

    cr_assert_not_null(l);
    cr_assert_eq(l, numbers_find(n, SLICE("+38600100200")));
    cr_assert_str_eq(l->flow, "folder/a.lua");
    cr_assert_str_eq(l->language, "sl");
    cr_assert_eq(l->calls, 3);
    cr_assert_eq(l->full, 486);
    cr_assert_eq(l->with_count, 2);
    cr_assert_str_eq(l->with[1].value, "North");
    l = numbers_find(n, SLICE("reception"));
    cr_assert_not_null(l);
    cr_assert_str_eq(l->flow, "/b.lua");
    cr_assert_eq(l->full, 503);
    cr_assert_null(numbers_find(n, SLICE("3860010020")));
    cr_assert_null(numbers_find(n, SLICE("")));
    cr_assert_null(numbers_find(n, SLICE("123456789012345678901234567890123456789012345678901")));
    numbers_free(n);
}

Test(numbers, loopback_unless_told)
{
    struct numbers *n = parse("name: x\nunknown: { flow: a.lua }\n");
    char text[ADDR_TEXT_MAX];

    cr_assert_str_eq(addr_format(&n->sip, text, sizeof text), "127.0.0.1:5060");
    cr_assert_str_eq(addr_format_host(&n->media, text, sizeof text), "127.0.0.1");
    cr_assert(n->has_unknown);
    cr_assert_str_eq(n->unknown.flow, "folder/a.lua");
    numbers_free(n);
}

Test(numbers, how_prompts_are_spoken)
{
    struct numbers *n = parse("name: x\nunknown: { flow: a.lua }\n"
                              "speech: \"say {file} {text}\"\nspeech_processes: 4\n"
                              "speech_ahead: no\n");

    cr_assert_str_eq(n->speech, "say {file} {text}");
    cr_assert_eq(n->speech_processes, 4);
    cr_assert(n->speech_on_demand);
    numbers_free(n);
    n = parse("name: x\nunknown: { flow: a.lua }\n");
    cr_assert_not(n->speech_on_demand);
    cr_assert_eq(n->speech_processes, 0);
    numbers_free(n);
}

Test(numbers, refused_with_their_line)
{
    refused("name: a\nspeech_processes: 17\n", "lines.yaml:2: speech_processes:");
    refused("", "lines.yaml:1: the file is empty");
    refused("numbers: []\n", "it needs name:");
    refused("name: a\nnumbers: []\n", "it answers no number");
    refused("name: a\nname: b\n", "lines.yaml:2: 'name' stands here twice");
    refused("name: a\nsupervision: { pin: 12a4 }\n", "lines.yaml:2: supervision: pin: '12a4'");
    refused("name: a\nsupervision: { pin: \"123\" }\n", "lines.yaml:2: supervision: pin: '123'");
    refused("name: a\nsupervision: { pin: \"1234\" }\nnumbers: [{ number: a, flow: b.lua }]\n",
            "supervision: it is of agents");
    refused("name: a\ntls: { stapling: yes }\n", "lines.yaml:2: tls: stapling: 'yes'");
    refused("name: a/b\n", "lines.yaml:1: name: accepted: letters");
    refused("name: a\ncodecs: [pcma, gsm]\n", "lines.yaml:2: codecs: 'gsm' is not accepted");
    refused("name: a\ncodecs: [pcma, pcma]\n", "lines.yaml:2: codecs: 'pcma' stands there twice");
    refused("name: a\ncodecs: pcma\n", "lines.yaml:2: codecs: a list is expected");
    refused("name: a\ncalls: 0\n", "lines.yaml:2: calls: '0' is not accepted");
    refused("name: a\nmedia: { ports: 500-600 }\n", "lines.yaml:2: media: ports:");
    refused("name: a\nunknown: 500\n", "lines.yaml:2: unknown: accepted: 404");
    refused("name: a\nunknown: { number: 1, flow: a }\n", "'number' is not known");
    refused("name: a\nnumbers:\n  - 5\n", "lines.yaml:3: numbers: keys with values");
    refused("name: a\nnumbers:\n  - { number: \"a@b\", flow: x }\n",
            "lines.yaml:3: numbers: number");
    refused("name: a\nnumbers:\n  - { number: 1, flow: x, full: 480 }\n", "accepted: 486");
    refused("name: a\nnumbers:\n  - { number: 1, flow: x, with: { a: 1, a: 2 } }\n", "twice");
    refused("name: a\nnumbers:\n  - { number: 1, flow: x, with: { language: 1 } }\n",
            "language is a key of the number itself");
    refused("name: a\nnumbers:\n  - { number: 1, flow: x }\n  - { number: \"+1\", flow: x }\n",
            "lines.yaml:4: the number +1 stands in line 3, too");
}

Test(numbers, an_agents_key_for_hold)
{
    struct numbers *n = parse("name: l\nhold: { key: \"*\", music: hold.wav }\n"
                              "agents: [{ name: x, uri: \"sip:x@127.0.0.1\" }]\n"
                              "numbers: [ { number: a, flow: a.lua } ]\n");

    cr_assert_eq(n->hold.key, '*');
    cr_assert_str_eq(n->hold.music, "folder/hold.wav");
    numbers_free(n);
    refused("name: l\nhold: { key: \"12\" }\nnumbers: [ { number: a, flow: a.lua } ]\n",
            "lines.yaml:2: hold: key: '12' is not accepted");
    refused("name: l\nhold: { music: hold.wav }\nnumbers: [ { number: a, flow: a.lua } ]\n",
            "lines.yaml:2: hold: it needs key:");
    refused("name: l\nhold: { key: \"*\" }\nnumbers: [ { number: a, flow: a.lua } ]\n",
            "hold: it is of agents");
}

/* ---- the network ---- */

#define ONE "numbers: [ { number: a, flow: a.lua } ]\n"

Test(numbers, where_it_stands)
{
    struct numbers *n = parse(
        "name: l\nsip: { address: \"0.0.0.0:5060\", advertise: 192.0.2.7, srtp: required,\n"
        "       also: \"[::1]:5062, 127.0.0.2\", dscp: af31, clear_keys: refused,\n"
        "       srtp_mki: 4, srtp_rekey: 1h, srtp_lifetime: 2^20 }\n"
        "tls: { authorities: ca.pem, certificate: c.pem, key: /k.pem, port: 5061,\n"
        "       crl: r.pem, client_certificates: yes }\n"
        "media: { dscp: 0, keep_alive: 20s }\n"
        "trunk: { address: 127.0.0.1, tls: yes, tls_name: sip.example.org, srtp: offered }\n" ONE);
    char text[ADDR_TEXT_MAX];

    cr_assert_str_eq(addr_format_host(&n->sip_advertised, text, sizeof text), "192.0.2.7");
    cr_assert(addr_is_any(&n->media), "media stands where SIP does");
    cr_assert_str_eq(addr_format_host(&n->media_advertised, text, sizeof text), "192.0.2.7");
    cr_assert_eq(n->also_count, 2);
    cr_assert_str_eq(addr_format(&n->also[0], text, sizeof text), "[::1]:5062");
    cr_assert_str_eq(addr_format(&n->also[1], text, sizeof text), "127.0.0.2:5060");
    cr_assert_eq(n->sip_dscp, 26);
    cr_assert_eq(n->media_dscp, 0);
    cr_assert_eq(n->media_alive_ms, 20000);
    cr_assert_eq(n->srtp, 2);
    cr_assert_eq(n->srtp_mki, 4);
    cr_assert_eq(n->rekey_ms, 3600000);
    cr_assert_eq(n->srtp_lifetime, 1 << 20);
    cr_assert(n->refuses_clear_keys && n->has_tls && n->tls.client_certificates);
    cr_assert_str_eq(n->tls.authorities, "folder/ca.pem");
    cr_assert_str_eq(n->tls.crl, "folder/r.pem");
    cr_assert_str_eq(n->tls.key, "/k.pem");
    cr_assert_eq(n->tls.port, 5061);
    cr_assert(n->trunk.tls);
    cr_assert_str_eq(n->trunk.tls_name, "sip.example.org");
    cr_assert_eq(n->trunk.srtp, 1);
    cr_assert(numbers_network_same(n, n) && numbers_media_same(n, n));

    struct numbers *other = parse("name: l\nmedia: { shared: yes, workers: 1 }\n" ONE);

    cr_assert(other->media_shared);
    numbers_free(other);
    other = parse("name: l\n" ONE);
    cr_assert_not(other->media_shared);

    cr_assert_not(numbers_network_same(n, other));
    cr_assert_not(numbers_media_same(n, other));
    cr_assert_eq(other->sip_dscp, 24);
    cr_assert_eq(other->media_dscp, 46);
    cr_assert_eq(other->media_alive_ms, 15000);
    cr_assert_str_eq(addr_format_host(&other->media, text, sizeof text), "127.0.0.1");
    numbers_free(other);
    numbers_free(n);
}

Test(numbers, where_it_cannot_stand)
{
    refused("name: l\nsip: { address: 0.0.0.0 }\n" ONE, "lines.yaml:2: sip: on every address");
    refused("name: l\nmedia: { address: \"::\" }\n" ONE, "media: on every address");
    refused("name: l\nsip: { srtp: allowed }\n" ONE, "lines.yaml:2: sip: srtp: 'allowed'");
    refused("name: l\nsip: { dscp: 64 }\n" ONE, "dscp");
    refused("name: l\nsip: { also: here }\n" ONE, "commas between");
    refused("name: l\nsip: { clear_keys: no }\n" ONE, "warned, refused");
    refused("name: l\nmedia: { shared: yes, workers: 2 }\n" ONE,
            "lines.yaml:2: media: shared: legs that share a socket stay on one worker");
    refused("name: l\nmedia: { shared: yes, advertise: 192.0.2.7 }\n" ONE, "with advertise");
    refused("name: l\nsip: { srtp_mki: 5 }\n" ONE, "lines.yaml:2: sip: srtp_mki: '5'");
    refused("name: l\nsip: { srtp_rekey: 10ms }\n" ONE, "sip: srtp_rekey: accepted: 0s (never)");
    refused("name: l\nsip: { srtp_lifetime: 1000 }\n" ONE, "sip: srtp_lifetime: '1000'");
    refused("name: l\nsip: { srtp_lifetime: 2^49 }\n" ONE, "packets from 2^10 to 2^48");
    refused("name: l\ntls: { certificate: c.pem }\n" ONE, "go together");
    refused("name: l\ntrunk: { address: 127.0.0.1, tls: yes }\n" ONE, "needs the file's tls:");
}
