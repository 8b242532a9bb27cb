/* Client transactions: INVITE (RFC 3261 17.1.1 as RFC 6026 changed it) and all others (17.1.2).
 *
 *   INVITE:  calling -> proceeding -> completed (300-699: ACK, timer D) | accepted (2xx: timer M)
 *   others:  calling -> proceeding -> completed (timer K)
 *
 * The owner hears each response once, and every 2xx of an INVITE, retransmitted or from another
 * branch of a fork. It is never called from inside an API call: a wire that refuses at once is told
 * by a timer. */
#include <assert.h>

#include "sip/core.h"
#include "sip/digest.h"

static void tell(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    if (tx->heard)
        tx->heard(tx, status, m);
}

/* Timers B and F, or the wire failed. */
static void on_limit(struct timer *t)
{
    struct sip_tx *tx = container_of(t, struct sip_tx, limit);

    timer_stop(tx->ua->wheel, &tx->resend);
    if (!tx->failed)
        tx->ua->stats.timeouts++;
    tell(tx, tx->failed ? 503 : 408, NULL);
    sip_tx_end(tx);
}

/* Timers A and E. */
static void on_resend(struct timer *t)
{
    struct sip_tx *tx = container_of(t, struct sip_tx, resend);
    struct sip_ua *ua = tx->ua;

    sip_tx_resend(tx);
    if (tx->kind == SIP_TX_INVITE_CLIENT)
        tx->interval_ms *= 2;
    else if (tx->state == SIP_TX_PROCEEDING || tx->interval_ms * 2 > ua->t2_ms)
        tx->interval_ms = ua->t2_ms;
    else
        tx->interval_ms *= 2;
    timer_start(ua->wheel, &tx->resend, tx->interval_ms, on_resend);
}

static void start_timers(struct sip_tx *tx)
{
    struct sip_ua *ua = tx->ua;

    if (!tx->path.tcp) {
        tx->interval_ms = ua->t1_ms;
        timer_start(ua->wheel, &tx->resend, tx->interval_ms, on_resend);
    }
    timer_start(ua->wheel, &tx->limit, 64 * ua->t1_ms, on_limit);
}

/* "SIP/2.0/UDP" and "SIP/2.0/TCP" are of one length: the Via, first header of every request of
 * ours, is changed where it stands. */
static void patch_via(char *text, size_t len, bool tcp)
{
    char *line = memchr(text, '\n', len);
    static const char via[] = "\nVia: SIP/2.0/";

    if (line && (size_t)(text + len - line) > sizeof via + 3 &&
        memcmp(line, via, sizeof via - 1) == 0)
        memcpy(line + sizeof via - 1, tcp ? "TCP" : "UDP", 3);
}

static void fail(struct sip_tx *tx)
{
    tx->failed = true;
    timer_start(tx->ua->wheel, &tx->limit, 0, on_limit);
}

/* A request that went over TCP only for its length goes on UDP after all (RFC 3261 18.1.1). */
static bool back_to_udp(struct sip_tx *tx)
{
    if (!tx->moved || !tx->text)
        return false;
    tx->moved = false;
    tx->path.tcp = false;
    patch_via(tx->text->data, tx->text->len, false);
    start_timers(tx);
    return sip_send(tx->ua, &tx->path, sip_buf_slice(tx->text)) == OK;
}

struct sip_tx *sip_client_start(struct sip_ua *ua, enum sip_method method,
                                const char branch[SIP_BRANCH_LEN], const struct sip_path *to,
                                struct buf *b, sip_tx_fn *heard, void *arg, struct list *owner,
                                enum err *why)
{
    struct sip_tx_key key = sip_client_key(ua, (uint8_t)method, slice_of(branch, SIP_BRANCH_LEN));
    struct sip_path path = *to;
    struct sip_tx *tx;

    if (buf_end(b) != OK) {
        ua->stats.too_long++;
        *why = ERR_TOO_LONG;
        return NULL;
    }
    bool moved = !path.tcp && ua->tcp && b->len > SIP_UDP_REQUEST_MAX;
    if (moved) {
        path.tcp = true;
        patch_via(b->p, b->len, true);
    }
    *why = ERR_FULL;
    tx = sip_tx_new(ua, method == SIP_INVITE ? SIP_TX_INVITE_CLIENT : SIP_TX_CLIENT,
                    (uint8_t)method, &key, &path);
    if (!tx)
        return NULL;
    tx->text = sip_buf_of(ua, buf_slice(b));
    if (!tx->text) {
        sip_tx_end(tx);
        return NULL;
    }
    tx->moved = moved;
    ua->stats.moved_to_tcp += moved;
    tx->heard = heard;
    tx->arg = arg;
    tx->owner = owner;
    if (owner)
        list_push_back(owner, &tx->owned);
    start_timers(tx);
    if (sip_send(ua, &path, buf_slice(b)) != OK && !back_to_udp(tx))
        fail(tx);
    *why = OK;
    return tx;
}

/* ACK of a final response that is no success: the INVITE's Via, Route and Request-URI, the
 * response's To (RFC 3261 17.1.1.3). */
static struct sip_buf *make_ack(struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_ua *ua = tx->ua;
    struct sip_msg *own = &ua->own;
    struct buf b = buf_on(ua->out, sizeof ua->out);

    if (sip_parse(own, tx->text->data, tx->text->len) != OK)
        return NULL;
    sip_write_request(&b, SLICE("ACK"), own->uri_text);
    sip_write_header(&b, SIP_H_VIA, own->via.text);
    sip_write_copy(&b, own, SIP_H_ROUTE);
    sip_write_u32(&b, SIP_H_MAX_FORWARDS, 70);
    sip_write_copy(&b, own, SIP_H_FROM);
    sip_write_copy(&b, m, SIP_H_TO);
    sip_write_copy(&b, own, SIP_H_CALL_ID);
    sip_write_cseq(&b, own->cseq.number, SLICE("ACK"));
    sip_write_end(&b);
    return buf_end(&b) == OK ? sip_buf_of(ua, buf_slice(&b)) : NULL;
}

static void invite_refused(struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_ua *ua = tx->ua;
    struct sip_buf *ack = make_ack(tx, m);

    if (ack)
        sip_send(ua, &tx->path, sip_buf_slice(ack));
    tx->state = SIP_TX_COMPLETED;
    timer_stop(ua->wheel, &tx->resend);
    timer_stop(ua->wheel, &tx->limit);
    tell(tx, m->status, m);
    sip_tx_disown(tx);
    sip_buf_drop(ua, &tx->text);
    tx->text = ack;
    sip_tx_linger(tx, tx->path.tcp ? 0 : 64 * ua->t1_ms);
}

static void invite_accepted(struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_ua *ua = tx->ua;

    tx->state = SIP_TX_ACCEPTED;
    timer_stop(ua->wheel, &tx->resend);
    timer_stop(ua->wheel, &tx->limit);
    tell(tx, m->status, m);
    sip_buf_drop(ua, &tx->text);
    sip_tx_linger(tx, 64 * ua->t1_ms);
}

static void invite_response(struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_ua *ua = tx->ua;

    switch (tx->state) {
    case SIP_TX_CALLING:
    case SIP_TX_PROCEEDING:
        if (m->status >= 300) {
            invite_refused(tx, m);
        } else if (m->status >= 200) {
            invite_accepted(tx, m);
        } else {
            tx->state = SIP_TX_PROCEEDING;
            timer_stop(ua->wheel, &tx->resend);
            if (tx->heard)
                timer_stop(ua->wheel, &tx->limit);
            tell(tx, m->status, m);
        }
        break;
    case SIP_TX_COMPLETED:
        ua->stats.absorbed++;
        if (m->status >= 300)
            sip_tx_resend(tx);
        break;
    case SIP_TX_ACCEPTED:
        if (m->status < 200 || m->status >= 300)
            ua->stats.absorbed++;
        else if (tx->heard)
            tx->heard(tx, m->status, m);
        else
            sip_late_2xx(ua, &tx->path, m);
        break;
    default:
        break;
    }
}

static void other_response(struct sip_tx *tx, const struct sip_msg *m)
{
    struct sip_ua *ua = tx->ua;

    if (tx->state == SIP_TX_COMPLETED) {
        ua->stats.absorbed++;
        return;
    }
    if (m->status < 200) {
        tx->state = SIP_TX_PROCEEDING;
        tell(tx, m->status, m);
        return;
    }
    tx->state = SIP_TX_COMPLETED;
    timer_stop(ua->wheel, &tx->resend);
    timer_stop(ua->wheel, &tx->limit);
    tell(tx, m->status, m);
    sip_tx_disown(tx);
    sip_buf_drop(ua, &tx->text);
    sip_tx_linger(tx, tx->path.tcp ? 0 : ua->t4_ms);
}

void sip_client_response(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m)
{
    struct sip_tx_key key = sip_client_key(ua, (uint8_t)m->cseq.method, m->via.branch);
    struct sip_tx *tx = sip_tx_find(ua, &key);

    if (!tx) {
        if (m->cseq.method == SIP_INVITE && m->status / 100 == 2 && sip_repeat_ack(ua, m))
            return;
        ua->stats.unmatched_responses++;
        return;
    }
    (void)from;
    if (tx->kind == SIP_TX_INVITE_CLIENT)
        invite_response(tx, m);
    else
        other_response(tx, m);
}

static void fail_if_there(struct hash_node *n, void *arg)
{
    struct sip_tx *tx = container_of(n, struct sip_tx, node);
    const struct sip_path *to = arg;
    bool waiting = tx->kind <= SIP_TX_CLIENT &&
                   (tx->state == SIP_TX_CALLING || tx->state == SIP_TX_PROCEEDING);

    if (!waiting || tx->failed || tx->path.tcp != to->tcp || tx->path.tls != to->tls ||
        !addr_eq(&tx->path.addr, &to->addr))
        return;
    if (!back_to_udp(tx))
        fail(tx);
}

void sip_client_wire_failed(struct sip_ua *ua, const struct sip_path *to)
{
    struct sip_path copy = *to;

    hash_each(&ua->txs, fail_if_there, &copy);
}

/* ---- the same request once more ---- */

static bool left_out(uint8_t id, const uint8_t *without, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (without[i] == id)
            return true;
    return id == SIP_H_VIA || id == SIP_H_CSEQ || id == SIP_H_CONTENT_LENGTH ||
           id == SIP_H_CONTENT_TYPE;
}

/* Everything of `own` but its Via and CSeq, which are new, and what is left out. */
static void rewrite(struct sip_ua *ua, struct buf *b, const struct sip_msg *own, struct slice uri,
                    const struct sip_path *way, uint32_t cseq, const char *branch,
                    const uint8_t *without, size_t nwithout)
{
    sip_write_request(b, own->method_name, uri);
    sip_write_own_via(ua, b, way, slice_of(branch, SIP_BRANCH_LEN));
    for (uint16_t i = 0; i < own->nheaders; i++) {
        const struct sip_header *h = &own->headers[i];
        if (!left_out(h->id, without, nwithout))
            sip_write_named(b, h->name, h->value);
    }
    sip_write_cseq(b, cseq, own->method_name);
}

/* The way it was meant to go, before its length moved it. */
static struct sip_path path_meant(const struct sip_tx *tx)
{
    struct sip_path path = tx->path;

    path.tcp = path.tcp && !tx->moved;
    return path;
}

static struct sip_tx *restart(struct sip_tx *tx, const struct sip_msg *own, struct buf *b,
                              const char *branch, const struct sip_path *path)
{
    struct sip_tx *again;
    enum err why;

    if (own->body.len)
        sip_write_body(b, sip_get(own, SIP_H_CONTENT_TYPE), own->body);
    else
        sip_write_end(b);
    again =
        sip_client_start(tx->ua, tx->method, branch, path, b, tx->heard, tx->arg, tx->owner, &why);
    if (again)
        again->cookie = tx->cookie;
    return again;
}

struct sip_tx *sip_client_authorize(struct sip_tx *tx, const struct sip_msg *m, struct slice user,
                                    struct slice password, uint32_t *cseq)
{
    struct sip_ua *ua = tx->ua;
    struct sip_msg *own = &ua->own;
    struct digest_challenge challenge;
    struct sip_path path = path_meant(tx);
    char branch[SIP_BRANCH_LEN], cnonce[DIGEST_CNONCE_LEN];
    struct buf b = buf_on(ua->out, sizeof ua->out);
    const uint8_t without[] = {m->status == 407 ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION};

    if (!tx->text || sip_parse(own, tx->text->data, tx->text->len) != OK ||
        digest_pick(m, SLICE_NONE, &challenge) != OK)
        return NULL;
    /* The same credentials were refused already, unless it is only their nonce that grew old. */
    if (sip_has(own, (enum sip_hdr)without[0]) && !challenge.stale)
        return NULL;
    sip_new_branch(ua, branch);
    digest_cnonce(cnonce);
    rewrite(ua, &b, own, own->uri_text, &path, ++*cseq, branch, without, 1);
    struct digest_request r = {.user = user,
                               .password = password,
                               .method = own->method_name,
                               .uri = own->uri_text,
                               .nc = 1,
                               .cnonce = slice_of(cnonce, sizeof cnonce)};
    if (digest_write_authorization(&b, &challenge, &r) != OK)
        return NULL;
    ua->stats.auth_retries++;
    return restart(tx, own, &b, branch, &path);
}

struct sip_tx *sip_client_again(struct sip_tx *tx, uint32_t *cseq, struct slice headers,
                                const uint8_t *without, size_t nwithout)
{
    struct sip_ua *ua = tx->ua;
    struct sip_msg *own = &ua->own;
    struct sip_path path = path_meant(tx);
    char branch[SIP_BRANCH_LEN];
    struct buf b = buf_on(ua->out, sizeof ua->out);

    if (!tx->text || sip_parse(own, tx->text->data, tx->text->len) != OK)
        return NULL;
    sip_new_branch(ua, branch);
    rewrite(ua, &b, own, own->uri_text, &path, ++*cseq, branch, without, nwithout);
    buf_put(&b, headers);
    return restart(tx, own, &b, branch, &path);
}

struct sip_tx *sip_client_elsewhere(struct sip_tx *tx, uint32_t *cseq, struct slice uri,
                                    const struct sip_path *path)
{
    static const uint8_t without[] = {SIP_H_AUTHORIZATION, SIP_H_PROXY_AUTHORIZATION};
    struct sip_ua *ua = tx->ua;
    struct sip_msg *own = &ua->own;
    char branch[SIP_BRANCH_LEN];
    struct buf b = buf_on(ua->out, sizeof ua->out);
    struct sip_uri parsed;
    char request_uri[512];
    struct buf u = buf_on(request_uri, sizeof request_uri);

    if (!tx->text || sip_parse(own, tx->text->data, tx->text->len) != OK ||
        sip_uri_parse(uri, &parsed) != OK)
        return NULL;
    sip_uri_write_request(&u, &parsed);
    if (buf_end(&u) != OK)
        return NULL;
    sip_new_branch(ua, branch);
    rewrite(ua, &b, own, buf_slice(&u), path, ++*cseq, branch, without, sizeof without);
    return restart(tx, own, &b, branch, path);
}
