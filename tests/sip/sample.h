/* The typical INVITE of the parser's tests and bench: what a trunk sends, 15 headers, 911 bytes. */
#ifndef PEAL_TESTS_SIP_SAMPLE_H
#define PEAL_TESTS_SIP_SAMPLE_H

#define SAMPLE_SDP                                                                                 \
    "v=0\r\n"                                                                                      \
    "o=- 3912345678 3912345678 IN IP4 127.0.0.1\r\n"                                               \
    "s=-\r\n"                                                                                      \
    "c=IN IP4 127.0.0.1\r\n"                                                                       \
    "t=0 0\r\n"                                                                                    \
    "m=audio 40000 RTP/AVP 8 0 101\r\n"                                                            \
    "a=rtpmap:8 PCMA/8000\r\n"                                                                     \
    "a=rtpmap:0 PCMU/8000\r\n"                                                                     \
    "a=rtpmap:101 telephone-event/8000\r\n"                                                        \
    "a=fmtp:101 0-15\r\n"                                                                          \
    "a=ptime:20\r\n"                                                                               \
    "a=sendrecv\r\n"

#define SAMPLE_HEAD                                                                                \
    "INVITE sip:+12025550123@carrier.test:5060;user=phone SIP/2.0\r\n"                             \
    "Via: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK-524287-1---8f2a1b3c4d5e6f70\r\n"         \
    "Max-Forwards: 70\r\n"                                                                         \
    "From: \"Peal\" <sip:+12025550100@peal.test>;tag=8f3a2b1c\r\n"                                 \
    "To: <sip:+12025550123@carrier.test;user=phone>\r\n"                                           \
    "Contact: <sip:peal@127.0.0.1:5060;transport=udp>\r\n"                                         \
    "Call-ID: 4f1c2d3e-5a6b-7c8d-9e0f-a1b2c3d4e5f6@127.0.0.1\r\n"                                  \
    "CSeq: 1 INVITE\r\n"                                                                           \
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY\r\n"                    \
    "Supported: 100rel, timer, replaces\r\n"                                                       \
    "Session-Expires: 1800;refresher=uac\r\n"                                                      \
    "Min-SE: 90\r\n"                                                                               \
    "P-Asserted-Identity: <sip:+12025550100@peal.test>\r\n"                                        \
    "User-Agent: Peal/0.1\r\n"                                                                     \
    "Content-Type: application/sdp\r\n"                                                            \
    "Content-Length: 232\r\n"                                                                      \
    "\r\n"

_Static_assert(sizeof(SAMPLE_SDP) - 1 == 232, "Content-Length above");

#define SAMPLE_INVITE SAMPLE_HEAD SAMPLE_SDP

#endif
