/* A user agent with several addresses: what leaves by which, and what is told there. The far side
 * is sockets of the test. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"
#include "sip/session.h"

#define TEXT_MAX 4096

struct town {
    struct loop loop;
    struct sip_ua *ua;
    struct sip_home_config more[2];
    struct sip_session *session;
    uint32_t incoming, ended;
};

struct far_side {
    int fd;
    struct addr addr, from;
    char text[TEXT_MAX];
};

static void on_event(void *arg, struct sip_session *s, const struct sip_event *e)
{
    struct town *t = arg;

    if (e->kind != SIP_EV_ENDED)
        return;
    t->ended++;
    sip_session_release(s);
}

static void on_incoming(void *arg, struct sip_session *s)
{
    struct town *t = arg;

    t->incoming++;
    t->session = s;
    sip_session_set_handler(s, on_event, t);
    cr_assert_eq(
        sip_session_accept(s, SLICE("v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\nt=0 0\r\n"
                                    "m=audio 4000 RTP/AVP 8\r\n")),
        OK);
}

/* Home 0: 127.0.0.1; 1: ::1; 2: 127.0.0.2, told as 192.0.2.9. */
static void open_town(struct town *t)
{
    struct sip_ua_config c = {.tcp = true, .max_sessions = 16, .incoming = on_incoming, .arg = t};

    memset(t, 0, sizeof(*t));
    cr_assert_eq(addr_parse(SLICE("127.0.0.1:0"), 0, &c.local), OK);
    cr_assert_eq(addr_parse(SLICE("[::1]:0"), 0, &t->more[0].local), OK);
    cr_assert_eq(addr_parse(SLICE("127.0.0.2:0"), 0, &t->more[1].local), OK);
    cr_assert_eq(addr_parse(SLICE("192.0.2.9"), 0, &t->more[1].advertised), OK);
    c.more = t->more;
    c.more_count = 2;
    c.dscp = 24;
    cr_assert_eq(loop_init(&t->loop, NULL), OK);
    if (sip_ua_open(&t->ua, &t->loop, &c) != OK)
        cr_skip("there is no IPv6");
}

static void close_town(struct town *t)
{
    sip_ua_close(t->ua);
    for (int i = 0; i < 20; i++)
        loop_turn(&t->loop, 1000);
    loop_fini(&t->loop);
}

static void open_far(struct far_side *f, const char *host)
{
    socklen_t len = sizeof(f->addr.in6);

    memset(f, 0, sizeof(*f));
    cr_assert_eq(addr_from_host(slice_cstr(host), 0, &f->addr), OK);
    f->fd = socket(f->addr.sa.sa_family, SOCK_DGRAM, 0);
    cr_assert_eq(bind(f->fd, &f->addr.sa, addr_len(&f->addr)), 0);
    getsockname(f->fd, &f->addr.sa, &len);
}

/* Until a message comes that begins so. */
static void hear(struct town *t, struct far_side *f, const char *begins)
{
    for (int i = 0; i < 4000; i++) {
        socklen_t len = sizeof(f->from.in6);
        ssize_t n = recvfrom(f->fd, f->text, TEXT_MAX - 1, MSG_DONTWAIT, &f->from.sa, &len);

        f->text[n > 0 ? n : 0] = 0;
        if (n > 0 && strncmp(f->text, begins, strlen(begins)) == 0)
            return;
        loop_turn(&t->loop, 5000);
    }
    cr_assert(false, "no '%s' came", begins);
}

static bool says(const struct far_side *f, const char *what)
{
    return strstr(f->text, what) != NULL;
}

static void invite(struct town *t, const struct far_side *f, uint8_t home)
{
    char to[ADDR_TEXT_MAX], uri[128];
    struct sip_invite p = {.request_uri = uri,
                           .from_uri = "sip:+12025550111@example.org",
                           .contact_user = "peal",
                           .to = {.addr = f->addr, .home = home}};

    snprintf(uri, sizeof(uri), "sip:+12025550100@%s", addr_format(&f->addr, to, sizeof(to)));
    cr_assert_eq(sip_invite(t->ua, &p, on_event, t, &t->session), OK);
}

/* What an INVITE by that home says of itself. */
static void told(struct town *t, const char *host, uint8_t asked, uint8_t home, const char *as)
{
    char text[160], named[ADDR_TEXT_MAX];
    struct far_side f;

    open_far(&f, host);
    invite(t, &f, asked);
    hear(t, &f, "INVITE ");
    addr_format(sip_ua_home(t->ua, home), named, sizeof(named));
    cr_expect(addr_eq(&f.from, sip_ua_home(t->ua, home)), "left by another address");
    snprintf(text, sizeof(text), "Via: SIP/2.0/UDP %s:%u;rport", as,
             addr_port(sip_ua_home(t->ua, home)));
    cr_expect(says(&f, text), "%s is not in:\n%s", text, f.text);
    snprintf(text, sizeof(text), "Contact: <sip:peal@%s:%u>", as,
             addr_port(sip_ua_home(t->ua, home)));
    cr_expect(says(&f, text), "%s is not in:\n%s", text, f.text);
    close(f.fd);
}

Test(home, each_address_names_itself)
{
    struct town t;

    open_town(&t);
    told(&t, "127.0.0.9", 0, 0, "127.0.0.1");
    told(&t, "::1", 1, 1, "[::1]");
    told(&t, "127.0.0.9", 2, 2, "192.0.2.9");
    close_town(&t);
}

Test(home, a_far_side_of_another_family_is_called_by_the_first_that_fits)
{
    struct town t;

    open_town(&t);
    told(&t, "::1", 0, 1, "[::1]");
    told(&t, "127.0.0.9", 1, 0, "127.0.0.1");
    close_town(&t);
}

static void say(const struct far_side *f, const struct addr *to, const char *text)
{
    cr_assert_gt(sendto(f->fd, text, strlen(text), 0, &to->sa, addr_len(to)), 0);
}

/* A call from a far side whose Via and Contact are of ::1: the answer comes from the address that
 * was called, says so, and BYE goes to the Contact with its brackets. */
Test(home, who_calls_over_ipv6_is_answered_over_ipv6)
{
    struct town t;
    struct far_side f;
    char text[TEXT_MAX], home[ADDR_TEXT_MAX], far_end[ADDR_TEXT_MAX], want[200];

    open_town(&t);
    open_far(&f, "::1");
    addr_format(sip_ua_home(t.ua, 1), home, sizeof(home));
    addr_format(&f.addr, far_end, sizeof(far_end));
    snprintf(
        text, sizeof(text),
        "INVITE sip:100@%s SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::5]:5060;rport;branch=z9hG4bK1"
        "\r\nFrom: <sip:a@[2001:db8::5]>;tag=f\r\nTo: <sip:100@%s>\r\nCall-ID: six@[::1]\r\n"
        "CSeq: 1 INVITE\r\nContact: <sip:a@%s>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        home, home, far_end);
    say(&f, sip_ua_home(t.ua, 1), text);
    hear(&t, &f, "SIP/2.0 200");
    snprintf(want, sizeof(want),
             "Via: SIP/2.0/UDP [2001:db8::5]:5060;branch=z9hG4bK1;rport=%u;"
             "received=::1\r\n",
             addr_port(&f.addr));
    cr_expect(says(&f, want), "%s is not in:\n%s", want, f.text);
    snprintf(want, sizeof(want), "@%s>\r\n", home);
    cr_expect(says(&f, want) || says(&f, home), "no Contact of [::1] in:\n%s", f.text);
    cr_expect(addr_eq(&f.from, sip_ua_home(t.ua, 1)));
    const char *tag = strstr(f.text, ";tag=");

    for (const char *p = strstr(f.text, "To:"); p && (p = strstr(p, ";tag=")); p++)
        tag = p;
    snprintf(want, sizeof(want), "%.21s", tag);
    snprintf(text, sizeof(text),
             "ACK sip:100@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK2\r\n"
             "From: <sip:a@[2001:db8::5]>;tag=f\r\nTo: <sip:100@%s>%s\r\nCall-ID: six@[::1]\r\n"
             "CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
             home, far_end, home, want);
    say(&f, sip_ua_home(t.ua, 1), text);
    for (int i = 0; i < 20; i++)
        loop_turn(&t.loop, 5000);
    sip_session_end(t.session, 0, NULL);
    hear(&t, &f, "BYE ");
    snprintf(want, sizeof(want), "BYE sip:a@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport", far_end,
             home);
    cr_expect(says(&f, want), "%s is not in:\n%s", want, f.text);
    cr_expect_eq(sip_ua_stats(t.ua)->malformed, 0);
    close_town(&t);
    close(f.fd);
}

Test(home, all_addresses_need_one_that_is_told)
{
    struct sip_ua_config c = {0};
    struct sip_home_config more = {0};
    struct sip_ua *ua;
    struct loop loop;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(addr_parse(SLICE("127.0.0.1:0"), 0, &c.local), OK);
    cr_assert_eq(addr_parse(SLICE("0.0.0.0:0"), 0, &more.local), OK);
    c.more = &more;
    c.more_count = 1;
    cr_expect_eq(sip_ua_open(&ua, &loop, &c), ERR_INVALID);
    loop_fini(&loop);
}
