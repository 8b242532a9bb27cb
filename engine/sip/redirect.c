/* Redirections (RFC 3261 8.1.3.4, 21.3), where the owner allows them: the INVITE goes to the
 * Contacts of a 3xx, the likeliest (q) first, and on to the next when one fails, until one answers,
 * a 6xx ends it, or as many as were allowed have been tried. From, To and Call-ID stay, so it is
 * one call to its owner.
 *
 * What a stranger's 3xx may not do: no URI is tried twice, only sip: URIs with a numeric address
 * are gone to (with a preloaded Route all go by it), and another host is never shown our
 * credentials. */
#include "sip/core.h"

#define WAITING_MAX SIP_REDIRECTS_MAX

/* Whether a target may be tried: remembers it, so that it is so once. */
static bool is_new(struct sip_session *s, struct slice uri)
{
    uint64_t hash = hash_slice(s->ua->seed, uri);

    for (uint8_t i = 0; i < s->redirects_known; i++)
        if (s->redirect_hash[i] == hash)
            return false;
    if (s->redirects_known == SIP_TARGETS_MAX)
        return false;
    s->redirect_hash[s->redirects_known++] = hash;
    return true;
}

static bool is_usable(const struct sip_session *s, struct slice text)
{
    const struct sip_msg *own = &s->ua->own; /* the INVITE that was refused */
    struct sip_uri uri;
    struct addr to;

    if (sip_uri_parse(text, &uri) != OK || uri.scheme != SIP_SCHEME_SIP)
        return false;
    if (s->redirect_same_user && !slice_eq(uri.user, own->uri.user))
        return false;
    return sip_has(own, SIP_H_ROUTE) ||
           addr_from_host(uri.host, uri.port ? uri.port : 5060, &to) == OK;
}

/* q in thousandths; 1 when it is not said (RFC 3261 10.2.1.2 leaves it open). */
static uint32_t q_of(struct slice params)
{
    struct slice value;
    uint32_t q = 0, unit = 100;

    if (!sip_param_get(params, SLICE("q"), &value) || !value.len)
        return 1000;
    if (value.p[0] == '1')
        return 1000;
    for (uint32_t i = 2; i < value.len && unit; i++, unit /= 10)
        if (value.p[i] >= '0' && value.p[i] <= '9')
            q += (uint32_t)(value.p[i] - '0') * unit;
    return q;
}

struct target {
    struct slice uri;
    uint32_t q;
};

/* The usable Contacts of a 3xx, highest q first, those of one q in their order. */
static uint32_t targets_of(const struct sip_session *s, const struct sip_msg *m,
                           struct target targets[WAITING_MAX])
{
    struct sip_nameaddr na;
    struct sip_iter it;
    struct slice item;
    uint32_t n = 0;

    sip_iter_init(&it, m, SIP_H_CONTACT);
    while (n < WAITING_MAX && sip_iter_next(&it, &item)) {
        uint32_t at = n, q;

        if (sip_nameaddr_parse(item, &na) != OK || !is_usable(s, na.uri_text))
            continue;
        q = q_of(na.params);
        for (; at && targets[at - 1].q < q; at--)
            targets[at] = targets[at - 1];
        targets[at] = (struct target){na.uri_text, q};
        n++;
    }
    return n;
}

/* Before those that wait already: what the last one says is the nearer. One a line. */
static void take_contacts(struct sip_session *s, const struct sip_msg *m)
{
    struct target targets[WAITING_MAX];
    uint32_t n = targets_of(s, m, targets);
    char text[2000];
    struct buf b = buf_on(text, sizeof text);

    for (uint32_t i = 0; i < n; i++) {
        if (targets[i].uri.len > sizeof text - b.len - 1 || !is_new(s, targets[i].uri))
            continue;
        buf_put(&b, targets[i].uri);
        buf_putc(&b, '\n');
    }
    if (b.len + sip_buf_slice(s->redirect_targets).len <= sizeof text)
        buf_put(&b, sip_buf_slice(s->redirect_targets));
    sip_buf_drop(s->ua, &s->redirect_targets);
    if (b.len)
        s->redirect_targets = sip_buf_of(s->ua, buf_slice(&b));
}

static bool next_target(struct sip_session *s, char *uri, size_t cap)
{
    struct slice all = sip_buf_slice(s->redirect_targets), first, rest;

    if (!all.len)
        return false;
    slice_cut(all, '\n', &first, &rest);
    slice_copy(first, uri, cap);
    memmove(s->redirect_targets->data, rest.p, rest.len);
    s->redirect_targets->len = rest.len;
    return true;
}

/* The dialog's target is what the Request-URI says; its names stay, a route that an early dialog
 * learned does not. */
static bool aim(struct sip_session *s, const char *uri, struct slice route, struct sip_path *path)
{
    struct sip_dialog texts = s->first;
    struct sip_uri parsed;

    texts.target = slice_cstr(uri);
    texts.routes = route;
    texts.remote_tag = SLICE_NONE;
    if (sip_uri_parse(texts.target, &parsed) != OK || sip_dialog_keep(&s->first, &texts) != OK)
        return false;
    *path = sip_dialog_path(&s->first); /* of TLS: the same server again, which is told the URI */
    if (!addr_eq_host(&path->addr, &s->peer.addr))
        sip_buf_drop(s->ua, &s->credentials);
    s->peer = *path;
    return true;
}

void sip_redirect_init(struct sip_session *s, const struct sip_invite *p)
{
    uint8_t most = p->redirects;

    s->redirect_same_user = p->redirect_same_user;
    s->redirects_left = most < SIP_REDIRECTS_MAX ? most : SIP_REDIRECTS_MAX;
    if (most)
        is_new(s, s->first.target);
}

struct sip_tx *sip_redirect(struct sip_session *s, struct sip_tx *tx, uint16_t status,
                            const struct sip_msg *m)
{
    struct sip_msg *own = &s->ua->own;
    struct sip_path path;
    struct slice route;
    struct sip_tx *next;
    char uri[512];

    if (!s->redirects_left || status >= 600 || !tx->text ||
        sip_parse(own, tx->text->data, tx->text->len) != OK)
        return NULL;
    route = sip_get(own, SIP_H_ROUTE);
    if (m && status / 100 == 3)
        take_contacts(s, m);
    while (s->redirects_left && next_target(s, uri, sizeof uri)) {
        s->redirects_left--;
        if (aim(s, uri, route, &path) &&
            (next = sip_client_elsewhere(tx, &s->first.local_cseq, s->first.target, &path))) {
            s->ua->stats.redirected++;
            return next;
        }
    }
    return NULL;
}
