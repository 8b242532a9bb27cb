/* Offers within a call (RFC 3261 14, RFC 3311, RFC 3264): re-INVITE and UPDATE, ours and theirs,
 * with the rules for offers that cross: 491 to one that meets an offer of ours (ours is then tried
 * again after a pause drawn by RFC 3261 14.1), 500 with Retry-After to one that comes before the
 * last was answered. */
#include "sip/core.h"

enum { FOR_OWNER, FOR_REFRESH }; /* cookie of a transaction: who wanted it */

static enum err send_offer(struct sip_session *s, struct slice sdp, bool by_update,
                           uint32_t cookie);

/* ---- theirs ---- */

bool sip_hold_request(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m,
                      enum sip_carrier carrier)
{
    s->request = sip_buf_of(s->ua, m->raw);
    if (!s->request)
        return false;
    s->request_tx = tx;
    tx->arg = s;
    list_push_back(&s->txs, &tx->owned);
    s->offer_in = (uint8_t)carrier;
    return true;
}

static const struct sip_msg *held(struct sip_session *s)
{
    struct sip_msg *m = &s->ua->aux;

    s->ua->aux_of = NULL;
    return s->request && sip_parse(m, s->request->data, s->request->len) == OK ? m : NULL;
}

static void forget_request(struct sip_session *s)
{
    sip_buf_drop(s->ua, &s->request);
    s->request_tx = NULL;
    s->offer_in = SIP_BY_NONE;
    s->wants_offer = false;
}

void sip_drop_request(struct sip_session *s, uint16_t status)
{
    const struct sip_msg *m;

    if (!s->request_tx)
        return;
    if (s->request_tx->kind == SIP_TX_INVITE_SERVER)
        timer_stop(s->ua->wheel, &s->resend);
    m = held(s);
    if (m && status)
        sip_server_plain(s->request_tx, m, status, SLICE_NONE);
    forget_request(s);
}

static void refuse_with(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m,
                        uint16_t status, enum sip_hdr id, uint32_t value)
{
    struct sip_ua *ua = s->ua;
    struct buf b = buf_on(ua->out, sizeof ua->out);

    sip_write_response(&b, m, status, SLICE_NONE, SLICE_NONE, &tx->path.addr);
    sip_write_u32(&b, id, value);
    sip_write_end(&b);
    if (buf_end(&b) == OK)
        sip_server_send(tx, status, buf_slice(&b));
}

static void refuse_for_now(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    refuse_with(s, tx, m, 500, SIP_H_RETRY_AFTER, rng_below(&s->ua->rng, 11));
}

/* True: the request has been refused. */
static bool cannot_take(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    bool is_invite = m->method == SIP_INVITE;

    if (m->body.len && !sip_sdp_of(m).len)
        sip_server_plain(tx, m, 415, SLICE_NONE);
    else if (s->phase == SIP_PHASE_ENDING || (is_invite && s->phase == SIP_PHASE_INVITING))
        sip_server_plain(tx, m, s->phase == SIP_PHASE_ENDING ? 481 : 491, SLICE_NONE);
    else if (s->request_tx || (is_invite && s->server_tx))
        refuse_for_now(s, tx, m);
    else if (is_invite && (s->invite_tx || s->answer || s->offer_out || s->offer_in))
        sip_server_plain(tx, m, 491, SLICE_NONE);
    else if (m->body.len && s->offer_out)
        sip_server_plain(tx, m, 491, SLICE_NONE);
    else if (m->body.len && s->offer_in)
        refuse_for_now(s, tx, m);
    else if (sip_refresh_too_short(m))
        refuse_with(s, tx, m, 422, SIP_H_MIN_SE, SIP_MIN_SE_S);
    else
        return false;
    return true;
}

void sip_reinvite_received(struct sip_session *s, struct sip_dialog *d, struct sip_tx *tx,
                           const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_OFFER, .msg = m, .sdp = sip_sdp_of(m)};

    if (cannot_take(s, tx, m))
        return;
    if (!sip_hold_request(s, tx, m, SIP_BY_REINVITE)) {
        refuse_for_now(s, tx, m);
        return;
    }
    sip_dialog_retarget(d, m);
    sip_session_learn(s, m);
    sip_refresh_from_request(s, m);
    e.sdp_is_offer = e.sdp.len != 0;
    e.wants_offer = s->wants_offer = !e.sdp.len;
    sip_uas_trying_later(s);
    sip_session_tell(s, &e);
}

/* A 200 to UPDATE or PRACK. */
static enum err answer_request(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m,
                               struct slice sdp)
{
    struct sip_ua *ua = s->ua;
    struct buf b = buf_on(ua->out, sizeof ua->out);

    sip_write_response(&b, m, 200, SLICE_NONE, SLICE_NONE, &tx->path.addr);
    if (m->method == SIP_UPDATE) {
        sip_write_target(s, &b, &tx->path);
        sip_refresh_write_response(s, &b);
    }
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    sip_write_sdp(&b, sdp);
    if (buf_end(&b) != OK) {
        ua->stats.too_long++;
        return ERR_TOO_LONG;
    }
    sip_server_send(tx, 200, buf_slice(&b));
    sip_session_said(s, sdp);
    return OK;
}

void sip_update_received(struct sip_session *s, struct sip_dialog *d, struct sip_tx *tx,
                         const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_OFFER, .msg = m, .sdp = sip_sdp_of(m)};

    if (cannot_take(s, tx, m))
        return;
    sip_dialog_retarget(d, m);
    sip_session_learn(s, m);
    sip_refresh_from_request(s, m);
    if (!e.sdp.len) {
        answer_request(s, tx, m, SLICE_NONE);
        if (s->phase == SIP_PHASE_UP)
            sip_refresh_start(s);
        return;
    }
    if (!sip_hold_request(s, tx, m, SIP_BY_UPDATE)) {
        refuse_for_now(s, tx, m);
        return;
    }
    e.sdp_is_offer = true;
    sip_session_tell(s, &e);
}

/* ---- our answer ---- */

static enum err answer_2xx(struct sip_session *s, struct slice sdp)
{
    s->offer_in = SIP_BY_NONE;
    s->answer_known = true;
    s->phase = SIP_PHASE_UP;
    sip_uac_ack(s, sdp);
    sip_session_said(s, sdp);
    sip_refresh_start(s);
    return OK;
}

static enum err answer_1xx(struct sip_session *s, struct slice sdp)
{
    enum err e = sip_prack_send(s, s->prack_dialog, s->prack_rseq, sdp);

    if (e != OK)
        return e;
    s->offer_in = SIP_BY_NONE;
    s->answer_known = true;
    sip_session_said(s, sdp);
    return OK;
}

static enum err answer_held(struct sip_session *s, struct slice sdp)
{
    const struct sip_msg *m = held(s);
    bool is_invite = s->offer_in == SIP_BY_REINVITE, offers = s->wants_offer;
    enum err e;

    if (!m)
        return ERR_STATE;
    e = is_invite ? sip_uas_send_2xx(s, s->request_tx, m, sdp)
                  : answer_request(s, s->request_tx, m, sdp);
    if (e != OK)
        return e;
    forget_request(s);
    if (offers)
        s->offer_out = SIP_BY_2XX;
    return OK;
}

enum err sip_session_answer(struct sip_session *s, struct slice sdp)
{
    if (!sdp.len || s->phase >= SIP_PHASE_ENDING)
        return ERR_STATE;
    switch (s->offer_in) {
    case SIP_BY_2XX:
        return answer_2xx(s, sdp);
    case SIP_BY_1XX:
        return answer_1xx(s, sdp);
    case SIP_BY_REINVITE:
    case SIP_BY_UPDATE:
    case SIP_BY_PRACK:
        return answer_held(s, sdp);
    default:
        return ERR_STATE;
    }
}

enum err sip_session_refuse(struct sip_session *s, uint16_t code)
{
    switch (s->offer_in) {
    case SIP_BY_2XX:
    case SIP_BY_1XX: /* there is no refusing in an ACK or PRACK: the call cannot be */
        s->offer_in = SIP_BY_NONE;
        sip_session_end(s, 0, NULL);
        return OK;
    case SIP_BY_REINVITE:
    case SIP_BY_UPDATE:
    case SIP_BY_PRACK:
        sip_drop_request(s, code);
        return OK;
    default:
        return ERR_STATE;
    }
}

/* ---- ours ---- */

static void on_retry(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, retry);
    bool busy = s->invite_tx || s->request_tx || s->answer || s->offer_in;

    if (s->phase >= SIP_PHASE_ENDING || !s->sdp)
        return;
    if (busy)
        timer_start(s->ua->wheel, &s->retry, 500, on_retry);
    else if (send_offer(s, sip_buf_slice(s->sdp), s->retry_update, s->retry_cookie) != OK)
        sip_session_break(s, 500, SIP_BY_US);
}

/* RFC 3261 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s. */
static void retry_later(struct sip_session *s, bool by_update, uint32_t cookie)
{
    uint32_t steps = rng_below(&s->ua->rng, s->incoming ? 201 : 191);

    s->retry_update = by_update;
    s->retry_cookie = cookie;
    timer_start(s->ua->wheel, &s->retry, (s->incoming ? 0 : 2100) + 10 * (uint64_t)steps, on_retry);
}

/* What both kinds have in common after a failure. True: it is dealt with. */
static bool offer_failed(struct sip_session *s, struct sip_tx *tx, uint16_t status,
                         const struct sip_msg *m, bool by_update)
{
    struct sip_event e = {.kind = SIP_EV_OFFER_REFUSED, .code = status, .msg = m};
    uint32_t cookie = tx->cookie;
    struct sip_tx *again;

    if (sip_session_authorized(s, tx, m, &s->chosen->local_cseq, &again)) {
        if (!by_update) {
            s->invite_tx = again;
            s->invite_cseq = s->chosen->local_cseq;
        }
        return true;
    }
    if (!by_update)
        s->invite_tx = NULL;
    s->offer_out = SIP_BY_NONE;
    if (status == 481 || status == 408 || !m) { /* RFC 3261 12.2.1.2: the dialog is dead */
        if (s->phase == SIP_PHASE_UP)
            sip_session_break(s, status, m ? SIP_BY_FAR_SIDE : SIP_BY_NETWORK);
        return true;
    }
    if (status == 491) {
        retry_later(s, by_update, cookie);
        return true;
    }
    if (cookie == FOR_OWNER)
        sip_session_tell(s, &e);
    return true;
}

static void offer_answered(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_ANSWER, .code = m->status, .msg = m, .sdp = sip_sdp_of(m)};

    s->offer_out = SIP_BY_NONE;
    sip_session_learn(s, m);
    sip_refresh_from_2xx(s, m, s->expires_s != 0);
    if (s->phase == SIP_PHASE_UP)
        sip_refresh_start(s);
    if (tx->cookie == FOR_OWNER)
        sip_session_tell(s, &e);
}

static void on_reinvite(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;

    if (status < 200 || s->phase != SIP_PHASE_UP) {
        if (m && status >= 200 && status < 300 && s->chosen) /* in the midst of our BYE */
            sip_uac_ack(s, SLICE_NONE);
        return;
    }
    if (!m || status >= 300) {
        offer_failed(s, tx, status, m, false);
        return;
    }
    if (m->cseq.number != s->invite_cseq || !slice_eq(m->to.tag, s->chosen->remote_tag)) {
        s->ua->stats.absorbed++;
        return;
    }
    if (s->invite_tx != tx) { /* again: our ACK was lost */
        s->ua->stats.retransmitted++;
        sip_uac_ack(s, SLICE_NONE);
        return;
    }
    sip_dialog_retarget(s->chosen, m);
    sip_buf_drop(s->ua, &s->ack);
    sip_uac_ack(s, SLICE_NONE);
    s->invite_tx = NULL;
    offer_answered(s, tx, m);
}

static void on_update(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;

    if (status < 200 || s->phase >= SIP_PHASE_ENDING)
        return;
    if (!m || status >= 300) {
        if (s->phase == SIP_PHASE_UP || m)
            offer_failed(s, tx, status, m, true);
        return;
    }
    if (s->chosen)
        sip_dialog_retarget(s->chosen, m);
    offer_answered(s, tx, m);
}

static enum err send_offer(struct sip_session *s, struct slice sdp, bool by_update, uint32_t cookie)
{
    struct sip_dialog *d = s->chosen ? s->chosen : s->latest;
    enum sip_method method = by_update ? SIP_UPDATE : SIP_INVITE;
    struct buf b = buf_on(s->ua->out, sizeof s->ua->out);
    struct sip_path path = sip_dialog_path(d);
    char branch[SIP_BRANCH_LEN];
    struct sip_tx *tx;
    enum err why;

    sip_new_branch(s->ua, branch);
    sip_dialog_write(d, &b, method, ++d->local_cseq, branch, &path);
    sip_write_target(s, &b, &path);
    if (s->expires_s && s->phase == SIP_PHASE_UP)
        sip_refresh_write_request(s, &b);
    sip_write_sdp(&b, sdp);
    tx = sip_session_send(s, method, branch, &path, &b, by_update ? on_update : on_reinvite, &why);
    if (!tx)
        return why;
    tx->cookie = cookie;
    if (!by_update) {
        s->invite_tx = tx;
        s->invite_cseq = d->local_cseq;
    }
    if (sdp.len)
        s->offer_out = by_update ? SIP_BY_UPDATE : SIP_BY_REINVITE;
    sip_session_said(s, sdp);
    return OK;
}

static bool can_update(const struct sip_session *s)
{
    return s->peer_allow & SIP_METHOD_BIT(SIP_UPDATE);
}

enum err sip_session_offer(struct sip_session *s, struct slice sdp)
{
    bool early = s->phase == SIP_PHASE_INVITING || s->phase == SIP_PHASE_ANSWERED;
    struct sip_dialog *d = s->chosen ? s->chosen : s->latest;

    if (!sdp.len || s->phase >= SIP_PHASE_ENDING || s->ending_wanted || s->cancel_wanted ||
        s->offer_out || s->offer_in || s->request_tx || timer_running(&s->retry))
        return ERR_STATE;
    if (early && (!can_update(s) || !s->answer_known || !d || !d->remote_tag.len))
        return ERR_STATE;
    if (!early && (s->invite_tx || s->answer))
        return ERR_STATE;
    return send_offer(s, sdp, early, FOR_OWNER);
}

enum err sip_refresh_send(struct sip_session *s)
{
    bool by_update = can_update(s);

    if (s->offer_out || s->offer_in || s->request_tx || s->invite_tx || s->answer ||
        timer_running(&s->retry))
        return ERR_STATE;
    if (!by_update && !s->sdp)
        return ERR_STATE;
    return send_offer(s, by_update ? SLICE_NONE : sip_buf_slice(s->sdp), by_update, FOR_REFRESH);
}
