/* Far sides behind a NAT. Their Contact is an address that only their own network knows, so what is
 * sent within a dialog goes to where their messages come from (as RFC 3581 does for responses). A
 * path that is symmetric stays, and follows the far side when its NAT gives it another port.
 *
 * Found out by itself when nothing stands between (no Record-Route) and the Contact is a private
 * address while the source is not; on a private network all are reachable as they say. */
#include "sip/core.h"

static bool is_private4(const struct addr *a)
{
    uint32_t n = ntohl(a->in4.sin_addr.s_addr);

    return n >> 24 == 10 || n >> 20 == 0xac1 || n >> 16 == 0xc0a8 || /* RFC 1918 */
           n >> 22 == 0x191 ||                                       /* RFC 6598: 100.64/10 */
           n >> 16 == 0xa9fe;                                        /* RFC 3927 */
}

static bool is_private6(const struct addr *a)
{
    const uint8_t *b = a->in6.sin6_addr.s6_addr;

    return (b[0] & 0xfe) == 0xfc || IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr); /* RFC 4193 */
}

static bool is_private(const struct addr *a)
{
    return a->sa.sa_family == AF_INET6 ? is_private6(a) : is_private4(a);
}

static bool hides(const struct sip_path *from, const struct sip_msg *m)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    struct addr contact;

    if (sip_has(m, SIP_H_RECORD_ROUTE) || sip_get_contact(m, &na, &uri) != OK || na.is_star ||
        addr_from_host(uri.host, 0, &contact) != OK)
        return false;
    return is_private(&contact) && !is_private(&from->addr);
}

void sip_nat_judge(struct sip_session *s, const struct sip_msg *m)
{
    if (s->nat == SIP_NAT_YES)
        s->peer.symmetric = !sip_has(m, SIP_H_RECORD_ROUTE);
    else if (s->nat == SIP_NAT_AUTO && hides(&s->peer, m))
        s->peer.symmetric = true;
}

void sip_nat_follow(struct sip_session *s, const struct sip_path *from)
{
    if (!s->peer.symmetric || from->tcp != s->peer.tcp || from->tls != s->peer.tls ||
        addr_eq(&from->addr, &s->peer.addr))
        return;
    s->ua->stats.nat_moves++;
    s->peer.addr = from->addr;
    s->peer.home = from->home;
    s->peer.accepted = from->accepted;
    s->alive_waits = false; /* what went to the old one is not waited for (alive.c) */
}
