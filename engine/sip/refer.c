/* REFER within a call (RFC 3515): the far side is asked to call somebody, or asks us to, and who
 * was asked tells how that goes (NOTIFY with message/sipfrag). Whom it leads to is the owner's:
 * nothing is dialled here, and being asked is refused with 405, as by one who knows no REFER, until
 * the owner says how to answer. Without RFC 4488. */
#include "sip/core.h"

#define TOLD_FOR_S 60 /* of the subscription that a REFER makes */

/* ---- ours ---- */

static void on_refer(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;
    struct sip_event e = {.kind = SIP_EV_REFER_ANSWERED, .code = status, .msg = m};

    if (status < 200 || s->phase != SIP_PHASE_UP ||
        sip_session_authorized(s, tx, m, &s->chosen->local_cseq, NULL))
        return;
    sip_session_tell(s, &e);
}

static void on_notify(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_session *s = tx->arg;

    if (status >= 200)
        sip_session_authorized(s, tx, m, &s->chosen->local_cseq, NULL);
}

/* A request in the dialog up to its own headers. */
static void begin(struct sip_session *s, struct buf *b, enum sip_method method,
                  const struct sip_path *path, char branch[SIP_BRANCH_LEN])
{
    sip_new_branch(s->ua, branch);
    sip_dialog_write(s->chosen, b, method, ++s->chosen->local_cseq, branch, path);
    sip_write_target(s, b, path);
}

enum err sip_session_refer(struct sip_session *s, struct slice to)
{
    struct buf b = buf_on(s->ua->out, sizeof s->ua->out);
    char branch[SIP_BRANCH_LEN];
    struct sip_path path;
    struct sip_uri uri;
    enum err why;

    if (s->phase != SIP_PHASE_UP || s->ending_wanted)
        return ERR_STATE;
    if (sip_uri_parse(to, &uri) != OK || memchr(to.p, '>', to.len))
        return ERR_INVALID;
    path = sip_dialog_path(s->chosen);
    begin(s, &b, SIP_REFER, &path, branch);
    sip_write_nameaddr(&b, SIP_H_REFER_TO, SLICE_NONE, to, SLICE_NONE);
    sip_write_end(&b);
    s->refers = true;
    return sip_session_send(s, SIP_REFER, branch, &path, &b, on_refer, &why) ? OK : why;
}

enum err sip_session_notify(struct sip_session *s, uint16_t code)
{
    struct buf b = buf_on(s->ua->out, sizeof s->ua->out), f;
    char branch[SIP_BRANCH_LEN], fragment[160];
    struct sip_path path;
    enum err why;

    if (s->phase != SIP_PHASE_UP || s->ending_wanted || !s->refer_cseq)
        return ERR_STATE;
    f = buf_on(fragment, sizeof fragment);
    sip_write_status(&f, code, SLICE_NONE);
    if (buf_end(&f) != OK)
        return ERR_TOO_LONG;
    path = sip_dialog_path(s->chosen);
    begin(s, &b, SIP_NOTIFY, &path, branch);
    buf_printf(&b, "Event: refer;id=%u\r\n", s->refer_cseq);
    if (code < 200)
        buf_printf(&b, "Subscription-State: active;expires=%d\r\n", TOLD_FOR_S);
    else
        buf_puts(&b, "Subscription-State: terminated;reason=noresource\r\n");
    sip_write_body(&b, SLICE("message/sipfrag;version=2.0"), buf_slice(&f));
    return sip_session_send(s, SIP_NOTIFY, branch, &path, &b, on_notify, &why) ? OK : why;
}

/* ---- theirs ---- */

void sip_session_take_refers(struct sip_session *s, uint16_t code)
{
    s->refer_code = code;
}

static void refuse_method(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    s->ua->stats.handled_elsewhere++;
    sip_session_reply(s->ua, tx, m, 405, SLICE("Allow: " SIP_ALLOW_TEXT "\r\n"));
}

void sip_refer_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_REFER, .code = s->refer_code, .msg = m};
    struct sip_nameaddr to;

    if (!s->refer_code || s->phase != SIP_PHASE_UP) {
        refuse_method(s, tx, m);
        return;
    }
    if (sip_count(m, SIP_H_REFER_TO) != 1 ||
        sip_nameaddr_parse(sip_get(m, SIP_H_REFER_TO), &to) != OK) {
        sip_server_plain(tx, m, 400, SLICE_NONE); /* RFC 3515 2.4.2 */
        return;
    }
    if (s->refer_code < 300)
        s->refer_cseq = m->cseq.number;
    e.refer_to = to.uri_text;
    sip_server_plain(tx, m, s->refer_code, SLICE_NONE);
    sip_session_tell(s, &e);
}

uint16_t sip_fragment_code(const struct sip_msg *m)
{
    struct slice version, rest, code;
    uint32_t n;

    if (!sip_content_is(sip_get(m, SIP_H_CONTENT_TYPE), SLICE("message/sipfrag")) ||
        !slice_cut(m->body, ' ', &version, &rest) || !slice_ieq(version, SLICE("SIP/2.0")))
        return 0;
    code = slice_of(rest.p, rest.len < 3 ? rest.len : 3);
    return slice_u32(code, &n) == OK && n >= 100 && n <= 699 ? (uint16_t)n : 0;
}

void sip_notify_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_event e = {.kind = SIP_EV_NOTIFIED, .code = sip_fragment_code(m), .msg = m};

    if (!s->refers) {
        refuse_method(s, tx, m);
        return;
    }
    sip_server_plain(tx, m, e.code ? 200 : 400, SLICE_NONE);
    if (e.code && s->phase == SIP_PHASE_UP)
        sip_session_tell(s, &e);
}
