/* See sink.h. */
#include "bench/sink.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "bench/bench.h"
#include "sip/message.h"

#define PORTS       32 /* so that no one socket's buffer has to hold a burst of all */
#define BATCH       64
#define LOOK_NS     1000000
#define BUFFER      (8 << 20)
#define PACKET_US   20000
#define RTP_LEAST   12
#define RTP_MAX     512
#define SIP_MAX     4096
#define CONTROL_MAX 128

struct stream {
    uint64_t key; /* 0: free */
    int64_t arrived_us, first_us;
    uint16_t seq;
    uint32_t steps;      /* of the sequence number, since the first */
    int64_t earliest_us; /* offset, in the measured time */
    bool heard;          /* in it */
};

struct sample {
    uint32_t stream;
    int32_t offset_us;
};

struct sink {
    pthread_t thread;
    bool started;
    uint32_t core;
    int sip, rtp[PORTS];
    uint16_t sip_port, rtp_port[PORTS];
    struct stream stream[SINK_STREAMS_MAX * 2]; /* a hash table, half full at most */
    struct sample *sample;
    uint64_t samples;
    struct sink_figures figures;
    int64_t began_us, ended_us;
    bool measuring;
    uint64_t overrun;
    _Atomic uint32_t stop, wanted, acted; /* acted follows wanted: 1 measure, 0 do not */
    _Atomic uint64_t streams;
};

/* ---- audio ---- */

static uint64_t key_of(const struct sockaddr_in *from, uint32_t port, uint32_t ssrc)
{
    return ((uint64_t)ntohs(from->sin_port) << 40 | (uint64_t)(port + 1) << 32 | ssrc) + 1;
}

static struct stream *stream_of(struct sink *s, uint64_t key)
{
    uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t size = SINK_STREAMS_MAX * 2;

    for (size_t i = h >> 32;; i++) {
        struct stream *st = &s->stream[i % size];
        if (st->key == key)
            return st;
        if (st->key)
            continue;
        if (atomic_load(&s->streams) == SINK_STREAMS_MAX)
            return NULL;
        st->key = key;
        return st;
    }
}

static void judge(struct sink *s, struct stream *st, int64_t at_us, uint16_t step)
{
    struct sink_figures *f = &s->figures;
    int64_t error = at_us - st->arrived_us - (int64_t)step * PACKET_US;
    int64_t offset = at_us - st->first_us - (int64_t)st->steps * PACKET_US;

    f->packets++;
    f->missing += step - 1u;
    if (!st->heard) {
        st->heard = true;
        st->earliest_us = offset;
        f->streams++;
    } else if (offset < st->earliest_us) {
        st->earliest_us = offset;
    }
    if (error < 0)
        error = -error;
    hist_add(&f->spacing_us, (uint64_t)error);
    f->far_off += error >= SINK_FAR_OFF_US;
    if (s->samples < SINK_PACKETS_MAX)
        s->sample[s->samples++] = (struct sample){(uint32_t)(st - s->stream), (int32_t)offset};
}

static void packet(struct sink *s, uint32_t port, const struct sockaddr_in *from, const uint8_t *p,
                   size_t len, int64_t at_us)
{
    if (len < RTP_LEAST || p[0] >> 6 != 2)
        return;
    uint16_t seq = (uint16_t)(p[2] << 8 | p[3]);
    uint32_t ssrc = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11];
    struct stream *st = stream_of(s, key_of(from, port, ssrc));

    if (!st)
        return;
    if (!st->arrived_us) {
        st->first_us = at_us;
        atomic_fetch_add(&s->streams, 1);
    } else {
        uint16_t step = (uint16_t)(seq - st->seq);
        if (!step || step > INT16_MAX)
            return; /* twice, or out of its turn: neither generator does so, nor does loopback */
        st->steps += step;
        if (s->measuring && at_us >= s->began_us && at_us <= s->ended_us)
            judge(s, st, at_us, step);
    }
    st->seq = seq;
    st->arrived_us = at_us;
}

static int64_t stamp(struct msghdr *m, uint32_t *overrun)
{
    int64_t at = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        struct timespec t;
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&t, CMSG_DATA(c), sizeof t);
            at = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
        } else if (c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(overrun, CMSG_DATA(c), sizeof *overrun);
        }
    }
    return at;
}

static void read_audio(struct sink *s, uint32_t port, uint32_t *overrun)
{
    static uint8_t data[BATCH][RTP_MAX], control[BATCH][CONTROL_MAX]; /* one sink at a time */
    static struct sockaddr_in from[BATCH];
    struct mmsghdr m[BATCH];
    struct iovec v[BATCH];
    int n;

    do {
        for (int i = 0; i < BATCH; i++) {
            v[i] = (struct iovec){data[i], RTP_MAX};
            m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                           .msg_namelen = sizeof from[i],
                                           .msg_iov = &v[i],
                                           .msg_iovlen = 1,
                                           .msg_control = control[i],
                                           .msg_controllen = CONTROL_MAX};
        }
        n = recvmmsg(s->rtp[port], m, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            int64_t at_us = stamp(&m[i].msg_hdr, overrun);
            packet(s, port, &from[i], data[i], m[i].msg_len, at_us);
        }
    } while (n == BATCH);
}

/* ---- calls ---- */

static void put_header(struct buf *b, const char *name, struct slice value)
{
    buf_puts(b, name);
    buf_puts(b, ": ");
    buf_put(b, value);
    buf_puts(b, "\r\n");
}

static void put_media(const struct sink *s, struct buf *b, uint32_t port)
{
    char sdp[256];
    int n = snprintf(sdp, sizeof sdp,
                     "v=0\r\no=sink 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                     "m=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n",
                     s->rtp_port[port]);

    buf_puts(b, "Content-Type: application/sdp\r\nContent-Length: ");
    buf_u64(b, (uint64_t)n);
    buf_puts(b, "\r\n\r\n");
    buf_puts(b, sdp);
}

/* Stateless: the same INVITE said again has the same answer. */
static void answer(const struct sink *s, const struct sip_msg *m, struct buf *b)
{
    struct sip_iter it;
    struct slice via;
    uint32_t port = 0;
    char contact[64];

    for (size_t i = 0; i < m->call_id.len; i++)
        port = port * 31 + (uint8_t)m->call_id.p[i];
    buf_puts(b, "SIP/2.0 200 OK\r\n");
    sip_iter_init(&it, m, SIP_H_VIA);
    while (sip_iter_next(&it, &via))
        put_header(b, "Via", via);
    put_header(b, "From", sip_get(m, SIP_H_FROM));
    struct slice to = sip_get(m, SIP_H_TO);
    buf_puts(b, "To: ");
    buf_put(b, to);
    buf_puts(b, memmem(to.p, to.len, ";tag=", 5) ? "\r\n" : ";tag=sink\r\n");
    put_header(b, "Call-ID", m->call_id);
    put_header(b, "CSeq", sip_get(m, SIP_H_CSEQ));
    snprintf(contact, sizeof contact, "<sip:sink@127.0.0.1:%u>", s->sip_port);
    put_header(b, "Contact", slice_cstr(contact));
    if (m->method == SIP_INVITE)
        put_media(s, b, port % PORTS);
    else
        buf_puts(b, "Content-Length: 0\r\n\r\n");
}

static void read_calls(struct sink *s)
{
    static struct sip_msg m; /* one sink at a time */
    static char text[SIP_MAX], out[SIP_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t n;

    while ((n = recvfrom(s->sip, text, sizeof text, MSG_DONTWAIT, (struct sockaddr *)&from,
                         &len)) >= 0) {
        struct buf b = buf_on(out, sizeof out);
        if (sip_parse(&m, text, (size_t)n) != OK || !m.is_request || m.method == SIP_ACK)
            continue;
        answer(s, &m, &b);
        if (buf_end(&b) == OK)
            sendto(s->sip, out, b.len, 0, (struct sockaddr *)&from, len);
        s->figures.calls_ended += s->measuring && m.method == SIP_BYE;
    }
}

/* ---- the thread ---- */

static int64_t wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t); /* that of the stamps */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint64_t sum(const uint32_t *overrun)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < PORTS; i++)
        all += overrun[i];
    return all;
}

static void read_all(struct sink *s, uint32_t *overrun)
{
    for (uint32_t i = 0; i < PORTS; i++)
        read_audio(s, i, &overrun[i]);
}

/* Packets count by their stamps: what lay unread when the time began is not of it. */
static void begin(struct sink *s, const uint32_t *overrun)
{
    memset(&s->figures, 0, sizeof s->figures);
    hist_reset(&s->figures.spacing_us);
    hist_reset(&s->figures.offset_us);
    s->samples = 0;
    for (size_t i = 0; i < SINK_STREAMS_MAX * 2; i++)
        s->stream[i].heard = false;
    s->overrun = sum(overrun);
    s->began_us = wall_us();
    s->ended_us = INT64_MAX;
    s->measuring = true;
}

static void end(struct sink *s, uint32_t *overrun)
{
    s->ended_us = wall_us();
    s->figures.seconds = (double)(s->ended_us - s->began_us) / 1e6;
    read_all(s, overrun);
    s->figures.overrun = sum(overrun) - s->overrun;
    s->measuring = false;
}

static void *run(void *arg)
{
    struct sink *s = arg;
    const struct sched_param priority = {.sched_priority = 1};
    uint32_t overrun[PORTS] = {0};

    bench_pin(s->core);
    sched_setscheduler(0, SCHED_RR, &priority); /* where permitted: what it drops is not judged */
    while (!atomic_load(&s->stop)) {
        uint32_t wanted = atomic_load(&s->wanted);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
        read_calls(s);
        read_all(s, overrun);
        if (wanted && !s->measuring)
            begin(s, overrun);
        else if (!wanted && s->measuring)
            end(s, overrun);
        atomic_store(&s->acted, wanted);
    }
    return NULL;
}

/* ---- control ---- */

static int open_socket(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    const int on = 1, buffer = BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) {
        close(fd);
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer); /* what is permitted */
    *port = ntohs(a.sin_port);
    return fd;
}

struct sink *sink_open(uint32_t core)
{
    struct sink *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->core = core;
    s->sample = malloc(SINK_PACKETS_MAX * sizeof *s->sample);
    s->sip = open_socket(&s->sip_port);
    bool ok = s->sample && s->sip >= 0;
    for (int i = 0; i < PORTS; i++) {
        s->rtp[i] = open_socket(&s->rtp_port[i]);
        ok = ok && s->rtp[i] >= 0;
    }
    s->started = ok && pthread_create(&s->thread, NULL, run, s) == 0;
    if (s->started)
        return s;
    sink_close(s);
    return NULL;
}

uint16_t sink_port(const struct sink *s)
{
    return s->sip_port;
}

uint64_t sink_streams(const struct sink *s)
{
    return atomic_load(&s->streams);
}

static void want(struct sink *s, uint32_t what)
{
    atomic_store(&s->wanted, what);
    while (atomic_load(&s->acted) != what)
        usleep(200);
}

void sink_begin(struct sink *s)
{
    want(s, 1);
}

void sink_end(struct sink *s, struct sink_figures *f)
{
    want(s, 0);
    for (uint64_t i = 0; i < s->samples; i++) {
        int64_t late = s->sample[i].offset_us - s->stream[s->sample[i].stream].earliest_us;
        hist_add(&s->figures.offset_us, (uint64_t)late);
    }
    *f = s->figures;
}

void sink_close(struct sink *s)
{
    if (!s)
        return;
    atomic_store(&s->stop, 1);
    if (s->started)
        pthread_join(s->thread, NULL);
    if (s->sip >= 0)
        close(s->sip);
    for (int i = 0; i < PORTS; i++)
        if (s->rtp[i] >= 0)
            close(s->rtp[i]);
    free(s->sample);
    free(s);
}
