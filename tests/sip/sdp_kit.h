/* Our side of an offer and answer (ours), what the other side says (theirs, parse), what was agreed
 * on (neg), and the text we write (b). */
#ifndef PEAL_TESTS_SDP_KIT_H
#define PEAL_TESTS_SDP_KIT_H

#include "expect.h"
#include "sip/offer.h"

static struct sdp_session ours;
static struct sdp_negotiated neg;
static struct sdp theirs;
static char out[SDP_TEXT_MAX];
static struct buf b;

static inline void parse(const char *text)
{
    cr_assert_eq(sdp_parse(guarded(text), &theirs), OK, "%s: %s", theirs.fault, text);
}

static inline enum err answer(const char *offer)
{
    parse(offer);
    b = buf_on(out, sizeof(out));
    return sdp_answer(&ours, &theirs, &b, &neg);
}

static inline void offer(void)
{
    b = buf_on(out, sizeof(out));
    cr_assert_eq(sdp_write_offer(&ours, &b), OK);
}

static inline enum err apply(const char *text)
{
    parse(text);
    return sdp_apply_answer(&ours, &theirs, &neg);
}

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"

#endif
