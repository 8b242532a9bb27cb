/* The ladder of a call: which messages are noted, for which end, with what text. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sip/trace.h"

static struct sip_trace *open_trace(uint32_t calls)
{
    struct sip_trace *t = NULL;

    cr_assert_eq(sip_trace_open(&t, calls), OK);
    return t;
}

static void note(struct sip_trace *t, uint64_t at_us, bool out, const char *start, const char *tags,
                 const char *cseq)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "%s\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n%s\r\ni: abc@host\r\nCSeq: %s\r\n"
                     "Reason: Q.850;cause=17\r\n\r\nbody: not a header\r\n",
                     start, tags, cseq);
    sip_trace_note(t, at_us, out, slice_of(text, (size_t)n));
}

#define CALLER "From: <sip:a@x>;tag=one\r\nTo: \"tag=no;\" <sip:b@y>"
#define BOTH   "f: <sip:a@x>;tag=one\r\nt: <sip:b@y;x=1>;tag=two"
#define CALLEE "From: <sip:b@y>;tag=two\r\nTo: <sip:a@x>;tag=one"

static void assert_ladder(const struct trace_call *c, const char *expected)
{
    char name[32], all[512] = "";
    size_t at = 0;

    cr_assert(c, "the call is not traced");
    for (uint32_t i = 0; i < c->count; i++)
        at += (size_t)snprintf(all + at, sizeof all - at, "%s%s%s; ", c->message[i].out ? ">" : "<",
                               trace_name(&c->message[i], name, sizeof name),
                               c->message[i].repeated ? " again" : "");
    cr_assert_str_eq(all, expected);
}

Test(trace, a_call_from_invite_to_bye)
{
    struct sip_trace *t = open_trace(4);

    note(t, 1000, true, "INVITE sip:b@y SIP/2.0", CALLER, "1 INVITE");
    note(t, 2000, true, "INVITE sip:b@y SIP/2.0", CALLER, "1 INVITE");
    note(t, 3000, false, "SIP/2.0 180 Ringing", BOTH, "1 INVITE");
    note(t, 4000, false, "SIP/2.0 200 OK", BOTH, "1 INVITE");
    note(t, 5000, true, "ACK sip:b@y SIP/2.0", BOTH, "1 ACK");
    note(t, 6000, false, "BYE sip:a@x SIP/2.0", CALLEE, "7 BYE");
    note(t, 7000, true, "SIP/2.0 200 OK", CALLEE, "7 BYE");
    struct trace_call *c = sip_trace_find(t, SLICE("abc@host"), true);
    assert_ladder(c, ">INVITE; >INVITE again; <180; <200; >ACK; <BYE; >200 (BYE); ");
    cr_assert_null(sip_trace_find(t, SLICE("abc@host"), false), "the other end is not ours");
    cr_assert_eq(c->message[3].at_us, 4000u);
    cr_assert(slice_eq(trace_header(c, &c->message[5], "reason"), SLICE("Q.850;cause=17")));
    cr_assert_eq(trace_header(c, &c->message[5], "body").len, 0u, "a body is no header");
    cr_assert_eq(trace_text(c, &c->message[1]).len, 0u, "a repeated text is kept once");
    sip_trace_drop(t, c);
    note(t, 8000, false, "BYE sip:a@x SIP/2.0", CALLEE, "7 BYE");
    cr_assert_null(sip_trace_find(t, SLICE("abc@host"), true), "only an INVITE begins a ladder");
    sip_trace_close(t);
}

Test(trace, both_ends_of_a_call_in_one_ua_have_a_ladder_each)
{
    struct sip_trace *t = open_trace(4);

    note(t, 1, true, "INVITE sip:b@y SIP/2.0", CALLER, "1 INVITE");
    note(t, 2, false, "INVITE sip:b@y SIP/2.0", CALLER, "1 INVITE");
    note(t, 3, true, "SIP/2.0 200 OK", BOTH, "1 INVITE");
    note(t, 4, false, "SIP/2.0 200 OK", BOTH, "1 INVITE");
    note(t, 5, true, "BYE sip:a@x SIP/2.0", CALLEE, "1 BYE");
    note(t, 6, false, "BYE sip:a@x SIP/2.0", CALLEE, "1 BYE");
    assert_ladder(sip_trace_find(t, SLICE("abc@host"), true), ">INVITE; <200; <BYE; ");
    assert_ladder(sip_trace_find(t, SLICE("abc@host"), false), "<INVITE; >200; >BYE; ");
    sip_trace_close(t);
}

Test(trace, bounds_are_kept_and_counted)
{
    struct sip_trace *t = open_trace(1);
    char start[32];

    note(t, 1, false, "INVITE sip:b@y SIP/2.0", CALLER, "1 INVITE");
    for (int i = 0; i < TRACE_MESSAGES_MAX + 4; i++) {
        snprintf(start, sizeof start, "SIP/2.0 %d Some", 180 + i);
        note(t, 2, true, start, BOTH, "1 INVITE");
    }
    struct trace_call *c = sip_trace_find(t, SLICE("abc@host"), false);
    cr_assert_eq(c->count, (uint32_t)TRACE_MESSAGES_MAX);
    cr_assert_eq(c->dropped, 5u);
    cr_assert_leq(c->used, (uint32_t)TRACE_TEXT_MAX);
    sip_trace_note(t, 3, true,
                   SLICE("INVITE sip:c@y SIP/2.0\r\nCall-ID: other\r\nFrom: <sip:a@x>;tag=1\r\n"));
    cr_assert_eq(sip_trace_refused(t), 1u);
    cr_assert_null(sip_trace_find(t, SLICE("other"), true));
    sip_trace_close(t);
}

Test(trace, what_is_no_sip_is_left_alone)
{
    static const char *const texts[] = {"",
                                        "\r\n\r\n",
                                        "INVITE",
                                        "SIP/2.0 99 Low\r\nCall-ID: x\r\n",
                                        "INVITE sip:b@y SIP/2.0\r\nFrom: <sip:a@x>;tag=1\r\n\r\n",
                                        "\0\0\0"};
    struct sip_trace *t = open_trace(2);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        sip_trace_note(t, 1, true, slice_cstr(texts[i]));
    cr_assert_null(sip_trace_find(t, SLICE("x"), true));
    cr_assert_eq(sip_trace_refused(t), 0u);
    sip_trace_close(t);
}

Test(trace, a_full_pool_forgets_what_has_been_silent_for_long)
{
    struct sip_trace *t = open_trace(2);

    note(t, 1000000, false, "INVITE sip:b@y SIP/2.0", CALLER, "1 INVITE");
    sip_trace_note(t, 2000000, true,
                   SLICE("INVITE sip:c@y SIP/2.0\r\nCall-ID: two\r\nFrom: <sip:a@x>;tag=1\r\n"));
    note(t, 3000000, true, "SIP/2.0 180 Ringing", BOTH, "1 INVITE");
    sip_trace_note(t, 41900000, true,
                   SLICE("INVITE sip:c@y SIP/2.0\r\nCall-ID: three\r\nFrom: <sip:a@x>;tag=1\r\n"));
    cr_assert_eq(sip_trace_refused(t), 1u, "the other two may still be alive");
    sip_trace_note(t, 42000000, true,
                   SLICE("INVITE sip:c@y SIP/2.0\r\nCall-ID: three\r\nFrom: <sip:a@x>;tag=1\r\n"));
    cr_assert_null(sip_trace_find(t, SLICE("two"), true));
    cr_assert(sip_trace_find(t, SLICE("three"), true));
    cr_assert(sip_trace_find(t, SLICE("abc@host"), false));
    sip_trace_close(t);
}
