/* Reliable provisional responses (RFC 3262), both ways: PRACK for those that come, repetition until
 * PRACK of those we send. One of ours is unacknowledged at a time; the next, and the final answer,
 * wait for its PRACK. */
#include "sip/core.h"

#define RSEQ_START_MAX 1000000

/* ---- ours to acknowledge ---- */

static void on_prack(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;

    if (status < 200)
        return;
    /* Whatever else happens to a PRACK, the INVITE has its own end. */
    if (m && (status == 401 || status == 407)) {
        struct sip_dialog *d = sip_session_dialog(s, m->to.tag);
        if (d)
            sip_session_authorized(s, tx, m, &d->local_cseq, NULL);
    }
}

enum err sip_prack_send(struct sip_session *s, struct sip_dialog *d, uint32_t rseq,
                        struct slice sdp)
{
    struct buf b = buf_on(s->ua->out, sizeof s->ua->out);
    struct sip_path path = sip_dialog_path(d);
    char branch[SIP_BRANCH_LEN];
    enum err why;

    sip_new_branch(s->ua, branch);
    sip_dialog_write(d, &b, SIP_PRACK, ++d->local_cseq, branch, &path);
    buf_puts(&b, "RAck: ");
    buf_u64(&b, rseq);
    buf_putc(&b, ' ');
    buf_u64(&b, s->invite_cseq);
    buf_puts(&b, " INVITE\r\n");
    sip_write_sdp(&b, sdp);
    return sip_session_send(s, SIP_PRACK, branch, &path, &b, on_prack, &why) ? OK : why;
}

/* ---- ours to repeat ---- */

void sip_reliable_stop(struct sip_session *s)
{
    if (!s->reliable)
        return;
    timer_stop(s->ua->wheel, &s->resend);
    sip_buf_drop(s->ua, &s->reliable);
}

static void on_resend(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, resend);
    struct sip_ua *ua = s->ua;

    s->resend_spent_ms += s->resend_ms;
    if (s->resend_spent_ms >= 64 * ua->t1_ms) { /* RFC 3262 3: refused with a 5xx */
        ua->stats.timeouts++;
        sip_uas_refuse(s, 504, NULL, 0, NULL);
        sip_session_finish(s, 504, SIP_BY_NETWORK, NULL);
        return;
    }
    ua->stats.retransmitted++;
    sip_send(ua, &s->server_tx->path, sip_buf_slice(s->reliable));
    s->resend_ms *= 2;
    if (s->resend_spent_ms + s->resend_ms > 64 * ua->t1_ms)
        s->resend_ms = 64 * ua->t1_ms - s->resend_spent_ms;
    timer_start(ua->wheel, &s->resend, s->resend_ms, on_resend);
}

enum err sip_reliable_send(struct sip_session *s, uint16_t code, struct slice sdp)
{
    struct sip_ua *ua = s->ua;
    const struct sip_msg *req = sip_uas_parsed(s);
    struct buf b = buf_on(ua->out, sizeof ua->out);
    uint32_t rseq = s->rseq ? s->rseq + 1 : 1 + rng_below(&ua->rng, RSEQ_START_MAX);

    sip_write_response(&b, req, code, SLICE_NONE, s->first.local_tag, &s->peer.addr);
    sip_write_target(s, &b, &s->peer);
    sip_write_header(&b, SIP_H_REQUIRE, SLICE("100rel"));
    sip_write_u32(&b, SIP_H_RSEQ, rseq);
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    sip_write_sdp(&b, sdp);
    if (buf_end(&b) != OK) {
        ua->stats.too_long++;
        return ERR_TOO_LONG;
    }
    s->reliable = sip_buf_of(ua, buf_slice(&b));
    if (!s->reliable)
        return ERR_FULL;
    s->rseq = rseq;
    s->resend_ms = ua->t1_ms;
    s->resend_spent_ms = 0;
    timer_start(ua->wheel, &s->resend, s->resend_ms, on_resend);
    sip_server_send(s->server_tx, code, buf_slice(&b));
    return OK;
}

/* ---- the PRACK of ours ---- */

static bool is_for(const struct sip_session *s, const struct sip_msg *m)
{
    struct sip_rack rack;

    return s->reliable && sip_get_rack(m, &rack) == OK && rack.rseq == s->rseq &&
           rack.cseq.number == s->invite_cseq && rack.cseq.method == SIP_INVITE;
}

void sip_prack_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_event e = {.msg = m, .sdp = sip_sdp_of(m)};

    if (!s->incoming || s->phase != SIP_PHASE_INVITING || !is_for(s, m)) {
        s->ua->stats.unmatched_requests++;
        sip_server_plain(tx, m, 481, SLICE_NONE);
        return;
    }
    sip_reliable_stop(s);
    if (!e.sdp.len) {
        sip_server_plain(tx, m, 200, SLICE_NONE);
        sip_uas_flush(s);
        return;
    }
    if (s->offer_out == SIP_BY_1XX) {
        s->offer_out = SIP_BY_NONE;
        s->answer_known = true;
        e.kind = SIP_EV_ANSWER;
        sip_server_plain(tx, m, 200, SLICE_NONE);
    } else if (s->offer_in || !sip_hold_request(s, tx, m, SIP_BY_PRACK)) {
        sip_server_plain(tx, m, 488, SLICE_NONE);
        sip_uas_flush(s);
        return;
    } else {
        e.kind = SIP_EV_OFFER;
        e.sdp_is_offer = true;
    }
    if (sip_session_tell(s, &e))
        sip_uas_flush(s);
}
