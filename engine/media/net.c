/* See net.h. RFC 791 (3.2: reassembly), RFC 8200 (4.5), IEEE 802.1Q. A fragment that
 * overlaps another replaces nothing: what was there first stays (RFC 5722 would drop the datagram;
 * a capture has to show what it has). */
#include "media/net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_NULL     0u
#define LINK_ETHERNET 1u
#define LINK_RAW_BSD  12u
#define LINK_RAW_BSDI 14u
#define LINK_RAW      101u
#define LINK_LOOP     108u
#define LINK_SLL      113u
#define LINK_IPV4     228u
#define LINK_IPV6     229u
#define LINK_SLL2     276u

#define ETHER_IPV4 0x0800u
#define ETHER_IPV6 0x86ddu
#define ETHER_VLAN 0x8100u
#define ETHER_QINQ 0x88a8u
#define VLANS_MAX  2
#define HOPS_MAX   8 /* IPv6 extension headers looked through */

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

#define DATAGRAM_MAX 65535u
#define UNITS        (DATAGRAM_MAX / 8 + 1) /* fragments lie on borders of 8 bytes */

struct bytes {
    const uint8_t *p;
    size_t len;
};

struct ip { /* one IP packet, or one fragment of it */
    uint8_t source[16], destination[16], family, protocol;
    uint32_t id;
    size_t offset; /* of the fragment in the datagram */
    bool fragment, more;
    struct bytes body;
};

struct net_partial {
    struct ip key;
    uint64_t begun_us;
    size_t total; /* 0: the last fragment has not come */
    size_t have;  /* units of 8 bytes, and of the last what there is */
    uint8_t got[UNITS / 8 + 1];
    uint8_t data[DATAGRAM_MAX + 8];
};

static uint32_t big16(const uint8_t *p)
{
    return (uint32_t)(p[0] << 8 | p[1]);
}

static uint32_t big32(const uint8_t *p)
{
    return big16(p) << 16 | big16(p + 2);
}

enum err net_open(struct net *n, const uint8_t *p, size_t len)
{
    memset(n, 0, sizeof(*n));
    arena_init(&n->copies, NET_COPIES_MAX);
    return capture_open(&n->capture, p, len);
}

void net_close(struct net *n)
{
    for (int i = 0; i < NET_PARTIAL_MAX; i++)
        free(n->partial[i]);
    arena_fini(&n->copies);
    memset(n, 0, sizeof(*n));
}

const char *net_end_format(const struct capture_end *e, char *dst, size_t cap)
{
    char host[INET6_ADDRSTRLEN] = "?";

    inet_ntop(e->family == 6 ? AF_INET6 : AF_INET, e->ip, host, sizeof host);
    snprintf(dst, cap, e->family == 6 ? "[%s]:%u" : "%s:%u", host, e->port);
    return dst;
}

/* ---- IP ---- */

/* What is wrong with a packet is counted by its reader; both give false. */
static bool broken(struct net *n)
{
    if (n->count.broken++ == 0)
        n->count.first_broken = n->capture.packets;
    return false;
}

static bool read_ipv4(struct net *n, struct bytes b, struct ip *out)
{
    if (b.len < 20)
        return broken(n);
    size_t header = (size_t)(b.p[0] & 15) * 4, total = big16(b.p + 2);
    uint32_t flags = big16(b.p + 6);

    if (header < 20 || total < header || total > b.len)
        return broken(n);
    *out = (struct ip){.family = 4, .protocol = b.p[9], .id = big16(b.p + 4)};
    memcpy(out->source, b.p + 12, 4);
    memcpy(out->destination, b.p + 16, 4);
    out->offset = (size_t)(flags & 0x1fffu) * 8;
    out->more = flags & 0x2000u;
    out->fragment = out->more || out->offset;
    out->body = (struct bytes){b.p + header, total - header};
    return true;
}

static bool read_ipv6(struct net *n, struct bytes b, struct ip *out)
{
    if (b.len < 40 || big16(b.p + 4) > b.len - 40)
        return broken(n);
    struct bytes rest = {b.p + 40, big16(b.p + 4)};
    uint8_t next = b.p[6];

    *out = (struct ip){.family = 6};
    memcpy(out->source, b.p + 8, 16);
    memcpy(out->destination, b.p + 24, 16);
    for (int i = 0; i < HOPS_MAX; i++) {
        bool is_fragment = next == 44;

        if (!is_fragment && next != 0 && next != 43 && next != 60)
            break;
        if (rest.len < 8)
            return broken(n);
        size_t header = is_fragment ? 8 : ((size_t)rest.p[1] + 1) * 8;

        if (header > rest.len)
            return broken(n);
        if (is_fragment) {
            out->offset = big16(rest.p + 2) & 0xfff8u;
            out->more = rest.p[3] & 1;
            out->fragment = out->more || out->offset;
            out->id = big32(rest.p + 4);
        }
        next = rest.p[0];
        rest.p += header;
        rest.len -= header;
        if (out->fragment)
            break; /* what follows belongs to the whole */
    }
    out->protocol = next;
    out->body = rest;
    return true;
}

static bool read_ip(struct net *n, struct bytes b, struct ip *out)
{
    if (b.len == 0)
        return broken(n);
    if (b.p[0] >> 4 == 4)
        return read_ipv4(n, b, out);
    if (b.p[0] >> 4 == 6)
        return read_ipv6(n, b, out);
    n->count.other++;
    return false;
}

/* ---- links ---- */

static bool read_ether_type(struct net *n, uint32_t type, struct bytes b, struct ip *out)
{
    for (int i = 0; i < VLANS_MAX && (type == ETHER_VLAN || type == ETHER_QINQ); i++) {
        if (b.len < 4)
            return broken(n);
        type = big16(b.p + 2);
        b = (struct bytes){b.p + 4, b.len - 4};
    }
    if (type == ETHER_IPV4 || type == ETHER_IPV6)
        return read_ip(n, b, out);
    n->count.other++;
    return false;
}

static bool behind(struct net *n, const struct capture_frame *f, size_t header, struct bytes *out)
{
    if (f->len < header)
        return broken(n);
    *out = (struct bytes){f->data + header, f->len - header};
    return true;
}

static bool read_frame(struct net *n, const struct capture_frame *f, struct ip *out)
{
    struct bytes b;

    switch (f->link) {
    case LINK_ETHERNET:
        return behind(n, f, 14, &b) && read_ether_type(n, big16(f->data + 12), b, out);
    case LINK_SLL:
        return behind(n, f, 16, &b) && read_ether_type(n, big16(f->data + 14), b, out);
    case LINK_SLL2:
        return behind(n, f, 20, &b) && read_ether_type(n, big16(f->data), b, out);
    case LINK_NULL: /* an address family whose number differs by system: the IP version tells */
    case LINK_LOOP:
        return behind(n, f, 4, &b) && read_ip(n, b, out);
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_RAW_BSDI:
    case LINK_IPV4:
    case LINK_IPV6:
        return behind(n, f, 0, &b) && read_ip(n, b, out);
    default:
        if (n->count.strange_link++ == 0)
            n->count.first_strange_link = f->number;
        return false;
    }
}

/* ---- fragments ---- */

static bool same_datagram(const struct ip *a, const struct ip *b)
{
    /* IPv6's fragments name the protocol only in the first one; the id tells enough. */
    return a->family == b->family && a->id == b->id &&
           (a->family == 6 || a->protocol == b->protocol) &&
           memcmp(a->source, b->source, 16) == 0 && memcmp(a->destination, b->destination, 16) == 0;
}

static void give_up(struct net *n, int at)
{
    free(n->partial[at]);
    n->partial[at] = NULL;
    n->count.incomplete++;
}

static int partial_of(struct net *n, const struct ip *ip, uint64_t now_us)
{
    int place = -1;

    for (int i = 0; i < NET_PARTIAL_MAX; i++) {
        if (n->partial[i] && now_us - n->partial[i]->begun_us > NET_PARTIAL_US &&
            now_us > n->partial[i]->begun_us)
            give_up(n, i);
        if (n->partial[i] && same_datagram(&n->partial[i]->key, ip))
            return i;
        if (!n->partial[i] && place < 0)
            place = i;
    }
    if (place >= 0)
        n->partial[place] = calloc(1, sizeof **n->partial);
    if (place < 0 || !n->partial[place]) {
        n->count.refused++;
        return -1;
    }
    n->partial[place]->key = *ip;
    n->partial[place]->begun_us = now_us;
    return place;
}

static void keep_fragment(struct net_partial *p, const struct ip *ip)
{
    for (size_t at = 0; at < ip->body.len; at += 8) {
        size_t unit = (ip->offset + at) / 8, len = ip->body.len - at < 8 ? ip->body.len - at : 8;

        if (p->got[unit / 8] & 1u << unit % 8)
            continue;
        p->got[unit / 8] |= (uint8_t)(1u << unit % 8);
        memcpy(p->data + ip->offset + at, ip->body.p + at, len);
        p->have += len;
    }
    if (ip->offset == 0)
        p->key.protocol = ip->protocol;
    if (!ip->more)
        p->total = ip->offset + ip->body.len;
}

/* True: *ip is the whole datagram now. */
static bool put_together(struct net *n, struct ip *ip, uint64_t now_us)
{
    if (!ip->fragment)
        return true;
    n->count.fragments++;
    if (ip->offset + ip->body.len > DATAGRAM_MAX || (ip->more && ip->body.len % 8) ||
        ip->body.len == 0)
        return broken(n);
    int at = partial_of(n, ip, now_us);

    if (at < 0)
        return false;
    struct net_partial *p = n->partial[at];

    keep_fragment(p, ip);
    if (p->total == 0 || p->have < p->total)
        return false;
    uint8_t *copy = arena_get(&n->copies, p->total);

    if (copy) {
        memcpy(copy, p->data, p->total);
        ip->protocol = p->key.protocol;
        ip->body = (struct bytes){copy, p->total};
    } else {
        n->count.refused++;
    }
    free(p);
    n->partial[at] = NULL;
    return copy != NULL;
}

/* ---- UDP and TCP ---- */

static bool read_udp(struct net *n, const struct ip *ip, struct net_packet *out)
{
    size_t len = ip->body.len >= 8 ? big16(ip->body.p + 4) : 0;

    if (len < 8 || len > ip->body.len)
        return broken(n);
    n->count.udp++;
    out->data = ip->body.p + 8;
    out->len = len - 8;
    return true;
}

static bool read_tcp(struct net *n, const struct ip *ip, struct net_packet *out)
{
    size_t header = ip->body.len >= 20 ? (size_t)(ip->body.p[12] >> 4) * 4 : 0;

    if (header < 20 || header > ip->body.len)
        return broken(n);
    n->count.tcp++;
    out->tcp = true;
    out->seq = big32(ip->body.p + 4);
    out->fin = ip->body.p[13] & 1;
    out->syn = ip->body.p[13] & 2;
    out->rst = ip->body.p[13] & 4;
    out->data = ip->body.p + header;
    out->len = ip->body.len - header;
    return true;
}

static bool read_transport(struct net *n, const struct ip *ip, struct net_packet *out)
{
    if (ip->protocol != PROTOCOL_UDP && ip->protocol != PROTOCOL_TCP) {
        n->count.other++;
        return false;
    }
    if (!(ip->protocol == PROTOCOL_UDP ? read_udp(n, ip, out) : read_tcp(n, ip, out)))
        return false;
    out->from.family = out->to.family = ip->family;
    memcpy(out->from.ip, ip->source, 16);
    memcpy(out->to.ip, ip->destination, 16);
    out->from.port = (uint16_t)big16(ip->body.p);
    out->to.port = (uint16_t)big16(ip->body.p + 2);
    return true;
}

bool net_next(struct net *n, struct net_packet *out)
{
    struct capture_frame f;
    struct ip ip;

    while (capture_next_frame(&n->capture, &f)) {
        n->count.frames++;
        if (f.cut) {
            if (n->count.cut++ == 0)
                n->count.first_cut = f.number;
            continue;
        }
        *out = (struct net_packet){.number = f.number, .at_us = f.at_us};
        if (read_frame(n, &f, &ip) && put_together(n, &ip, f.at_us) && read_transport(n, &ip, out))
            return true;
    }
    for (int i = 0; i < NET_PARTIAL_MAX; i++)
        if (n->partial[i])
            give_up(n, i);
    return false;
}
