/* Server transactions: INVITE (RFC 3261 17.2.1 as RFC 6026 changed it) and all others (17.2.2).
 *
 *   INVITE:  trying -> proceeding -> completed (300-699: timers G, H) -> confirmed (ACK: timer I)
 *                                 |  accepted (2xx: timer L)
 *   others:  trying -> proceeding -> completed (timer J)
 *
 * The 2xx of an INVITE is repeated by its session, not here. A final answer that says no more than
 * its status is not kept for timer J's 32 s: it is made again from the repeated request. */
#include "sip/core.h"

struct sip_tx *sip_server_new(struct sip_ua *ua, const struct sip_path *from,
                              const struct sip_msg *m)
{
    struct sip_tx_key key = sip_server_key(ua, (uint8_t)m->method, m);
    struct sip_path path = sip_reply_path(m, from);
    struct sip_tx *tx =
        sip_tx_new(ua, m->method == SIP_INVITE ? SIP_TX_INVITE_SERVER : SIP_TX_SERVER,
                   (uint8_t)m->method, &key, &path);

    if (tx)
        tx->state = SIP_TX_TRYING;
    return tx;
}

/* Timer H: nobody acknowledges our refusal. */
static void on_no_ack(struct timer *t)
{
    struct sip_tx *tx = container_of(t, struct sip_tx, limit);

    tx->ua->stats.timeouts++;
    sip_tx_end(tx);
}

/* Timer G. */
static void on_resend(struct timer *t)
{
    struct sip_tx *tx = container_of(t, struct sip_tx, resend);
    struct sip_ua *ua = tx->ua;

    sip_tx_resend(tx);
    tx->interval_ms = tx->interval_ms * 2 > ua->t2_ms ? ua->t2_ms : tx->interval_ms * 2;
    timer_start(ua->wheel, &tx->resend, tx->interval_ms, on_resend);
}

static void keep(struct sip_tx *tx, struct slice text)
{
    sip_buf_drop(tx->ua, &tx->text);
    tx->text = sip_buf_of(tx->ua, text); /* without room a retransmission goes unanswered */
}

static void invite_final(struct sip_tx *tx, uint16_t status, struct slice text)
{
    struct sip_ua *ua = tx->ua;

    sip_tx_disown(tx);
    if (status < 300) {
        tx->state = SIP_TX_ACCEPTED;
        sip_buf_drop(ua, &tx->text);
        sip_tx_linger(tx, 64 * ua->t1_ms);
        return;
    }
    tx->state = SIP_TX_COMPLETED;
    keep(tx, text);
    if (!tx->path.tcp) {
        tx->interval_ms = ua->t1_ms;
        timer_start(ua->wheel, &tx->resend, tx->interval_ms, on_resend);
    }
    timer_start(ua->wheel, &tx->limit, 64 * ua->t1_ms, on_no_ack);
}

static void other_final(struct sip_tx *tx, struct slice text)
{
    tx->state = SIP_TX_COMPLETED;
    sip_tx_disown(tx);
    if (!tx->plain)
        keep(tx, text);
    sip_tx_linger(tx, tx->path.tcp ? 0 : 64 * tx->ua->t1_ms);
}

void sip_server_send(struct sip_tx *tx, uint16_t status, struct slice text)
{
    tx->status = status;
    sip_send(tx->ua, &tx->path, text);
    if (status < 200) {
        tx->state = SIP_TX_PROCEEDING;
        keep(tx, text);
    } else if (tx->kind == SIP_TX_INVITE_SERVER) {
        invite_final(tx, status, text);
    } else {
        other_final(tx, text);
    }
}

static void write_plain(struct sip_tx *tx, struct buf *b, const struct sip_msg *req,
                        struct slice to_tag)
{
    sip_write_response(b, req, tx->status, SLICE_NONE, to_tag, &tx->path.addr);
    sip_write_end(b);
}

void sip_server_plain(struct sip_tx *tx, const struct sip_msg *req, uint16_t status,
                      struct slice to_tag)
{
    struct sip_ua *ua = tx->ua;
    struct buf b = buf_on(ua->out, sizeof ua->out);

    tx->status = status;
    tx->plain = tx->kind == SIP_TX_SERVER && req->to.tag.len;
    write_plain(tx, &b, req, to_tag);
    if (buf_end(&b) == OK)
        sip_server_send(tx, status, buf_slice(&b));
    else
        ua->stats.too_long++;
}

static void acknowledged(struct sip_tx *tx)
{
    tx->state = SIP_TX_CONFIRMED;
    sip_buf_drop(tx->ua, &tx->text);
    sip_tx_linger(tx, tx->path.tcp ? 0 : tx->ua->t4_ms);
}

void sip_server_request(struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_ua *ua = tx->ua;

    if (m->method == SIP_ACK) {
        if (tx->state == SIP_TX_COMPLETED)
            acknowledged(tx);
        else
            ua->stats.absorbed++;
        return;
    }
    ua->stats.absorbed++;
    if (tx->state == SIP_TX_PROCEEDING || tx->state == SIP_TX_COMPLETED) {
        if (tx->plain) {
            struct buf b = buf_on(ua->out, sizeof ua->out);
            write_plain(tx, &b, m, SLICE_NONE);
            if (buf_end(&b) == OK)
                sip_send(ua, &tx->path, buf_slice(&b));
        } else {
            sip_tx_resend(tx);
        }
    }
}
