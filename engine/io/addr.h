/* An IPv4 or IPv6 address with a port; comparable by bytes after addr_init-style construction
 * (unused bytes are zero). */
#ifndef PEAL_IO_ADDR_H
#define PEAL_IO_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/slice.h"

#define ADDR_TEXT_MAX 64 /* "[ipv6%scope]:65535" and the NUL */

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    };
};

/* "127.0.0.1:5060", "[::1]:5060", "127.0.0.1" (then default_port). Numbers only, no DNS. */
enum err addr_parse(struct slice text, uint16_t default_port, struct addr *out);
/* From a host without brackets or with, and a port. */
enum err addr_from_host(struct slice host, uint16_t port, struct addr *out);
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);

socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_is_set(const struct addr *a);
bool addr_is_any(const struct addr *a); /* 0.0.0.0 or :: */
bool addr_eq(const struct addr *a, const struct addr *b);      /* address and port */
bool addr_eq_host(const struct addr *a, const struct addr *b); /* address alone */

/* "127.0.0.1:5060" or "[::1]:5060"; returns dst. cap at least ADDR_TEXT_MAX. */
const char *addr_format(const struct addr *a, char *dst, size_t cap);
/* Address alone, no brackets, as SDP wants it. */
const char *addr_format_host(const struct addr *a, char *dst, size_t cap);

#endif
