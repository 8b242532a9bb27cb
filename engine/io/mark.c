/* DSCP marks: two socket options, and the names that RFC 2474, 2597, 3246 and 5865 gave them. */
#include "io/mark.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

void mark_socket(int fd, uint16_t family, uint8_t dscp)
{
    const int octet = dscp << 2; /* the two low bits are ECN's (RFC 3168) */

    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &octet, sizeof(octet));
    else
        setsockopt(fd, IPPROTO_IP, IP_TOS, &octet, sizeof(octet));
}

static bool digit(struct slice text, uint32_t at, char least, char most, uint8_t *out)
{
    if (at >= text.len || text.p[at] < least || text.p[at] > most)
        return false;
    *out = (uint8_t)(text.p[at] - '0');
    return true;
}

enum err mark_parse(struct slice text, uint8_t *dscp)
{
    static const struct {
        const char *name;
        uint8_t dscp;
    } names[] = {{"ef", 46}, {"voice-admit", 44}, {"default", 0}};
    struct slice head = slice_of(text.p, text.len < 2 ? text.len : 2);
    uint8_t class, drop;
    uint64_t n;

    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_ieq(text, slice_cstr(names[i].name))) {
            *dscp = names[i].dscp;
            return OK;
        }
    if (text.len == 3 && slice_ieq(head, SLICE("cs")) && digit(text, 2, '0', '7', &class)) {
        *dscp = (uint8_t)(class * 8);
        return OK;
    }
    if (text.len == 4 && slice_ieq(head, SLICE("af")) && digit(text, 2, '1', '4', &class) &&
        digit(text, 3, '1', '3', &drop)) {
        *dscp = (uint8_t)(class * 8 + drop * 2);
        return OK;
    }
    if (slice_u64(text, MARK_DSCP_MAX, &n) != OK)
        return ERR_INVALID;
    *dscp = (uint8_t)n;
    return OK;
}
