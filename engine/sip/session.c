/* Sessions: what both directions share. Life and end, the dialogs of a session, requests that come
 * within them, and what every request of ours says about us.
 *
 *   inviting -> answered -> up -> ending -> ended
 *
 * A session ends once: sip_session_finish stops all its timers and lets go of its transactions
 * before it tells the owner, so nothing can reach a session that has ended. */
#include <assert.h>

#include "sip/core.h"

/* ---- table ---- */

struct name {
    struct slice call_id, tag;
};

/* The tag is ours and drawn at random: it alone spreads well, whatever Call-IDs peers choose. */
static uint64_t name_hash(const struct sip_ua *ua, struct slice tag)
{
    return hash_slice(ua->seed, tag);
}

static bool same_name(const struct hash_node *n, const void *key)
{
    const struct sip_session *s = container_of(n, struct sip_session, node);
    const struct name *name = key;

    return slice_eq(s->first.call_id, name->call_id) && slice_eq(s->first.local_tag, name->tag);
}

struct sip_session *sip_session_find(struct sip_ua *ua, struct slice call_id, struct slice tag)
{
    struct name name = {call_id, tag};
    struct hash_node *n = hash_find(&ua->sessions, name_hash(ua, tag), same_name, &name);

    return n ? container_of(n, struct sip_session, node) : NULL;
}

enum err sip_session_list(struct sip_session *s)
{
    enum err e = hash_insert(&s->ua->sessions, &s->node, name_hash(s->ua, s->first.local_tag));

    s->listed = e == OK;
    return e;
}

/* ---- life ---- */

struct sip_session *sip_session_new(struct sip_ua *ua)
{
    struct sip_session *s = pool_get(&ua->session_pool);

    if (!s) {
        ua->stats.refused_sessions++;
        return NULL;
    }
    ua->stats.sessions_made++;
    s->ua = ua;
    list_init(&s->txs);
    list_init(&s->dialogs);
    list_push_back(&ua->all_sessions, &s->all);
    sip_dialog_init(&s->first, ua, &s->peer);
    list_push_back(&s->dialogs, &s->first.of_session);
    timer_init(&s->timer);
    timer_init(&s->resend);
    timer_init(&s->retry);
    timer_init(&s->refresh);
    timer_init(&s->alive);
    s->nat = ua->nat;
    return s;
}

static void stop_everything(struct sip_session *s)
{
    struct wheel *w = s->ua->wheel;

    timer_stop(w, &s->timer);
    timer_stop(w, &s->resend);
    timer_stop(w, &s->retry);
    timer_stop(w, &s->refresh);
    timer_stop(w, &s->alive);
    list_each(n, tmp, &s->txs) sip_tx_disown(container_of(n, struct sip_tx, owned));
    s->invite_tx = s->server_tx = s->request_tx = NULL;
}

void sip_session_free(struct sip_session *s)
{
    struct sip_ua *ua = s->ua;

    stop_everything(s);
    list_each(n, tmp, &s->dialogs)
    {
        struct sip_dialog *d = container_of(n, struct sip_dialog, of_session);
        if (d != &s->first) {
            sip_dialog_fini(d);
            pool_put(&ua->dialog_pool, d);
        }
    }
    if (s->listed)
        hash_remove(&ua->sessions, &s->node);
    sip_dialog_fini(&s->first);
    sip_buf_drop(ua, &s->contact_user);
    sip_buf_drop(ua, &s->credentials);
    sip_buf_drop(ua, &s->sdp);
    sip_buf_drop(ua, &s->redirect_targets);
    sip_buf_drop(ua, &s->end_text);
    sip_buf_drop(ua, &s->invite);
    sip_buf_drop(ua, &s->authorized);
    sip_buf_drop(ua, &s->request);
    sip_buf_drop(ua, &s->answer);
    sip_buf_drop(ua, &s->reliable);
    sip_buf_drop(ua, &s->queued_sdp);
    sip_buf_drop(ua, &s->ack);
    if (ua->in_of == s)
        ua->in_of = NULL;
    if (ua->aux_of == s)
        ua->aux_of = NULL;
    list_remove(&s->all);
    pool_put(&ua->session_pool, s);
}

/* What a message says besides its SDP. */
static void read_message(struct sip_event *e, const struct sip_msg *m)
{
    struct sip_reason reason;
    struct sip_retry_after retry;

    e->msg = m;
    if (!m->is_request)
        e->reason_phrase = m->phrase;
    if (sip_has(m, SIP_H_REASON) && sip_get_reason(m, SLICE("Q.850"), &reason) == OK) {
        e->q850 = reason.cause;
        e->reason_text = reason.text;
    }
    if (sip_has(m, SIP_H_RETRY_AFTER) && sip_get_retry_after(m, &retry) == OK)
        e->retry_after_s = retry.seconds;
    if (!m->is_request && m->status / 100 == 3) {
        struct sip_nameaddr na;
        struct sip_uri uri;
        if (sip_get_contact(m, &na, &uri) == OK)
            e->contact = na.uri_text;
    }
}

bool sip_session_tell(struct sip_session *s, struct sip_event *e)
{
    if (e->msg)
        read_message(e, e->msg);
    if (s->handler && !s->released) {
        s->busy++;
        s->handler(s->arg, s, e);
        s->busy--;
    }
    if (s->released && s->ended && !s->busy) {
        sip_session_free(s);
        return false;
    }
    return true;
}

void sip_session_finish(struct sip_session *s, uint16_t code, enum sip_ender by,
                        const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_ENDED, .code = code, .by = by, .msg = m};

    if (s->ended)
        return;
    if (!m)
        e.reason_phrase = code ? sip_status_phrase(code) : SLICE_NONE;
    sip_drop_request(s, 487); /* or its transaction would wait for ever */
    stop_everything(s);
    sip_buf_drop(s->ua, &s->answer);
    sip_buf_drop(s->ua, &s->reliable);
    s->phase = SIP_PHASE_ENDED;
    s->ended = true;
    sip_session_tell(s, &e);
}

static void on_end(struct timer *t)
{
    struct sip_session *s = container_of(t, struct sip_session, timer);

    sip_session_finish(s, s->end_code, (enum sip_ender)s->end_by, NULL);
}

void sip_session_finish_later(struct sip_session *s, uint16_t code, enum sip_ender by)
{
    s->phase = SIP_PHASE_ENDING;
    s->end_code = code;
    s->end_by = (uint8_t)by;
    timer_start(s->ua->wheel, &s->timer, 0, on_end);
}

void sip_session_set_handler(struct sip_session *s, sip_session_fn *handler, void *arg)
{
    s->handler = handler;
    s->arg = arg;
}

void sip_session_release(struct sip_session *s)
{
    if (s->released)
        return;
    s->released = true;
    s->handler = NULL;
    if (!s->ended)
        sip_session_end(s, 0, NULL);
    else if (!s->busy)
        sip_session_free(s);
}

/* ---- dialogs ---- */

struct sip_dialog *sip_session_dialog(struct sip_session *s, struct slice remote_tag)
{
    list_each(n, tmp, &s->dialogs)
    {
        struct sip_dialog *d = container_of(n, struct sip_dialog, of_session);
        if (d->remote_tag.len && slice_eq(d->remote_tag, remote_tag))
            return d;
    }
    return NULL;
}

/* A trunk says the same Allow and Supported in every message: a list is read once. */
static uint32_t known_list(struct sip_known *k, const struct sip_msg *m, enum sip_hdr id)
{
    struct slice text = sip_get(m, id);
    bool one_line = sip_count(m, id) == 1;

    if (one_line && text.len == k->len && text.len && memcmp(text.p, k->text, text.len) == 0)
        return k->bits;
    uint32_t bits = id == SIP_H_ALLOW ? sip_get_allow(m) : sip_get_options(m, id);
    if (one_line && text.len <= sizeof k->text) {
        memcpy(k->text, text.p, text.len);
        k->len = text.len;
        k->bits = bits;
    }
    return bits;
}

void sip_session_learn(struct sip_session *s, const struct sip_msg *m)
{
    if (sip_has(m, SIP_H_ALLOW))
        s->peer_allow = known_list(&s->ua->known_allow, m, SIP_H_ALLOW);
    if (sip_has(m, SIP_H_SUPPORTED))
        s->peer_supported = known_list(&s->ua->known_supported, m, SIP_H_SUPPORTED);
}

struct slice sip_session_user(const struct sip_session *s, struct slice *password)
{
    struct slice both = sip_buf_slice(s->credentials), user = SLICE_NONE;

    *password = SLICE_NONE;
    if (both.len)
        slice_cut(both, '\0', &user, password);
    return user;
}

void sip_session_said(struct sip_session *s, struct slice sdp)
{
    if (!sdp.len || (s->sdp && sdp.p == s->sdp->data))
        return;
    sip_buf_drop(s->ua, &s->sdp);
    s->sdp = sip_buf_of(s->ua, sdp);
}

struct slice sip_sdp_of(const struct sip_msg *m)
{
    struct slice type = sip_get(m, SIP_H_CONTENT_TYPE);

    return m->body.len && sip_content_is(type, SLICE("application/sdp")) ? m->body : SLICE_NONE;
}

/* ---- writing ---- */

void sip_write_target(struct sip_session *s, struct buf *b, const struct sip_path *way)
{
    struct sip_path told = *way;

    told.sips = s->peer.sips; /* RFC 3261 8.1.1.8, 12.1.1: then the Contact is one, too */
    sip_write_contact(s->ua, b, sip_buf_slice(s->contact_user), &told);
    buf_puts(b, "Allow: " SIP_ALLOW_TEXT);
    buf_puts(b, s->refer_code ? ", REFER, NOTIFY\r\nSupported: " : "\r\nSupported: ");
    buf_puts(b, s->no_100rel ? "timer\r\n" : "100rel, timer\r\n");
}

void sip_write_sdp(struct buf *b, struct slice sdp)
{
    if (sdp.len)
        sip_write_body(b, SLICE("application/sdp"), sdp);
    else
        sip_write_end(b);
}

struct sip_tx *sip_session_send(struct sip_session *s, enum sip_method method,
                                const char branch[SIP_BRANCH_LEN], const struct sip_path *to,
                                struct buf *b, sip_tx_fn *heard, enum err *why)
{
    return sip_client_start(s->ua, method, branch, to, b, heard, s, &s->txs, why);
}

bool sip_session_authorized(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m,
                            uint32_t *cseq, struct sip_tx **again)
{
    struct slice password, user = sip_session_user(s, &password);
    struct sip_tx *next;

    if (!m || (m->status != 401 && m->status != 407) || !user.len || s->auth_tries >= 4)
        return false;
    next = sip_client_authorize(tx, m, user, password, cseq);
    if (!next)
        return false;
    s->auth_tries++;
    if (again)
        *again = next;
    return true;
}

/* ---- the end ---- */

static void on_bye(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;

    if (status < 200 || sip_session_authorized(s, tx, m, &s->chosen->local_cseq, NULL))
        return;
    sip_session_finish(s, s->end_code, (enum sip_ender)s->end_by, NULL);
}

void sip_session_bye(struct sip_session *s)
{
    struct sip_dialog *d = s->chosen;
    struct buf b = buf_on(s->ua->out, sizeof s->ua->out);
    struct sip_path path = sip_dialog_path(d);
    char branch[SIP_BRANCH_LEN];
    enum err why;

    s->phase = SIP_PHASE_ENDING;
    timer_stop(s->ua->wheel, &s->resend);
    sip_buf_drop(s->ua, &s->answer);
    timer_stop(s->ua->wheel, &s->refresh);
    timer_stop(s->ua->wheel, &s->retry);
    sip_drop_request(s, 487);
    sip_new_branch(s->ua, branch);
    sip_dialog_write(d, &b, SIP_BYE, ++d->local_cseq, branch, &path);
    if (s->end_text)
        sip_write_header(&b, SIP_H_REASON, sip_buf_slice(s->end_text));
    sip_write_end(&b);
    if (!sip_session_send(s, SIP_BYE, branch, &path, &b, on_bye, &why))
        sip_session_finish_later(s, s->end_code, (enum sip_ender)s->end_by);
}

void sip_session_break(struct sip_session *s, uint16_t code, enum sip_ender by)
{
    s->end_code = code;
    s->end_by = (uint8_t)by;
    sip_session_bye(s);
}

static void keep_reason(struct sip_session *s, uint16_t q850, const char *text)
{
    char value[160];
    struct buf b = buf_on(value, sizeof value);

    if (!q850 && !text)
        return;
    if (q850)
        buf_printf(&b, "Q.850;cause=%u", q850);
    else
        buf_puts(&b, "SIP");
    if (text) {
        buf_puts(&b, ";text=\"");
        for (; *text; text++)
            if (*text != '"' && *text != '\\')
                buf_putc(&b, *text);
        buf_putc(&b, '"');
    }
    if (buf_end(&b) == OK)
        s->end_text = sip_buf_of(s->ua, buf_slice(&b));
}

static uint16_t refusal_of(uint16_t q850)
{
    switch (q850) {
    case 17:
        return 486;
    case 21:
        return 603;
    case 1:
    case 2:
    case 3:
        return 404;
    case 28:
        return 484;
    case 34:
    case 38:
    case 41:
    case 42:
    case 47:
        return 503;
    default:
        return 480;
    }
}

static void end_incoming(struct sip_session *s, uint16_t q850)
{
    if (s->phase == SIP_PHASE_INVITING)
        sip_uas_refuse(s, refusal_of(q850), NULL, 0, NULL);
    else if (s->defies_ack)
        sip_session_bye(s);
    else /* no BYE before the ACK of our 2xx has come (RFC 3261 15) */
        s->ending_wanted = true;
}

void sip_session_end(struct sip_session *s, uint16_t q850, const char *text)
{
    if (s->phase >= SIP_PHASE_ENDING || s->cancel_wanted || s->ending_wanted)
        return;
    keep_reason(s, q850, text);
    s->end_code = 0;
    s->end_by = SIP_BY_US;
    if (s->phase == SIP_PHASE_UP) {
        if (s->answer) /* a re-INVITE of theirs: the same rule as for the first 2xx */
            s->ending_wanted = true;
        else
            sip_session_bye(s);
    } else if (s->incoming) {
        end_incoming(s, q850);
    } else if (s->phase == SIP_PHASE_ANSWERED) {
        sip_uac_ack(s, SLICE_NONE);
        sip_session_bye(s);
    } else {
        sip_uac_cancel(s);
    }
}

/* ---- requests within a dialog ---- */

static void bye_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    sip_server_plain(tx, m, 200, SLICE_NONE);
    if (s->phase == SIP_PHASE_ENDING) { /* ours crossed it */
        sip_session_finish(s, s->end_code, (enum sip_ender)s->end_by, NULL);
        return;
    }
    if (s->phase == SIP_PHASE_INVITING && !s->incoming)
        return; /* only an early dialog ends; the INVITE will have its own final response */
    if (s->phase == SIP_PHASE_INVITING) {
        sip_uas_refuse(s, 487, NULL, 0, NULL);
        sip_session_finish(s, 487, SIP_BY_FAR_SIDE, m);
        return;
    }
    sip_drop_request(s, 487);
    sip_session_finish(s, 0, SIP_BY_FAR_SIDE, m);
}

void sip_session_reply(struct sip_ua *ua, struct sip_tx *tx, const struct sip_msg *m,
                       uint16_t status, struct slice headers)
{
    struct buf b = buf_on(ua->out, sizeof ua->out);

    sip_write_response(&b, m, status, SLICE_NONE, SLICE_NONE, &tx->path.addr);
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    buf_put(&b, headers);
    sip_write_end(&b);
    if (buf_end(&b) == OK)
        sip_server_send(tx, status, buf_slice(&b));
}

static void dispatch(struct sip_session *s, struct sip_dialog *d, struct sip_tx *tx,
                     const struct sip_msg *m)
{
    switch (m->method) {
    case SIP_BYE:
        bye_received(s, tx, m);
        break;
    case SIP_INVITE:
        sip_reinvite_received(s, d, tx, m);
        break;
    case SIP_UPDATE:
        sip_update_received(s, d, tx, m);
        break;
    case SIP_PRACK:
        sip_prack_received(s, tx, m);
        break;
    case SIP_INFO:
        sip_info_received(s, tx, m);
        break;
    case SIP_REFER:
        sip_refer_received(s, tx, m);
        break;
    case SIP_NOTIFY:
        sip_notify_received(s, tx, m);
        break;
    case SIP_OPTIONS:
        s->ua->stats.handled_elsewhere++;
        sip_session_reply(s->ua, tx, m, 200,
                          SLICE("Allow: " SIP_ALLOW_TEXT "\r\nAccept: application/sdp\r\n"
                                "Supported: 100rel, timer\r\n"));
        break;
    default:
        s->ua->stats.handled_elsewhere++;
        sip_session_reply(s->ua, tx, m, m->method == SIP_METHOD_OTHER ? 501 : 405,
                          SLICE("Allow: " SIP_ALLOW_TEXT "\r\n"));
        break;
    }
}

void sip_session_request(struct sip_session *s, const struct sip_path *from,
                         const struct sip_msg *m)
{
    struct sip_dialog *d = sip_session_dialog(s, m->from.tag);
    struct sip_tx *tx;

    if (m->method == SIP_ACK) {
        if (d)
            sip_uas_ack(s, m);
        else
            s->ua->stats.stray_acks++;
        return;
    }
    if (!d || s->ended) {
        s->ua->stats.unmatched_requests++;
        sip_reply_stateless(s->ua, from, m, 481, SLICE_NONE, SLICE_NONE);
        return;
    }
    tx = sip_server_new(s->ua, from, m);
    if (!tx) {
        sip_reply_stateless(s->ua, from, m, 503, SLICE_NONE, SLICE("Retry-After: 5\r\n"));
    } else if (!sip_dialog_in_order(d, m->cseq.number)) {
        sip_server_plain(tx, m, 500, SLICE_NONE);
    } else {
        sip_nat_follow(s, from);
        dispatch(s, d, tx, m);
    }
}

/* ---- looking ---- */

void *sip_session_arg(const struct sip_session *s)
{
    return s->arg;
}
struct slice sip_session_call_id(const struct sip_session *s)
{
    return s->first.call_id;
}
bool sip_session_is_incoming(const struct sip_session *s)
{
    return s->incoming;
}
bool sip_session_is_answered(const struct sip_session *s)
{
    return s->answered;
}
const struct sip_path *sip_session_peer(const struct sip_session *s)
{
    return &s->peer;
}
struct sip_ua *sip_session_ua(const struct sip_session *s)
{
    return s->ua;
}
