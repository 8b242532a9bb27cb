/* Outgoing calls: INVITE, its provisional responses and forks, 2xx and ACK, CANCEL and its glare
 * with a 2xx (RFC 3261 9, 13.2). */
#include "sip/core.h"

static void on_invite(struct sip_tx *tx, uint16_t status, const struct sip_msg *m);

/* ---- the INVITE ---- */

static void write_invite(struct sip_session *s, struct buf *b, const struct sip_invite *p,
                         const char branch[SIP_BRANCH_LEN])
{
    sip_dialog_write(&s->first, b, SIP_INVITE, s->invite_cseq, branch, &p->to);
    sip_write_target(s, b, &p->to);
    if (p->require_100rel)
        sip_write_header(b, SIP_H_REQUIRE, SLICE("100rel"));
    if (p->session_expires_s)
        sip_refresh_write_request(s, b);
    if (p->asserted)
        sip_write_nameaddr(b, SIP_H_P_ASSERTED_IDENTITY, SLICE_NONE, slice_cstr(p->asserted),
                           SLICE_NONE);
    if (p->headers)
        buf_puts(b, p->headers);
    sip_write_sdp(b, p->sdp);
}

static enum err name_dialog(struct sip_session *s, const struct sip_invite *p)
{
    struct sip_ua *ua = s->ua;
    struct slice uri = slice_cstr(p->request_uri), route = slice_cstr(p->route);
    char id[SIP_ID_LEN + ADDR_TEXT_MAX + 1], tag[SIP_ID_LEN], local[1024], remote[1024];
    struct buf i = buf_on(id, sizeof id), l = buf_on(local, sizeof local),
               r = buf_on(remote, sizeof remote);

    sip_new_id(ua, tag);
    sip_new_id(ua, id);
    i.len = SIP_ID_LEN;
    buf_putc(&i, '@');
    buf_puts(&i, sip_home_of(ua, &s->peer)->domain);
    sip_nameaddr_write(&l, slice_cstr(p->from_display), slice_cstr(p->from_uri),
                       slice_of(tag, sizeof tag));
    sip_nameaddr_write(&r, SLICE_NONE, p->to_uri ? slice_cstr(p->to_uri) : uri, SLICE_NONE);
    if (buf_end(&l) != OK || buf_end(&r) != OK)
        return ERR_TOO_LONG;
    struct slice call_id = p->call_id ? slice_cstr(p->call_id) : buf_slice(&i);

    s->peer.flow = sip_flow_of(call_id);
    return sip_dialog_keep(&s->first, &(struct sip_dialog){.call_id = call_id,
                                                           .local = buf_slice(&l),
                                                           .remote = buf_slice(&r),
                                                           .local_tag = slice_of(tag, sizeof tag),
                                                           .target = uri,
                                                           .routes = route});
}

static enum err keep_params(struct sip_session *s, const struct sip_invite *p)
{
    s->peer = p->to;
    s->nat = (uint8_t)p->nat;
    s->no_100rel = p->no_100rel;
    s->expires_s = p->session_expires_s;
    s->min_se_s = SIP_MIN_SE_S;
    s->late_offer = !p->sdp.len;
    if (p->contact_user) {
        s->contact_user = sip_buf_of(s->ua, slice_cstr(p->contact_user));
        if (!s->contact_user)
            return ERR_FULL;
    }
    if (p->auth_user && p->auth_password) {
        char both[256];
        struct buf b = buf_on(both, sizeof both);
        buf_puts(&b, p->auth_user);
        buf_putc(&b, '\0');
        buf_puts(&b, p->auth_password);
        if (buf_end(&b) != OK)
            return ERR_TOO_LONG;
        s->credentials = sip_buf_of(s->ua, buf_slice(&b));
        explicit_bzero(both, sizeof both);
        if (!s->credentials)
            return ERR_FULL;
    }
    sip_session_said(s, p->sdp);
    return OK;
}

static void on_answer_limit(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, timer);

    s->limit_hit = true;
    sip_session_end(s, 0, NULL);
}

enum err sip_invite(struct sip_ua *ua, const struct sip_invite *p, sip_session_fn *handler,
                    void *arg, struct sip_session **out)
{
    struct buf b = buf_on(ua->out, sizeof ua->out);
    struct sip_session *s = sip_session_new(ua);
    char branch[SIP_BRANCH_LEN];
    enum err e;

    if (!s)
        return ERR_FULL;
    s->handler = handler;
    s->arg = arg;
    e = keep_params(s, p);
    if (e == OK)
        e = name_dialog(s, p);
    if (e == OK)
        e = sip_session_list(s);
    if (e != OK)
        goto fail;
    sip_redirect_init(s, p);
    s->invite_cseq = s->first.local_cseq = 1;
    s->offer_out = s->late_offer ? SIP_BY_NONE : SIP_BY_INVITE;
    sip_new_branch(ua, branch);
    write_invite(s, &b, p, branch);
    s->invite_tx = sip_session_send(s, SIP_INVITE, branch, &s->peer, &b, on_invite, &e);
    if (!s->invite_tx)
        goto fail;
    sip_alive_start(s, p->keep_alive_ms);
    if (p->answer_limit_ms)
        timer_start(ua->wheel, &s->timer, p->answer_limit_ms, on_answer_limit);
    *out = s;
    return OK;
fail:
    sip_session_free(s);
    return e;
}

/* ---- CANCEL ---- */

static void on_cancel_limit(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, timer);

    sip_session_finish(s, s->limit_hit ? 408 : 487, SIP_BY_US, NULL);
}

/* Same Via branch, Request-URI, Route and CSeq number as the INVITE (RFC 3261 9.1). */
static void send_cancel(struct sip_session *s)
{
    struct sip_ua *ua = s->ua;
    struct sip_tx *invite = s->invite_tx;
    struct sip_msg *own = &ua->own;
    struct buf b = buf_on(ua->out, sizeof ua->out);
    char branch[SIP_BRANCH_LEN];
    enum err why;

    s->cancel_sent = true;
    timer_start(ua->wheel, &s->timer, 64 * ua->t1_ms, on_cancel_limit);
    if (!invite || !invite->text || sip_parse(own, invite->text->data, invite->text->len) != OK ||
        own->via.branch.len != SIP_BRANCH_LEN)
        return;
    memcpy(branch, own->via.branch.p, SIP_BRANCH_LEN);
    sip_write_request(&b, SLICE("CANCEL"), own->uri_text);
    sip_write_header(&b, SIP_H_VIA, own->via.text);
    sip_write_copy(&b, own, SIP_H_ROUTE);
    sip_write_u32(&b, SIP_H_MAX_FORWARDS, 70);
    sip_write_copy(&b, own, SIP_H_FROM);
    sip_write_copy(&b, own, SIP_H_TO);
    sip_write_copy(&b, own, SIP_H_CALL_ID);
    sip_write_cseq(&b, own->cseq.number, SLICE("CANCEL"));
    if (s->end_text)
        sip_write_header(&b, SIP_H_REASON, sip_buf_slice(s->end_text));
    sip_write_end(&b);
    sip_client_start(ua, SIP_CANCEL, branch, &invite->path, &b, NULL, NULL, NULL, &why);
}

void sip_uac_cancel(struct sip_session *s)
{
    s->cancel_wanted = true;
    timer_stop(s->ua->wheel, &s->timer);
    if (s->provisional_seen && !s->cancel_sent)
        send_cancel(s); /* not before a provisional; the INVITE's own timer B runs until then */
}

/* ---- ACK ---- */

/* Credentials of the INVITE go into the ACK of its 2xx (RFC 3261 22.1). */
static void write_credentials(struct sip_session *s, struct buf *b)
{
    struct sip_buf *text = s->authorized;

    if (!text || sip_parse(&s->ua->own, text->data, text->len) != OK)
        return;
    sip_write_copy(b, &s->ua->own, SIP_H_AUTHORIZATION);
    sip_write_copy(b, &s->ua->own, SIP_H_PROXY_AUTHORIZATION);
}

void sip_uac_ack(struct sip_session *s, struct slice sdp)
{
    struct sip_ua *ua = s->ua;
    struct sip_dialog *d = s->chosen;
    struct buf b = buf_on(ua->out, sizeof ua->out);
    struct sip_path path = sip_dialog_path(d);
    char branch[SIP_BRANCH_LEN];

    sip_new_branch(ua, branch);
    sip_dialog_write(d, &b, SIP_ACK, s->invite_cseq, branch, &path);
    write_credentials(s, &b);
    sip_write_sdp(&b, sdp);
    if (buf_end(&b) != OK) {
        ua->stats.too_long++;
        return;
    }
    if (sdp.len || s->authorized) { /* others are written anew when a 2xx comes again */
        sip_buf_drop(ua, &s->ack);
        s->ack = sip_buf_of(ua, buf_slice(&b));
    }
    sip_send(ua, &path, buf_slice(&b));
}

static void ack_again(struct sip_session *s)
{
    struct sip_path path = sip_dialog_path(s->chosen);

    s->ua->stats.retransmitted++;
    if (s->ack)
        sip_send(s->ua, &path, sip_buf_slice(s->ack));
    else
        sip_uac_ack(s, SLICE_NONE);
}

bool sip_repeat_ack(struct sip_ua *ua, const struct sip_msg *m)
{
    struct sip_session *s = sip_session_find(ua, m->call_id, m->from.tag);

    if (!s || !s->chosen || s->phase == SIP_PHASE_ANSWERED || m->cseq.number != s->invite_cseq ||
        !slice_eq(m->to.tag, s->chosen->remote_tag))
        return false;
    ack_again(s);
    return true;
}

/* A 2xx that nobody wants: of a second branch of a fork, or for a call that is over. It is
 * acknowledged and ended (RFC 3261 13.2.2.4), all from what the 2xx itself says. */
void sip_late_2xx(struct sip_ua *ua, const struct sip_path *path, const struct sip_msg *m)
{
    struct sip_dialog d = {0};
    struct buf b = buf_on(ua->out, sizeof ua->out);
    struct sip_path to;
    char branch[SIP_BRANCH_LEN];
    enum err why;

    ua->stats.late_2xx++;
    sip_dialog_init(&d, ua, path);
    d.call_id = m->call_id;
    d.local = sip_get(m, SIP_H_FROM);
    d.local_tag = m->from.tag;
    if (!sip_has(m, SIP_H_CONTACT) || sip_dialog_from_response(&d, m) != OK)
        return;
    to = sip_dialog_path(&d);
    sip_new_branch(ua, branch);
    sip_dialog_write(&d, &b, SIP_ACK, m->cseq.number, branch, &to);
    sip_write_end(&b);
    if (buf_end(&b) == OK)
        sip_send(ua, &to, buf_slice(&b));
    b = buf_on(ua->out, sizeof ua->out);
    sip_new_branch(ua, branch);
    sip_dialog_write(&d, &b, SIP_BYE, m->cseq.number + 1, branch, &to);
    sip_write_end(&b);
    sip_client_start(ua, SIP_BYE, branch, &to, &b, NULL, NULL, NULL, &why);
    sip_dialog_fini(&d);
}

/* ---- responses ---- */

/* The dialog of this To tag, made when it is new. NULL: no room; the caller uses what there is. */
static struct sip_dialog *dialog_of(struct sip_session *s, const struct sip_msg *m)
{
    struct sip_ua *ua = s->ua;
    struct sip_dialog *d = sip_session_dialog(s, m->to.tag);

    if (!d && !s->first.remote_tag.len)
        d = &s->first;
    if (!d) {
        if (s->forks >= SIP_FORKS_MAX - 1 || !(d = pool_get(&ua->dialog_pool))) {
            ua->stats.refused_dialogs++;
            return NULL;
        }
        sip_dialog_init(d, ua, &s->peer);
        d->call_id = s->first.call_id;
        d->local = s->first.local;
        d->local_tag = s->first.local_tag;
        d->target = s->first.target;
        d->local_cseq = s->first.local_cseq;
        d->index = ++s->forks;
        ua->stats.forks++;
        list_push_back(&s->dialogs, &d->of_session);
    }
    if (sip_dialog_from_response(d, m) != OK) {
        if (d != &s->first) {
            sip_dialog_fini(d);
            pool_put(&ua->dialog_pool, d);
        }
        return NULL;
    }
    if (sip_has(m, SIP_H_CONTACT))
        sip_nat_judge(s, m);
    return d;
}

/* False: a repeated or out-of-order reliable provisional (RFC 3262 4). */
static bool take_rseq(struct sip_session *s, struct sip_dialog *d, uint32_t rseq)
{
    if (d->rseq_seen && rseq != d->rseq_seen + 1) {
        s->ua->stats.absorbed++;
        return false;
    }
    d->rseq_seen = rseq;
    return true;
}

/* Of a reliable one: PRACK at once, or after the owner's answer when it brings a late offer. */
static void acknowledge(struct sip_session *s, struct sip_dialog *d, uint32_t rseq,
                        struct sip_event *e)
{
    e->reliable = true;
    if (s->late_offer && e->sdp.len && !s->answer_known) {
        e->sdp_is_offer = true;
        s->offer_in = SIP_BY_1XX;
        s->prack_rseq = rseq;
        s->prack_dialog = d;
        return;
    }
    if (e->sdp.len && s->offer_out == SIP_BY_INVITE) {
        s->offer_out = SIP_BY_NONE;
        s->answer_known = true;
    }
    sip_prack_send(s, d, rseq, SLICE_NONE);
}

static void provisional(struct sip_session *s, const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_PROGRESS, .code = m->status, .msg = m};
    struct sip_dialog *d = NULL;
    uint32_t rseq;

    s->provisional_seen = true;
    if (s->cancel_wanted) {
        if (!s->cancel_sent)
            send_cancel(s);
        return;
    }
    if (m->status > 100 && m->to.tag.len) {
        d = dialog_of(s, m);
        if (!d)
            return;
        s->latest = d;
        sip_session_learn(s, m);
        e.fork = d->index;
        e.fork_tag = d->remote_tag;
        e.sdp = sip_sdp_of(m);
        if ((sip_get_options(m, SIP_H_REQUIRE) & SIP_OPT_100REL) &&
            sip_get_u32(m, SIP_H_RSEQ, &rseq) == OK) {
            if (!take_rseq(s, d, rseq))
                return;
            acknowledge(s, d, rseq, &e);
        }
    }
    sip_session_tell(s, &e);
}

/* Glare: the 2xx crossed our CANCEL. */
static void answered_too_late(struct sip_session *s)
{
    sip_uac_ack(s, SLICE_NONE);
    s->invite_tx = NULL;
    sip_session_break(s, s->limit_hit ? 408 : 487, SIP_BY_US);
}

static void answered(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_ANSWERED, .code = m->status, .msg = m};
    struct sip_dialog *d = dialog_of(s, m);

    timer_stop(s->ua->wheel, &s->timer);
    if (!d) { /* of a fork beyond the bound: it takes the place of one that did not answer */
        s->first.remote_tag = SLICE_NONE;
        d = dialog_of(s, m);
    }
    if (!d) { /* no room for its names: as if it were nobody's */
        sip_late_2xx(s->ua, &tx->path, m);
        sip_session_finish(s, 503, SIP_BY_NETWORK, NULL);
        return;
    }
    s->chosen = s->latest = d;
    if (s->auth_tries) {
        s->authorized = tx->text;
        tx->text = NULL;
    }
    sip_session_learn(s, m);
    if (s->cancel_wanted) {
        answered_too_late(s);
        return;
    }
    e.sdp = sip_sdp_of(m);
    e.fork = d->index;
    e.fork_tag = d->remote_tag;
    sip_refresh_from_2xx(s, m, s->expires_s != 0);
    if (s->late_offer && !s->answer_known) {
        s->phase = SIP_PHASE_ANSWERED;
        s->offer_in = SIP_BY_2XX;
        e.sdp_is_offer = true;
        if (!e.sdp.len) { /* RFC 3261 13.2.1: the 2xx had to bring one */
            sip_uac_ack(s, SLICE_NONE);
            sip_session_break(s, 488, SIP_BY_FAR_SIDE);
            return;
        }
        s->answered = true;
    } else {
        s->phase = SIP_PHASE_UP;
        s->answered = true;
        s->answer_known = true;
        s->offer_out = SIP_BY_NONE;
        sip_uac_ack(s, SLICE_NONE);
        sip_refresh_start(s);
    }
    s->invite_tx = NULL;
    sip_session_tell(s, &e);
}

static void another_2xx(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    if (!s->chosen || !slice_eq(s->chosen->remote_tag, m->to.tag))
        sip_late_2xx(s->ua, &tx->path, m);
    else if (s->phase != SIP_PHASE_ANSWERED)
        ack_again(s);
    else
        s->ua->stats.absorbed++;
}

/* The INVITE goes out again with another CSeq: what early dialogs said before is void. */
static void started_again(struct sip_session *s, struct sip_tx *next)
{
    s->invite_tx = next;
    s->first.remote_tag = SLICE_NONE;
    s->invite_cseq = s->first.local_cseq;
    s->provisional_seen = false;
    if (!s->late_offer)
        s->offer_out = SIP_BY_INVITE;
}

/* 422: with the interval the far side wants (RFC 4028 7.3). */
static bool retry_longer(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    static const uint8_t without[] = {SIP_H_SESSION_EXPIRES, SIP_H_MIN_SE};
    char lines[96];
    struct buf b = buf_on(lines, sizeof lines);
    struct sip_tx *next;
    uint32_t min;

    if (m->status != 422 || sip_get_u32(m, SIP_H_MIN_SE, &min) != OK || min <= s->min_se_s)
        return false;
    s->min_se_s = min;
    if (s->expires_s < min)
        s->expires_s = min;
    sip_refresh_write_request(s, &b);
    next = sip_client_again(tx, &s->first.local_cseq, buf_slice(&b), without, sizeof without);
    if (next)
        started_again(s, next);
    return next != NULL;
}

static void refused(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_tx *next;

    if (!s->cancel_wanted) {
        if (retry_longer(s, tx, m))
            return;
        if (sip_session_authorized(s, tx, m, &s->first.local_cseq, &next)) {
            started_again(s, next);
            return;
        }
        if ((next = sip_redirect(s, tx, m->status, m))) {
            started_again(s, next);
            return;
        }
    }
    sip_session_finish(s, s->cancel_wanted && s->limit_hit ? 408 : m->status,
                       s->cancel_wanted ? SIP_BY_US : SIP_BY_FAR_SIDE, m);
}

static void on_invite(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;

    if (!m) {
        bool ours = s->cancel_wanted && !s->limit_hit;
        struct sip_tx *next = s->cancel_wanted ? NULL : sip_redirect(s, tx, status, NULL);
        if (next)
            started_again(s, next);
        else
            sip_session_finish(s, ours ? 487 : status, ours ? SIP_BY_US : SIP_BY_NETWORK, NULL);
    } else if (status < 200) {
        provisional(s, m);
    } else if (status < 300) {
        if (s->phase == SIP_PHASE_INVITING)
            answered(s, tx, m);
        else
            another_2xx(s, tx, m);
    } else {
        refused(s, tx, m);
    }
}
