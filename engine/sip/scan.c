/* The scanner's table and its longer functions. */
#include "sip/scan.h"

#include <arpa/inet.h>

/* One row holds sixteen characters; the bits are SIP_C_… of scan.h. */
const uint8_t sip_class[256] = {
    /* clang-format off */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    128, 123, 0, 18, 122, 123, 122, 123, 122, 122, 123, 123, 34, 127, 127, 90,
    127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 88, 10, 0, 122, 0, 82,
    16, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127,
    127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 88, 16, 88, 16, 127,
    17, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127,
    127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 16, 16, 16, 123, 0,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    /* clang-format on */
};

int sip_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sip_take_number(struct sip_scan *s, uint64_t max, uint64_t *out)
{
    const char *from = s->p;
    uint64_t v = 0;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        v = v * 10 + (uint64_t)(*s->p - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return s->p > from;
}

bool sip_take_quoted(struct sip_scan *s, struct slice *out)
{
    const char *from = s->p++;
    for (; s->p < s->end; s->p++) {
        if (*s->p == '\\' && s->p + 1 < s->end) {
            s->p++;
        } else if (*s->p == '"') {
            s->p++;
            *out = slice_of(from, (size_t)(s->p - from));
            return true;
        }
    }
    return false;
}

static bool take_ipv6(struct sip_scan *s, struct slice *host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    const char *close = memchr(s->p, ']', (size_t)(s->end - s->p));
    size_t len = close ? (size_t)(close - s->p) - 1 : 0;
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, s->p + 1, len);
    text[len] = 0;
    if (strlen(text) != len || inet_pton(AF_INET6, text, &addr) != 1)
        return false;
    *host = slice_of(s->p + 1, len);
    s->p = close + 1;
    return true;
}

bool sip_take_hostport(struct sip_scan *s, bool ws, struct slice *host, bool *is_ipv6,
                       uint16_t *port)
{
    *is_ipv6 = sip_at(s, '[');
    *port = 0;
    if (*is_ipv6) {
        if (!take_ipv6(s, host))
            return false;
    } else {
        *host = sip_take(s, SIP_C_HOST);
        if (host->len == 0)
            return false;
    }
    if (ws)
        sip_skip_ws(s);
    if (!sip_at(s, ':'))
        return true;
    s->p++;
    if (ws)
        sip_skip_ws(s);
    uint64_t number;
    if (!sip_take_number(s, UINT16_MAX, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

int sip_take_param(struct sip_scan *s, struct slice *name, struct slice *value)
{
    sip_skip_ws(s);
    if (s->p == s->end || *s->p == ',')
        return 0;
    if (*s->p++ != ';')
        return -1;
    sip_skip_ws(s);
    *name = sip_take(s, SIP_C_TOKEN);
    *value = SLICE_NONE;
    if (name->len == 0)
        return -1;
    sip_skip_ws(s);
    if (!sip_at(s, '='))
        return 1;
    s->p++;
    sip_skip_ws(s);
    if (sip_at(s, '"'))
        return sip_take_quoted(s, value) ? 1 : -1;
    *value = sip_take(s, SIP_C_VALUE);
    return value->len ? 1 : -1;
}
