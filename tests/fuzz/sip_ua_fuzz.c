/* Bytes thrown at a user agent in the midst of calls: one that it made and that is up, one that
 * came in and is up, one that rings on each side. The seed is fixed, so tags, branches and Call-IDs
 * are the same in every run and a corpus file can speak within the dialogs.
 *
 * Input: messages divided by 0xff. A message that begins with 0xfe and a byte n lets n × 250 ms
 * pass instead; 0xfd and a byte calls one function of the API on one session. Afterwards everything
 * must end by itself and every pool be whole again: what is not is a leak, and aborts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sip/session.h"

#define SESSIONS 12
#define SDP      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"

static struct wheel wheel;
static struct clock virtual_clock;
static struct sip_ua *ua;
static struct sip_session *sessions[SESSIONS];
static unsigned mood; /* what the owner does next; grows with every event */

static enum err swallow(void *arg, const struct sip_path *to, struct slice data)
{
    (void)arg;
    (void)to;
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "---- sent\n" SLICE_FMT, SLICE_ARG(data));
    return mood % 97 == 96 ? ERR_IO : OK;
}

static void act(struct sip_session *s, unsigned what)
{
    switch (what % 12) {
    case 0:
        sip_session_progress(s, 180, SLICE_NONE, false);
        break;
    case 1:
        sip_session_progress(s, 183, SLICE(SDP), true);
        break;
    case 2:
        sip_session_accept(s, SLICE(SDP));
        break;
    case 3:
        sip_session_reject(s, 486, NULL, 17, NULL);
        break;
    case 4:
        sip_session_offer(s, SLICE(SDP));
        break;
    case 5:
    case 6:
        sip_session_answer(s, SLICE(SDP));
        break;
    case 7:
        sip_session_refuse(s, 488);
        break;
    case 8:
        sip_session_end(s, 16, "fuzz");
        break;
    case 9:
        sip_session_accept(s, SLICE_NONE);
        break;
    default:
        sip_session_called_user(s);
        sip_session_invite_sdp(s);
        sip_session_header(s, "Subject");
        break;
    }
}

static void on_event(void *arg, struct sip_session *s, const struct sip_event *e)
{
    struct sip_session **place = arg;

    mood++;
    if (e->kind == SIP_EV_ENDED) {
        *place = NULL;
        sip_session_release(s);
        return;
    }
    if (e->kind == SIP_EV_OFFER || e->sdp_is_offer) {
        if (mood % 3)
            sip_session_answer(s, SLICE(SDP));
    } else if (mood % 5 == 0) {
        act(s, mood / 5);
    }
}

static void on_incoming(void *arg, struct sip_session *s)
{
    (void)arg;
    for (int i = 0; i < SESSIONS; i++)
        if (!sessions[i]) {
            sessions[i] = s;
            sip_session_set_handler(s, on_event, &sessions[i]);
            act(s, mood % 4);
            return;
        }
}

static void advance(uint64_t ms)
{
    clock_advance_us(&virtual_clock, ms * 1000);
    wheel_advance(&wheel, wheel.now_ms + ms);
}

static void say(const char *text)
{
    char copy[4096];
    struct sip_path from = {.tcp = false};
    size_t n = strlen(text);

    addr_parse(SLICE("127.0.0.9:5070"), 0, &from.addr);
    memcpy(copy, text, n);
    sip_ua_receive(ua, &from, copy, (uint32_t)n);
}

static struct sip_session *call_out(int at)
{
    struct sip_invite p = {.request_uri = "sip:+12025550100@127.0.0.9:5070",
                           .from_uri = "sip:us@us.test",
                           .auth_user = "u",
                           .auth_password = "p",
                           .sdp = SLICE(SDP)};

    addr_parse(SLICE("127.0.0.9:5070"), 0, &p.to.addr);
    sip_invite(ua, &p, on_event, &sessions[at], &sessions[at]);
    return sessions[at];
}

static void set_up(void)
{
    static const struct sip_wire wire = {.send = swallow};
    struct sip_ua_config c = {.max_sessions = 16, .seed = 7, .incoming = on_incoming};
    char text[2048];
    struct slice id;

    mood = 0;
    memset(sessions, 0, sizeof sessions);
    clock_init_virtual(&virtual_clock, 1000000, 0);
    wheel_init(&wheel, 1000);
    addr_parse(SLICE("127.0.0.1:5060"), 0, &c.local);
    if (sip_ua_open_on(&ua, &wheel, &virtual_clock, &wire, NULL, &c) != OK)
        abort();
    /* 0: made by us, rings; 1: came in, rings. What else is wanted, the input does. */
    id = sip_session_call_id(call_out(0));
    (void)id;
    snprintf(
        text, sizeof text,
        "INVITE sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bKin\r\n"
        "From: <sip:peer@peer.test>;tag=theirs\r\nTo: <sip:us@us.test>\r\nCall-ID: in\r\n"
        "CSeq: 1 INVITE\r\nContact: <sip:peer@127.0.0.9:5070>\r\nSupported: 100rel, timer\r\n"
        "Session-Expires: 90\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
        strlen(SDP), SDP);
    say(text);
}

static void take(const uint8_t *p, size_t n)
{
    struct sip_path from = {.tcp = n % 7 == 6};
    static char copy[70000];

    if (n >= 2 && p[0] == 0xfe) {
        advance(p[1] * 250u);
    } else if (n >= 2 && p[0] == 0xfd) {
        struct sip_session *s = sessions[p[1] % SESSIONS];
        if (s)
            act(s, p[1] / SESSIONS);
    } else if (n && n < sizeof copy) {
        addr_parse(SLICE("127.0.0.9:5070"), 0, &from.addr);
        memcpy(copy, p, n);
        sip_ua_receive(ua, &from, copy, (uint32_t)n);
    }
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "sip_ua_fuzz: %s\n", what);
    abort();
}

static void tear_down(void)
{
    const struct sip_ua_stats *s;

    mood = 1; /* the wire takes everything now */
    for (int i = 0; i < SESSIONS; i++)
        if (sessions[i])
            sip_session_release(sessions[i]);
    for (int i = 0; i < 20; i++)
        advance(20000);
    s = sip_ua_stats(ua);
    must(s->sessions == 0, "a session did not end");
    must(s->transactions == 0, "a transaction did not end");
    must(s->dialogs == 0, "a dialog was not given back");
    must(s->buffers == 0, "a buffer was not given back");
    must(wheel.count == 0, "a timer is left");
    sip_ua_close(ua);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_set_level(LOG_OFF);
    set_up();
    while (size) {
        const uint8_t *end = memchr(data, 0xff, size);
        size_t n = end ? (size_t)(end - data) : size;
        take(data, n);
        data += n;
        size -= n;
        if (size) {
            data++;
            size--;
        }
    }
    tear_down();
    return 0;
}
