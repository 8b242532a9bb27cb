/* Dialogs: names, CSeq, route sets, targets (RFC 3261 12), seen in the requests that go out. */
#include "sip/dialogue.h"

#define RR "Record-Route: <sip:127.0.0.7:5080;lr>\r\nRecord-Route: <sip:127.0.0.8:5090;lr>\r\n"

Test(dialog, a_caller_reverses_record_route_and_sends_to_its_first)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);
    char to[ADDR_TEXT_MAX];

    reply_to(d, invite, 200, "a", RR, ANSWER);
    struct sent *ack = want_request(d, SIP_ACK);
    cr_assert(text_has(ack, "Route: <sip:127.0.0.8:5090;lr>, <sip:127.0.0.7:5080;lr>\r\n"));
    cr_assert(slice_eq(d->parsed.uri_text, SLICE(PEER_URI)));
    cr_assert_str_eq(addr_format(&ack->to.addr, to, sizeof to), "127.0.0.8:5090");
    dialogue_free(d);
}

Test(dialog, the_called_side_keeps_record_route_in_order)
{
    struct dialogue *d = dialogue_new(NULL);
    char to[ADDR_TEXT_MAX];

    called_up(d, RR);
    sip_session_end(d->session, 0, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert(text_has(bye, "Route: <sip:127.0.0.7:5080;lr>, <sip:127.0.0.8:5090;lr>\r\n"));
    cr_assert_str_eq(addr_format(&bye->to.addr, to, sizeof to), "127.0.0.7:5080");
    dialogue_free(d);
}

Test(dialog, a_strict_router_stands_in_the_request_uri)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, "Record-Route: <sip:127.0.0.7:5080>\r\nRecord-Route: <sip:127.0.0.8;lr>\r\n");
    sip_session_end(d->session, 0, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert(slice_eq(d->parsed.uri_text, SLICE("sip:127.0.0.7:5080")));
    cr_assert(text_has(bye, "Route: <sip:127.0.0.8;lr>, <" PEER_URI ">\r\n"));
    dialogue_free(d);
}

Test(dialog, a_name_as_next_hop_goes_where_the_invite_went)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 200, "a", "Record-Route: <sip:proxy.test;lr>\r\n", ANSWER);
    struct sent *ack = want_request(d, SIP_ACK);
    cr_assert(addr_eq(&ack->to.addr, &d->peer.addr));
    dialogue_free(d);
}

Test(dialog, transport_of_the_target_is_kept_to)
{
    struct dialogue *d = dialogue_new(&(struct sip_ua_config){.tcp = true});
    struct sip_invite p = {.sdp = SLICE(OFFER)};
    static struct sip_msg m;
    struct sent *invite = call_out(d, &p);
    char copy[6000], text[4000];
    struct buf b = buf_on(text, sizeof text - 1);

    memcpy(copy, invite->text, invite->len);
    sip_parse(&m, copy, invite->len);
    sip_write_response(&b, &m, 200, SLICE_NONE, SLICE("a"), NULL);
    buf_puts(&b, "Contact: <sip:x@127.0.0.5:5071;transport=tcp>\r\n");
    sip_write_body(&b, SLICE("application/sdp"), SLICE(ANSWER));
    text[b.len] = 0;
    inject(d, text);
    struct sent *ack = want_request(d, SIP_ACK);
    cr_assert(ack->to.tcp);
    cr_assert(text_has(ack, "Via: SIP/2.0/TCP"));
    cr_assert_eq(addr_port(&ack->to.addr), 5071);
    dialogue_free(d);
}

Test(dialog, cseq_goes_up_by_one_and_an_old_one_is_refused)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "OPTIONS", 150, NULL, NULL, NULL);
    cr_assert(text_has(want_status(d, 200), "Allow: INVITE"));
    request(d, "OPTIONS", 149, NULL, NULL, NULL);
    want_status(d, 500);
    d->inside_api = 1;
    cr_assert_eq(sip_session_offer(d->session, SLICE(OFFER)), OK);
    d->inside_api = 0;
    struct sent *re = want_request(d, SIP_INVITE);
    cr_assert_eq(d->parsed.cseq.number, 1);
    reply_to(d, re, 200, d->their_tag, NULL, ANSWER);
    want_request(d, SIP_ACK);
    cr_assert_eq(d->parsed.cseq.number, 1);
    want_event(d, SIP_EV_ANSWER);
    sip_session_end(d->session, 0, NULL);
    want_request(d, SIP_BYE);
    cr_assert_eq(d->parsed.cseq.number, 2);
    dialogue_free(d);
}

Test(dialog, a_reinvite_moves_the_target)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    char text[3000];
    snprintf(text, sizeof text,
             "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bKmove\r\n"
             "From: <sip:peer@peer.test>;tag=%s\r\nTo: <sip:us@us.test>;tag=%s\r\nCall-ID: %s\r\n"
             "CSeq: 200 INVITE\r\nContact: <sip:moved@127.0.0.10:6000>\r\n"
             "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" OFFER,
             d->target, d->their_tag, d->our_tag, d->call_id, strlen(OFFER));
    inject(d, text);
    want_event(d, SIP_EV_OFFER);
    sip_session_answer(d->session, SLICE(ANSWER));
    want_status(d, 200);
    ack_2xx(d, 200, NULL);
    sip_session_end(d->session, 0, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert(slice_eq(d->parsed.uri_text, SLICE("sip:moved@127.0.0.10:6000")));
    cr_assert_eq(addr_port(&bye->to.addr), 6000);
    dialogue_free(d);
}

Test(dialog, long_names_go_to_a_larger_room_and_endless_ones_are_refused)
{
    struct dialogue *d = dialogue_new(NULL);
    char headers[5000] = "Record-Route: <sip:127.0.0.7;lr>";

    for (int i = 0; i < 20; i++)
        strcat(headers, ",<sip:hop-with-a-rather-long-name.test:5099;lr;x=1>");
    strcat(headers, "\r\n");
    called_up(d, headers);
    sip_session_end(d->session, 0, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert(text_has(bye, "Route: <sip:127.0.0.7;lr>"));
    cr_assert_eq(sip_count(&d->parsed, SIP_H_ROUTE), 1);

    headers[strlen(headers) - 2] = 0;
    for (int i = 0; i < 20; i++)
        strcat(headers, ",<sip:hop-with-a-rather-long-name.test:5099;lr;x=1>");
    strcat(headers, "\r\n");
    strcpy(d->call_id, "other");
    request(d, "INVITE", 500, "", headers, OFFER);
    want_status(d, 513);
    cr_assert_eq(sip_ua_stats(d->ua)->too_long, 1);
    dialogue_free(d);
}

Test(dialog, responses_go_by_via_received_and_rport)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_path from = path_of("127.0.0.66:7777", false);
    static const char options[] = "OPTIONS sip:us@127.0.0.1 SIP/2.0\r\n"
                                  "Via: SIP/2.0/UDP host.test:5099%s;branch=z9hG4bK%d\r\n"
                                  "From: <sip:a@peer.test>;tag=t\r\nTo: <sip:us@us.test>\r\n"
                                  "Call-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    char text[1000], to[ADDR_TEXT_MAX];

    snprintf(text, sizeof text, options, "", 1);
    inject_from(d, &from, text);
    struct sent *ok = want_status(d, 200);
    cr_assert_str_eq(addr_format(&ok->to.addr, to, sizeof to), "127.0.0.66:5099");
    cr_assert(text_has(ok, "received=127.0.0.66"));
    cr_assert(d->parsed.to.tag.len);
    snprintf(text, sizeof text, options, ";rport", 2);
    inject_from(d, &from, text);
    ok = want_status(d, 200);
    cr_assert_str_eq(addr_format(&ok->to.addr, to, sizeof to), "127.0.0.66:7777");
    cr_assert(text_has(ok, "rport=7777"));
    dialogue_free(d);
}

Test(dialog, requests_for_no_dialog_and_unknown_methods_are_answered)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "BYE", 1, "nobody", NULL, NULL);
    want_status(d, 481);
    request(d, "UPDATE", 2, "", NULL, NULL);
    want_status(d, 481);
    request(d, "SUBSCRIBE", 3, "", NULL, NULL);
    cr_assert(text_has(want_status(d, 405), "Allow: INVITE, ACK"));
    request(d, "DANCE", 4, "", NULL, NULL);
    want_status(d, 501);
    request(d, "ACK", 5, "nobody", NULL, NULL);
    want_silence(d);
    request(d, "CANCEL", 6, "", NULL, NULL);
    want_status(d, 481);
    cr_assert_eq(sip_ua_stats(d->ua)->stray_acks, 1);
    dialogue_free(d);
}
