/* The receiving half of a stream: multishot recvmsg into the worker's buffers, the latch, and the
 * way of a packet to its listeners. Names come with every datagram, so the source is checked in
 * user space also while the socket is connected (datagrams may have been queued before).
 *
 * A multishot receive with MSG_DONTWAIT takes what there is and ends with EAGAIN. That is how a
 * stream is read in its slot, for half of what it costs to be told of each packet: the kernel's
 * polling, its task work and a second look at a socket long out of the caches. */
#include <errno.h>
#include <string.h>

#include "media/stream.h"

#define PAYLOAD_COMFORT_NOISE 13 /* RFC 3389 */
#define READ_RUN_MAX          32 /* packets after which a read ends though there are more: Linux */

/* What one completion brought. */
struct datagram {
    struct addr from;
    uint8_t *p;
    uint32_t len;
    uint16_t buffer;
    uint64_t arrived_us;
};

static uint64_t now_us(const struct stream *s)
{
    return s->worker->loop.now_us;
}

static void latch(struct stream *s, const struct addr *from)
{
    if (!addr_eq(from, &s->remote.rtp) && !addr_eq(from, &s->far_rtp) && s->rtcp_fd >= 0) {
        s->far_rtcp = *from;
        addr_set_port(&s->far_rtcp, (uint16_t)(addr_port(from) + 1));
    }
    s->latched = true;
    s->far_rtp = s->stats.latched = *from;
    if (!s->worker->count_foreign)
        s->connected = connect(s->rtp_fd, &from->sa, addr_len(from)) == 0;
}

static void unconnect(struct stream *s)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    if (s->connected)
        connect(s->rtp_fd, &none, sizeof(none));
    s->connected = false;
}

static void reject(struct stream *s)
{
    s->stats.rejected++;
    s->worker->count.rtp_rejected++;
}

/* An unknown source before the latch: true when it has earned it. */
static bool probation(struct stream *s, const struct addr *from, const struct rtp_packet *p)
{
    struct candidate *c = &s->candidate;

    if (addr_eq(&c->from, from) && c->ssrc == p->ssrc && (uint16_t)(c->seq + 1) == p->seq) {
        c->run = (uint8_t)(c->run < STREAM_PROBATION ? c->run + 1 : c->run);
        c->seq = p->seq;
    } else {
        *c = (struct candidate){.from = *from, .ssrc = p->ssrc, .seq = p->seq, .run = 1};
    }
    if (c->run < STREAM_PROBATION)
        return false;
    return addr_eq_host(from, &s->remote.rtp) || now_us(s) - s->remote_us >= STREAM_PATIENCE_US;
}

static bool source_is_right(struct stream *s, const struct addr *from, const struct rtp_packet *p)
{
    if (s->latched && addr_eq(from, &s->far_rtp)) {
        if (!s->connected && !s->worker->count_foreign)
            latch(s, from);
        return true;
    }
    bool by_sdp = addr_eq(from, &s->remote.rtp);

    if (s->latched) {
        bool silent = now_us(s) - s->last_rtp_us > STREAM_SILENT_US;

        if (!silent || !(by_sdp || p->ssrc == s->source.ssrc)) {
            reject(s);
            return false;
        }
        unconnect(s);
    } else if (!by_sdp && !probation(s, from, p)) {
        reject(s);
        return false;
    }
    latch(s, from);
    return true;
}

static void invalid(struct stream *s)
{
    s->stats.invalid++;
    s->worker->count.rtp_invalid++;
}

/* Sequence bookkeeping; false: the packet was here before. */
static bool account(struct stream *s, const struct rtp_packet *p, uint64_t arrived_us, bool timed,
                    const struct coding *coding)
{
    uint32_t khz = coding ? coding->coder.clock_khz : 8;
    uint64_t lost = rtp_source_lost(&s->source);
    bool was_started = s->source.started;
    enum rtp_verdict v = rtp_source_take(&s->source, p, (uint32_t)(arrived_us * khz / 1000), timed);

    s->worker->count.rtp_received++;
    if (v == RTP_DUPLICATE) {
        s->stats.duplicate++;
        return false;
    }
    if (v == RTP_RESTARTED && was_started) {
        s->lost_before += lost;
        quality_restart(&s->quality);
    }
    quality_take(&s->quality, p->seq);
    s->stats.received++;
    s->stats.received_bytes += p->payload_len;
    s->last_rtp_us = now_us(s);
    s->timed_out = false;
    if (!s->first_told) {
        s->first_told = true;
        stream_tell(s, MEDIA_EV_FIRST_RTP);
    }
    return true;
}

static void take_event(struct stream *s, const struct rtp_packet *p)
{
    char digit = event_take(&s->hearing->keys, p->payload, p->payload_len, p->timestamp, now_us(s));
    struct message m = {.kind = MEDIA_EV_DTMF, .digit = digit};

    if (!digit)
        return;
    m.index = s->index;
    m.generation = s->generation;
    m.at_us = now_us(s);
    worker_tell(s->worker, &m, false);
    keys_began(s, digit, true);
}

/* A source that may not move the latch is turned away before it costs a look at its tag. */
static bool is_stranger(const struct stream *s, const struct addr *from)
{
    return s->latched && !addr_eq(from, &s->far_rtp) &&
           now_us(s) - s->last_rtp_us <= STREAM_SILENT_US;
}

/* Far sides are to send by the numbers that we gave (RFC 3264 section 6.1). Some send by their own,
 * which are taken where ours do not mean something else. */
static bool is_of(const struct rtp_packet *p, uint8_t ours, uint8_t theirs, uint8_t other)
{
    return p->payload_type == ours || (p->payload_type == theirs && theirs != other);
}

/* true: the buffer is kept for a relayed send. */
static bool take_rtp(struct stream *s, struct datagram *d)
{
    struct rtp_packet p;

    if (s->in && !s->shared && is_stranger(s, &d->from)) {
        reject(s);
        return false;
    }
    if (!stream_open(s, d->p, &d->len, false))
        return false;
    if (rtp_parse(d->p, d->len, &p) != OK) {
        invalid(s);
        return false;
    }
    if (s->listening)
        stream_fetch_place(s, p.timestamp);
    bool is_event = is_of(&p, s->own_event_pt, s->remote.event_pt, s->own_pt);
    bool own = !is_event && is_of(&p, s->own_pt, s->remote.payload_type, s->own_event_pt);
    struct coding *coding = own ? s->tx : NULL;
    bool audio = own || p.payload_type == MEDIA_PCMU || p.payload_type == MEDIA_PCMA;
    bool alaw = own ? s->remote.codec == MEDIA_PCMA : p.payload_type == MEDIA_PCMA;

    if (!s->shared && !source_is_right(s, &d->from, &p))
        return false;
    if (!p.payload_len && !audio && !is_event) { /* a sign of life (RFC 6263 4.6) */
        account(s, &p, d->arrived_us, false, coding);
        return false;
    }
    if (!is_event && !audio && p.payload_type != PAYLOAD_COMFORT_NOISE) {
        invalid(s);
        return false;
    }
    if (!account(s, &p, d->arrived_us, !is_event, coding))
        return false;
    if (own && s->remote.opaque && !is_event)
        return false; /* counted; nobody here can read it */
    if (is_event)
        take_event(s, &p);
    else
        s->comfort = !audio;
    if (!is_event && !audio)
        return false;
    if (audio && !is_event && (coding != s->rx || alaw != s->rx_alaw))
        stream_source(s, coding, alaw);
    if (audio && !is_event && s->listening && coding) {
        struct jitter_packets *j = &coding->jitter;
        uint64_t thrown_away = j->late + j->discarded;

        if (!stream_coded_take(s, &p, d->arrived_us))
            invalid(s);
        if (j->late + j->discarded != thrown_away)
            quality_discard(&s->quality, p.seq);
    } else if (audio && !is_event && s->listening) {
        struct jitter *j = &s->hearing->jitter;
        uint64_t thrown_away = j->late + j->discarded;

        jitter_put(j, p.timestamp, p.payload, p.payload_len, (uint32_t)(d->arrived_us / 125));
        if (j->late + j->discarded != thrown_away)
            quality_discard(&s->quality, p.seq);
    }
    if (!s->peer)
        return false;
    return stream_relay(s, &p, d->p + (p.payload - d->p), is_event, d->buffer);
}

static void take_rtcp(struct stream *s, struct datagram *d)
{
    const struct addr *far_end = s->latched ? &s->far_rtp : &s->remote.rtp;

    if (!s->shared && !addr_eq_host(&d->from, far_end) && !addr_eq_host(&d->from, &s->far_rtcp)) {
        reject(s);
        return;
    }
    if (!stream_open(s, d->p, &d->len, true))
        return;
    /* A NAT's port of RTCP is any port: it is where reports come from, once RTP has said whose
     * address that is. */
    if (s->latched && s->rtcp_fd >= 0 && addr_eq_host(&d->from, &s->far_rtp) &&
        rtp_is_rtcp(d->p, d->len))
        s->far_rtcp = d->from;
    stream_rtcp_take(s, d->p, d->len, d->arrived_us);
}

void stream_take_shared(struct stream *s, const struct addr *from, uint8_t *p, uint32_t len)
{
    struct datagram d = {
        .from = *from, .p = p, .len = len, .buffer = STREAM_NO_BUFFER, .arrived_us = now_us(s)};

    if (!addr_eq(from, &s->remote.shared))
        reject(s);
    else if (rtp_is_rtcp(p, len))
        take_rtcp(s, &d);
    else
        take_rtp(s, &d);
}

/* By the kernel's time stamp; within what we know ourselves, should the real-time clock be set. */
static uint64_t arrival_us(const struct stream *s, struct io_uring_recvmsg_out *o)
{
    struct worker *w = s->worker;
    struct cmsghdr *c = io_uring_recvmsg_cmsg_firsthdr(o, &w->receive_shape);
    struct timespec t;

    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
        return now_us(s);
    memcpy(&t, CMSG_DATA(c), sizeof(t));
    uint64_t at_us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000 - w->real_ahead_us;

    return at_us > now_us(s) ? now_us(s) : at_us < s->read_us ? s->read_us : at_us;
}

/* Unpacks a completion of a multishot recvmsg; false: nothing usable. */
static bool unpack(struct stream *s, int32_t res, uint32_t cqe_flags, struct datagram *d)
{
    struct worker *w = s->worker;

    d->buffer = bufring_id(cqe_flags);
    struct io_uring_recvmsg_out *o =
        io_uring_recvmsg_validate(bufring_at(&w->buffers, d->buffer), res, &w->receive_shape);

    if (!o || o->flags & MSG_TRUNC || o->namelen == 0 || o->namelen > sizeof(d->from))
        return false;
    addr_from_sockaddr(io_uring_recvmsg_name(o), &d->from);
    d->p = io_uring_recvmsg_payload(o, &w->receive_shape);
    d->len = io_uring_recvmsg_payload_length(o, res, &w->receive_shape);
    d->arrived_us = arrival_us(s, o);
    return true;
}

static void received(struct stream *s, bool on_rtcp, int32_t res, uint32_t cqe_flags)
{
    struct worker *w = s->worker;
    struct datagram d;
    bool kept = false;

    if (res == -ENOBUFS)
        w->count.receive_starved++;
    if (cqe_flags & IORING_CQE_F_BUFFER) {
        if (s->end == STREAM_CLOSES) {
            d.buffer = bufring_id(cqe_flags);
        } else if (!unpack(s, res, cqe_flags, &d)) {
            invalid(s);
        } else if (s->shared) { /* from before it was, or from nobody of ours */
            reject(s);
        } else if (on_rtcp || (s->rtcp_fd < 0 && rtp_is_rtcp(d.p, d.len))) {
            take_rtcp(s, &d);
        } else {
            kept = take_rtp(s, &d);
        }
        if (!kept)
            bufring_put(&w->buffers, d.buffer);
    }
    /* A receive that ended (no buffers, an ICMP error) is armed again in the stream's next slot, so
     * an error that comes back at once cannot spin. */
    if (!(cqe_flags & IORING_CQE_F_MORE))
        stream_finish(s);
}

static void rtp_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct stream *s = container_of(op, struct stream, rtp_op);

    bool stays = s->end == STREAM_STAYS; /* else it may not be ours any more, afterwards */

    if (!(cqe_flags & IORING_CQE_F_MORE))
        s->rtp_armed = false;
    else if (s->read_run < READ_RUN_MAX)
        s->read_run++;
    received(s, false, res, cqe_flags);
    if (!stays || s->rtp_armed || s->rtp_waits)
        return;
    if (s->read_run == READ_RUN_MAX || (res == -ENOBUFS && s->read_run))
        stream_arm(s); /* there may be more */
    else if (res == -EAGAIN)
        s->read_us = now_us(s);
}

static void rtcp_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct stream *s = container_of(op, struct stream, rtcp_op);

    if (!(cqe_flags & IORING_CQE_F_MORE))
        s->rtcp_armed = false;
    received(s, true, res, cqe_flags);
}

/* A stream was last touched up to 20 ms ago: its lines are asked for while others are worked on. */
void stream_ahead(struct loop_op *op, enum loop_ahead ahead)
{
    if (op->done != rtp_done)
        return;
    const struct stream *s = container_of(op, struct stream, rtp_op);

    if (ahead == LOOP_AHEAD_FAR)
        stream_fetch(s);
    else if (s->listening)
        stream_fetch_jitter(s);
    if (ahead != LOOP_AHEAD_FAR && s->in)
        stream_fetch_key(&s->in->srtp);
}

void stream_fix(struct stream *s, bool in)
{
    int fd = in ? s->rtp_fd : -1;

    if (s->fixed != in && s->worker->fixed_files &&
        io_uring_register_files_update(&s->worker->loop.ring, s->index, &fd, 1) == 1)
        s->fixed = in;
}

static void arm(struct stream *s, struct loop_op *op, int fd, loop_done_fn *done, bool waits)
{
    struct worker *w = s->worker;
    bool of_rtp = op == &s->rtp_op, fixed = of_rtp ? s->fixed : s->rtcp_direct;
    int at = !fixed ? fd : of_rtp ? (int)s->index : stream_direct_place(s);

    op->done = done;
    struct io_uring_sqe *sqe = loop_sqe(&w->loop, op);

    io_uring_prep_recvmsg_multishot(sqe, at, &w->receive_shape, waits ? 0 : MSG_DONTWAIT);
    sqe->flags |= fixed ? IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE : IOSQE_BUFFER_SELECT;
    sqe->buf_group = w->buffers.group;
}

void stream_arm(struct stream *s)
{
    if (s->shared)
        return;
    if (!s->rtp_armed) {
        stream_fix(s, true);
        s->rtp_waits = s->peer != NULL;
        s->read_run = 0;
        arm(s, &s->rtp_op, s->rtp_fd, rtp_done, s->rtp_waits);
        s->rtp_armed = true;
    }
    if (!s->rtcp_armed && s->rtcp_fd >= 0) {
        arm(s, &s->rtcp_op, s->rtcp_fd, rtcp_done, true);
        s->rtcp_armed = true;
    }
}

void stream_read(struct stream *s)
{
    stream_arm(s);
    worker_read(s->worker);
}

void stream_wait_over(struct stream *s)
{
    if (s->rtp_armed && s->rtp_waits)
        loop_cancel(&s->worker->loop, &s->rtp_op);
}

void stream_disarm(struct stream *s)
{
    if (s->rtp_armed)
        loop_cancel(&s->worker->loop, &s->rtp_op);
    if (s->rtcp_armed)
        loop_cancel(&s->worker->loop, &s->rtcp_op);
}

/* Datagrams from before the far end was known are old by now, and of unknown origin. */
static void drain_socket(int fd)
{
    char byte;

    for (int i = 0; i < 1024 && recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0; i++)
        ;
}

void stream_remote_changed(struct stream *s)
{
    unconnect(s);
    if (!s->has_remote || s->shared)
        drain_socket(s->rtp_fd);
    s->latched = s->first_told = s->timed_out = false;
    s->candidate = (struct candidate){0};
    s->remote_us = now_us(s);
    s->far_rtp = s->remote.rtp;
}

void stream_check_silence(struct stream *s)
{
    uint64_t since = s->last_rtp_us > s->remote_us ? s->last_rtp_us : s->remote_us;
    uint64_t silent_us = now_us(s) > since ? now_us(s) - since : 0;

    if (s->connected && silent_us > STREAM_SILENT_US)
        unconnect(s);
    if (!s->timed_out && s->remote.direction & MEDIA_RECEIVE &&
        silent_us > LEG_RTP_TIMEOUT_MS * UINT64_C(1000)) {
        s->timed_out = true;
        stream_tell(s, MEDIA_EV_RTP_TIMEOUT);
    }
}
