/* Name tables: every name is found again, in any case, and nothing else is. */
#include "sip/names.h"

#include "expect.h"

Test(names, headers_are_found_in_any_case)
{
    for (unsigned id = SIP_H_OTHER + 1; id < SIP_H_COUNT; id++) {
        struct slice name = sip_hdr_name((enum sip_hdr)id);
        char other[32];
        cr_assert(name.len > 1 && name.len < sizeof(other));
        cr_assert_eq(sip_hdr_find(name), id, SLICE_FMT, SLICE_ARG(name));
        for (uint32_t i = 0; i < name.len; i++)
            other[i] = name.p[i] == '-' ? '-' : (char)(name.p[i] ^ 0x20);
        cr_assert_eq(sip_hdr_find(slice_of(guard_place(other, name.len), name.len)), id);
        for (uint32_t i = 0; i < name.len; i++) {
            memcpy(other, name.p, name.len);
            other[i] = '_';
            cr_assert_eq(sip_hdr_find(slice_of(other, name.len)), SIP_H_OTHER, SLICE_FMT,
                         SLICE_ARG(name));
        }
    }
}

Test(names, unknown_headers)
{
    static const char *const names[] = {"",
                                        "X",
                                        "q",
                                        "-",
                                        "1",
                                        "Via2",
                                        "Vi",
                                        "Contents",
                                        "Form",
                                        "Content-Length-",
                                        "Content-Lengthy",
                                        "@",
                                        "[",
                                        "{"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        enum sip_hdr want = SIP_H_OTHER;
        if (slice_ieq(slice_cstr(names[i]), SLICE("x")))
            want = SIP_H_SESSION_EXPIRES;
        cr_expect_eq(sip_hdr_find(guarded(names[i])), want, "%s", names[i]);
    }
}

Test(names, compact_forms)
{
    static const struct {
        char c;
        enum sip_hdr id;
    } forms[] = {
        {'b', SIP_H_REFERRED_BY},    {'c', SIP_H_CONTENT_TYPE}, {'e', SIP_H_CONTENT_ENCODING},
        {'f', SIP_H_FROM},           {'i', SIP_H_CALL_ID},      {'k', SIP_H_SUPPORTED},
        {'l', SIP_H_CONTENT_LENGTH}, {'m', SIP_H_CONTACT},      {'o', SIP_H_EVENT},
        {'r', SIP_H_REFER_TO},       {'s', SIP_H_SUBJECT},      {'t', SIP_H_TO},
        {'u', SIP_H_ALLOW_EVENTS},   {'v', SIP_H_VIA},          {'x', SIP_H_SESSION_EXPIRES},
        {'y', SIP_H_IDENTITY}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char upper = (char)(forms[i].c - 32);
        cr_expect_eq(sip_hdr_find(slice_of(&forms[i].c, 1)), forms[i].id, "%c", forms[i].c);
        cr_expect_eq(sip_hdr_find(slice_of(&upper, 1)), forms[i].id, "%c", upper);
    }
}

Test(names, methods_mind_case)
{
    for (unsigned m = SIP_METHOD_OTHER + 1; m < SIP_METHOD_COUNT; m++) {
        struct slice name = sip_method_name((enum sip_method)m);
        char other[16];
        cr_assert_eq(sip_method_find(slice_of(guard_place(name.p, name.len), name.len)), m);
        memcpy(other, name.p, name.len);
        other[0] = (char)(other[0] | 0x20);
        cr_assert_eq(sip_method_find(slice_of(other, name.len)), SIP_METHOD_OTHER);
    }
    cr_assert_eq(sip_method_find(SLICE("RE%47IST%45R")), SIP_METHOD_OTHER);
    cr_assert_eq(sip_method_find(SLICE_NONE), SIP_METHOD_OTHER);
}

Test(names, phrases)
{
    EXPECT_TEXT(sip_status_phrase(100), "Trying");
    EXPECT_TEXT(sip_status_phrase(486), "Busy Here");
    EXPECT_TEXT(sip_status_phrase(608), "Rejected");
    EXPECT_TEXT(sip_status_phrase(200), "OK");
    for (unsigned status = 100; status < 700; status++)
        cr_assert_gt(sip_status_phrase(status).len, 0);
}

Test(names, options_and_transports)
{
    cr_assert_eq(sip_option_find(SLICE("100rel")), SIP_OPT_100REL);
    cr_assert_eq(sip_option_find(SLICE("Timer")), SIP_OPT_TIMER);
    cr_assert_eq(sip_option_find(SLICE("nothingSupportsThis")), SIP_OPT_OTHER);
    cr_assert_eq(sip_transport_find(SLICE("udp")), SIP_UDP);
    cr_assert_eq(sip_transport_find(SLICE("WSS")), SIP_WSS);
    cr_assert_eq(sip_transport_find(SLICE("SCTP")), SIP_TRANSPORT_OTHER);
    EXPECT_TEXT(sip_transport_name(SIP_TLS), "TLS");
}
