/* Dialogs (RFC 3261 12): the names of both ends, where the next request goes and by which route.
 *
 * All texts of a dialog are copied together into its own room; what is longer goes into one pooled
 * buffer. Nothing refers to a message after it was handled. */
#include "sip/core.h"

#define ROUTES_MAX 24 /* hops; a longer Record-Route is refused */

void sip_dialog_init(struct sip_dialog *d, struct sip_ua *ua, const struct sip_path *peer)
{
    list_node_init(&d->of_session);
    d->ua = ua;
    d->peer = peer;
}

void sip_dialog_fini(struct sip_dialog *d)
{
    list_remove(&d->of_session);
    sip_buf_drop(d->ua, &d->more);
}

static void take(struct slice *to, struct slice from, char **at)
{
    if (from.len)
        memcpy(*at, from.p, from.len);
    *to = slice_of(*at, from.len);
    *at += from.len;
}

enum err sip_dialog_keep(struct sip_dialog *d, const struct sip_dialog *from)
{
    const struct slice all[] = {from->call_id,    from->local,  from->remote, from->local_tag,
                                from->remote_tag, from->target, from->routes};
    struct slice *const into[] = {&d->call_id,    &d->local,  &d->remote, &d->local_tag,
                                  &d->remote_tag, &d->target, &d->routes};
    char flat[SIP_UA_MESSAGE_MAX], *at = flat;
    struct slice copies[7];
    struct sip_buf *more = NULL;
    size_t total = 0;

    for (int i = 0; i < 7; i++)
        total += all[i].len;
    if (total > sizeof flat) {
        d->ua->stats.too_long++;
        return ERR_TOO_LONG;
    }
    for (int i = 0; i < 7; i++) /* through a third place, for `from` may be in d's own room */
        take(&copies[i], all[i], &at);
    if (total > sizeof d->text) {
        more = sip_buf_of(d->ua, slice_of(flat, total));
        if (!more)
            return ERR_FULL;
    }
    at = more ? more->data : d->text;
    for (int i = 0; i < 7; i++)
        take(into[i], copies[i], &at);
    sip_buf_drop(d->ua, &d->more);
    d->more = more;
    return OK;
}

/* All Record-Route elements, reversed for a UAC, as one comma list. */
static enum err route_set(const struct sip_msg *m, bool reversed, struct buf *b)
{
    struct slice hops[ROUTES_MAX], hop;
    struct sip_iter it;
    int n = 0;

    sip_iter_init(&it, m, SIP_H_RECORD_ROUTE);
    while (sip_iter_next(&it, &hop)) {
        if (n == ROUTES_MAX)
            return ERR_TOO_LONG;
        hops[n++] = hop;
    }
    for (int i = 0; i < n; i++) {
        if (i)
            buf_puts(b, ", ");
        buf_put(b, hops[reversed ? n - 1 - i : i]);
    }
    return buf_end(b);
}

static struct slice contact_of(const struct sip_msg *m)
{
    struct sip_nameaddr na;
    struct sip_uri uri;

    if (sip_get_contact(m, &na, &uri) != OK || na.is_star || uri.scheme == SIP_SCHEME_OTHER)
        return SLICE_NONE;
    return na.uri_text;
}

enum err sip_dialog_from_response(struct sip_dialog *d, const struct sip_msg *m)
{
    char routes[2048];
    struct buf b = buf_on(routes, sizeof routes);
    struct slice target = contact_of(m);
    struct sip_dialog texts = *d;

    if (route_set(m, true, &b) != OK) {
        d->ua->stats.too_long++;
        return ERR_TOO_LONG;
    }
    if (target.len)
        texts.target = target;
    /* Before any Record-Route could be seen, a preloaded route stays: a 1xx need not copy them. */
    if (b.len || m->status >= 200 || sip_has(m, SIP_H_RECORD_ROUTE))
        texts.routes = buf_slice(&b);
    texts.remote = sip_get(m, SIP_H_TO);
    texts.remote_tag = m->to.tag;
    if (slice_eq(texts.remote_tag, d->remote_tag) && slice_eq(texts.target, d->target) &&
        slice_eq(texts.routes, d->routes))
        return OK;
    return sip_dialog_keep(d, &texts);
}

enum err sip_dialog_from_request(struct sip_dialog *d, const struct sip_msg *m, struct slice tag)
{
    char routes[2048], local[1024];
    struct buf b = buf_on(routes, sizeof routes), l = buf_on(local, sizeof local);
    struct sip_dialog texts = {.call_id = m->call_id,
                               .remote = sip_get(m, SIP_H_FROM),
                               .remote_tag = m->from.tag,
                               .local_tag = tag,
                               .target = contact_of(m)};

    buf_put(&l, sip_get(m, SIP_H_TO));
    buf_puts(&l, ";tag=");
    buf_put(&l, tag);
    if (route_set(m, false, &b) != OK || buf_end(&l) != OK) {
        d->ua->stats.too_long++;
        return ERR_TOO_LONG;
    }
    if (!texts.target.len)
        return ERR_INVALID;
    texts.local = buf_slice(&l);
    texts.routes = buf_slice(&b);
    d->remote_cseq = m->cseq.number;
    d->has_remote_cseq = true;
    return sip_dialog_keep(d, &texts);
}

enum err sip_dialog_retarget(struct sip_dialog *d, const struct sip_msg *m)
{
    struct sip_dialog texts = *d;

    texts.target = contact_of(m);
    if (!texts.target.len || slice_eq(texts.target, d->target))
        return OK;
    return sip_dialog_keep(d, &texts);
}

/* The first hop of the route set; false: there is none. */
static bool first_route(const struct sip_dialog *d, struct sip_uri *uri, struct slice *rest)
{
    struct sip_nameaddr na;
    struct slice item;

    *rest = d->routes;
    return sip_list_next(rest, &item) && sip_nameaddr_parse(item, &na) == OK &&
           sip_uri_parse(na.uri_text, uri) == OK;
}

/* What began over TLS stays on its connection, whatever a Contact says: keys are in what follows,
 * and the one we asked for its certificate is there. What is symmetric stays where it comes from.
 * But a connection that the far side opened cannot be opened by us when it is gone. */
static bool stays(const struct sip_dialog *d, const struct sip_path *path)
{
    const struct sip_wire *w = d->ua->wire;

    if (!path->tls && !path->symmetric)
        return false;
    return !path->accepted || !w->alive || w->alive(d->ua->wire_arg, path);
}

struct sip_path sip_dialog_path(const struct sip_dialog *d)
{
    struct sip_path path = *d->peer;
    struct sip_uri uri;
    struct slice rest, transport = SLICE_NONE;
    struct addr to;

    if (stays(d, &path))
        return path;
    if (!first_route(d, &uri, &rest) && sip_uri_parse(d->target, &uri) != OK)
        return path;
    bool named = sip_uri_param(&uri, SLICE("transport"), &transport);
    bool tls = d->ua->tls &&
               (uri.scheme == SIP_SCHEME_SIPS || (named && slice_ieq(transport, SLICE("tls"))));

    if (path.tls && !tls)
        return path; /* never in clear */
    if (addr_from_host(uri.host, uri.port ? uri.port : tls ? 5061 : 5060, &to) != OK)
        return path; /* a name: no DNS here, the first hop knows the way */
    if (tls)
        path.tcp = path.tls = true;
    else if (named)
        path.tcp = d->ua->tcp && slice_ieq(transport, SLICE("tcp"));
    else if (!addr_eq_host(&to, &path.addr))
        path.tcp = false;
    path.accepted = path.accepted && addr_eq(&to, &path.addr);
    path.addr = to;
    return path;
}

void sip_dialog_write(struct sip_dialog *d, struct buf *b, enum sip_method method, uint32_t cseq,
                      const char branch[SIP_BRANCH_LEN], const struct sip_path *way)
{
    struct slice name = sip_method_name(method), rest;
    struct sip_uri hop;
    bool routed = d->routes.len && first_route(d, &hop, &rest);
    bool strict = routed && !sip_uri_is_loose(&hop);

    if (strict) { /* RFC 3261 12.2.1.1: a strict router wants itself in the Request-URI */
        char uri[512];
        struct buf u = buf_on(uri, sizeof uri);
        sip_uri_write_request(&u, &hop);
        sip_write_request(b, name, buf_slice(&u));
    } else {
        sip_write_request(b, name, d->target);
    }
    sip_write_own_via(d->ua, b, way, slice_of(branch, SIP_BRANCH_LEN));
    if (strict) {
        buf_puts(b, "Route: ");
        while (rest.len && (rest.p[0] == ',' || rest.p[0] == ' '))
            rest = slice_from(rest, 1);
        buf_put(b, rest);
        buf_puts(b, rest.len ? ", <" : "<");
        buf_put(b, d->target);
        buf_puts(b, ">\r\n");
    } else if (d->routes.len) {
        sip_write_header(b, SIP_H_ROUTE, d->routes);
    }
    buf_puts(b, "Max-Forwards: 70\r\n");
    sip_write_header(b, SIP_H_FROM, d->local);
    sip_write_header(b, SIP_H_TO, d->remote);
    sip_write_header(b, SIP_H_CALL_ID, d->call_id);
    sip_write_cseq(b, cseq, name);
    if (method != SIP_ACK)
        sip_write_common(d->ua, b);
}

bool sip_dialog_in_order(struct sip_dialog *d, uint32_t cseq)
{
    if (d->has_remote_cseq && cseq < d->remote_cseq)
        return false;
    d->remote_cseq = cseq;
    d->has_remote_cseq = true;
    return true;
}
