/* The far end that judges generators: what it answers, and what it counts of packets that were sent
 * with known gaps. Whatever depends on the machine's haste is asked only in the direction in which
 * haste cannot help. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/sink.h"

static int to_port(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval limit = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/* The answer to a request of this method and Call-ID, into text. */
static void ask(int fd, const char *method, const char *call_id, char *text, size_t cap)
{
    char request[600];
    int n =
        snprintf(request, sizeof request,
                 "%s sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\n"
                 "Via: SIP/2.0/UDP 127.0.0.2:9;branch=z9hG4bK2\r\nMax-Forwards: 70\r\n"
                 "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: %s\r\nCSeq: 7 %s\r\n"
                 "Contact: <sip:a@127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n",
                 method, call_id, method);

    cr_assert_eq(send(fd, request, (size_t)n, 0), n);
    ssize_t got = recv(fd, text, cap - 1, 0);
    cr_assert(got > 0, "no answer");
    text[got] = '\0';
}

static uint16_t audio_port(const char *answer)
{
    const char *m = strstr(answer, "m=audio ");
    unsigned port = 0;

    cr_assert(m && sscanf(m, "m=audio %u RTP/AVP 0", &port) == 1, "%s", answer);
    return (uint16_t)port;
}

static void rtp(int fd, uint32_t ssrc, uint16_t seq)
{
    uint8_t p[172] = {0x80,
                      0,
                      (uint8_t)(seq >> 8),
                      (uint8_t)seq,
                      0,
                      0,
                      0,
                      0,
                      (uint8_t)(ssrc >> 24),
                      (uint8_t)(ssrc >> 16),
                      (uint8_t)(ssrc >> 8),
                      (uint8_t)ssrc};

    cr_assert_eq(send(fd, p, sizeof p, 0), (ssize_t)sizeof p);
}

Test(sink, answers_invites_and_byes)
{
    struct sink *s = sink_open(0);
    char first[2000], again[2000], other[2000];

    cr_assert(s);
    int fd = to_port(sink_port(s));
    ask(fd, "INVITE", "one@h", first, sizeof first);
    cr_assert(strncmp(first, "SIP/2.0 200 OK\r\n", 16) == 0, "%s", first);
    cr_assert(strstr(first, "branch=z9hG4bK1\r\nVia: SIP/2.0/UDP 127.0.0.2:9;branch=z9hG4bK2\r\n"));
    cr_assert(strstr(first, "To: <sip:b@h>;tag=") && strstr(first, "CSeq: 7 INVITE\r\n"));
    ask(fd, "INVITE", "one@h", again, sizeof again);
    cr_assert_str_eq(first, again);
    ask(fd, "BYE", "one@h", other, sizeof other);
    cr_assert(strstr(other, "CSeq: 7 BYE\r\n") && !strstr(other, "m=audio"));
    close(fd);
    sink_close(s);
}

Test(sink, counts_what_arrives)
{
    struct sink *s = sink_open(0);
    static struct sink_figures f;
    char answer[2000];

    cr_assert(s);
    int sip = to_port(sink_port(s));
    ask(sip, "INVITE", "one@h", answer, sizeof answer);
    int fd = to_port(audio_port(answer));
    rtp(fd, 5, 65534); /* before the measured time: the streams begin */
    rtp(fd, 6, 10);
    while (sink_streams(s) < 2)
        usleep(1000);
    usleep(60000); /* at the least: a gap that no haste makes shorter */
    sink_begin(s);
    rtp(fd, 5, 65535);
    rtp(fd, 5, 2); /* over the end of the numbers; 0 and 1 are missing */
    rtp(fd, 5, 2); /* again: not counted */
    rtp(fd, 6, 11);
    rtp(fd, 7, 1); /* a stream's first packet has no spacing */
    ask(sip, "BYE", "one@h", answer, sizeof answer);
    while (sink_streams(s) < 3)
        usleep(1000);
    sink_end(s, &f);
    cr_assert_eq(f.packets, 3);
    cr_assert_eq(f.streams, 2);
    cr_assert_eq(f.missing, 2);
    cr_assert_eq(f.calls_ended, 1);
    cr_assert_eq(f.overrun, 0);
    cr_assert_eq(f.spacing_us.count, 3);
    cr_assert_eq(f.offset_us.count, 3);
    cr_assert_geq(f.far_off, 2, "both first packets came 60 ms after the one before");
    cr_assert_geq(f.spacing_us.max, 40000);
    cr_assert_gt(f.seconds, 0);
    close(fd);
    close(sip);
    sink_close(s);
}
