/* Our parser beside libosip2's on the same bytes: whatever both accept must mean the same. The
 * messages are hand-written ones and some thousands drawn from a seed: random order of headers,
 * compact forms, case, folding, comma lists or lines of their own, IPv6, escapes, bodies. They stay
 * inside what osip knows (it takes no blanks inside "SIP/2.0/UDP" and no quoted NUL). Session
 * descriptions likewise. */
#include <stdio.h>

#include "base/rng.h"
#include "expect.h"
#include "sample.h"
#include "sip/message.h"
#include "sip/sdp.h"

#ifndef PEAL_HAVE_OSIP

Test(osip_oracle, missing)
{
    cr_skip("libosip2 is not installed");
}

#else

#include <osipparser2/osip_parser.h>
#define sdp_media osip_sdp_media /* both call their struct so */
#include <osipparser2/sdp_message.h>
#undef sdp_media

#define DRAWN 4000

static struct sip_msg ours;
static osip_message_t *theirs;

#define SAME_TEXT(got, want)                                                                       \
    do {                                                                                           \
        struct slice got_ = (got);                                                                 \
        const char *want_ = (want);                                                                \
        cr_assert(slice_eq(got_, slice_cstr(want_)),                                               \
                  "%s: ours \"" SLICE_FMT "\", osip \"%s\" in\n%s", #got, SLICE_ARG(got_),         \
                  want_ ? want_ : "", text);                                                       \
    } while (0)

static void same_uri(struct slice uri_text, const osip_uri_t *uri, const char *text)
{
    struct sip_uri u;
    char user[200];
    cr_assert_eq(sip_uri_parse(uri_text, &u), OK, SLICE_FMT, SLICE_ARG(uri_text));
    struct buf b = buf_on(user, sizeof(user)); /* osip undoes escapes */
    sip_unescape(&b, u.user);
    SAME_TEXT(buf_slice(&b), uri->username);
    SAME_TEXT(u.host, uri->host);
    cr_assert_eq(u.port, uri->port ? atoi(uri->port) : 0, "%s", text);
}

static void same_party(const struct sip_nameaddr *na, osip_from_t *from, const char *text)
{
    osip_generic_param_t *tag = NULL;
    osip_from_get_tag(from, &tag);
    SAME_TEXT(na->tag, tag ? tag->gvalue : NULL);
    same_uri(na->uri_text, from->url, text);
    char *display = from->displayname ? osip_strdup_without_quote(from->displayname) : NULL;
    SAME_TEXT(na->display, display);
    osip_free(display);
}

static unsigned count(enum sip_hdr id)
{
    struct sip_iter it;
    struct slice item;
    unsigned n = 0;
    sip_iter_init(&it, &ours, id);
    while (sip_iter_next(&it, &item))
        n++;
    return n;
}

static void same_vias(const char *text)
{
    struct sip_iter it;
    struct sip_via v;
    int n = osip_list_size(&theirs->vias);
    sip_iter_init(&it, &ours, SIP_H_VIA);
    for (int i = 0; i < n; i++) {
        osip_via_t *via = osip_list_get(&theirs->vias, i);
        osip_generic_param_t *branch = NULL;
        cr_assert_eq(sip_iter_via(&it, &v), OK, "%s", text);
        osip_via_param_get_byname(via, (char *)"branch", &branch);
        SAME_TEXT(v.branch, branch ? branch->gvalue : NULL);
        SAME_TEXT(v.host, via->host);
        SAME_TEXT(v.transport_name, via->protocol);
        cr_assert_eq(v.port, via->port ? atoi(via->port) : 0);
    }
    cr_assert_eq(sip_iter_via(&it, &v), ERR_NOT_FOUND, "%s", text);
}

static void same_contacts(const char *text)
{
    struct sip_iter it;
    struct sip_nameaddr na;
    int n = osip_list_size(&theirs->contacts);
    sip_iter_init(&it, &ours, SIP_H_CONTACT);
    for (int i = 0; i < n; i++) {
        const osip_contact_t *c = osip_list_get(&theirs->contacts, i);
        cr_assert_eq(sip_iter_nameaddr(&it, &na), OK, "%s", text);
        same_uri(na.uri_text, c->url, text);
    }
    cr_assert_eq(sip_iter_nameaddr(&it, &na), ERR_NOT_FOUND, "%s", text);
}

static void same_start_line(const char *text)
{
    if (ours.is_request) {
        SAME_TEXT(ours.method_name, theirs->sip_method);
        same_uri(ours.uri_text, theirs->req_uri, text);
    } else {
        cr_assert_eq(ours.status, theirs->status_code);
        SAME_TEXT(ours.phrase, theirs->reason_phrase);
    }
}

static void same_rest(const char *text)
{
    char call_id[400];
    osip_header_t *max_forwards = NULL;
    osip_body_t *body = NULL;
    snprintf(call_id, sizeof(call_id), "%s%s%s", theirs->call_id->number,
             theirs->call_id->host ? "@" : "", theirs->call_id->host ? theirs->call_id->host : "");
    SAME_TEXT(ours.call_id, call_id);
    cr_assert_eq(ours.cseq.number, strtoul(theirs->cseq->number, NULL, 10));
    SAME_TEXT(ours.cseq.method_name, theirs->cseq->method);
    osip_message_get_max_forwards(theirs, 0, &max_forwards);
    cr_assert_eq(ours.max_forwards, max_forwards ? atoi(max_forwards->hvalue) : -1);
    cr_assert_eq((int)count(SIP_H_ROUTE), osip_list_size(&theirs->routes), "%s", text);
    cr_assert_eq((int)count(SIP_H_RECORD_ROUTE), osip_list_size(&theirs->record_routes), "%s", text);
    osip_message_get_body(theirs, 0, &body);
    cr_assert_eq((size_t)ours.body.len, body ? body->length : 0, "%s", text);
    cr_assert(ours.body.len == 0 || memcmp(ours.body.p, body->body, ours.body.len) == 0);
}

static void compare(const char *text)
{
    size_t len = strlen(text);
    char where[200];
    cr_assert_eq(osip_message_init(&theirs), 0);
    int osip = osip_message_parse(theirs, text, len);
    cr_assert_eq(osip, 0, "osip refuses (%d):\n%s", osip, text);
    cr_assert_eq(sip_parse(&ours, guard_place(text, len), len), OK, "%s in\n%s",
                 sip_fault_format(&ours.fault, where, sizeof(where)), text);
    same_start_line(text);
    same_party(&ours.from, theirs->from, text);
    same_party(&ours.to, theirs->to, text);
    same_vias(text);
    same_contacts(text);
    same_rest(text);
    osip_message_free(theirs);
}

#define LEAST                                                                                      \
    "Via: SIP/2.0/UDP a.test;branch=z9hG4bKx\r\nFrom: <sip:a@a.test>;tag=1\r\n"                    \
    "To: <sip:b@b.test>;tag=2\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nMax-Forwards: 69\r\n"

Test(osip_oracle, hand_written)
{
    parser_init();
    compare(SAMPLE_INVITE);
    compare("SIP/2.0 180 Ringing\r\n" LEAST "Contact: <sip:c@c.test>\r\nContent-Length: 0\r\n\r\n");
    compare("SIP/2.0 486 Busy Here\r\n" LEAST "Reason: Q.850;cause=17;text=\"User busy\"\r\n"
            "Content-Length: 0\r\n\r\n");
    compare("INVITE sip:b@[::1]:5061;transport=tcp SIP/2.0\r\n" LEAST
            "Record-Route: <sip:p1.test;lr>, <sip:p2.test;lr>\r\nRecord-Route: <sip:p3.test;lr>\r\n"
            "Route: <sip:r1.test;lr>\r\nContact: \"a, b\" <sip:c@[2001:db8::1]:5070>;q=0.1\r\n"
            "Content-Length: 0\r\n\r\n");
}

/* ---- drawn messages ---- */

static struct rng rng;
static struct buf out;

static unsigned below(unsigned n)
{
    return rng_below(&rng, n);
}

#define ONE_OF(...)                                                                                \
    ((const char *const[]){                                                                        \
        __VA_ARGS__}[below(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))])

static void name(const char *long_form, const char *compact)
{
    const char *s = compact && below(3) == 0 ? compact : long_form;
    unsigned style = below(3);
    for (; *s; s++)
        buf_putc(&out, style == 0 && *s >= 'a' && *s <= 'z'   ? (char)(*s - 32)
                       : style == 1 && *s >= 'A' && *s <= 'Z' ? (char)(*s + 32)
                                                              : *s);
    buf_puts(&out, ONE_OF(": ", ":", ":  ", ":\t", " : ", ":\r\n "));
}

static void fold(void)
{
    buf_puts(&out, ONE_OF(" ", " ", " ", "\r\n ", "\r\n\t"));
}

static void host(void)
{
    buf_puts(&out, ONE_OF("127.0.0.1", "peal.test", "a-b.c.test", "[::1]", "[2001:db8::7]"));
    if (below(2))
        buf_printf(&out, ":%u", 1 + below(65535));
}

static void uri(void)
{
    buf_puts(&out, "sip:");
    if (below(5))
        buf_printf(&out, "%s@",
                   ONE_OF("ann", "+12025550123", "a.b-c_d", "a%20b", "x%40y", "1-2(3)"));
    host();
    buf_puts(&out, ONE_OF("", "", ";user=phone", ";transport=udp;lr", ";x=y"));
}

static void address(void)
{
    buf_puts(&out, ONE_OF("", "", "Ann ", "\"Ann B\" ", "\"a, b; <c>\" ", "\"q\\\"q\" "));
    buf_putc(&out, '<');
    uri();
    buf_putc(&out, '>');
}

static void party(const char *long_form, const char *compact, bool tag)
{
    name(long_form, compact);
    address();
    if (tag)
        buf_printf(&out, ";tag=%x", below(1u << 30));
    buf_puts(&out, "\r\n");
}

static void list(const char *long_form, const char *compact, void (*item)(void))
{
    for (unsigned lines = below(3); lines > 0; lines--) {
        name(long_form, compact);
        item();
        for (unsigned more = below(3); more > 0; more--) {
            buf_putc(&out, ',');
            fold();
            item();
        }
        buf_puts(&out, "\r\n");
    }
}

static void via(void)
{
    buf_printf(&out, "SIP/2.0/%s ", ONE_OF("UDP", "TCP", "TLS", "WS"));
    host();
    buf_printf(&out, ";branch=z9hG4bK%x", below(1u << 30));
    buf_puts(&out, ONE_OF("", ";rport", ";received=127.0.0.9;rport=5070", ";maddr=224.0.0.1"));
}

static void contact(void)
{
    address();
    buf_puts(&out, ONE_OF("", ";q=0.5", ";expires=60;+x=\"a,b\""));
}

static const char *method;

static void header(unsigned which)
{
    switch (which) {
    case 0:
        name("Via", "v");
        via();
        buf_puts(&out, "\r\n");
        list("Via", "v", via);
        break;
    case 1:
        party("From", "f", below(10) != 0);
        break;
    case 2:
        party("To", "t", below(2) == 0);
        break;
    case 3:
        name("Call-ID", "i");
        buf_printf(&out, "%x-%x%s\r\n", below(1u << 30), below(1u << 30),
                   ONE_OF("", "@a.test", "@[::1]"));
        break;
    case 4:
        name("CSeq", NULL);
        buf_printf(&out, "%u", below(1u << 31));
        fold();
        buf_printf(&out, "%s\r\n", method);
        break;
    case 5:
        if (below(5)) {
            name("Max-Forwards", NULL);
            buf_printf(&out, "%u\r\n", below(256));
        }
        break;
    case 6:
        list("Contact", "m", contact);
        break;
    case 7:
        list("Route", NULL, address);
        break;
    case 8:
        list("Record-Route", NULL, address);
        break;
    default:
        name(ONE_OF("X-Own", "Subject", "User-Agent", "P-Thing"), NULL);
        buf_puts(&out, ONE_OF("a", "some words", "a;b=c", "\"q\""));
        buf_puts(&out, "\r\n");
        break;
    }
}

static void draw(void)
{
    unsigned order[12], body = below(3) ? 0 : below(300);
    method = ONE_OF("INVITE", "BYE", "OPTIONS", "REGISTER", "PRACK", "NEWMETHOD");
    if (below(2)) {
        buf_printf(&out, "%s ", method);
        uri();
        buf_puts(&out, " SIP/2.0\r\n");
    } else {
        buf_printf(&out, "SIP/2.0 %u %s\r\n", 100 + below(600),
                   ONE_OF("OK", "Not so good", "Ringing"));
    }
    for (unsigned i = 0; i < 12; i++) {
        unsigned j = below(i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (unsigned i = 0; i < 12; i++)
        header(order[i]);
    if (body) {
        name("Content-Type", "c");
        buf_puts(&out, "application/sdp\r\n");
    }
    name("Content-Length", "l");
    buf_printf(&out, "%u\r\n\r\n", body);
    for (unsigned i = 0; i < body; i++)
        buf_putc(&out, (char)(i % 20 == 18 ? '\r' : i % 20 == 19 ? '\n' : 'a' + i % 20));
}

Test(osip_oracle, drawn)
{
    static char text[16384];
    parser_init();
    for (unsigned i = 0; i < DRAWN; i++) {
        rng_seed(&rng, 1000 + i);
        out = buf_on(text, sizeof(text) - 1);
        draw();
        cr_assert_eq(buf_end(&out), OK);
        text[out.len] = 0;
        compare(text);
    }
}

/* ---- session descriptions ---- */

static struct sdp sdp;

static void draw_media(void)
{
    buf_printf(&out, "m=%s %u%s %s", ONE_OF("audio", "audio", "video", "image"), below(65536),
               ONE_OF("", "", "/2"), ONE_OF("RTP/AVP", "RTP/SAVP", "udptl"));
    for (unsigned n = 1 + below(6); n > 0; n--)
        buf_printf(&out, " %u", below(128));
    buf_puts(&out, "\r\n");
    if (below(2))
        buf_puts(&out, "i=a title\r\n");
    if (below(2))
        buf_printf(&out, "c=IN IP4 192.0.2.%u\r\n", below(256));
    if (below(3) == 0)
        buf_puts(&out, "b=AS:64\r\n");
    for (unsigned n = below(5); n > 0; n--)
        buf_puts(&out,
                 ONE_OF("a=rtpmap:0 PCMU/8000\r\n", "a=ptime:20\r\n", "a=sendonly\r\n",
                        "a=fmtp:101 0-15\r\n", "a=x-own\r\n", "a=rtcp:5001 IN IP4 a.test\r\n"));
}

static void draw_sdp(void)
{
    buf_printf(&out, "v=0\r\no=%s %u %u IN IP4 127.0.0.1\r\ns=%s\r\n", ONE_OF("-", "ann"),
               below(1u << 31), below(1u << 31), ONE_OF("-", "a call", "x"));
    if (below(2))
        buf_puts(&out, "i=info\r\n");
    buf_puts(&out, ONE_OF("c=IN IP4 127.0.0.1\r\n", "c=IN IP6 ::1\r\n", "c=IN IP4 0.0.0.0\r\n"));
    if (below(2))
        buf_puts(&out, "b=CT:128\r\n");
    buf_puts(&out, "t=0 0\r\n");
    buf_puts(&out, ONE_OF("", "a=recvonly\r\n", "a=tool:x\r\na=inactive\r\n"));
    for (unsigned n = below(4); n > 0; n--)
        draw_media();
}

static void same_media(sdp_message_t *osip, int i, const char *text)
{
    const struct sdp_media *m = &sdp.media[i];
    const char *host = sdp_message_c_addr_get(osip, i, 0), *field;
    unsigned attributes = 0;
    SAME_TEXT(m->kind, sdp_message_m_media_get(osip, i));
    SAME_TEXT(m->proto, sdp_message_m_proto_get(osip, i));
    cr_assert_eq(m->port, atoi(sdp_message_m_port_get(osip, i)), "%s", text);
    SAME_TEXT(m->conn.host, host ? host : sdp_message_c_addr_get(osip, -1, 0));
    for (unsigned f = 0; f < m->nformats; f++)
        SAME_TEXT(m->formats[f].text, sdp_message_m_payload_get(osip, i, (int)f));
    cr_assert_null(sdp_message_m_payload_get(osip, i, m->nformats), "%s", text);
    for (unsigned l = m->first_line; l < m->first_line + m->nlines; l++) {
        struct slice name, value;
        if (sdp.lines[l].type != 'a')
            continue;
        slice_cut(sdp.lines[l].value, ':', &name, &value);
        SAME_TEXT(name, sdp_message_a_att_field_get(osip, i, (int)attributes));
        SAME_TEXT(value, sdp_message_a_att_value_get(osip, i, (int)attributes++));
    }
    field = sdp_message_a_att_field_get(osip, i, (int)attributes);
    cr_assert_null(field, "osip has also a=%s in\n%s", field, text);
}

Test(osip_oracle, session_descriptions)
{
    static char text[8192];
    for (unsigned i = 0; i < DRAWN; i++) {
        sdp_message_t *osip;
        rng_seed(&rng, 50000 + i);
        out = buf_on(text, sizeof(text) - 1);
        draw_sdp();
        cr_assert_eq(buf_end(&out), OK);
        text[out.len] = 0;
        cr_assert_eq(sdp_message_init(&osip), 0);
        cr_assert_eq(sdp_message_parse(osip, text), 0, "osip refuses:\n%s", text);
        cr_assert_eq(sdp_parse(guarded(text), &sdp), OK, "%s in\n%s", sdp.fault, text);
        SAME_TEXT(sdp.origin.user, sdp_message_o_username_get(osip));
        cr_assert_eq(sdp.origin.version, strtoull(sdp_message_o_sess_version_get(osip), NULL, 10));
        SAME_TEXT(sdp.name, sdp_message_s_name_get(osip));
        for (unsigned m = 0; m < sdp.nmedia; m++)
            same_media(osip, (int)m, text);
        cr_assert(sdp_message_endof_media(osip, sdp.nmedia), "%s", text);
        sdp_message_free(osip);
    }
}

#endif
