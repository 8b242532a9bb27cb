/* Addresses as text and back, numbers only. */
#include "io/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

/* "fe80::1%eth0" or "%2": the zone of a link-local address, RFC 4007 section 11. */
static enum err parse_zone(struct slice zone, struct addr *out)
{
    char name[IF_NAMESIZE];
    uint32_t index;

    if (!slice_u32(zone, &index) && index) {
        out->in6.sin6_scope_id = index;
        return OK;
    }
    if (zone.len == 0 || memchr(zone.p, 0, zone.len) || slice_copy(zone, name, sizeof(name)))
        return ERR_INVALID;
    out->in6.sin6_scope_id = if_nametoindex(name);
    return out->in6.sin6_scope_id ? OK : ERR_INVALID;
}

enum err addr_from_host(struct slice host, uint16_t port, struct addr *out)
{
    char text[INET6_ADDRSTRLEN];
    struct slice plain = host, zone = SLICE_NONE;

    memset(out, 0, sizeof(*out));
    if (host.len >= 2 && host.p[0] == '[') {
        if (host.p[host.len - 1] != ']')
            return ERR_INVALID;
        plain = slice_of(host.p + 1, host.len - 2);
    }
    bool brackets = plain.p != host.p;
    bool zoned = slice_cut(plain, '%', &plain, &zone);

    if (plain.len == 0 || memchr(plain.p, 0, plain.len) || slice_copy(plain, text, sizeof(text)))
        return ERR_INVALID;
    if (!brackets && !zoned && inet_pton(AF_INET, text, &out->in4.sin_addr) == 1) {
        out->in4.sin_family = AF_INET;
        out->in4.sin_port = htons(port);
        return OK;
    }
    if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) != 1)
        return ERR_INVALID;
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(port);
    if (zoned && parse_zone(zone, out)) {
        memset(out, 0, sizeof(*out));
        return ERR_INVALID;
    }
    return OK;
}

enum err addr_parse(struct slice text, uint16_t default_port, struct addr *out)
{
    struct slice host = text, port_text;
    uint64_t port = default_port;
    bool has_port = false;

    memset(out, 0, sizeof(*out));
    if (text.len && text.p[0] == '[') {
        int32_t end = slice_find(text, ']');

        if (end < 0)
            return ERR_INVALID;
        host = slice_of(text.p, (uint32_t)end + 1);
        port_text = slice_from(text, (uint32_t)end + 1);
        if (port_text.len) {
            if (port_text.p[0] != ':')
                return ERR_INVALID;
            port_text = slice_from(port_text, 1);
            has_port = true;
        }
    } else {
        has_port = slice_cut(text, ':', &host, &port_text);
        if (has_port && slice_find(port_text, ':') >= 0) { /* bare IPv6, no port possible */
            host = text;
            has_port = false;
        }
    }
    if (has_port && slice_u64(port_text, UINT16_MAX, &port))
        return ERR_INVALID;
    return addr_from_host(host, (uint16_t)port, out);
}

void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET) {
        memcpy(&out->in4, sa, sizeof(out->in4));
        memset(out->in4.sin_zero, 0, sizeof(out->in4.sin_zero));
    } else if (sa->sa_family == AF_INET6) {
        memcpy(&out->in6, sa, sizeof(out->in6));
        out->in6.sin6_flowinfo = 0;
    }
}

socklen_t addr_len(const struct addr *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in4);
}

uint16_t addr_port(const struct addr *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET6)
        a->in6.sin6_port = htons(port);
    else
        a->in4.sin_port = htons(port);
}

bool addr_is_set(const struct addr *a)
{
    return a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6;
}

bool addr_is_any(const struct addr *a)
{
    if (a->sa.sa_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
    return a->in4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_eq_host(a, b) && addr_port(a) == addr_port(b);
}

bool addr_eq_host(const struct addr *a, const struct addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET6)
        return a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
    return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
}

/* As inet_ntop, which goes through printf: every response of SIP has one of these. */
static void format_ipv4(const struct in_addr *in, char *dst, size_t cap)
{
    unsigned char part[4];
    char text[INET_ADDRSTRLEN];
    size_t n = 0;

    memcpy(part, in, sizeof(part));
    for (int i = 0; i < 4; i++) {
        if (part[i] >= 100)
            text[n++] = (char)('0' + part[i] / 100);
        if (part[i] >= 10)
            text[n++] = (char)('0' + part[i] / 10 % 10);
        text[n++] = (char)('0' + part[i] % 10);
        text[n++] = i < 3 ? '.' : 0;
    }
    if (n <= cap)
        memcpy(dst, text, n);
}

const char *addr_format_host(const struct addr *a, char *dst, size_t cap)
{
    if (cap == 0)
        return dst;
    dst[0] = 0;
    if (a->sa.sa_family == AF_INET)
        format_ipv4(&a->in4.sin_addr, dst, cap);
    else if (a->sa.sa_family == AF_INET6 &&
             inet_ntop(AF_INET6, &a->in6.sin6_addr, dst, (socklen_t)cap) && a->in6.sin6_scope_id) {
        size_t used = strlen(dst);

        snprintf(dst + used, cap - used, "%%%u", a->in6.sin6_scope_id);
    }
    return dst;
}

const char *addr_format(const struct addr *a, char *dst, size_t cap)
{
    char host[ADDR_TEXT_MAX];

    addr_format_host(a, host, sizeof(host));
    if (!addr_is_set(a))
        snprintf(dst, cap, "unset");
    else
        snprintf(dst, cap, a->sa.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, addr_port(a));
    return dst;
}
