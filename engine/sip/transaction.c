/* The table of transactions (RFC 3261 17) and what its four state machines share.
 *
 * The key is hashed twice with different secret seeds and only the 128 bits are kept: a peer can
 * neither choose colliding keys nor make us store long ones. A transaction that only waits for
 * retransmissions lingers in a queue; when the pool is full the oldest of these is forgotten before
 * anything new is refused. */
#include <assert.h>

#include "sip/core.h"

#define KEY_FLAT_MAX 384

struct flat {
    const struct sip_ua *ua;
    char text[KEY_FLAT_MAX];
    size_t len;
};

static void flat_put(struct flat *f, const void *p, size_t n)
{
    assert(f->len + n <= sizeof f->text);
    memcpy(f->text + f->len, p, n);
    f->len += n;
}

/* A part that is long is folded into 128 bits. Lengths keep neighbours apart. */
static void flat_add(struct flat *f, struct slice part)
{
    uint64_t folded[2];

    if (part.len > 96) {
        folded[0] = hash_slice(f->ua->seed, part);
        folded[1] = hash_slice(f->ua->seed2, part);
        part = slice_of((const char *)folded, sizeof folded);
    }
    flat_put(f, &part.len, 1);
    if (part.len)
        flat_put(f, part.p, part.len);
}

static struct sip_tx_key flat_key(const struct flat *f)
{
    return (struct sip_tx_key){hash_bytes(f->ua->seed, f->text, f->len),
                               hash_bytes(f->ua->seed2, f->text, f->len)};
}

struct sip_tx_key sip_client_key(const struct sip_ua *ua, uint8_t method, struct slice branch)
{
    struct flat f;
    const char head[] = {'c', (char)method};

    f.ua = ua;
    f.len = 0;
    flat_put(&f, head, sizeof head);
    flat_add(&f, branch);
    return flat_key(&f);
}

struct sip_tx_key sip_server_key(const struct sip_ua *ua, uint8_t method, const struct sip_msg *m)
{
    const struct sip_via *via = &m->via;
    const char head[] = {'s', (char)method, (char)(via->port >> 8), (char)via->port};
    struct flat f;

    f.ua = ua;
    f.len = 0;
    flat_put(&f, head, sizeof head);
    if (slice_starts(via->branch, SLICE(SIP_BRANCH_COOKIE))) {
        flat_add(&f, via->host);
        flat_add(&f, via->branch);
    } else { /* RFC 2543 peers: no branch to go by (RFC 3261 17.2.3) */
        flat_put(&f, &m->cseq.number, sizeof m->cseq.number);
        flat_add(&f, m->from.tag);
        flat_add(&f, m->call_id);
        flat_add(&f, via->text);
    }
    if (method == SIP_METHOD_OTHER)
        flat_add(&f, m->method_name);
    return flat_key(&f);
}

static bool same_key(const struct hash_node *n, const void *key)
{
    return container_of(n, struct sip_tx, node)->check == ((const struct sip_tx_key *)key)->check;
}

struct sip_tx *sip_tx_find(struct sip_ua *ua, const struct sip_tx_key *key)
{
    struct hash_node *n = hash_find(&ua->txs, key->hash, same_key, key);

    return n ? container_of(n, struct sip_tx, node) : NULL;
}

struct sip_tx *sip_tx_new(struct sip_ua *ua, enum sip_tx_kind kind, uint8_t method,
                          const struct sip_tx_key *key, const struct sip_path *path)
{
    struct sip_tx *tx;

    if (ua->tx_pool.used == ua->tx_pool.capacity && !list_empty(&ua->lingering)) {
        ua->stats.reclaimed++;
        sip_tx_end(container_of(list_first(&ua->lingering), struct sip_tx, linger));
    }
    tx = pool_get(&ua->tx_pool);
    if (!tx) {
        ua->stats.refused_transactions++;
        return NULL;
    }
    tx->ua = ua;
    tx->kind = (uint8_t)kind;
    tx->method = method;
    tx->path = *path;
    tx->check = key->check;
    timer_init(&tx->resend);
    timer_init(&tx->limit);
    list_node_init(&tx->owned);
    list_node_init(&tx->linger);
    if (hash_insert(&ua->txs, &tx->node, key->hash) != OK) {
        ua->stats.refused_transactions++;
        pool_put(&ua->tx_pool, tx);
        return NULL;
    }
    return tx;
}

void sip_tx_end(struct sip_tx *tx)
{
    struct sip_ua *ua = tx->ua;

    timer_stop(ua->wheel, &tx->resend);
    timer_stop(ua->wheel, &tx->limit);
    list_remove(&tx->owned);
    list_remove(&tx->linger);
    hash_remove(&ua->txs, &tx->node);
    sip_buf_drop(ua, &tx->text);
    pool_put(&ua->tx_pool, tx);
}

static void on_lingered(struct timer *t)
{
    sip_tx_end(container_of(t, struct sip_tx, limit));
}

void sip_tx_linger(struct sip_tx *tx, uint32_t ms)
{
    timer_stop(tx->ua->wheel, &tx->resend);
    if (!ms) {
        sip_tx_end(tx);
        return;
    }
    list_push_back(&tx->ua->lingering, &tx->linger);
    timer_start(tx->ua->wheel, &tx->limit, ms, on_lingered);
}

void sip_tx_disown(struct sip_tx *tx)
{
    list_remove(&tx->owned);
    tx->heard = NULL;
    tx->arg = NULL;
    /* An INVITE that rings on with nobody to cancel it would stay for ever. */
    if (tx->kind == SIP_TX_INVITE_CLIENT && tx->state == SIP_TX_PROCEEDING)
        timer_start(tx->ua->wheel, &tx->limit, 64 * tx->ua->t1_ms, on_lingered);
}

void sip_tx_resend(struct sip_tx *tx)
{
    if (!tx->text)
        return;
    tx->ua->stats.retransmitted++;
    sip_send(tx->ua, &tx->path, sip_buf_slice(tx->text));
}
