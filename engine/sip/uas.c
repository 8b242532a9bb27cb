/* Incoming calls: the checks of a new INVITE, provisional and final responses, the 2xx that is
 * repeated until its ACK, and CANCEL (RFC 3261 8.2, 9.2, 13.3). */
#include "sip/core.h"

#define PROVISIONAL_AGAIN_MS 60000 /* keeps proxies from giving up (RFC 3261 13.3.1.1) */
#define OPTIONS_DONE         (SIP_OPT_100REL | SIP_OPT_TIMER)

/* ---- a new INVITE ---- */

static void refuse_options(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m)
{
    char lines[512];
    struct buf b = buf_on(lines, sizeof lines);
    struct sip_iter it;
    struct slice tag;

    sip_iter_init(&it, m, SIP_H_REQUIRE);
    while (sip_iter_next(&it, &tag))
        if (!(sip_option_find(tag) & OPTIONS_DONE))
            sip_write_header(&b, SIP_H_UNSUPPORTED, tag);
    sip_reply_stateless(ua, from, m, 420, SLICE_NONE,
                        buf_end(&b) == OK ? buf_slice(&b) : SLICE_NONE);
}

/* True: refused already. */
static bool is_unfit(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m)
{
    if (!ua->incoming)
        sip_reply_stateless(ua, from, m, 480, SLICE_NONE, SLICE_NONE);
    else if (m->uri.scheme == SIP_SCHEME_OTHER)
        sip_reply_stateless(ua, from, m, 416, SLICE_NONE, SLICE_NONE);
    else if (m->uri.scheme == SIP_SCHEME_SIPS && !from->tls)
        sip_reply_stateless(ua, from, m, 416, SLICE("sips: needs TLS all the way"), SLICE_NONE);
    else if (sip_get_options(m, SIP_H_REQUIRE) & ~(uint32_t)OPTIONS_DONE)
        refuse_options(ua, from, m);
    else if (m->body.len && !sip_sdp_of(m).len)
        sip_reply_stateless(ua, from, m, 415, SLICE_NONE, SLICE("Accept: application/sdp\r\n"));
    else if (!m->from.tag.len || !sip_has(m, SIP_H_CONTACT))
        sip_reply_stateless(ua, from, m, 400, SLICE("From tag or Contact missing"), SLICE_NONE);
    else if (sip_refresh_too_short(m))
        sip_reply_stateless(ua, from, m, 422, SLICE_NONE, SLICE("Min-SE: 90\r\n"));
    else
        return false;
    return true;
}

static enum err take_invite(struct sip_session *s, const struct sip_path *from,
                            const struct sip_msg *m)
{
    struct sip_ua *ua = s->ua;
    char tag[SIP_ID_LEN];
    enum err e;

    s->incoming = true;
    s->peer = *from;
    s->peer.flow = sip_flow_of(m->call_id);
    s->peer.sips = m->uri.scheme == SIP_SCHEME_SIPS;
    sip_nat_judge(s, m);
    s->chosen = s->latest = &s->first;
    s->invite_cseq = m->cseq.number;
    s->peer_required = sip_get_options(m, SIP_H_REQUIRE);
    sip_session_learn(s, m);
    sip_refresh_from_request(s, m);
    s->late_offer = !m->body.len;
    s->offer_in = s->late_offer ? SIP_BY_NONE : SIP_BY_INVITE;
    sip_new_id(ua, tag);
    e = sip_dialog_from_request(&s->first, m, slice_of(tag, sizeof tag));
    if (e == OK)
        e = sip_session_list(s);
    if (e != OK)
        return e;
    s->invite = sip_buf_of(ua, m->raw);
    s->server_tx = s->invite ? sip_server_new(ua, from, m) : NULL;
    if (!s->server_tx)
        return ERR_FULL;
    s->server_tx->arg = s;
    list_push_back(&s->txs, &s->server_tx->owned);
    return OK;
}

void sip_uas_invite(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m)
{
    struct sip_session *s;
    enum err e;

    if (is_unfit(ua, from, m))
        return;
    s = sip_session_new(ua);
    e = s ? take_invite(s, from, m) : ERR_FULL;
    if (e != OK) {
        if (s)
            sip_session_free(s);
        if (e == ERR_INVALID)
            sip_reply_stateless(ua, from, m, 400, SLICE("Contact is no SIP URI"), SLICE_NONE);
        else
            sip_reply_stateless(ua, from, m, e == ERR_TOO_LONG ? 513 : 503, SLICE_NONE,
                                e == ERR_TOO_LONG ? SLICE_NONE : SLICE("Retry-After: 5\r\n"));
        return;
    }
    ua->in_of = s;
    sip_uas_trying_later(s);
    s->busy++;
    ua->incoming(ua->arg, s);
    s->busy--;
    if (s->phase == SIP_PHASE_INVITING && !s->handler && !s->released) {
        sip_uas_refuse(s, 480, NULL, 0, NULL); /* nobody wanted it */
        s->released = true;
    }
}

/* ---- the INVITE kept ---- */

const struct sip_msg *sip_session_invite(struct sip_session *s)
{
    struct sip_ua *ua = s->ua;

    if (!s->invite)
        return NULL;
    if (ua->aux_of == s)
        return &ua->aux;
    ua->aux_of = NULL;
    if (sip_parse(&ua->aux, s->invite->data, s->invite->len) != OK)
        return NULL; /* it could be parsed when it came */
    ua->aux_of = s;
    return &ua->aux;
}

/* While the INVITE is being handled it need not be parsed again. */
const struct sip_msg *sip_uas_parsed(struct sip_session *s)
{
    return s->ua->in_of == s ? &s->ua->in : sip_session_invite(s);
}

struct slice sip_session_header(struct sip_session *s, const char *name)
{
    const struct sip_msg *m = sip_session_invite(s);
    struct slice n = slice_cstr(name), value = SLICE_NONE;
    enum sip_hdr id = sip_hdr_find(n);

    if (!m)
        return SLICE_NONE;
    if (id != SIP_H_OTHER)
        return sip_get(m, id);
    return sip_get_named(m, n, &value) ? value : SLICE_NONE;
}

/* Of our From or To value. */
static struct slice user_of(struct slice value)
{
    struct sip_nameaddr na;
    struct sip_uri uri;

    return sip_nameaddr_parse(value, &na) == OK && sip_uri_parse(na.uri_text, &uri) == OK
               ? uri.user
               : SLICE_NONE;
}

struct slice sip_session_called_user(struct sip_session *s)
{
    const struct sip_msg *m = sip_session_invite(s);

    return m ? m->uri.user : s->incoming ? SLICE_NONE : user_of(s->first.remote);
}

struct slice sip_session_caller_user(struct sip_session *s)
{
    const struct sip_msg *m = sip_session_invite(s);
    struct sip_uri uri;

    if (!m)
        return s->incoming ? SLICE_NONE : user_of(s->first.local);
    return sip_uri_parse(m->from.uri_text, &uri) == OK ? uri.user : SLICE_NONE;
}

struct slice sip_session_invite_sdp(struct sip_session *s)
{
    const struct sip_msg *m = sip_session_invite(s);

    return m ? sip_sdp_of(m) : SLICE_NONE;
}

/* ---- provisional responses ---- */

static void on_trying(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, resend);
    struct sip_tx *tx = s->server_tx ? s->server_tx : s->request_tx;
    struct buf b = buf_on(s->ua->out, sizeof s->ua->out);
    struct sip_buf *raw = s->server_tx ? s->invite : s->request;

    if (!tx || tx->state != SIP_TX_TRYING || !raw)
        return;
    s->ua->aux_of = NULL;
    if (sip_parse(&s->ua->aux, raw->data, raw->len) != OK)
        return;
    sip_write_response(&b, &s->ua->aux, 100, SLICE_NONE, SLICE_NONE, &tx->path.addr);
    sip_write_end(&b);
    if (buf_end(&b) == OK)
        sip_server_send(tx, 100, buf_slice(&b));
}

void sip_uas_trying_later(struct sip_session *s)
{
    timer_start(s->ua->wheel, &s->resend, SIP_TRYING_MS, on_trying);
}

static void on_provisional_again(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, timer);

    if (s->phase != SIP_PHASE_INVITING || !s->server_tx)
        return;
    if (!s->reliable)
        sip_tx_resend(s->server_tx);
    timer_start(s->ua->wheel, &s->timer, PROVISIONAL_AGAIN_MS, on_provisional_again);
}

static enum err send_provisional(struct sip_session *s, uint16_t code, struct slice sdp)
{
    struct sip_ua *ua = s->ua;
    const struct sip_msg *req = sip_uas_parsed(s);
    struct buf b = buf_on(ua->out, sizeof ua->out);

    sip_write_response(&b, req, code, SLICE_NONE, s->first.local_tag, &s->peer.addr);
    sip_write_target(s, &b, &s->peer);
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    sip_write_sdp(&b, sdp);
    if (buf_end(&b) != OK) {
        ua->stats.too_long++;
        return ERR_TOO_LONG;
    }
    timer_stop(ua->wheel, &s->resend);
    sip_server_send(s->server_tx, code, buf_slice(&b));
    return OK;
}

static enum err queue_response(struct sip_session *s, uint16_t code, struct slice sdp)
{
    struct sip_buf *keep = NULL;

    if (s->queued_code && code < 200)
        return ERR_FULL;
    if (sdp.len && !(keep = sip_buf_of(s->ua, sdp)))
        return ERR_FULL;
    sip_buf_drop(s->ua, &s->queued_sdp);
    s->queued_sdp = keep;
    s->queued_code = code;
    return OK;
}

enum err sip_session_progress(struct sip_session *s, uint16_t code, struct slice sdp, bool reliable)
{
    bool can = (s->peer_supported | s->peer_required) & SIP_OPT_100REL;
    enum err e;

    if (!s->incoming || s->phase != SIP_PHASE_INVITING || code <= 100 || code >= 200 ||
        s->queued_code >= 200)
        return ERR_STATE;
    reliable = can && (reliable || (s->peer_required & SIP_OPT_100REL));
    if (sdp.len && s->late_offer && (!reliable || s->offer_out || s->answer_known))
        return ERR_STATE;
    if (reliable && s->reliable)
        return queue_response(s, code, sdp);
    e = reliable ? sip_reliable_send(s, code, sdp) : send_provisional(s, code, sdp);
    if (e != OK)
        return e;
    sip_session_said(s, sdp);
    if (sdp.len && reliable && s->offer_in == SIP_BY_INVITE) {
        s->offer_in = SIP_BY_NONE;
        s->answer_known = true;
    } else if (sdp.len && s->late_offer) {
        s->offer_out = SIP_BY_1XX;
    }
    timer_start(s->ua->wheel, &s->timer, PROVISIONAL_AGAIN_MS, on_provisional_again);
    return OK;
}

/* ---- 2xx and ACK ---- */

static void on_2xx_again(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, resend);
    struct sip_ua *ua = s->ua;

    s->resend_spent_ms += s->resend_ms;
    if (s->resend_spent_ms >= 64 * ua->t1_ms) {
        ua->stats.timeouts++;
        sip_buf_drop(ua, &s->answer);
        sip_session_break(s, s->ending_wanted ? s->end_code : 408,
                          s->ending_wanted ? SIP_BY_US : SIP_BY_NETWORK);
        return;
    }
    ua->stats.retransmitted++;
    sip_send(ua, &s->answer_path, sip_buf_slice(s->answer));
    s->resend_ms = s->resend_ms * 2 > ua->t2_ms ? ua->t2_ms : s->resend_ms * 2;
    if (s->resend_spent_ms + s->resend_ms > 64 * ua->t1_ms)
        s->resend_ms = 64 * ua->t1_ms - s->resend_spent_ms;
    timer_start(ua->wheel, &s->resend, s->resend_ms, on_2xx_again);
}

enum err sip_uas_send_2xx(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *req,
                          struct slice sdp)
{
    struct sip_ua *ua = s->ua;
    struct buf b = buf_on(ua->out, sizeof ua->out);

    sip_write_response(&b, req, 200, SLICE_NONE, s->first.local_tag, &tx->path.addr);
    sip_write_target(s, &b, &tx->path);
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    sip_refresh_write_response(s, &b);
    sip_write_sdp(&b, sdp);
    if (buf_end(&b) != OK) {
        ua->stats.too_long++;
        return ERR_TOO_LONG;
    }
    s->answer = sip_buf_of(ua, buf_slice(&b));
    if (!s->answer)
        return ERR_FULL;
    s->answer_path = tx->path;
    s->resend_ms = ua->t1_ms;
    s->resend_spent_ms = 0;
    s->invite_cseq = req->cseq.number;
    timer_start(ua->wheel, &s->resend, s->resend_ms, on_2xx_again);
    sip_server_send(tx, 200, buf_slice(&b));
    sip_session_said(s, sdp);
    sip_refresh_start(s);
    return OK;
}

enum err sip_session_accept(struct sip_session *s, struct slice sdp)
{
    enum err e;

    if (!s->incoming || s->phase != SIP_PHASE_INVITING || s->queued_code >= 200)
        return ERR_STATE;
    if (!sdp.len && !s->answer_known && s->offer_out != SIP_BY_1XX)
        return ERR_STATE; /* somebody waits for a description */
    if (s->reliable)
        return queue_response(s, 200, sdp);
    e = sip_uas_send_2xx(s, s->server_tx, sip_uas_parsed(s), sdp);
    if (e != OK)
        return e;
    timer_stop(s->ua->wheel, &s->timer);
    s->server_tx = NULL;
    s->phase = SIP_PHASE_ANSWERED;
    s->offer_in = s->offer_in == SIP_BY_INVITE ? SIP_BY_NONE : s->offer_in;
    if (s->late_offer && !s->answer_known && sdp.len)
        s->offer_out = SIP_BY_2XX;
    s->answer_known = true;
    return OK;
}

void sip_uas_flush(struct sip_session *s)
{
    uint16_t code = s->queued_code;
    struct sip_buf *sdp = s->queued_sdp;

    if (!code || s->phase != SIP_PHASE_INVITING || s->reliable)
        return;
    s->queued_code = 0;
    s->queued_sdp = NULL;
    if (code >= 200)
        sip_session_accept(s, sip_buf_slice(sdp));
    else
        sip_session_progress(s, code, sip_buf_slice(sdp), true);
    sip_buf_drop(s->ua, &sdp);
}

bool sip_uas_awaits(const struct sip_session *s, const struct sip_msg *m)
{
    return s->answer && m->cseq.number == s->invite_cseq;
}

void sip_uas_ack(struct sip_session *s, const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_CONFIRMED, .msg = m};
    bool first = s->phase == SIP_PHASE_ANSWERED, answers;

    if (!sip_uas_awaits(s, m)) {
        s->ua->stats.absorbed++;
        return;
    }
    timer_stop(s->ua->wheel, &s->resend);
    sip_buf_drop(s->ua, &s->answer);
    answers = s->offer_out == SIP_BY_2XX;
    if (answers) {
        s->offer_out = SIP_BY_NONE;
        e.sdp = sip_sdp_of(m);
    }
    if (s->phase == SIP_PHASE_ENDING)
        return;
    s->phase = SIP_PHASE_UP;
    s->answered = true;
    if (s->ending_wanted) {
        sip_session_bye(s);
        return;
    }
    if (!first) {
        if (!answers)
            return;
        e.kind = SIP_EV_ANSWER;
    }
    sip_session_tell(s, &e);
}

/* ---- refusing ---- */

void sip_uas_refuse(struct sip_session *s, uint16_t code, const char *reason, uint16_t q850,
                    const char *headers)
{
    struct sip_ua *ua = s->ua;
    const struct sip_msg *req = sip_uas_parsed(s);
    struct buf b = buf_on(ua->out, sizeof ua->out);
    struct sip_tx *tx = s->server_tx;

    sip_reliable_stop(s);
    sip_drop_request(s, 487);
    if (!tx)
        return;
    req = sip_uas_parsed(s);
    sip_write_response(&b, req, code, slice_cstr(reason), s->first.local_tag, &tx->path.addr);
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    if (q850)
        buf_printf(&b, "Reason: Q.850;cause=%u\r\n", q850);
    else if (s->end_text)
        sip_write_header(&b, SIP_H_REASON, sip_buf_slice(s->end_text));
    if (headers)
        buf_puts(&b, headers);
    sip_write_end(&b);
    timer_stop(ua->wheel, &s->resend);
    s->server_tx = NULL;
    if (buf_end(&b) == OK)
        sip_server_send(tx, code, buf_slice(&b));
    else
        sip_server_plain(tx, req, code, s->first.local_tag);
    sip_session_finish_later(s, code, SIP_BY_US);
}

enum err sip_session_reject(struct sip_session *s, uint16_t code, const char *reason, uint16_t q850,
                            const char *headers)
{
    if (!s->incoming || s->phase != SIP_PHASE_INVITING || code < 300 || code > 699)
        return ERR_STATE;
    sip_uas_refuse(s, code, reason, q850, headers);
    return OK;
}

void sip_uas_cancelled(struct sip_session *s, const struct sip_msg *cancel)
{
    if (s->phase != SIP_PHASE_INVITING)
        return;
    if (s->defies_cancel) {
        s->cancel_defied = true;
        return;
    }
    sip_uas_refuse(s, 487, NULL, 0, NULL);
    sip_session_finish(s, 487, SIP_BY_FAR_SIDE, cancel);
}
