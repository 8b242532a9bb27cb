/* Messages on a stream: cut anywhere, glued together, kept alive, and never followed blindly. */
#include "sip/message.h"

#include <stdio.h>

#include "expect.h"
#include "sample.h"

#define LIMIT 4096
#define PONG  "OPTIONS sip:b.test SIP/2.0\r\nl: 3\r\n\r\nabc"

static struct sip_frame frame(const char *text, size_t len)
{
    struct sip_framer f = {0};
    return sip_frame(&f, guard_place(text, len), len, LIMIT);
}

Test(frame, whole_and_glued)
{
    struct sip_frame r = frame(SAMPLE_INVITE PONG, sizeof(SAMPLE_INVITE PONG) - 1);
    cr_assert_eq(r.kind, SIP_FRAME_MESSAGE);
    cr_assert_eq(r.len, sizeof(SAMPLE_INVITE) - 1);
    r = frame(PONG, sizeof(PONG) - 1);
    cr_assert_eq(r.kind, SIP_FRAME_MESSAGE);
    cr_assert_eq(r.len, sizeof(PONG) - 1);
}

/* Byte by byte through one framer; each state must be MORE until the last byte. */
Test(frame, arrives_byte_by_byte)
{
    const char *text = SAMPLE_INVITE;
    struct sip_framer f = {0};
    for (size_t len = 0; len < strlen(text); len++) {
        struct sip_frame r = sip_frame(&f, guard_place(text, len), len, LIMIT);
        cr_assert_eq(r.kind, SIP_FRAME_MORE, "%d after %zu bytes", r.kind, len);
    }
    struct sip_frame r = sip_frame(&f, guard_place(text, strlen(text)), strlen(text), LIMIT);
    cr_assert_eq(r.kind, SIP_FRAME_MESSAGE);
    cr_assert_eq(r.len, strlen(text));
    cr_assert_eq(f.scanned, 0);
    cr_assert_eq(f.total, 0);
}

Test(frame, keep_alives)
{
    struct sip_frame r = frame("\r\n\r\n" PONG, 4 + sizeof(PONG) - 1);
    cr_assert_eq(r.kind, SIP_FRAME_PING);
    cr_assert_eq(r.len, 4);
    r = frame("\r\n" PONG, 2 + sizeof(PONG) - 1);
    cr_assert_eq(r.kind, SIP_FRAME_BLANK);
    cr_assert_eq(r.len, 2);
    cr_assert_eq(frame("\r\n", 2).kind, SIP_FRAME_BLANK);
    cr_assert_eq(frame("\r", 1).kind, SIP_FRAME_MORE);
    cr_assert_eq(frame("\r\n\r", 3).kind, SIP_FRAME_MORE);
    cr_assert_eq(frame("", 0).kind, SIP_FRAME_MORE);
    cr_assert_eq(frame("\rX", 2).kind, SIP_FRAME_BAD);
}

Test(frame, content_length_in_all_its_forms)
{
    static const char *const heads[] = {
        "OPTIONS x SIP/2.0\r\nContent-Length: 3\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\nL:3\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\ncontent-length  :\r\n  3  \r\nX: y\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\nX: a\r\n Content-Length: 9\r\nContent-Length: 03\r\n\r\nabc",
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct sip_frame r = frame(heads[i], strlen(heads[i]));
        cr_expect_eq(r.kind, SIP_FRAME_MESSAGE, "%s: %s", heads[i], r.what);
        cr_expect_eq(r.len, strlen(heads[i]));
    }
}

Test(frame, streams_that_cannot_be_followed)
{
    static const char *const bad[] = {
        "OPTIONS x SIP/2.0\r\nX: y\r\n\r\n",
        "OPTIONS x SIP/2.0\r\nContent-Length: 3\r\nl: 3\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\nContent-Length: -3\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\nContent-Length:\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\nContent-Length: 1\r\n 2\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\nContent-Length: 4294967290\r\n\r\nabc",
        "OPTIONS x SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sip_frame r = frame(bad[i], strlen(bad[i]));
        cr_expect_eq(r.kind, SIP_FRAME_BAD, "%s", bad[i]);
        cr_expect(r.kind != SIP_FRAME_BAD || r.what);
    }
}

Test(frame, limits)
{
    static char text[LIMIT + 10];
    memset(text, 'a', sizeof(text));
    cr_assert_eq(frame(text, LIMIT - 1).kind, SIP_FRAME_MORE);
    cr_assert_eq(frame(text, LIMIT).kind, SIP_FRAME_BAD);
    cr_assert_eq(frame(text, sizeof(text)).kind, SIP_FRAME_BAD);
    int head = snprintf(text, sizeof(text), "OPTIONS x SIP/2.0\r\nl: %d\r\n\r\n", LIMIT - 30);
    cr_assert_eq(head, 30);
    text[head] = 'b';
    struct sip_frame r = frame(text, LIMIT);
    cr_assert_eq(r.kind, SIP_FRAME_MESSAGE);
    cr_assert_eq(r.len, LIMIT);
    text[head - 5]++; /* one byte more than allowed */
    cr_assert_eq(frame(text, LIMIT).kind, SIP_FRAME_BAD);
}

/* Whatever the framer takes as one message, the parser takes to its last byte. */
Test(frame, agrees_with_the_parser)
{
    static struct sip_msg msg;
    static const char *const texts[] = {SAMPLE_INVITE, SAMPLE_INVITE "trailing"};
    for (size_t i = 0; i < 2; i++) {
        struct sip_frame r = frame(texts[i], strlen(texts[i]));
        cr_assert_eq(r.kind, SIP_FRAME_MESSAGE);
        cr_assert_eq(sip_parse(&msg, guard_place(texts[i], r.len), r.len), OK);
        cr_assert_eq(msg.raw.len, r.len);
    }
}
