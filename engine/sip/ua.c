/* The user agent: pools, the way of a received message to its owner, and what lies outside calls
 * (OPTIONS, pings, methods we do not do). */
#include <assert.h>
#include <stdlib.h>

#include "sip/core.h"
#include "sip/trace.h"

#define PINGS_MAX 256

static const uint32_t buf_room[SIP_BUF_CLASSES] = {504, 1016, 2040, SIP_UA_MESSAGE_MAX};

struct sip_ping {
    struct list_node node;
    struct list txs;
    struct sip_ua *ua;
    sip_ping_fn *done;
    void *arg;
};

/* ---- text, ids, sending ---- */

struct sip_buf *sip_buf_of(struct sip_ua *ua, struct slice text)
{
    for (uint8_t c = 0; c < SIP_BUF_CLASSES; c++) {
        struct pool *p = &ua->buf_pool[c];
        struct sip_buf *b;
        if (text.len > buf_room[c] || p->used == p->capacity)
            continue;
        b = pool_get(p);
        b->class = c;
        b->len = text.len;
        if (text.len)
            memcpy(b->data, text.p, text.len);
        return b;
    }
    ua->stats.refused_buffers++;
    return NULL;
}

void sip_buf_drop(struct sip_ua *ua, struct sip_buf **b)
{
    if (*b)
        pool_put(&ua->buf_pool[(*b)->class], *b);
    *b = NULL;
}

/* Not guessable from earlier ones: a keyed hash of a counter. */
void sip_new_id(struct sip_ua *ua, char id[SIP_ID_LEN])
{
    static const char hex[] = "0123456789abcdef";
    uint64_t n = ++ua->id_count, h = hash_bytes(ua->id_seed, &n, sizeof n);

    for (int i = 0; i < SIP_ID_LEN; i++, h >>= 4)
        id[i] = hex[h & 15];
}

void sip_new_branch(struct sip_ua *ua, char branch[SIP_BRANCH_LEN])
{
    memcpy(branch, SIP_BRANCH_COOKIE, SIP_BRANCH_LEN - SIP_ID_LEN);
    sip_new_id(ua, branch + SIP_BRANCH_LEN - SIP_ID_LEN);
}

/* Its ends are what makes a Call-ID unique, whoever made it. */
uint32_t sip_flow_of(struct slice call_id)
{
    uint64_t head = 0, tail = 0;
    uint32_t n = call_id.len < 8 ? call_id.len : 8;

    if (n) {
        memcpy(&head, call_id.p, n);
        memcpy(&tail, call_id.p + call_id.len - n, n);
    }
    return (uint32_t)(((head ^ tail << 7) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) | 1;
}

enum err sip_send(struct sip_ua *ua, const struct sip_path *to, struct slice text)
{
    if (ua->meddler && sip_meddle_out(ua, to, text))
        return OK;
    enum err e = ua->wire->send(ua->wire_arg, to, text);

    if (ua->trace)
        sip_trace_note(ua->trace, clock_us(ua->clock), true, text);
    if (e == OK)
        ua->stats.sent++;
    else
        ua->stats.send_failed++;
    return e;
}

void sip_write_common(struct sip_ua *ua, struct buf *b)
{
    sip_write_header(b, SIP_H_USER_AGENT, slice_cstr(ua->agent));
}

void sip_write_contact(struct sip_ua *ua, struct buf *b, struct slice user,
                       const struct sip_path *way)
{
    buf_puts(b, way->sips ? "Contact: <sips:" : "Contact: <sip:");
    if (user.len) {
        sip_user_write_escaped(b, user);
        buf_putc(b, '@');
    }
    buf_put(b, sip_home_name(ua, way));
    if (way->sips)
        buf_puts(b, ">\r\n");
    else
        buf_puts(b, way->tls ? ";transport=tls>\r\n" : way->tcp ? ";transport=tcp>\r\n" : ">\r\n");
}

void sip_write_own_via(struct sip_ua *ua, struct buf *b, const struct sip_path *way,
                       struct slice branch)
{
    enum sip_transport transport = way->tls ? SIP_TLS : way->tcp ? SIP_TCP : SIP_UDP;

    sip_write_via(b, transport, sip_home_name(ua, way), branch);
}

/* RFC 3261 18.2.2, RFC 3581 4: over the connection it came by, or to the source address, at the
 * source port when the peer asked for that and at the sent-by port otherwise. */
struct sip_path sip_reply_path(const struct sip_msg *req, const struct sip_path *from)
{
    struct sip_path path = *from;

    path.flow = sip_flow_of(req->call_id);
    if (!from->tcp && !req->via.has_rport)
        addr_set_port(&path.addr, req->via.port ? req->via.port : 5060);
    return path;
}

void sip_reply_stateless(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *req,
                         unsigned status, struct slice phrase, struct slice headers)
{
    struct sip_path to = sip_reply_path(req, from);
    struct buf b = buf_on(ua->out, sizeof ua->out);
    char tag[SIP_ID_LEN + 1];
    uint64_t h = hash_slice(ua->seed, req->call_id) ^ hash_slice(ua->seed2, req->via.branch);

    /* The tag must be the same for a repeated request (RFC 3261 8.2.7). */
    struct buf t = buf_on(tag, sizeof tag);
    buf_hex(&t, &h, sizeof h);
    sip_write_response(&b, req, status, phrase, buf_slice(&t), &from->addr);
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    buf_put(&b, headers);
    sip_write_end(&b);
    if (buf_end(&b) == OK)
        sip_send(ua, &to, buf_slice(&b));
    else
        ua->stats.too_long++;
}

/* ---- what comes in ---- */

static void reject(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m,
                   unsigned status)
{
    static const struct slice allow = {"Allow: " SIP_ALLOW_TEXT "\r\n",
                                       sizeof("Allow: " SIP_ALLOW_TEXT "\r\n") - 1};

    sip_reply_stateless(ua, from, m, status, SLICE_NONE,
                        status == 405 || status == 501 ? allow : SLICE_NONE);
}

static void answer_options(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m)
{
    ua->stats.handled_elsewhere++;
    sip_reply_stateless(ua, from, m, 200, SLICE_NONE,
                        SLICE("Allow: " SIP_ALLOW_TEXT "\r\nAccept: application/sdp\r\n"
                              "Supported: 100rel, timer\r\n"));
}

static void cancel_received(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m)
{
    struct sip_tx_key key = sip_server_key(ua, SIP_INVITE, m);
    struct sip_tx *invite = sip_tx_find(ua, &key);

    if (!invite) {
        ua->stats.unmatched_requests++;
        reject(ua, from, m, 481);
        return;
    }
    struct sip_session *s = invite->state <= SIP_TX_PROCEEDING ? invite->arg : NULL;
    struct sip_tx *tx = sip_server_new(ua, from, m);
    if (tx)
        sip_server_plain(tx, m, 200, s ? s->first.local_tag : SLICE("cancelled"));
    else
        reject(ua, from, m, 503);
    if (s)
        sip_uas_cancelled(s, m);
}

static void new_request(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m)
{
    switch (m->method) {
    case SIP_INVITE:
        sip_uas_invite(ua, from, m);
        break;
    case SIP_OPTIONS:
        answer_options(ua, from, m);
        break;
    case SIP_BYE:
    case SIP_PRACK:
    case SIP_UPDATE: /* these only exist within a dialog */
        ua->stats.unmatched_requests++;
        reject(ua, from, m, 481);
        break;
    default:
        ua->stats.handled_elsewhere++;
        reject(ua, from, m, m->method == SIP_METHOD_OTHER ? 501 : 405);
        break;
    }
}

static void request_received(struct sip_ua *ua, const struct sip_path *from,
                             const struct sip_msg *m)
{
    bool is_ack = m->method == SIP_ACK;
    struct sip_session *s = m->to.tag.len ? sip_session_find(ua, m->call_id, m->to.tag) : NULL;
    struct sip_tx_key key;
    struct sip_tx *tx;

    if (s && is_ack && sip_uas_awaits(s, m)) { /* most ACKs: of a 2xx, in no transaction */
        sip_session_request(s, from, m);
        return;
    }
    key = sip_server_key(ua, is_ack ? (uint8_t)SIP_INVITE : (uint8_t)m->method, m);
    tx = sip_tx_find(ua, &key);
    if (tx && (!is_ack || tx->state == SIP_TX_COMPLETED || tx->state == SIP_TX_CONFIRMED)) {
        sip_server_request(tx, m);
        return;
    }
    if (m->method == SIP_CANCEL) {
        cancel_received(ua, from, m);
        return;
    }
    if (!m->to.tag.len) {
        if (is_ack)
            ua->stats.stray_acks++;
        else
            new_request(ua, from, m);
        return;
    }
    if (s) {
        sip_session_request(s, from, m);
    } else if (is_ack) {
        ua->stats.stray_acks++;
    } else if (m->method == SIP_OPTIONS) {
        answer_options(ua, from, m);
    } else {
        ua->stats.unmatched_requests++;
        reject(ua, from, m, 481);
    }
}

static bool is_keepalive(const char *data, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (data[i] != '\r' && data[i] != '\n' && data[i] != '\0')
            return false;
    return true;
}

void sip_ua_receive(struct sip_ua *ua, const struct sip_path *from, char *data, uint32_t len)
{
    struct sip_msg *m = &ua->in;
    enum err e;

    if (len <= 4 && is_keepalive(data, len))
        return;
    ua->stats.received++;
    if (ua->trace)
        sip_trace_note(ua->trace, clock_us(ua->clock), false, slice_of(data, len));
    e = sip_parse(m, data, len);
    if (e == OK && m->raw.len > SIP_UA_MESSAGE_MAX) {
        ua->stats.too_long++;
        if (m->is_request && m->method != SIP_ACK)
            reject(ua, from, m, 513);
        return;
    }
    if (e != OK) {
        ua->stats.malformed++;
        if (sip_can_reject(m) && len <= SIP_UA_MESSAGE_MAX)
            sip_reply_stateless(ua, from, m, m->fault.status ? m->fault.status : 400,
                                slice_cstr(m->fault.what), SLICE_NONE);
        return;
    }
    if (ua->meddler && sip_meddle_in(ua, m))
        return;
    ua->in_of = NULL;
    if (m->is_request)
        request_received(ua, from, m);
    else
        sip_client_response(ua, from, m);
    ua->in_of = NULL;
}

void sip_ua_wire_failed(struct sip_ua *ua, const struct sip_path *to)
{
    sip_client_wire_failed(ua, to);
}

/* ---- pings ---- */

static void ping_free(struct sip_ping *p)
{
    list_remove(&p->node);
    pool_put(&p->ua->ping_pool, p);
}

static void on_ping(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_ping *p = tx->arg;
    sip_ping_fn *done = p->done;
    void *arg = p->arg;

    (void)m;
    if (status < 200)
        return;
    sip_tx_disown(tx);
    ping_free(p);
    done(arg, status);
}

enum err sip_ua_ping(struct sip_ua *ua, const struct sip_path *to, const char *request_uri,
                     sip_ping_fn *done, void *arg)
{
    struct buf b = buf_on(ua->out, sizeof ua->out);
    struct slice uri = slice_cstr(request_uri);
    char branch[SIP_BRANCH_LEN], tag[SIP_ID_LEN], id[SIP_ID_LEN], from[128];
    struct buf f = buf_on(from, sizeof from);
    struct sip_ping *p = pool_get(&ua->ping_pool);
    enum err e;

    if (!p)
        return ERR_FULL;
    sip_new_branch(ua, branch);
    sip_new_id(ua, tag);
    sip_new_id(ua, id);
    buf_puts(&f, "sip:");
    buf_put(&f, sip_home_of(ua, to)->sent_by);
    sip_write_request(&b, SLICE("OPTIONS"), uri);
    sip_write_own_via(ua, &b, to, slice_of(branch, sizeof branch));
    sip_write_u32(&b, SIP_H_MAX_FORWARDS, 70);
    sip_write_nameaddr(&b, SIP_H_FROM, SLICE_NONE, buf_slice(&f), slice_of(tag, sizeof tag));
    sip_write_nameaddr(&b, SIP_H_TO, SLICE_NONE, uri, SLICE_NONE);
    sip_write_header(&b, SIP_H_CALL_ID, slice_of(id, sizeof id));
    sip_write_cseq(&b, 1, SLICE("OPTIONS"));
    sip_write_contact(ua, &b, SLICE_NONE, to);
    sip_write_common(ua, &b);
    sip_write_header(&b, SIP_H_ACCEPT, SLICE("application/sdp"));
    sip_write_end(&b);
    p->ua = ua;
    p->done = done;
    p->arg = arg;
    list_init(&p->txs);
    list_push_back(&ua->pings, &p->node);
    if (!sip_client_start(ua, SIP_OPTIONS, branch, to, &b, on_ping, p, &p->txs, &e)) {
        ping_free(p);
        return e;
    }
    return OK;
}

/* ---- life ---- */

static enum err init_pools(struct sip_ua *ua, uint32_t sessions, uint32_t transactions)
{
    const uint32_t texts[SIP_BUF_CLASSES] = {6 * sessions + 256, 4 * sessions + 256,
                                             2 * sessions + 256, sessions / 16 + 64};

    for (int c = 0; c < SIP_BUF_CLASSES; c++)
        if (pool_init(&ua->buf_pool[c], sizeof(struct sip_buf) + buf_room[c], texts[c]) != OK)
            return ERR_NOMEM;
    if (pool_init(&ua->tx_pool, sizeof(struct sip_tx), transactions) != OK ||
        pool_init(&ua->session_pool, sizeof(struct sip_session), sessions) != OK ||
        pool_init(&ua->dialog_pool, sizeof(struct sip_dialog), sessions / 8 + 64) != OK ||
        pool_init(&ua->ping_pool, sizeof(struct sip_ping), PINGS_MAX) != OK ||
        pool_init(&ua->registration_pool, sip_registration_size(), PINGS_MAX) != OK ||
        hash_table_init(&ua->txs, transactions) != OK ||
        hash_table_init(&ua->sessions, sessions) != OK)
        return ERR_NOMEM;
    return OK;
}

static void fini_pools(struct sip_ua *ua)
{
    for (int c = 0; c < SIP_BUF_CLASSES; c++)
        pool_fini(&ua->buf_pool[c]);
    pool_fini(&ua->tx_pool);
    pool_fini(&ua->session_pool);
    pool_fini(&ua->dialog_pool);
    pool_fini(&ua->ping_pool);
    pool_fini(&ua->registration_pool);
    hash_table_fini(&ua->txs);
    hash_table_fini(&ua->sessions);
}

static void init_seeds(struct sip_ua *ua, uint64_t seed)
{
    if (!seed)
        rng_system(&seed, sizeof seed);
    rng_seed(&ua->rng, seed);
    ua->seed = (struct hash_seed){rng_u64(&ua->rng), rng_u64(&ua->rng)};
    ua->seed2 = (struct hash_seed){rng_u64(&ua->rng), rng_u64(&ua->rng)};
    ua->id_seed = (struct hash_seed){rng_u64(&ua->rng), rng_u64(&ua->rng)};
}

enum err sip_ua_open_on(struct sip_ua **out, struct wheel *wheel, const struct clock *clock,
                        const struct sip_wire *wire, void *wire_arg,
                        const struct sip_ua_config *config)
{
    uint32_t sessions = config->max_sessions ? config->max_sessions : 4096;
    uint32_t transactions = config->max_transactions ? config->max_transactions : 16 * sessions;
    struct sip_ua *ua;

    ua = calloc(1, sizeof *ua);
    if (!ua)
        return ERR_NOMEM;
    if (sip_homes_init(ua, config) != OK) {
        free(ua);
        return ERR_INVALID;
    }
    ua->wheel = wheel;
    ua->clock = clock;
    ua->wire = wire;
    ua->wire_arg = wire_arg;
    ua->tcp = config->tcp;
    ua->tls = config->tls != NULL;
    ua->nat = (uint8_t)config->nat;
    ua->t1_ms = config->t1_ms ? config->t1_ms : 500;
    ua->t2_ms = config->t2_ms ? config->t2_ms : 4000;
    ua->t4_ms = config->t4_ms ? config->t4_ms : 5000;
    ua->incoming = config->incoming;
    ua->arg = config->arg;
    list_init(&ua->all_sessions);
    list_init(&ua->lingering);
    list_init(&ua->pings);
    list_init(&ua->registrations);
    init_seeds(ua, config->seed);
    slice_copy(slice_cstr(config->user_agent ? config->user_agent : "Peal"), ua->agent,
               sizeof ua->agent);
    if (init_pools(ua, sessions, transactions) != OK) {
        fini_pools(ua);
        free(ua);
        return ERR_NOMEM;
    }
    *out = ua;
    return OK;
}

static void end_tx(struct hash_node *n, void *arg)
{
    (void)arg;
    sip_tx_end(container_of(n, struct sip_tx, node));
}

void sip_ua_close(struct sip_ua *ua)
{
    if (!ua)
        return;
    sip_register_close(ua);
    sip_meddle_close(ua);
    list_each(n, tmp, &ua->all_sessions) sip_session_free(container_of(n, struct sip_session, all));
    hash_each(&ua->txs, end_tx, NULL);
    if (ua->transport)
        sip_transport_close(ua->transport);
    fini_pools(ua);
    free(ua);
}

const struct addr *sip_ua_local(const struct sip_ua *ua)
{
    return &ua->homes[0].local;
}

const struct sip_ua_stats *sip_ua_stats(struct sip_ua *ua)
{
    ua->stats.sessions = ua->session_pool.used;
    ua->stats.transactions = ua->tx_pool.used;
    ua->stats.dialogs = ua->session_pool.used + ua->dialog_pool.used;
    ua->stats.datagram_calls = ua->transport ? sip_transport_calls(ua->transport) : 0;
    ua->stats.buffers = 0;
    for (int c = 0; c < SIP_BUF_CLASSES; c++)
        ua->stats.buffers += ua->buf_pool[c].used;
    return &ua->stats;
}
